"""A sender without room on the disk, memory, files, names or rights, or told to stop: one plain line, no half state."""

import os
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from balintmail.services.journal import FOLDER
from tests.faults.conftest import PEOPLE
from tests.relay import Fault, Manners, RelayThread, Step
from tests.support.nursery import Nursery
from tests.support.scene import Scene

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user or mount a file system")
LANES = 4


def starve(scene: Scene, nursery: Nursery, relay: RelayThread, **bounds: Any) -> tuple[int, str]:
    """Send within bounds; return the exit status and what was said."""
    said = scene.ctx.folder.parent / f"said-{scene.ctx.folder.name}"
    bounds = {"lanes": LANES, "impatient": True, **bounds}
    child = nursery.start(scene.send(relay.port, said=str(said), **bounds))
    status = child.wait()
    return status, said.read_text("utf-8") if said.exists() else ""


def goes_on(scene: Scene, relay: RelayThread) -> None:
    """Check what the starved one left, and see everybody mailed once there is room again."""
    scene.doubts += LANES
    scene.forget_the_lease()
    scene.check()
    scene.finish(relay, lanes=LANES)


@pytest.mark.parametrize("kilobytes", [4, 16, 48, 128, 192])
def test_files_that_may_grow_no_further_stop_the_sender_with_its_reason(
    lite: Scene, nursery: Nursery, kilobytes: int
) -> None:
    """At 4 and 16 the journal fills up first or nothing can begin, later the database's log does."""
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.005), log=lite.log) as relay:
        status, said = starve(lite, nursery, relay, file_bytes=kilobytes * 1024)
        assert status in {0, 1}, said
        assert said.startswith(("failed: ", "error: ")), said
        assert re.search("disk|[Ff]ile too large", said), said
        assert len(relay.accepted) < PEOPLE
        goes_on(lite, relay)


def pages(file: str) -> int:
    with sqlite3.connect(file) as connection:
        found: int = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    return found


@pytest.mark.parametrize("more", [0, 2, 4, 5, 6, 7])
def test_database_that_may_grow_no_further_stops_before_the_next_dot(lite: Scene, nursery: Nursery, more: int) -> None:
    most = pages(str(lite.ctx.db.url.database)) + more
    with RelayThread(Manners(), Fault(Step.RCPT, delay=0.002), log=lite.log) as relay:
        status, said = starve(lite, nursery, relay, pragmas=[f"max_page_count={most}"])
        assert status in {0, 1}, said
        if not said.startswith("done"):
            assert "full" in said
            assert len(relay.accepted) < PEOPLE
        goes_on(lite, relay)


@pytest.fixture
def tiny_journal(scene: Scene) -> Iterator[Path]:
    """The journal on a disk of its own with a few kilobytes of room."""
    folder = scene.ctx.folder / FOLDER
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"No file system may be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@as_root
def test_journal_on_a_full_disk_lets_no_further_dot_leave(scene: Scene, nursery: Nursery, tiny_journal: Path) -> None:
    with RelayThread(log=scene.log) as relay:
        status, said = starve(scene, nursery, relay)
        assert status in {0, 1}
        assert "The journal cannot be written: No space left on device." in said
        left = len(relay.accepted)
        assert left < PEOPLE
        scene.doubts += LANES
        scene.forget_the_lease()
        scene.check()
        subprocess.run(["mount", "-o", "remount,size=1m", tiny_journal], check=True)
        goes_on(scene, relay)


@pytest.mark.parametrize("files", [24, 28, 36])
def test_few_open_files_slow_down_or_stop_and_double_nobody(scene: Scene, nursery: Nursery, files: int) -> None:
    """Scaled: some two dozen files instead of 1,024, and twenty connections wanted."""
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.002), log=scene.log) as relay:
        status, said = starve(scene, nursery, relay, open_files=files, lanes=20)
        assert status in {0, 1}, said
        assert said.startswith(("done", "down: ", "failed: ", "error: ")), said
        scene.doubts += 20
        goes_on(scene, relay)


@pytest.mark.parametrize("megabytes", [1, 4, 12])
def test_out_of_memory_leaves_no_half_state(lite: Scene, nursery: Nursery, megabytes: int) -> None:
    with RelayThread(log=lite.log) as relay:
        used = re.search(r"VmSize:\s+(\d+)", Path(f"/proc/{nursery.pid}/status").read_text("ascii"))
        assert used is not None
        starve(lite, nursery, relay, memory_bytes=int(used[1]) * 1024 + megabytes * 2**20)
        goes_on(lite, relay)


def test_name_that_cannot_be_found_leaves_everybody_queued(
    lite: Scene, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RelayThread(log=lite.log) as relay:
        monkeypatch.setattr("balintmail.services.connections.REOPEN_AFTER", (0.01,))
        report = lite.run_here(relay.port, LANES, host="relay.invalid")
        assert report.ending.value == "down"
        assert "relay.invalid" in report.reason
        assert relay.accepted == []
        assert lite.check() == {"queued": PEOPLE}
        goes_on(lite, relay)


@as_root
def test_disk_that_may_only_be_read_says_so_and_changes_nothing(lite: Scene, nursery: Nursery, tmp_path: Path) -> None:
    for folder in (lite.ctx.folder, *lite.ctx.folder.parents):
        if folder.stat().st_mode & 0o001 == 0:
            folder.chmod(folder.stat().st_mode | 0o005)
    Path(str(lite.ctx.db.url.database)).chmod(0o644)
    with RelayThread(log=lite.log) as relay:
        status, _ = starve(lite, nursery, relay, user=65534)
        assert status == 1
        assert relay.accepted == []
        goes_on(lite, relay)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_is_open_and_doubts_nobody(
    scene: Scene, nursery: Nursery, number: signal.Signals
) -> None:
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.03), log=scene.log) as relay:
        said = scene.ctx.folder / "said"
        child = nursery.start(scene.send(relay.port, lanes=LANES, said=str(said)))
        while len(relay.accepted) < 6:
            time.sleep(0.005)
        child.send(number)
        assert child.wait() == 0
        assert said.read_text("utf-8").startswith("stopped")
        found = scene.check()
        assert set(found) == {"accepted", "queued"}
        assert found["accepted"] == len(relay.accepted) < PEOPLE
        scene.finish(relay, lanes=LANES)
