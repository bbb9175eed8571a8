"""Measure a whole mailing of 12 KB letters beside what others use: all sides in one run, in turn, medians of five.

`balintmail send` is a whole process from start to exit, every dot held back until its row is forced to disk. "First to
last" is from the first row marked at risk to the last answer in the ledger; for the other sides, from connecting to the
last answer. All send messages of the same size. Slow sides send fewer of them, so that a run ends in a quarter of an
hour; the table says how many. Run by `make bench`; `--quick` is a trial. `make bench-growth` is bench/growth.py.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from bench import postgresql, sinks, society
from bench.society import COMMAND, Relay, Setting

READERS = 20_000
ROUNDS = 5
SCRIPT_SHARE = 10  # the script sends a tenth: it takes milliseconds for each
FAR_READERS = 2_000  # ten connections and 50 ms allow 200 a second
FAR_PLAIN_SHARE = 4  # and plain a quarter of these: it needs four round trips for each message
ROUND_TRIP = 50  # milliseconds
RESULTS = Path(__file__).parent / "results" / "send.json"


@dataclass(frozen=True, slots=True)
class Run:
    """One side in one round. `whole` is 0 where there is no start and exit to speak of; `cpu` is in µs a message."""

    messages: int
    seconds: float
    whole: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def whole_rate(self) -> float:
        return self.messages / self.whole if self.whole else 0.0


Side = Callable[[], Run]


class Bench:
    """The sides, with what they need kept open."""

    def __init__(self, folder: Path, stack: ExitStack, readers: int) -> None:
        self.folder, self.readers = folder, readers
        self.instance = society.found(folder, readers)
        self.letter = society.sample(self.instance, folder / "sample")
        self._source_length = str(sinks.length_for_smtp_source(self.letter.stat().st_size))
        self.missing: list[str] = []
        self._stack = stack
        self._far = self.instance if readers <= FAR_READERS else society.found(folder, FAR_READERS)
        self._far_readers = min(readers, FAR_READERS)

    def sides(self) -> dict[str, Side]:
        """Return every side by name, in the order of the table."""
        found: dict[str, Side] = {
            "script (smtplib)": partial(self.other, "script", self.readers // SCRIPT_SHARE),
            "plain (aiosmtplib), 20": partial(self.other, "plain", self.readers, 20),
            "smtp-source, 20": partial(self.source, 20),
            "balintmail, 20": partial(self.ours, 20),
            "smtp-source, 50": partial(self.source, 50),
            "balintmail, 50": partial(self.ours, 50),
            "balintmail, 50, TLS": self.over_tls,
            "balintmail, 50, RSA DKIM": self.signed,
            "openssl speed -multi 2": openssl,
        }
        self.keys("--rsa-only")
        server = self._stack.enter_context(postgresql.running(self._stack.enter_context(postgresql.folder())))
        if server is None:
            self.missing.append("PostgreSQL: it is not installed here, so that side was not measured")
        else:
            server.sql("CREATE DATABASE filled")
            instance = society.found(self.folder, self.readers, server.url("filled"))
            found["balintmail, 50, PostgreSQL"] = partial(self.on_postgresql, server, instance)
        found[f"far ({ROUND_TRIP} ms): plain, 10"] = partial(self.far_plain, 10)
        found[f"far ({ROUND_TRIP} ms): balintmail, 10"] = partial(self.far_ours, 10)
        return found

    def other(self, kind: str, messages: int, connections: int = 1) -> Run:
        """Measure somebody else's way."""
        with sinks.smtp_sink() as port:
            return self._other(kind, port, messages, connections)

    def _other(self, kind: str, port: int, messages: int, connections: int) -> Run:
        errand = [kind, str(port), str(messages), str(self.letter), str(connections)]
        done, _, cpu = timed([sys.executable, "-m", "bench.others", *errand])
        return Run(messages, json.loads(done)["seconds"], cpu=cpu / messages * 1e6)

    def source(self, sessions: int) -> Run:
        """Measure Postfix's generator with identical messages of the letter's size."""
        with sinks.smtp_sink() as port:
            addresses = ["-f", sinks.FROM, "-t", sinks.TO, f"127.0.0.1:{port}"]
            many = ["-s", str(sessions), "-m", str(self.readers), "-l", self._source_length]
            _, seconds, cpu = timed([sinks.SMTP_SOURCE, "-d", *many, *addresses])
        return Run(self.readers, seconds, seconds, cpu / self.readers * 1e6)

    def ours(self, connections: int) -> Run:
        """Measure the whole command on SQLite."""
        with sinks.smtp_sink() as port:
            return self.send(Setting(Relay(port, connections)))

    def over_tls(self) -> Run:
        """Measure with TLS; the sink is a Python process of our own and takes a processor."""
        with sinks.tls_sink(self.folder) as port:
            return self.send(Setting(Relay(port, 50, "tls", str(self.folder / "ca.pem"))))

    def keys(self, which: str) -> None:
        """Make the keys of the signed side; without a word in the settings they sign nothing."""
        named = ["--selector", "bench", "--domain", "balint.example.org"]
        society.run(["-C", str(self.instance), "dkim", "new", which, *named])

    def signed(self) -> Run:
        """Measure with an RSA signature on each message."""
        with sinks.smtp_sink() as port:
            return self.send(Setting(Relay(port, 50), dkim='domain = "balint.example.org"\nrsa = "bench"'))

    def on_postgresql(self, server: postgresql.Server, instance: Path) -> Run:
        """Measure on a fresh copy of a database on PostgreSQL."""
        server.fresh("round", "filled")
        with sinks.smtp_sink() as port:
            setting = Setting(Relay(port, 50), database=("/filled?", "/round?"))
            return self.send(setting, instance=instance, ask=partial(_span, server))

    def far_plain(self, connections: int) -> Run:
        """Measure aiosmtplib over a far relay."""
        with sinks.smtp_sink() as port, sinks.far_away(port, ROUND_TRIP) as far:
            return self._other("plain", far, self._far_readers // FAR_PLAIN_SHARE, connections)

    def far_ours(self, connections: int) -> Run:
        """Measure the whole command over a far relay."""
        with sinks.smtp_sink() as port, sinks.far_away(port, ROUND_TRIP) as far:
            return self.send(Setting(Relay(far, connections)), instance=self._far, readers=self._far_readers)

    def send(
        self,
        setting: Setting,
        *,
        instance: Path | None = None,
        readers: int = 0,
        ask: Callable[[Path, int], float] = society.first_to_last,
    ) -> Run:
        """Send the letter to everybody from a fresh copy of an instance."""
        readers = readers or self.readers
        place = society.copy(instance or self.instance, self.folder / "round", setting)
        _, whole, cpu = timed([*COMMAND, "-C", str(place), "send", str(place / "letter.md"), "--yes"])
        return Run(readers, ask(place, readers), whole, cpu / readers * 1e6)


def timed(command: list[str]) -> tuple[str, float, float]:
    """Run a command that has to end well; return what it printed, its seconds, and its processor seconds."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}\n{text}")
    return text, seconds, usage.ru_utime + usage.ru_stime


def openssl() -> Run:
    """Return what `openssl speed` signs with RSA in a second on two processors."""
    command = ["openssl", "speed", "-seconds", "3", "-multi", "2", "rsa2048"]
    said, _, _ = timed(command)
    found = re.search(r"^rsa\s+2048 bits\s+\S+s\s+\S+s\s+([\d.]+)", said, re.MULTILINE)
    if found is None:
        raise SystemExit(f"openssl speed said something new:\n{said}")
    return Run(int(float(found[1])), 1.0)


def _span(server: postgresql.Server, _: Path, readers: int) -> float:
    query = (
        "SELECT count(*), extract(epoch FROM max(at) - min(first_tried_at)) FROM deliveries WHERE state = 'accepted'"
    )
    accepted, seconds = server.sql(query, "round").split("|")
    if int(accepted) != readers:
        raise SystemExit(f"{accepted} of {readers} messages were accepted")
    return float(seconds)


def middle(runs: list[Run]) -> Run:
    """Return the run of the median rate, with the median of the whole command's time."""
    ranked = sorted(runs, key=lambda run: run.rate)[len(runs) // 2]
    return replace(
        ranked,
        whole=statistics.median(run.whole for run in runs),
        cpu=statistics.median(run.cpu for run in runs),
    )


def goals(of: dict[str, Run]) -> list[tuple[str, float, float]]:
    """Return what was to be reached: in words, the number found, the number to reach."""
    found: list[tuple[str, float, float]] = []

    def compare(words: str, ours: str, theirs: str, goal: float, *, whole: bool = False) -> None:
        if ours in of and theirs in of:
            rate = of[ours].whole_rate if whole else of[ours].rate
            found.append((words, rate / of[theirs].rate, goal))

    fifty, far = "balintmail, 50", f"far ({ROUND_TRIP} ms):"
    compare("first to last, of smtp-source, 50 connections", fifty, "smtp-source, 50", 1.2)
    compare("first to last, of smtp-source, 20 connections", "balintmail, 20", "smtp-source, 20", 1.0)
    compare("whole command, of smtp-source, 50 connections", fifty, "smtp-source, 50", 1.0, whole=True)
    compare("whole command, of smtp-source, 20 connections", "balintmail, 20", "smtp-source, 20", 0.8, whole=True)
    compare("of plain", "balintmail, 20", "plain (aiosmtplib), 20", 3.0)
    compare("of the script", "balintmail, 20", "script (smtplib)", 20.0)
    compare("far relay, of plain", f"{far} balintmail, 10", f"{far} plain, 10", 3.0)
    compare("with RSA DKIM, of openssl speed", f"{fifty}, RSA DKIM", "openssl speed -multi 2", 0.7)
    compare("PostgreSQL, of SQLite", f"{fifty}, PostgreSQL", fifty, 0.6)
    return found


def main() -> None:
    """Print the table and write it down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of fewer messages; nothing is written down")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="sides whose names hold this word")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    readers, rounds = (4_000, 1) if asked.quick else (READERS, asked.rounds)
    sinks.require_postfix()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="balintmail-bench-") as name, ExitStack() as stack:
        bench = Bench(Path(name), stack, readers)
        sides = bench.sides()
        if asked.only:
            sides = {side: run for side, run in sides.items() if any(word in side for word in asked.only)}
        size = bench.letter.stat().st_size
        runs: dict[str, list[Run]] = {side: [] for side in sides}
        for _ in range(rounds):
            for side, run in sides.items():
                runs[side].append(run())
                print(f"  {side}: {runs[side][-1].rate:,.0f} /s", file=sys.stderr, flush=True)
    rows = {side: middle(found) for side, found in runs.items()}
    reached = goals(rows)
    print(f"{readers:,} letters of {size:,} bytes, fewer where it says so; medians of {rounds}, all sides in turn")
    print(f"load of this machine before: {load[0]:.1f}, after: {os.getloadavg()[0]:.1f}; processors: {os.cpu_count()}")
    show(rows, reached)
    print(*bench.missing, sep="\n", end="")
    if not asked.quick and not asked.only:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(document(readers, size, runs, reached, load), indent=1) + "\n", "utf-8")


def show(rows: dict[str, Run], reached: list[tuple[str, float, float]]) -> None:
    """Print the table and what was to be reached."""
    print(f"  {'':34}{'messages':>9}{'first to last':>15}{'whole command':>16}{'processor':>16}")
    for side, row in rows.items():
        many = "" if side.startswith("openssl") else f"{row.messages:,}"
        whole = f"{row.whole_rate:9,.0f} /s" if row.whole else ""
        cpu = f"{row.cpu:7.0f} µs each" if row.cpu else ""
        print(f"  {side:34}{many:>9}{row.rate:12,.0f} /s{whole:>16}{cpu:>16}")
    for words, number, goal in reached:
        print(f"  {words:48}{number:7.2f} ×   to reach {goal:5.2f}   {'reached' if number >= goal else 'MISSED'}")


def document(
    readers: int,
    size: int,
    runs: dict[str, list[Run]],
    reached: list[tuple[str, float, float]],
    load: tuple[float, ...],
) -> dict[str, object]:
    """Return everything that was measured, round by round."""
    return {
        "readers": readers,
        "bytes": size,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_before": load,
        "load_after": os.getloadavg(),
        "sides": {side: [asdict(run) for run in found] for side, found in runs.items()},
        "goals": [{"what": words, "found": round(number, 3), "goal": goal} for words, number, goal in reached],
    }


if __name__ == "__main__":
    main()
