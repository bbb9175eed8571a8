"""The page that releases a newsletter which came by mail: D8, H23, group C, and nothing leaves without the number."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db import officers
from balintmail.db.models import AuditEvent, Draft, Mailing
from balintmail.domain.states import MailingKind, MailingState, Role
from balintmail.services import draft_release, drafts
from balintmail.services.context import Context
from balintmail.services.freeze import start_due
from tests.conftest import MovableClock
from tests.support import mailing_in, society
from tests.support.mailing_in import BODY, comes, mail, mailings, rows


@pytest.fixture
def ctx(client: TestClient, context: Context) -> Context:
    """The society of the site, with an editor, two readers, and an address for drafts."""
    return mailing_in.joined(context)


@pytest.fixture
def path(ctx: Context) -> str:
    comes(ctx)
    return mailing_in.path(ctx)


def buttons(page: Any) -> list[str]:
    return re.findall(r"<button[^>]*>([^<]+)</button>", page.text)


def test_page_shows_letter_check_and_whom_it_reaches(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    for words in ("Groups this winter", "Newsletter, as newsletter/1", "2 people", "three new groups begin in January"):
        assert words in page.text, words
    assert "<p>Dear Enid,</p>" in page.text
    assert buttons(page) == ["Release newsletter/1", "Send me a test", "Drop the draft"]
    assert page.headers["cache-control"] == "no-store"
    assert "noindex" in page.headers["x-robots-tag"]
    links = re.findall(r"https://balint\.example\.org(/leave/[a-z2-7]+|/preferences/[a-z2-7]+)", page.text)
    assert links
    for link in links:
        assert client.get(link).status_code == 404, "a link in the preview opens something"


def test_scanner_that_follows_every_link_releases_nothing_D8(client: TestClient, ctx: Context, path: str) -> None:
    for where in (path, f"{path}/test", f"{path}/drop", f"{path}/back"):
        for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
            client.request(method, where, headers={"x-http-method-override": "POST", "user-agent": "SafeLinks"})
    assert mailings(ctx) == []
    assert rows(ctx)[0].closed_at is None


@pytest.mark.parametrize(
    "typed", ["", "3", "02", "two", "2 2", "²", "-2", "+2", "2e0", "٢", "2" * 5000, "2\0", "\u202e2"]
)
def test_nothing_is_released_without_the_number_of_people(
    client: TestClient, ctx: Context, path: str, typed: str
) -> None:
    page = client.post(path, data={"people": typed})
    assert page.status_code == 422
    assert '<a href="#f-people">' in page.text
    assert mailings(ctx) == []


@pytest.mark.parametrize("typed", ["2", " 2 ", "2.", "\u00a02"])
def test_number_releases_the_newsletter_which_waits_its_time(
    client: TestClient, ctx: Context, path: str, typed: str
) -> None:
    page = client.post(path, data={"people": typed})
    assert (page.status_code, "<h1>Released</h1>" in page.text, buttons(page)) == (200, True, ["Take it back"])
    (mailing,) = mailings(ctx)
    assert (mailing.kind, mailing.state, mailing.number) == (MailingKind.NEWSLETTER, MailingState.SCHEDULED, "1")
    assert mailing.released_by == "Enid Example"
    assert mailing.start_at == ctx.clock.now() + ctx.settings.send.hold
    assert rows(ctx)[0].mailing_id == mailing.id


def test_number_may_be_typed_as_it_is_shown_with_its_separators() -> None:
    for shown in ("1,204", "1.204", "1 204", "1\u202f204", "1’204", "1'204"):
        assert draft_release.typed_number(shown) == "1204"


def test_released_twice_is_sent_once(client: TestClient, ctx: Context, path: str) -> None:
    for _ in range(3):
        page = client.post(path, data={"people": "2"})
        assert "<h1>Released</h1>" in page.text
    assert len(mailings(ctx)) == 1


def test_second_draft_under_a_number_that_waits_does_not_take_its_place(
    client: TestClient, ctx: Context, path: str
) -> None:
    comes(ctx, mail("Something else.\n"))
    second = mailing_in.path(ctx)
    client.post(path, data={"people": "2"})
    (before,) = mailings(ctx)
    page = client.post(second, data={"people": "2"})
    assert (page.status_code, "was released already" in page.text) == (409, True)
    assert [one.content_hash for one in mailings(ctx)] == [before.content_hash]


def test_taken_back_it_can_be_released_again(client: TestClient, ctx: Context, path: str) -> None:
    client.post(path, data={"people": "2"})
    page = client.post(f"{path}/back")
    assert "<h1>Taken back</h1>" in page.text
    assert [one.state for one in mailings(ctx)] == [MailingState.DRAFT]
    assert "Release newsletter/1" in client.get(path).text
    assert "<h1>Released</h1>" in client.post(path, data={"people": "2"}).text
    assert [one.state for one in mailings(ctx)] == [MailingState.SCHEDULED]


def test_what_has_begun_is_not_taken_back(client: TestClient, ctx: Context, path: str, clock: MovableClock) -> None:
    client.post(path, data={"people": "2"})
    clock.forward(timedelta(minutes=10))
    start_due(ctx, only=None)
    page = client.post(f"{path}/back")
    assert ("<h1>It is being sent</h1>" in page.text, buttons(page)) == (True, [])
    assert [one.state for one in mailings(ctx)] == [MailingState.SENDING]
    for state, words in ((MailingState.PAUSED, "It is paused"), (MailingState.SENT, "It was sent")):
        with ctx.db.write() as tx:
            tx.execute(sa.update(Mailing).values(state=state))
        assert f"<h1>{words}</h1>" in client.get(path).text


def test_test_goes_to_the_secretary_alone_and_so_often_a_day(
    client: TestClient, ctx: Context, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draft_release, "TESTS_A_DAY", 2)
    for _ in range(2):
        page = client.post(f"{path}/test")
        assert f"It goes to {society.SECRETARY} alone" in page.text
    page = client.post(f"{path}/test")
    assert (page.status_code, "often enough for today" in page.text) == (409, True)
    assert [(one.kind, one.audience) for one in mailings(ctx)] == [(MailingKind.TEST, 1)] * 2
    assert rows(ctx)[0].closed_at is None


def test_dropped_it_is_gone_for_good(client: TestClient, ctx: Context, path: str) -> None:
    assert "<h1>Dropped</h1>" in client.post(f"{path}/drop").text
    for answer in (client.get(path), client.post(path, data={"people": "2"}), client.post(f"{path}/drop")):
        assert answer.status_code == 410
    assert (mailings(ctx), client.post(f"{path}/test").status_code) == ([], 410)
    with ctx.db.read() as tx:
        assert "draft dropped" in tx.scalars(sa.select(AuditEvent.action)).all()


def test_link_ends_with_its_time_C5(client: TestClient, ctx: Context, path: str, clock: MovableClock) -> None:
    clock.forward(drafts.KEPT)
    assert client.get(path).status_code == 410
    assert client.post(path, data={"people": "2"}).status_code == 410
    assert mailings(ctx) == []


def test_link_of_a_former_secretary_shows_and_releases_nothing(client: TestClient, ctx: Context, path: str) -> None:
    with ctx.db.write() as tx:
        secretary = officers.secretary(tx)
        assert secretary is not None
        officers.dismiss(tx, secretary.person_id)
        new = society.enter(ctx, tx, "New Hand", "new@example.org")
        officers.appoint(tx, new, Role.SECRETARY, now=ctx.clock.now())
    posted = [client.post(path + below, data={"people": "2"}) for below in ("", "/test", "/drop", "/back")]
    for answer in (client.get(path), *posted):
        assert (answer.status_code, "Groups this winter" in answer.text) == (403, False)
    assert client.get(f"{path}/pictures/x").status_code == 404
    assert (mailings(ctx), rows(ctx)[0].closed_at) == ([], None)


DAMAGED: dict[str, Callable[[str], str]] = {
    "truncated C1": lambda token: token[:-1],
    "bit C2": lambda token: ("b" if token[5] != "b" else "c").join((token[:5], token[6:])),
    "padding C9": lambda token: f"{token}====",
    "long C10": lambda token: token * 40,
    "NUL": lambda _: "%00",
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_damaged_link_releases_nothing_C(client: TestClient, ctx: Context, path: str, damage: str) -> None:
    bad = f"/release/{DAMAGED[damage](path.removeprefix('/release/'))}"
    for answer in (client.get(bad), client.post(bad, data={"people": "2"}), client.post(f"{bad}/drop")):
        assert answer.status_code in {404, 414}
    assert (mailings(ctx), rows(ctx)[0].closed_at) == ([], None)


def test_link_of_one_draft_opens_no_other_and_decides_nothing_else_C3_C4(
    client: TestClient, ctx: Context, path: str
) -> None:
    token = path.removeprefix("/release/")
    for where in (f"/decide/{token}", f"/leave/{token}", f"/confirm/{token}", f"/preferences/{token}"):
        assert client.get(where).status_code in {404, 410}
    comes(ctx, mail("Another.\n"))
    client.post(f"{mailing_in.path(ctx)}/drop")
    assert client.get(path).status_code == 200


def test_link_opens_no_later_draft_of_the_same_number(client: TestClient, ctx: Context, path: str) -> None:
    with ctx.db.write() as tx:
        later = rows(ctx)[0].created_at + timedelta(seconds=1)
        tx.execute(sa.update(Draft).values(created_at=later))  # erased with its editor, and the number given anew
    assert client.get(path).status_code == 410
    assert client.post(path, data={"people": "2"}).status_code == 410
    assert mailings(ctx) == []


def test_letter_with_stops_cannot_be_released(client: TestClient, ctx: Context) -> None:
    comes(ctx, mail("Dear {{ person.fistname }}.\n"))
    path = mailing_in.path(ctx)
    page = client.get(path)
    assert (buttons(page), "fistname" in page.text) == (["Drop the draft"], True)
    page = client.post(path, data={"people": "2"})
    assert (page.status_code, "fistname" in page.text, mailings(ctx)) == (409, True, [])


def test_list_that_reaches_nobody_is_not_released(client: TestClient, context: Context) -> None:
    ctx = mailing_in.joined(context, readers=0)
    comes(ctx)
    page = client.post(mailing_in.path(ctx), data={"people": "0"})
    assert (page.status_code, mailings(ctx)) == (409, [])


HOSTILE = """---
title: '"><script>alert(1)</script>'
number: 7
---

<script>alert(2)</script><img src=x onerror=alert(3)> [x](javascript:alert(4)) [y](https://example.net/"onx=1)

<style>body{display:none}</style> <iframe src=//example.net></iframe>

<form action=/release/x><input name=people></form> </article></main> {% raw %} {{ 7*7 }}
"""


def test_script_in_a_letter_stays_text_D1_D5(client: TestClient, ctx: Context) -> None:
    for text in (HOSTILE, HOSTILE.replace(" {% raw %} {{ 7*7 }}", "").replace("(javascript:alert(4))", "")):
        comes(ctx, mail("See the file.", files={"letter.md": text.encode()}))
        page = client.get(mailing_in.path(ctx))
        assert page.status_code == 200
        for bad in ("<script", "<img", "<style", "<iframe", 'href="javascript:', '"onx'):
            assert bad not in page.text, bad
        assert len(re.findall("<form", page.text)) <= 3
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_pictures_of_a_draft_are_seen_by_whoever_holds_its_link(client: TestClient, ctx: Context) -> None:
    comes(ctx, mailing_in.example())
    path = mailing_in.path(ctx)
    page = client.get(path)
    (source,) = set(re.findall(r'<img src="([^"]+)"', page.text))
    assert source.startswith(f"{path}/pictures/")
    picture = client.get(source)
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.headers["cache-control"] == "no-store"
    assert client.get(f"{path}/pictures/nothing").status_code == 404


def test_parts_for_members_are_shown_and_said_to_be(client: TestClient, ctx: Context) -> None:
    comes(ctx, mail(f"{BODY}\n{{% if person.member %}}\nThe hall is booked.\n{{% endif %}}\n"))
    text = client.get(mailing_in.path(ctx)).text
    assert "The hall is booked." in text
    assert "as a member gets them" in text


@pytest.mark.parametrize("language", ["de", "fr", "hu"])
def test_every_page_speaks_the_officers_language(client: TestClient, ctx: Context, path: str, language: str) -> None:
    for page in (client.get(f"{path}?lang={language}"), client.post(f"{path}?lang={language}", data={"people": "2"})):
        assert f'<html lang="{language}"' in page.text
        assert "Take it back" not in page.text
        assert "Drop the draft" not in page.text
