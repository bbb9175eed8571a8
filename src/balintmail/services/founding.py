"""Found an instance: its folder, settings, secrets and database, the Secretary and the first list.

It never overwrites a file, and a founding that fails half-way leaves nothing behind: everything is made in a folder
of its own and moved into place at the end, `balintmail.toml` last.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from balintmail.clock import Clock
from balintmail.config import SECRETS_FILE, SETTINGS_FILE, load
from balintmail.db import addresses as address_rows
from balintmail.db import audit, lists, meta, officers, people
from balintmail.db.migrations import upgrade
from balintmail.db.session import SCHEMA, Database, DatabaseError, sqlite_file
from balintmail.domain import address as addresses
from balintmail.domain import hygiene, names
from balintmail.domain import public_address as site
from balintmail.domain.list_id import list_id
from balintmail.domain.states import Policy, Role
from balintmail.errors import Conflict, UsageRefused
from balintmail.services import founding_pages
from balintmail.services.founding_files import FOLDERS, SettingsText, secrets_toml, settings_toml

DATABASE_FILE = "balintmail.db"
LIST_SLUG = "newsletter"
_STAGING = ".balintmail-init"


@dataclass(frozen=True, slots=True)
class Answers:
    """What a society says of itself when it begins; checked by `found`."""

    society: str
    secretary_name: str
    secretary_address: str
    timezone: str = "Europe/London"
    url: str = ""
    postal_address: str = ""
    database: str = ""


@dataclass(frozen=True, slots=True)
class Founded:
    """What was made."""

    folder: Path
    secretary: int
    list_id: str
    files: tuple[str, ...]


def found(folder: Path, answers: Answers, *, clock: Clock, actor: str) -> Founded:
    """Make a new instance in `folder`.

    Raises UsageRefused for an answer that cannot be, Conflict where there is something already.
    """
    answers = checked(answers)
    with _empty_place(folder) as staging:
        text = _settings_text(answers)
        _write(staging / SETTINGS_FILE, settings_toml(text))
        _write(staging / SECRETS_FILE, secrets_toml(text, tokens=secrets.token_hex(32), erasure=secrets.token_hex(32)))
        settings = load(staging).settings
        database = Database(sqlite_file(Database.parse(settings.database.url), staging))
        if not answers.database:
            _write(staging / DATABASE_FILE, "")  # SQLite fills it, and gives the files beside it the same rights
        pages = founding_pages.starting(folder)
        try:
            person, list_id = _fill(database, answers, clock=clock, actor=actor)
            with database.write() as tx:
                founding_pages.enter(tx, pages, actor=actor, now=clock.now())
        finally:
            database.close()
        made = _move_into_place(staging, folder, pages)
    return Founded(folder, person, list_id, made)


def checked(answers: Answers) -> Answers:
    """Return the answers cleaned of stray spaces; raise UsageRefused naming the first that cannot be."""
    return Answers(
        society=society_name(answers.society),
        secretary_name=secretary_name(answers.secretary_name),
        secretary_address=secretary_address(answers.secretary_address),
        timezone=time_zone(answers.timezone),
        url=public_address(answers.url),
        postal_address=_line("the postal address", answers.postal_address),
        database=answers.database,
    )


def society_name(text: str) -> str:
    """Return the society's name, spaces tidied."""
    return _name("the society's name", text)


def secretary_name(text: str) -> str:
    """Return the Secretary's name, spaces tidied."""
    return _name("the Secretary's name", text)


def secretary_address(text: str) -> str:
    """Return the Secretary's address as people see it."""
    try:
        return addresses.parse(text).text
    except addresses.AddressRefused as exc:
        raise UsageRefused(
            f"The Secretary's address cannot be mailed to: {exc.reason}.",
            hint="An address looks like secretary@balint.example.org.",
        ) from exc


def time_zone(text: str) -> str:
    """Return the name of a time zone that this machine knows."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        city = text.strip().replace(" ", "_").casefold()
        near = sorted(name for name in available_timezones() if city and name.casefold().endswith(f"/{city}"))
        hint = f'Write it "{near[0]}".' if near else 'Write one such as "Europe/London" or "Pacific/Auckland".'
        raise UsageRefused(f'There is no time zone "{text}".', hint=hint) from exc
    return text


def public_address(text: str) -> str:
    """Return the site's public address without a slash at its end, or nothing when there is none."""
    try:
        return site.read(text)
    except ValueError as exc:
        raise UsageRefused(
            f'"{text}" is no public address.', hint="It is written like https://balint.example.org; it may be left out."
        ) from exc


def _name(what: str, text: str) -> str:
    line = _line(what, text)
    if not line:
        raise UsageRefused(f"{what[0].upper()}{what[1:]} is empty.")
    return line


def _line(what: str, text: str) -> str:
    """Return `text` as one clean line; refuse what would break a header (group A)."""
    try:
        return hygiene.one_line(text, what=what)
    except hygiene.TextRefused as exc:
        raise UsageRefused(exc.message, hint="Type it anew, in one line.") from exc


def _settings_text(answers: Answers) -> SettingsText:
    secret = bool(answers.database) and Database.parse(answers.database).password is not None
    return SettingsText(
        answers.society,
        answers.url,
        answers.timezone,
        postal_address=answers.postal_address,
        database=answers.database,
        database_is_secret=secret,
    )


@contextmanager
def _empty_place(folder: Path) -> Iterator[Path]:
    """Yield a staging folder inside `folder`; afterwards no trace of it is left, nor of folders made for nothing."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as exc:
        raise Conflict(f"{folder} is a file; an instance needs a folder.") from exc
    handle = os.open(folder, os.O_RDONLY)
    staging = folder / _STAGING
    finished = False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # two foundings in one folder: the second waits and then sees the first
        _refuse_what_is_there(folder)
        shutil.rmtree(staging, ignore_errors=True)  # of an init that was killed
        staging.mkdir(mode=0o700)
        yield staging
        finished = True
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        os.close(handle)
        if not finished:
            for path in made:
                with suppress(OSError):
                    path.rmdir()


def _refuse_what_is_there(folder: Path) -> None:
    for name in (SETTINGS_FILE, SECRETS_FILE, DATABASE_FILE):
        if os.path.lexists(folder / name):
            hint = "Nothing was changed. Give another folder, or work with this one: balintmail config show"
            raise Conflict(f"{folder} holds {name} already; init never overwrites.", hint=hint)
    for name in FOLDERS:
        path = folder / name
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise Conflict(f"{path} is in the way: a folder of that name is needed.", hint="Nothing was changed.")
    for name in ("journal", "outbox/new"):
        if (folder / name).is_dir() and any((folder / name).iterdir()):
            hint = "Nothing was changed. Restore that instance from its backup, or give another folder."
            raise Conflict(f"{folder / name} holds the record of an earlier instance.", hint=hint)


def _write(path: Path, text: str) -> None:
    """Write a new file that only its owner may read, down to the disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _fill(database: Database, answers: Answers, *, clock: Clock, actor: str) -> tuple[int, str]:
    """Make the schema and its first rows; return the Secretary's id and the List-Id."""
    existing = database.schema()
    if existing is None:
        upgrade(database)
    elif existing != SCHEMA:
        raise DatabaseError("That database holds an older or newer register already.", hint="Nothing was changed.")
    now = clock.now()
    identity = list_id(LIST_SLUG, answers.url, answers.secretary_address)
    with database.write() as tx:
        if people.any_rows(tx) or lists.every(tx):
            raise Conflict("That database holds a register already; init never overwrites.", hint="Nothing was made.")
        name = answers.secretary_name
        person = people.insert(tx, {"name": name, "first_name": names.first_name(name)}, now=now)
        address = addresses.parse(answers.secretary_address)
        address_rows.link(tx, person, address_rows.ensure(tx, address, now=now))
        officers.appoint(tx, person, Role.SECRETARY, now=now)
        lists.insert(tx, _first_list(identity, now))
        audit.note_person(tx, person, "founded", actor=actor, now=now)
        meta.put(tx, meta.INSTANCE_ID, uuid4().hex)
    return person, identity


def _first_list(identity: str, now: datetime) -> dict[str, object]:
    """Return the columns of the list that everybody begins with: the Secretary decides who joins."""
    return {
        "slug": LIST_SLUG,
        "name": "Newsletter",
        "list_id": identity,
        "policy": Policy.APPROVE,
        "is_default": True,
        "created_at": now,
    }


def _move_into_place(staging: Path, folder: Path, pages: dict[str, str]) -> tuple[str, ...]:
    """Move what was made to its place, the settings last; take everything back when one step fails."""
    placed: list[Path] = []
    names = [path.name for path in staging.iterdir() if path.name != SETTINGS_FILE]
    try:
        for name in FOLDERS:
            if not (folder / name).is_dir():
                (folder / name).mkdir(mode=0o700)
                placed.append(folder / name)
        founding_pages.write(folder, pages, placed)
        for name in [*sorted(names), SETTINGS_FILE]:
            (staging / name).rename(folder / name)
            placed.append(folder / name)
    except BaseException:
        for path in reversed(placed):
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        raise
    return tuple(sorted([*names, SETTINGS_FILE]))
