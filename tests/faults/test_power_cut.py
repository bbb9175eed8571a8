"""Power cuts: whatever of the unsynced writes is lost or torn, nobody is forgotten and nobody is mailed twice (D3).

A sender is recorded once, with its writes, syncs and dots in their order; then its power is cut at many moments, each
time with another random part of what was not yet synced. The last test proves the others: with synchronous=NORMAL they
fail.
"""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from balintmail.db import meta
from balintmail.db.models import Delivery
from balintmail.domain.states import DeliveryState
from balintmail.sending.outbox import OutboxTransport
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.journal import FOLDER, last_turns, read_journal
from balintmail.services.reconcile import require_permission
from tests.faults.conftest import AT_FULL_SIZE
from tests.relay import Accepted, Fault, Manners, RelayThread, Step, read_log
from tests.relay.log import AcceptedLog
from tests.support import sender
from tests.support.letters import compose
from tests.support.power.disk import Disk
from tests.support.power.recording import Recording, record
from tests.support.scene import Scene

CUTS = 2000 if AT_FULL_SIZE else 120
TO_THE_END = 10  # each so many-th cut is followed until everybody has their letter
OFTEN = ("wal_autocheckpoint=12",)  # so that checkpoints happen, too, and the log begins anew


def recorded(scene: Scene, tmp_path: Path, *, lanes: int, pragmas: tuple[str, ...] = OFTEN) -> Recording:
    """Send everything under the recorder."""
    no = Fault(Step.RCPT, b"550 5.1.1 no such user\r\n", match="reader13@")
    with RelayThread(Manners(), no, log=tmp_path / "whole.jsonl") as relay:
        return record(scene.send(relay.port, lanes=lanes, pragmas=pragmas), tmp_path / "recording")


def moments(recording: Recording, chance: random.Random) -> list[int]:
    """Choose after how many events the power goes: anywhere, and more often just behind a dot."""
    dots = [event for event, _ in recording.left] or [
        number for number, e in enumerate(recording.events, 1) if e.what == "R"
    ]
    anywhere = range(len(recording.events))
    near = (chance.choice(dots) + chance.choice([0, 0, 1, 3]) for _ in range(CUTS // 2))
    return sorted([*near, *(chance.choice(anywhere) for _ in range(CUTS // 2))])


def cuts(recording: Recording, template: Scene, tmp_path: Path, seed: int) -> Iterator[tuple[Scene, int]]:
    """Yield the scene as each cut leaves it, with the relay's log as far as it may have come."""
    chance = random.Random(seed)
    disk = Disk(recording.before)
    played = 0
    for number, moment in enumerate(moments(recording, chance)):
        for event in recording.events[played:moment]:
            disk.play(event)
        played = max(played, moment)
        folder = tmp_path / f"cut-{number}"
        disk.cut(folder, chance)
        url = f"sqlite:///{folder / 'balintmail.db'}"
        scene = Scene(sender.context(folder, url), url, template.mailing, folder / "taken.jsonl")
        log = AcceptedLog(scene.log)
        for address in recording.copies(moment):
            log.add(Accepted("", address, "", 0))
        log.close()
        try:
            yield scene, number
        finally:
            scene.close()
            shutil.rmtree(folder)


def opens(scene: Scene) -> None:
    """Assert that SQLite finds its file in order."""
    with sqlite3.connect(str(scene.ctx.db.url.database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def holds_every_dot(scene: Scene, copies: list[str]) -> None:
    """Assert P7: the journal has a line for each dot that left, and the database is not older than it."""
    lines = {entry.delivery for entry in read_journal(scene.ctx.folder / FOLDER)}
    assert len(lines) >= len(copies), "P7: a dot without its line in the journal"
    with scene.ctx.db.read() as tx:
        for key, turn in last_turns(scene.ctx.folder / FOLDER).items():
            assert int(meta.fact(tx, key) or 0) >= turn, "P7: the database is older than its journal"
    require_permission(scene.ctx)


@pytest.mark.parametrize("lanes", [1, 4])
def test_power_cut_at_any_moment_loses_and_doubles_nobody_D3(lite: Scene, tmp_path: Path, lanes: int) -> None:
    recording = recorded(lite, tmp_path, lanes=lanes)
    assert len(recording.left) == 39
    for scene, number in cuts(recording, lite, tmp_path, seed=lanes):
        opens(scene)
        copies = [taken.recipient for taken in read_log(scene.log)]
        scene.doubts = lanes
        scene.check()
        holds_every_dot(scene, copies)
        if number % TO_THE_END == 0:
            with RelayThread(log=scene.log) as relay:
                scene.finish(relay, lanes=lanes)


def test_power_cut_takes_no_accepted_letter_from_the_outbox_D3(lite: Scene, tmp_path: Path) -> None:
    recording = record(lite.send(0, outbox=True, pragmas=OFTEN), tmp_path / "recording")
    for scene, number in cuts(recording, lite, tmp_path, seed=7):
        opens(scene)
        letters = {file.name: file for file in (scene.ctx.folder / "outbox" / "new").glob("*")}
        with scene.ctx.db.read() as tx:
            rows = tx.execute(select(Delivery.id, Delivery.state)).all()
        for delivery, state in rows:
            file = letters.pop(str(delivery), None)
            if state is DeliveryState.ACCEPTED:
                assert file is not None, "I3: accepted, and not in the outbox"
            if file is not None:
                assert state in {DeliveryState.ACCEPTED, DeliveryState.AT_RISK}, "I4"
                assert file.read_bytes().endswith(b"Hello\r\n")
        assert not letters
        if number % TO_THE_END == 0:
            dispatch(scene.ctx, partial(OutboxTransport, scene.ctx.folder / "outbox"), Orders(compose=compose))
            assert set(scene.states()) <= {DeliveryState.ACCEPTED, DeliveryState.UNKNOWN}


def test_with_synchronous_normal_a_power_cut_breaks_the_promise_so_these_tests_can_fail(
    lite: Scene, tmp_path: Path
) -> None:
    recording = recorded(lite, tmp_path, lanes=1, pragmas=(*OFTEN, "synchronous=NORMAL"))
    found: list[str] = []
    for scene, _ in cuts(recording, lite, tmp_path, seed=1):
        opens(scene)
        scene.doubts = 1
        try:
            scene.check()
        except AssertionError as broken:
            found.append(str(broken))
    assert any("I4" in words for words in found), "the relay has copies of which the ledger knows nothing"
