"""The fake relay as a process: it is the judge in tests with kill -9, so its log must be true."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from balintmail.domain.outcome import Verdict
from tests.relay import read_log
from tests.support.sending import SOON, letter, run, send, smtp

ROOT = Path(__file__).parents[3]


@contextmanager
def relay_process(*arguments: str) -> Iterator[int]:
    """Run `python -m tests.relay` until the block ends, then kill it; give its port."""
    command = [sys.executable, "-m", "tests.relay", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().split()[1])
        finally:
            process.send_signal(signal.SIGKILL)


def test_relay_process_logs_what_it_answered_and_survives_kill_9(tmp_path: Path) -> None:
    log = tmp_path / "taken.jsonl"
    with relay_process("--log", str(log), "--fault", "refuses_rcpt:reader2,550 5.1.1 gone") as port:
        outcomes = run(send(smtp(port), [letter(1), letter(2), letter(3)]))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED, Verdict.REFUSED, Verdict.ACCEPTED]
    assert outcomes[1].reply == "5.1.1 gone"
    assert [(copy.message_id, copy.recipient) for copy in read_log(log)] == [
        ("<1@balint.example.org>", "reader1@example.org"),
        ("<3@balint.example.org>", "reader3@example.org"),
    ]


def test_relay_process_that_takes_and_never_answers_leaves_one_unknown(tmp_path: Path) -> None:
    log = tmp_path / "taken.jsonl"
    with relay_process("--log", str(log), "--no-pipelining", "--fault", "stalls_after_accepting") as port:
        outcome = run(send(smtp(port, limits=SOON), [letter(1)]))[0]
    assert outcome.verdict is Verdict.UNKNOWN
    assert len(read_log(log)) == 1


def test_read_log_leaves_out_a_line_cut_short(tmp_path: Path) -> None:
    log = tmp_path / "taken.jsonl"
    log.write_text('{"message_id": "<1@x>", "recipient": "a", "sender": "b", "size": 3}\n{"message_id": "<2')
    assert [copy.message_id for copy in read_log(log)] == ["<1@x>"]
    assert read_log(tmp_path / "none") == []
