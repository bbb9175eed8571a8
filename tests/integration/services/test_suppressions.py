"""Addresses and whole domains that must not be mailed: whatever mails or takes people in honours both (D4, D7)."""

from datetime import date

import pytest
import sqlalchemy as sa

from balintmail.db import audience, ledger, mailings, receipts, workers
from balintmail.db.audience import Selection
from balintmail.db.mailings import NewMailing
from balintmail.db.models import Delivery
from balintmail.domain.address import parse
from balintmail.domain.imports import FileState, GivenAddress, ImportRow
from balintmail.domain.states import DeliveryState, MailingKind, MailingState, SkipReason, SuppressionReason
from balintmail.errors import Conflict, UsageRefused
from balintmail.services.context import Context
from balintmail.services.importing import Terms, staged
from balintmail.services.requests_typed import request
from balintmail.services.subscriptions import Joining, ResultKind, subscribe
from balintmail.services.suppressions import allow, every, subject, suppress, suppress_all
from tests.support import society

MANUAL = SuppressionReason.MANUAL


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    subscribe(context, ["a@example.org", "b@example.net", "c@sub.example.net"], Joining())
    return context


def _news(ctx: Context) -> int:
    with ctx.db.read() as tx:
        return int(tx.scalar(sa.text("SELECT id FROM lists")) or 0)


def _mailing(ctx: Context) -> int:
    now = ctx.clock.now()
    new = NewMailing(_news(ctx), MailingKind.NEWSLETTER, "News", "hash", MailingState.SCHEDULED, number="1")
    with ctx.db.write() as tx:
        mailing = mailings.add(tx, new, now=now)
        mailings.begin(tx, mailing, content_hash="hash", start_at=None, now=now)
        ledger.enrol(tx, mailing, Selection(_news(ctx)), now=now)
    return mailing


def test_subject_is_an_address_or_a_domain_however_it_is_typed() -> None:
    assert subject(" A@Example.org ").key == "a@example.org"
    for text in ("example.org", "@example.org", " EXAMPLE.org"):
        assert subject(text).key == "@example.org"
    assert subject("példa.example.org").key == "@xn--plda-bpa.example.org"
    for text in ("", "@", "example", "a b", "a@", "-.org"):
        with pytest.raises(UsageRefused):
            subject(text)


def test_domain_is_left_out_of_the_audience_and_its_subdomains_are_not(ctx: Context) -> None:
    assert suppress(ctx, "example.net", "closed down")
    assert not suppress(ctx, "@EXAMPLE.NET")
    with ctx.db.read() as tx:
        counts = audience.counts(tx, Selection(_news(ctx)))
    assert (counts.reached, counts.skipped) == (2, {SkipReason.SUPPRESSED: 1})


def test_suppressing_a_domain_stops_what_is_open_D4(ctx: Context) -> None:
    mailing = _mailing(ctx)
    suppress(ctx, "example.net")
    with ctx.db.read() as tx:
        assert receipts.skipped_by_reason(tx, mailing) == {SkipReason.SUPPRESSED: 1}
        skipped = tx.scalar(sa.select(Delivery.address).where(Delivery.state == DeliveryState.SKIPPED))
    assert skipped == "b@example.net"


def test_domain_suppressed_behind_the_ledgers_back_wins_at_the_mark_D4(ctx: Context) -> None:
    mailing, now = _mailing(ctx), ctx.clock.now()
    with ctx.db.write() as tx:
        workers.arrive(tx, "me", host="here", pid=1, now=now)
        rows = ledger.claim(tx, mailing, "me", limit=10, now=now)
        values = {"h": b"x" * 32, "at": now}
        said = "INSERT INTO suppressions (address_hash, address_key, reason, at, actor) VALUES (:h, '@example.net', "
        tx.execute(sa.text(said + "'manual', :at, 'x')"), values)
    with ctx.db.write() as tx:
        marked = ledger.mark_at_risk(tx, [row.delivery for row in rows], "me", now=now)
    barred = next(row.delivery for row in rows if row.address == "b@example.net")
    assert marked.refused == {barred: SkipReason.SUPPRESSED}
    assert marked.passed == {row.delivery for row in rows} - {barred}


def test_domain_is_refused_by_subscribe_request_and_import(ctx: Context) -> None:
    suppress(ctx, "example.net", "closed down")
    for door in (subscribe, request):
        (result,) = door(ctx, ["new@example.net"], Joining())
        assert result.result is ResultKind.REFUSED
        assert "its whole domain is suppressed by hand" in result.reason
        assert "closed down" in result.reason
    rows = [
        ImportRow(line=line, shown=text, addresses=(GivenAddress(parse(text)),), state=FileState.SUBSCRIBED)
        for line, text in enumerate(["new@example.net", "b@example.net", "new@sub.example.net"], start=2)
    ]
    with staged(ctx, rows, Terms("p.csv", consent="yes", collected=date(2025, 3, 21))) as one:
        report = one.write()
    assert [(row.line, row.reason) for row in report.refusals] == [
        (2, "this address's whole domain is suppressed (manual)")
    ]
    assert (report.counts.new, report.counts.unchanged) == (1, 1)


def test_domain_is_let_go_again_and_an_address_of_it_only_with_it(ctx: Context) -> None:
    suppress(ctx, "example.net")
    with pytest.raises(Conflict, match="whole domain"):
        allow(ctx, "b@example.net")
    assert allow(ctx, "example.net")
    assert not allow(ctx, "example.net")
    with ctx.db.read() as tx:
        assert audience.counts(tx, Selection(_news(ctx))).reached == 3


def test_a_list_is_suppressed_in_one_go_and_the_bad_lines_are_named(ctx: Context) -> None:
    done = suppress_all(ctx, ["# old", "", "a@example.org", "A@example.org", "example.net", "??"], "list", MANUAL)
    assert (done.added, done.already, [each.line for each in done.refusals]) == (2, 1, [6])
    assert [row.key for row in every(ctx)] == ["a@example.org", "@example.net"]
    assert {row.note for row in every(ctx)} == {"list"}


def test_nothing_is_suppressed_as_erased_by_hand_D7(ctx: Context) -> None:
    with pytest.raises(UsageRefused, match="erased with its person"):
        suppress(ctx, "a@example.org", "", SuppressionReason.ERASED)
