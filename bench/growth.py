"""Measure how sending grows from a thousand readers to a million: time a letter, memory, enrolment, the first letter.

Each size is a whole command in a fresh instance on SQLite with 50 connections to smtp-sink. Run by `make bench-growth`;
it takes many minutes and some gigabytes of disk. A size may be named: python -m bench.growth --readers 100000.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench import sinks, society
from bench.society import COMMAND, Relay, Setting

SIZES = (1_000, 10_000, 100_000, 1_000_000)
MOST_GROWTH = 1.15  # time a letter at the largest size over that at 10,000, where starting weighs little
MOST_MEMORY = 200  # megabytes
MOST_ENROLMENT = 60.0  # seconds, for a million
MOST_BEFORE_FIRST = 2.0  # seconds from the end of the enrolment to the first dot
RESULTS = Path(__file__).parent / "results" / "growth.json"


def measure(readers: int, folder: Path) -> dict[str, float]:
    """Send to that many readers; return what was found."""
    instance = society.found(folder, readers)
    with sinks.smtp_sink() as port:
        place = society.copy(instance, folder / "round", Setting(Relay(port, 50)))
        shutil.rmtree(instance)
        began = time.perf_counter()
        command = [*COMMAND, "-C", str(place), "send", str(place / "letter.md"), "--yes"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        enrolled_at = _enrolled_at(place, process)
        _, status, usage = os.wait4(process.pid, 0)
        whole = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"sending to {readers:,} ended with {process.returncode}")
    seconds = society.first_to_last(place, readers)
    with sqlite3.connect(place / "balintmail.db") as database:
        frozen, first = database.execute(
            "SELECT (SELECT frozen_at FROM mailings), (SELECT min(first_tried_at) FROM deliveries)"
        ).fetchone()
    return {
        "readers": readers,
        "microseconds_a_letter": round(seconds / readers * 1e6, 1),
        "processor_microseconds_a_letter": round((usage.ru_utime + usage.ru_stime) / readers * 1e6, 1),
        "whole_seconds": round(whole, 1),
        "peak_mb": usage.ru_maxrss // 1024,
        "enrolment_seconds": round((enrolled_at - _moment(frozen)).total_seconds(), 2),
        "first_letter_after_seconds": round((_moment(first) - enrolled_at).total_seconds(), 2),
    }


def _enrolled_at(place: Path, process: "subprocess.Popen[bytes]") -> datetime:
    """Return when the enrolment was committed, looking twenty times a second from outside."""
    while process.poll() is None:
        with sqlite3.connect(f"file:{place / 'balintmail.db'}?mode=ro", uri=True, timeout=60) as database:
            if database.execute("SELECT count(*) FROM mailings WHERE state IN ('sending', 'sent')").fetchone()[0]:
                return datetime.now(UTC)
        time.sleep(0.05)
    raise SystemExit("the send ended before it began")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def main() -> None:
    """Measure every size, print the table, keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, action="append", help="a size to measure (default: four)")
    sizes = tuple(parser.parse_args().readers or SIZES)
    rows = []
    heads = (("readers", 10), ("a letter", 12), ("processor", 12), ("whole", 10), ("memory", 10), ("enrolment", 12))
    print("".join(f"{head:>{width}}" for head, width in heads) + "  then first")
    for readers in sizes:
        with tempfile.TemporaryDirectory(prefix="balintmail-bench-") as name:
            row = measure(readers, Path(name))
        rows.append(row)
        times = f"{row['microseconds_a_letter']:>9.0f} µs{row['processor_microseconds_a_letter']:>9.0f} µs"
        rest = f"{row['enrolment_seconds']:>10.1f} s{row['first_letter_after_seconds']:>10.2f} s"
        print(f"{readers:>10,}{times}{row['whole_seconds']:>8.1f} s{row['peak_mb']:>7} MB{rest}", flush=True)
    if sizes != SIZES:
        return
    growth = rows[-1]["microseconds_a_letter"] / rows[1]["microseconds_a_letter"]
    print(f"a letter at a million takes {growth:.2f} times one at ten thousand (to reach: {MOST_GROWTH})")
    print(f"to reach: {MOST_MEMORY} MB, {MOST_ENROLMENT:.0f} s, {MOST_BEFORE_FIRST:.0f} s")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"sizes": rows, "growth": round(growth, 3)}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
