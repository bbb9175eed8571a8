"""What Postfix asks others: a greylist by its policy protocol, and passwords by Dovecot's auth protocol.

Both are threads of the test's process on ports of 127.0.0.1, so that a test can say what they answer next. Sources:
Postfix's SMTPD_POLICY_README; Dovecot's "Authentication Protocol v1.1".
"""

import base64
import socketserver
import threading
from typing import cast

from tests.support.servers.relay_settings import LOGIN, USER

GREYLISTED = "defer_if_permit 4.2.0 Greylisted, see http://greylist.example.org"


class _Lines(socketserver.ThreadingTCPServer):
    """A server of a line protocol whose connections are `serve`d in threads."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def serve(self, connection: "_Connection") -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        cast(_Lines, self.server).serve(self)

    def say(self, text: str) -> None:
        self.wfile.write(text.encode())


class PolicyServer(_Lines):
    """A greylist: each recipient's first try gets `answer`, later ones pass unless it is `for_good`."""

    def __init__(self) -> None:
        self.forget()
        super().__init__()

    def forget(self) -> None:
        self.answer = GREYLISTED
        self.for_good = False
        self.seen: set[str] = set()

    def serve(self, connection: _Connection) -> None:
        asked: dict[str, str] = {}
        for raw in connection.rfile:
            name, equals, value = raw.decode().rstrip("\n").partition("=")
            if equals:
                asked[name] = value
                continue
            recipient = asked.get("recipient", "")
            connection.say(f"action={'dunno' if recipient in self.seen and not self.for_good else self.answer}\n\n")
            self.seen.add(recipient)
            asked = {}


class LoginServer(_Lines):
    """Knows one user and the password, and lets them in so many times as are `allowed`; counts both."""

    def __init__(self) -> None:
        self.forget()
        super().__init__()

    def forget(self) -> None:
        self.asked = self.logins = 0
        self.allowed = 1_000_000

    def serve(self, connection: _Connection) -> None:
        connection.say("VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\nDONE\n")
        for raw in connection.rfile:
            word, *fields = raw.decode().rstrip("\n").split("\t")
            if word == "AUTH":
                [response] = [field[5:] for field in fields if field.startswith("resp=")]
                right = base64.b64decode(response).decode() == f"\0{USER}\0{LOGIN}"
                lets_in = right and self.logins < self.allowed
                self.asked += 1
                self.logins += lets_in
                connection.say(f"{'OK' if lets_in else 'FAIL'}\t{fields[0]}\tuser={USER}\n")
