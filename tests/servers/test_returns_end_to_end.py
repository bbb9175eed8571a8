"""The proof of what comes back: 2,000 letters through real servers, real reports over IMAP, the register exact.

A hundred readers do not exist, fifty have no room, twenty are away, ten complain, ten leave by mail. What came back
lies in one real mailbox, which each test reads into a copy of the society as it was after the send: straight through,
twice, with the mailbox's memory gone, and killed on the way (H19-H21, S6, S18, S21, S36, S40, S41, P3).
"""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call, founded
from tests.support.instance import Instance
from tests.support.servers import daemon, townspeople
from tests.support.servers.dovecot import PASSWORD
from tests.support.servers.town import BOUNCES, Town
from tests.support.servers.townspeople import people

pytestmark = pytest.mark.timeout(600)

REPORTED = 100 + 50 + 20 + 10 + 10
SETTINGS = """
[bounces]
address = "{bounces}"
style = "{style}"

[inbox.returns]
host = "localhost"
port = {port}
security = "tls"
ca_file = "{ca_file}"
username = "{bounces}"
after = "keep"
"""
# What of the register must be the same whichever way the reports were read; no moments, no row numbers.
_SNAPSHOT = {
    "addresses": "SELECT key, health, trouble, bounced_at IS NOT NULL FROM addresses",
    "suppressions": "SELECT address_key, reason FROM suppressions",
    "subscriptions": (
        "SELECT a.key, s.state, s.ground FROM subscriptions s JOIN person_addresses p ON p.person_id = s.person_id "
        "JOIN addresses a ON a.id = p.address_id"
    ),
    "deliveries": (
        "SELECT d.address_key, d.state, d.bounced_at IS NOT NULL, d.complained_at IS NOT NULL FROM deliveries d "
        "JOIN mailings m ON m.id = d.mailing_id WHERE m.number = '84'"
    ),
    "events": "SELECT address_key, sentence, reason, proven, weight, outcome FROM return_events",
    "messages": "SELECT hex(digest), state, kind, robot, remark, sender, subject FROM inbound_messages",
    "consent": "SELECT person_id, action, list_id, how FROM consent_events",
    "waiting": "SELECT template, address_key, key FROM notices",
}
_AT_DOVECOT = ("gone1", "gone2", "full1", "leave1", "reader1")  # the few of the other styles
_AT_EXIM = ("gone1", "gone2", "full1", "away1", "reader1")
_SUPPRESSED = (("gone", "bounced"), ("spam", "complaint"))
Snapshot = dict[str, Counter[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class Sent:
    """The town after the send, with everything that came back in the mailbox; `folder` is the society before it."""

    town: Town
    folder: Path
    returned: int


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    try:
        town = Town(townspeople.housed())
    except daemon.Missing as missing:
        pytest.skip(str(missing))
    try:
        yield _send(town, Instance(tmp_path_factory.mktemp("society") / "i"))
    finally:
        town.stop()


def _send(town: Town, instance: Instance) -> Sent:
    founded(instance.folder, "--url", "https://balint.example.org")
    sheet = instance.folder / "readers.csv"
    sheet.write_text("address\n" + "".join(f"{one}\n" for one in townspeople.everybody()), "ascii")
    consent = ("--list", "newsletter", "--consent", "Yes, send me the newsletter.", "--collected", "2026-01-15")
    assert instance("people", "import", sheet, *consent, "--yes", "--json").json["new"] == 2000
    instance.use_relay(town.port, "max_connections = 8\n")
    _read_over_imap(instance, town)
    instance.write()
    found = instance.send("--yes")
    assert found.status == 0, found.said
    town.until_quiet()
    returned = REPORTED - 30  # Postfix, Dovecot and Exim have written theirs
    assert len(town.letters_of(BOUNCES)) == returned
    returned += townspeople.answer(town)
    for forged in townspeople.forgeries():
        town.submit("", BOUNCES, forged)
        returned += 1
    town.until_quiet()
    assert len(town.letters_of(BOUNCES)) == returned == REPORTED + 4
    with _database(instance) as database:  # whose fate nobody knew before their reports came (P3)
        doubtful = [people("gone")[0], people("full")[0], people("spam")[0]]
        for reader in doubtful:
            database.execute("UPDATE deliveries SET state = 'unknown' WHERE address_key = ?", (reader,))
        database.execute("UPDATE mailings SET state = 'sending', finished_at = NULL WHERE number = '84'")
    return Sent(town, instance.folder, returned)


def _read_over_imap(instance: Instance, town: Town, *, style: str = "plus") -> None:
    values = {"bounces": BOUNCES, "port": town.mailboxes.tls, "ca_file": town.mailboxes.ca_file, "style": style}
    with (instance.folder / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write(SETTINGS.format(**values))
    with (instance.folder / "secrets.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[inbox.returns]\npassword = "{PASSWORD}"\n')


@contextlib.contextmanager
def _database(instance: Instance) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(instance.folder / "balintmail.db", timeout=30)) as database, database:
        yield database


@pytest.fixture
def instance(sent: Sent, tmp_path: Path) -> Instance:
    """The society after the send, before anything was read."""
    folder = tmp_path / "i"
    shutil.copytree(sent.folder, folder)
    return Instance(folder)


@pytest.fixture(scope="module")
def straight(sent: Sent, tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """The society after it has read its mailbox once, undisturbed."""
    folder = tmp_path_factory.mktemp("straight") / "i"
    shutil.copytree(sent.folder, folder)
    found = Instance(folder)
    read = found("inbox", "fetch", "--json")
    assert read.status == 0, read.said
    assert read.json["mailboxes"] == [{"mailbox": "returns", "folder": "INBOX", "stored": sent.returned, "error": ""}]
    assert (read.json["read"], read.json["set_aside"]) == (sent.returned, 0)
    return found


def snapshot(instance: Instance) -> Snapshot:
    """Return the register's state as the reports have left it."""
    with _database(instance) as database:
        return {name: Counter(database.execute(query).fetchall()) for name, query in _SNAPSHOT.items()}


def test_register_ends_in_exactly_the_right_state_S18_S36(straight: Instance) -> None:
    found = snapshot(straight)
    bounced, complained = ({(one, reason) for one in people(kind)} for kind, reason in _SUPPRESSED)
    assert found["suppressions"].keys() == bounced | complained
    left = {*people("spam"), *people("leave")}
    assert {key for key, state, _ in found["subscriptions"] if state != "subscribed"} == left
    assert {state for key, state, _ in found["subscriptions"] if key in left} == {"unsubscribed"}
    assert sum(found["subscriptions"].values()) == len(townspeople.everybody()) == 2000
    assert {key for key, health, trouble, _ in found["addresses"] if health != "ok"} <= {*people("gone")}
    failed = {*people("gone"), *people("full")}
    assert {key for key, _, bounced, _ in found["deliveries"] if bounced} == failed
    assert {key for key, *_, complained in found["deliveries"] if complained} == {*people("spam")}
    assert Counter(state for _, state, _, _ in found["deliveries"].elements()) == {"accepted": 2000}


def test_each_report_names_whom_it_is_about_and_why_S36_S40(straight: Instance) -> None:
    proven = {row[0]: row[1:3] for row in snapshot(straight)["events"] if row[3]}
    assert proven == {
        **dict.fromkeys(people("gone"), ("hard", "no_such_user")),
        **dict.fromkeys(people("full"), ("soft", "mailbox_full")),
        **dict.fromkeys(people("spam"), ("complaint", "spam_block")),
    }


def test_machines_and_forgeries_change_nothing_and_are_on_record_S41_H19(straight: Instance) -> None:
    found = snapshot(straight)
    kinds = Counter(kind for _, _, kind, *_ in found["messages"].elements())
    assert kinds == {"bounce": 152, "auto_reply": 20, "complaint": 11, "command": 11}
    assert not any(state in {"new", "set_aside"} for _, state, *_ in found["messages"])
    unproven = {row[0] for row in found["events"] if not row[3]}
    assert unproven <= {f"reader1@{townspeople.ALPHA}"}
    said = straight("people", "show", f"reader1@{townspeople.ALPHA}", "--json").json
    assert said["addresses"][0]["state"] == "ok"
    assert said["lists"] == {"newsletter": "subscribed"}


def test_dead_address_is_explained_with_the_report_one_step_away(straight: Instance) -> None:
    for reader in (people("gone")[0], people("gone")[-1]):  # by Postfix, by Exim
        [one] = straight("inbox", "list", "--all", "--person", reader, "--json").json
        assert (one["kind"], one["state"]) == ("bounce", "done")
        assert f"message {one['id']}" in straight("people", "show", reader).out
        raw = straight("inbox", "show", str(one["id"]), "--raw").out
        assert reader in raw
        assert "Action: failed" in raw


def test_reading_the_mailbox_twice_changes_nothing(straight: Instance) -> None:
    before = snapshot(straight)
    again = straight("inbox", "fetch", "--json")
    assert again.status == 0, again.said
    assert (again.json["mailboxes"][0]["stored"], again.json["read"]) == (0, 0)
    assert snapshot(straight) == before


def test_mailbox_that_is_read_from_its_beginning_again_changes_nothing(straight: Instance) -> None:
    before = snapshot(straight)
    with _database(straight) as database:
        database.execute("DELETE FROM mailboxes")
    assert straight("inbox", "fetch", "--json").json["mailboxes"][0]["stored"] == 0
    with _database(straight) as database:  # every message is new to a society that restored an older backup
        database.execute("UPDATE mailboxes SET uidvalidity = 1")
    assert straight("inbox", "fetch", "--json").json["mailboxes"][0]["stored"] == 0
    assert snapshot(straight) == before


def test_kill_in_the_middle_loses_nothing_and_does_nothing_twice(
    sent: Sent, straight: Instance, instance: Instance
) -> None:
    stored = "SELECT count(*) FROM inbound_messages"
    done = f"{stored} WHERE state != 'new'"
    kills = 0
    for counted, enough in ((stored, 1), (stored, 40), (stored, 150), (done, 1), (done, 61), (done, 140)):
        kills += _killed_at(instance, counted, enough)
    assert kills >= 3
    with _database(instance) as database:
        assert database.execute(done).fetchone()[0] < sent.returned
    finished = instance("inbox", "fetch", "--json")
    assert finished.status == 0, finished.said
    assert snapshot(instance) == snapshot(straight)


def _killed_at(instance: Instance, counted: str, enough: int) -> bool:
    """Read the mailbox and die by SIGKILL once so much was done; False where it was done before that."""
    words = [sys.executable, "-m", "balintmail", "-C", str(instance.folder), "inbox", "fetch"]
    clean = {"PATH": os.environ.get("PATH", ""), "HOME": "/nonexistent", "LANG": "C.UTF-8"}
    reading = subprocess.Popen(words, env=clean, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    uri = f"file:{instance.folder / 'balintmail.db'}?mode=ro"
    with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as database:
        while reading.poll() is None:
            if database.execute(counted).fetchone()[0] >= enough:
                reading.send_signal(signal.SIGKILL)
                break
            time.sleep(0.002)
    return reading.wait() == -signal.SIGKILL


@pytest.mark.parametrize("style", ["plain", "catchall"])
def test_reports_find_their_letter_in_the_other_styles_too_S18(sent: Sent, tmp_path: Path, style: str) -> None:
    readers = [
        *(f"{one}@{townspeople.BETA}" for one in _AT_DOVECOT),
        *(f"{one}@{townspeople.DELTA}" for one in _AT_EXIM),
    ]
    instance = Instance(tmp_path / "i")
    # A copy of the other society would know its tokens.
    assert call("init", instance.folder, *SOCIETY, "--url", "https://balint.example.org").status == 0
    assert instance("subscribe", *readers).status == 0
    instance.use_relay(sent.town.port)
    _read_over_imap(instance, sent.town, style=style)
    instance.write()
    assert instance.send("--yes").status == 0
    sent.town.until_quiet()
    letter = sent.town.letters_of(f"leave1@{townspeople.BETA}")[-1]
    to, subject = townspeople.mailto(letter)
    sent.town.submit("x@example.net", to, f"From: x@example.net\nTo: {to}\nSubject: {subject}\n\n".encode())
    sent.town.until_quiet()
    # The mailbox is full of the other society's reports, whose tokens are none of this one's.
    assert instance("inbox", "fetch").status == 0
    found = snapshot(instance)
    gone = {one for one in readers if one.startswith("gone")}
    full = {one for one in readers if one.startswith("full")}
    assert found["suppressions"].keys() == {(one, "bounced") for one in gone}
    assert {key for key, _, bounced, _ in found["deliveries"] if bounced} == gone | full
    left = {key for key, state, _ in found["subscriptions"] if state != "subscribed"}
    assert left == {f"leave1@{townspeople.BETA}"}
