"""A private PostgreSQL for the bench: forced to disk as in earnest, its own data folder and socket, no service."""

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

USER = "postgres"


def binaries() -> Path | None:
    """Return the newest installed PostgreSQL's programs, or None."""
    folders = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(re.sub(r"\D", "", str(path)))
    )
    found = shutil.which("initdb")
    return folders[-1].parent if folders else Path(found).parent if found else None


class Server:
    """A running server whose socket lies in `folder`."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._as = ["runuser", "-u", USER, "--"] if os.geteuid() == 0 else []

    def start(self) -> None:
        """Make the cluster and start it with its own durability."""
        if os.geteuid() == 0:
            owner = pwd.getpwnam(USER)
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", USER)
        options = f"-k {self._folder} -c listen_addresses='' -c fsync=on -c synchronous_commit=on"
        self._run("pg_ctl", "-D", data, "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "fast", "-w", "stop")

    def url(self, name: str) -> str:
        """Return the settings' address of a database."""
        return f"postgresql+psycopg://{USER}@/{name}?host={self._folder}"

    def sql(self, statement: str, database: str = USER) -> str:
        """Run one statement and return what it says."""
        return self._run("psql", "-h", str(self._folder), "-U", USER, "-At", "-d", database, "-c", statement).strip()

    def fresh(self, name: str, template: str) -> str:
        """Return the address of a new copy of database `template`."""
        self.sql(f"DROP DATABASE IF EXISTS {name}")
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def _run(self, program: str, *arguments: str) -> str:
        command = [*self._as, str(self._programs / program), *arguments]
        # The server keeps what it is started with: a pipe of ours would never end.
        done = subprocess.run(command, stdout=subprocess.PIPE if program == "psql" else subprocess.DEVNULL, check=True)
        return (done.stdout or b"").decode()


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Yield a folder with a short path, as sockets need it, that the server's user may enter."""
    with tempfile.TemporaryDirectory(prefix="bm-pg-") as name:
        yield Path(name)


@contextlib.contextmanager
def running(place: Path) -> Iterator[Server | None]:
    """Yield a server, or None where PostgreSQL is not installed."""
    programs = binaries()
    if programs is None:
        yield None
        return
    server = Server(programs, place)
    server.start()
    try:
        yield server
    finally:
        server.stop()
