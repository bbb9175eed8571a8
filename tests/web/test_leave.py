"""The link for leaving as mail programs, scanners and people use it: RFC 8058, standards S1 to S5, group C."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db.models import AuditEvent, ConsentEvent, Notice, Subscription
from balintmail.domain import tokens
from balintmail.domain.states import ConsentAction, SubscriptionState
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import lists, subscriptions
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.subscriptions import Joining

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ON, OFF, PAUSED = SubscriptionState.SUBSCRIBED, SubscriptionState.UNSUBSCRIBED, SubscriptionState.PAUSED
SCANNERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SafeLinks", "Mimecast/1.0", "Barracuda Sentinel", "GoogleImageProxy",
    "BingPreview/1.0b", "curl/8.5", "", "facebookexternalhit/1.1", "Proofpoint URL Defense", "Slackbot-LinkExpanding",
)  # fmt: skip


@pytest.fixture
def maria(client: TestClient, context: Context) -> int:
    """Somebody who is on two lists."""
    lists.add(context, "courses", lists.Manners(name="Weekends and courses"))
    for slug in ("newsletter", "courses"):
        person = subscriptions.subscribe(context, ["maria@example.org"], Joining(list_slug=slug, name="Maria Example"))
    return person[0].person or 0


@pytest.fixture
def path(context: Context, maria: int) -> str:
    return "/leave/" + tokens.make(TokenClaims(Purpose.LEAVE, maria, 1), context.keyring.tokens)


def states(context: Context, person: int) -> list[SubscriptionState]:
    with context.db.read() as tx:
        rows = sa.select(Subscription.state).where(Subscription.person_id == person).order_by(Subscription.list_id)
        return list(tx.scalars(rows))


def counted(context: Context) -> tuple[int, int]:
    with context.db.read() as tx:
        gone = sa.select(sa.func.count()).where(ConsentEvent.action == ConsentAction.WITHDREW)
        lines = sa.select(sa.func.count()).where(AuditEvent.action == "unsubscribed")
        return tx.scalar(gone) or 0, tx.scalar(lines) or 0


MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    'multipart/form-data; boundary="x"',
)
URLENCODED = (b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")


@pytest.mark.parametrize(("body", "kind"), [URLENCODED, MULTIPART], ids=["urlencoded", "multipart"])
def test_one_click_by_a_bare_client_S4(
    client: TestClient, context: Context, maria: int, path: str, body: bytes, kind: str
) -> None:
    for _ in range(2):  # the second time nothing more happens
        answer = client.post(path, content=body, headers={"content-type": kind})
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert states(context, maria) == [OFF, ON]
    assert counted(context) == (1, 1)


def test_get_and_head_change_nothing_whoever_asks_S5_C14_D8(
    client: TestClient, context: Context, maria: int, path: str
) -> None:
    for number in range(100):
        agent = {"user-agent": SCANNERS[number % len(SCANNERS)]}
        answer = client.get(path, headers=agent) if number % 2 else client.head(path, headers=agent)
        assert answer.status_code == 200
    assert states(context, maria) == [ON, ON]
    assert counted(context) == (0, 0)


def test_options_tells_the_methods_and_changes_nothing_C15(
    client: TestClient, context: Context, maria: int, path: str
) -> None:
    answer = client.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert states(context, maria) == [ON, ON]


def test_the_page_has_one_filled_button_that_posts_and_masks_the_address_S5(client: TestClient, path: str) -> None:
    page = client.get(path).text
    assert "m•••••@example.org" in page
    assert "maria@" not in page
    assert "Maria Example" not in page
    filled = [button for button in re.findall(r"<button[^>]*>", page) if "second" not in button]
    assert filled == ['<button type="submit" name="do" value="leave">']


def test_the_button_leaves_and_says_what_is_left(client: TestClient, context: Context, maria: int, path: str) -> None:
    page = client.post(path, data={"do": "leave"})
    assert page.status_code == 200
    assert "You have left the newsletter" in page.text
    assert "Weekends and courses" in page.text
    assert states(context, maria) == [OFF, ON]
    assert "You have left the newsletter" in client.get(path).text  # and so it stays, whenever it is opened


Spoil = Callable[[str], str]
SPOILED: dict[str, Spoil] = {
    "C1": lambda path: path[:-1],
    "C2": lambda path: path[:-3] + ("b" if path[-3] != "b" else "c") + path[-2:],
    "C9": lambda path: path + "=",
    "C10": lambda path: path + "a" * 2000,
    "empty": lambda path: "/leave/",
    "slash": lambda path: path + "/",
    "dot": lambda path: path + "/../x",
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_link_gets_a_kind_page_and_changes_nothing(
    client: TestClient, context: Context, maria: int, path: str, name: str
) -> None:
    spoiled = SPOILED[name](path)
    for answer in (client.get(spoiled), client.post(spoiled, data=ONE_CLICK)):
        assert answer.status_code == 404
        assert "The link may be incomplete" in answer.text
    assert states(context, maria) == [ON, ON]


@pytest.mark.parametrize("purpose", [each for each in Purpose if each is not Purpose.LEAVE])
def test_token_of_another_purpose_leaves_nothing_C3(
    client: TestClient, context: Context, maria: int, purpose: Purpose
) -> None:
    token = tokens.make(TokenClaims(purpose, maria, 1), context.keyring.tokens)
    assert client.post(f"/leave/{token}", data=ONE_CLICK).status_code == 404
    assert states(context, maria) == [ON, ON]


def test_token_of_another_person_leaves_for_that_one_alone_C4(client: TestClient, context: Context, maria: int) -> None:
    other = subscriptions.subscribe(context, ["other@example.org"], Joining())[0].person or 0
    token = tokens.make(TokenClaims(Purpose.LEAVE, other, 1), context.keyring.tokens)
    client.post(f"/leave/{token}", data=ONE_CLICK)
    assert (states(context, maria), states(context, other)) == ([ON, ON], [OFF])


@pytest.mark.parametrize("query", ["?b=2&a=1", "?List-Unsubscribe=One-Click", "?person=1&person=2", "?lang=hu&lang=de"])
def test_what_stands_behind_the_question_mark_decides_nothing_C7_C8(
    client: TestClient, context: Context, maria: int, path: str, query: str
) -> None:
    assert client.get(path + query).status_code == 200
    assert states(context, maria) == [ON, ON]
    assert client.post(path + query, data=ONE_CLICK).status_code == 200
    assert states(context, maria) == [OFF, ON]


def test_field_said_twice_leaves_once_C8(client: TestClient, context: Context, maria: int, path: str) -> None:
    body = b"List-Unsubscribe=One-Click&List-Unsubscribe=One-Click&x=1"
    answer = client.post(path, content=body, headers={"content-type": URLENCODED[1]})
    assert answer.status_code == 200
    assert counted(context) == (1, 1)


def test_leaving_after_an_erasure_is_answered_C12(client: TestClient, context: Context, maria: int, path: str) -> None:
    erase(context, maria)
    assert "You are on no list here" in client.get(path).text
    assert client.post(path, data=ONE_CLICK).status_code == 200
    assert client.post(path, data={"do": "leave"}).status_code == 200


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "text/html", "image/png", "nonsense", "a/b; c=\x00"]
)
def test_post_of_another_type_is_refused_C16(
    client: TestClient, context: Context, maria: int, path: str, kind: str
) -> None:
    answer = client.post(path, content=URLENCODED[0], headers={"content-type": kind})
    assert answer.status_code == 415
    assert states(context, maria) == [ON, ON]


@pytest.mark.parametrize("origin", ["https://evil.example.net", "null", "https://mail.example.com"])
def test_foreign_origin_may_leave_because_the_link_is_the_right_C17(
    client: TestClient, context: Context, maria: int, path: str, origin: str
) -> None:
    answer = client.post(path, data=ONE_CLICK, headers={"origin": origin, "sec-fetch-site": "cross-site"})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers
    assert states(context, maria) == [OFF, ON]


def test_cookies_of_an_officer_add_nothing_C18(client: TestClient, context: Context, maria: int, path: str) -> None:
    cookies = {"cookie": "__Host-session=abc; session=admin"}
    assert "maria@" not in client.get(path, headers=cookies).text
    assert client.post("/leave/abc", data=ONE_CLICK, headers=cookies).status_code == 404
    assert states(context, maria) == [ON, ON]


@pytest.mark.parametrize(
    "body", [b"", b"List-Unsubscribe=", b"List-Unsubscribe=No", b"x=1", b"One-Click", b"do=", b"do=x"]
)
def test_post_without_a_word_shows_the_button_and_changes_nothing_C19(
    client: TestClient, context: Context, maria: int, path: str, body: bytes
) -> None:
    answer = client.post(path, content=body, headers={"content-type": URLENCODED[1]})
    assert answer.status_code == 400
    assert "Leave the newsletter" in answer.text
    assert states(context, maria) == [ON, ON]


def test_method_override_changes_nothing_D17(client: TestClient, context: Context, maria: int, path: str) -> None:
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        client.get(path, headers={name: "POST"})
    assert client.get(f"{path}?_method=POST&List-Unsubscribe=One-Click").status_code == 200
    assert client.put(path).status_code == 405
    assert states(context, maria) == [ON, ON]


def test_pause_until_a_day(client: TestClient, context: Context, maria: int, path: str) -> None:
    page = client.post(path, data={"do": "instead", "instead": "pause", "until": "2027-03-01"})
    assert "Until 1 March 2027 nothing of it goes to" in page.text
    assert states(context, maria) == [PAUSED, ON]
    assert "It is paused until 1 March 2027." in client.get(path).text


@pytest.mark.parametrize("until", ["", "1 March", "2026-11-21", "2020-01-01", "9999-99-99", "2027-02-30", "0"])
def test_pause_until_no_day_keeps_what_was_typed(
    client: TestClient, context: Context, maria: int, path: str, until: str
) -> None:
    page = client.post(path, data={"do": "instead", "instead": "pause", "until": until})
    assert page.status_code == 422
    assert page.text.count("Enter a day between tomorrow and two years from now") == 2  # summary and field
    assert 'href="#f-until"' in page.text
    assert (
        'id="f-instead-pause" name="instead" type="radio" value="pause" aria-describedby="h-instead-pause" checked'
        in (page.text)
    )
    assert states(context, maria) == [ON, ON]


def test_fewer_lists_and_none_at_all(client: TestClient, context: Context, maria: int, path: str) -> None:
    page = client.post(path, data={"do": "instead", "instead": "some"})
    assert (page.status_code, page.text.count("Tick at least one list to leave")) == (422, 2)
    page = client.post(path, data={"do": "instead", "instead": "some", "list": ["courses"]})
    assert "You have left “Weekends and courses”" in page.text
    assert states(context, maria) == [ON, OFF]
    subscriptions.subscribe(context, ["maria@example.org"], Joining(list_slug="courses"))
    page = client.post(path, data={"do": "instead", "instead": "all"})
    assert "You have left “Newsletter” and “Weekends and courses”" in page.text
    assert states(context, maria) == [OFF, OFF]


def test_change_without_a_choice_names_it(client: TestClient, path: str) -> None:
    page = client.post(path, data={"do": "instead"})
    assert page.status_code == 422
    assert 'href="#f-instead"' in page.text


def test_another_address_goes_by_the_present_one_alone(
    client: TestClient, context: Context, maria: int, path: str
) -> None:
    page = client.post(path, data={"do": "instead", "instead": "address", "address": "evil@example.net"})
    assert "A link is on its way to" in page.text
    with context.db.read() as tx:
        notice = tx.execute(sa.select(Notice.template, Notice.address, Notice.person_id)).one()
    assert tuple(notice) == ("preferences_link", "maria@example.org", maria)


def test_reason_is_kept_once_and_escaped_D1(client: TestClient, context: Context, maria: int, path: str) -> None:
    client.post(path, data={"do": "leave"})
    page = client.post(path, data={"do": "why", "why": "too_many", "reason": "<script>alert(1)</script>"})
    assert "The Secretary will read it" in page.text
    assert "<script" not in page.text
    client.post(path, data={"do": "why", "reason": "again"})
    with context.db.read() as tx:
        words = list(tx.scalars(sa.select(ConsentEvent.words).order_by(ConsentEvent.id.desc()).limit(2)))
    assert words == [
        "Too many mails\n<script>alert(1)</script>", "left on the page that the letter's link opens",
    ]  # fmt: skip


def test_reason_that_cannot_be_kept_comes_back_with_its_text(client: TestClient, path: str) -> None:
    client.post(path, data={"do": "leave"})
    page = client.post(path, data={"do": "why", "reason": "x" * 1000})
    assert page.status_code == 422
    assert 'href="#f-reason"' in page.text
    assert "x" * 1000 in page.text


@pytest.mark.parametrize("keeps", [False, True])
def test_network_address_is_on_record_only_if_the_society_keeps_it_S42(
    context: Context, maria: int, path: str, keeps: bool
) -> None:
    from dataclasses import replace

    from balintmail.web.app import make_app

    joining = context.settings.joining.model_copy(update={"keep_network": keeps})
    ctx = replace(context, settings=context.settings.model_copy(update={"joining": joining}))
    with TestClient(make_app(ctx), base_url="https://balint.example.org", client=("192.0.2.7", 1)) as client:
        client.post(path, data={"do": "leave"})
    with context.db.read() as tx:
        evidence = tx.scalar(sa.select(ConsentEvent.evidence).where(ConsentEvent.action == ConsentAction.WITHDREW))
    assert evidence == {"form": "leave 1", "zone": "Europe/London"} | ({"network": "192.0.2.7"} if keeps else {})


@pytest.mark.parametrize("language", ["en", "de", "fr", "hu"])
def test_every_page_of_leaving_in_every_language(
    client: TestClient, context: Context, maria: int, path: str, language: str
) -> None:
    said = {"accept-language": language}
    steps = [
        {"do": "instead", "instead": "pause", "until": "2027-03-01"},
        {"do": "instead", "instead": "address"},
        {"do": "instead"},
        {"do": "leave"},
        {"do": "why", "why": "stopped"},
        {"do": "instead", "instead": "all"},
    ]
    assert client.get(path, headers=said).status_code == 200
    for step in steps:
        page = client.post(path, data=step, headers=said)
        assert page.status_code in {200, 422}
        assert f'<html lang="{language}"' in page.text
