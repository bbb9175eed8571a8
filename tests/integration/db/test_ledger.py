"""The ledger on both databases: enrolling, claiming, the fence before the dot, and what is recorded."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import select, update

from balintmail.db import ledger, mailings, receipts, stops, workers
from balintmail.db.audience import Selection
from balintmail.db.ledger import Result
from balintmail.db.mailings import NewMailing
from balintmail.db.models import Address, Delivery, Person, Subscription, Worker
from balintmail.db.session import Database, Tx
from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.domain.states import (
    AddressHealth,
    DeliveryState,
    MailingKind,
    MailingState,
    SkipReason,
    SubscriptionState,
)
from tests.support.register import NOW, a_list, a_person, on_list, readers, suppress

S = DeliveryState
ME = "worker-1"
ACCEPTED = Outcome(Verdict.ACCEPTED, Stage.DOT, 250, "2.0.0", "ok", "main")


def a_mailing(tx: Tx, list_id: int, number: str = "84") -> int:
    new = NewMailing(list_id, MailingKind.NEWSLETTER, "News", "hash", MailingState.SCHEDULED, number=number)
    mailing = mailings.add(tx, new, now=NOW)
    assert mailings.begin(tx, mailing, content_hash="hash", start_at=None, now=NOW)
    mailings.set_audience(tx, mailing, ledger.enrol(tx, mailing, Selection(list_id), now=NOW))
    return mailing


def claimed(database: Database, mailing: int, worker: str = ME, limit: int = 100) -> list[int]:
    with database.write() as tx:
        if not workers.seen(tx, worker):
            workers.arrive(tx, worker, host="here", pid=1, now=NOW)
        return [row.delivery for row in ledger.claim(tx, mailing, worker, limit=limit, now=NOW)]


def state_of(database: Database, delivery: int) -> DeliveryState:
    with database.read() as tx:
        return tx.execute(select(Delivery.state).where(Delivery.id == delivery)).scalar_one()


def test_enrol_writes_one_row_per_person_with_the_reason_of_whoever_may_not(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 3)
        on_list(tx, a_person(tx, "p@example.org"), news, SubscriptionState.PAUSED)
        on_list(tx, a_person(tx, "s@example.org"), news)
        suppress(tx, "s@example.org")
        mailing = a_mailing(tx, news)
        assert receipts.counts(tx, mailing) == {**dict.fromkeys(S, 0), S.QUEUED: 3, S.SKIPPED: 2}
        assert receipts.skipped_by_reason(tx, mailing) == {SkipReason.PAUSED: 1, SkipReason.SUPPRESSED: 1}
        row = mailings.by_id(tx, mailing)
    assert row is not None
    assert (row.audience, row.state, row.label) == (5, MailingState.SENDING, "newsletter/84")


def test_enrolling_twice_is_refused_by_the_database_D1(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 1)
        mailing = a_mailing(tx, news)
    with pytest.raises(sa.exc.IntegrityError), database.write() as tx:
        ledger.enrol(tx, mailing, Selection(news), now=NOW)


def test_claim_gives_each_row_to_one_worker(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 5)
        mailing = a_mailing(tx, news)
    first = claimed(database, mailing, "a", 3)
    second = claimed(database, mailing, "b", 3)
    assert len(first) == 3
    assert len(second) == 2
    assert not set(first) & set(second)


def test_rows_go_the_whole_way_and_the_mailing_is_sent_only_then_D2(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 2)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing)
    with database.write() as tx:
        assert ledger.mark_at_risk(tx, ids, ME, now=NOW).passed == frozenset(ids)
    refused = Outcome(Verdict.REFUSED, Stage.RCPT, 550, "5.1.1", "no such user", "main")
    with database.write() as tx:
        ledger.record(tx, [Result(ids[0], S.ACCEPTED, ACCEPTED)], ME, now=NOW)
        assert receipts.anything_open(tx, mailing)
        ledger.record(tx, [Result(ids[1], S.REFUSED, refused)], ME, now=NOW)
        assert not receipts.anything_open(tx, mailing)
        assert mailings.finish(tx, mailing, now=NOW)
        (left,) = receipts.not_reached(tx, mailing)
    assert (left.state, left.code, left.enhanced, left.reply) == (S.REFUSED, 550, "5.1.1", "no such user")


def test_expired_worker_cannot_pass_the_fence(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 2)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing, "old")
    with database.write() as tx:
        workers.arrive(tx, "new", host="here", pid=2, now=NOW)
        tx.execute(update(Worker).where(Worker.id == "old").values(seen_at=NOW - timedelta(days=400)))
        assert workers.recover(tx, "new", now=NOW).given_back == 2
        assert not workers.seen(tx, "old")
    assert claimed(database, mailing, "new") == ids
    with database.write() as tx:
        marked = ledger.mark_at_risk(tx, ids, "old", now=NOW)
        assert marked.passed == frozenset()
        assert marked.lost == frozenset(ids)
        assert ledger.mark_at_risk(tx, ids, "new", now=NOW).passed == frozenset(ids)


def test_recovery_queues_what_was_claimed_and_doubts_what_was_at_risk(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 3)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing, "dead")
    with database.write() as tx:
        ledger.mark_at_risk(tx, ids[:1], "dead", now=NOW)
        tx.execute(update(Worker).where(Worker.id == "dead").values(seen_at=NOW - timedelta(days=400)))
        workers.arrive(tx, ME, host="here", pid=2, now=NOW)
        found = workers.recover(tx, ME, now=NOW)
        assert (found.unknown, found.given_back) == (1, 2)
        assert receipts.counts(tx, mailing)[S.UNKNOWN] == 1
        # The one who was taken for dead read a 250 after all: that is proof.
        ledger.record(tx, [Result(ids[0], S.ACCEPTED, ACCEPTED)], "dead", now=NOW)
        assert receipts.counts(tx, mailing)[S.ACCEPTED] == 1


def test_late_refusal_leaves_an_unknown_row_unknown(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 1)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing, "dead")
    with database.write() as tx:
        ledger.mark_at_risk(tx, ids, "dead", now=NOW)
        tx.execute(update(Worker).where(Worker.id == "dead").values(seen_at=NOW - timedelta(days=400)))
        workers.recover(tx, ME, now=NOW)
        refused = Outcome(Verdict.DEFERRED, Stage.DOT, 451)
        ledger.record(tx, [Result(ids[0], S.DEFERRED, refused)], "dead", now=NOW)
    assert state_of(database, ids[0]) is S.UNKNOWN


def _leaves(tx: Tx, person: int, news: int) -> None:
    tx.execute(
        update(Subscription).where(Subscription.person_id == person).values(state=SubscriptionState.UNSUBSCRIBED)
    )


def _pauses(tx: Tx, person: int, news: int) -> None:
    tx.execute(update(Subscription).where(Subscription.person_id == person).values(state=SubscriptionState.PAUSED))


def _is_suppressed(tx: Tx, person: int, news: int) -> None:
    suppress(tx, "reader1@example.org")


def _is_erased(tx: Tx, person: int, news: int) -> None:
    tx.execute(update(Person).where(Person.id == person).values(erased_at=NOW))


def _bounces(tx: Tx, person: int, news: int) -> None:
    tx.execute(update(Address).where(Address.key == "reader1@example.org").values(health=AddressHealth.BOUNCED))


NOES: list[tuple[Callable[[Tx, int, int], None], SkipReason]] = [
    (_leaves, SkipReason.NOT_SUBSCRIBED),
    (_pauses, SkipReason.PAUSED),
    (_is_suppressed, SkipReason.SUPPRESSED),
    (_is_erased, SkipReason.ERASED),
    (_bounces, SkipReason.BOUNCED),
]


@pytest.mark.parametrize(("says_no", "reason"), NOES, ids=[reason.value for _, reason in NOES])
def test_a_no_between_claim_and_mark_wins_D4(
    database: Database, says_no: Callable[[Tx, int, int], None], reason: SkipReason
) -> None:
    with database.write() as tx:
        news = a_list(tx)
        one, _ = readers(tx, news, 2)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing)
    with database.write() as tx:
        says_no(tx, one, news)
    with database.write() as tx:
        marked = ledger.mark_at_risk(tx, ids, ME, now=NOW)
        assert marked.passed == frozenset(ids[1:])
        assert marked.refused == {ids[0]: reason}
        assert receipts.skipped_by_reason(tx, mailing) == {reason: 1}


def test_pause_between_claim_and_mark_gives_the_rows_back_D4(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 2)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing)
    with database.write() as tx:
        assert mailings.change(tx, mailing, MailingState.PAUSED, reason="paused by hand")
        assert ledger.mark_at_risk(tx, ids, ME, now=NOW).paused == frozenset(ids)
        assert receipts.counts(tx, mailing)[S.QUEUED] == 2
        attempts = tx.scalars(select(Delivery.attempts)).all()
    assert set(attempts) == {0}


def test_cancel_between_claim_and_mark_skips_D4(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 2)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing)
    with database.write() as tx:
        assert mailings.change(tx, mailing, MailingState.CANCELLED)
        assert ledger.mark_at_risk(tx, ids[:1], ME, now=NOW).refused == {ids[0]: SkipReason.CANCELLED}
        assert ledger.cancel_open(tx, mailing, now=NOW) == 1
        assert ledger.mark_at_risk(tx, ids[1:], ME, now=NOW).lost == frozenset(ids[1:])
        assert receipts.skipped_by_reason(tx, mailing) == {SkipReason.CANCELLED: 2}


def test_stops_reach_open_rows_and_leave_final_and_risky_ones_alone(database: Database) -> None:
    with database.write() as tx:
        news, other = a_list(tx), a_list(tx, "other")
        (one,) = readers(tx, news, 1)
        on_list(tx, one, other)
        first, second = a_mailing(tx, news, "1"), a_mailing(tx, other, "1")
        assert stops.stop_subscriber(tx, one, news, SkipReason.NOT_SUBSCRIBED, now=NOW) == 1
        assert receipts.counts(tx, first)[S.SKIPPED] == 1
    ids = claimed(database, second)
    with database.write() as tx:
        ledger.mark_at_risk(tx, ids, ME, now=NOW)
        assert stops.stop_person(tx, one, SkipReason.ERASED, now=NOW) == 0
        assert stops.stop_address(tx, "reader1@example.org", SkipReason.SUPPRESSED, now=NOW) == 0
        assert receipts.counts(tx, second)[S.AT_RISK] == 1


def test_deferred_rows_wake_when_their_time_has_come(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 1)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing)
    later = NOW + timedelta(minutes=20)
    with database.write() as tx:
        greylisted = Outcome(Verdict.DEFERRED, Stage.RCPT, 450, "4.7.1", "come again", "main")
        ledger.record(tx, [Result(ids[0], S.DEFERRED, greylisted, next_try_at=later)], ME, now=NOW)
        assert tx.scalar(select(Delivery.next_try_at)) == later
        assert ledger.wake_deferred(tx, [mailing], now=NOW) == 0
        assert ledger.wake_deferred(tx, [mailing], now=later) == 1
        assert receipts.counts(tx, mailing)[S.QUEUED] == 1


def test_settle_touches_unknown_rows_only(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 2)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing)
    with database.write() as tx:
        ledger.mark_at_risk(tx, ids[:1], ME, now=NOW)
        ledger.record(tx, [Result(ids[0], S.UNKNOWN, Outcome(Verdict.UNKNOWN, Stage.DOT))], ME, now=NOW)
        assert ledger.settle(tx, ids, S.WRITTEN_OFF, now=NOW) == 1
        assert receipts.counts(tx, mailing) == {**dict.fromkeys(S, 0), S.CLAIMED: 1, S.WRITTEN_OFF: 1}


def test_take_back_queues_what_surely_never_left(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 2)
        mailing = a_mailing(tx, news)
    ids = claimed(database, mailing)
    with database.write() as tx:
        ledger.mark_at_risk(tx, ids[:1], ME, now=NOW)
        assert ledger.take_back(tx, ME, ids, now=NOW) == 2
        assert receipts.counts(tx, mailing)[S.QUEUED] == 2
