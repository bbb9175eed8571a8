"""Measure how sending grows from a thousand readers to a million: time a letter, memory, enrolment, the first letter.

Each run is a whole command in a fresh instance on SQLite with 50 connections to smtp-sink; the small sizes, which last
less than a second, run five times and give their medians. Run by `make bench-growth`; it takes many minutes and some
gigabytes of disk. A size may be named, and is not written down then: python -m bench.growth --readers 100000.
"""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

from bench import sinks, society
from bench.society import COMMAND, Relay, Setting

RUNS = {1_000: 5, 10_000: 5, 100_000: 1, 1_000_000: 1}
MOST_GROWTH = 1.15  # time a letter at the largest size over that at the smallest
MOST_MEMORY = 200  # megabytes
MOST_ENROLMENT = 60.0  # seconds, for a million
MOST_BEFORE_FIRST = 2.0  # seconds from the end of the enrolment to the first dot
RESULTS = Path(__file__).parent / "results" / "growth.json"


def measure(readers: int, folder: Path, runs: int) -> dict[str, float]:
    """Send to that many readers, so many times; return the medians of what was found."""
    instance = society.found(folder, readers)
    found = []
    for number in range(runs):
        last = number == runs - 1
        found.append(_send(readers, instance, folder / "round", Keep.NOTHING if last else Keep.INSTANCE))
    return {name: round(statistics.median(run[name] for run in found), 2) for name in found[0]}


class Keep(Enum):
    """What is left on the disk for another run; a million readers take gigabytes."""

    INSTANCE = "instance"
    NOTHING = "nothing"


def _send(readers: int, instance: Path, to: Path, keep: Keep) -> dict[str, float]:
    with sinks.smtp_sink() as port:
        place = society.copy(instance, to, Setting(Relay(port, 50)))
        if keep is Keep.NOTHING:
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
        "microseconds_a_letter": seconds / readers * 1e6,
        "processor_microseconds_a_letter": (usage.ru_utime + usage.ru_stime) / readers * 1e6,
        "whole_seconds": whole,
        "peak_mb": usage.ru_maxrss / 1024,
        "enrolment_seconds": (enrolled_at - _moment(frozen)).total_seconds(),
        "first_letter_after_seconds": max(0.0, (_moment(first) - enrolled_at).total_seconds()),
    }


def _enrolled_at(place: Path, process: "subprocess.Popen[bytes]") -> datetime:
    """Return when the enrolment was committed, looking twenty times a second from outside."""
    with sqlite3.connect(f"file:{place / 'balintmail.db'}?mode=ro", uri=True, timeout=60) as database:
        while process.poll() is None:
            if database.execute("SELECT count(*) FROM mailings WHERE state IN ('sending', 'sent')").fetchone()[0]:
                return datetime.now(UTC)
            time.sleep(0.05)
    raise SystemExit("the send ended before it began")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def goals(rows: list[dict[str, float]]) -> list[tuple[str, float, float]]:
    """Return what was to be reached: in words, the number found, and the most that it may be."""
    smallest, largest = rows[0], rows[-1]
    growth = largest["microseconds_a_letter"] / smallest["microseconds_a_letter"]
    return [
        (f"time a letter, at {largest['readers']:,.0f} over {smallest['readers']:,.0f}", growth, MOST_GROWTH),
        ("peak memory, MB", max(row["peak_mb"] for row in rows), MOST_MEMORY),
        ("enrolment of the largest, seconds", largest["enrolment_seconds"], MOST_ENROLMENT),
        ("then the first letter, seconds", max(row["first_letter_after_seconds"] for row in rows), MOST_BEFORE_FIRST),
    ]


def main() -> None:
    """Measure every size, print the table, keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, action="append", help="a size to measure (default: four)")
    sizes = parser.parse_args().readers or list(RUNS)
    sinks.require_postfix()
    load = os.getloadavg()
    rows = []
    heads = (("readers", 10), ("runs", 6), ("a letter", 12), ("processor", 12), ("whole", 10), ("memory", 10))
    print("".join(f"{head:>{width}}" for head, width in heads) + f"{'enrolment':>12}  then first")
    for readers in sizes:
        runs = RUNS.get(readers, 1)
        with tempfile.TemporaryDirectory(prefix="balintmail-bench-") as name:
            row = measure(readers, Path(name), runs)
        rows.append(row)
        times = f"{row['microseconds_a_letter']:>9.0f} µs{row['processor_microseconds_a_letter']:>9.0f} µs"
        rest = f"{row['enrolment_seconds']:>10.1f} s{row['first_letter_after_seconds']:>10.2f} s"
        print(
            f"{readers:>10,}{runs:>6}{times}{row['whole_seconds']:>8.1f} s{row['peak_mb']:>7.0f} MB{rest}", flush=True
        )
    print(f"load of this machine before: {load[0]:.1f}, after: {os.getloadavg()[0]:.1f}; processors: {os.cpu_count()}")
    if sizes != list(RUNS):
        return
    reached = goals(rows)
    for words, number, most in reached:
        print(f"  {words:48}{number:8.2f}   at most {most:6.2f}   {'reached' if number <= most else 'MISSED'}")
    document = {
        "load_before": load,
        "load_after": os.getloadavg(),
        "sizes": rows,
        "goals": [{"what": words, "found": round(number, 3), "at_most": most} for words, number, most in reached],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
