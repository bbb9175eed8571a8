"""The Secretary's pages behind the links of a mail: one button each, once, for one officer; D1, D8, group C."""

import re
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from balintmail.db import officers
from balintmail.domain.requests import Held
from balintmail.domain.states import RequestState, Role
from balintmail.services import lists, request_errands
from balintmail.services.context import Context
from balintmail.services.requests import confirm
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from tests.support import joining, society


@pytest.fixture
def path(client: TestClient, context: Context) -> str:
    """The page of a request that waits for the Secretary."""
    joining.ask(context)
    confirm(context, joining.token(context))
    return f"/decide/{joining.decision(context)}"


def state(context: Context) -> RequestState:
    found: RequestState = joining.rows(context)[0].state
    return found


def test_each_page_shows_the_request_and_has_one_button(client: TestClient, path: str) -> None:
    for act, words in (("approve", "Approve"), ("decline", "Decline the request")):
        page = client.get(f"{path}/{act}")
        assert page.status_code == 200
        assert re.findall(r"<button[^>]*>([^<]+)</button>", page.text) == [words]
        assert "maria@example.org, confirmed on 21 November 2026" in page.text
        assert "Mária Bálint" in page.text
        assert page.headers["cache-control"] == "no-store"
        assert "noindex" in page.headers["x-robots-tag"]
    assert client.get(path).text == client.get(f"{path}/approve").text.replace(f"{path}/approve?", f"{path}?")


def test_scanner_that_follows_every_link_decides_nothing_D8(client: TestClient, context: Context, path: str) -> None:
    for where in (path, f"{path}/approve", f"{path}/decline"):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            client.request(method, where, headers={"x-http-method-override": "POST", "user-agent": "SafeLinks"})
    assert client.post(path).status_code == 405
    assert state(context) is RequestState.CONFIRMED


def test_approving_says_what_happens_next_and_counts_once_C6(client: TestClient, context: Context, path: str) -> None:
    page = client.post(f"{path}/approve")
    assert (page.status_code, "<h1>Approved</h1>" in page.text, "Enid Example" in page.text) == (200, True, True)
    assert state(context) is RequestState.APPROVED
    assert len(joining.waiting(context, "welcome")) == 1
    for again in (client.post(f"{path}/approve"), client.post(f"{path}/decline"), client.get(path)):
        assert "<h1>Approved</h1>" in again.text
        assert "<button" not in again.text
    assert len(joining.waiting(context, "welcome")) == 1
    assert joining.waiting(context, "declined") == []


def test_declining_takes_a_reason_and_a_note(client: TestClient, context: Context, path: str) -> None:
    page = client.post(f"{path}/decline", data={"reason": "The list is for\r\nleaders.", "note": "asked twice"})
    assert (page.status_code, "<h1>Declined</h1>" in page.text) == (200, True)
    (row,) = joining.rows(context)
    assert (row.state, row.reason, row.note) == (RequestState.DECLINED, "The list is for\nleaders.", "asked twice")
    assert joining.waiting(context, "declined")[0]["facts"]["reason"] == "The list is for\nleaders."


@pytest.mark.parametrize("field", ["reason", "note"])
@pytest.mark.parametrize("text", ["x" * 1001, "a\0b", "a\u2028b"])
def test_odd_reason_is_shown_again_with_its_error_A(
    client: TestClient, context: Context, path: str, field: str, text: str
) -> None:
    page = client.post(f"{path}/decline", data={field: text, "reason" if field == "note" else "note": "kept"})
    assert page.status_code == 422
    assert f'<a href="#f-{field}">' in page.text
    assert "kept</textarea>" in page.text
    assert state(context) is RequestState.CONFIRMED


def test_script_in_reason_and_answers_stays_text_D1(client: TestClient, context: Context) -> None:
    joining.ask(context, name='"><script>alert(1)</script>')
    confirm(context, joining.token(context))
    path = f"/decide/{joining.decision(context)}"
    assert "<script" not in client.get(path).text
    page = client.post(f"{path}/decline", data={"reason": "</textarea><script>" + "x" * 1000})
    assert "<script" not in page.text


DAMAGED: dict[str, Callable[[str], str]] = {
    "truncated C1": lambda token: token[:-1],
    "bit C2": lambda token: ("b" if token[5] != "b" else "c").join((token[:5], token[6:])),
    "padding C9": lambda token: f"{token}====",
    "long C10": lambda token: token * 40,
    "NUL": lambda _: "%00",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_link_gets_a_kind_page_and_decides_nothing_C(
    client: TestClient, context: Context, path: str, damage: str
) -> None:
    bad = f"/decide/{DAMAGED[damage](path.removeprefix('/decide/'))}"
    for answer in (client.get(bad), client.get(f"{bad}/approve"), client.post(f"{bad}/approve")):
        assert answer.status_code in {404, 414}
    assert state(context) is RequestState.CONFIRMED


def test_confirmations_link_decides_nothing_C3(client: TestClient, context: Context, path: str) -> None:
    assert client.post(f"/decide/{joining.token(context)}/approve").status_code == 404
    assert client.post(f"/confirm/{path.removeprefix('/decide/')}").status_code == 404
    assert state(context) is RequestState.CONFIRMED


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example.net"}, {"cookie": "session=admin"}])
def test_cookies_and_origins_give_no_right_and_take_none_C17_C18(
    client: TestClient, context: Context, path: str, headers: dict[str, str]
) -> None:
    assert client.post("/decide/abc/approve", headers=headers).status_code == 404
    assert client.post(f"{path}/approve", headers=headers).status_code == 200


def test_link_of_whoever_held_the_office_before_is_refused(client: TestClient, context: Context, path: str) -> None:
    with context.db.write() as tx:
        secretary = officers.secretary(tx)
        assert secretary is not None
        officers.dismiss(tx, secretary.person_id)
        new = society.enter(context, tx, "New Hand", "new@example.org")
        officers.appoint(tx, new, Role.SECRETARY, now=context.clock.now())
    page = client.get(path)
    assert (page.status_code, "maria@example.org" in page.text) == (403, False)
    assert client.post(f"{path}/approve").status_code == 403
    assert state(context) is RequestState.CONFIRMED


def test_hints_stand_on_the_page_as_sentences(client: TestClient, context: Context) -> None:
    subscribe(context, ["maria@example.org"], Joining(name="Mária Bálint"))
    unsubscribe(context, ["maria@example.org"], Leaving())
    joining.ask(context)
    confirm(context, joining.token(context))
    text = client.get(f"/decide/{joining.decision(context)}").text
    assert "Mária Bálint, maria@example.org, is on the register since 21 November 2026." in text
    assert "Mária Bálint, maria@example.org, left this list on 21 November 2026." in text


def test_held_request_says_why_and_asks_the_address_first(client: TestClient, context: Context) -> None:
    joining.ask(context, suspicion=Held.TRAP)
    request_errands.tidy(context)
    (mail,) = joining.waiting(context, "digest")
    link = re.search(r"/decide/[a-z2-7]+", str(mail["facts"]))
    assert link is not None
    page = client.get(link[0])
    assert "a field that people cannot see was filled in" in page.text
    done = client.post(f"{link[0]}/approve")
    assert "Approved, once the address is confirmed" in done.text
    assert len(joining.waiting(context)) == 1
    assert client.get(link[0]).text.count("<button") == 0


def test_refusal_of_a_decision_is_told_and_the_request_stays(client: TestClient, context: Context) -> None:
    lists.add(context, "courses", lists.Manners())
    joining.ask(context, chosen=("courses",))
    confirm(context, joining.token(context))
    path = f"/decide/{joining.decision(context)}"
    lists.archive(context, "courses")
    page = client.post(f"{path}/approve")
    assert ("It could not be done" in page.text, "archived" in page.text) == (True, True)
    assert state(context) is RequestState.CONFIRMED


@pytest.mark.parametrize("language", ["de", "fr", "hu"])
def test_every_page_speaks_the_officers_language(client: TestClient, path: str, language: str) -> None:
    for where in (path, f"{path}/decline", "/decide/x"):
        page = client.get(f"{where}?lang={language}")
        assert f'<html lang="{language}"' in page.text
        assert "This page stops" not in page.text
