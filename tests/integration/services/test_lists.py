"""Mailing lists: what is kept, what no header can hold, what never changes."""

from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db import lists
from balintmail.db.models import Mailing
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.states import MailingKind, MailingState, Policy
from balintmail.errors import Conflict, NotFound
from balintmail.services.context import Context
from balintmail.services.lists import Manners, add, archive, edit, sender, unarchive
from tests.support import society

BREAKS = {
    "A1": "x\r\nBcc: y@example.org",
    "A2": "x\nBcc: y@example.org",
    "A3": "x\rBcc: y@example.org",
    "A4": "x\n y",
    "A7": "=?utf-8?q?a?=\r\n =?utf-8?q?b?=",
    "A9": "x\x0by",
    "A10": "x\x0cy",
    "A11": "x\x1cy",
    "A12": "x\x85y",
    "A13": "x\u2028y",
    "A14": "x\u2029y",
    "A15": "x\0y",
    "A16": "x\ud800y",
    "A19": "x" * 10_000,
    "A20": "x" * 998,
}


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


@pytest.mark.parametrize("case", BREAKS)
def test_text_that_could_split_a_header_is_refused_A(ctx: Context, case: str) -> None:
    for field in ("name", "purpose", "from_name", "standing_words"):
        manners: dict[str, Any] = {field: BREAKS[case]}
        with pytest.raises(TextRefused):
            edit(ctx, "newsletter", Manners(**manners))
        with pytest.raises(TextRefused):
            add(ctx, "other", Manners(**manners))


@pytest.mark.parametrize("field", ["from_address", "reply_to"])
@pytest.mark.parametrize(
    "text", ["a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "пример@example.org", "x"]
)
def test_sender_that_is_no_single_plain_address_is_refused_A_B2_B5(ctx: Context, field: str, text: str) -> None:
    manners: dict[str, Any] = {field: text}
    with pytest.raises(TextRefused):
        edit(ctx, "newsletter", Manners(**manners))


@pytest.mark.parametrize(
    "text", ["x\r\ny.example.org", "<a b.example.org>", "one", "a..b", "é.example.org", "x" * 260 + ".org"]
)
def test_list_id_that_is_none_is_refused_A(ctx: Context, text: str) -> None:
    with pytest.raises(TextRefused):
        add(ctx, "other", Manners(), text)


@pytest.mark.parametrize("slug", ["", "News", "a b", "a/b", "../x", "-a", "a-", "12", "a" * 41, "é", "a\n", "a\0"])
def test_slug_that_no_web_address_can_hold_is_refused(ctx: Context, slug: str) -> None:
    with pytest.raises(TextRefused):
        add(ctx, slug, Manners())


def test_invisible_letters_are_taken_out_of_names_A17_A18_A21_A26(ctx: Context) -> None:
    edit(ctx, "newsletter", Manners(name=" \ufeffThe\u200b \u202eNews\u00a0 letter "))
    with ctx.db.read() as tx:
        row = lists.by_slug(tx, "newsletter")
    assert row is not None
    assert row.name == "The News letter"
    with pytest.raises(TextRefused):
        edit(ctx, "newsletter", Manners(name="  \u200b "))


def test_add_keeps_everything_and_makes_the_list_id_from_the_site(ctx: Context) -> None:
    footer = "Line one\r\nLine two\n"
    row = add(
        ctx,
        "journal",
        Manners(
            "The Journal", "Once a year", Policy.CLOSED, "de", "Desk", "desk@példa.example.org", "", footer, "signed up"
        ),
    )
    assert (row.list_id, row.policy, row.footer) == ("journal.balint.example.org", Policy.CLOSED, "Line one\nLine two")
    assert (row.from_address, row.standing_words, row.is_default) == ("desk@példa.example.org", "signed up", False)
    assert add(ctx, "old", Manners(), "<Old.Lists.example.net>").list_id == "Old.Lists.example.net"
    with pytest.raises(Conflict):
        add(ctx, "older", Manners(), "Old.Lists.example.net")
    with pytest.raises(Conflict):
        add(ctx, "journal", Manners())


def test_list_id_and_slug_stay_when_everything_else_changes_S8(ctx: Context) -> None:
    edit(ctx, "newsletter", Manners(name="Something else", from_address="x@elsewhere.example.net"))
    with ctx.db.read() as tx:
        row = lists.by_slug(tx, "newsletter")
    assert row is not None
    assert row.list_id == "newsletter.balint.example.org"
    with ctx.db.write() as tx, pytest.raises(ValueError, match="never change"):
        lists.update(tx, 1, {"list_id": "x"})


def test_one_list_is_the_default(ctx: Context) -> None:
    add(ctx, "journal", Manners(is_default=True))
    with ctx.db.read() as tx:
        assert [row.is_default for row in lists.every(tx)] == [False, True]
    assert edit(ctx, "newsletter", Manners(is_default=True)) == ["is default"]
    with ctx.db.read() as tx:
        assert [row.is_default for row in lists.every(tx)] == [True, False]
    with pytest.raises(Conflict):
        archive(ctx, "newsletter")


def test_list_with_an_unfinished_mailing_is_not_archived_J6(ctx: Context) -> None:
    row = add(ctx, "journal", Manners())
    with ctx.db.write() as tx:
        tx.execute(
            sa.insert(Mailing).values(
                list_id=row.id,
                kind=MailingKind.NEWSLETTER,
                number="1",
                title="x",
                state=MailingState.SENDING,
                content_hash="",
                created_at=ctx.clock.now(),
            )
        )
    with pytest.raises(Conflict, match="not finished"):
        archive(ctx, "journal")
    with ctx.db.write() as tx:
        tx.execute(sa.update(Mailing).values(state=MailingState.SENT))
    assert archive(ctx, "journal")
    assert not archive(ctx, "journal")
    with pytest.raises(Conflict):
        edit(ctx, "journal", Manners(name="x"))
    assert unarchive(ctx, "journal")
    assert not unarchive(ctx, "journal")


def test_unknown_list_names_the_nearest(ctx: Context) -> None:
    with pytest.raises(NotFound) as missing:
        edit(ctx, "newsleter", Manners(name="x"))
    assert missing.value.hint == "Nearest: newsletter"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Desk <desk@example.org>", ("Desk", "desk@example.org")),
        ('"The Desk, London" <desk@example.org>', ("The Desk, London", "desk@example.org")),
        (" desk@example.org ", ("", "desk@example.org")),
        ("", ("", "")),
    ],
)
def test_sender_is_a_name_and_an_address(text: str, parts: tuple[str, str]) -> None:
    assert sender(text) == parts
