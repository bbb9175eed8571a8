"""A private PostgreSQL for the tests: its own data folder and socket, never a system service.

One server serves all test processes of a run; each test gets a fresh database copied from a migrated template.
"""

import getpass
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from balintmail.db.migrations import upgrade
from balintmail.db.session import Database

TEMPLATE = "balintmail_template"


class Server:
    """A running server; `stop` ends it and removes its folder."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self.folder = Path(tempfile.mkdtemp(prefix="balintmail-pg-"))
        self.user = getpass.getuser()
        self._as: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as = ["runuser", "-u", "postgres", "--"]
            self.user = "postgres"

    def start(self) -> None:
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", self.user, "-N")
        options = f"-k {self.folder} -c listen_addresses='' -c max_connections=200 -c fsync=off"
        self._run("pg_ctl", "-D", str(data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")
        self._admin(f"CREATE DATABASE {TEMPLATE}")
        database = Database(Database.parse(self.url(TEMPLATE)))
        upgrade(database)
        database.close()

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://{self.user}@/{name}?host={self.folder}"

    def fresh(self, *, migrated: bool = True) -> str:
        """Create a database and return its URL."""
        name = f"t_{uuid4().hex}"
        self._admin(f"CREATE DATABASE {name}" + (f" TEMPLATE {TEMPLATE}" if migrated else ""))
        return self.url(name)

    def drop(self, url: str) -> None:
        self._admin(f"DROP DATABASE IF EXISTS {sa.make_url(url).database} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    def _run(self, program: str, *args: str) -> None:
        command = [*self._as, str(self._binaries / program), *args]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")


def find_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL server on this machine, or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return found[-1].parent if found else None
