"""The contract's words about sending: receipts, exit statuses, second sends, relays, settling."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from tests.relay import Manners, RelayThread, faults
from tests.support.instance import Instance

STATES = ("queued", "claimed", "at_risk", "accepted", "deferred", "refused", "unknown", "written_off", "skipped")
RECEIPT = {
    "id", "list", "number", "state", "content_hash", "released_by", "frozen_at", "finished_at", "audience", "counts",
    "skipped_by_reason", "not_reached",
}  # fmt: skip
Readers = Callable[..., None]


@pytest.fixture(autouse=True)
def _three_readers(readers: Readers) -> None:
    readers("anna", "bela", "cili")


def counted(receipt: dict[str, object]) -> dict[str, int]:
    counts: dict[str, int] = receipt["counts"]  # type: ignore[assignment]
    assert set(counts) == set(STATES)
    assert sum(counts.values()) == receipt["audience"]
    return {state: number for state, number in counts.items() if number}


def test_receipt_has_its_keys_and_its_counts_add_up(society: Instance) -> None:
    society("suppress", "add", "bela@example.org")
    society("people", "edit", "cili@example.org", "--pause", "newsletter")
    done = society.send("--yes", "--json")
    assert done.status == 0
    assert set(done.json) >= RECEIPT
    assert counted(done.json) == {"accepted": 1, "skipped": 2}
    assert done.json["skipped_by_reason"] == {"suppressed": 1, "paused": 1}
    assert (done.json["state"], done.json["list"], str(done.json["number"])) == ("sent", "newsletter", "84")
    for key in ("frozen_at", "finished_at"):
        assert datetime.fromisoformat(done.json[key]).utcoffset() is not None
    assert society("mailings", "show", "newsletter/84", "--json").json == done.json
    assert society("mailings", "show", str(done.json["id"]), "--json").json == done.json
    (line,) = society("mailings", "list", "--json").json
    assert set(line) >= {"id", "list", "number", "title", "state", "audience", "counts"}
    assert counted(line) == {"accepted": 1, "skipped": 2}
    (message,) = society("outbox", "list", "--json").json
    assert set(message) == {"file", "to", "subject", "message_id"}


def test_second_send_says_it_is_sent_and_a_changed_one_is_refused_D1(society: Instance) -> None:
    assert society.send("--yes").status == 0
    again = society.send("--yes")
    assert again.status == 0
    assert "sent already" in again.said
    society.write(body="Changed.")
    assert society("check", society.folder / "newsletter.md").status == 1
    changed = society.send("--yes", "--json")
    assert (changed.status, set(changed.json["error"])) == (1, {"code", "message", "hint"})
    assert len(society.letters()) == 3


def test_again_to_is_a_mailing_of_its_own_of_one_row(society: Instance) -> None:
    assert society.send("--again-to", "anna@example.org", "--json").status == 1
    first = society.send("--yes", "--json").json
    done = society.send("--again-to", "anna@example.org", "--json")
    assert (done.status, done.json["audience"], done.json["again_of"]) == (0, 1, first["id"])
    assert society("mailings", "show", "newsletter/84", "--json").json == first
    assert society.send("--again-to", "nobody@example.org").status == 1


def test_test_letters_are_marked_and_nothing_is_recorded_as_sent(society: Instance) -> None:
    assert society.send("--test", "x@example.net", "--test", "anna@example.org").status == 0
    found = society("outbox", "list", "--json").json
    assert sorted(each["to"].split("<")[-1].strip(">") for each in found) == ["anna@example.org", "x@example.net"]
    assert all("[Test]" in each["subject"] for each in found)
    assert society("mailings", "list", "--json").json == []
    assert society.send("--yes", "--json").json["counts"]["accepted"] == 3


def test_dry_run_and_off_a_terminal_nobody_is_mailed(society: Instance) -> None:
    dry = society.send("--dry-run", "--json")
    assert (dry.status, dry.json["audience"]) == (0, 3)
    assert society.send("--json").status == 1
    assert society("mailings", "list", "--json").json == []


def test_filters_choose_and_bad_ones_are_refused(society: Instance) -> None:
    done = society.send("--where", 'address != "anna@example.org"', "--exclude", "bela@example.org", "--yes", "--json")
    assert (done.json["audience"], counted(done.json)) == (1, {"accepted": 1})
    society.write(number=85)
    assert society.send("--where", "nonsense", "--yes").status == 1
    assert society.send("--where", "member", "--yes").status == 1


def test_scheduled_mailing_is_cancelled_before_it_begins(society: Instance) -> None:
    done = society.send("--at", "2099-01-01 10:00", "--yes", "--json")
    assert (done.status, done.json["state"], done.json["frozen_at"]) == (0, "scheduled", None)
    assert society("dispatch").status == 0
    assert society.letters() == []
    cancelled = society("mailings", "cancel", "newsletter/84", "--yes", "--json")
    assert (cancelled.status, cancelled.json["state"]) == (0, "cancelled")
    anew = society.send("--at", "2099-01-01 10:00", "--yes", "--json").json
    assert (anew["state"], anew["finished_at"]) == ("scheduled", None)


def test_refusal_is_exit_3_and_deferral_exit_4_with_the_relays_words(society: Instance) -> None:
    relay_faults = (faults.refuses_rcpt("anna"), faults.refuses_rcpt("bela", "451 4.7.1 greylisted"))
    with RelayThread(Manners(), *relay_faults) as relay:
        society.use_relay(relay.port, "max_connections = 1\n")
        done = society.send("--yes", "--json")
        assert done.status == 4
        assert counted(done.json) == {"accepted": 1, "deferred": 1, "refused": 1}
        missed = {each["address"]: each for each in done.json["not_reached"]}
        assert all(
            set(each) >= {"person", "address", "state", "code", "enhanced", "reply", "at"} for each in missed.values()
        )
        anna, bela = missed["anna@example.org"], missed["bela@example.org"]
        assert (anna["state"], anna["code"], anna["enhanced"]) == ("refused", 550, "5.1.1")
        assert (bela["state"], bela["code"], bela["enhanced"]) == ("deferred", 451, "4.7.1")
        assert "greylisted" in bela["reply"]
        assert society("mailings", "retry", "newsletter/84").status == 4
        relay.behave()
        done = society("mailings", "retry", "newsletter/84", "--json")
    assert (done.status, done.json["state"], counted(done.json)) == (3, "sent", {"accepted": 2, "refused": 1})
    assert society.send("--yes").status == 0
    assert [each["number"] for each in society("mailings", "list", "--json").json] == ["84"]


def test_unknown_deliveries_are_settled_each_way(society: Instance, readers: Readers) -> None:
    with RelayThread(Manners(), faults.drops_after_accepting()) as relay:
        society.use_relay(relay.port, "max_connections = 1\n")
        done = society.send("--yes", "--json")
        while society("dispatch").status == 4 or counted(done.json).get("queued"):
            done = society("mailings", "show", "newsletter/84", "--json")
        done = society("mailings", "show", "newsletter/84", "--json")
        assert counted(done.json) == {"unknown": 3}
        assert society.send("--yes").status == 4
        copies = len(relay.accepted)
        assert society("mailings", "settle", "newsletter/84").status == 2
        assert society("mailings", "settle", "newsletter/84", "dora@example.org", "--accepted").status == 1
        assert society("mailings", "settle", "newsletter/84", "anna@example.org", "--accepted").status == 4
        assert society("mailings", "settle", "newsletter/84", "bela@example.org", "--write-off").status == 4
        relay.behave()
        assert society("mailings", "settle", "newsletter/84", "--resend").status == 4
        assert len(relay.accepted) == copies
        assert society("dispatch").status == 0
    done = society("mailings", "show", "newsletter/84", "--json")
    assert (done.json["state"], counted(done.json)) == ("sent", {"accepted": 2, "written_off": 1})


@pytest.fixture
def slow(society: Instance, readers: Readers) -> Iterator[RelayThread]:
    readers(*(f"p{number}" for number in range(40)))
    with RelayThread(Manners(), faults.answers_late("dot", 0.1)) as relay:
        society.use_relay(relay.port, "max_connections = 2\n")
        yield relay


def started(society: Instance, *args: str) -> "subprocess.Popen[str]":
    line = [sys.executable, "-m", "balintmail", "-C", str(society.folder), *args]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(relay: RelayThread, copies: int) -> None:
    ends_at = time.monotonic() + 60
    while len(relay.accepted) < copies:
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_ctrl_c_while_sending_finishes_what_is_open_and_dispatch_goes_on(society: Instance, slow: RelayThread) -> None:
    sending = started(society, "send", str(society.folder / "newsletter.md"), "--yes", "--json")
    wait_for(slow, 3)
    busy = society("dispatch")
    assert (busy.status, "Another dispatcher is running" in busy.out) == (0, True)
    sending.send_signal(signal.SIGINT)
    out, _ = sending.communicate(timeout=60)
    assert sending.returncode == 4
    left = counted(json.loads(out))
    assert set(left) <= {"queued", "accepted"}
    slow.behave()
    assert society("dispatch").status == 0
    assert counted(society("mailings", "show", "newsletter/84", "--json").json) == {"accepted": 43}
    readers = [each.recipient for each in slow.accepted if not each.recipient.startswith("secretary@")]
    assert len(readers) == len(set(readers)) == 43


def test_kill_9_leaves_at_most_one_unknown_for_each_connection_D3(society: Instance, slow: RelayThread) -> None:
    sending = started(society, "send", str(society.folder / "newsletter.md"), "--yes")
    wait_for(slow, 3)
    sending.kill()
    sending.communicate(timeout=60)
    slow.behave()
    assert society("dispatch").status == 0
    counts = counted(society("mailings", "show", "newsletter/84", "--json").json)
    assert counts.get("unknown", 0) <= 2
    assert counts["accepted"] + counts.get("unknown", 0) == 43
    settled = society("mailings", "settle", "newsletter/84", "--accepted", "--json")
    assert (settled.status, settled.json["state"]) == (0, "sent")


def test_ctrl_c_in_the_hold_makes_a_draft_that_can_be_sent_later(society: Instance) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(
            sys.executable,
            [sys.executable, "-m", "balintmail", "-C", str(society.folder), "send",
             str(society.folder / "newsletter.md")],
        )  # fmt: skip
    seen, answers = b"", [(b"to send it: ", b"newsletter\n"), (b"takes it back", b"\x03")]
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            seen += os.read(terminal, 65536)
        except OSError:
            break
        if answers and answers[0][0] in seen:
            if answers[0][1] == b"\x03":
                held = society("mailings", "show", "newsletter/84", "--json").json
                assert held["state"] == "scheduled"
            os.write(terminal, answers.pop(0)[1])
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 1, seen
    assert society("mailings", "show", "newsletter/84", "--json").json["state"] == "draft"
    society.write(body="Written anew.")
    assert society.send("--yes", "--json").json["counts"]["accepted"] == 3
