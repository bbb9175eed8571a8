"""Measure DKIM signing of 12 KB messages, in turn with `openssl speed` on the same machine; medians of five rounds.

Both processors sign at once, as they do while a mailing is sent. Processor time says what a signature costs; the rate
says what the machine had left for us. Run by `make bench-dkim`.
"""

import json
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from balintmail.domain.dkim import Algorithm
from balintmail.sending import dkim_keys
from balintmail.sending.dkim import Signer

ROUNDS = 5
SECONDS = 1.0  # of each side in each round
CHUNK = 16  # messages a thread signs before it hands them over, as dispatch does
CORES = os.cpu_count() or 1
DOMAIN = "example.org"
RESULTS = Path(__file__).with_name("results") / "dkim.json"
MESSAGE = (
    b"From: The Secretary <secretary@example.org>\r\nTo: reader@example.net\r\nSubject: Groups this winter\r\n"
    b"Date: Sat, 21 Nov 2026 18:04:00 +0000\r\nMessage-ID: <84.1.0123456789abcdef@example.org>\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary="=_balint"\r\n'
    b"List-Id: <newsletter.example.org>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"List-Unsubscribe: <mailto:bounces@example.org?subject=TOKEN>,\r\n <https://balint.example.org/leave/TOKEN>\r\n"
    b"Feedback-ID: 84:newsletter:newsletter:balint\r\n\r\n"
    + b"Dear B=C3=A1lint, this is a line of the letter, as long as most of them are=\r\n"
    * 145
)


@dataclass(frozen=True, slots=True)
class Round:
    """One side in one round: messages a second, and microseconds of processor time for each (0: not known)."""

    rate: float
    microseconds: float = 0.0


def main() -> None:
    """Print the table and write it down."""
    with tempfile.TemporaryDirectory() as folder:
        rsa, ed25519 = (
            dkim_keys.make(Path(folder), name, algorithm, domain=DOMAIN, now=datetime.now(UTC))
            for name, algorithm in (("s", Algorithm.RSA), ("e", Algorithm.ED25519))
        )
        signers = {"RSA": [rsa], "Ed25519": [ed25519], "both": [rsa, ed25519]}
        sides: dict[str, Callable[[], Round]] = {}
        for threads in sorted({1, CORES}):
            sides[f"openssl speed rsa2048, {threads}"] = partial(openssl, threads)
            for name, keys in signers.items():
                signer = Signer(DOMAIN, keys, signed_at=datetime.now(UTC))
                sides[f"sign {name}, {threads}"] = partial(ours, signer, threads)
        found: dict[str, list[Round]] = {name: [] for name in sides}
        for _ in range(ROUNDS):
            for name, side in sides.items():
                found[name].append(side())
    rows = {name: middle(rounds) for name, rounds in found.items()}
    print(f"DKIM over {len(MESSAGE):,} bytes; medians of {ROUNDS}; after the comma, threads or processes")
    for name, row in rows.items():
        share = row.rate / rows[f"openssl speed rsa2048, {name.rpartition(', ')[2]}"].rate
        cost = f"{row.microseconds:7.1f} µs of processor time" if row.microseconds else " " * 30
        print(f"  {name:26} {row.rate:9,.0f} a second  {cost}  {share:6.2f} × openssl speed")
    document = {name: {"per_second": row.rate, "cpu_microseconds": row.microseconds} for name, row in rows.items()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def ours(signer: Signer, threads: int) -> Round:
    """Sign for a while in that many threads."""
    until = time.perf_counter() + SECONDS

    def sign() -> int:
        count = 0
        while time.perf_counter() < until:
            for _ in range(CHUNK):
                signer.sign(MESSAGE)
            count += CHUNK
        return count

    begun, spent = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        count = sum(one.result() for one in [pool.submit(sign) for _ in range(threads)])
    return Round(count / (time.perf_counter() - begun), (time.process_time() - spent) / count * 1e6)


def openssl(processes: int) -> Round:
    """Return the signatures a second that `openssl speed` reaches with that many processes."""
    command = ["openssl", "speed", "-seconds", str(int(SECONDS)), "-multi", str(processes), "rsa2048"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    last = re.search(r"^rsa\s+2048 bits\s+\S+s\s+\S+s\s+([\d.]+)", done.stdout, re.MULTILINE)
    if last is None:
        raise SystemExit(f"openssl speed said something new:\n{done.stdout}")
    return Round(float(last[1]))


def middle(rounds: list[Round]) -> Round:
    """Return the median of both numbers."""
    return Round(statistics.median(one.rate for one in rounds), statistics.median(one.microseconds for one in rounds))


if __name__ == "__main__":
    main()
