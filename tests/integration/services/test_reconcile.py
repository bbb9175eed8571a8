"""A database older than its journal is noticed, and reconciled before anything is sent again (P7)."""

import os
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update

from balintmail.db import mailings, meta, receipts
from balintmail.db.models import AuditEvent, Delivery, Mailing, Meta
from balintmail.db.schema import Base
from balintmail.db.session import Database
from balintmail.domain.states import DeliveryState, MailingState
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import letters
from balintmail.services import mailings as steering
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.freeze import start_due
from balintmail.services.journal import FOLDER, Entry, JournalError, last_turns, open_journal, read_journal
from balintmail.services.reconcile import (
    SendingBlocked,
    block_sending,
    instance_id,
    reconcile,
    require_permission,
    settle_by_journal,
)
from balintmail.services.tally import Ending
from tests.integration.services.test_dispatch import a_mailing, counts, files, outbox
from tests.support.letters import compose
from tests.support.register import a_person

S = DeliveryState


def send(ctx: Context, probe: Callable[[str], None] = lambda _: None) -> Ending:
    return dispatch(ctx, outbox(ctx), Orders(compose=compose, probe=probe)).ending


def set_back(ctx: Context) -> None:
    """Make the database what it was just after the freeze, as a restored backup would be."""
    with ctx.db.write() as tx:
        values = {"state": S.QUEUED, "claim": None, "attempts": 0, "code": 0, "stage": ""}
        tx.execute(update(Delivery).where(Delivery.state == S.ACCEPTED).values(values))
        tx.execute(update(Mailing).values(state=MailingState.SENDING, finished_at=None))
        tx.execute(delete(Meta).where(Meta.key.like("journal:%")))


def test_restored_backup_refuses_to_send_and_reconcile_takes_the_journals_answers_P7(context: Context) -> None:
    mailing = a_mailing(context, 8)
    assert send(context) is Ending.DONE
    set_back(context)
    for _ in range(2):  # it stays off, whoever asks
        with pytest.raises(SendingBlocked):
            send(context)
    report = reconcile(context)
    assert (report.answered, report.unknown, report.blocked) == (8, 0, ())
    assert counts(context, mailing) == {S.ACCEPTED: 8}
    assert send(context) is Ending.DONE
    assert len(files(context)) == 8
    with context.db.read() as tx:
        row = mailings.by_id(tx, mailing)
    assert row is not None
    assert row.state is MailingState.SENT


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_old_copy_of_the_file_put_back_is_noticed_P7(context: Context, tmp_path: Path) -> None:
    mailing = a_mailing(context, 40)  # more than connections: some dots follow the copy
    file = Path(context.db.url.database or "")
    stopped: list[int] = []

    def probe(point: str) -> None:
        if point == "after (2)" and not stopped:
            stopped.append(1)
            with context.db.read() as tx:
                tx.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            shutil.copy(file, tmp_path / "backup.db")

    assert send(context, probe) is Ending.DONE
    context.db.close()
    for leftover in file.parent.glob(f"{file.name}-*"):
        leftover.unlink()
    shutil.copy(tmp_path / "backup.db", file)
    restored = replace(context, db=Database(context.db.url))
    with pytest.raises(SendingBlocked):
        send(restored)
    reconcile(restored)
    send(restored)
    found = counts(restored, mailing)
    assert found == {S.ACCEPTED: 40}
    assert len(files(restored)) == 40
    restored.db.close()


def test_mailing_that_only_the_journal_knows_is_blocked_P7(context: Context) -> None:
    mailing = a_mailing(context, 5)
    send(context)
    with context.db.write() as tx:
        tx.execute(delete(AuditEvent))
        for table in reversed(Base.metadata.sorted_tables):
            if table.name == "mailings" or "mailings.id" in {key.target_fullname for key in table.foreign_keys}:
                tx.execute(table.delete())
        tx.execute(delete(Meta).where(Meta.key.like("journal:%")))
    with pytest.raises(SendingBlocked):
        require_permission(context)
    report = reconcile(context)
    assert report.blocked == ("newsletter/84",)
    with context.db.read() as tx:
        row = mailings.by_number(tx, "newsletter", "84")
        assert row is not None
        assert row.state is MailingState.CANCELLED
        assert row.frozen_at is not None  # so that release refuses the number
        assert receipts.counts(tx, row.id)[S.ACCEPTED] == 5
        assert row.audience == 5
    del mailing
    again = a_mailing(context, 5, number="85")
    assert send(context) is Ending.DONE
    with context.db.read() as tx:
        old = set(tx.scalars(select(Delivery.id).where(Delivery.mailing_id == row.id)))
        new = set(tx.scalars(select(Delivery.id).where(Delivery.mailing_id == again)))
    assert not old & new  # no delivery has a Message-ID that went out before


def test_dot_without_an_answer_becomes_unknown_P7(context: Context) -> None:
    mailing = a_mailing(context, 3)

    def probe(point: str) -> None:
        if point == "before (3)":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(context, probe)
    marked = counts(context, mailing)[S.AT_RISK]  # how many were at their dots when the first answer came
    assert marked
    with context.db.write() as tx:
        tx.execute(update(Delivery).values(state=S.QUEUED, claim=None))
        block_sending(tx, "restored from a backup")
    report = reconcile(context)
    assert report.unknown == marked
    assert counts(context, mailing) == Counter({S.UNKNOWN: marked, S.QUEUED: 3 - marked}) + Counter()


def test_blocked_sending_says_why_and_reconcile_lifts_it(context: Context) -> None:
    (context.folder / FOLDER).mkdir()
    with context.db.write() as tx:
        block_sending(tx, "this instance was restored from a backup")
    with pytest.raises(SendingBlocked, match="restored from a backup"):
        require_permission(context)
    reconcile(context)
    require_permission(context)
    with context.db.read() as tx:
        assert meta.fact(tx, meta.SENDING_BLOCKED) is None


def test_journal_of_another_database_J11_is_refused(context: Context) -> None:
    a_mailing(context, 1)
    send(context)
    with context.db.write() as tx:
        meta.put(tx, meta.INSTANCE_ID, "another")
    with pytest.raises(JournalError):
        reconcile(context)
    with pytest.raises(JournalError):
        open_journal(context.folder / FOLDER, "another", now=context.clock.now())


def test_journal_holds_no_address_S45(context: Context) -> None:
    a_mailing(context, 4)
    send(context)
    written = b"".join(path.read_bytes() for path in (context.folder / FOLDER).glob("*.jsonl"))
    assert b'"what":"at_risk"' in written
    assert b"@" not in written
    assert b"Reader" not in written


def test_torn_last_line_is_passed_over_and_the_next_one_is_whole(context: Context, tmp_path: Path) -> None:
    now = context.clock.now()
    folder = tmp_path / "journal"
    first = open_journal(folder, "i", now=now)
    first.write([Entry(1, "newsletter", "84", 1, 1)], now=now)
    first.close()
    (path,) = folder.glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"n":2,"turn":0,"at":"2026')
    second = open_journal(folder, "i", now=now)
    second.write([Entry(1, "newsletter", "84", 2, 2)], now=now)
    second.sync()
    second.close()
    assert [entry.delivery for entry in read_journal(folder)] == [1, 2]


def test_each_process_writes_a_file_of_its_own(tmp_path: Path, context: Context) -> None:
    now = context.clock.now()
    folder = tmp_path / "journal"
    one, two = open_journal(folder, "i", now=now), open_journal(folder, "i", now=now)
    one.turn = two.turn = 3
    for journal in (one, two):
        journal.write([Entry(1, "newsletter", "84", 1, 1)], now=now)
    assert one.key != two.key
    assert last_turns(folder) == {one.key: 3, two.key: 3}
    one.close()
    two.close()
    third = open_journal(folder, "i", now=now)
    assert third.key == one.key  # a number that is free again is taken again
    third.close()


def test_journal_that_cannot_be_written_lets_no_dot_leave(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: scaled down, every write to the journal fails from the first line on."""
    mailing = a_mailing(context, 5)
    real = os.write

    def full(file: int, data: bytes) -> int:
        if b'"what"' in data:
            raise OSError(28, "No space left on device")
        return real(file, data)

    monkeypatch.setattr("balintmail.services.journal.os.write", full)
    report = dispatch(context, outbox(context), Orders(compose=compose))
    assert report.ending is Ending.FAILED
    assert "No space left" in report.reason
    assert counts(context, mailing) == {S.QUEUED: 5}
    assert files(context) == []
    monkeypatch.undo()
    assert send(context) is Ending.DONE
    assert counts(context, mailing) == {S.ACCEPTED: 5}
    assert len(files(context)) == 5


def test_database_full_before_the_dots_sends_nobody_and_goes_on_with_space(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balintmail.services.engine.COMMIT_AGAIN_AFTER", (0.01, 0.01))
    mailing = a_mailing(context, 300)

    with monkeypatch.context() as patched:
        patched.setattr("balintmail.services.turns.ledger.record", _full)
        patched.setattr("balintmail.services.turns.ledger.mark_at_risk", _full)
        report = dispatch(context, outbox(context), Orders(compose=compose))
    assert report.ending is Ending.FAILED
    assert files(context) == []
    assert send(context) is Ending.DONE
    assert counts(context, mailing) == {S.ACCEPTED: 300}
    assert len(files(context)) == 300


def _full(*args: object, **kw: object) -> object:
    import sqlite3

    from sqlalchemy.exc import OperationalError

    raise OperationalError("UPDATE", {}, sqlite3.OperationalError("database or disk is full"))


def test_commit_of_answers_that_fails_once_is_repeated_and_nobody_is_mailed_twice(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balintmail.services.engine.COMMIT_AGAIN_AFTER", (0.01, 0.01, 0.01))
    from balintmail.db import ledger

    mailing = a_mailing(context, 20)
    real, failures = ledger.record, [0]

    def sometimes(*args: object, **kw: object) -> None:
        failures[0] += 1
        if failures[0] in {3, 4}:
            _full()
        real(*args, **kw)  # type: ignore[arg-type]

    monkeypatch.setattr("balintmail.services.turns.ledger.record", sometimes)
    assert send(context) is Ending.DONE
    assert failures[0] > 4
    assert counts(context, mailing) == {S.ACCEPTED: 20}
    assert len(files(context)) == 20


def test_outbox_folder_that_cannot_be_made_leaves_everything_queued(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balintmail.services.connections.REOPEN_AFTER", (0.01,))
    mailing = a_mailing(context, 2)
    (tmp_path / "file").write_text("not a folder")
    orders = Orders(compose=compose)
    report = dispatch(context, lambda: OutboxTransport(tmp_path / "file" / "outbox"), orders)
    assert report.ending is Ending.DOWN
    assert counts(context, mailing) == {S.QUEUED: 2}


def _blocked_with_doubts(context: Context) -> int:
    """Leave a mailing whose unknown deliveries, one or two, only the journal knew; return how many."""
    mailing = a_mailing(context, 2)

    def probe(point: str) -> None:
        if point == "before (3)":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send(context, probe)
    marked = counts(context, mailing)[S.AT_RISK]
    assert marked
    with context.db.write() as tx:
        tx.execute(delete(AuditEvent))
        for table in reversed(Base.metadata.sorted_tables):
            if table.name == "mailings" or "mailings.id" in {key.target_fullname for key in table.foreign_keys}:
                tx.execute(table.delete())
        tx.execute(delete(Meta).where(Meta.key.like("journal:%")))
    assert reconcile(context).blocked == ("newsletter/84",)
    return marked


def test_receipt_of_a_blocked_mailing_shows_its_doubts_P7(context: Context) -> None:
    marked = _blocked_with_doubts(context)
    assert steering.receipt(context, "newsletter/84").counts[S.UNKNOWN] == marked
    steering.settle(context, "newsletter/84", [], S.WRITTEN_OFF)
    assert steering.receipt(context, "newsletter/84").counts[S.WRITTEN_OFF] == marked


def test_next_newsletter_begins_behind_a_blocked_one_P7(context: Context, tmp_path: Path) -> None:
    _blocked_with_doubts(context)
    assert letters.start(context, tmp_path / "newsletter.md").number == 85


def test_clock_that_goes_back_between_two_lines_does_not_turn_a_dot_into_a_deferral_P2(context: Context) -> None:
    mailing = a_mailing(context, 1)
    start_due(context, only=None)
    with context.db.write() as tx:
        delivery, person = tx.execute(select(Delivery.id, Delivery.person_id)).one()
        tx.execute(update(Delivery).values(state=S.UNKNOWN))
    now = context.clock.now()
    dot = Entry(mailing, "newsletter", "84", person or 0, delivery)
    journal = open_journal(context.folder / FOLDER, instance_id(context), now=now)
    journal.write([dot, dot._replace(state=S.DEFERRED, code=451, stage="dot")], now=now)
    journal.write([dot], now=now - timedelta(seconds=2))
    journal.close()
    assert settle_by_journal(context) == 0
    assert counts(context, mailing) == {S.UNKNOWN: 1}
    reconcile(context)
    assert counts(context, mailing) == {S.UNKNOWN: 1}


def test_row_that_merging_gave_to_another_person_is_found_by_its_id_P7(context: Context) -> None:
    mailing = a_mailing(context, 3)
    assert send(context) is Ending.DONE
    with context.db.write() as tx:
        keep = a_person(tx, "keep@example.org", name="Keep")
        second = tx.scalar(select(Delivery.id).order_by(Delivery.id).offset(1).limit(1))
        tx.execute(update(Delivery).where(Delivery.id == second).values(person_id=keep))
    report = reconcile(context)
    assert (report.blocked, report.unplaced) == ((), 0)
    with context.db.read() as tx:
        row = mailings.by_id(tx, mailing)
    assert row is not None
    assert (row.state, row.audience) == (MailingState.SENT, 3)


def test_mailing_that_has_begun_is_never_cancelled_by_a_line_that_nobody_can_place_P7(context: Context) -> None:
    mailing = a_mailing(context, 2)
    assert send(context) is Ending.DONE
    journal = open_journal(context.folder / FOLDER, instance_id(context), now=context.clock.now())
    journal.write([Entry(mailing, "newsletter", "84", 99, 99)], now=context.clock.now())
    journal.close()
    report = reconcile(context)
    assert (report.blocked, report.unplaced) == ((), 1)
    assert counts(context, mailing) == {S.ACCEPTED: 2}
    with context.db.read() as tx:
        row = mailings.by_id(tx, mailing)
    assert row is not None
    assert row.state is MailingState.SENT


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_senders_that_begin_at_the_same_moment_agree_on_the_databases_id(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database of an old version has none yet; were it given several, the journal would belong to another."""
    together = threading.Barrier(4)
    found: list[str] = []

    def invented() -> UUID:
        together.wait(10)  # nobody has committed an id yet
        return uuid4()

    monkeypatch.setattr("balintmail.services.reconcile.uuid4", invented)
    threads = [threading.Thread(target=lambda: found.append(instance_id(context))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert set(found) == {instance_id(context)}
