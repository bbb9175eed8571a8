"""Make an instance again from a backup, in a folder of its own and with sending off (P7).

Everything is unpacked, checked and made ready in a folder beside, and moved into place as the last step. It never
touches the instance that the backup was made from: the restored settings are turned to a database of their own.
"""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from balintmail.config import SECRETS_FILE, SETTINGS_FILE, load
from balintmail.db import people
from balintmail.db.migrations import upgrade
from balintmail.db.session import SCHEMA, Database, SchemaMismatch
from balintmail.errors import BalintmailError, Conflict
from balintmail.ops import backup
from balintmail.ops.copies import clear, copy_in
from balintmail.services.founding_files import FOLDERS, toml_string
from balintmail.services.reconcile import block_sending

LOCAL_DATABASE = "sqlite:///balintmail.db"
_SECTION = re.compile(r"\s*\[\s*(?P<name>[^\]]+?)\s*\]")


class RestoreRefused(BalintmailError):
    """The backup is sound, but cannot be restored in this way."""

    code = "restore"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came out of a backup. `outdated`: the schema is older than this version's."""

    folder: Path
    made_at: str
    files: int
    outdated: bool


def restore(file: Path, folder: Path, *, database: str = "") -> Restored:
    """Unpack `file` into `folder`, which must be empty or new; `database` is the URL of an empty PostgreSQL database.

    Raises BackupDamaged, Conflict or RestoreRefused, and then nothing was made.
    """
    _require_room(folder)
    with backup.opened(file) as (archive, manifest):
        _require_fit(manifest, database)
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".restoring", dir=folder.parent))
        try:
            backup.extract(archive, manifest, staging)
            for name in FOLDERS:
                (staging / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            reason = f"this instance was restored from a backup of {manifest.made_at}"
            if manifest.engine == "sqlite":
                _settle_sqlite(staging, reason)
            else:
                _settle_postgresql(staging, manifest, database, reason)
            shutil.rmtree(staging / "database")
            staging.rename(folder)  # takes the place of an empty folder, never of a full one
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
    return Restored(folder, manifest.made_at, len(manifest.files), manifest.schema < SCHEMA)


def _require_room(folder: Path) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise Conflict(f"{folder} is not a folder.", hint="Give a new name.")
    if folder.is_dir() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty; restore never overwrites.", hint="Give a new or an empty folder.")


def _require_fit(manifest: backup.Manifest, database: str) -> None:
    if manifest.schema > SCHEMA:
        raise SchemaMismatch(
            f"The backup's schema is {manifest.schema}, newer than this version's {SCHEMA}.",
            hint=f"Install balintmail {manifest.version}, which made it.",
        )
    if manifest.engine == "sqlite" and database:
        raise RestoreRefused("This backup holds a SQLite database; it needs no --database.", hint="Leave it out.")
    if manifest.engine != "sqlite" and not database:
        raise RestoreRefused(
            "This backup holds a PostgreSQL database and needs an empty one to go to.",
            hint="Add --database postgresql+psycopg://user@host/name",
        )


def _settle_sqlite(staging: Path, reason: str) -> None:
    (staging / backup.SQLITE_MEMBER).rename(staging / "balintmail.db")
    _turn_settings(staging, LOCAL_DATABASE)
    database = Database(Database.parse(f"sqlite:///{staging / 'balintmail.db'}"))
    try:
        with database.write() as tx:
            block_sending(tx, reason)
    finally:
        database.close()


def _settle_postgresql(staging: Path, manifest: backup.Manifest, url: str, reason: str) -> None:
    _turn_settings(staging, url)
    database = Database(Database.parse(url))
    try:
        if database.is_sqlite:
            raise RestoreRefused("--database must name a PostgreSQL database.", hint="postgresql+psycopg://…")
        if database.schema() is None:
            upgrade(database, manifest.schema)
        with database.write() as tx:
            if database.schema() != manifest.schema or people.any_rows(tx):
                raise Conflict("That database holds a register already.", hint="Give an empty database.")
            clear(tx, manifest.tables)
            for table, columns in manifest.tables.items():
                with (staging / "database" / f"{table}.copy").open("rb") as source:
                    copy_in(tx, table, columns, source)
            block_sending(tx, reason)
    finally:
        database.close()


def _turn_settings(folder: Path, url: str) -> None:
    """Make the settings in `folder` name the database `url`, which goes into secrets.toml when it has a password."""
    wanted = Database.parse(url)
    home = SECRETS_FILE if wanted.password is not None else SETTINGS_FILE
    if load(folder).settings.database.url != url:
        for name in (SETTINGS_FILE, SECRETS_FILE):
            path = folder / name
            text = path.read_text("utf-8") if path.exists() else ""
            changed = _with_url(text, url if name == home else None)
            if changed != text:
                path.write_text(changed, "utf-8")
                path.chmod(0o600)
    if load(folder).settings.database.url != url:
        raise RestoreRefused(
            "The settings name a database in a way that restore cannot change.",
            hint="Unset BALINTMAIL_DATABASE__URL, or write [database] and url on lines of their own before the backup.",
        )


def _with_url(text: str, url: str | None) -> str:
    """Return the settings' `text` with `[database] url` set to `url`, or taken out."""
    out: list[str] = []
    section, header = "", None
    for line in text.splitlines():
        if found := _SECTION.match(line):
            section = found["name"]
            if section == "database":
                header = len(out)
        elif section == "database" and re.match(r"\s*url\s*=", line):
            out.append("# The database of the instance that this backup was made from stood here.")
            continue
        out.append(line)
    if url is not None:
        setting = f"url = {toml_string(url)}"
        if header is None:
            out += ["", "[database]", setting]
        else:
            out.insert(header + 1, setting)
    return "\n".join(out) + "\n"
