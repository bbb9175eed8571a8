"""Measure the Journal's run: a plan for 100,000 people on both databases, and 10,000 labels.

The register is written straight into the tables; every fourth reader wants paper, the PDF, both, or never said, and
addresses lie in three countries. Run: python -m bench.despatch [--people N]
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import sqlalchemy as sa

from balintmail.composing.labels import Label, Sheet, set_labels
from balintmail.db.models import Address, Person, PersonAddress, PostalAddress
from balintmail.db.models_members import Membership
from balintmail.services import despatches, journal_issues, members
from balintmail.services.context import Context
from balintmail.services.journal_issues import IssueChanges
from balintmail.wiring import open_instance
from bench import postgresql

PEOPLE, LABELS = 100_000, 10_000
PLAN_SECONDS = 10.0  # the goal, for 100,000 people
RESULTS = Path(__file__).parent / "results" / "despatch.json"
_FIRST = 1000  # number of the first reader; whoever founds the instance has a smaller one
_POST = (
    {"country_code": "GB", "street_address": "1 High Street", "city": "London", "postal_code": "EC1A 1BB"},
    {"country_code": "HU", "street_address": "Fő utca 1.", "city": "Budapest", "postal_code": "1011"},
    {"country_code": "DE", "street_address": "Weg 1", "city": "Dresden", "postal_code": "01067"},
)


def fill(ctx: Context, people: int) -> None:
    """Write that many members with addresses into the register, and a journal issue."""
    journal_issues.add(ctx, "2026", IssueChanges())
    now = datetime.now(UTC)
    numbers = range(_FIRST, _FIRST + people)
    wanted = ("paper", "pdf", "both", None)
    with ctx.db.write_much() as tx:
        usual = members.usual_class(tx).id
        shared = {"joined_at": now, "updated_at": now, "fields": {}}
        named = [{"id": n, "name": f"Reader {n}", "journal_format": wanted[n % 4], **shared} for n in numbers]
        tx.execute(sa.insert(Person), named)
        posts = [{"person_id": n, "created_at": now, **_POST[n % len(_POST)]} for n in numbers]
        tx.execute(sa.insert(PostalAddress), posts)
        spelled = {n: f"reader{n}@example.org" for n in numbers}
        mail = [
            {"id": n, "email": text, "envelope": text, "key": text, "domain": "example.org", "created_at": now}
            for n, text in spelled.items()
        ]
        tx.execute(sa.insert(Address), mail)
        tx.execute(sa.insert(PersonAddress), [{"person_id": n, "address_id": n} for n in numbers])
        since = {"class_id": usual, "since": date(2020, 1, 1), "created_at": now, "updated_at": now}
        tx.execute(sa.insert(Membership), [{"person_id": n, **since} for n in numbers])


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that `work` took, by the clock and of this process's processor time."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return round(time.perf_counter() - began, 2), round(time.process_time() - used, 2)


def measure(people: int, instance: Path) -> dict[str, tuple[float, float]]:
    """Fill an instance and run its despatch as far as the labels; return what each step took."""
    opened = open_instance(instance)
    try:
        ctx = opened.context()
        fill(ctx, people)
        return {
            "plan": timed(lambda: despatches.plan(ctx, "2026")),
            "plan again": timed(lambda: despatches.plan(ctx, "2026")),
            "freeze": timed(lambda: despatches.freeze(ctx, "2026")),
            "addresses": timed(lambda: despatches.to_label(ctx, "2026")),
        }
    finally:
        opened.close()


def found(folder: Path, url: str = "") -> Path:
    """Make an instance, on PostgreSQL where `url` says so."""
    command = [sys.executable, "-m", "balintmail"]
    who = ["--society", "Bench", "--secretary-name", "S", "--secretary-address", "s@example.org"]
    subprocess.run([*command, "init", "--yes", *who, str(folder)], check=True, stdout=subprocess.DEVNULL)
    if url:
        os.environ["BALINTMAIL_DATABASE__URL"] = url
        subprocess.run([*command, "-C", str(folder), "migrate"], check=True, stdout=subprocess.DEVNULL)
    return folder


def labels() -> tuple[float, float]:
    """Return what it takes to set the labels on sheets."""
    every = [Label((f"Reader {n}", "1 High Street", "London", "EC1A 1BB"), str(n)) for n in range(LABELS)]
    return timed(lambda: set_labels(every, Sheet.L7160))


def main() -> int:
    """Measure, print the table, keep the numbers; return 1 when the plan takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    people = parser.parse_args().people
    gc.set_threshold(50_000, 20, 100)  # as the command does
    results: dict[str, dict[str, tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="balintmail-bench-") as name:
        results["SQLite"] = measure(people, found(Path(name) / "i"))
    with postgresql.folder() as place, postgresql.running(place) as server, tempfile.TemporaryDirectory() as name:
        if server is not None:
            server.sql('CREATE DATABASE "despatch"')
            results["PostgreSQL"] = measure(people, found(Path(name) / "i", server.url("despatch")))
    print(f"{people:,} people; seconds, and seconds of processor time in this process")
    for engine, steps in results.items():
        for step, (seconds, processor) in steps.items():
            print(f"  {engine:<10}  {step:<10}  {seconds:>7.2f}  {processor:>7.2f}")
    seconds, processor = labels()
    print(f"  {LABELS:,} labels          {seconds:>7.2f}  {processor:>7.2f}")
    slowest = max(steps["plan"][0] for steps in results.values())
    print(f"the slower plan took {slowest:.2f} s; to reach: {PLAN_SECONDS:.0f}")
    if people == PEOPLE:
        RESULTS.parent.mkdir(exist_ok=True)
        kept = {"people": people, "steps": results, "labels": LABELS, "labels_seconds": seconds}
        RESULTS.write_text(json.dumps(kept, indent=2) + "\n")
    return int(slowest > PLAN_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
