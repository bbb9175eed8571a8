"""Dispatch from the claim to the last answer, through the outbox and through a fake relay, on both databases."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from balintmail.config import Security, Send, Settings, UnknownPolicy
from balintmail.db import ledger, mailings, receipts, workers
from balintmail.db.mailings import NewMailing
from balintmail.db.models import Mailing, Person, Subscription, Worker
from balintmail.domain.states import DeliveryState, MailingKind, MailingState, SkipReason, SubscriptionState
from balintmail.sending.connect import RelayTarget
from balintmail.sending.outbox import OutboxTransport
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.services import freeze, release
from balintmail.services import mailings as steering
from balintmail.services.context import Context
from balintmail.services.dispatch import ClockBehind, Orders, Report, dispatch
from balintmail.services.journal import FOLDER, read_journal
from balintmail.services.lock import dispatch_lock
from balintmail.services.tally import Ending
from tests.conftest import MovableClock
from tests.relay import Manners, RelayThread, faults
from tests.support.letters import compose, compose_but_not_for
from tests.support.register import a_list, readers

S = DeliveryState


def a_mailing(ctx: Context, people: int, number: str = "84") -> int:
    """Enter a list, its readers and a mailing that is due."""
    with ctx.db.write() as tx:
        from balintmail.db.lists import by_slug

        found = by_slug(tx, "newsletter")
        news = found.id if found else a_list(tx)
        if not found:
            readers(tx, news, people)
        new = NewMailing(
            news,
            MailingKind.NEWSLETTER,
            "News",
            "hash",
            MailingState.SCHEDULED,
            number=number,
            start_at=ctx.clock.now(),
        )
        return mailings.add(tx, new, now=ctx.clock.now())


def counts(ctx: Context, mailing: int) -> dict[DeliveryState, int]:
    with ctx.db.read() as tx:
        return {state: number for state, number in receipts.counts(tx, mailing).items() if number}


def outbox(ctx: Context) -> Callable[[], OutboxTransport]:
    return lambda: OutboxTransport(ctx.folder / "outbox")


def to_relay(relay: RelayThread, lanes: int = 4) -> Callable[[], SmtpTransport]:
    target = RelayTarget(name="main", host=relay.host, port=relay.port, security=Security.NONE)
    return lambda: SmtpTransport([RelayTerms(target, lanes, None)])


def run(ctx: Context, transport: Callable[[], Any], **orders: Any) -> Report:
    return dispatch(ctx, transport, Orders(**{"compose": compose, **orders}))


def files(ctx: Context) -> list[Path]:
    return sorted((ctx.folder / "outbox" / "new").iterdir())


def test_due_mailing_reaches_everybody_once_and_is_sent(context: Context) -> None:
    mailing = a_mailing(context, 25)
    report = run(context, outbox(context))
    assert (report.ending, report.started, report.finished) == (Ending.DONE, (mailing,), (mailing,))
    assert counts(context, mailing) == {S.ACCEPTED: 25}
    assert len(files(context)) == 25
    again = run(context, outbox(context))
    assert (again.ending, again.started, len(files(context))) == (Ending.DONE, (), 25)


def test_relay_gets_each_message_once_with_its_dot_after_the_commit(context: Context) -> None:
    mailing = a_mailing(context, 30)
    with RelayThread() as relay:
        report = run(context, to_relay(relay))
        assert sorted(taken.recipient for taken in relay.accepted) == sorted(
            f"reader{i}@example.org" for i in range(1, 31)
        )
        assert relay.violations == []
    assert report.finished == (mailing,)
    states = [entry.state for entry in read_journal(context.folder / FOLDER)]
    assert states.count(S.AT_RISK) == 30
    assert states.count(S.ACCEPTED) == 30


def test_refused_and_deferred_recipients_keep_the_relays_words(context: Context, clock: MovableClock) -> None:
    mailing = a_mailing(context, 5)
    full = faults.refuses_rcpt("reader4", "452 4.2.2 mailbox full")
    with RelayThread(Manners(), faults.refuses_rcpt("reader2"), full) as relay:
        report = run(context, to_relay(relay))
        assert report.ending is Ending.DONE
        assert counts(context, mailing) == {S.ACCEPTED: 3, S.REFUSED: 1, S.DEFERRED: 1}
        with context.db.read() as tx:
            by_state = {row.state: row for row in receipts.not_reached(tx, mailing)}
            assert mailings.by_id(tx, mailing).state is MailingState.SENDING  # type: ignore[union-attr]
        assert by_state[S.REFUSED].code == 550
        assert by_state[S.REFUSED].reply
        next_try_at = by_state[S.DEFERRED].next_try_at
        assert next_try_at is not None
        assert next_try_at > clock.now()
    clock.forward(timedelta(hours=1))
    with RelayThread() as relay:
        assert run(context, to_relay(relay)).finished == (mailing,)
        assert [taken.recipient for taken in relay.accepted] == ["reader4@example.org"]
    assert counts(context, mailing) == {S.ACCEPTED: 4, S.REFUSED: 1}


def test_line_lost_after_the_dot_is_unknown_and_never_sent_again(context: Context) -> None:
    mailing = a_mailing(context, 3)
    with RelayThread(Manners(), faults.drops_after_accepting(times=1)) as relay:
        run(context, to_relay(relay))
        run(context, to_relay(relay))
        assert counts(context, mailing) == {S.ACCEPTED: 2, S.UNKNOWN: 1}
        assert len({taken.recipient for taken in relay.accepted}) == len(relay.accepted) == 3


def test_one_persons_impossible_data_fails_that_row_alone(context: Context) -> None:
    mailing = a_mailing(context, 4)
    run(context, outbox(context), compose=compose_but_not_for("reader3@example.org"))
    assert counts(context, mailing) == {S.ACCEPTED: 3, S.SKIPPED: 1}
    with context.db.read() as tx:
        assert receipts.skipped_by_reason(tx, mailing) == {SkipReason.CONTENT: 1}
        (left,) = receipts.not_reached(tx, mailing)
    assert left.reply == "their name cannot be written"


def test_unforeseen_error_for_one_person_fails_that_row_alone(context: Context) -> None:
    mailing = a_mailing(context, 4)
    run(context, outbox(context), compose=compose_but_not_for("reader3@example.org", ValueError("odd")))
    assert counts(context, mailing) == {S.ACCEPTED: 3, S.SKIPPED: 1}


def test_error_for_everybody_stops_and_gives_the_rest_back(context: Context) -> None:
    mailing = a_mailing(context, 20)

    def broken(row: object) -> Any:
        raise ValueError("odd")

    report = run(context, outbox(context), compose=broken)
    assert report.ending is Ending.FAILED
    assert counts(context, mailing)[S.QUEUED] == 16


def test_error_that_nobody_foresaw_while_claiming_ends_the_run_and_is_told(context: Context) -> None:
    """Claims are tasks beside the loop, and a task's error is heard by nobody unless somebody asks."""
    mailing = a_mailing(context, 5)

    def probe(point: str) -> None:
        if point == "after claim":
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        run(context, outbox(context), probe=probe)
    assert counts(context, mailing) == {S.QUEUED: 5}


def test_second_dispatcher_says_busy(context: Context) -> None:
    a_mailing(context, 2)
    with dispatch_lock(context) as lock:
        assert lock.take()
        assert run(context, outbox(context)).ending is Ending.BUSY
    assert run(context, outbox(context)).ending is Ending.DONE


def test_dispatch_without_anything_due_leaves_a_beat_and_a_send_does_not(context: Context, clock: MovableClock) -> None:
    mailing = a_mailing(context, 2)
    assert run(context, outbox(context), only=mailing).ending is Ending.DONE
    assert dispatch_lock(context).last_beat() is None
    for _ in range(2):
        clock.forward(timedelta(minutes=1))
        assert run(context, outbox(context)).ending is Ending.DONE
        assert dispatch_lock(context).last_beat() == clock.now()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_two_workers_share_the_rows_on_postgresql(context: Context, tmp_path: Path) -> None:
    mailing = a_mailing(context, 400)
    other = replace(context, folder=tmp_path / "elsewhere")
    other.folder.mkdir()
    with RelayThread() as relay:
        reports: list[Report] = []
        threads = [
            threading.Thread(target=lambda ctx=ctx: reports.append(run(ctx, to_relay(relay))))
            for ctx in (context, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(relay.accepted) == 400
        assert len({taken.recipient for taken in relay.accepted}) == 400
    assert counts(context, mailing) == {S.ACCEPTED: 400}


def test_relay_that_is_down_leaves_everything_queued(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balintmail.services.connections.REOPEN_AFTER", (0.05,))
    mailing = a_mailing(context, 3)
    with RelayThread() as relay:
        nobody = to_relay(relay)
    report = run(context, nobody)
    assert report.ending is Ending.DOWN
    assert report.reason
    assert counts(context, mailing) == {S.QUEUED: 3}


def _leaves_at_the_dot(ctx: Context, mailing: int) -> None:
    with ctx.db.write() as tx:
        tx.execute(update(Subscription).values(state=SubscriptionState.UNSUBSCRIBED))


def _pauses(ctx: Context, mailing: int) -> None:
    with ctx.db.write() as tx:
        mailings.change(tx, mailing, MailingState.PAUSED, reason="by hand")


def _cancels(ctx: Context, mailing: int) -> None:
    with ctx.db.write() as tx:
        mailings.change(tx, mailing, MailingState.CANCELLED)
        ledger.cancel_open(tx, mailing, now=ctx.clock.now())


def _dies(ctx: Context, mailing: int) -> None:
    with ctx.db.write() as tx:
        tx.execute(update(Person).values(died_on=ctx.clock.now().date()))


@pytest.mark.parametrize(
    ("no", "state"),
    [(_leaves_at_the_dot, S.SKIPPED), (_dies, S.SKIPPED), (_pauses, S.QUEUED), (_cancels, S.SKIPPED)],
)
def test_a_no_after_the_claim_lets_no_dot_leave_I6_J7_D4(
    context: Context, no: Callable[[Context, int], None], state: DeliveryState
) -> None:
    mailing = a_mailing(context, 6)

    def probe(point: str) -> None:
        if point == "after claim":
            no(context, mailing)

    with RelayThread() as relay:
        run(context, to_relay(relay), probe=probe)
        assert relay.accepted == []
    assert counts(context, mailing) == {state: 6}


@pytest.mark.parametrize("killed", [False, True])
def test_cancelled_while_at_risk_and_then_not_taken_ends_D2(context: Context, killed: bool) -> None:
    """Whoever was at risk stayed deferred for ever in a mailing that nobody sends any more."""
    mailing = a_mailing(context, 6)
    passed: list[str] = []

    def probe(point: str) -> None:
        passed.append(point)
        if point == "after (2)" and passed.count(point) == 1:
            _cancels(context, mailing)
        if killed and point == "in (3)":
            raise KeyboardInterrupt

    with RelayThread(Manners(), faults.says("dot", "451 4.3.0 later", match="")) as relay:
        with contextlib.suppress(KeyboardInterrupt):
            run(context, to_relay(relay, lanes=1), probe=probe)
        with context.db.write() as tx:
            tx.execute(delete(Worker))  # as if the dead one's lease had run out
        run(context, to_relay(relay))
        assert relay.accepted == []
    assert counts(context, mailing) == {S.SKIPPED: 6}
    with context.db.read() as tx:
        found = mailings.by_id(tx, mailing)
    assert found is not None
    assert found.finished_at is not None


def test_pause_from_outside_acts_within_a_second_and_resume_goes_on(
    context: Context,
) -> None:
    mailing = a_mailing(context, 40)
    with RelayThread(Manners(), faults.answers_late("dot", 0.1)) as relay:
        reports: list[Report] = []
        thread = threading.Thread(target=lambda: reports.append(run(context, to_relay(relay, 2), only=mailing)))
        thread.start()
        while len(relay.accepted) < 4:
            time.sleep(0.01)
        _pauses(context, mailing)
        time.sleep(1.0)
        taken = len(relay.accepted)
        time.sleep(0.6)
        assert len(relay.accepted) == taken < 40
        with context.db.write() as tx:
            mailings.change(tx, mailing, MailingState.SENDING)
        thread.join(30)
        assert len(relay.accepted) == 40
    assert reports[0].ending is Ending.DONE
    assert counts(context, mailing) == {S.ACCEPTED: 40}


def test_list_archived_mid_send_J6_still_ends_the_mailing(context: Context) -> None:
    from balintmail.db.models import MailingList

    mailing = a_mailing(context, 5)

    def probe(point: str) -> None:
        if point == "after claim":
            with context.db.write() as tx:
                tx.execute(update(MailingList).values(archived_at=context.clock.now()))

    assert run(context, outbox(context), probe=probe).finished == (mailing,)


def test_clock_that_jumps_J1_stops_the_run(context: Context, clock: MovableClock) -> None:
    mailing = a_mailing(context, 5)

    def probe(point: str) -> None:
        if point == "after (2)":
            clock.moment += timedelta(days=1)

    report = run(context, outbox(context), probe=probe)
    assert report.ending is Ending.FAILED
    assert "clock" in report.reason
    assert counts(context, mailing).get(S.ACCEPTED, 0) <= 5


def test_clock_set_back_a_day_J1_sends_nothing_until_it_is_right(context: Context, clock: MovableClock) -> None:
    a_mailing(context, 2)
    run(context, outbox(context))
    second = a_mailing(context, 2, number="85")
    clock.moment -= timedelta(days=1)
    with pytest.raises(ClockBehind):
        run(context, outbox(context))
    assert len(files(context)) == 2
    clock.moment += timedelta(days=1)
    assert run(context, outbox(context)).finished == (second,)


def test_unknown_is_resent_only_by_the_policy_chosen_beforehand_P4(context: Context) -> None:
    mailing = a_mailing(context, 2)
    with RelayThread(Manners(), faults.drops_after_dot(times=1)) as relay:
        run(context, to_relay(relay, 1))
        run(context, to_relay(relay, 1))
        assert counts(context, mailing) == {S.ACCEPTED: 1, S.UNKNOWN: 1}
        chosen = Settings(send=Send(unknown=UnknownPolicy.RESEND))
        run(replace(context, settings=chosen), to_relay(relay, 1))
        assert counts(context, mailing) == {S.ACCEPTED: 2}
        assert len(relay.accepted) == 2


def test_interrupted_finishing_is_made_up_for(context: Context) -> None:
    mailing = a_mailing(context, 2)

    def probe(point: str) -> None:
        if point == "before finishing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(context, outbox(context), probe=probe)
    assert counts(context, mailing) == {S.ACCEPTED: 2}
    assert run(context, outbox(context)).finished == (mailing,)


def test_start_of_a_mailing_that_was_edited_meanwhile_does_nothing(context: Context) -> None:
    mailing = a_mailing(context, 2)
    with context.db.read() as tx:
        before = mailings.by_id(tx, mailing)
    assert before is not None
    with context.db.write() as tx:
        news = before.list_id
        new = NewMailing(news, MailingKind.NEWSLETTER, "N", "other", MailingState.SCHEDULED, number="84")
        assert mailings.rewrite(tx, mailing, new)
    assert not freeze.start(context, before)
    assert counts(context, mailing) == {}


def test_start_of_a_mailing_that_was_put_off_meanwhile_does_nothing(context: Context) -> None:
    mailing = a_mailing(context, 2)
    with context.db.read() as tx:
        read_before = mailings.by_id(tx, mailing)
    later = context.clock.now() + timedelta(days=1)
    with context.db.write() as tx:
        tx.execute(update(Mailing).values(start_at=later, audience_filter={"where": "member", "exclude": []}))
    assert read_before is not None
    assert not freeze.start(context, read_before)
    assert counts(context, mailing) == {}


def test_cancelled_mailing_is_not_taken_back_into_a_draft_D4(context: Context) -> None:
    mailing = a_mailing(context, 1)
    freeze.start_due(context, only=None)
    steering.cancel(context, str(mailing))
    assert not release.take_back(context, mailing)
    assert counts(context, mailing) == {S.SKIPPED: 1}


def test_machine_that_cannot_open_a_connection_for_a_reason_nobody_foresaw_says_so(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of memory, a thread cannot be started: the error once went unheard, and the run looked on for ever."""
    monkeypatch.setattr("balintmail.services.connections.REOPEN_AFTER", (0.01,))
    mailing = a_mailing(context, 3)

    class Starved(OutboxTransport):
        async def open(self, events: Any) -> Any:
            raise RuntimeError("can't start new thread")

    report = run(context, lambda: Starved(context.folder / "outbox"))
    assert report.ending is Ending.DOWN
    assert "can't start new thread" in report.reason
    assert counts(context, mailing) == {S.QUEUED: 3}


def test_what_a_crash_left_is_told_by_what_becomes_of_it_P3_P4(context: Context) -> None:
    def crashed(number: str) -> int:
        mailing = a_mailing(context, 3, number)
        freeze.start_due(context, only=None)
        now = context.clock.now()
        with context.db.write() as tx:
            rows = ledger.claim(tx, mailing, "dead", limit=2, now=now)
            ledger.mark_at_risk(tx, [row.delivery for row in rows], "dead", now=now)
        return mailing

    crashed("84")
    held = run(context, outbox(context)).recovered
    assert (held.unknown, held.resent) == (2, 0)
    crashed("85")
    again = replace(context, settings=Settings(send=Send(unknown=UnknownPolicy.RESEND)))
    resent = run(again, outbox(context)).recovered
    assert (resent.unknown, resent.resent) == (0, 4)


def test_dispatch_beside_a_send_that_has_everything_in_hand_says_busy(context: Context) -> None:
    if context.db.is_sqlite:
        pytest.skip("the lock says so there")
    mailing = a_mailing(context, 3)
    freeze.start_due(context, only=None)
    with context.db.write() as tx:
        workers.arrive(tx, "other", host="localhost", pid=1, now=context.clock.now())
        ledger.claim(tx, mailing, "other", limit=10, now=context.clock.now())
    assert run(context, outbox(context)).ending is Ending.BUSY
    with context.db.write() as tx:
        workers.leave(tx, "other")
    assert run(context, outbox(context)).finished == (mailing,)
