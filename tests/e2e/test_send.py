"""send, mailings, dispatch and outbox as the Secretary calls them."""

import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.relay import Manners, RelayThread, faults
from tests.support.command import call, founded

LETTER = """---
title: "{title}"
number: {number}
---

Dear {{{{ person.first_name | default("reader") }}}},

The next meeting is in spring, and everybody who reads this letter to its end is invited to come to it.
"""


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    folder = tmp_path / "i"
    founded(folder, "--url", "https://balint.example.org")
    write(folder)
    return folder


def write(folder: Path, number: int = 84, title: str = "News", name: str = "newsletter.md") -> Path:
    path = folder / name
    path.write_text(LETTER.format(title=title, number=number), "utf-8")
    return path


def subscribe(folder: Path, *names: str) -> None:
    found = call("-C", folder, "subscribe", *(f"{name}@example.org" for name in names or ("anna", "bela", "cili")))
    assert found.status == 0, found.err


def use_relay(folder: Path, port: int, connections: int = 2) -> None:
    with (folder / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write(
            f'\n[relays.main]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nmax_connections = {connections}\n'
        )


def send(folder: Path, *more: str, file: str = "newsletter.md") -> Any:
    return call("-C", folder, "send", folder / file, *more)


def in_outbox(folder: Path) -> int:
    return len(list((folder / "outbox" / "new").iterdir()))


def test_send_twice_reaches_each_once_and_says_so_D1(instance: Path) -> None:
    subscribe(instance)
    first = send(instance, "--yes", "--json")
    assert first.status == 0, first.err
    assert first.json["state"] == "sent"
    assert first.json["audience"] == 3
    assert first.json["counts"] == {
        "queued": 0, "claimed": 0, "at_risk": 0, "accepted": 3, "deferred": 0, "refused": 0, "unknown": 0,
        "written_off": 0, "skipped": 0,
    }  # fmt: skip
    again = send(instance, "--yes")
    assert again.status == 0
    assert "sent already, to 3 people" in again.out
    assert in_outbox(instance) == 3


def test_changed_file_under_the_same_number_is_refused_with_the_way_out_D1(instance: Path) -> None:
    subscribe(instance)
    assert send(instance, "--yes").status == 0
    write(instance, title="Other news")
    found = send(instance, "--yes")
    assert found.status == 1
    assert "differs from newsletter/84" in found.err
    assert 'new "number"' in found.err
    assert in_outbox(instance) == 3
    write(instance, number=85, title="Other news")
    assert send(instance, "--yes").status == 0
    assert in_outbox(instance) == 6


def test_whoever_subscribes_after_the_freeze_is_not_added(instance: Path) -> None:
    subscribe(instance)
    send(instance, "--yes")
    subscribe(instance, "dora")
    assert send(instance, "--yes").status == 0
    assert in_outbox(instance) == 3


def test_send_off_a_terminal_without_yes_is_answered_no(instance: Path) -> None:
    subscribe(instance)
    found = send(instance, "--json")
    assert found.status == 1
    assert found.json["error"]["code"] == "not_confirmed"
    assert call("-C", instance, "mailings", "list", "--json").json == []


def test_empty_list_J3_is_refused_and_takes_no_number(instance: Path) -> None:
    found = send(instance, "--yes")
    assert found.status == 1
    assert "Nobody is on the list newsletter." in found.err
    assert call("-C", instance, "mailings", "list", "--json").json == []


def test_one_person_J4(instance: Path) -> None:
    subscribe(instance, "anna")
    assert send(instance, "--yes", "--json").json["counts"]["accepted"] == 1


def test_dry_run_writes_nothing_and_says_who_is_left_out(instance: Path) -> None:
    subscribe(instance)
    found = send(instance, "--dry-run", "--json")
    assert found.status == 0
    assert found.json["counts"]["queued"] == 3
    assert found.json["left_out"] == []
    assert call("-C", instance, "mailings", "list", "--json").json == []


def test_where_and_exclude_choose_the_audience(instance: Path) -> None:
    subscribe(instance)
    found = send(
        instance, "--yes", "--json", "--where", 'address != "anna@example.org"', "--exclude", "bela@example.org"
    )
    assert found.json["audience"] == 1
    assert found.json["counts"]["accepted"] == 1


def test_test_send_goes_there_only_and_counts_as_nothing_sent(instance: Path) -> None:
    subscribe(instance)
    found = send(instance, "--test", "anna@example.org", "--test", "stranger@example.net", "--json")
    assert found.status == 0, found.err
    assert (found.json["kind"], found.json["number"], found.json["audience"]) == ("test", None, 2)
    shown = call("-C", instance, "outbox", "list", "--json").json
    assert {letter["to"] for letter in shown} >= {"anna@example.org"}
    assert all("[Test]" in letter["subject"] for letter in shown)
    assert call("-C", instance, "mailings", "list", "--json").json == []
    assert len(call("-C", instance, "mailings", "list", "--all", "--json").json) == 1
    assert send(instance, "--yes", "--json").json["counts"]["accepted"] == 3


def test_second_copy_by_name_is_a_mailing_of_its_own(instance: Path) -> None:
    subscribe(instance)
    assert send(instance, "--again-to", "anna@example.org").status == 1  # not sent yet
    first = send(instance, "--yes", "--json").json
    found = send(instance, "--again-to", "anna@example.org", "--json")
    assert found.status == 0, found.err
    assert (found.json["again_of"], found.json["audience"]) == (first["id"], 1)
    assert in_outbox(instance) == 4
    assert call("-C", instance, "mailings", "show", "newsletter/84", "--json").json["audience"] == 3


def test_second_copy_for_somebody_who_has_left_is_asked_about_and_recorded(instance: Path) -> None:
    subscribe(instance)
    send(instance, "--yes")
    call("-C", instance, "unsubscribe", "anna@example.org")
    refused = send(instance, "--again-to", "anna@example.org", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "has_left")
    assert "has left newsletter since. Nobody has been mailed." in refused.json["error"]["message"]
    assert in_outbox(instance) == 3
    found = send(instance, "--again-to", "anna@example.org", "--yes", "--json")
    assert (found.status, found.json["counts"]["accepted"]) == (0, 1)
    people = call("-C", instance, "people", "list", "--json").json
    anna = next(one for one in people if one["addresses"][0]["address"] == "anna@example.org")
    assert anna["lists"] == {"newsletter": "unsubscribed"}
    with sqlite3.connect(instance / "balintmail.db") as db:
        said = db.execute("SELECT count(*) FROM audit_events WHERE action = 'sent again to somebody who has left'")
        assert said.fetchone() == (1,)


def test_scheduled_mailing_freezes_its_content_now_and_its_audience_at_the_start(instance: Path) -> None:
    subscribe(instance, "anna")
    soon = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 2))
    found = send(instance, "--at", soon, "--yes", "--json")
    assert (found.status, found.json["state"], found.json["frozen_at"]) == (0, "scheduled", None)
    subscribe(instance, "bela")
    write(instance, title="Written later")
    assert call("-C", instance, "dispatch").status == 0
    assert not (instance / "outbox" / "new").exists() or in_outbox(instance) == 0
    time.sleep(2.2)
    assert call("-C", instance, "dispatch").status == 0
    letters = call("-C", instance, "outbox", "list", "--json").json
    assert [letter["subject"] for letter in letters] == ["News", "News"]


def test_refused_person_gives_status_3_and_the_relays_words(instance: Path) -> None:
    subscribe(instance)
    with RelayThread(Manners(), faults.refuses_rcpt("bela")) as relay:
        use_relay(instance, relay.port)
        found = send(instance, "--yes", "--json")
    assert found.status == 3
    assert found.json["state"] == "sent"
    (one,) = found.json["not_reached"]
    assert (one["address"], one["state"], one["code"], one["enhanced"]) == ("bela@example.org", "refused", 550, "5.1.1")
    assert "no such user" in one["reply"]


def test_deferred_person_gives_status_4_and_retry_reaches_them(instance: Path) -> None:
    subscribe(instance)
    with RelayThread(Manners(), faults.greylists()) as relay:
        use_relay(instance, relay.port)
        found = send(instance, "--yes", "--json")
        assert found.status == 4
        assert found.json["counts"]["deferred"] == 3
        retried = call("-C", instance, "mailings", "retry", "newsletter/84", "--json")
    assert retried.status == 0
    assert retried.json["counts"]["accepted"] == 3


def test_unknown_delivery_waits_for_settle(instance: Path) -> None:
    subscribe(instance)
    with RelayThread(Manners(), faults.drops_after_accepting(times=1)) as relay:
        use_relay(instance, relay.port, connections=1)
        found = send(instance, "--yes", "--json")
        assert found.status == 4
        assert found.json["counts"]["unknown"] == 1
        assert send(instance, "--yes").status == 4  # and nobody is mailed again
        assert len(relay.accepted) == 3
    who = found.json["not_reached"][0]["address"]
    taken = {one.recipient: one.message_id for one in relay.accepted}
    assert found.json["not_reached"][0]["message_id"] == taken[who]  # P3: what to look for in the relay's log
    assert taken[who] in call("-C", instance, "mailings", "show", "newsletter/84").out
    other = call("-C", instance, "mailings", "settle", "newsletter/84", "nobody@example.org", "--accepted", "--json")
    assert (other.status, other.json["error"]["code"]) == (1, "not_found")
    settled = call("-C", instance, "mailings", "settle", "newsletter/84", who, "--accepted", "--json")
    assert settled.status == 0
    assert (settled.json["state"], settled.json["counts"]["accepted"]) == ("sent", 3)


def test_written_off_delivery_gives_status_3(instance: Path) -> None:
    subscribe(instance, "anna")
    with RelayThread(Manners(), faults.drops_after_accepting(times=1)) as relay:
        use_relay(instance, relay.port, connections=1)
        send(instance, "--yes")
    settled = call("-C", instance, "mailings", "settle", "1", "--write-off", "--json")
    assert settled.status == 3
    assert settled.json["counts"]["written_off"] == 1


def test_relay_that_is_down_gives_status_4_and_loses_nobody(instance: Path) -> None:
    subscribe(instance)
    with RelayThread() as relay:
        use_relay(instance, relay.port)
    found = send(instance, "--yes", "--json")
    assert found.status == 4
    assert found.json["counts"]["queued"] == 3
    assert "balintmail dispatch" in found.err


def _started(folder: Path, *command: str) -> "subprocess.Popen[str]":
    line = [sys.executable, "-m", "balintmail", "-C", str(folder), *command]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait(relay: RelayThread, number: int) -> None:
    deadline = time.monotonic() + 30
    while len(relay.accepted) < number:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_interrupted_send_finishes_what_is_open_exits_4_and_goes_on(instance: Path, number: signal.Signals) -> None:
    subscribe(instance, *(f"r{number}" for number in range(30)))
    with RelayThread(Manners(), faults.answers_late("dot", 0.1)) as relay:
        use_relay(instance, relay.port)
        process = _started(instance, "send", str(instance / "newsletter.md"), "--yes", "--json")
        _wait(relay, 4)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 4
        found = json.loads(out)
        assert "goes on with" in err
        assert found["counts"]["unknown"] == found["counts"]["claimed"] == found["counts"]["at_risk"] == 0
        assert found["counts"]["accepted"] == len(relay.accepted) < 30
        relay.behave()
        assert send(instance, "--yes").status == 0
        assert len({taken.recipient for taken in relay.accepted}) == len(relay.accepted) == 30


def test_two_sends_at_the_same_time_reach_each_once_D1(instance: Path) -> None:
    subscribe(instance, *(f"r{number}" for number in range(20)))
    with RelayThread(Manners(), faults.answers_late("dot", 0.05)) as relay:
        use_relay(instance, relay.port)
        both = [_started(instance, "send", str(instance / "newsletter.md"), "--yes", "--json") for _ in range(2)]
        said = [process.communicate(timeout=60) for process in both]
        assert {process.returncode for process in both} <= {0, 1}, said
        assert 0 in {process.returncode for process in both}
        assert len({taken.recipient for taken in relay.accepted}) == len(relay.accepted) == 20
    assert call("-C", instance, "mailings", "show", "newsletter/84", "--json").json["counts"]["accepted"] == 20


def test_dispatch_beside_a_send_says_that_another_runs(instance: Path) -> None:
    subscribe(instance, *(f"r{number}" for number in range(20)))
    with RelayThread(Manners(), faults.answers_late("dot", 0.1)) as relay:
        use_relay(instance, relay.port)
        process = _started(instance, "send", str(instance / "newsletter.md"), "--yes", "--json")
        _wait(relay, 2)
        other = call("-C", instance, "dispatch")
        assert other.status == 0
        assert "Another dispatcher is running" in other.out
        relay.behave()
        process.communicate(timeout=30)
        assert process.returncode == 0
        assert len(relay.accepted) == 20


def test_cancel_from_another_process_acts_within_a_second(instance: Path) -> None:
    subscribe(instance, *(f"r{number}" for number in range(40)))
    with RelayThread(Manners(), faults.answers_late("dot", 0.1)) as relay:
        use_relay(instance, relay.port)
        process = _started(instance, "send", str(instance / "newsletter.md"), "--yes", "--json")
        _wait(relay, 2)
        assert call("-C", instance, "mailings", "cancel", "newsletter/84", "--yes").status == 0
        process.communicate(timeout=30)
        taken = len(relay.accepted)
        assert taken < 40
        found = call("-C", instance, "mailings", "show", "newsletter/84", "--json").json
        assert found["state"] == "cancelled"
        assert found["counts"]["accepted"] == taken
        assert found["skipped_by_reason"] == {"cancelled": 40 - taken}
        assert call("-C", instance, "dispatch").status == 0
        assert len(relay.accepted) == taken


class Terminal:
    """A process on a terminal of its own, as a person sees it."""

    def __init__(self, *command: str) -> None:
        pid, self._file = pty.fork()
        if pid == 0:
            os.execv(sys.executable, [sys.executable, "-m", "balintmail", *command])
        self._pid = pid
        self.seen = ""

    def until(self, text: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self._read(0.2)

    def _read(self, seconds: float) -> bool:
        if select.select([self._file], [], [], seconds)[0]:
            try:
                data = os.read(self._file, 4096)
            except OSError:
                return False
            self.seen += data.decode("utf-8", "replace")
            return bool(data)
        return True

    def type(self, text: str) -> None:
        os.write(self._file, text.encode())

    def status_after_hanging_up(self) -> int:
        os.close(self._file)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def status(self) -> int:
        while self._read(5):
            pass
        os.close(self._file)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_on_a_terminal_the_lists_name_is_typed_and_the_hold_can_be_taken_back(instance: Path) -> None:
    subscribe(instance)
    terminal = Terminal("-C", str(instance), "send", str(instance / "newsletter.md"))
    terminal.until("Type the list's name")
    terminal.type("newsletter\n")
    terminal.until("Ctrl-C takes it back")
    terminal.type("\x03")
    assert terminal.status() == 1
    assert "Taken back" in terminal.seen
    assert call("-C", instance, "mailings", "show", "newsletter/84", "--json").json["state"] == "draft"
    write(instance, title="Better news")
    assert send(instance, "--yes", "--json").json["counts"]["accepted"] == 3


def test_wrong_name_typed_sends_nothing(instance: Path) -> None:
    subscribe(instance)
    terminal = Terminal("-C", str(instance), "send", str(instance / "newsletter.md"))
    terminal.until("Type the list's name")
    terminal.type("yes\n")
    assert terminal.status() == 1
    assert 'not the list\'s name, which is "newsletter"' in terminal.seen
    assert call("-C", instance, "mailings", "list", "--json").json == []


def test_closed_terminal_takes_it_back_as_ctrl_c_does(instance: Path) -> None:
    subscribe(instance)
    terminal = Terminal("-C", str(instance), "send", str(instance / "newsletter.md"))
    terminal.until("Type the list's name")
    terminal.type("Newsletter\n")  # what people call it is as good as its short name
    terminal.until("Ctrl-C takes it back")
    terminal.status_after_hanging_up()
    assert call("-C", instance, "mailings", "show", "newsletter/84", "--json").json["state"] == "draft"
    assert in_outbox(instance) == 0


def test_send_of_a_scheduled_letter_says_so_before_it_asks(instance: Path) -> None:
    subscribe(instance)
    assert send(instance, "--at", "2099-12-01 08:00", "--yes").status == 0
    assert "planned   1 December 2099, 08:00 (London)" in send(instance).out


@pytest.mark.parametrize("at", ["tomorrow", "8:00", "2026-13-45"])
def test_time_that_is_none_is_named_with_how_to_write_it(instance: Path, at: str) -> None:
    subscribe(instance)
    found = send(instance, "--at", at, "--yes")
    assert (found.status, found.err) == (2, f'--at "{at}" is not a time.\nWrite it like "2026-12-01 08:00".\n')


def test_without_a_relay_a_send_says_that_nothing_has_left(instance: Path) -> None:
    subscribe(instance)
    assert "nothing has left this machine" in send(instance, "--test", "rose@example.org").out


def test_settle_takes_one_decision_and_says_when_there_is_none_to_take(instance: Path) -> None:
    subscribe(instance)
    send(instance, "--yes")
    assert call("-C", instance, "mailings", "settle", "newsletter/84", "--accepted", "--resend").status == 2
    found = call("-C", instance, "mailings", "settle", "newsletter/84", "--accepted")
    assert (found.status, found.out.splitlines()[0]) == (
        0,
        "Nothing of newsletter/84 is unknown, so there was nothing to decide.",
    )


def test_progress_and_report_on_a_terminal(instance: Path) -> None:
    subscribe(instance)
    terminal = Terminal("-C", str(instance), "send", str(instance / "newsletter.md"), "--yes")
    assert terminal.status() == 0
    assert "3 of 3" in terminal.seen
    assert "Sent to 3." in terminal.seen


def test_mailing_that_is_not_there_is_named(instance: Path) -> None:
    for name in ("99", "newsletter/99", "x", "99999999999999999999", "-"):
        found = call("-C", instance, "mailings", "show", name, "--json")
        assert (found.status, found.json["error"]["code"]) == (1, "not_found"), name


def test_pause_keeps_everybody_and_resume_goes_on(instance: Path) -> None:
    subscribe(instance)
    with RelayThread(Manners(), faults.greylists()) as relay:
        use_relay(instance, relay.port)
        send(instance, "--yes")
        assert call("-C", instance, "mailings", "pause", "newsletter/84", "--json").json["state"] == "paused"
        assert send(instance, "--yes", "--json").status == 4
        assert call("-C", instance, "mailings", "resume", "newsletter/84", "--json").json["state"] == "sending"
        assert call("-C", instance, "mailings", "retry", "newsletter/84").status == 0
        assert len(relay.accepted) == 3


def test_suppressed_and_erased_people_get_not_even_a_test_D7(instance: Path) -> None:
    subscribe(instance)
    erased = call("-C", instance, "people", "erase", "anna@example.org", "--yes")
    assert erased.status == 0, erased.err
    found = send(instance, "--test", "anna@example.org", "--json")
    assert (found.status, found.json["error"]["code"]) == (1, "may_not_be_mailed")
    assert send(instance, "--yes", "--json").json["counts"]["accepted"] == 2


def test_subscribe_with_welcome_sends_the_welcome_letter_once(instance: Path) -> None:
    assert call("-C", instance, "subscribe", "anna@example.org", "--welcome").status == 0
    again = call("-C", instance, "subscribe", "anna@example.org", "bela@example.org", "--welcome", "--json")
    assert [each["result"] for each in again.json] == ["already", "subscribed"]
    letters = call("-C", instance, "outbox", "list", "--json").json
    assert sorted(letter["to"] for letter in letters) == ["anna@example.org", "bela@example.org"]
    assert all("Welcome" in letter["subject"] for letter in letters)


def test_relays_words_cannot_drive_the_terminal_J13(instance: Path) -> None:
    subscribe(instance, "anna")
    with RelayThread(Manners(), faults.refuses_rcpt("anna", "550 5.1.1 \x1b[2Jgone")) as relay:
        use_relay(instance, relay.port)
        found = send(instance, "--yes")
    assert found.status == 3
    assert "gone" in found.out
    assert "\x1b" not in found.said


def test_person_on_five_lists_J5_gets_one_letter_of_each(instance: Path) -> None:
    for number in range(5):
        assert call("-C", instance, "lists", "add", f"l{number}", "--name", f"List {number}").status == 0
        assert call("-C", instance, "subscribe", "anna@example.org", "--list", f"l{number}").status == 0
    for number in range(5):
        assert send(instance, "--yes", "--list", f"l{number}", "--json").json["counts"]["accepted"] == 1
    assert in_outbox(instance) == 5


def test_watching_dispatcher_starts_what_is_due_and_obeys_pause_and_resume(instance: Path) -> None:
    subscribe(instance, *(f"r{number}" for number in range(30)))
    with RelayThread(Manners(), faults.answers_late("dot", 0.1)) as relay:
        use_relay(instance, relay.port)
        process = _started(instance, "dispatch", "--watch")
        try:
            soon = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 1))
            assert send(instance, "--at", soon, "--yes").status == 0
            _wait(relay, 3)
            assert call("-C", instance, "mailings", "pause", "newsletter/84").status == 0
            time.sleep(1)
            taken = len(relay.accepted)
            time.sleep(0.5)
            assert len(relay.accepted) == taken < 30
            relay.behave()
            assert call("-C", instance, "mailings", "resume", "newsletter/84").status == 0
            _wait(relay, taken + 1)
            _wait(relay, 30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.communicate()
    assert len({taken.recipient for taken in relay.accepted}) == len(relay.accepted) == 30
