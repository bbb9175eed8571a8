"""The society of the year, behind its public doors: commands, pages in a browser, mail by SMTP and IMAP.

Commands and pages run in this process, on the clock of the year; Postfix and Dovecot carry and keep the mail.
"""

import email
import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, TypeVar

from balintmail import wiring
from balintmail.web.app import make_app
from balintmail.web.server import listen, server
from balintmail.web.site import ACTOR
from tests.support.command import Finished, call
from tests.support.servers.dovecot import PASSWORD
from tests.support.servers.town import BOUNCES, Town
from tests.support.year.browser import Browser
from tests.support.year.clock import YearClock

T = TypeVar("T")
_HEADS = BytesHeaderParser(policy=policy.default)
PATIENCE = 300.0  # seconds for a letter, on a machine that has other things to do
_LOOK = 0.04  # seconds between looks at the queues
SECRETARY = "rose.ormond@alpha.example.org"
SETTINGS = """
[bounces]
address = "{bounces}"
style = "plus"

[relays.main]
host = "127.0.0.1"
port = {relay}
security = "none"
max_connections = 4

[inbox.returns]
host = "localhost"
port = {imap}
security = "tls"
ca_file = "{ca_file}"
username = "{bounces}"

[members]
grace = "60d"
reminders = [-14, 14]
round_reminder = "60d"
pay_to = "The Example Balint Society, 12-34-56 01234567"

[papers]
decide_within = "60d"

[orders]
pay = "The Example Balint Society, 12-34-56 01234567"

[orders.postage.home]
countries = ["GB"]
first = "2.50"
more = "1.00"
"""


class Parish:
    """The society: `parish("people", "list")` is a command, `visit` a page, `letters` what somebody has got."""

    def __init__(self, folder: Path, clock: YearClock, town: Town, browser: Browser, database: str = "") -> None:
        self.folder, self.clock, self.town, self.browser = folder, clock, town, browser
        self._socket = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        said = ["--yes", "--society", "The Example Balint Society", "--url", self.url]
        said += ["--secretary-name", "Rose Ormond", "--secretary-address", SECRETARY]
        said += ["--postal-address", "1 Example Street, London EC1A 1BB"]
        done = call("init", folder, *said, *(["--database", database] if database else []))
        assert done.status == 0, done.said
        values = {"bounces": BOUNCES, "relay": town.port, "imap": town.mailboxes.tls, "ca_file": town.mailboxes.ca_file}
        with (folder / "balintmail.toml").open("a", encoding="utf-8") as file:
            file.write(SETTINGS.format(**values))
        with (folder / "secrets.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[inbox.returns]\npassword = "{PASSWORD}"\n')
        self._serve()

    def _serve(self) -> None:
        self._instance = wiring.open_instance(self.folder, clock=self.clock)
        self._server = server(make_app(self._instance.context(actor=ACTOR)))
        run = lambda: self._server.run(sockets=[self._socket])  # noqa: E731
        self._thread = threading.Thread(target=run, name="pages", daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the pages are not served"
            time.sleep(0.01)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()
        self._instance.close()

    # Doors

    def __call__(self, *words: str | Path, status: int = 0) -> Finished:
        """Run a command that ends with `status`."""
        done = call("-C", self.folder, *words)
        assert done.status == status, f"{' '.join(map(str, words))}: {done.said}"
        return done

    def json(self, *words: str | Path) -> Any:
        """Return what a command prints as JSON."""
        return self(*words, "--json").json

    def visit(self, path: str, work: Callable[[Any], T]) -> T:
        """Do something on a page, after a while in which it was read."""

        def opened(page: Any) -> T:
            page.goto(path if path.startswith("http") else self.url + path)
            self.clock.forward(timedelta(seconds=40))
            return work(page)

        return self.browser.visit(opened)

    def file(self, name: str, content: str | bytes) -> Path:
        """Write a file of the Secretary's."""
        path = self.folder.parent / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    # Time and mail

    def dispatch(self, times: int = 1) -> None:
        """Let a minute pass, cron come by, and every letter arrive."""
        for _ in range(times):
            self.clock.forward(timedelta(minutes=1))
            self("dispatch")
            self.arrived()

    def until(self, year: int, month: int, day: int) -> None:
        """Let that morning come, with what it brings."""
        self.clock.until(year, month, day)
        self.dispatch()

    def mail(self, sender: str, to: str, subject: str, text: str = "") -> None:
        """Let somebody write a mail, and cron read it."""
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = sender, to, subject
        letter["Message-ID"] = f"<{self.clock.now():%Y%m%d%H%M%S%f}@example.net>"
        letter.set_content(text or "\n")
        self.town.submit(sender, to, letter.as_bytes(policy=policy.SMTP))
        self.arrived()
        self.dispatch()

    def letters(self, to: str, subject: str = "") -> list[Any]:
        """Return the letters in somebody's mailbox whose subject holds that."""
        found = []
        for raw in self.town.letters_of(to):
            heading = str(_HEADS.parsebytes(raw)["Subject"])  # reading a whole letter takes ten times as long
            if subject in heading:
                found.append(email.message_from_bytes(raw, policy=policy.default))
        return found

    def count(self, to: str, subject: str = "") -> int:
        """Return how many letters there are whose subject holds that."""
        return sum(subject in str(_HEADS.parsebytes(raw)["Subject"]) for raw in self.town.letters_of(to))

    def link(self, to: str, path: str, naming: str = "") -> str:
        """Return the one link to such a page in those letters of somebody's that name that."""
        whole = [raw.replace(b"=\n", b"").replace(b"=\r\n", b"").decode("latin-1") for raw in self.town.letters_of(to)]
        found = {hit[0] for text in whole if naming in text for hit in re.finditer(re.escape(self.url) + path, text)}
        assert len(found) == 1, f"{len(found)} links to {path}: {[str(one['Subject']) for one in self.letters(to)]}"
        return found.pop()

    def arrived(self) -> None:
        """Return when no letter is under way any more."""
        ends_at = time.monotonic() + PATIENCE
        for _ in range(2):  # what one server hands to the other leaves its queue first
            while self.town.waiting():
                assert time.monotonic() < ends_at, f"it does not arrive: {self.town.words()[-3000:]}"
                time.sleep(_LOOK)
