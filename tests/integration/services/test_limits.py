"""Limits, pace and judgement with a fake relay and a clock that the test moves, on both databases (D5, 2.6)."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from balintmail.clock import SystemClock
from balintmail.config import Relay, Security, Send, Settings
from balintmail.db import limits as usage
from balintmail.db import mailings, meta, receipts, workers
from balintmail.db.ledger import Claimed
from balintmail.db.lists import by_slug
from balintmail.db.mailings import NewMailing
from balintmail.db.models import Address, Mailing, RelayUsage, Suppression
from balintmail.db.session import Database
from balintmail.domain.outcome import Composed, Outcome, Stage, Verdict
from balintmail.domain.states import DeliveryState, MailingKind, MailingState
from balintmail.errors import NotFound
from balintmail.sending import smtp
from balintmail.sending.connect import RelayTarget
from balintmail.sending.null import NullTransport
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.services import lists, pausing, permits
from balintmail.services import mailings as steering
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, Report, dispatch
from balintmail.services.governor import Governor
from balintmail.services.seats import Seats
from balintmail.services.tally import Ending
from tests.conftest import MovableClock
from tests.relay import Fault, Manners, RelayThread, Step, Then, faults
from tests.relay.certificates import Authority
from tests.support.letters import compose
from tests.support.register import a_list, a_person, a_secretary, on_list, readers

S = DeliveryState


def with_limits(ctx: Context, send: Send | None = None, **relays: Relay) -> Context:
    known = {name: relay.model_copy(update={"host": "localhost"}) for name, relay in relays.items()}
    return replace(ctx, settings=Settings(send=send or Send(), relays=known))


def a_mailing(ctx: Context, people: int, number: str = "84", **values: Any) -> int:
    with ctx.db.write() as tx:
        found = by_slug(tx, "newsletter")
        news = found.id if found else a_list(tx)
        if not found:
            readers(tx, news, people)
        now = ctx.clock.now()
        state = MailingState.SCHEDULED
        new = NewMailing(news, MailingKind.NEWSLETTER, "News", "hash", state, number=number, start_at=now, **values)
        return mailings.add(tx, new, now=now)


def counts(ctx: Context, mailing: int) -> dict[DeliveryState, int]:
    with ctx.db.read() as tx:
        return {state: number for state, number in receipts.counts(tx, mailing).items() if number}


def row(ctx: Context, mailing: int) -> mailings.MailingRow:
    with ctx.db.read() as tx:
        found = mailings.by_id(tx, mailing)
    assert found is not None
    return found


def notices(ctx: Context) -> list[str]:
    with ctx.db.read() as tx:
        query = select(Mailing.title).where(Mailing.kind == MailingKind.NOTICE).order_by(Mailing.id)
        return list(tx.scalars(query))


def to(*relays: RelayThread, lanes: int = 4) -> Callable[[], SmtpTransport]:
    names = ("main", "second")
    targets = [
        RelayTarget(name=name, host=relay.host, port=relay.port, security=Security.NONE)
        for name, relay in zip(names, relays, strict=False)
    ]
    return lambda: SmtpTransport([RelayTerms(target, lanes, None) for target in targets])


def run(ctx: Context, transport: Callable[[], Any], **orders: Any) -> Report:
    return dispatch(ctx, transport, Orders(**{"compose": compose, **orders}))


def test_hourly_limit_holds_over_runs_and_restarts_and_goes_on_by_itself_D5(
    context: Context, clock: MovableClock
) -> None:
    ctx = with_limits(context, main=Relay(per_hour=5))
    mailing = a_mailing(ctx, 12)
    with RelayThread() as relay:
        report = run(ctx, to(relay))
        assert report.ending is Ending.WAITING
        assert "19:0" in report.reason
        for minutes in (1, 20, 38):
            clock.forward(timedelta(minutes=minutes))
            assert run(ctx, to(relay)).ending is Ending.WAITING
            assert len(relay.accepted) == 5
        clock.forward(timedelta(minutes=3))
        run(ctx, to(relay))
        assert len(relay.accepted) == 10
        clock.forward(timedelta(hours=1, minutes=1))
        assert run(ctx, to(relay)).finished == (mailing,)
        assert len(relay.accepted) == 12
    assert row(ctx, mailing).state is MailingState.SENT


def test_nothing_of_a_limit_is_kept_for_a_relay_without_one(context: Context) -> None:
    a_mailing(context, 3)
    with RelayThread() as relay:
        run(context, to(relay))
    with context.db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(RelayUsage)) == 0


def test_unused_permits_go_back(context: Context) -> None:
    ctx = with_limits(context, main=Relay(per_hour=100))
    a_mailing(ctx, 12)
    with RelayThread() as relay:
        run(ctx, to(relay))
    with ctx.db.read() as tx:
        taken = usage.usage(tx, "main")
    assert sum(taken["", 3600].values()) == 12


def test_permits_given_back_are_there_again_and_those_of_the_dead_are_not(context: Context) -> None:
    ctx = with_limits(context, main=Relay(per_hour=3, per_domain={"*": 2}))
    terms = permits.terms_of(ctx.settings)["main"]
    wanted = ["example.org", "example.org", "example.org", "example.net"]
    taken = permits.take(ctx, "main", terms, wanted, most=10)
    assert taken.places == (0, 1, 3)
    assert permits.take(ctx, "main", terms, wanted, most=10).places == ()
    permits.give_back(ctx, "main", taken.taken[1:])
    assert permits.take(ctx, "main", terms, wanted, most=10).places == (0, 3)


def test_permits_in_hand_are_used_before_more_are_asked_for(context: Context) -> None:
    ctx = with_limits(context, main=Relay(per_hour=16))
    rows = deque(Claimed(number, 1, None, "", f"r{number}@example.org", "[]", 1, None) for number in range(30))
    target = RelayTarget(name="main", host="localhost", port=1, security=Security.NONE)

    async def begun() -> int:
        governor = Governor(ctx, {}, SmtpTransport([RelayTerms(target, 4, None)]))
        found = 0
        for _ in rows.copy():
            governor.hungry.add("main")  # a connection came free while permits were on their way
            for relay, wanting in governor.wanted(rows):
                governor.receive(wanting, governor.take(relay, wanting))
            found += governor.pick("main", rows) is not None
        return found

    assert asyncio.run(begun()) == 16


def test_resume_ends_the_rest_of_every_relay(context: Context) -> None:
    mailing = a_mailing(context, 2)
    run(context, lambda: NullTransport(1), probe=lambda point: None)
    second = a_mailing(context, 2, number="85")
    with context.db.write() as tx:
        usage.rest(tx, "main", until=context.clock.now() + timedelta(hours=1), reason="busy")
    with RelayThread() as relay:
        assert run(context, to(relay)).ending is Ending.WAITING
        steering.pause(context, str(second))
        steering.resume(context, str(second))
        assert run(context, to(relay)).finished == (second,)
    assert row(context, mailing).state is MailingState.SENT


def test_per_second_limit_holds_in_every_second(context: Context) -> None:
    ctx = with_limits(replace(context, clock=SystemClock()), main=Relay(per_second=8))
    a_mailing(ctx, 24)
    times: list[float] = []
    with RelayThread() as relay:
        take = relay.relay.take

        def taken(entry: Any, data: bytes) -> None:
            times.append(time.monotonic())
            take(entry, data)

        relay.relay.take = taken  # type: ignore[method-assign]
        assert run(ctx, to(relay)).ending is Ending.DONE
    assert len(times) == 24
    # The relay sees them when a busy machine lets it, so one that came late may stand too near to those after it.
    assert all(later - sooner > 0.5 for sooner, later in zip(times, times[8:], strict=False))
    assert times[-1] - times[0] > 1.9


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_workers_share_one_limit_D5(context: Context, tmp_path: Any) -> None:
    ctx = with_limits(context, main=Relay(per_hour=30))
    a_mailing(ctx, 100)
    other = replace(ctx, folder=tmp_path / "elsewhere")
    other.folder.mkdir()
    with RelayThread() as relay:
        threads = [threading.Thread(target=run, args=(one, to(relay))) for one in (ctx, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(relay.accepted) <= 30
        run(ctx, to(relay))  # what one of them held and did not use has gone back
        assert len(relay.accepted) == 30


def test_full_domain_waits_and_the_others_go(context: Context) -> None:
    ctx = with_limits(context, main=Relay(per_domain={"example.org": 4}))
    mailing = a_mailing(ctx, 10)
    with ctx.db.write() as tx:
        tx.execute(Address.__table__.update().where(Address.id > 8).values(envelope="x@example.net"))  # type: ignore[attr-defined]
    with RelayThread() as relay:
        assert run(ctx, to(relay)).ending is Ending.WAITING
        taken = [one.recipient for one in relay.accepted]
    assert sum(address.endswith("example.org") for address in taken) == 4
    assert sum(address.endswith("example.net") for address in taken) == 2
    assert counts(ctx, mailing) == {S.ACCEPTED: 6, S.QUEUED: 4}


def test_warm_up_doubles_from_day_to_day(context: Context, clock: MovableClock) -> None:
    ctx = with_limits(context, main=Relay(warm_up=3))
    a_mailing(ctx, 30)
    with RelayThread() as relay:
        run(ctx, to(relay))
        assert len(relay.accepted) == 3
        clock.forward(timedelta(days=1, minutes=15))
        run(ctx, to(relay))
        assert len(relay.accepted) == 9


def test_next_relay_is_taken_when_a_quota_is_used_up_and_it_waits_when_none_is_left(
    context: Context, clock: MovableClock
) -> None:
    ctx = with_limits(context, main=Relay(per_hour=5), second=Relay(per_day=4))
    mailing = a_mailing(ctx, 20)
    with RelayThread() as main, RelayThread() as second:
        report = run(ctx, to(main, second))
        assert (len(main.accepted), len(second.accepted)) == (5, 4)
        assert report.ending is Ending.WAITING
        assert row(ctx, mailing).state is MailingState.SENDING
        clock.forward(timedelta(hours=1, minutes=1))
        run(ctx, to(main, second))
        assert (len(main.accepted), len(second.accepted)) == (10, 4)


def test_next_relay_is_taken_when_auth_fails_and_the_mailing_pauses_when_every_relay_refuses(
    context: Context,
) -> None:
    ctx = with_limits(context, main=Relay(), second=Relay())
    with ctx.db.write() as tx:
        a_secretary(tx)
    mailing = a_mailing(ctx, 6)
    closed = Fault(Step.GREETING, b"554 5.7.1 not you\r\n")
    with RelayThread(Manners(), closed) as main, RelayThread(Manners()) as second:
        assert run(ctx, to(main, second)).finished == (mailing,)
        assert (len(main.accepted), len(second.accepted)) == (0, 6)
        another = a_mailing(ctx, 6, number="85")
        second.behave(closed)
        assert run(ctx, to(main, second)).ending is Ending.DOWN
        assert row(ctx, another).state is MailingState.PAUSED
        assert "every relay refuses us" in row(ctx, another).state_reason
        assert notices(ctx)[-1] == "A mailing is paused: newsletter/85"
        main.behave()
        steering.resume(ctx, str(another))
        run(ctx, to(main, second))
        assert row(ctx, another).state is MailingState.SENT


def test_relay_that_accepts_50_then_421_has_a_habit_and_brakes_nobody(context: Context) -> None:
    ctx = with_limits(context, main=Relay())
    mailing = a_mailing(ctx, 120)
    with RelayThread(Manners(), faults.closes_with_421(after_accepted=50)) as relay:
        began = time.monotonic()
        assert run(ctx, to(relay, lanes=1)).finished == (mailing,)
        assert time.monotonic() - began < 20
        assert (len(relay.accepted), relay.relay.connections) == (120, 3)


def test_daily_quota_452_leaves_the_relay_in_peace_and_goes_on_the_next_day(
    context: Context, clock: MovableClock
) -> None:
    ctx = with_limits(context, main=Relay(max_connections=1))
    mailing = a_mailing(ctx, 40)
    full = faults.says("rcpt", "452 4.5.3 daily quota exceeded")
    with RelayThread(Manners(), replace(full, skip=15)) as relay:
        report = run(ctx, to(relay, lanes=1))
        assert report.ending is Ending.WAITING
        assert "daily quota" in report.reason
        found = counts(ctx, mailing)
        assert found[S.ACCEPTED] == 15
        assert found[S.DEFERRED] <= 11
        assert S.REFUSED not in found
        tried = len(relay.commands)
        assert run(ctx, to(relay, lanes=1)).ending is Ending.WAITING
        assert relay.commands[tried:] == []
        relay.behave()
        clock.forward(timedelta(days=1))
        assert run(ctx, to(relay, lanes=1)).finished == (mailing,)
    with ctx.db.read() as tx:
        assert usage.relays(tx)["main"].rests == 0


def test_greylist_for_all_keeps_the_schedule_and_pauses_nobody(context: Context, clock: MovableClock) -> None:
    mailing = a_mailing(context, 60)
    with RelayThread(Manners(), faults.greylists()) as relay:
        began = time.monotonic()
        assert run(context, to(relay)).ending is Ending.DONE
        assert counts(context, mailing) == {S.DEFERRED: 60}
        assert time.monotonic() - began < 10
        clock.forward(timedelta(minutes=31))
        assert run(context, to(relay)).finished == (mailing,)


def test_all_5_7_26_pauses_suspends_nobody_and_all_are_tried_again_S20(context: Context, clock: MovableClock) -> None:
    with context.db.write() as tx:
        a_secretary(tx)
    mailing = a_mailing(context, 40)
    ours = faults.says("dot", "550 5.7.26 unauthenticated mail is not accepted", match="")
    with RelayThread(Manners(), ours) as relay:
        run(context, to(relay))
        found = counts(context, mailing)
        assert S.REFUSED not in found
        assert found[S.DEFERRED] < 20
        assert row(context, mailing).state is MailingState.PAUSED
        assert "5.7.26" in row(context, mailing).state_reason
        assert notices(context) == ["A mailing is paused: newsletter/84"]
        with context.db.read() as tx:
            assert tx.scalar(select(func.count()).select_from(Suppression)) == 0
            assert set(tx.scalars(select(Address.health))) == {"ok"}
        clock.forward(timedelta(days=6))
        relay.behave()
        steering.resume(context, str(mailing))
        run(context, to(relay))
        assert counts(context, mailing) == {S.ACCEPTED: 40}


def test_one_persons_policy_refusal_is_final_at_the_end_of_the_run(context: Context) -> None:
    mailing = a_mailing(context, 8)
    with RelayThread(Manners(), faults.refuses_rcpt("reader3@", "550 5.7.1 access denied")) as relay:
        assert run(context, to(relay)).finished == (mailing,)
    assert counts(context, mailing) == {S.ACCEPTED: 7, S.REFUSED: 1}


def test_same_error_five_times_pauses_and_nobody_after_is_tried(context: Context) -> None:
    mailing = a_mailing(context, 60)
    with RelayThread(Manners(), faults.refuses_rcpt("", "550 not from you")) as relay:
        report = run(context, to(relay, lanes=1), only=mailing)
        assert report.ending is Ending.PAUSED
        assert "five" not in report.reason
        assert counts(context, mailing)[S.REFUSED] < 12
        assert relay.accepted == []


def test_relay_down_for_an_hour_loses_nobody_and_for_six_days_pauses(context: Context, clock: MovableClock) -> None:
    with context.db.write() as tx:
        a_secretary(tx)
    mailing = a_mailing(context, 5)
    with RelayThread() as relay:
        away = to(relay)
        port = relay.port
    for _ in range(3):
        clock.forward(timedelta(minutes=20))
        assert run(context, away).ending is Ending.DOWN
        assert counts(context, mailing) == {S.QUEUED: 5}
    clock.forward(timedelta(days=6))
    run(context, away)
    assert row(context, mailing).state is MailingState.PAUSED
    assert "no relay could be reached" in row(context, mailing).state_reason
    assert counts(context, mailing) == {S.QUEUED: 5}
    steering.resume(context, str(mailing))
    with RelayThread(port=port) as relay:
        run(context, to(relay))
        assert row(context, mailing).state is MailingState.SENT
        assert len(relay.accepted) == 5 + 1  # and the notice of the pause
    assert counts(context, mailing) == {S.ACCEPTED: 5}


def test_hours_hold_newsletters_and_let_notices_pass(context: Context, clock: MovableClock) -> None:
    ctx = with_limits(context, Send(hours="08:00-18:00", weekdays="mon-fri"), main=Relay())
    mailing = a_mailing(ctx, 4)  # on a Saturday evening
    with RelayThread() as relay:
        report = run(ctx, to(relay))
        assert report.ending is Ending.WAITING
        assert "23 November 2026, 08:00 (London)" in report.reason
        assert relay.accepted == []
        clock.forward(timedelta(days=1, hours=14))
        assert run(ctx, to(relay)).finished == (mailing,)


def test_deadline_refuses_who_waits_and_says_why(context: Context, clock: MovableClock) -> None:
    mailing = a_mailing(context, 3, deadline_at=context.clock.now() + timedelta(minutes=10))
    with RelayThread(Manners(), faults.greylists()) as relay:
        run(context, to(relay))
        assert counts(context, mailing) == {S.REFUSED: 3}
    second = a_mailing(context, 3, number="85", deadline_at=context.clock.now() + timedelta(minutes=10))
    clock.forward(timedelta(minutes=11))
    with RelayThread() as relay:
        assert run(context, to(relay)).finished == (second,)
        assert relay.accepted == []


@pytest.mark.parametrize("act", ["pause", "cancel"])
def test_pause_and_cancel_act_within_a_second_while_a_run_waits_for_a_limit(context: Context, act: str) -> None:
    ctx = with_limits(replace(context, clock=SystemClock()), main=Relay(per_minute=3))
    mailing = a_mailing(ctx, 9)
    with RelayThread() as relay:
        reports: list[Report] = []
        patient = {"only": mailing, "patience": timedelta(hours=1)}
        thread = threading.Thread(target=lambda: reports.append(run(ctx, to(relay), **patient)))
        thread.start()
        while len(relay.accepted) < 3:
            time.sleep(0.01)
        time.sleep(0.3)
        getattr(steering, act)(ctx, str(mailing))
        began = time.monotonic()
        expected = {"pause": {S.QUEUED: 6, S.ACCEPTED: 3}, "cancel": {S.SKIPPED: 6, S.ACCEPTED: 3}}[act]
        while counts(ctx, mailing) != expected:
            assert time.monotonic() - began < 1
            time.sleep(0.02)
        if act == "pause":
            steering.cancel(ctx, str(mailing))
        thread.join(15)
        assert reports
        assert len(relay.accepted) == 3


def test_report_goes_to_the_secretary_when_a_mailing_has_ended(context: Context) -> None:
    ctx = with_limits(context, main=Relay())
    with ctx.db.write() as tx:
        a_secretary(tx)
    a_mailing(ctx, 4)
    with RelayThread(Manners(), faults.refuses_rcpt("reader2@")) as relay:
        run(ctx, to(relay))
        assert "secretary@example.org" not in [one.recipient for one in relay.accepted]  # the readers alone
        for _ in range(2):
            run(ctx, to(relay))
        assert [one.recipient for one in relay.accepted][3:] == ["secretary@example.org"]
    assert notices(ctx) == ["A mailing has ended: newsletter/84"]
    silent = with_limits(context, Send(report=False), main=Relay())
    a_mailing(silent, 4, number="85")
    with RelayThread() as relay:
        run(silent, to(relay))
        assert len(relay.accepted) == 4


def test_list_tries_its_own_relay_first_and_the_others_after_it(context: Context) -> None:
    ctx = with_limits(context, main=Relay(), second=Relay(per_hour=3))
    first, other = a_mailing(ctx, 5), 0
    with ctx.db.write() as tx:
        own = a_list(tx, "journal")
        readers(tx, own, 4, first=50)
        new = NewMailing(own, MailingKind.JOURNAL, "Journal", "hash", MailingState.SCHEDULED, number="1")
        other = mailings.add(tx, replace(new, start_at=ctx.clock.now()), now=ctx.clock.now())
    lists.edit(ctx, "journal", lists.Manners(relay="second"))
    with pytest.raises(NotFound, match="no relay"):
        lists.edit(ctx, "journal", lists.Manners(relay="secnd"))
    with RelayThread() as main, RelayThread() as second:
        assert set(run(ctx, to(main, second)).finished) == {first, other}
        assert len(second.accepted) == 3
        assert {taken.recipient for taken in second.accepted} <= {f"reader{i}@example.org" for i in range(50, 54)}
        assert len(main.accepted) == 5 + 1


def test_auth_that_starts_failing_pauses_loses_nobody_and_goes_on_when_mended(context: Context, tmp_path: Path) -> None:
    ctx = with_limits(context, main=Relay())
    with ctx.db.write() as tx:
        a_secretary(tx)
    mailing = a_mailing(ctx, 9)
    authority = Authority()
    manners = Manners(tls=authority.context(), users={"secretary": "sesame"}, auth_required=True)
    with RelayThread(manners, faults.closes_with_421(after_accepted=3)) as relay:
        target = RelayTarget(
            name="main",
            host="localhost",
            port=relay.port,
            security=Security.TLS,
            username="secretary",
            password="sesame",
            ca_file=authority.write(tmp_path / "ca.pem"),
        )
        relay.behave(faults.closes_with_421(after_accepted=3), replace(faults.refuses_auth(), skip=1))
        report = run(ctx, lambda: SmtpTransport([RelayTerms(target, 1, None)]), only=mailing)
        assert report.ending is Ending.PAUSED
        assert "535" in row(ctx, mailing).state_reason
        assert counts(ctx, mailing) == {S.ACCEPTED: 3, S.QUEUED: 6}
        assert notices(ctx) == ["A mailing is paused: newsletter/84"]
        relay.behave()
        steering.resume(ctx, str(mailing))
        run(ctx, lambda: SmtpTransport([RelayTerms(target, 1, None)]))
        assert counts(ctx, mailing) == {S.ACCEPTED: 9}


def test_deadline_that_passes_in_the_midst_of_a_run_tries_nobody_after_it(
    context: Context, clock: MovableClock
) -> None:
    mailing = a_mailing(context, 40, deadline_at=context.clock.now() + timedelta(minutes=2))
    with RelayThread() as relay:
        tried = 0

        def slowly(row: Claimed) -> Composed:
            nonlocal tried
            tried += 1
            if tried == 10:
                clock.forward(timedelta(minutes=3))
            return compose(row)

        assert run(context, to(relay, lanes=1), compose=slowly).finished == (mailing,)
        assert len(relay.accepted) <= 11
    found = counts(context, mailing)
    assert found == {S.ACCEPTED: len(relay.accepted), S.REFUSED: 40 - len(relay.accepted)}


def test_hours_that_end_in_the_midst_of_a_run_stop_it_and_it_goes_on_the_next_day(
    context: Context, clock: MovableClock
) -> None:
    ctx = with_limits(context, Send(hours="08:00-18:10"), main=Relay())  # it is 18:04 in London
    mailing = a_mailing(ctx, 40)
    with RelayThread() as relay:
        tried = 0

        def slowly(row: Claimed) -> Composed:
            nonlocal tried
            tried += 1
            if tried == 10:
                clock.forward(timedelta(minutes=7))
            return compose(row)

        report = run(ctx, to(relay, lanes=1), compose=slowly)
        assert report.ending is Ending.WAITING
        assert "hours" in report.reason
        assert len(relay.accepted) <= 11
        clock.forward(timedelta(hours=14))
        assert run(ctx, to(relay, lanes=1)).finished == (mailing,)
        assert len(relay.accepted) == 40


def test_full_domain_with_more_people_than_are_claimed_at_once_keeps_nobody_else_waiting(
    context: Context, clock: MovableClock
) -> None:
    ctx = with_limits(context, main=Relay(per_domain={"example.net": 4}))
    with context.db.write() as tx:
        news = a_list(tx)
        for number in range(1200):
            on_list(tx, a_person(tx, f"many{number}@example.net"), news)
        readers(tx, news, 20)
    mailing = a_mailing(ctx, 0)
    with RelayThread() as relay:
        report = run(ctx, to(relay))
        assert report.ending is Ending.WAITING
        assert "one domain" in report.reason
        taken = [one.recipient.partition("@")[2] for one in relay.accepted]
        assert (taken.count("example.net"), taken.count("example.org")) == (4, 20)
        assert run(ctx, to(relay)).ending is Ending.DONE  # nothing may be tried before the hour is over
        clock.forward(timedelta(hours=1, minutes=2))
        run(ctx, to(relay))
        assert len(relay.accepted) == 28
        with ctx.db.read() as tx:
            assert receipts.counts(tx, mailing)[S.QUEUED] == 1220 - 28
        unlimited = with_limits(context, main=Relay())
        steering.pause(unlimited, str(mailing))
        steering.resume(unlimited, str(mailing))
        assert run(unlimited, to(relay)).finished == (mailing,)
    assert len(relay.accepted) == 1220


def test_same_error_is_five_though_each_came_in_a_run_of_its_own(context: Context, clock: MovableClock) -> None:
    ctx = with_limits(context, main=Relay(per_hour=1))
    with ctx.db.write() as tx:
        a_secretary(tx)
    mailing = a_mailing(ctx, 20)
    with RelayThread(Manners(), faults.refuses_rcpt("", "550 not from you")) as relay:
        for hour in range(1, 6):
            assert row(ctx, mailing).state is MailingState.SENDING or hour == 1
            run(ctx, to(relay, lanes=1), only=mailing if hour > 1 else None)
            clock.forward(timedelta(hours=1, minutes=1))
        assert row(ctx, mailing).state is MailingState.PAUSED
        assert "5 times running" in row(ctx, mailing).state_reason
        assert counts(ctx, mailing) == {S.REFUSED: 5, S.QUEUED: 15}
        assert notices(ctx) == ["A mailing is paused: newsletter/84"]
        steering.resume(ctx, str(mailing))  # heard anew: one more is one, and not the sixth
        run(ctx, to(relay, lanes=1), only=mailing)
        assert row(ctx, mailing).state is MailingState.SENDING
        relay.behave()
        for _ in range(15):
            clock.forward(timedelta(hours=1, minutes=1))
            run(ctx, to(relay, lanes=1), only=mailing)
    assert row(ctx, mailing).state is MailingState.SENT
    with ctx.db.read() as tx:
        assert not meta.every(tx, "heard:")


def test_share_of_refusals_is_that_of_all_runs_together(context: Context, clock: MovableClock) -> None:
    ctx = with_limits(context, main=Relay(per_hour=20))
    mailing = a_mailing(ctx, 100)
    odd = [Fault(Step.RCPT, b"550 5.1.1 no such user\r\n", match=f"reader{number}@") for number in range(1, 100, 2)]
    with RelayThread(Manners(), *odd) as relay:
        for _ in range(5):
            run(ctx, to(relay, lanes=1))
            clock.forward(timedelta(hours=1, minutes=1))
    assert row(ctx, mailing).state is MailingState.PAUSED
    assert "answers were refusals" in row(ctx, mailing).state_reason


def test_rule_refusals_wait_for_the_others_before_they_are_meant_for_anybody_S36(
    context: Context, clock: MovableClock
) -> None:
    ctx = with_limits(context, main=Relay(per_hour=2))
    mailing = a_mailing(ctx, 7)
    rules = [f"550 5.7.{number} a rule" for number in (1, 133, 64, 60, 12, 13, 14)]
    refusals = [Fault(Step.RCPT, f"{text}\r\n".encode(), match=f"reader{n}@") for n, text in enumerate(rules, 1)]
    with RelayThread(Manners(), *refusals) as relay:
        for _ in range(3):
            run(ctx, to(relay, lanes=1))
            assert S.REFUSED not in counts(ctx, mailing)
            clock.forward(timedelta(hours=1, minutes=1))
        assert row(ctx, mailing).state is MailingState.PAUSED
        assert relay.accepted == []


def test_mailing_paused_by_judgement_and_resumed_in_the_same_run_goes_on(context: Context) -> None:
    ctx = replace(context, clock=SystemClock())
    mailing = a_mailing(ctx, 30)
    other = a_mailing(ctx, 30, number="85")
    limited = with_limits(ctx, main=Relay(per_second=15))
    bad = Fault(Step.RCPT, b"550 5.2.1 not today\r\n", times=5)
    with RelayThread(Manners(), bad) as relay:
        reports: list[Report] = []
        thread = threading.Thread(target=lambda: reports.append(run(limited, to(relay, lanes=1))))
        thread.start()
        while row(ctx, mailing).state is not MailingState.PAUSED:
            time.sleep(0.01)
        steering.resume(ctx, str(mailing))
        thread.join(30)
        assert reports
        assert set(reports[0].finished) == {mailing, other}


def test_relay_that_takes_one_domain_a_connection_S33_gets_everybody(context: Context) -> None:
    with context.db.write() as tx:
        news = a_list(tx)
        for number in range(12):
            on_list(tx, a_person(tx, f"reader{number}@{'one' if number % 3 else 'two'}.example.org"), news)
    mailing = a_mailing(context, 0)
    with RelayThread(Manners(extensions=("LIMITS RCPTDOMAINMAX=1", "DSN"))) as relay:
        assert run(context, to(relay, lanes=2)).finished == (mailing,)
        assert len(relay.accepted) == 12
        assert relay.violations == []


def test_relay_that_refuses_the_parameters_it_offers_I12_gets_everybody(context: Context) -> None:
    mailing = a_mailing(context, 30)
    refusal = Fault(Step.MAIL, b"555 5.5.4 unsupported option\r\n", match="ENVID")
    with RelayThread(Manners(extensions=("DSN",)), refusal) as relay:
        assert run(context, to(relay)).finished == (mailing,)
    assert counts(context, mailing) == {S.ACCEPTED: 30}


def test_letter_too_big_for_the_relay_I13_pauses_and_refuses_nobody(context: Context) -> None:
    mailing = a_mailing(context, 30)
    with RelayThread(Manners(size=20)) as relay:
        run(context, to(relay, lanes=1))
        assert "takes at most 20" in row(context, mailing).state_reason
        assert S.REFUSED not in counts(context, mailing)
        assert [command for command in relay.commands if command.startswith("MAIL")] == []
    with RelayThread(Manners(size=20_000)) as relay:
        steering.resume(context, str(mailing))
        assert run(context, to(relay)).finished == (mailing,)


def test_many_who_need_smtputf8_S25_are_refused_alone_and_pause_nothing(context: Context) -> None:
    mailing = a_mailing(context, 20)

    def wide(row: Claimed) -> Composed:
        made = compose(row)
        if row.delivery > 10:
            return made
        return replace(
            made, envelope=replace(made.envelope, recipient=f"józsef{row.delivery}@example.org", smtputf8=True)
        )

    with RelayThread() as relay:
        # Ten running are more than five, and half of all more than a quarter, and yet it is nobody's fault but theirs.
        assert run(context, to(relay, lanes=1), compose=wide).finished == (mailing,)
        assert len(relay.accepted) == 10
    with context.db.read() as tx:
        said = {(one.stage, one.enhanced) for one in receipts.not_reached(tx, mailing)}
    assert said == {("local", "5.6.7")}


def test_first_relay_is_taken_again_when_it_is_back_in_the_midst_of_a_run(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "PASS_OVER_SECONDS", 0.2)
    ctx = with_limits(replace(context, clock=SystemClock()), main=Relay(), second=Relay(per_second=40))
    mailing = a_mailing(ctx, 150)
    away = Fault(Step.GREETING, b"421 4.3.2 not now\r\n", Then.CLOSE)
    with RelayThread(Manners(), away) as main, RelayThread() as second:
        reports: list[Report] = []
        thread = threading.Thread(target=lambda: reports.append(run(ctx, to(main, second))))
        thread.start()
        while len(second.accepted) < 20:
            time.sleep(0.01)
        main.behave()
        thread.join(30)
        assert reports
        assert reports[0].finished == (mailing,)
        assert len(main.accepted) + len(second.accepted) == 150
        assert len(main.accepted) > 50
        assert second.relay.most_connections <= 4  # not one more, to see whether the first is back


def test_first_relay_is_taken_again_when_its_limit_opens_in_the_midst_of_a_run(
    context: Context, clock: MovableClock
) -> None:
    ctx = with_limits(context, main=Relay(per_hour=5), second=Relay())
    mailing = a_mailing(ctx, 400)
    with RelayThread() as main, RelayThread() as second:
        tried = 0

        def slowly(row: Claimed) -> Composed:
            nonlocal tried
            tried += 1
            time.sleep(0.003)
            if tried == 100:
                clock.forward(timedelta(hours=1, minutes=2))
            return compose(row)

        assert run(ctx, to(main, second), compose=slowly).finished == (mailing,)
        assert (len(main.accepted), len(second.accepted)) == (10, 390)


def test_login_that_is_refused_is_not_tried_every_minute_by_cron_and_at_once_by_hand(
    context: Context, clock: MovableClock, tmp_path: Path
) -> None:
    ctx = with_limits(context, main=Relay(), second=Relay(per_hour=2))
    mailing = a_mailing(ctx, 8)
    authority = Authority()
    manners = Manners(tls=authority.context(), users={"secretary": "sesame"}, auth_required=True)
    with RelayThread(manners) as main, RelayThread() as second:
        ca_file = authority.write(tmp_path / "ca.pem")
        target = RelayTarget(
            "main", "localhost", main.port, Security.TLS, username="secretary", password="wrong", ca_file=ca_file
        )
        other = RelayTarget("second", second.host, second.port, Security.NONE)

        def transport() -> SmtpTransport:
            return SmtpTransport([RelayTerms(target, 1, None), RelayTerms(other, 1, None)])

        def logins() -> int:
            return sum(command.startswith("AUTH") for command in main.commands)

        assert run(ctx, transport).ending is Ending.WAITING
        assert row(ctx, mailing).state is MailingState.SENDING  # the other one only waits for its limit
        assert (logins(), len(second.accepted)) == (1, 2)
        for _ in range(5):
            clock.forward(timedelta(minutes=2))
            run(ctx, transport)
        assert logins() == 1
        clock.forward(timedelta(minutes=6))
        run(ctx, transport)
        assert logins() == 2
        target = replace(target, password="sesame")
        assert run(ctx, transport, only=mailing).finished == (mailing,)
        assert len(main.accepted) == 6
        with ctx.db.read() as tx:
            assert usage.relays(tx)["main"].rests == 0


def test_new_mailing_pauses_while_every_relay_is_known_to_refuse_our_login(context: Context) -> None:
    ctx = with_limits(context, main=Relay())
    mailing = a_mailing(ctx, 8)
    refusal = Outcome(Verdict.REFUSED, Stage.AUTH, 535, "5.7.8", "5.7.8 no", "main")
    pausing.rest_after_login(ctx, {"main": refusal})
    with RelayThread() as relay:
        run(ctx, to(relay))
        assert row(ctx, mailing).state is MailingState.PAUSED
        assert "refused our login: 535 5.7.8 no" in row(ctx, mailing).state_reason
        steering.resume(ctx, str(mailing))
        assert run(ctx, to(relay)).finished == (mailing,)


def test_several_processes_share_the_connections_that_a_relay_allows_D5(context: Context) -> None:
    if context.db.is_sqlite:
        pytest.skip("one process sends at a time")
    ctx = with_limits(replace(context, clock=SystemClock()), main=Relay(max_connections=3, per_second=60))
    mailings_ = [a_mailing(ctx, 60, number=str(number)) for number in (84, 85)]
    with RelayThread() as relay:
        reports: list[Report] = []

        def send(mailing: int) -> None:
            other = replace(ctx, db=Database(ctx.db.url))
            reports.append(run(other, to(relay, lanes=3), only=mailing))
            other.db.close()

        threads = [threading.Thread(target=send, args=(mailing,)) for mailing in mailings_]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert [report.ending for report in reports] == [Ending.DONE] * 2
        assert len(relay.accepted) == 120
        assert relay.relay.most_connections <= 3
    with ctx.db.read() as tx:
        assert not meta.every(tx, "connections:")


def test_connections_are_shared_alike_and_those_of_the_dead_are_free(context: Context) -> None:
    ctx = with_limits(context, main=Relay(max_connections=4))
    first, second, third = (Seats(ctx, worker) for worker in ("a", "b", "c"))
    if context.db.is_sqlite:
        assert first.may_open("main", 4) == 4
        assert not first.is_one_too_many("main", 9)
        return
    with ctx.db.write() as tx:
        for seats in (first, second, third):
            workers.arrive(tx, seats.worker, host="localhost", pid=1, now=ctx.clock.now())
    assert first.may_open("main", 4) == 0
    first.settle({})
    assert first.may_open("main", 4) == 4
    second.may_open("main", 4)
    second.settle({})
    assert second.may_open("main", 4) == 0
    first.settle({"main": 4})
    assert first.is_one_too_many("main", 4)
    second.settle({})
    assert second.may_open("main", 4) == 0  # what is still open counts
    first.settle({"main": 2})
    second.settle({})
    assert (first.may_open("main", 4), second.may_open("main", 4)) == (2, 2)
    with ctx.db.write() as tx:
        workers.leave(tx, "a")  # it died
    second.settle({"main": 2})
    assert second.may_open("main", 4) == 4
    second.give_up()
    third.may_open("main", 4)
    third.settle({})
    assert third.may_open("main", 4) == 4


def test_connection_that_says_goodbye_counts_until_it_is_gone(context: Context) -> None:
    mailing = a_mailing(context, 12)
    slow = Fault(Step.QUIT, delay=0.05)
    with RelayThread(Manners(), slow) as relay:
        target = RelayTarget(name="main", host=relay.host, port=relay.port, security=Security.NONE)
        assert run(context, lambda: SmtpTransport([RelayTerms(target, 1, 2)])).finished == (mailing,)
        assert (relay.relay.connections, relay.relay.most_connections) == (6, 1)


def test_run_that_gets_no_connection_for_long_says_so_and_loses_nobody(context: Context) -> None:
    if context.db.is_sqlite:
        pytest.skip("one process sends at a time")
    ctx = with_limits(context, main=Relay(max_connections=1))
    mailing = a_mailing(ctx, 5)
    other = Seats(ctx, "other")
    with ctx.db.write() as tx:
        workers.arrive(tx, other.worker, host="localhost", pid=1, now=ctx.clock.now())
    other.may_open("main", 1)
    other.settle({})
    with RelayThread() as relay:
        report = run(ctx, to(relay, lanes=1), only=mailing, patience=timedelta(seconds=1))
        assert (report.ending, relay.relay.connections) == (Ending.WAITING, 0)
        assert "Other processes" in report.reason
        assert counts(ctx, mailing) == {S.QUEUED: 5}
        other.give_up()
        assert run(ctx, to(relay, lanes=1), only=mailing).finished == (mailing,)
