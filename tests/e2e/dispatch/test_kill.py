"""`kill -9` at named points and at random times: nothing is lost, nothing is doubled (D3, I1–I7)."""

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from balintmail.db import mailings
from balintmail.db.lists import by_slug
from balintmail.db.mailings import NewMailing
from balintmail.db.session import Database
from balintmail.domain.states import DeliveryState, MailingKind, MailingState
from balintmail.services import mailings as steering
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from tests.relay import Fault, Manners, RelayThread, Step, Then
from tests.support import invariants, sender
from tests.support.letters import compose
from tests.support.register import a_list, readers

PEOPLE = 12
# point, how many unknown at one connection. "#2" is the second time it is reached, when some have been sent.
POINTS: list[tuple[str, int]] = [
    ("before freeze", 0),
    ("mid freeze", 0),
    ("after freeze", 0),
    ("after claim", 0),
    ("before (2)", 0),
    ("before (2)#3", 0),
    ("after (2)", 1),
    ("after (2)#3", 1),
    ("before (3)", 1),
    ("in (3)", 1),
    ("after (3)", 0),
    ("before finishing", 0),
    ("at finishing", 0),
]
# The relay stops answering at this step; the parent sees it and kills the sender there.
STAGES: list[tuple[Step, set[int]]] = [
    (Step.GREETING, {0}),
    (Step.MAIL, {0}),
    (Step.RCPT, {0}),
    (Step.DATA, {0}),
    (Step.BODY, {0, 1}),  # the relay has stopped reading, but the sockets' buffers may take our dot
    (Step.DOT, {1}),
    (Step.ACCEPTED, {1}),
]


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Iterator[tuple[Context, str, int]]:
    """A context, its database's URL, and a mailing that is due."""
    url = database.url.render_as_string(hide_password=False)
    ctx = sender.context(tmp_path, url)
    with ctx.db.write() as tx:
        news = a_list(tx)
        readers(tx, news, PEOPLE)
        found = by_slug(tx, "newsletter")
        assert found is not None
        now = ctx.clock.now()
        kind, state = MailingKind.NEWSLETTER, MailingState.SCHEDULED
        new = NewMailing(news, kind, "News", "hash", state, number="84", start_at=now)
        mailing = mailings.add(tx, new, now=now)
    yield ctx, url, mailing
    ctx.db.close()


def start(ctx: Context, url: str, port: int, lanes: int, point: str) -> tuple[subprocess.Popen[bytes], int]:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)
    errand = sender.Errand(str(ctx.folder), url, port, lanes, stop_at=point, pipe=writer)
    command = [sys.executable, "-m", "tests.support.sender", errand.text()]
    process = subprocess.Popen(command, close_fds=False, cwd=Path(__file__).parents[3])
    os.close(writer)
    return process, reader


def kill_at(ctx: Context, url: str, port: int, lanes: int, point: str) -> bool:
    """Run the sender until it reaches `point` and kill it there; False when it ended before."""
    process, reader = start(ctx, url, port, lanes, point)
    try:
        ready, _, _ = select.select([reader], [], [], 60)
        reached = bool(ready) and os.read(reader, 1) == b"!"
        if reached:
            process.send_signal(signal.SIGKILL)
        process.wait(60)
        return reached
    finally:
        os.close(reader)
        process.kill()
        process.wait()


def finish(ctx: Context, mailing: int, relay: RelayThread, log: Path, *, lanes: int) -> None:
    """Run again until nothing moves, settle the doubts, and see the mailing finished (I7)."""
    relay.behave()
    run_here(ctx, relay, lanes)
    counts = invariants.check(ctx, mailing, log, connections=lanes)
    assert set(counts) <= {"accepted", "unknown"}, counts
    if counts["unknown"]:
        assert not invariants.is_finished(ctx, mailing)
        steering.settle(ctx, str(mailing), [], DeliveryState.ACCEPTED)
    assert invariants.is_finished(ctx, mailing)


def run_here(ctx: Context, relay: RelayThread, lanes: int) -> None:
    orders = Orders(compose=compose)
    if not ctx.db.is_sqlite:
        forget_the_lease(ctx)
    dispatch(ctx, lambda: sender.transport(relay.port, lanes), orders)


def forget_the_lease(ctx: Context) -> None:
    """Let the dead worker's lease have run out: waiting for it would take a minute."""
    with ctx.db.write() as tx:
        tx.execute(text("UPDATE workers SET seen_at = seen_at - interval '2 minutes'"))


def end_sleeping_transactions(ctx: Context) -> None:
    """Do what the server does after a minute (db/session.py): end sessions that sleep inside a transaction."""
    with ctx.db.write() as tx:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            )
        )


@pytest.mark.parametrize(("point", "doubts"), POINTS, ids=[point for point, _ in POINTS])
def test_kill_at_a_point_of_ours_loses_and_doubles_nobody_D3(
    place: tuple[Context, str, int], tmp_path: Path, point: str, doubts: int
) -> None:
    ctx, url, mailing = place
    log = tmp_path / "taken.jsonl"
    with RelayThread(log=log) as relay:
        assert kill_at(ctx, url, relay.port, 1, point)
        invariants.check(ctx, mailing, log, connections=1)
        if not ctx.db.is_sqlite:
            forget_the_lease(ctx)
        run_here(ctx, relay, 1)
        counts = invariants.check(ctx, mailing, log, connections=1)
        assert counts["unknown"] <= doubts
        if point.startswith("after (2)"):
            assert counts["unknown"] == 1
        finish(ctx, mailing, relay, log, lanes=1)


@pytest.mark.parametrize(("step", "doubts"), STAGES, ids=[step.value for step, _ in STAGES])
def test_kill_at_a_stage_of_the_dialogue_loses_and_doubles_nobody_D3(
    place: tuple[Context, str, int], tmp_path: Path, step: Step, doubts: set[int]
) -> None:
    ctx, url, mailing = place
    log = tmp_path / "taken.jsonl"
    skip = 0 if step in {Step.GREETING, Step.BODY} else 3
    with RelayThread(Manners(), Fault(step, then=Then.STALL, reply=b"", skip=skip), log=log) as relay:
        process, reader = start(ctx, url, relay.port, 1, "nowhere")
        try:
            _until_quiet(relay, skip)
        finally:
            end(process, reader)
        relay.behave()
        run_here(ctx, relay, 1)
        counts = invariants.check(ctx, mailing, log, connections=1)
        assert counts["unknown"] in doubts
        finish(ctx, mailing, relay, log, lanes=1)


def end(process: subprocess.Popen[bytes], reader: int) -> None:
    """Kill the sender where it stands."""
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.close(reader)


def _until_quiet(relay: RelayThread, sent: int) -> None:
    """Return when the relay has stalled: so many are sent and nothing moves any more."""
    deadline = time.monotonic() + 30
    before: object = None
    while time.monotonic() < deadline:
        now = (len(relay.commands), len(relay.accepted))
        if now == before and len(relay.accepted) >= sent and now[0] + (sent == 0):
            return
        before = now
        time.sleep(0.6)
    raise AssertionError("the relay never stalled")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("lanes", [1, 4])
def test_kill_at_random_times_loses_and_doubles_nobody_D3(
    place: tuple[Context, str, int], tmp_path: Path, seed: int, lanes: int
) -> None:
    ctx, url, mailing = place
    chance = random.Random(seed)
    log = tmp_path / "taken.jsonl"
    allowed = 0
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.02), log=log) as relay:
        for _ in range(2):
            process, reader = start(ctx, url, relay.port, lanes, "nowhere")
            time.sleep(0.5 + chance.random() * 0.6)
            end(process, reader)
            allowed += lanes
            if not ctx.db.is_sqlite:
                forget_the_lease(ctx)
            invariants.check(ctx, mailing, log, connections=allowed)
        finish(ctx, mailing, relay, log, lanes=allowed)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_worker_stopped_past_its_lease_and_woken_again_sends_nobody_a_second_copy(
    place: tuple[Context, str, int], tmp_path: Path
) -> None:
    ctx, url, mailing = place
    log = tmp_path / "taken.jsonl"
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.05), log=log) as relay:
        process, reader = start(ctx, url, relay.port, 2, "nowhere")
        try:
            deadline = time.monotonic() + 30
            while len(relay.accepted) < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.3)
            end_sleeping_transactions(ctx)
            forget_the_lease(ctx)
            dispatch(ctx, lambda: sender.transport(relay.port, 2), Orders(only=mailing, compose=compose))
            invariants.check(ctx, mailing, log, connections=2)
            process.send_signal(signal.SIGCONT)
            process.wait(60)
        finally:
            end(process, reader)
        finish(ctx, mailing, relay, log, lanes=2)
        assert len(relay.accepted) == PEOPLE
