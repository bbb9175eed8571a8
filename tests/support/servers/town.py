"""A town of mail servers on loopback, in which what cannot be delivered comes back as real reports.

Postfix relays, bounces and carries reports home; Dovecot holds the mailboxes of three domains, with quotas, and the
society's own, which is read over IMAP; Exim holds the fourth and writes its reports its own way. All of it runs as one
test's processes and is gone with them.
"""

import os
import pwd
import shutil
import smtplib
from collections.abc import Iterable
from pathlib import Path

from tests.support.servers import daemon
from tests.support.servers.dovecot import Dovecot
from tests.support.servers.postfix_settings import MASTER, NOBODY
from tests.support.servers.town_settings import (
    ALIASES,
    DOVECOT_DOMAINS,
    EXIM,
    EXIM_DOMAIN,
    HOME,
    MAIN,
    USERDB,
)
from tests.support.servers.town_settings import MASTER as OWN_SERVICES

BOUNCES = f"bounces@{HOME}"
SMALL = 2000  # octets that fit into a full mailbox
_WAITING = ("maildrop", "incoming", "active", "deferred", "corrupt")


class Mailboxes(Dovecot):
    """Dovecot that knows its users; those whose name begins with `full` have no room."""

    def __init__(self, users: Iterable[str]) -> None:
        self._users = tuple(users)
        super().__init__(folder=daemon.swift_folder("dovecot"))

    def _configure(self, introspection: str) -> None:
        super()._configure(introspection)
        lines = []
        for user in self._users:
            rule = f"userdb_quota_rule=*:bytes={SMALL}" if user.startswith("full") else ""
            lines.append(f"{user}::{NOBODY}:{NOBODY}::{self.folder}/mail/{user}::{rule}\n")
        (self.folder / "users").write_text("".join(lines), "ascii")
        (self.folder / "users").chmod(0o644)
        conf = self.folder / "conf"
        before, _, rest = conf.read_text("utf-8").partition("userdb {")
        known = USERDB.format(folder=self.folder)
        conf.write_text(before + known + rest.partition("\n}\n")[2] + "mail_fsync = never\n", "utf-8")


class Town:
    """The running servers. `port` is where the society's relay listens."""

    def __init__(self, users: Iterable[str]) -> None:
        daemon.must_be_root("A town of mail servers")
        self._postfix_command = daemon.program("postfix")
        self._exim_program = daemon.unpacked("exim4-daemon-light", "usr/sbin/exim4")
        self.port, exim = daemon.free_ports(2)
        local = [user for user in users if user.rpartition("@")[2] in DOVECOT_DOMAINS]
        self.mailboxes = Mailboxes([*local, BOUNCES])
        self._postfix, self._exim = daemon.swift_folder("postfix"), daemon.folder("exim")
        self._exim.chmod(0o755)
        self._values = {
            "home": HOME,
            "domains": " ".join(DOVECOT_DOMAINS),
            "exim_domain": EXIM_DOMAIN,
            "exim": exim,
            "postfix": self.port,
            "lmtp": self.mailboxes.lmtp,
            "uid": NOBODY,
            "gid": NOBODY,
        }
        self._daemons = [self._start_exim(exim), self._start_postfix()]

    def _start_postfix(self) -> daemon.Daemon:
        folder = self._postfix
        owners = {"conf": 0, "queue": 0, "data": pwd.getpwnam("postfix").pw_uid}
        for name, owner in owners.items():
            (folder / name).mkdir(mode=0o755, parents=True)
            os.chown(folder / name, owner, -1)
        daemons = next(path for path in ("/usr/lib/postfix/sbin", "/usr/libexec/postfix") if Path(path).is_dir())
        commands = Path(self._postfix_command).parent
        main = MAIN.format(folder=folder, daemons=daemons, commands=commands, **self._values)
        (folder / "conf" / "main.cf").write_text(main, "ascii")
        (folder / "aliases").write_text(ALIASES.format(), "ascii")
        (folder / "conf" / "master.cf").write_text(MASTER + OWN_SERVICES.format(port=self.port), "ascii")
        found = daemon.Daemon([self._postfix_command, "-c", folder / "conf", "start-fg"], folder)
        found.until_it_listens(self.port)
        return found

    def _start_exim(self, port: int) -> daemon.Daemon:
        folder = self._exim
        for name in ("spool", "log", "mail", "full", "lib"):
            (folder / name).mkdir(mode=0o755, parents=True)
            os.chown(folder / name, NOBODY, NOBODY)
        (folder / "conf").write_text(EXIM.format(folder=folder, **self._values), "ascii")
        for library in daemon.UNPACKED.glob("usr/lib/*/*.so*"):
            shutil.copy(library, folder / "lib")
        mine = shutil.copy(self._exim_program, folder / "exim4")
        for name in ("passwd", "group"):
            more = {"passwd": f"{NOBODY}:{NOBODY}::/nonexistent:/bin/false", "group": f"{NOBODY}:"}[name]
            (folder / name).write_text(f"{Path('/etc', name).read_text('utf-8')}Debian-exim:x:{more}\n", "utf-8")
        env = {
            "LD_LIBRARY_PATH": str(folder / "lib"),
            "LD_PRELOAD": str(folder / "lib" / "libnss_wrapper.so"),
            "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(folder / "group"),
        }
        found = daemon.Daemon([mine, "-C", folder / "conf", "-bdf", "-q1s"], folder, env=env)
        found.until_it_listens(port)
        return found

    def submit(self, sender: str, recipient: str, raw: bytes) -> None:
        """Give a message to Postfix as somebody's mail program does; "" is the null sender."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.sendmail(sender, [recipient], raw)

    def until_quiet(self, seconds: float = 300) -> None:
        """Return when nothing is under way any more."""
        # What Exim hands to Postfix leaves the one queue before the other is looked at again.
        for _ in range(2):
            try:
                daemon.until(lambda: not self.waiting(), "it does not arrive", seconds)
            except AssertionError as exc:
                raise AssertionError(f"it does not arrive: {self.words()[-5000:]}") from exc

    def waiting(self) -> list[Path]:
        """Return what is in the queues."""
        queue = self._postfix / "queue"
        found = [file for name in _WAITING for file in (queue / name).rglob("*") if file.is_file()]
        return found + list((self._exim / "spool" / "input").rglob("*-H"))

    def letters_of(self, user: str) -> list[bytes]:
        """Return what lies in a mailbox of Dovecot's."""
        root = self.mailboxes.folder / "mail" / user / "Maildir"
        return [file.read_bytes() for part in ("new", "cur") for file in sorted((root / part).glob("*"))]

    def at_exim(self) -> int:
        """Return how many letters Exim has put into mailboxes."""
        return sum(1 for _ in (self._exim / "mail" / "new").glob("*"))

    def words(self) -> str:
        """Return the logs."""
        logs = [self._postfix / "log", *sorted((self._exim / "log").glob("*log"))]
        return "".join(log.read_text("utf-8", "replace") for log in logs if log.exists()) + self.mailboxes.words()

    def stop(self) -> None:
        """Stop all of it and see the processes gone."""
        for one in self._daemons:
            one.stop()
        self.mailboxes.stop()
        shutil.rmtree(self._postfix, ignore_errors=True)
        shutil.rmtree(self._exim, ignore_errors=True)
