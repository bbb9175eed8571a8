"""Measure the site under load: one-click leaves and forms to join from many connections, while a mailing is sent.

Twenty thousand readers get a newsletter; meanwhile each of them leaves another list by one click, and as many strangers
fill in the form. Counted are requests a second, the 99th percentile, leaves that were answered 200 and not kept, and
the longest time in which the sender wrote nothing down. Run by `make bench-web`; everything stays on the loopback.
"""

import argparse
import asyncio
import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from balintmail.domain.tokens import Mint, Purpose
from balintmail.wiring import open_instance
from bench import sinks, society
from bench.society import COMMAND, run

REQUESTS, READERS, CLIENTS = 20_000, 20_000, 50
PER_SECOND = 250  # letters: so the send goes on for as long as the load does
MOST_STALLED = 60.0  # seconds: the patience of db/session.py, after which the sender would give up
FORM_SECONDS = 3.0  # a form that comes back sooner waits for the Secretary
RESULTS = Path(__file__).parent / "results" / "web.json"
_FORM = "application/x-www-form-urlencoded"


@dataclass
class Tally:
    """What came of one kind of request."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def line(self, name: str, whole: float) -> str:
        ranked = sorted(self.seconds)
        at = [ranked[min(len(ranked) - 1, int(len(ranked) * share))] * 1000 for share in (0.5, 0.99, 1)]
        wrong = {status: n for status, n in self.statuses.items() if status != 200}
        shown = f"   NOT 200: {wrong}" if wrong else ""
        rate = len(ranked) / whole
        return f"  {name:10} {len(ranked):7,} {rate:8.0f}/s {at[0]:8.1f} {at[1]:8.1f} {at[2]:8.1f} ms{shown}"


class Client:
    """One connection that is kept open, with no more of HTTP than the server speaks."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send one request and return its status and body; a connection that was closed is opened again."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        kind = f"Content-Type: {_FORM}\r\nContent-Length: {len(body)}\r\n" if method == "POST" else ""
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: balint.example.org\r\n{kind}\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
        answer = await reader.readexactly(int(length[1])) if length else b""
        if re.search(r"(?i)\r\nconnection: close", head):
            self.close()
        return int(head.split(" ", 2)[1]), answer

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


class Load:
    """Both kinds of request, mixed, from several connections at a time."""

    def __init__(self, port: int, leaves: list[str], joins: list[str]) -> None:
        self.leaves, self.joins = Tally(), Tally()
        self.left: set[str] = set()  # whose leave was answered 200
        self._port = port
        self._form: dict[str, str] = {}
        self._work: list[tuple[str, str]] = [("leave", path) for path in leaves] + [("join", who) for who in joins]
        random.Random(84).shuffle(self._work)

    async def run(self, clients: int) -> float:
        """Do all of it; return the seconds it took."""
        one = Client(self._port)
        _, page = await one.ask("GET", "/join/newsletter")
        one.close()
        self._form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.decode()))
        await asyncio.sleep(FORM_SECONDS)
        begun = time.perf_counter()
        await asyncio.gather(*(self._client() for _ in range(clients)))
        return time.perf_counter() - begun

    async def _client(self) -> None:
        client = Client(self._port)
        while self._work:
            kind, what = self._work.pop()
            begun = time.perf_counter()
            if kind == "leave":
                status, _ = await client.ask("POST", what, b"List-Unsubscribe=One-Click")
                self._note(self.leaves, status, begun)
                if status == 200:
                    self.left.add(what)
            else:
                typed = {"name": "Joan Example", "address": what, "agree": "yes", "language": "en", **self._form}
                status, _ = await client.ask("POST", "/join/newsletter", urlencode(typed).encode())
                self._note(self.joins, status, begun)
        client.close()

    def _note(self, tally: Tally, status: int, begun: float) -> None:
        tally.seconds.append(time.perf_counter() - begun)
        tally.statuses[status] += 1


class Watcher:
    """Looks at the ledger all the while: how far the send is, and how long it ever stood still."""

    def __init__(self, instance: Path) -> None:
        self.longest = 0.0
        self.accepted = 0
        self._file = instance / "balintmail.db"

    async def watch(self, sending: "subprocess.Popen[str]") -> None:
        """Look four times a second for as long as the send runs."""
        since, last = time.perf_counter(), -1
        while sending.poll() is None:
            found = await asyncio.to_thread(self._accepted)
            now = time.perf_counter()
            if found != last:
                since, last = now, found
            if last > 0:  # compiling and claiming come before the first answer
                self.longest = max(self.longest, now - since)
            await asyncio.sleep(0.25)
        self.accepted = self._accepted()

    def _accepted(self) -> int:
        query = (
            "SELECT count(*) FROM deliveries d JOIN mailings m ON m.id = d.mailing_id "
            "WHERE m.number = '84' AND d.state = 'accepted'"
        )
        return counted(self._file, query)


def counted(file: Path, query: str) -> int:
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=60)
    try:
        return int(connection.execute(query).fetchone()[0])
    finally:
        connection.close()


def prepare(folder: Path, readers: int, relay: int, per_second: int) -> Path:
    """Return an instance whose readers are on two lists, with the form's caps out of the way."""
    made = society.found(folder, readers)
    run(["-C", str(made), "lists", "add", "courses", "--name", "Weekends and courses"])
    consent = ["--consent", "I agree", "--collected", "2025-03-21", "--yes", "--list", "courses"]
    run(["-C", str(made), "people", "import", str(folder / f"people-{readers}.csv"), *consent])
    instance = society.copy(made, folder / "i", society.Setting(society.Relay(relay, 20)))
    limit = f"per_second = {per_second}\n" if per_second else ""
    with (instance / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write(f"{limit}\n[joining]\nper_network = 1000000000\nper_hour = 1000000000\n")
    return instance


def leave_paths(instance: Path, number: int) -> list[str]:
    """Return the one-click addresses of the list `courses`, one for each of that many readers."""
    opened = open_instance(instance)
    key = opened.keyring.tokens
    opened.close()
    connection = sqlite3.connect(instance / "balintmail.db")
    (courses,) = connection.execute("SELECT id FROM lists WHERE slug = 'courses'").fetchone()
    people = connection.execute("SELECT person_id FROM subscriptions WHERE list_id = ? LIMIT ?", (courses, number))
    mint = Mint(key, Purpose.LEAVE)
    found = [f"/leave/{mint.token(person, courses)}" for (person,) in people]
    connection.close()
    return found


@contextmanager
def served(instance: Path) -> Iterator[tuple[int, int]]:
    """Yield the port and the process of a running `balintmail serve`."""
    port = sinks.free_port()
    with (instance / "serve.log").open("w") as log:
        command = [*COMMAND, "-C", str(instance), "serve", "--port", str(port)]
        with subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                asyncio.run(_answers(port))
                yield port, process.pid
            finally:
                process.terminate()


def processor_seconds(process: int) -> float:
    """Return the processor time that a process has used; on a busy machine it tells more than the clock."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _answers(port: int) -> None:
    for _ in range(300):
        try:
            await Client(port).ask("GET", "/healthz")
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit("balintmail serve does not answer")


async def measure(port: int, instance: Path, load: Load, clients: int) -> tuple[float, Watcher, int]:
    """Send the newsletter and run the load beside it; return the load's seconds, the watcher, the send's status."""
    send = [*COMMAND, "-C", str(instance), "send", str(instance / "letter.md"), "--yes"]
    with (instance / "send.log").open("w") as log:
        sending = subprocess.Popen(send, stdout=log, stderr=log, text=True)
    watcher = Watcher(instance)
    watching = asyncio.create_task(watcher.watch(sending))
    seconds = await load.run(clients)
    await watching
    return seconds, watcher, sending.returncode


def main() -> int:
    """Measure, print the table, write the results; return 1 when a leave was lost or the sender was locked out."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=REQUESTS, help="of each kind")
    options.add_argument("--readers", type=int, default=READERS)
    options.add_argument("--clients", type=int, default=CLIENTS)
    options.add_argument("--per-second", type=int, default=PER_SECOND, help="letters; 0: as fast as it goes")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, sinks.smtp_sink() as relay:
        instance = prepare(Path(folder), given.readers, relay, given.per_second)
        leaves = leave_paths(instance, given.requests)
        joins = [f"joan{number}@example{number % 997}.example.net" for number in range(given.requests)]
        with served(instance) as (port, process):
            load, before = Load(port, leaves, joins), processor_seconds(process)
            seconds, watcher, status = asyncio.run(measure(port, instance, load, given.clients))
            used = processor_seconds(process) - before
        print(f"the server's processor time: {used / (2 * given.requests) * 1000:.2f} ms a request")
        return report(instance, load, seconds, watcher, status)


def report(instance: Path, load: Load, seconds: float, watcher: Watcher, status: int) -> int:
    """Print what came of it, hold it against the database, and return the exit status."""
    file = instance / "balintmail.db"
    courses = "SELECT count(*) FROM subscriptions s JOIN lists l ON l.id = s.list_id WHERE l.slug = 'courses'"
    off = counted(file, f"{courses} AND s.state = 'unsubscribed'")
    asked = counted(file, "SELECT count(DISTINCT address_key) FROM join_requests")
    taken = load.joins.statuses[200]
    lost = len(load.left) - off
    both = Tally(load.leaves.seconds + load.joins.seconds, load.leaves.statuses + load.joins.statuses)
    print(f"under load for {seconds:.1f} s, median, 99th percentile and longest")
    for name, tally in (("leaves", load.leaves), ("joins", load.joins), ("both", both)):
        print(tally.line(name, seconds))
    print(f"  leaves answered 200 and not kept: {lost}; forms answered 200 and not kept: {taken - asked}")
    print(
        f"  sent meanwhile: {watcher.accepted:,} letters, status {status}; longest without one {watcher.longest:.1f} s"
    )
    RESULTS.parent.mkdir(exist_ok=True)
    kinds = {"leaves": load.leaves, "joins": load.joins}
    told = {name: {"n": len(one.seconds), "p50": statistics.median(one.seconds)} for name, one in kinds.items()}
    RESULTS.write_text(
        json.dumps({"seconds": seconds, "lost": lost, "longest": watcher.longest, **told}) + "\n", "utf-8"
    )
    good = lost == 0 and taken == asked and status == 0 and watcher.longest < MOST_STALLED
    if not good:
        print((instance / "serve.log").read_text("utf-8")[-2000:], (instance / "send.log").read_text("utf-8")[-2000:])
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
