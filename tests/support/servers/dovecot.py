"""Dovecot 2.3 as a private instance: IMAP in the clear, with STARTTLS and over TLS, LMTP, quotas and Sieve.

Every user exists, with the password PASSWORD and a Maildir of their own below `mail/`; XOAUTH2 tokens are asked of
`introspection`, an address of the test's. Nothing leaves the machine.
"""

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.relay.certificates import Authority
from tests.support.servers import daemon
from tests.support.servers.postfix_settings import NOBODY

PASSWORD = "dove-cote-7"

CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
instance_name = tests-{pid}
protocols = {protocols}
auth_mechanisms = plain login xoauth2
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_home = {folder}/mail/%Lu
mail_max_userip_connections = 100
ssl = yes
ssl_cert = <{folder}/pem
ssl_key = <{folder}/pem
shutdown_clients = yes
default_process_limit = 50
mail_plugins = $mail_plugins quota
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={nobody} gid={nobody} home={folder}/mail/%Lu allow_all_users=yes
}}
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage=100M
  quota_exceeded_message = Mailbox is full
  sieve = file:~/sieve;active=~/.dovecot.sieve
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""
LMTP = """
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol lmtp {{
  mail_plugins = $mail_plugins quota {sieve}
  postmaster_address = postmaster@example.net
}}
"""
OAUTH2 = """
introspection_mode = post
introspection_url = {introspection}
username_attribute = username
active_attribute = active
active_value = true
"""


class Dovecot:
    """The running instance. `plain` takes STARTTLS too, `tls` is encrypted from the first octet, `lmtp` delivers."""

    def __init__(self, *, introspection: str = "http://127.0.0.1:9/", folder: Path | None = None) -> None:
        daemon.must_be_root("Dovecot")
        self._command = _program()
        self.folder = folder or daemon.folder("dovecot")
        self.folder.chmod(0o755)
        self.plain, self.tls, self.lmtp = daemon.free_ports(3)
        self.authority = Authority()
        self.ca_file = self.authority.write(self.folder / "ca.pem")
        self._configure(introspection)
        self._daemon = daemon.Daemon([self._command, "-F", "-c", self.folder / "conf"], self.folder)
        self._daemon.until_it_listens(self.plain, self.tls, *([self.lmtp] if _has("lmtp") else []))

    def _configure(self, introspection: str) -> None:
        for name in ("run", "state", "mail"):
            (self.folder / name).mkdir(mode=0o755)
        os.chown(self.folder / "mail", NOBODY, NOBODY)
        (self.folder / "pem").write_text(self.authority.pem(), "ascii")
        (self.folder / "pem").chmod(0o600)
        (self.folder / "oauth2.conf").write_text(OAUTH2.format(introspection=introspection), "ascii")
        values = {
            "folder": self.folder,
            "pid": os.getpid(),
            "password": PASSWORD,
            "nobody": NOBODY,
            "protocols": "imap lmtp" if _has("lmtp") else "imap",
            "plain": self.plain,
            "tls": self.tls,
            "lmtp": self.lmtp,
            "sieve": "sieve" if _has("modules/lib90_sieve_plugin.so") else "",
        }
        text = CONF.format(**values) + (LMTP.format(**values) if _has("lmtp") else "")
        (self.folder / "conf").write_text(text, "utf-8")

    def maildir(self, user: str) -> Path:
        """Return a user's Maildir, made when it is missing."""
        found = self.folder / "mail" / user.lower() / "Maildir"
        for part in ("tmp", "new", "cur"):
            (found / part).mkdir(parents=True, exist_ok=True)
        for path in (found.parent, found, *found.iterdir()):
            os.chown(path, NOBODY, NOBODY)
        return found

    def drop(self, user: str, raw: bytes, name: str) -> Path:
        """Deliver a message into a user's inbox, as a mail server without LMTP would."""
        box = self.maildir(user)
        file = box / "tmp" / name
        file.write_bytes(raw)
        os.chown(file, NOBODY, NOBODY)
        return file.rename(box / "new" / name)

    def words(self) -> str:
        """Return its log."""
        with suppress(OSError):
            return (self.folder / "log").read_text("utf-8", "replace")
        return ""

    def stop(self) -> None:
        """Stop it and see its processes gone."""
        self._daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def _program() -> str:
    found = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None or not _has("imap"):
        raise daemon.Missing("dovecot is not installed: sudo apt install dovecot-imapd dovecot-lmtpd dovecot-sieve")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    if not re.match(r"2\.3\.", version):
        raise daemon.Missing(f"these tests write settings of Dovecot 2.3; here is {version.strip()}")
    return found


def _has(program: str) -> bool:
    return (Path("/usr/lib/dovecot") / program).exists()
