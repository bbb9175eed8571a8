"""The form to join as visitors, programs and attackers use it: groups A to D, D22, S46, and a confirmation's link."""

import itertools
import os
import re
import statistics
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.testclient import TestClient

from balintmail.db import suppressions
from balintmail.db.models import ConsentEvent, JoinRequest, Notice, Person, Subscription
from balintmail.domain.hygiene import JOINERS
from balintmail.domain.states import Policy, RequestState, SubscriptionState
from balintmail.services import lists, offers, snippets
from balintmail.services.context import Context
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from tests.conftest import MovableClock
from tests.support import joining
from tests.support.composing import ODD_TEXTS

PAIRS = 500 if os.environ.get("TORTURE") else 60  # D22 asks for 1,000 samples
SOON = timedelta(seconds=20)  # to fill in a form


def fields(client: TestClient, path: str = "/join") -> dict[str, str]:
    """Return the hidden fields of the form, as a browser sends them."""
    page = client.get(path).text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return dict(hidden)


def fill(
    client: TestClient,
    clock: MovableClock,
    *,
    path: str = "/join/newsletter",
    wait: timedelta = SOON,
    odd: Mapping[str, Any] = MappingProxyType({}),
    **more: Any,
) -> Any:
    """Open the form, take some time, and send it."""
    given = {
        "name": "Mária Bálint",
        "address": "maria@example.org",
        "agree": "yes",
        **fields(client, path),
        **more,
        **odd,
    }
    clock.forward(wait)
    body = urlencode(
        [(key, one) for key, value in given.items() for one in ([value] if isinstance(value, str) else value)]
    )
    return client.post(path, content=body, headers={"content-type": "application/x-www-form-urlencoded"})


def requests_of(context: Context) -> list[Any]:
    with context.db.read() as tx:
        rows = tx.execute(sa.select(JoinRequest).order_by(JoinRequest.id))
        return list(rows)


def notices_of(context: Context, template: str = "confirm") -> list[Mapping[str, Any]]:
    with context.db.read() as tx:
        rows = tx.execute(sa.select(Notice.facts, Notice.address, Notice.due_at).where(Notice.template == template))
        return [dict(row._mapping) for row in rows]


def test_form_is_taken_and_one_confirmation_waits_S46(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    page = fill(client, clock)
    assert page.status_code == 200
    assert "maria@example.org" in page.text
    (row,) = requests_of(context)
    assert (row.email, row.name, row.state, row.how) == (
        "maria@example.org",
        "Mária Bálint",
        RequestState.PENDING,
        "form",
    )
    (notice,) = notices_of(context)
    assert notice["facts"]["lists"] == ["Newsletter"]
    assert notice["facts"]["page"] == "https://balint.example.org/join/newsletter"
    assert "Bálint" not in str(notice["facts"])


def test_every_answer_is_the_same_whether_or_not_the_address_is_known_D22(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    subscribe(context, ["known@example.org"], Joining(name="Mária Bálint"))
    subscribe(context, ["left@example.org"], Joining(name="Mária Bálint"))
    unsubscribe(context, ["left@example.org"], Leaving())
    with context.db.write() as tx:
        suppressions.erase(tx, context.keyring.address_hash("gone@example.org"), actor="x", now=clock.now())
    for policy in (Policy.OPEN, Policy.CONFIRM, Policy.APPROVE):
        lists.edit(context, "newsletter", lists.Manners(policy=policy))
        pages = set()
        for who in ("known", "left", "gone", "nobody"):
            page = fill(client, clock, address=f"{who}@example.org")
            pages.add((page.status_code, page.text.replace(f"{who}@", "X@"), *sorted(page.headers.keys())))
        assert len(pages) == 1


def test_empty_form_names_every_field_twice_and_keeps_nothing(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    lists.add(context, "courses", lists.Manners(name="Weekends"))
    page = fill(client, clock, path="/join", name="", address="", agree="")
    assert page.status_code == 422
    assert "<title>Error:" in page.text
    for name in ("name", "address", "lists", "agree"):
        assert f'<a href="#f-{name}">' in page.text
        assert f'id="e-{name}"' in page.text
        assert f'id="f-{name}"' in page.text
    assert requests_of(context) == []


def test_error_keeps_what_was_typed_and_ticked(client: TestClient, context: Context, clock: MovableClock) -> None:
    lists.add(context, "courses", lists.Manners(name="Weekends"))
    page = fill(client, clock, path="/join", name="Anna O'Neill", address="anna@", lists=["courses"]).text
    assert 'value="Anna O&#39;Neill"' in page
    assert 'value="anna@"' in page
    assert re.search(r'value="courses" checked', page)
    assert not re.search(r'value="newsletter" checked', page)
    assert re.search(r'name="agree" type="checkbox" value="yes" checked', page)


def test_nothing_is_ticked_beforehand(client: TestClient, context: Context) -> None:
    lists.add(context, "courses", lists.Manners(name="Weekends"))
    assert " checked" not in client.get("/join").text


def test_odd_name_is_refused_with_words_or_stands_as_plain_text_A(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    for number, odd in ODD_TEXTS.items():
        text = odd.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        page = fill(client, clock, name=text, address=f"{number}@example.org")
        rows = [row for row in requests_of(context) if row.email == f"{number}@example.org"]
        assert page.status_code in {200, 422}, number
        assert (page.status_code == 200) is bool(rows), number
        assert all(letter.isprintable() or letter in JOINERS for row in rows for letter in row.name), number
        assert all(len(row.name) <= 200 for row in rows), number


def test_odd_answer_is_refused_with_words_or_stands_as_plain_text_A(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    offers.set_questions(context, "newsletter", [{"name": "how", "label": "How?"}])
    for number, odd in ODD_TEXTS.items():
        text = odd.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        page = fill(client, clock, address=f"{number}@example.org", odd={"newsletter.how": text})
        assert page.status_code in {200, 422}, number
    for row in requests_of(context):
        assert all(letter.isprintable() or letter in JOINERS + "\n\t" for letter in row.answers["how"])


REFUSED = (
    "a@b.example,c@d.example", "a@b,c@d",
    "a@b.example>c", "<a@b.example>", "a@b.example\r\nRCPT TO:<x@y.example>", "a@b\0.c",
    '"a@b"@c.example', "a(b)@c.example", "x@y.example)z@w.example", "@c.example", "a@", "a@b", "a@[127.0.0.1]",
    "a@localhost", f"{'a' * 65}@c.example", f"a@{'b.' * 130}example", "a..b@c.example", ".a@c.example", "a%b@c.example",
    "@x.example:a@b.example", "host!a@b.example", "a@xn--zzzzzz-.example", "a b@c.example",
    "javascript:alert(1)", "{{7*7}}",
    "a@example.org " * 30, "\ufeff", "a@b.example\nx", "x" * 5000,
)  # fmt: skip


def test_what_is_no_address_is_refused_beside_its_field_B(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    for address in REFUSED:
        page = fill(client, clock, address=address)
        assert page.status_code == 422, address
        assert '<a href="#f-address">' in page.text
    assert requests_of(context) == []


TAKEN = {
    "  a@example.org ": "a@example.org",
    "B@EXAMPLE.org": "B@example.org",
    "a+tag@example.org": "a+tag@example.org",
    "-oQ/tmp@example.org": "-oQ/tmp@example.org",
    "info@example.org": "info@example.org",
    "a@példa.example.org": "a@példa.example.org",
    "a@xn--plda-bpa.example.org": "a@példa.example.org",
    "用户@example.org": "用户@example.org",
    "o'neill@example.org": "o'neill@example.org",
}


def test_unusual_address_is_taken_as_it_is_B(client: TestClient, context: Context, clock: MovableClock) -> None:
    for typed in TAKEN:
        assert fill(client, clock, address=typed).status_code == 200, typed
    kept = [row.email for row in requests_of(context)]
    assert kept == list(dict.fromkeys(TAKEN.values()))


SCRIPTS = (
    "<script>alert(1)</script>", '" onmouseover="alert(1)', "</title><script>x</script>", "</textarea><b>", "{{7*7}}",
    "{% for x in y %}", "${7*7}", "javascript:alert(1)", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "'--",
)  # fmt: skip


def test_script_in_any_field_stays_text_D1_D2_D3_D4(client: TestClient, context: Context, clock: MovableClock) -> None:
    offers.set_questions(context, "newsletter", [{"name": "how", "label": "How?"}])
    names = ("name", "address", "newsletter.how", "language", "words", "stamp", "lists")
    for text, field in itertools.product(SCRIPTS, names):
        page = fill(client, clock, odd={"agree": "", field: text})
        assert text not in page.text or text in {"'--", "{{7*7}}", "${7*7}", "{% for x in y %}", "javascript:alert(1)"}
        assert "<script" not in page.text
        main = page.text.partition("<main")[2].partition("</main>")[0]
        assert "49" not in re.sub(r'value="[^"]*"', "", main)


def test_script_in_the_letters_to_the_secretary_stays_text_D1(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    fill(client, clock, name="<b>Anna</b> {{7*7}} <i>")
    client.post(f"/confirm/{joining.token(context)}")
    page = client.get(f"/decide/{joining.decision(context)}/approve")
    assert "&lt;b&gt;Anna&lt;/b&gt; {{7*7}} &lt;i&gt;" in page.text


def test_trap_and_haste_answer_the_same_and_wait_for_the_secretary(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    plain = fill(client, clock, address="one@example.org")
    trapped = fill(client, clock, address="two@example.org", website="http://x.example")
    hasty = fill(client, clock, address="six@example.org", wait=timedelta(seconds=1))
    assert plain.text == trapped.text.replace("two@", "one@") == hasty.text.replace("six@", "one@")
    assert [row.held for row in requests_of(context)] == ["", "trap", "quick"]
    assert [mail["address"] for mail in notices_of(context)] == ["one@example.org"]


def test_form_that_is_put_right_at_once_is_no_program(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    wrong = fill(client, clock, address="maria@example", wait=timedelta(seconds=3))
    assert wrong.status_code == 422
    kept = re.search(r'name="stamp" value="([^"]+)"', wrong.text)
    assert kept is not None
    fill(client, clock, stamp=kept[1], wait=timedelta(seconds=1))
    assert [row.held for row in requests_of(context)] == [""]
    assert len(notices_of(context)) == 1


@pytest.mark.parametrize("stamp", ["", "0", "zz.zz", "ffffffff." + "0" * 32, "x" * 5000])
def test_form_without_a_good_stamp_is_shown_again_filled_in_and_nothing_is_kept(
    client: TestClient, context: Context, clock: MovableClock, stamp: str
) -> None:
    page = fill(client, clock, stamp=stamp)
    assert page.status_code == 200
    assert 'value="maria@example.org"' in page.text
    assert "Look over what you entered" in page.text
    assert requests_of(context) == []


def test_form_that_lay_open_for_days_is_shown_again_filled_in(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    page = fill(client, clock, wait=timedelta(days=2))
    assert 'value="maria@example.org"' in page.text
    assert requests_of(context) == []


def test_words_that_change_meanwhile_are_shown_before_anything_is_kept_S42(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    before = fields(client, "/join/newsletter")
    offers.set_wording(context, "newsletter", "en", "I want other mails.")
    page = fill(client, clock, words=before["words"])
    assert "I want other mails." in page.text
    assert requests_of(context) == []
    assert fill(client, clock).status_code == 200
    (row,) = requests_of(context)
    assert (row.words, row.evidence["wording"]) == ("I want other mails.", 1)


def test_usual_words_are_recorded_exactly_as_shown_in_the_visitors_language_S42(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    page = client.get("/join/newsletter?lang=hu").text
    fill(client, clock, path="/join/newsletter?lang=hu")
    (row,) = requests_of(context)
    assert row.words.startswith("Hozzájárulok")
    assert row.words in page
    assert (row.evidence["wording"], row.evidence["wording_language"], row.language) == (0, "hu", "hu")
    assert row.evidence["form"] == "join 1"


def test_closed_and_archived_and_unknown_lists_have_no_form(client: TestClient, context: Context) -> None:
    lists.add(context, "inner", lists.Manners(policy=Policy.CLOSED))
    lists.add(context, "past", lists.Manners())
    lists.archive(context, "past")
    for slug in ("inner", "past", "nothing", "a" * 300, "%00", "..%2f"):
        assert client.get(f"/join/{slug}").status_code == 404
        assert client.post(f"/join/{slug}", data={"name": "x"}).status_code == 404
    assert "inner" not in client.get("/join").text.lower()


def test_page_without_any_list_to_join_says_what_to_do(client: TestClient, context: Context) -> None:
    lists.edit(context, "newsletter", lists.Manners(policy=Policy.CLOSED))
    page = client.get("/join")
    assert (page.status_code, "No list can be joined here" in page.text) == (200, True)
    assert client.post("/join", data={"name": "x"}).status_code == 200


def test_snippet_of_another_site_leads_to_the_form_filled_in_and_keeps_nothing_C17(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    html = snippets.snippet_of(context, "newsletter")
    action = re.search(r'action="https://balint.example.org([^"]+)"', html)
    assert action is not None
    assert "<script" not in html
    origin = {"origin": "https://society.example.net"}
    page = client.post(action[1], data={"name": "Anna", "address": "anna@example.org"}, headers=origin)
    assert (page.status_code, 'value="anna@example.org"' in page.text) == (200, True)
    assert requests_of(context) == []
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    clock.forward(SOON)
    client.post(action[1], data={"name": "Anna", "address": "anna@example.org", "agree": "yes", **hidden})
    assert [row.email for row in requests_of(context)] == ["anna@example.org"]


def test_open_list_takes_an_unknown_address_once_the_page_has_answered(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    lists.edit(context, "newsletter", lists.Manners(policy=Policy.OPEN))
    fill(client, clock)
    with context.db.read() as tx:
        (state,) = tx.scalars(sa.select(Subscription.state))
    assert state is SubscriptionState.SUBSCRIBED


def test_link_of_a_confirmation_changes_nothing_until_its_button_is_pressed_D8(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    lists.edit(context, "newsletter", lists.Manners(policy=Policy.CONFIRM))
    fill(client, clock)
    path = f"/confirm/{joining.token(context)}"
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
        client.request(method, path, headers={"x-http-method-override": "POST"})
    assert client.get(f"{path}?_method=POST").status_code == 200
    assert requests_of(context)[0].state is RequestState.PENDING
    page = client.get(path)
    assert page.text.count("<button") == 1
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    assert "maria@example.org" not in page.text  # nothing that was typed
    assert "Bálint" not in page.text.replace("The Example Balint Society", "")
    done = client.post(path)
    assert (done.status_code, "You are on the list" in done.text) == (200, True)
    assert "set-cookie" not in done.headers
    assert client.post(path).text == done.text  # a double click
    assert client.get(path).status_code == 200
    with context.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent)) == 1


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example.net"}, {"cookie": "session=admin"}, {"content-type": "text/plain"}, {}]
)
def test_confirmation_needs_nothing_but_its_link_C16_C17_C18(
    client: TestClient, context: Context, clock: MovableClock, headers: dict[str, str]
) -> None:
    fill(client, clock)
    page = client.post(f"/confirm/{joining.token(context)}", headers=headers)
    assert page.status_code in {200, 415}
    assert client.get(f"/confirm/{joining.token(context)}").status_code == 200


def test_old_and_broken_links_get_kind_pages_C1_C2_C5_C10(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    fill(client, clock)
    token = joining.token(context)
    for broken in (token[:-1], token + "a", "x", token * 9, "%00", token.replace(token[3], "a", 1) + "2"):
        page = client.get(f"/confirm/{broken}")
        assert page.status_code == 404
        assert "Open it from the mail once more" in page.text or "page" in page.text
    clock.forward(timedelta(days=8))
    page = client.post(f"/confirm/{token}")
    assert (page.status_code, "This link is too old" in page.text, "/join" in page.text) == (410, True, True)
    with context.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Person)) == 1


def test_question_of_a_link_counts_for_nothing_C7_C8(client: TestClient, context: Context, clock: MovableClock) -> None:
    fill(client, clock)
    token = joining.token(context)
    assert client.get(f"/confirm/{token}?lang=de&lang=fr&x=1").status_code == 200
    assert client.get(f"/confirm/{token}?token=other").status_code == 200


def test_form_in_every_language_says_its_errors_in_it(client: TestClient, clock: MovableClock) -> None:
    for language, words in (
        ("de", "Geben Sie Ihren Namen ein"),
        ("fr", "Saisissez votre nom"),
        ("hu", "Írja be a nevét"),
    ):
        page = fill(client, clock, path=f"/join?lang={language}", name="", address="x@example.org")
        assert words in page.text
        assert f'<html lang="{language}"' in page.text


def test_doubled_and_strange_fields_are_taken_calmly_D25(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    page = fill(
        client, clock, name=["Anna", "Bea"], address=["a@example.org", "b@example.org"], other="x", odd={"a.b": "c"}
    )
    assert page.status_code == 200
    (row,) = requests_of(context)
    assert (row.name, row.email, row.answers) == ("Anna", "a@example.org", {})


def test_network_of_a_request_is_counted_for_the_caps(
    app: FastAPI, client: TestClient, context: Context, clock: MovableClock
) -> None:
    for place in range(23):
        near = TestClient(app, base_url="https://balint.example.org", client=(f"192.0.2.{place}", 50000))
        fill(near, clock, address=f"reader{place}@example.org", name=f"Reader {place}", wait=timedelta(seconds=3))
    assert [row.held for row in requests_of(context)] == [""] * 20 + ["network"] * 3


def test_answer_takes_the_same_time_for_known_and_unknown_addresses_D22(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    """Interleaved pairs, and the median of their differences, so that a busy machine is busy for both alike."""
    many = [f"known{number}@example.org" for number in range(PAIRS)]
    subscribe(context, many, Joining())
    hidden = fields(client, "/join/newsletter")
    clock.forward(SOON)
    limits = {"joining": context.settings.joining.model_copy(update={"per_network": 10**6, "per_hour": 10**6})}
    client.app.state.site.ctx = replace(context, settings=context.settings.model_copy(update=limits))  # type: ignore[attr-defined]
    times: dict[str, list[float]] = {"known": [], "other": []}

    def once(kind: str, number: int) -> float:
        data = {"name": "Mária", "address": f"{kind}{number}@example.org", "agree": "yes", **hidden}
        begun = time.perf_counter()
        assert client.post("/join/newsletter", data=data).status_code == 200
        return time.perf_counter() - begun

    for number in range(PAIRS):
        for kind in ("known", "other") if number % 2 else ("other", "known"):
            times[kind].append(once(kind, number))
    differences = [known - other for known, other in zip(times["known"], times["other"], strict=True)]
    usual = statistics.median(times["known"] + times["other"])
    spread = statistics.median(abs(one - statistics.median(differences)) for one in differences)
    assert abs(statistics.median(differences)) < max(0.25 * usual, 3 * spread / len(differences) ** 0.5)
