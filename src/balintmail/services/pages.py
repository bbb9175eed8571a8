"""The society's own pages: Markdown files in the instance's `pages/`, shown on the site, their history in the register.

    pages/about.md ──► composing/site_page.py ──► /pages/about      pages/about.de.md: the same page in German

The file is what counts, whoever wrote it; what it said before is kept (db/pages.py), also of a change that was made
with an editor. A page that cannot be read is not shown and keeps no other from being shown. It runs nothing of a page.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from balintmail.composing import site_page
from balintmail.composing.refusals import FileUnreadable, LetterError
from balintmail.composing.site_page import PageText
from balintmail.db import audit
from balintmail.db import pages as rows
from balintmail.db.pages import VersionRow
from balintmail.domain.states import Visibility
from balintmail.errors import Conflict, NotFound
from balintmail.services.context import Context

FOLDER, PICTURES = "pages", "pictures"
LARGEST = 500_000  # octets of one page
LARGEST_PICTURE = 5_000_000
MOST_PAGES = 500
BY_HAND = "somebody with an editor"  # who changed a file that no command wrote
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_FILE = re.compile(r"([a-z0-9][a-z0-9-]{0,59})(?:\.([a-z]{2,3}(?:-[A-Za-z0-9]{2,4})?))?\.md")
_PICTURE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_PLACES = {"home": "/", "contribute": "/contribute", "resources": "/resources"}  # pages that are part of another one


@dataclass(frozen=True, slots=True)
class Page:
    """One page in one language, "" where its file names none."""

    name: str
    language: str
    text: PageText

    @property
    def path(self) -> str:
        return path_of(self.name)


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file of the folder: what the site makes of it, or why it makes nothing of it."""

    file: str
    page: Page | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What a page's file says, with the digest by which an edit knows that nobody else was there in between."""

    file: str
    text: str

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.text.encode()).digest() if self.text else b""


class Shelf:
    """The pages of one instance, read when their files change; one for each process of the site."""

    def __init__(self, folder: Path, *, prefix: str = "", usual: str = "en") -> None:
        self._folder, self._prefix, self._usual = folder / FOLDER, prefix, usual
        self._seen: dict[str, tuple[tuple[int, int], PageFile]] = {}

    def files(self) -> list[PageFile]:
        """Return every file that should be a page, by name."""
        seen: dict[str, tuple[tuple[int, int], PageFile]] = {}
        for entry in _entries(self._folder):
            found = entry.stat(follow_symlinks=False)
            mark = (found.st_mtime_ns, found.st_size)
            known = self._seen.get(entry.name)
            seen[entry.name] = known if known and known[0] == mark else (mark, self._read(entry.name))
        self._seen = seen
        return [one for _, (_, one) in sorted(seen.items())]

    def page(self, name: str, language: str) -> Page | None:
        """Return a page that is meant for the site in the visitor's language, else in the usual one; or None."""
        return self._chosen(self._shown(), language).get(name)

    def menu(self, language: str) -> list[Page]:
        """Return the pages of the menu in their order."""
        chosen = self._chosen(self._shown(), language).values()
        return sorted(
            (one for one in chosen if one.text.in_menu and one.name != "home"),
            key=lambda one: (one.text.place, one.text.title),
        )

    def others(self, language: str) -> list[Page]:
        """Return the pages that are shown and stand in no menu, in their order."""
        chosen = self._chosen(self._shown(), language).values()
        return sorted(
            (one for one in chosen if not one.text.in_menu and one.name not in _PLACES),
            key=lambda one: (one.text.place, one.text.title),
        )

    def _shown(self) -> Iterable[Page]:
        for one in self.files():
            if one.page is not None and one.page.text.visibility is not Visibility.NONE:
                yield one.page

    def _chosen(self, pages: Iterable[Page], language: str) -> dict[str, Page]:
        """Return one page for each name: the visitor's language first, then the file without one, then any."""
        order = {language: 0, language.partition("-")[0]: 1, "": 2, self._usual: 3}
        found: dict[str, Page] = {}
        for one in sorted(pages, key=lambda one: (order.get(one.language, 4), one.language)):
            found.setdefault(one.name, one)
        return found

    def _read(self, file: str) -> PageFile:
        named = _FILE.fullmatch(file)
        if named is None:
            return PageFile(file, None, "a page's name is made of small letters, digits and hyphens, and ends in .md")
        try:
            text = _text(self._folder / file)
            said = site_page.read(text, file, link=self._link, picture=self._picture)
        except LetterError as exc:
            return PageFile(file, None, f"line {exc.line}: {exc.problem}" if exc.line else exc.problem)
        return PageFile(file, Page(named[1], named[2] or "", said))

    def _link(self, written: str) -> str:
        """Return where a local link leads: `/join` on this site, `about` and `about.md` to another page."""
        if written.startswith("/"):
            return self._prefix + written
        name, mark, place = written.partition("#")
        named = _FILE.fullmatch(name if name.endswith(".md") else f"{name}.md")
        return f"{self._prefix}{path_of(named[1])}{mark}{place}" if named else written

    def _picture(self, written: str) -> str:
        name = written.rpartition("/")[2]
        return f"{self._prefix}/pages/pictures/{quote(name, safe='')}"


def path_of(name: str) -> str:
    """Return where a page stands on the site."""
    return _PLACES.get(name, f"/pages/{name}")


def read(ctx: Context, name: str) -> Source:
    """Return what a page's file says; raise NotFound, FileUnreadable."""
    file = file_of(name)
    path = ctx.folder / FOLDER / file
    if not path.is_file() or path.is_symlink():
        hint = "See what there is: balintmail pages list"
        raise NotFound(f"There is no page {file.removesuffix('.md')}.", hint=hint)
    return Source(file, _text(path))


def file_of(name: str) -> str:
    """Return the file of a page that is called `about`, `about.md` or `about.de`; raise NotFound for another word."""
    file = name if name.endswith(".md") else f"{name}.md"
    if not _FILE.fullmatch(file):
        hint = "A name is made of small letters, digits and hyphens: about, or about.de for German."
        raise NotFound(f'"{name:.60}" is no name of a page.', hint=hint)
    return file


def check(file: str, text: str) -> PageText:
    """Return what a page would be; raise LetterError for what cannot stand on the site."""
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise FileUnreadable(file, 0, f"it is larger than {LARGEST:,} bytes.")
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise FileUnreadable(file, 0, "it holds what is no character, so it is no text.")
    return site_page.read(text, file, link=str, picture=str)


def edit(ctx: Context, name: str, text: str, *, was: bytes, by: str) -> int:
    """Write a page whose file had the digest `was` (empty: it is new); return the version's number.

    Raises LetterError for a page that cannot be shown, Conflict when somebody else has changed the file since; nothing
    is written then.
    """
    file, path = file_of(name), ctx.folder / FOLDER / file_of(name)
    text = text.replace("\r\n", "\n")
    check(file, text)
    note_changes(ctx)
    _refuse_changed(path, file, was)
    with ctx.db.write() as tx:
        digest = Source(file, text).digest
        if rows.latest(tx).get(file) == digest:
            return rows.history(tx, file)[0].number
        number = rows.add(tx, file, text, digest, actor=by, now=ctx.clock.now())
        audit.note(tx, "page changed", actor=by, now=ctx.clock.now(), detail={"page": file, "version": number})
        _write(path, text)  # within the transaction: a disk that is full leaves no version that never was
    return number


def remove(ctx: Context, name: str, *, by: str) -> int:
    """Take a page away, its history stays; return the version's number; raise NotFound."""
    source = read(ctx, name)
    note_changes(ctx)
    with ctx.db.write() as tx:
        number = rows.add(tx, source.file, "", b"", actor=by, now=ctx.clock.now())
        audit.note(tx, "page removed", actor=by, now=ctx.clock.now(), detail={"page": source.file})
        (ctx.folder / FOLDER / source.file).unlink(missing_ok=True)
    return number


def history(ctx: Context, name: str) -> list[VersionRow]:
    """Return a page's versions, the newest first; raise NotFound for a page that never was."""
    file = file_of(name)
    note_changes(ctx)
    with ctx.db.read() as tx:
        found = rows.history(tx, file)
    if not found:
        raise NotFound(f"There is no page {name}, and there never was.", hint="See: balintmail pages list")
    return found


def version(ctx: Context, name: str, number: int) -> VersionRow:
    """Return one version of a page; raise NotFound."""
    with ctx.db.read() as tx:
        found = rows.version(tx, file_of(name), number)
    if found is None:
        hint = f"See which there are: balintmail pages history {name}"
        raise NotFound(f"The page {name} has no version {number}.", hint=hint)
    return found


def note_changes(ctx: Context) -> list[str]:
    """Keep what was changed in the folder by hand; return the files. It only reads unless something was."""
    folder = ctx.folder / FOLDER
    now_there = {}
    for entry in _entries(folder):
        if _FILE.fullmatch(entry.name):
            try:
                now_there[entry.name] = Source(entry.name, _text(folder / entry.name))
            except FileUnreadable:
                continue  # `pages list` tells of it; what it said before stays its newest version
    with ctx.db.read() as tx:
        known = rows.latest(tx)
    gone = [name for name, digest in known.items() if digest and not (folder / name).exists()]
    changed = [one for name, one in now_there.items() if known.get(name, b"") != one.digest]
    if not gone and not changed:
        return []
    with ctx.db.write() as tx:
        known = rows.latest(tx)
        for one in changed:
            if known.get(one.file, b"") != one.digest:
                rows.add(tx, one.file, one.text, one.digest, actor=BY_HAND, now=ctx.clock.now())
        for name in gone:
            if known.get(name):
                rows.add(tx, name, "", b"", actor=BY_HAND, now=ctx.clock.now())
    return sorted([*gone, *(one.file for one in changed)])


def picture(folder: Path, name: str) -> bytes:
    """Return the octets of a picture in `pages/pictures`; raise NotFound."""
    path = folder / FOLDER / PICTURES / name
    if not _PICTURE.fullmatch(name) or path.is_symlink() or not path.is_file():
        raise NotFound("There is no such picture here.")
    if path.stat().st_size > LARGEST_PICTURE:
        raise NotFound("That picture is too large to be shown.")
    return path.read_bytes()


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    """Return the folder's files that end in .md, links left out; none where there is no folder."""
    try:
        with os.scandir(folder) as found:
            every = [one for one in found if one.name.endswith(".md") and one.is_file(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(every, key=lambda one: one.name)[:MOST_PAGES]


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError as exc:
        raise FileUnreadable(path.name, 0, "it cannot be read.") from exc
    if raw is None:
        raise FileUnreadable(path.name, 0, f"it is larger than {LARGEST:,} bytes.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise FileUnreadable(path.name, 0, "it is not UTF-8 text.", hint="Save it as UTF-8.") from exc
    if "\0" in text:
        raise FileUnreadable(path.name, 0, "it holds a NUL, so it is no text.")
    return text.replace("\r\n", "\n")


def _refuse_changed(path: Path, file: str, was: bytes) -> None:
    there = Source(file, _text(path)).digest if path.is_file() else b""
    if there != was:
        hint = "Nothing was written. Look at it anew: balintmail pages show " + file.removesuffix(".md")
        raise Conflict(f"{file} was changed in the meantime.", hint=hint)


def _write(path: Path, text: str) -> None:
    """Put the file in its place whole, or leave the old one there."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
