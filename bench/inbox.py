"""Measure what comes back: 20,000 mixed reports read and acted on, messages a second on one core, and memory.

A society sends its letter to 20,000 readers (to the outbox); then a report for each comes in, made from the written
examples of tests/corpus/returned with that reader's address and the token of that letter: bounces of all systems,
complaints, out-of-office notes, letters. They are stored beforehand; measured is `services.inbox.process`, on one core
that it shares with its reading process, with all limits on. Run: python -m bench.inbox [--messages N]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import sqlalchemy as sa

from balintmail.db import inbox as messages
from balintmail.db.inbox import Arrival
from balintmail.db.models import Delivery, InboundMessage
from balintmail.domain.tokens import Mint, Purpose
from balintmail.receiving.process import Reader
from balintmail.services import inbox
from balintmail.wiring import open_instance
from bench import society
from bench.compose import PARAGRAPH

MESSAGES = 20_000
LEAST_A_SECOND = 150
MOST_GROWTH = 16  # megabytes, between a quarter of the messages and all of them
EXAMPLES = Path(__file__).parents[1] / "tests" / "corpus" / "returned"
RESULTS = Path(__file__).parent / "results" / "inbox.json"
READER, BOUNCES, LETTER_ID = b"ada@example.net", b"bounces@balint.example.org", b"84.ada.2026@balint.example.org"
_A_LINE, _LONG = b"the November meeting is on the 14th.", PARAGRAPH.encode() * 12


def main() -> int:
    """Measure, print what came of it and keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--apply", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.apply:
        print(json.dumps(apply(asked.apply)))
        return 0
    with tempfile.TemporaryDirectory(prefix="balintmail-bench-") as name:
        instance = society.found(Path(name), asked.messages)
        print(f"sending to {asked.messages:,} readers", flush=True)
        society.run(["-C", str(instance), "send", str(instance / "letter.md"), "--yes"])
        octets = put(instance)
        print(f"{asked.messages:,} messages stored, {octets / asked.messages / 1000:.1f} kB each", flush=True)
        words = [sys.executable, "-m", "bench.inbox", "--apply", str(instance)]
        told = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return report(told, kept=asked.messages == MESSAGES)


def put(instance: Path) -> int:
    """Store a message for each letter that was sent; return how many octets they are."""
    examples = [path.read_bytes() for path in sorted(EXAMPLES.rglob("*.eml"))]
    opened = open_instance(instance)
    ctx, octets = opened.context(), 0
    bounce, letter = Mint(opened.keyring.tokens, Purpose.BOUNCE), Mint(opened.keyring.tokens, Purpose.MESSAGE_ID)
    with ctx.db.write() as tx:
        sent = tx.execute(sa.select(Delivery.id, Delivery.envelope).order_by(Delivery.id)).all()
        for number, (delivery, envelope) in enumerate(sent):
            raw = examples[number % len(examples)].replace(READER, envelope.encode())
            raw = raw.replace(BOUNCES, f"bounces+{bounce.token(delivery=delivery)}@balint.example.org".encode())
            raw = raw.replace(LETTER_ID, f"{letter.token(delivery=delivery)}@balint.example.org".encode())
            if number % 2:  # half of them return all of a letter
                raw = raw.replace(_A_LINE, _LONG)
            raw = f"X-Number: {number}\n".encode() + raw
            octets += len(raw)
            arrival = Arrival(mailbox="bench", place=str(number), raw=raw, size=len(raw), received_at=ctx.clock.now())
            messages.store(tx, arrival)
    opened.close()
    return octets


def apply(instance: Path) -> dict[str, object]:
    """Read and act on all that is stored, on one core; return seconds, memory and what became of the messages."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    opened = open_instance(instance)
    ctx = opened.context()
    over = threading.Event()
    seen: list[tuple[float, float]] = []
    watcher = threading.Thread(target=_watch, args=(over, seen))
    with Reader() as reader:
        watcher.start()
        begun, before = time.perf_counter(), time.process_time()
        done = inbox.process(ctx, reader)
        seconds, parent = time.perf_counter() - begun, time.process_time() - before
        over.set()
        watcher.join()
    with ctx.db.read() as tx:
        rows = tx.execute(sa.select(InboundMessage.kind, InboundMessage.state)).all()
    opened.close()
    states = Counter(f"{kind} {state.value}" for kind, state in rows)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"messages": done.read, "set_aside": done.set_aside, "seconds": seconds, "states": states,
            "parent": parent, "child": children.ru_utime + children.ru_stime, "load": os.getloadavg()[0],
            "memory": [seen[len(seen) // 4], seen[-1]] if seen else []}  # fmt: skip


def _watch(over: threading.Event, seen: list[tuple[float, float]]) -> None:
    """Put down how much memory this process and its child hold, in megabytes, four times a second."""
    own = os.getpid()
    while not over.wait(0.25):
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        child = max((_resident(int(one)) for one in children), default=0.0)
        seen.append((_resident(own), child))


def _resident(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def report(told: dict[str, object], *, kept: bool) -> int:
    """Print what was measured, and return 1 where a goal is missed."""
    number, seconds = told["messages"], told["seconds"]
    assert isinstance(number, int)
    assert isinstance(seconds, float)
    speed = number / seconds
    memory = told["memory"]
    assert isinstance(memory, list)
    early, late = memory
    growth = max(late[0] - early[0], late[1] - early[1])
    print(f"{number:,} messages in {seconds:.1f} s: {speed:,.0f} a second (to reach: {LEAST_A_SECOND})")
    parent, child = told["parent"], told["child"]
    assert isinstance(parent, float)
    assert isinstance(child, float)
    busy = round(number / (parent + child))
    print(f"  busy: {parent:.1f} s the process that acts, {child:.1f} s the one that reads", end="")
    print(f": {busy} a second of a core; the machine's load was {told['load']:.1f}")
    print(f"  memory: acting {early[0]:.0f} MB, later {late[0]:.0f}; reading {early[1]:.0f} MB, later {late[1]:.0f}")
    states = told["states"]
    assert isinstance(states, dict)
    for name, count in sorted(states.items()):
        print(f"  {name:24} {count:>7,}")
    if kept:
        RESULTS.parent.mkdir(exist_ok=True)
        measured = {**told, "a_second": round(speed), "a_second_of_a_core": busy}
        RESULTS.write_text(json.dumps(measured, indent=2) + "\n", "utf-8")
    return 0 if speed >= LEAST_A_SECOND and growth <= MOST_GROWTH and not told["set_aside"] else 1


if __name__ == "__main__":
    sys.exit(main())
