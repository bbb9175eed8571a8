"""Postfix with many doors: one private instance whose smtpd listens on a port for each set of manners.

Everything that any door takes is delivered by virtual(8) into one Maildir, and nothing leaves the machine. The doors
stand in postfix_settings.py; the greylist and the passwords are answered by policy.py, in the test's own process.
"""

import os
import pwd
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from tests.relay.certificates import Authority
from tests.support.servers import daemon
from tests.support.servers.delivered import Copy, read_copies
from tests.support.servers.policy import LoginServer, PolicyServer
from tests.support.servers.postfix_settings import DOORS, MAIN, MASTER, NOBODY, PICKY, USERS

_WAITING = ("maildrop", "incoming", "active", "deferred", "corrupt")  # folders of its queue


class Postfix:
    """The running instance; `ports` has the port of each door."""

    def __init__(self) -> None:
        daemon.must_be_root("Postfix")
        self._command = daemon.program("postfix")
        self.folder = daemon.folder("postfix")
        self.policy, self.login = PolicyServer(), LoginServer()
        self.ports = dict(zip(DOORS, daemon.free_ports(len(DOORS)), strict=True))
        self.authority = Authority()
        self._configure()
        self._daemon = self._started()

    def _configure(self) -> None:
        self.folder.chmod(0o755)
        owners = {"conf": 0, "queue": 0, "data": pwd.getpwnam("postfix").pw_uid, "mail": NOBODY}
        for name, owner in owners.items():
            (self.folder / name).mkdir(mode=0o755)
            os.chown(self.folder / name, owner, -1)
        commands = Path(self._command).parent
        daemons = next(path for path in ("/usr/lib/postfix/sbin", "/usr/libexec/postfix") if Path(path).is_dir())
        place = {"folder": self.folder, "commands": commands, "daemons": daemons, "nobody": NOBODY}
        self._write("conf/main.cf", MAIN.format(**place))
        ports = {"folder": self.folder, "policy": self.policy.port, "login": self.login.port}
        lines = [MASTER]
        for door, settings in DOORS.items():
            lines.append(f"127.0.0.1:{self.ports[door]} inet n - n - - smtpd")
            lines += [f"  -o {{{setting.format(**ports)}}}" for setting in settings]
        self._write("conf/master.cf", "\n".join(lines) + "\n")
        self._write("users", USERS)
        self._write("picky", "".join(f"/^{name}/ {answer}\n" for name, answer in PICKY.items()))
        self.authority.write(self.folder / "ca.pem")
        self._write("pem", self.authority.pem(), mode=0o600)

    def _write(self, name: str, text: str, mode: int = 0o644) -> None:
        (self.folder / name).write_text(text, "utf-8")
        (self.folder / name).chmod(mode)

    def _started(self) -> daemon.Daemon:
        found = daemon.Daemon([self._command, "-c", self.folder / "conf", "start-fg"], self.folder)
        found.until_it_listens(*self.ports.values())
        return found

    def empty(self) -> None:
        """Forget what was delivered and what was counted, for the next test."""
        self.copies()
        shutil.rmtree(self.folder / "mail" / "new", ignore_errors=True)
        self.policy.forget()
        self.login.forget()
        self.forget_its_counts()

    def copies(self) -> list[Copy]:
        """Return what was delivered, once nothing is under way any more."""
        daemon.until(lambda: not self.waiting(), f"Postfix does not deliver: {self.words()[-2000:]}")
        return read_copies((self.folder / "mail" / "new").glob("*"), "X-Original-To")

    def waiting(self) -> list[Path]:
        """Return the messages in its queue; what cleanup(8) had not finished (not executable) was never taken."""
        found = [file for name in _WAITING for file in (self.folder / "queue" / name).rglob("*") if file.is_file()]
        return [file for file in found if os.access(file, os.X_OK)]

    def delivered_so_far(self) -> int:
        with suppress(OSError):
            return len(list((self.folder / "mail" / "new").iterdir()))
        return 0

    def words(self) -> str:
        """Return its log."""
        return (self.folder / "log").read_text("utf-8", "replace")

    def forget_its_counts(self) -> None:
        """Let the minute of its rate limits be over: they live in anvil(8) alone."""
        self.kill("anvil")

    def kill(self, name: str) -> int:
        """Kill its processes of this name; it starts them anew when they are needed. Return how many there were."""
        found = [pid for pid, called in self._daemon.members().items() if called == name]
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        daemon.until(lambda: not set(found) & set(self._daemon.members()), f"{name} does not die")
        return len(found)

    def crash(self) -> None:
        """Kill every process of it at once, and start it again."""
        self._daemon.stop(signal.SIGKILL)
        self._daemon = self._started()

    def stop(self) -> None:
        """Stop it and see its processes gone."""
        self._daemon.stop()
        self.policy.close()
        self.login.close()
        shutil.rmtree(self.folder, ignore_errors=True)
