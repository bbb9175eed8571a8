"""A small IMAP server for tests, honest unless a test gives it a vice: lying sizes, BYE mid-fetch, endless chatter.

It keeps its messages in memory and serves each connection in a thread. What it was told is kept in `heard`. It is no
model of a good server: tests/support/servers/dovecot.py starts one.
"""

import base64
import contextlib
import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_LITERAL = re.compile(rb"\{(\d+)\+?\}$")
Vice = Callable[["Talk", int], bool]  # of one FETCH of one message: True when it has said all there is to say


@dataclass
class Letter:
    """One message of a folder."""

    raw: bytes
    flags: set[str] = field(default_factory=set)
    size: int | None = None  # what it is said to have
    day: str = "21-Nov-2026 18:04:00 +0000"


@dataclass
class Box:
    """One folder: its messages by UID."""

    validity: int = 1
    letters: dict[int, Letter] = field(default_factory=dict)
    next_uid: int = 1

    def add(self, raw: bytes, **more: Any) -> int:
        """Put a message in; return its UID."""
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.letters[uid] = Letter(raw, **more)
        return uid

    def renumber(self, validity: int) -> None:
        """Give every message a new UID, as a server does that was restored or moved."""
        self.letters = dict(enumerate(self.letters.values(), start=1))
        self.next_uid, self.validity = len(self.letters) + 1, validity


class ImapServer:
    """The server, on a free port of loopback; made for a `with` block."""

    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {"INBOX": Box()}
        self.heard: list[str] = []
        self.capabilities = "IMAP4rev1 UIDPLUS MOVE IDLE AUTH=PLAIN AUTH=XOAUTH2"
        self.password = "secret"
        self.token = "token-1"
        self.vices: dict[int, Vice] = {}  # by UID, of the folder's FETCHes
        self.before: Callable[[Talk, str], bool] = lambda talk, command: False  # of every command; True: answered
        self.answers: dict[str, str] = {}  # what is said to a command in place of doing it
        self.greeting = "* OK ready"
        self.readonly: set[str] = set()
        self.news = threading.Event()  # what sits in IDLE is told when it is set
        self.idling = threading.Event()
        self.says_next_uid = True
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError, _Gone):
                    Talk(outer, self.rfile, self.wfile, self.request).serve()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def inbox(self) -> Box:
        return self.boxes["INBOX"]

    def commands(self, name: str) -> list[str]:
        """Return what was heard of one command."""
        return [line for line in self.heard if line.startswith(name)]

    def __enter__(self) -> "ImapServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.news.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


class _Gone(Exception):
    """The connection is over."""


class Talk:
    """One connection."""

    def __init__(self, server: ImapServer, source: Any, target: Any, connection: socket.socket) -> None:
        self.server = server
        self.box: Box | None = None
        self._source, self._target, self._connection = source, target, connection

    def say(self, line: str | bytes) -> None:
        """Send one line."""
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def send(self, octets: bytes) -> None:
        """Send octets as they are."""
        self._target.write(octets)
        self._target.flush()

    def hang_up(self) -> None:
        """End the connection at once."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        raise _Gone

    def serve(self) -> None:
        """Answer until the client goes."""
        self.say(self.server.greeting)
        while True:
            tag, _, rest = self._line().partition(" ")
            words = rest.split(" ", 1)
            command, argument = words[0].upper(), words[1] if len(words) > 1 else ""
            if command == "UID":
                second, _, argument = argument.partition(" ")
                command = f"UID {second.upper()}"
            self.server.heard.append(f"{command} {argument}".strip())
            if self.server.before(self, command):
                continue
            if command in self.server.answers:
                self.say(f"{tag} {self.server.answers[command]}")
                continue
            answer = getattr(self, f"_{command.lower().replace(' ', '_')}", None)
            if answer is None:
                self.say(f"{tag} BAD what is {command}")
                continue
            said = answer(argument)
            self.say(f"{tag} {said or 'OK done'}")
            if command == "LOGOUT":
                return

    def _line(self) -> str:
        text = b""
        while True:
            line: bytes = self._source.readline()
            if not line:
                raise _Gone
            text += line.rstrip(b"\r\n")
            found = _LITERAL.search(text)
            if found is None:
                return text.decode("utf-8", "surrogateescape")
            self.say("+ go on")
            text = text[: found.start()] + self._source.read(int(found[1]))

    def _capability(self, _: str) -> None:
        self.say(f"* CAPABILITY {self.server.capabilities}")

    def _login(self, argument: str) -> str:
        return "OK in" if self.server.password in argument else "NO [AUTHENTICATIONFAILED] who are you"

    def _authenticate(self, argument: str) -> str:
        mechanism = argument.partition(" ")[0].upper()
        self.say("+ ")
        answer = base64.b64decode(self._line()).decode()
        if mechanism == "PLAIN":
            return "OK in" if answer.split("\0")[2] == self.server.password else "NO [AUTHENTICATIONFAILED] no"
        if f"auth=Bearer {self.server.token}\1\1" in answer:
            return "OK in"
        self.say("+ " + base64.b64encode(b'{"status":"401","schemes":"bearer"}').decode())
        self._line()
        return "NO [AUTHENTICATIONFAILED] SASL authentication failed"

    def _select(self, argument: str) -> str:
        name = argument[1:-1].replace('\\"', '"').replace("\\\\", "\\") if argument.startswith('"') else argument
        box = self.box = self.server.boxes.get(name)
        if box is None:
            return "NO [NONEXISTENT] no such folder"
        self.say(f"* {len(box.letters)} EXISTS")
        self.say("* 0 RECENT")
        self.say(f"* OK [UIDVALIDITY {box.validity}] valid")
        if self.server.says_next_uid:
            self.say(f"* OK [UIDNEXT {box.next_uid}] next")
        return "OK [READ-ONLY] in" if name in self.server.readonly else "OK [READ-WRITE] in"

    def _examine(self, argument: str) -> str:
        self._select(argument)
        return "OK [READ-ONLY] in" if self.box is not None else "NO no such folder"

    def _uid_search(self, argument: str) -> None:
        found = re.search(r"UID (\d+):\*", argument)
        letters = self._open.letters
        first = int(found[1]) if found else 1
        uids = [uid for uid in letters if uid >= min(first, max(letters, default=0))]
        self.say("* SEARCH " + " ".join(map(str, uids)))

    @property
    def _open(self) -> Box:
        if self.box is None:
            raise _Gone
        return self.box

    def _named(self, text: str) -> Iterator[tuple[int, int, Letter]]:
        """Yield sequence number, UID and message of a set of UIDs."""
        wanted: set[int] = set()
        for part in text.split(","):
            first, _, last = part.partition(":")
            wanted.update(range(int(first), int(last or first) + 1))
        for number, (uid, letter) in enumerate(list(self._open.letters.items()), start=1):
            if uid in wanted:
                yield number, uid, letter

    def _uid_fetch(self, argument: str) -> None:
        uids, _, what = argument.partition(" ")
        for number, uid, letter in self._named(uids):
            if "BODY" not in what:
                size = len(letter.raw) if letter.size is None else letter.size
                self.say(f'* {number} FETCH (UID {uid} RFC822.SIZE {size} INTERNALDATE "{letter.day}")')
                continue
            if uid in self.server.vices and self.server.vices[uid](self, uid):
                continue
            part = re.search(r"<0\.(\d+)>", what)
            raw = letter.raw[: int(part[1])] if part else letter.raw
            self.give(number, uid, raw, "BODY[]<0>" if part else "BODY[]")

    def give(self, number: int, uid: int, raw: bytes, key: str = "BODY[]", *, said: int | None = None) -> None:
        """Send a message; `said` is the size announced."""
        size = len(raw) if said is None else said
        self.send(f"* {number} FETCH (UID {uid} {key} {{{size}}}\r\n".encode() + raw)
        self.say(")")

    def _uid_store(self, argument: str) -> None:
        uids, _, what = argument.partition(" ")
        for _number, _uid, letter in self._named(uids):
            letter.flags.update(re.findall(r"\\\w+", what))

    def _uid_copy(self, argument: str) -> str:
        uids, _, name = argument.partition(" ")
        target = self.server.boxes.get(name.strip('"'))
        if target is None:
            return "NO [TRYCREATE] no such folder"
        for _number, _uid, letter in list(self._named(uids)):
            target.add(letter.raw)
        return "OK copied"

    def _uid_move(self, argument: str) -> str:
        said = self._uid_copy(argument)
        if said.startswith("OK"):
            for _number, uid, _letter in list(self._named(argument.partition(" ")[0])):
                del self._open.letters[uid]
        return said

    def _uid_expunge(self, argument: str) -> None:
        for _number, uid, letter in list(self._named(argument)):
            if "\\Deleted" in letter.flags:
                del self._open.letters[uid]

    def _create(self, argument: str) -> str:
        self.server.boxes[argument.strip('"')] = Box()
        return "OK made"

    def _idle(self, _: str) -> str:
        self.say("+ idling")
        self.server.idling.set()
        self._connection.settimeout(0.02)
        while True:
            if self.server.news.is_set():
                self.server.news.clear()
                self._connection.settimeout(None)
                self.say(f"* {len(self._open.letters)} EXISTS")
            try:
                piece = self._connection.recv(100, socket.MSG_PEEK)
            except TimeoutError:
                continue
            if not piece:
                raise _Gone
            self._connection.settimeout(None)
            if self._line().upper() == "DONE":
                return "OK idle ended"

    def _noop(self, _: str) -> None:
        return None

    def _logout(self, _: str) -> None:
        self.say("* BYE see you")
