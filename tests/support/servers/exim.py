"""Exim as a second opinion, from its unpacked package: strict about pipelining, with manners of its own.

It listens on a port for each set of manners (DOORS), delivers whatever it takes into one Maildir, and hangs up with a
421 after every tenth message on a connection. Debian's Exim wants a user by name, which libnss_wrapper gives it.
"""

import os
import shutil
from pathlib import Path

from tests.relay.certificates import Authority
from tests.support.servers import daemon
from tests.support.servers.delivered import Copy, read_copies
from tests.support.servers.postfix_settings import NOBODY

DOORS = ("all", "no pipelining", "nothing", "picky", "quota", "tls", "login")
HABIT = 10  # messages on one connection
FEW = 12  # what the door with a quota allows in an hour
_CONFIG = """
exim_user = {uid}
exim_group = {gid}
primary_hostname = mail.example.org
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {ports}
tls_on_connect_ports = {tls}
keep_environment = LD_PRELOAD:LD_LIBRARY_PATH:NSS_WRAPPER_PASSWD:NSS_WRAPPER_GROUP
deliver_drop_privilege = true
queue_run_max = 2
smtp_accept_max_per_connection = {habit}
smtp_accept_keepalive = false
message_size_limit = ${{if eq{{$received_port}}{{{picky}}}{{20000}}{{50M}}}}
pipelining_advertise_hosts = ${{if inlist{{$received_port}}{{{no_pipelining}:{nothing}}}{{}}{{*}}}}
pipelining_connect_advertise_hosts = ${{if eq{{$received_port}}{{{all}}}{{*}}}}
chunking_advertise_hosts = ${{if eq{{$received_port}}{{{nothing}}}{{}}{{*}}}}
smtputf8_advertise_hosts = ${{if eq{{$received_port}}{{{nothing}}}{{}}{{*}}}}
tls_advertise_hosts = ${{if inlist{{$received_port}}{{{tls}:{login}}}{{*}}}}
tls_certificate = {folder}/pem
auth_advertise_hosts = ${{if eq{{$received_port}}{{{login}}}{{*}}}}
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data
host_lookup =
rfc1413_hosts =

begin acl
mail:
  defer condition = ${{if eq{{$received_port}}{{{quota}}}}}
        ratelimit = {few} / 1h / strict / $primary_hostname
        message = too much mail from you in this hour
  accept
rcpt:
  require condition = ${{if eq{{$received_port}}{{{login}}}{{${{if def:authenticated_id}}}}{{yes}}}}
          message = relay not permitted
  drop local_parts = ^goner
       message = unknown user, and goodbye
  deny local_parts = ^gone
       message = unknown user
  defer local_parts = ^later
        message = try again in a while
  accept
data:
  deny condition = ${{if match{{$recipients}}{{unwanted}}}}
       message = this letter is not wanted
  accept

begin routers
everybody:
  driver = accept
  transport = maildir

begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = {folder}/mail
  create_directory
  envelope_to_add
  return_path_add
  user = {uid}
  group = {gid}

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{balint}}}}{{eq{{$auth3}}{{open sesame}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


class Exim:
    """The running instance; `ports` has the port of each door."""

    def __init__(self) -> None:
        program = daemon.unpacked("exim4-daemon-light", "usr/sbin/exim4")
        daemon.unpacked("libnss-wrapper", "usr/lib")
        self.folder = daemon.folder("exim")
        self.ports = dict(zip(DOORS, daemon.free_ports(len(DOORS)), strict=True))
        self.authority = Authority()
        self._configure()
        # User nobody must reach them, wherever this checkout lies.
        libraries = self.folder / "lib"
        libraries.mkdir(mode=0o755)
        for library in daemon.UNPACKED.glob("usr/lib/*/*.so*"):
            shutil.copy(library, libraries)
        mine = shutil.copy(program, self.folder / "exim4")
        env = {
            "LD_LIBRARY_PATH": str(libraries),
            "LD_PRELOAD": str(libraries / "libnss_wrapper.so"),
            "NSS_WRAPPER_PASSWD": str(self.folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(self.folder / "group"),
        }
        self._daemon = daemon.Daemon([mine, "-C", self.folder / "conf", "-bdf", "-q1s"], self.folder, env=env)
        self._daemon.until_it_listens(*self.ports.values())

    def _configure(self) -> None:
        self.folder.chmod(0o755)
        root = os.geteuid() == 0
        uid, gid = (NOBODY, NOBODY) if root else (os.geteuid(), os.getegid())
        for name in ("spool", "log", "mail"):
            (self.folder / name).mkdir(mode=0o755)
            if root:
                os.chown(self.folder / name, uid, gid)
        named = {name.replace(" ", "_"): port for name, port in self.ports.items()}
        ports = ":".join(map(str, self.ports.values()))
        numbers = {"uid": uid, "gid": gid, "habit": HABIT, "few": FEW}
        self._write("conf", _CONFIG.format(folder=self.folder, ports=ports, **named, **numbers))
        passwd, group = Path("/etc/passwd").read_text("utf-8"), Path("/etc/group").read_text("utf-8")
        self._write("passwd", f"{passwd}Debian-exim:x:{uid}:{gid}::/nonexistent:/bin/false\n")
        self._write("group", f"{group}Debian-exim:x:{gid}:\n")
        self.authority.write(self.folder / "ca.pem")
        self._write("pem", self.authority.pem())

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")
        (self.folder / name).chmod(0o644)

    def empty(self) -> None:
        """Forget what was delivered and what was counted, for the next test."""
        self.copies()
        shutil.rmtree(self.folder / "mail" / "new", ignore_errors=True)
        self.forget_its_counts()

    def forget_its_counts(self) -> None:
        """Let the hour of its rate limits be over."""
        for file in (self.folder / "spool" / "db").glob("ratelimit*"):
            file.unlink()

    def copies(self) -> list[Copy]:
        """Return what was delivered, once nothing is under way any more."""
        daemon.until(lambda: not self.waiting(), f"Exim does not deliver: {self.words()[-2000:]}")
        return read_copies((self.folder / "mail" / "new").glob("*"), "Envelope-To")

    def waiting(self) -> list[Path]:
        """Return the messages in its queue: a message is taken once its header file is there."""
        return list((self.folder / "spool" / "input").rglob("*-H"))

    def words(self) -> str:
        """Return its log."""
        return "".join(file.read_text("utf-8", "replace") for file in sorted((self.folder / "log").glob("*log")))

    def stop(self) -> None:
        """Stop it and see its processes gone."""
        self._daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
