"""Say whether what is committed outlives a power cut, and whether there is room, a backup, and nobody reading along.

It changes no setting and no mode. The promise rests on it: standards 2.5; RFC 5321 section 6.1. What a disk does with
an fsync cannot be seen from here.
"""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from balintmail.config import SECRETS_FILE, SETTINGS_FILE
from balintmail.db.health import Durability
from balintmail.ops.doctor.finding import Finding, Level, good, stop, unasked, warn
from balintmail.sending import dkim_keys

LITTLE_ROOM, ROOM = 100 << 20, 1 << 30  # bytes; a journal line takes 200, a backup as much as the register
BACKUP_EVERY = timedelta(days=7)
_NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ncpfs", "fuse.glusterfs"})
_MOST_NAMED = 3
_FULL = {"full", "extra"}
_SAFE_COMMITS = {"on", "local", "remote_write", "remote_apply"}  # each waits for this server's own disk


def durability(found: Durability) -> list[Finding]:
    """Return whether a commit that returned has reached the disk."""
    settings = found.settings
    said = ", ".join(f"{name} = {value}" for name, value in settings.items())
    if found.engine == "sqlite":
        wrong = [] if settings["journal_mode"] == "wal" else ["journal_mode is not WAL"]
        wrong += [] if settings["synchronous"] in _FULL else ["synchronous is not FULL"]
        hint = "The database's folder may lie where SQLite cannot work, such as a network share: move it."
    else:
        wrong = [f"{name} is off" for name in ("fsync", "full_page_writes") if settings[name] != "on"]
        wrong += [] if settings["synchronous_commit"] in _SAFE_COMMITS else ["synchronous_commit is off"]
        hint = "Turn it on in postgresql.conf: without it a power cut can lose who has a letter already."
    if wrong:
        return [stop("durability", f"What is committed may be lost in a power cut: {', '.join(wrong)}.", hint)]
    return [good("durability", f"What is committed stays ({found.engine}: {said}).")]


def place(file: Path, mounts: str) -> list[Finding]:
    """Return whether SQLite's file lies on a disk of this machine; `mounts` is the text of /proc/mounts."""
    best = ("", "")
    for line in mounts.splitlines():
        parts = line.split(" ")
        if len(parts) < 3:
            continue
        point = parts[1].replace("\\040", " ")
        if (str(file) + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best[0]):
            best = (point, parts[2])
    if best[1] in _NETWORK:
        message = f"The database lies on a network share ({best[1]}), where SQLite cannot keep its promises."
        return [stop("database_place", message, "Move it to a disk of this machine, or take PostgreSQL.")]
    return []


def room(
    folders: dict[str, Path], free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free
) -> list[Finding]:
    """Return whether there is room where we write; `folders` by what they hold."""
    found: list[Finding] = []
    told: set[int] = set()
    for what, path in folders.items():
        try:
            left, device = free(path), path.stat().st_dev
        except OSError as exc:
            found.append(unasked("disk_unknown", f"the room for {what}: {os.strerror(exc.errno or 0)}."))
            continue
        if device in told:
            continue
        told.add(device)
        message = f"{left / (1 << 30):.1f} GB are free for {what}."
        if left < ROOM:
            message = f"{left >> 20} MB are free for {what}."
        if left < LITTLE_ROOM:
            found.append(stop("disk", message, "Make room: without it sending stops at the next letter."))
        elif left < ROOM:
            found.append(warn("disk", message, "Make room before it runs out."))
        else:
            found.append(good("disk", message))
    return found


def backup(made_at: datetime | None, *, now: datetime) -> list[Finding]:
    """Return whether `balintmail backup` was run lately; copies made otherwise are not known."""
    hint = "Let cron run every night: balintmail backup FILE"
    if made_at is None:
        return [warn("backup", "No backup was ever made with balintmail backup.", hint)]
    days = max(0, (now - made_at).days)
    when = "today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    if now - made_at > BACKUP_EVERY:
        return [warn("backup", f"The last backup was made {when}.", hint)]
    return [good("backup", f"The last backup was made {when}.")]


def modes(folder: Path, database: Path | None, *, user: int | None = None) -> list[Finding]:
    """Return which files of the instance others can read, and which belong to somebody else (J9)."""
    user = os.getuid() if user is None else user
    open_keys: list[Path] = []
    open_files: list[Path] = []
    foreign: list[Path] = []
    shut: list[Path] = []
    for path, is_key in _files(folder, database):
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        except OSError:
            shut.append(path)
            continue
        if stat.S_IMODE(status.st_mode) & 0o077:
            (open_keys if is_key else open_files).append(path)
        if status.st_uid != user:
            foreign.append(path)
    found = [_opened(paths, folder, Level.STOP) for paths in (open_keys,) if paths]
    found += [_opened(paths, folder, Level.WARN) for paths in (open_files,) if paths]
    if foreign:
        message = f"{_named(foreign, folder)} belong to another user than the one who asks."
        found.append(warn("file_owner", message, "Let one user run every command, cron's among them."))
    if shut:
        found.append(unasked("file_modes_unknown", f"who can read {_named(shut, folder)}."))
    return found or [good("file_modes", "Nobody else on this machine can read the files of the instance.")]


def _opened(paths: list[Path], folder: Path, level: Level) -> Finding:
    message = f"Others on this machine can read {_named(paths, folder)}."
    hint = f"Run: chmod -R go= {folder}"
    if level is Level.STOP:
        return stop("file_modes", message, f"{hint}   (and make new keys if somebody may have read them)")
    return warn("file_modes", message, hint)


def _files(folder: Path, database: Path | None) -> Iterator[tuple[Path, bool]]:
    """Yield what holds people's data or secrets, and whether it is a key; a full outbox is judged by its folder."""
    yield folder / SECRETS_FILE, True
    keys = folder / dkim_keys.FOLDER
    for path in sorted(keys.glob("*.pem")):
        yield path, True
    for name in (SETTINGS_FILE, "journal", "outbox", "files", dkim_keys.FOLDER):
        yield folder / name, False
    for path in sorted((folder / "journal").glob("*")):
        yield path, False
    if database is not None:
        for ending in ("", "-wal", "-shm"):
            yield database.with_name(database.name + ending), False


def _named(paths: list[Path], folder: Path) -> str:
    names = [str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in paths]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
