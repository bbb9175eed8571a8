"""A private PostgreSQL for the tests: its own data folder and socket, never a system service.

One server serves all test processes of a run: the first that needs it starts it, the run's first process stops it,
and a watcher stops it even when the whole run is killed. Each test gets an empty migrated database, lent or its own.
"""

import fcntl
import getpass
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from balintmail.db.migrations import upgrade
from balintmail.db.session import Database
from tests.support.lending import Lender

TEMPLATE = "balintmail_template"


RUN_FOLDER = "TEST_RUN_FOLDER"  # the variable that tells xdist's workers where their run keeps its things
_ROOM = 4_000_000_000  # octets free in memory, for the servers' data to lie there
_WATCH = '(while kill -0 "$1" 2>/dev/null; do sleep 1; done; shift; run=$1; shift; "$@"; rm -rf "$run") &'


class Server:
    """A server in `folder`, which has its data, socket and log."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self.folder = folder
        self._as: list[str] = []
        self.user = getpass.getuser()
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._as = ["runuser", "-u", "postgres", "--"]
            self.user = "postgres"
        self._lender = Lender(sa.make_url(self.url("postgres")))

    def start(self, connections: int = 200) -> None:
        """Make the data folder, start the server and migrate the template."""
        self._own()
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", self.user, "-N")
        self.run(connections)
        self._admin(f"CREATE DATABASE {TEMPLATE}")
        database = Database(Database.parse(self.url(TEMPLATE)))
        upgrade(database)
        database.close()
        self._lender.prepare(TEMPLATE)

    def run(self, connections: int = 200) -> None:
        """Start the server over the data folder that is there."""
        data, log = str(self.folder / "data"), str(self.folder / "log")
        options = f"-k {self.folder} -c listen_addresses='' -c max_connections={connections} -c fsync=off"
        self._run("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")

    def follow(self, primary: "Server") -> None:
        """Become a running standby of `primary`, which waits for it with each commit from now on; forget all else."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        self._own()
        data = str(self.folder / "data")
        self._run("pg_basebackup", "-h", str(primary.folder), "-U", self.user, "-D", data, "-R", "-X", "stream",
                  "-c", "fast", "--no-sync")  # fmt: skip
        self.run()
        primary.wait_for_a_standby(True)

    def wait_for_a_standby(self, yes: bool) -> None:
        """Let each commit wait until a standby has it, or no longer."""
        self._admin(f"ALTER SYSTEM SET synchronous_standby_names = '{'*' * yes}'")
        self._admin("SELECT pg_reload_conf()")

    def promote(self) -> None:
        """Let a standby become the primary."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "promote")

    def halt(self, how: str) -> None:
        """Stop the server `fast` or `immediate`, and leave its data."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", how, "stop")

    def _own(self) -> None:
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def restart(self, how: str) -> None:
        """Stop the server `fast` or `immediate` (as a crash would) and start it again."""
        data, log = str(self.folder / "data"), str(self.folder / "log")
        self._run("pg_ctl", "-D", data, "-w", "-m", how, "-l", log, "restart")

    def stop_after(self, pid: int) -> None:
        """Leave a watcher that stops the server once process `pid` has gone."""
        stop = [*self._as, str(self._binaries / "pg_ctl"), "-D", str(self.folder / "data"), "-m", "immediate", "stop"]
        subprocess.run(
            ["sh", "-c", _WATCH, "watch", str(pid), str(self.folder.parent), *stop],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def stop(self) -> None:
        """Stop the server, if it runs, and remove its folder."""
        with suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{self.user}@/{name}?host={self.folder}"

    def fresh(self, *, migrated: bool = True, of: str = TEMPLATE) -> str:
        """Create a database, a copy of `of` unless it is to be empty, and return its URL."""
        name = f"t_{uuid4().hex}"
        self._admin(f"CREATE DATABASE {name}" + (f" TEMPLATE {of}" if migrated else ""))
        return self.url(name)

    def lend(self) -> str:
        """Return the URL of an empty migrated database, to be given to `take_back`."""
        return self.url(self._lender.lend())

    def take_back(self, url: str) -> None:
        """Let another test have what `lend` gave."""
        self._lender.take_back(str(sa.make_url(url).database))

    def drop(self, url: str) -> None:
        self._admin(f"DROP DATABASE IF EXISTS {sa.make_url(url).database} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def _run(self, program: str, *args: str) -> None:
        command = [*self._as, str(self._binaries / program), *args]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd="/")


def begin_run() -> None:
    """Make the folder in which the processes of this test run meet; called once, in the first of them."""
    # Not under TMPDIR: a socket's path may have 107 bytes at most, and user postgres must reach it.
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM else "/tmp"
    os.environ[RUN_FOLDER] = tempfile.mkdtemp(prefix=f"balintmail-tests-{os.getpid()}-", dir=place)
    Path(os.environ[RUN_FOLDER]).chmod(0o711)


def end_run() -> None:
    """Stop the server of this test run, if one was started."""
    run = Path(os.environ.pop(RUN_FOLDER))
    binaries = find_binaries()
    if (run / "pg").exists() and binaries is not None:
        Server(binaries, run / "pg").stop()
    shutil.rmtree(run, ignore_errors=True)


def shared(binaries: Path) -> Server:
    """Return the server of this test run, started by whoever comes first."""
    run = Path(os.environ[RUN_FOLDER])
    server = Server(binaries, run / "pg")
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "started").exists():
            shutil.rmtree(server.folder, ignore_errors=True)
            server.folder.mkdir(mode=0o700)
            try:
                server.start()
            except BaseException:
                sys.stderr.write((server.folder / "log").read_text("utf-8") if (server.folder / "log").exists() else "")
                raise
            server.stop_after(int(run.name.split("-")[2]))
            (run / "started").touch()
    return server


def alone(binaries: Path) -> Server:
    """Return a server that is this process's own, to be restarted and stopped by it."""
    server = place(binaries, "")
    server.start()
    return server


def place(binaries: Path, name: str) -> Server:
    """Return a server that is this process's own and has nothing yet; it is stopped with the run at the latest."""
    run = Path(os.environ[RUN_FOLDER])
    server = Server(binaries, run / f"pg-{os.getpid()}{name}")
    server.folder.mkdir(mode=0o700)
    server.stop_after(int(run.name.split("-")[2]))
    return server


def find_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL server on this machine, or None."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *Path("/usr").glob("pgsql-*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(re.sub(r"[^0-9.]", "", path.parts[-3]) or 0)).parent
    onpath = shutil.which("initdb")
    return Path(onpath).resolve().parent if onpath else None
