"""OpenSMTPD as a third opinion, from its unpacked package: it offers no PIPELINING and answers strictly in turn.

Its folders and users have fixed names, so it runs in a mount namespace of its own, where they are ours. After every
tenth message on a connection it refuses MAIL with 452 (`smtp limit max-mails`), and keeps the connection. TLS is left
to the others: its 6.8.0p2 cannot serve it with OpenSSL 3 ("missing private key").
"""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.servers import daemon
from tests.support.servers.delivered import Copy, read_copies
from tests.support.servers.postfix_settings import NOBODY

HABIT = 10  # messages on one connection
_USERS = {"opensmtpd": 64_001, "opensmtpq": 64_002, "balint": NOBODY}
_CONFIG = """
table everybody {{ "@" = balint }}
table gone {{ "gone@example.org", "goner@example.org" }}
smtp limit max-mails {habit}
smtp max-message-size 30K
listen on 127.0.0.1 port {port} hostname mail.example.org
action "deliver" maildir "{folder}/mail" virtual <everybody>
match from any for rcpt-to <gone> reject
match from any for any action "deliver"
"""
# Whatever is mounted here is seen by this process and its children alone.
_BEGIN = """set -e
mount --bind {folder}/passwd /etc/passwd
mount --bind {folder}/group /etc/group
for place in /var/spool /var/lib /run /usr/libexec; do mount -t tmpfs none $place; done
mkdir -p /var/lib/opensmtpd/empty /usr/libexec/opensmtpd /var/spool/smtpd
mount --bind {unpacked}/usr/libexec/opensmtpd /usr/libexec/opensmtpd
mount --bind {folder}/spool /var/spool/smtpd
exec {program} -d -f {folder}/conf
"""
_SPOOL = ("corrupt", "incoming", "purge", "queue", "temporary")


class OpenSmtpd:
    """The running instance."""

    def __init__(self) -> None:
        daemon.must_be_root("OpenSMTPD")
        self._program = daemon.unpacked("opensmtpd", "usr/sbin/smtpd")
        if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
            raise daemon.Missing("OpenSMTPD wants a mount namespace of its own, and this machine allows none")
        self.folder = daemon.folder("opensmtpd")
        [self.port] = daemon.free_ports(1)
        self._configure()
        self._daemon = daemon.Daemon(["unshare", "--mount", "sh", self.folder / "begin"], self.folder)
        self._daemon.until_it_listens(self.port)

    def _configure(self) -> None:
        self.folder.chmod(0o755)
        place = {"folder": self.folder, "unpacked": daemon.UNPACKED, "program": self._program}
        self._write("conf", _CONFIG.format(habit=HABIT, port=self.port, **place))
        self._write("begin", _BEGIN.format(**place))
        users = "".join(f"{name}:x:{uid}:{uid}::/var/lib/opensmtpd/empty:/bin/sh\n" for name, uid in _USERS.items())
        groups = "".join(f"{name}:x:{uid}:\n" for name, uid in _USERS.items())
        self._write("passwd", Path("/etc/passwd").read_text("utf-8") + users)
        self._write("group", Path("/etc/group").read_text("utf-8") + groups)
        (self.folder / "mail").mkdir(mode=0o700)
        os.chown(self.folder / "mail", NOBODY, -1)
        spool = self.folder / "spool"
        spool.mkdir()
        spool.chmod(0o711)
        for name in _SPOOL:
            (spool / name).mkdir(mode=0o700)
            os.chown(spool / name, _USERS["opensmtpq"], -1)
        (spool / "offline").mkdir()
        (spool / "offline").chmod(0o770)
        os.chown(spool / "offline", 0, _USERS["opensmtpq"])

    def _write(self, name: str, text: str, mode: int = 0o644) -> None:
        (self.folder / name).write_text(text, "utf-8")
        (self.folder / name).chmod(mode)

    def empty(self) -> None:
        """Forget what was delivered, for the next test."""
        self.copies()
        shutil.rmtree(self.folder / "mail" / "new", ignore_errors=True)

    def copies(self) -> list[Copy]:
        """Return what was delivered, once nothing is under way any more."""
        daemon.until(lambda: not self.waiting(), f"OpenSMTPD does not deliver: {self.words()[-2000:]}")
        return read_copies((self.folder / "mail" / "new").glob("*"), "Delivered-To")

    def waiting(self) -> list[Path]:
        """Return the files of the messages in its queue."""
        return [file for file in (self.folder / "spool" / "queue").rglob("*") if file.is_file()]

    def words(self) -> str:
        """Return what it has said."""
        return (self.folder / "out").read_text("utf-8", "replace")

    def stop(self) -> None:
        """Stop it and see its processes gone."""
        self._daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
