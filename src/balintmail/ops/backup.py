"""Write an instance into one checked file, and unpack such a file into a new folder.

The file is a zip with a manifest of every member's size and SHA-256. It is read back before it gets its name, and it
never takes the place of another. Restoring trusts nothing: names, sizes and sums are checked before the first file is
in place, and sending stays off in the restored instance until `reconcile` (P7).
"""

import hashlib
import json
import os
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from sqlalchemy.exc import SQLAlchemyError

from balintmail import __version__
from balintmail.config import SECRETS_FILE, SETTINGS_FILE
from balintmail.db import meta
from balintmail.db.session import Database, DatabaseError
from balintmail.domain.times import rfc3339
from balintmail.errors import BalintmailError, Conflict
from balintmail.ops.copies import copy_out, one_moment, snapshot, table_columns
from balintmail.sending import dkim_keys
from balintmail.services.context import Context
from balintmail.services.founding_files import FOLDERS

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_LIMIT = 256 << 20  # bytes; two million files fit, an endless one does not
SQLITE_MEMBER = "database/balintmail.db"
_KEPT = {*(name for name in FOLDERS if "/" not in name), dkim_keys.FOLDER}
_CHUNK = 1 << 20
# Whatever zipfile and json raise over bytes that are not what they say.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
_NOT_A_BACKUP = (*_DAMAGE, KeyError, TypeError, AttributeError, IsADirectoryError)


class BackupDamaged(BalintmailError):
    """The file is not a backup, or not all of it is there unchanged."""

    code = "backup_damaged"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a backup; `size` in bytes, `sha256` in hexadecimal."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself. `tables` is empty for SQLite."""

    made_at: str
    engine: str
    schema: str
    version: str = __version__
    files: dict[str, Member] = field(default_factory=dict)
    tables: dict[str, list[str]] = field(default_factory=dict)

    def dump(self) -> bytes:
        files = {name: {"size": one.size, "sha256": one.sha256} for name, one in self.files.items()}
        document = {"format": FORMAT, "made_at": self.made_at, "version": self.version, "engine": self.engine}
        return json.dumps(
            {**document, "schema": self.schema, "tables": self.tables, "files": files}, ensure_ascii=False, indent=1
        ).encode("utf-8")


def write(context: Context, target: Path) -> Manifest:
    """Write the whole instance to the new file `target` (mode 600); return what is in it.

    Raises Conflict when there is something of that name. Sending may go on meanwhile: the database is copied first,
    as of one moment, and the journal after it, so that the journal is never behind.
    """
    if os.path.lexists(target):
        raise Conflict(f"{target} exists already; backup never overwrites.", hint="Give a new name.")
    if not target.parent.is_dir():
        raise Conflict(f"There is no folder {target.parent}.", hint="Make it first.")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    partial = Path(name)
    try:
        with open(handle, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                manifest = _fill(context, archive, partial)
                archive.writestr(MANIFEST, manifest.dump())
            file.flush()
            os.fsync(file.fileno())
        with opened(partial) as (archive, read):
            for member in read.files:
                _copy_checked(archive, member, read.files[member], None)
        _name(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    with suppress(SQLAlchemyError), context.db.write() as tx:  # the backup is good even if nobody remembers it
        meta.put(tx, meta.LAST_BACKUP, context.clock.now().isoformat())
    return manifest


@contextmanager
def opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Yield a backup's archive and manifest, names and sizes checked; raise BackupDamaged otherwise."""
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(file))
            info = archive.getinfo(MANIFEST)
            if info.file_size > MANIFEST_LIMIT:
                raise BackupDamaged(f"{file} has a manifest of {info.file_size} bytes, which no backup has.")
            with archive.open(info) as source:
                manifest = _read_manifest(source.read(MANIFEST_LIMIT))
        except FileNotFoundError as exc:
            raise Conflict(f"There is no file {file}.") from exc
        except _NOT_A_BACKUP as exc:
            raise BackupDamaged(f"{file} is not a backup of balintmail, or it is damaged.") from exc
        _compare_names(archive, manifest)
        yield archive, manifest


def extract(archive: zipfile.ZipFile, manifest: Manifest, folder: Path) -> None:
    """Unpack every member into the empty `folder` (files 600, folders 700), each held to its sum.

    The database's members keep their folder `database/`. Raises BackupDamaged on the first that differs.
    """
    needed = sum(member.size for member in manifest.files.values())
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise Conflict(f"The backup needs {needed >> 20} MB and {free >> 20} MB are free.", hint="Make room first.")
    for name, member in manifest.files.items():
        target = folder.joinpath(*PurePosixPath(name).parts)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(handle, "wb") as file:
            _copy_checked(archive, name, member, file)
            file.flush()
            os.fsync(file.fileno())


def _fill(context: Context, archive: zipfile.ZipFile, partial: Path) -> Manifest:
    files: dict[str, Member] = {}
    tables: dict[str, list[str]] = {}
    schema = context.db.schema()
    if schema is None:
        raise DatabaseError("The database holds no register yet.", hint="Run: balintmail migrate")
    if context.db.is_sqlite:
        files[SQLITE_MEMBER] = _add_sqlite(context.db, archive, partial)
    else:
        tables = _add_postgresql(context.db, archive, files)
    for path in _instance_files(context.folder):
        name = path.relative_to(context.folder).as_posix()
        if not _is_plain(name):
            raise Conflict(f"{path} has a name that no backup can hold.", hint="Rename it, then back up again.")
        # A message may be moved or cleared away meanwhile; what is gone is no part of this moment.
        try:
            source = path.open("rb")
        except FileNotFoundError:
            continue
        with source:
            files[name] = _add(archive, name, _blocks(source))
    made_at = rfc3339(context.clock.now(), context.settings.zone)
    return Manifest(made_at, context.db.engine.dialect.name, schema, files=files, tables=tables)


def _instance_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in {SETTINGS_FILE, SECRETS_FILE} or path.suffix in {".md", ".pem"}:
            if path.is_file():
                yield path
        elif path.name in _KEPT:
            for root, _, names in os.walk(path):
                yield from (Path(root, name) for name in sorted(names) if stat.S_ISREG(_mode(Path(root, name))))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _add_sqlite(database: Database, archive: zipfile.ZipFile, partial: Path) -> Member:
    copy = partial.with_suffix(".db")
    try:
        snapshot(database, copy)
        with copy.open("rb") as source:
            return _add(archive, SQLITE_MEMBER, _blocks(source))
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            Path(f"{copy}{ending}").unlink(missing_ok=True)


def _add_postgresql(database: Database, archive: zipfile.ZipFile, files: dict[str, Member]) -> dict[str, list[str]]:
    with one_moment(database) as tx:
        tables = table_columns(tx)
        for table, columns in tables.items():
            name = f"database/{table}.copy"
            files[name] = _add(archive, name, copy_out(tx, table, columns))
    return tables


def _add(archive: zipfile.ZipFile, name: str, blocks: Iterator[bytes]) -> Member:
    digest, size = hashlib.sha256(), 0
    info = zipfile.ZipInfo(name)  # without a date of its own: the manifest has it
    info.external_attr = 0o600 << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as member:
        for block in blocks:
            digest.update(block)
            size += len(block)
            member.write(block)
    return Member(size, digest.hexdigest())


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(_CHUNK):
        yield block


def _name(partial: Path, target: Path) -> None:
    """Give the finished file its name, unless somebody was quicker; both survive a power cut."""
    try:
        os.link(partial, target)
    except FileExistsError as exc:
        raise Conflict(f"{target} exists already; backup never overwrites.", hint="Give a new name.") from exc
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise Conflict(f"{target} exists already; backup never overwrites.", hint="Give a new name.") from None
        partial.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_manifest(raw: bytes) -> Manifest:
    document: dict[str, Any] = json.loads(raw)
    if document["format"] != FORMAT:
        raise BackupDamaged(
            f"The backup has format {document['format']}; this version reads {FORMAT}.",
            hint="Install the balintmail that made it.",
        )
    files = {str(name): Member(int(one["size"]), str(one["sha256"])) for name, one in document["files"].items()}
    tables = {str(name): [str(column) for column in columns] for name, columns in document["tables"].items()}
    return Manifest(
        str(document["made_at"]),
        str(document["engine"]),
        str(document["schema"]),
        version=str(document["version"]),
        files=files,
        tables=tables,
    )


def _compare_names(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """Refuse members that are not in the manifest, twice there, of another size, or named so as to get out (G7)."""
    infos = [info for info in archive.infolist() if info.filename != MANIFEST]
    names = [info.filename for info in infos]
    if len(set(names)) != len(names) or set(names) != set(manifest.files):
        raise BackupDamaged("The backup's members are not those of its manifest.")
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if not _is_plain(info.filename) or kind not in {0, stat.S_IFREG} or info.flag_bits & 0x1:
            raise BackupDamaged(f'The backup has a member "{info.filename}" that no backup has; nothing was unpacked.')
        if info.file_size != manifest.files[info.filename].size:
            raise BackupDamaged(f'"{info.filename}" has not the size its manifest says.')


def _is_plain(name: str) -> bool:
    """Say whether `name` is a relative path below one of the folders of an instance."""
    parts = name.split("/")
    if any("\ud800" <= letter <= "\udfff" for letter in name):  # a file name that is not UTF-8
        return False
    if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        return False
    if len(parts) == 1:
        return name in {SETTINGS_FILE, SECRETS_FILE} or name.endswith((".md", ".pem"))
    return parts[0] in {*_KEPT, "database"}


def _copy_checked(archive: zipfile.ZipFile, name: str, member: Member, target: IO[bytes] | None) -> None:
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(name) as source:
            while block := source.read(_CHUNK):
                size += len(block)
                if size > member.size:
                    break
                digest.update(block)
                if target is not None:
                    target.write(block)
    except _DAMAGE as exc:
        raise BackupDamaged(f'"{name}" in the backup is damaged.', hint="Use another backup.") from exc
    if size != member.size or digest.hexdigest() != member.sha256:
        raise BackupDamaged(f'"{name}" in the backup is not what was put in.', hint="Use another backup.")
