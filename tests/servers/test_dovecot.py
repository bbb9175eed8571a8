"""Reading a real mailbox: Dovecot over TLS, with XOAUTH2 and IDLE, its numbering begun anew, and kill -9 anywhere."""

import http.server
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from imapclient import IMAPClient

from tests.support.command import process
from tests.support.instance import Instance
from tests.support.servers import daemon
from tests.support.servers.daemon import Missing
from tests.support.servers.dovecot import PASSWORD, Dovecot

MANY = 120


def letter(number: int) -> bytes:
    return (
        f"From: ada{number}@example.net\r\nTo: office@balint.example.org\r\nSubject: Letter {number}\r\n"
        f"Message-ID: <{number}@example.net>\r\n\r\nDear Secretary, this is letter {number}.\r\n"
    ).encode()


class Provider:
    """Gives tokens as Microsoft does and tells Dovecot whose they are."""

    def __init__(self) -> None:
        self.refreshed: list[str] = []
        self.valid = "at-0"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                answer: dict[str, object]
                if self.path == "/token":
                    outer.refreshed.append(form["refresh_token"][0])
                    outer.valid = f"at-{len(outer.refreshed)}"
                    renewed = f"rt-{len(outer.refreshed)}"
                    answer = {"access_token": outer.valid, "expires_in": 3600, "refresh_token": renewed}
                else:
                    answer = {"active": form.get("token") == [outer.valid], "username": "office"}
                raw = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.close()


@pytest.fixture(scope="module")
def dovecot(provider: Provider) -> Iterator[Dovecot]:
    try:
        found = Dovecot(introspection=f"{provider.url}/introspect")
    except Missing as missing:
        pytest.skip(str(missing))
    yield found
    found.stop()


class Office:
    """An instance whose mailbox is a user of Dovecot's of its own."""

    def __init__(self, instance: Instance, dovecot: Dovecot, user: str) -> None:
        self.instance, self.dovecot, self.user = instance, dovecot, user
        self._before = (instance.folder / "balintmail.toml").read_text("utf-8")
        dovecot.maildir(user)

    def use(self, port: int | None = None, security: str = "tls", **more: object) -> None:
        values = {
            "host": "localhost",
            "port": port or self.dovecot.tls,
            "security": security,
            "username": self.user,
            "ca_file": str(self.dovecot.ca_file),
        } | more
        lines = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
        toml = self.instance.folder / "balintmail.toml"
        toml.write_text(f"{self._before}\n[inbox.office]\n{lines}", "utf-8")
        toml.chmod(0o600)
        secrets = self.instance.folder / "secrets.toml"
        if "inbox.office" not in secrets.read_text("utf-8"):
            with secrets.open("a", encoding="utf-8") as file:
                file.write(f'\n[inbox.office]\npassword = "{PASSWORD}"\n')

    def drop(self, *numbers: int) -> None:
        for number in numbers:
            self.dovecot.drop(self.user, letter(number), f"{number}.example")

    def rows(self) -> list[tuple[str, bytes]]:
        """Return state and octets of all that is stored."""
        with closing(sqlite3.connect(self.instance.folder / "balintmail.db")) as database:
            return list(database.execute("SELECT state, raw FROM inbound_messages ORDER BY id"))

    def stored(self) -> list[bytes]:
        return sorted(raw for _, raw in self.rows())

    def flags(self, folder: str = "INBOX") -> list[set[bytes]]:
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            uids = client.search()
            return [set(found[b"FLAGS"]) - {b"\\Recent"} for found in client.fetch(uids, ["FLAGS"]).values()]

    def client(self) -> IMAPClient:
        client = IMAPClient("127.0.0.1", self.dovecot.plain, ssl=False)
        client.login(self.user, PASSWORD)
        return client

    def begin(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a command as a process of its own."""
        words = [sys.executable, "-m", "balintmail", "-C", str(self.instance.folder), *args]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.fixture
def office(instance: Instance, dovecot: Dovecot, request: pytest.FixtureRequest) -> Office:
    found = Office(instance, dovecot, f"u{abs(hash(request.node.name)) % 10**9}-{os.getpid()}")
    found.use()
    return found


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_mailbox_is_read_over_every_kind_of_connection(office: Office, security: str) -> None:
    office.use(office.dovecot.tls if security == "tls" else office.dovecot.plain, security)
    office.drop(1, 2)
    done = office.instance("inbox", "fetch", "--json")
    assert done.status == 0, done.said
    assert done.json["mailboxes"] == [{"mailbox": "office", "folder": "INBOX", "stored": 2, "error": ""}]
    assert done.json["read"] == 2
    assert office.stored() == sorted([letter(1), letter(2)])
    assert office.flags() == [{b"\\Seen"}] * 2
    assert office.instance("inbox", "fetch", "--json").json["mailboxes"][0]["stored"] == 0


def test_certificate_that_nobody_vouches_for_gets_no_password(office: Office) -> None:
    office.use(ca_file="")
    done = office.instance("inbox", "fetch")
    assert done.status == 1
    assert "no safe connection" in done.out
    assert PASSWORD not in done.said
    assert f"user=<{office.user}>" not in office.dovecot.words()


@pytest.mark.parametrize("folder", ['a "quoted" folder', "Rückläufer & co", "返信/二", "back\\slash"])
def test_folder_of_any_name_is_read_and_moved_from_H33(office: Office, folder: str) -> None:
    with office.client() as client:
        client.create_folder(folder)
        client.append(folder, letter(1))
    office.use(folder=[folder], after="move", move_to=f"{folder} – done")
    done = office.instance("inbox", "fetch")
    assert done.status == 0, done.said
    assert office.stored() == [letter(1)]
    assert office.flags(folder) == []
    assert office.flags(f"{folder} – done") == [{b"\\Seen"}]


def test_delete_takes_ours_and_leaves_what_another_program_flagged(office: Office) -> None:
    office.use(after="delete")
    office.drop(1)
    assert office.instance("inbox", "fetch").status == 0
    office.drop(2)
    with office.client() as client:
        client.select_folder("INBOX")
        client.add_flags(client.search(), [b"\\Deleted"])
    office.use(after="keep")
    assert office.instance("inbox", "fetch").status == 0
    office.use(after="delete")
    office.drop(3)
    assert office.instance("inbox", "fetch").status == 0
    assert office.flags() == [{b"\\Deleted"}]
    assert len(office.stored()) == 3


def test_numbering_begun_anew_stores_nothing_twice(office: Office) -> None:
    office.drop(1, 2, 3)
    office.instance("inbox", "fetch")
    with office.client() as client:
        before = client.select_folder("INBOX")[b"UIDVALIDITY"]
    for name in ("dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot-uidvalidity"):
        for file in office.dovecot.maildir(office.user).glob(f"{name}*"):
            file.unlink()
    daemon.until(lambda: time.time() > before + 1, "the clock stands")  # Dovecot takes the second as the number
    office.drop(4)
    with office.client() as client:
        assert client.select_folder("INBOX")[b"UIDVALIDITY"] != before
    assert office.instance("inbox", "fetch", "--json").json["mailboxes"][0]["stored"] == 1
    assert office.stored() == sorted(map(letter, (1, 2, 3, 4)))


def test_dispatch_reads_the_mailbox_too(office: Office) -> None:
    office.drop(1)
    done = office.instance("dispatch")
    assert (done.status, done.said) == (0, "")
    assert office.stored() == [letter(1)]


def test_doctor_opens_the_mailbox_and_changes_nothing(office: Office) -> None:
    office.drop(1)
    found = [one for one in office.instance("doctor", "--json").json["findings"] if one["code"] == "mailbox"]
    assert [one["level"] for one in found] == ["warn"]
    assert "was never read" in found[0]["message"]
    assert office.flags() == [set()]
    office.instance("inbox", "fetch")
    found = [one for one in office.instance("doctor", "--json").json["findings"] if one["code"] == "mailbox"]
    assert [one["level"] for one in found] == ["good"]


def test_access_tokens_are_renewed_and_one_that_is_stale_is_replaced(
    instance: Instance, dovecot: Dovecot, provider: Provider
) -> None:
    office = Office(instance, dovecot, "office")
    office.use(auth="xoauth2")
    with (instance.folder / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write(f'[inbox.office.oauth]\nclient_id = "id"\ntoken_url = "{provider.url}/token"\n')
    with (instance.folder / "secrets.toml").open("a", encoding="utf-8") as file:
        file.write('[inbox.office.oauth]\nrefresh_token = "rt-0"\n')
    office.drop(1)
    done = instance("inbox", "fetch")
    assert done.status == 0, done.said + dovecot.words()[-2000:]
    assert provider.refreshed == ["rt-0"]
    office.drop(2)
    assert instance("inbox", "fetch").status == 0
    assert provider.refreshed == ["rt-0"]  # the token lasts
    provider.valid = "withdrawn"
    office.drop(3)
    assert instance("inbox", "fetch").status == 0
    assert provider.refreshed == ["rt-0", "rt-1"]
    assert len(office.stored()) == 3
    assert (instance.folder / "oauth" / "office.json").stat().st_mode & 0o777 == 0o600


def test_watch_reads_what_comes_and_ends_well(office: Office) -> None:
    running = office.begin("inbox", "fetch", "--watch")
    try:
        daemon.until(lambda: f"imap({office.user})" in _processes_of(office) or office.rows(), "it does not log in")
        office.drop(1)
        daemon.until(lambda: len(office.rows()) == 1, "nothing is read")
        office.drop(2)
        daemon.until(lambda: len(office.rows()) == 2, "nothing more is read")
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 0, out
    assert b"1 read" in out


def _processes_of(office: Office) -> str:
    return office.dovecot.words().replace("user=<", "imap(").replace(">", ")")


class Gate:
    """A way to the server that stands still as soon as the client says a word."""

    def __init__(self, port: int, word: bytes) -> None:
        self.reached = threading.Event()
        self._word = word
        self._server_port = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._closed = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                threading.Thread(target=self._carry, args=(client, server, self._word), daemon=True).start()
                threading.Thread(target=self._carry, args=(server, client, b""), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, word: bytes) -> None:
        with suppress(OSError):
            while piece := source.recv(65536):
                if word and word in piece:
                    self.reached.set()
                    self._closed.wait(60)
                    return
                target.sendall(piece)

    def close(self) -> None:
        self._closed.set()
        self._listening.close()


@pytest.mark.parametrize(("after", "word"), [("seen", b"STORE"), ("move", b"MOVE"), ("delete", b"EXPUNGE")])
def test_kill_between_store_and_flag_loses_and_doubles_nothing(office: Office, after: str, word: bytes) -> None:
    gate = Gate(office.dovecot.plain, word)
    office.use(gate.port, "none", after=after, move_to="Done")
    office.drop(1, 2, 3)
    running = office.begin("inbox", "fetch")
    try:
        assert gate.reached.wait(60)
    finally:
        running.kill()
        running.communicate()
        gate.close()
    assert office.stored() == sorted(map(letter, (1, 2, 3)))
    if after == "seen":
        assert office.flags() == [set()] * 3
    office.use(after=after, move_to="Done")
    done = office.instance("inbox", "fetch", "--json")
    assert done.status == 0, done.said
    assert done.json["mailboxes"][0]["stored"] == 0
    assert done.json["read"] == 3
    assert len(office.rows()) == 3
    left = {"seen": [{b"\\Seen"}] * 3, "move": [], "delete": []}[after]
    assert office.flags() == left


def test_kill_at_any_moment_loses_and_doubles_nothing(office: Office) -> None:
    office.use(after="move", move_to="Done")
    office.drop(*range(MANY))
    chance = random.Random(6)
    for _ in range(5):
        running = office.begin("inbox", "fetch")
        with suppress(subprocess.TimeoutExpired):
            running.wait(chance.uniform(0.3, 2.0))
        running.kill()
        running.communicate()
    done = process("-C", office.instance.folder, "inbox", "fetch", "--json")
    assert done.status == 0, done.said
    assert office.stored() == sorted(map(letter, range(MANY)))
    assert {state for state, _ in office.rows()} == {"waiting"}
    assert office.flags() == []
    assert len(office.flags("Done")) == MANY
    assert process("-C", office.instance.folder, "inbox", "fetch", "--json").json["read"] == 0


def test_folder_of_the_instance_keeps_nothing_readable_by_others(office: Office) -> None:
    office.drop(1)
    office.instance("inbox", "fetch")
    readable = [
        file for file in Path(office.instance.folder).rglob("*") if file.is_file() and file.stat().st_mode & 0o077
    ]
    assert [file.name for file in readable if file.suffix in {".lock", ".db", ".json"} or "inbox" in file.name] == []
