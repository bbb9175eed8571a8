"""Copies of newsletters and of the Journal: at once to who may have them, else by decision; D1, S46, F9, group C."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db import copies as rows
from balintmail.db import journal_issues as issue_rows
from balintmail.db.models import CopyRequest, Mailing, Notice
from balintmail.db.models_archive import CopyTerms, ReadingLink
from balintmail.db.models_journal import StockMove
from balintmail.domain.address import parse
from balintmail.domain.despatches import StockReason
from balintmail.domain.money import Money
from balintmail.domain.states import CopyState
from balintmail.errors import Conflict, UsageRefused
from balintmail.services import (
    copies,
    copy_answers,
    copy_requests,
    erasure,
    freeze,
    journal_articles,
    journal_issues,
    reading_links,
    release,
    suppressions,
)
from balintmail.services.context import Context
from balintmail.services.copies import Standing, Wish, WishRefused
from balintmail.services.copy_answers import Answer
from balintmail.services.copy_letters import decide_token, quote_token
from balintmail.services.decisions import Way
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.leaving import LinkBroken
from balintmail.services.subscriptions import Joining, subscribe
from tests.conftest import MovableClock
from tests.support.readers import GB, reader
from tests.support.society import SECRETARY, found

ANNA, BEN, EVE = "anna@example.org", "ben@example.org", "eve@example.net"
POST = "Eve Example\n1 High Street\nLONDON EC1A 1BB"


@pytest.fixture
def ctx(context: Context, tmp_path: Path) -> Context:
    """A society with a member, a reader, a newsletter of each kind, and a Journal of which one copy is left."""
    found(context)
    subscribe(context, ["lea@example.org"], Joining(name="Lea Example"))
    reader(context, "Anna Quellenreiter", email=ANNA, post=GB)
    reader(context, "Ben Example", email=BEN, of=None)
    for number, visibility in ((84, "public"), (85, "members"), (86, "none")):
        path = context.folder / f"n{number}.md"
        path.write_text(f"---\ntitle: N{number}\nnumber: {number}\nvisibility: {visibility}\n---\nDear all.\n", "utf-8")
        row = release.release(context, release.plan(context, release.Intent(path)), start_at=context.clock.now())
        freeze.start_due(context, only=row.id)
    pdf = tmp_path / "j.pdf"
    pdf.write_bytes(b"%PDF-1.7\n%%EOF\n")
    out = IssueChanges(volume="53", number="1", published="2026-09-15", embargo="2027-09-15", pdf=pdf)
    journal_issues.add(context, "2026", out)
    journal_articles.add(context, "2026", ArticleChanges(title="On listening", authors=("Enid Example",), pdf=pdf))
    journal_issues.add(context, "2027", IssueChanges(pdf=pdf))
    journal_issues.change_stock(context, "2026", StockReason.PRINTED, 1)
    return context


def ask(ctx: Context, address: str, wanted: str, **more: Any) -> tuple[Standing, int]:
    with ctx.db.write() as tx:
        wish = Wish(wanted=wanted, address=parse(address), at=ctx.clock.now(), **{"door": "form", **more})
        return copies.ask(ctx, tx, copies.clean(wish))


def letters(ctx: Context, address: str) -> dict[str, Any]:
    """Return the mails that wait for an address, by template, with their facts."""
    with ctx.db.read() as tx:
        found = tx.execute(sa.select(Notice.template, Notice.facts).where(Notice.address == address))
        return {row[0]: row[1] for row in found}


def token(facts: Any, name: str) -> str:
    return str(facts[name]).removesuffix("/approve").rpartition("/")[2]


def mailed(ctx: Context) -> list[str]:
    """Return what went as a mailing of its own."""
    with ctx.db.read() as tx:
        return list(tx.scalars(sa.select(Mailing.title).where(Mailing.again_of.is_not(None)).order_by(Mailing.id)))


def send(ctx: Context, number: int, **how: Any) -> copy_requests.Asked:
    with ctx.db.write() as tx:
        return copy_answers.send(ctx, tx, number, by="Enid", answer=Answer(**how))


def quote(ctx: Context, number: int, amount: int = 500, words: str = "") -> copy_requests.Asked:
    with ctx.db.write() as tx:
        return copy_answers.quote(ctx, tx, number, Money(amount), by="Enid", words=words)


def state(ctx: Context, number: int) -> CopyState:
    with ctx.db.read() as tx:
        return copy_requests.shown(tx, number).state


def shelf(ctx: Context) -> int:
    with ctx.db.read() as tx:
        issue = issue_rows.by_label(tx, "2026")
        assert issue is not None
        return issue.on_shelf


@pytest.mark.parametrize(
    ("address", "wanted", "standing"),
    [
        (ANNA, "85", Standing.SENT),
        (BEN, "85", Standing.ASKED),
        (BEN, "newsletter/84", Standing.SENT),
        (ANNA, "86", Standing.ASKED),
        (EVE, "84", Standing.CONFIRMS),
        (ANNA, "Journal 2026", Standing.SENT),
        (ANNA, "https://balint.example.org/journal/2026/on-listening", Standing.SENT),
        (BEN, "journal/2026/on-listening", Standing.ASKED),
        (ANNA, "journal/2027", Standing.ASKED),  # in the making: known to nobody
        (ANNA, "the one about the spring weekend", Standing.ASKED),
        (ANNA, "9" * 300, Standing.ASKED),
        (EVE, "' OR 1=1--", Standing.CONFIRMS),
    ],
)
def test_at_once_to_whoever_may_have_it(ctx: Context, address: str, wanted: str, standing: Standing) -> None:
    assert ask(ctx, address, wanted)[0] is standing
    assert ask(ctx, address, wanted)[0] is (standing if standing is Standing.SENT else Standing.KNOWN)


def test_journal_comes_as_a_link_and_a_newsletter_as_itself(ctx: Context) -> None:
    ask(ctx, ANNA, "journal/2026")
    ask(ctx, ANNA, "85")
    facts = letters(ctx, ANNA)["copy_link"]
    assert facts["title"] == "The Journal 53 (1), 2026"
    seen = reading_links.look(ctx, token(facts, "link_url"))
    assert (seen.standing, seen.left) == (reading_links.Standing.OPEN, ctx.settings.copies.link_uses)
    assert mailed(ctx) == ["N85"]


def test_stranger_confirms_and_then_the_rule_holds_S46(ctx: Context) -> None:
    for wanted in ("84", "85"):
        ask(ctx, EVE, wanted, name="<b>Buy pills</b>")
    facts = letters(ctx, EVE)["copy_confirm"]
    assert "pills" not in str(facts)
    with ctx.db.write() as tx:
        assert copies.confirm(ctx, tx, token(facts, "confirm_url")) is Standing.ASKED
        assert copies.confirm(ctx, tx, token(facts, "confirm_url")) is Standing.KNOWN
        assert copies.confirm(ctx, tx, "nonsense") is None


def test_unpublished_and_embargoed_open_by_the_calendar(ctx: Context, clock: MovableClock) -> None:
    clock.forward(timedelta(days=400))
    assert ask(ctx, BEN, "journal/2026")[0] is Standing.SENT


def test_paper_comes_out_of_stock_once_with_two_who_ask(ctx: Context) -> None:
    _, first = ask(ctx, ANNA, "journal/2026", paper=True)
    _, second = ask(ctx, EVE, "journal/2026", paper=True, post=POST, door="command")
    assert letters(ctx, SECRETARY)["copy_request"]["post"].startswith("Eve Example, 1 High Street")
    asked = send(ctx, first)
    assert asked.row.state is CopyState.ANSWERED
    assert shelf(ctx) == 0
    with pytest.raises(Conflict, match="not there"):
        send(ctx, second)
    assert (state(ctx, second), shelf(ctx)) == (CopyState.WAITING, 0)
    assert "copy_posted" in letters(ctx, ANNA)
    with ctx.db.read() as tx:
        moves = list(tx.scalars(sa.select(StockMove.reason).order_by(StockMove.id)))
        assert moves == [StockReason.PRINTED, StockReason.GIVEN]


@pytest.mark.parametrize("wanted", ["84", "journal/2026/on-listening"])
def test_only_whole_journal_issues_are_posted(ctx: Context, wanted: str) -> None:
    _, number = ask(ctx, ANNA, wanted, paper=True)
    with pytest.raises(Conflict, match="on paper"):
        send(ctx, number)
    assert send(ctx, number, paper=False).row.state is CopyState.ANSWERED


def test_paper_without_an_address_is_not_taken_from_the_shelf(ctx: Context) -> None:
    _, number = ask(ctx, BEN, "journal/2026", paper=True)
    with pytest.raises(Conflict, match="no postal address"):
        send(ctx, number)
    assert shelf(ctx) == 1


def test_price_is_named_agreed_to_once_and_paid_for(ctx: Context) -> None:
    _, number = ask(ctx, EVE, "journal/2026", paper=True, post=POST, door="command")
    quote(ctx, number, words="It is the last one.")
    facts = letters(ctx, EVE)["copy_quote"]
    assert (facts["price"], facts["words"], facts["reference"]) == ("£5.00", "It is the last one.", f"COPY {number}")
    link = token(facts, "agree_url")
    with ctx.db.write() as tx:
        for _ in range(2):
            agreed = copy_answers.agree(ctx, tx, link)
            assert agreed is not None
            assert agreed.row.state is CopyState.WAITING
            assert agreed.terms.agreed_at == ctx.clock.now()
        assert copy_answers.agree(ctx, tx, link[:-1]) is None
    assert letters(ctx, SECRETARY)["copy_request"]["agreed"] == "£5.00"
    send(ctx, number)
    with ctx.db.read() as tx:
        assert StockReason.SOLD in set(tx.scalars(sa.select(StockMove.reason)))


def test_price_that_nobody_agrees_to_lapses_and_is_forgotten(ctx: Context, clock: MovableClock) -> None:
    _, number = ask(ctx, EVE, "journal/2026", paper=True, post=POST, door="command")
    quote(ctx, number)
    link = token(letters(ctx, EVE)["copy_quote"], "agree_url")
    clock.forward(ctx.settings.joining.decide_within)
    with ctx.db.write() as tx:
        copy_answers.agree(ctx, tx, link)
    assert state(ctx, number) is CopyState.QUOTED
    copies.tidy(ctx)
    with ctx.db.read() as tx:
        assert copy_requests.shown(tx, number).email == ""
        assert tx.scalar(sa.select(CopyTerms.post)) == ""
    assert copy_answers.quoted(ctx, link) is None


@pytest.mark.parametrize("amount", [0, -500])
def test_price_of_nothing_is_none(ctx: Context, amount: int) -> None:
    _, number = ask(ctx, BEN, "85")
    with pytest.raises(UsageRefused):
        quote(ctx, number, amount)
    assert state(ctx, number) is CopyState.WAITING


def test_officers_link_decides_while_they_hold_the_office_C3_C4_C6(ctx: Context) -> None:
    _, number = ask(ctx, BEN, "85")
    link = token(letters(ctx, SECRETARY)["copy_request"], "approve_url")
    seen = copy_answers.view(ctx, link)
    assert (seen.way, seen.by, seen.known) == (Way.OPEN, "Enid Example", "reader")
    assert seen.asked is not None
    assert copy_answers.view(ctx, link[:-1]).way is Way.UNKNOWN
    with ctx.db.read() as tx:
        stranger = copy_requests.shown(tx, number)
    assert copy_answers.view(ctx, decide_token(ctx, stranger, 2)).way is Way.OTHER
    assert copy_answers.view(ctx, quote_token(ctx, stranger)).way is Way.UNKNOWN
    earlier = replace(stranger, created_at=stranger.created_at - timedelta(days=1))  # of that number, and deleted
    assert copy_answers.view(ctx, decide_token(ctx, earlier, seen.asked.row.person_id or 0)).way is Way.OLD
    send(ctx, number)
    assert copy_answers.view(ctx, link).way is Way.DECIDED
    with pytest.raises(Conflict, match="answered already"):
        send(ctx, number)


def test_form_answers_an_address_once_a_day_and_the_same_wish_once(ctx: Context, clock: MovableClock) -> None:
    wish = Wish(wanted="85", address=parse(ANNA), at=ctx.clock.now(), door="form")
    for _ in range(3):
        copies.ask_by_form(ctx, wish)
    assert mailed(ctx) == ["N85"]
    copies.ask_by_form(ctx, replace(wish, wanted="84"))  # a second answer waits: the Secretary looks
    assert mailed(ctx) == ["N85"]
    assert len(list(_requests(ctx))) == 2
    for number in range(5):
        copies.ask_by_form(ctx, replace(wish, wanted=f"n{number}"))
    assert len(list(_requests(ctx))) == 3  # one more tomorrow; the others are passed over
    clock.forward(timedelta(days=4))
    for number in range(30):
        copies.ask_by_form(ctx, replace(wish, address=parse(f"v{number}@example.net")), "192.0.2.0/24")
    assert len(list(_requests(ctx))) == 3 + 20


def _requests(ctx: Context) -> list[int]:
    with ctx.db.read() as tx:
        return list(tx.scalars(sa.select(CopyRequest.id)))


def test_what_must_not_be_mailed_is_not(ctx: Context) -> None:
    suppressions.suppress(ctx, ANNA, "said no by telephone")
    assert ask(ctx, ANNA, "85")[0] is Standing.REFUSED
    assert ask(ctx, ANNA, "journal/2026")[0] is Standing.REFUSED
    assert (mailed(ctx), letters(ctx, ANNA)) == ([], {})


def test_erasure_takes_requests_terms_and_links_D7(ctx: Context) -> None:
    ask(ctx, ANNA, "journal/2026")
    ask(ctx, ANNA, "journal/2026/on-listening", paper=True, post=POST)
    with ctx.db.read() as tx:
        anna = tx.scalar(sa.select(CopyRequest.person_id).limit(1)) or 0
    link = token(letters(ctx, ANNA)["copy_link"], "link_url")
    erasure.erase(ctx, anna)
    with ctx.db.read() as tx:
        for table in (CopyRequest, CopyTerms, ReadingLink):
            assert tx.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    with pytest.raises(LinkBroken):
        reading_links.look(ctx, link)


def test_two_answers_at_once_leave_one(ctx: Context) -> None:
    _, number = ask(ctx, BEN, "85")
    with ctx.db.write() as tx:
        assert rows.decide(tx, number, CopyState.DECLINED, {"decided_at": ctx.clock.now(), "decided_by": "x"})
        assert not rows.decide(tx, number, CopyState.ANSWERED, {"decided_at": ctx.clock.now(), "decided_by": "y"})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("wanted", ""),
        ("wanted", "  "),
        ("wanted", "84\r\nBcc: x@example.org"),
        ("wanted", "84\x00"),
        ("wanted", "x" * 301),
        ("name", "A\nB"),
        ("name", "\ud800"),
        ("post", "x\x00"),
        ("post", "x\n" * 9),
        ("post", "x" * 501),
    ],
)
def test_odd_texts_are_refused_by_field_A1_to_A26(field: str, text: str, clock: MovableClock) -> None:
    wish = Wish(wanted="84", address=parse(EVE), at=clock.now(), paper=True)
    with pytest.raises(WishRefused) as refused:
        copies.clean(replace(wish, **{field: text}))  # type: ignore[arg-type]
    assert refused.value.field == field
