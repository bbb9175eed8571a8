"""Reminders of dues: on the society's days, each once, none to whom it does not concern; on both databases."""

import quopri
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db import reminders as rows
from balintmail.db.models import Delivery, Notice
from balintmail.db.models_members import DuesReminder, Membership
from balintmail.domain import money
from balintmail.domain.members import reminder_due
from balintmail.domain.states import DeliveryState, SkipReason
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import dues, errands, memberships, suppressions
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.memberships import ClassFacts, Facts
from balintmail.services.notice_mailings import release_due
from balintmail.services.reminders import listed, remind
from tests.support import society

TODAY = date(2026, 11, 21)
DAYS = (-30, 0, 60)


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    memberships.edit_class(context, "full", ClassFacts(fee="30.00"))
    settings = context.settings
    with_days = settings.members.model_copy(update={"reminders": DAYS, "pay_to": "Account 12345678"})
    return replace(context, settings=settings.model_copy(update={"members": with_days}))


def a_member(ctx: Context, name: str, until: date, **facts: Any) -> int:
    with ctx.db.write() as tx:
        person = society.enter(ctx, tx, name, f"{name.lower()}@example.org")
    memberships.add(ctx, person, Facts(since=date(2020, 1, 1), paid_until=until, **facts))
    return person


def waiting(ctx: Context) -> list[int | None]:
    with ctx.db.read() as tx:
        mine = sa.select(Notice.person_id).where(Notice.template == "dues_reminder").order_by(Notice.person_id)
        return list(tx.scalars(mine))


def letters(ctx: Context) -> list[str]:
    dispatch(ctx, lambda: OutboxTransport(ctx.folder / "outbox"), Orders())
    folder = ctx.folder / "outbox" / "new"
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    raw = [quopri.decodestring(path.read_bytes()).decode() for path in paths]
    return [text for text in raw if "dues" in text]


def test_a_reminder_arrives_once_with_amount_and_reference_on_each_of_the_days(ctx: Context, clock: Any) -> None:
    anna = a_member(ctx, "Anna", TODAY + timedelta(days=31))
    assert letters(ctx) == []
    clock.forward(timedelta(days=1))
    (letter,) = letters(ctx)
    for words in ("£30.00", f"M{anna:04}", "22 December 2026", "30 days from now", "Account 12345678"):
        assert words in letter
    assert "List-Unsubscribe" not in letter  # S47: it is about the membership, and no list
    assert letters(ctx) == [letter]
    clock.forward(timedelta(days=100))  # in one leap: 70 days after, the one of 60 days is not a fortnight late
    assert len(letters(ctx)) == 2
    with ctx.db.read() as tx:
        assert [row[1] for row in rows.sent(tx, _membership(ctx, anna))] == [-30, 60]


def test_payment_stops_reminders_also_one_that_is_on_its_way(ctx: Context) -> None:
    anna, bela = a_member(ctx, "Anna", TODAY), a_member(ctx, "Bela", TODAY)
    assert remind(ctx) == 2
    dues.record(ctx, anna, dues.Paid(money.parse("30.00")))
    assert waiting(ctx) == [bela]
    release_due(ctx)  # the letter is in the ledger now
    dues.record(ctx, bela, dues.Paid(money.parse("30.00")))
    with ctx.db.read() as tx:
        (row,) = tx.execute(sa.select(Delivery.state, Delivery.skip_reason).where(Delivery.person_id == bela))
        assert tuple(row) == (DeliveryState.SKIPPED, SkipReason.CANCELLED)
        assert tx.scalar(sa.select(sa.func.count()).select_from(DuesReminder)) == 0
    assert remind(ctx) == 0
    assert letters(ctx) == []


def test_the_dead_those_who_resigned_and_free_classes_get_none(ctx: Context) -> None:
    dead, gone = a_member(ctx, "Anna", TODAY), a_member(ctx, "Bela", TODAY)
    a_member(ctx, "Cili", TODAY, of_class="honorary")
    leaving = a_member(ctx, "Dora", TODAY)
    barred = a_member(ctx, "Emil", TODAY)
    memberships.died(ctx, dead)
    memberships.resign(ctx, gone)
    memberships.resign(ctx, leaving, TODAY + timedelta(days=30))
    suppressions.suppress(ctx, "emil@example.org")
    assert remind(ctx) == 0
    assert barred in [each.row.person_id for each in listed(ctx, timedelta(days=60))]


def test_a_part_that_was_paid_is_taken_off_and_what_is_listed_says_who_comes_next(ctx: Context) -> None:
    anna = a_member(ctx, "Anna", TODAY)
    dues.record(ctx, anna, dues.Paid(money.parse("12.00")))
    (before,) = listed(ctx, timedelta(days=60))
    assert (before.owed, before.next_on, before.sent) == (money.Money(1800), TODAY, ())
    (letter,) = letters(ctx)
    assert "£18.00" in letter
    (after,) = listed(ctx, timedelta(days=60))
    assert (after.next_on, len(after.sent)) == (TODAY + timedelta(days=60), 1)


def test_a_letter_about_ones_membership_needs_no_list_but_a_membership_and_holds_back_for_a_suppression(
    ctx: Context,
) -> None:
    anna, bela, _ = (a_member(ctx, name, TODAY) for name in ("Anna", "Bela", "Cili"))
    assert remind(ctx) == 3
    with ctx.db.write() as tx:  # after it was put: whoever has no membership any more, and whoever is suppressed
        tx.execute(sa.delete(DuesReminder))
        tx.execute(sa.delete(Membership).where(Membership.person_id == bela))
        society_of = sa.text("UPDATE people SET member = :no WHERE id = :bela")
        tx.execute(society_of, {"no": False, "bela": bela})
    suppressions.suppress(ctx, "cili@example.org")
    (letter,) = letters(ctx)
    assert f"M{anna:04}" in letter


@pytest.mark.parametrize("days", [DAYS, (7,), (-14, -7, 1, 2)])
def test_due_in_sql_is_what_the_domain_says_of_each_day(ctx: Context, days: tuple[int, ...]) -> None:
    anna = a_member(ctx, "Anna", TODAY)
    number = _membership(ctx, anna)
    for sent in ((), (days[0],), days):
        with ctx.db.write() as tx:
            tx.execute(sa.delete(DuesReminder))
            for step in sent:
                rows.note(tx, number, TODAY, step, now=ctx.clock.now())
            for ahead in range(-40, 90):
                day = TODAY + timedelta(days=ahead)
                found = rows.due(tx, days, day, limit=5)
                assert bool(found) == (reminder_due(TODAY, days, sent, day) is not None), (sent, ahead)


def test_no_days_set_no_reminder(context: Context) -> None:
    society.found(context)
    memberships.edit_class(context, "full", ClassFacts(fee="30.00"))
    a_member(context, "Anna", TODAY)
    errands.run(context)
    assert waiting(context) == []


def _membership(ctx: Context, person: int) -> int:
    with ctx.db.read() as tx:
        return tx.scalar(sa.select(Membership.id).where(Membership.person_id == person)) or 0


@pytest.mark.parametrize(("zone", "until", "at"), [
    ("Pacific/Auckland", date(2026, 12, 31), "2026-12-31T11:00:00+00:00"),  # midnight there: the year has turned
    ("Europe/London", date(2028, 2, 28), "2028-02-29T00:00:00+00:00"),
    ("Europe/London", date(2028, 2, 29), "2028-03-01T00:00:00+00:00"),
])  # fmt: skip
def test_the_day_after_is_the_societys_at_the_turn_of_the_year_and_in_a_leap_year_J2(
    ctx: Context, clock: Any, zone: str, until: date, at: str
) -> None:
    place = ctx.settings.society.model_copy(update={"timezone": zone})
    days = ctx.settings.members.model_copy(update={"reminders": (1,)})
    there = replace(ctx, settings=ctx.settings.model_copy(update={"society": place, "members": days}))
    a_member(there, "Anna", until)
    midnight = datetime.fromisoformat(at)
    clock.forward(midnight - timedelta(seconds=1) - clock.now())
    assert remind(there) == 0
    clock.forward(timedelta(seconds=1))
    assert remind(there) == 1
    assert remind(there) == 0
