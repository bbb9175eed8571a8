"""Memberships and dues: who is a member follows from them and from nothing else."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.config import Settings
from balintmail.db import dues as payments
from balintmail.db import members as rows
from balintmail.db import people
from balintmail.db.models_members import BankLine, Membership, Payment
from balintmail.domain import money
from balintmail.domain.address import parse
from balintmail.domain.imports import GivenAddress, ImportRow
from balintmail.domain.members import GOOD, Standing
from balintmail.domain.members import standing as worth
from balintmail.domain.statements import LineState
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services import dues, errands, held, members, memberships, notices
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.importing import Terms, staged
from balintmail.services.memberships import ClassFacts, Facts
from balintmail.services.merging import merge
from balintmail.services.subscriptions import Joining, ResultKind, subscribe
from tests.support import society

TODAY = date(2026, 11, 21)  # the clock's


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    memberships.edit_class(context, "full", ClassFacts(fee="30.00"))
    return context


def join(ctx: Context, address: str = "anna@example.org", name: str = "Anna Example") -> int:
    return subscribe(ctx, [address], Joining(name=name))[0].person or 0


def is_member(ctx: Context, person: int) -> bool:
    with ctx.db.read() as tx:
        row = people.get(tx, person)
    assert row is not None
    return row.member


def paid(text: str, **more: Any) -> dues.Paid:
    return dues.Paid(money.parse(text), **more)


def forward(clock: Any, days: int) -> None:
    clock.forward(timedelta(days=days))


def test_a_member_owes_dues_from_the_first_day_and_lapses_after_the_grace(ctx: Context, clock: Any) -> None:
    anna = join(ctx)
    row = memberships.add(ctx, anna, Facts())
    assert (row.since, row.paid_until, is_member(ctx, anna)) == (TODAY, TODAY - timedelta(days=1), True)
    forward(clock, 89)
    assert members.tidy(ctx) == 0
    forward(clock, 1)
    errands.run(ctx)
    assert not is_member(ctx, anna)
    with ctx.db.read() as tx:
        assert members.standing(ctx, tx, anna, members.today(ctx)) is Standing.LAPSED
        assert members.standing(ctx, tx, anna, TODAY) is Standing.GRACE
        assert members.in_good_standing(ctx, tx, members.today(ctx)) == []


def test_dues_renew_for_a_year_and_a_part_waits_for_the_rest(ctx: Context) -> None:
    anna = join(ctx)
    memberships.add(ctx, anna, Facts(since=date(2026, 11, 1)))
    first = dues.record(ctx, anna, paid("10.00"))
    assert (first.short, first.until) == (2000, date(2026, 10, 31))
    second = dues.record(ctx, anna, paid("20.00"))
    assert (second.short, second.until) == (0, date(2027, 10, 31))
    both = dues.record(ctx, anna, paid("60.00"))
    assert both.until == date(2029, 10, 31)
    with ctx.db.read() as tx:
        found = payments.listed(tx, payments.Wanted(person=anna))
    assert payments.sums(found) == {"GBP": 9000}
    assert [each.covers_until for each in found] == [date(2027, 10, 31)] * 2 + [date(2029, 10, 31)]


def test_a_cancelled_payment_stays_on_record_and_its_year_is_owed_again(ctx: Context) -> None:
    anna = join(ctx)
    memberships.add(ctx, anna, Facts(since=date(2026, 11, 1)))
    first = dues.record(ctx, anna, paid("30.00")).payment
    second = dues.record(ctx, anna, paid("30.00")).payment
    with pytest.raises(Conflict, match="after payment"):
        dues.cancel(ctx, first)
    dues.cancel(ctx, second)
    with pytest.raises(Conflict, match="cancelled already"):
        dues.cancel(ctx, second)
    dues.cancel(ctx, first)
    with ctx.db.read() as tx:
        assert [row.paid_until for row in rows.of_person(tx, anna)] == [date(2026, 10, 31)]
        assert payments.listed(tx, payments.Wanted(person=anna)) == []
        assert len(payments.listed(tx, payments.Wanted(person=anna, cancelled=True))) == 2


def test_whoever_pays_after_a_lapse_begins_anew_and_the_gap_stays(ctx: Context, clock: Any) -> None:
    anna = join(ctx)
    memberships.add(ctx, anna, Facts(since=date(2026, 11, 1)))
    forward(clock, 200)
    back = members.today(ctx)
    done = dues.record(ctx, anna, paid("30.00"))
    assert done.until == date(back.year + 1, back.month, back.day) - timedelta(days=1)
    assert is_member(ctx, anna)
    with ctx.db.read() as tx:
        assert len(rows.of_person(tx, anna)) == 2
        assert members.standing(ctx, tx, anna, back - timedelta(days=30)) is Standing.LAPSED
        assert members.standing(ctx, tx, anna, date(2026, 12, 1)) is Standing.GRACE


@pytest.mark.parametrize("when", [date(2026, 11, 22), date(1066, 10, 14)])
def test_a_payment_on_an_impossible_day_is_refused_and_changes_nothing(ctx: Context, when: date) -> None:
    anna = join(ctx)
    memberships.add(ctx, anna, Facts())
    with pytest.raises(UsageRefused, match="is not a day"):
        dues.record(ctx, anna, paid("30", paid_on=when))
    with pytest.raises(UsageRefused, match="more than nothing"):
        dues.record(ctx, anna, paid("0"))
    with pytest.raises(Conflict, match="in GBP, not EUR"):
        dues.record(ctx, anna, paid("EUR 30"))
    with ctx.db.read() as tx:
        assert payments.listed(tx, payments.Wanted(cancelled=True)) == []


def test_who_is_said_to_be_a_member_gets_a_membership_at_every_door(ctx: Context) -> None:
    by_command = subscribe(ctx, ["a@example.org"], Joining(name="A", member=True))[0].person or 0
    by_edit = join(ctx, "b@example.org", "B")
    register.edit(ctx, by_edit, register.Changes(member=True))
    rows_ = [
        ImportRow(2, "c", name="C", addresses=(GivenAddress(parse("c@example.org")),), member=True),
        ImportRow(3, "d", name="D", addresses=(GivenAddress(parse("d@example.org")),), member=False),
    ]
    with staged(ctx, rows_, Terms("people.csv", consent="asked", collected=date(2026, 1, 1))) as wanted:
        wanted.write()
    with ctx.db.read() as tx:
        (by_file,) = [row.id for row in people.at_address(tx, "c@example.org")]
        everybody = {row.person_id: row for row in members.in_good_standing(ctx, tx, TODAY)}
        assert everybody.keys() == {by_command, by_edit, by_file}
        assert {(row.of.slug, row.since, row.paid_until) for row in everybody.values()} == {("full", None, None)}
        assert rows.refresh_due(tx, TODAY, members.rules(ctx)) is False
    register.edit(ctx, by_edit, register.Changes(member=False))
    rows_ = [ImportRow(2, "c", name="C", addresses=(GivenAddress(parse("c@example.org")),), member=False)]
    with staged(ctx, rows_, Terms("people.csv", consent="asked", collected=date(2026, 1, 1))) as wanted:
        wanted.write()
    assert [is_member(ctx, one) for one in (by_command, by_edit, by_file)] == [True, False, False]
    errands.run(ctx)
    assert [is_member(ctx, one) for one in (by_command, by_edit, by_file)] == [True, False, False]


def test_a_library_gets_the_journal_and_is_no_member(ctx: Context) -> None:
    library = join(ctx, "library@example.org", "The Library")
    memberships.add(ctx, library, Facts("library"))
    assert not is_member(ctx, library)
    with ctx.db.read() as tx:
        (row,) = members.in_good_standing(ctx, tx, TODAY)
    assert (row.of.counts, row.of.paper) == (False, True)
    memberships.edit_class(ctx, "library", ClassFacts(counts=True))
    assert is_member(ctx, library)
    with pytest.raises(Conflict, match="it stays one"):
        memberships.edit_class(ctx, "full", ClassFacts(counts=False))


def test_a_second_membership_is_refused_and_an_unknown_class_named(ctx: Context) -> None:
    anna = join(ctx)
    memberships.add(ctx, anna, Facts())
    with pytest.raises(Conflict, match="has a membership already"):
        memberships.add(ctx, anna, Facts("student"))
    with pytest.raises(NotFound, match='no class "gold"'):
        memberships.edit(ctx, anna, Facts("gold"))
    assert memberships.edit(ctx, anna, Facts("student")) == ["class"]
    assert memberships.edit(ctx, anna, Facts("student")) == []


def test_who_resigns_ahead_is_a_member_until_the_day(ctx: Context, clock: Any) -> None:
    anna = join(ctx)
    memberships.add(ctx, anna, Facts())
    memberships.resign(ctx, anna, date(2026, 12, 31))
    assert is_member(ctx, anna)
    forward(clock, 40)
    errands.run(ctx)
    assert not is_member(ctx, anna)
    with pytest.raises(NotFound, match="no longer a member"):
        memberships.renew(ctx, anna)


def test_day_in_auckland_decides_at_the_turn_of_the_year(ctx: Context, clock: Any) -> None:
    zone = ctx.settings.society.model_copy(update={"timezone": "Pacific/Auckland"})
    there = Context(ctx.db, clock, ctx.keyring, Settings(society=zone), ctx.actor, ctx.folder)
    clock.moment = clock.moment.replace(month=12, day=31, hour=10, minute=59)
    assert members.today(there) == date(2026, 12, 31)
    clock.forward(timedelta(minutes=1))
    assert members.today(there) == date(2027, 1, 1)


def test_nothing_reaches_who_has_died_and_who_shared_the_address_goes_on(ctx: Context) -> None:
    anna = join(ctx, "both@example.org", "Anna Example")
    bea = join(ctx, "both@example.org", "Bea Example")
    register.edit(ctx, anna, register.Changes(add=("anna@example.org",)))
    memberships.add(ctx, anna, Facts())
    assert memberships.died(ctx, anna, date(2026, 11, 1)) == 1
    assert not is_member(ctx, anna)
    assert subscribe(ctx, ["both@example.org"], Joining(name="Anna Example"))[0].result is ResultKind.REFUSED
    assert subscribe(ctx, ["anna@example.org"], Joining(name="Anna Example"))[0].result is ResultKind.REFUSED
    assert subscribe(ctx, ["both@example.org"], Joining(name="Bea Example"))[0].result is ResultKind.ALREADY
    with ctx.db.read() as tx:
        assert notices.to_person(tx, anna) is None
        assert notices.to_person(tx, bea) is not None
        assert members.standing(ctx, tx, anna, TODAY) is Standing.DIED
    with pytest.raises(Conflict, match="has died"):
        memberships.add(ctx, anna, Facts())
    with pytest.raises(UsageRefused, match="not come yet"):
        memberships.died(ctx, bea, date(2027, 1, 1))


def test_merged_memberships_are_paid_as_long_as_either_was(ctx: Context) -> None:
    keep, other = join(ctx), join(ctx, "b@example.org", "Anna B.")
    memberships.add(ctx, keep, Facts(since=date(2026, 1, 1), paid_until=date(2026, 12, 31)))
    memberships.add(ctx, other, Facts(since=date(2020, 1, 1), paid_until=date(2026, 10, 31)))
    dues.record(ctx, other, paid("30"))
    merge(ctx, keep, other)
    with ctx.db.read() as tx:
        (row,) = rows.of_person(tx, keep)
        assert row.paid_until == date(2027, 10, 31)
        assert (row.since, is_member(ctx, keep), is_member(ctx, other)) == (date(2020, 1, 1), True, False)
        assert len(payments.listed(tx, payments.Wanted(person=keep))) == 1


def test_erasure_leaves_the_accounts_and_nothing_of_the_person_S45(ctx: Context) -> None:
    anna = join(ctx)
    memberships.add(ctx, anna, Facts(remark="Anna Example leads a group"))
    dues.record(ctx, anna, paid("30", reference="ANNA EXAMPLE", note="by anna@example.org"))
    with ctx.db.write() as tx:
        line = {"digest": b"x", "paid_on": TODAY, "amount": 3000, "currency": "GBP", "payer": "ANNA EXAMPLE"}
        matched = {"state": LineState.MATCHED, "person_id": anna, "imported_at": ctx.clock.now()}
        tx.execute(sa.insert(BankLine).values(**line, **matched))
    found = held.document(held.of_person(ctx, anna), ctx.settings.zone)
    assert [each["kind"] for each in found["memberships"]] == ["Full member"]
    assert [each["amount"] for each in found["payments"]] == [3000]
    assert [each["payer"] for each in found["bank_lines"]] == ["ANNA EXAMPLE"]
    erase(ctx, anna)
    with ctx.db.read() as tx:
        left = [str(list(tx.execute(sa.select(table.__table__)))) for table in (Payment, BankLine, Membership)]
        assert "anna" not in " ".join(left).lower()
        assert tx.scalar(sa.select(sa.func.sum(Payment.amount))) == 3000


def test_sql_and_domain_agree_about_every_membership_on_every_day(ctx: Context) -> None:
    days = [TODAY + timedelta(days=number) for number in (-400, -91, -90, -1, 0, 1, 89, 90, 91, 400)]
    numbers = []
    for number, until in enumerate([None, *days]):
        person = join(ctx, f"m{number}@example.org", f"M {number}")
        facts = Facts(
            of_class="student" if number % 3 == 0 else "full", since=TODAY - timedelta(days=500), paid_until=until
        )
        memberships.add(ctx, person, facts)
        if number % 4 == 1:
            memberships.resign(ctx, person, TODAY + timedelta(days=number - 5))
        numbers.append(person)
    rules = members.rules(ctx)
    with ctx.db.read() as tx:
        for day in days:
            good = {row.person_id for row in members.in_good_standing(ctx, tx, day)}
            expected = {
                person
                for person in numbers
                if any(worth(row.term, day, rules) in GOOD for row in rows.of_person(tx, person))
            }
            assert good == expected, day


def test_an_import_brings_nobody_back_who_has_died(ctx: Context) -> None:
    anna = join(ctx, "both@example.org", "Anna Example")
    join(ctx, "both@example.org", "Bea Example")
    memberships.died(ctx, anna)
    address = (GivenAddress(parse("both@example.org")),)
    rows_ = [ImportRow(2, "x", name="Anna Example", addresses=address, member=True, lists=())]
    with staged(ctx, rows_, Terms("people.csv", consent="asked", collected=date(2026, 1, 1))) as wanted:
        report = wanted.write()
    assert [each.reason for each in report.refusals] == ["this person has died"]
    assert not is_member(ctx, anna)
