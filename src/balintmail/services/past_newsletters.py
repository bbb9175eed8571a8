"""Take newsletters of earlier years into the archive: Markdown, HTML, PDF, mails and mailboxes, from a folder.

    file ──► read (pages, PDFs and mails in a process of their own) ──► day, number, title ──► compiled ──► entered

Each becomes a mailing that was sent on its day to nobody from here, so that shelves, search, feeds and copies know it
like any other. The same octets never come in twice, and a number that is taken stays what it is. It mails nobody.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path

from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.frontmatter import read_front_matter
from balintmail.composing.letter import KEYS, decode, parse_letter
from balintmail.composing.refusals import LetterError
from balintmail.composing.surroundings import Surroundings
from balintmail.db import audit, lists, mailings, past
from balintmail.db.lists import MailingListRow
from balintmail.db.past import NewPast
from balintmail.domain import archive as names
from balintmail.domain.archive import TextState
from balintmail.domain.states import Visibility
from balintmail.domain.times import YEARS
from balintmail.errors import BalintmailError, NotFound
from balintmail.receiving.past import Past, PastReader
from balintmail.receiving.pdf import PdfWords
from balintmail.services import files, search_index, surroundings
from balintmail.services.context import Context
from balintmail.services.letters import front_line
from balintmail.services.lists import known

LARGEST = 100_000_000  # octets of one file; a mailbox is read message by message
LARGEST_TEXT = 2_000_000
MOST_FILES = 20_000
DEEPEST = 8  # folders in folders
_LONGEST_TITLE = 300
_KINDS = {
    ".md": "markdown", ".markdown": "markdown", ".txt": "markdown", ".html": "page", ".htm": "page", ".pdf": "pdf",
    ".eml": "mail", ".mbox": "mailbox", ".mbx": "mailbox",
}  # fmt: skip
_HEADING = re.compile(r"(?m)^#\s+(.{1,300}?)\s*#*\s*$")
_PICTURE = re.compile(r"!\[((?:[^\[\]\\]|\\.)*)\]\([^)\n]*\)")
_FROM = re.compile(rb"(?m)^From [^\n]{3,200}\d{4}[^\n]{0,20}\r?\n(?=[A-Za-z][A-Za-z0-9-]{1,60}:)")
_BRACES = str.maketrans({"{": "&#123;", "}": "&#125;"})
_KEPT = ("preheader", "attachments", "language")


class Result(StrEnum):
    """What became of one newsletter."""

    NEW = "new"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be taken in: a folder or a file, for which list, and who may read it where it says nothing itself."""

    path: Path
    list: str = ""
    visibility: Visibility = Visibility.PUBLIC
    write: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """One newsletter that was found, and what became of it."""

    file: str
    result: Result
    number: str = ""
    on: date | None = None
    title: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Source:
    """One file, or one message of a mailbox."""

    name: str
    kind: str
    raw: bytes
    folder: Path

    @property
    def stem(self) -> str:
        return "" if self.kind == "mail" and " #" in self.name else Path(self.name).stem

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


class _Refused(Exception):
    """A file is no newsletter that can be taken in; the words say why."""


def take_in(ctx: Context, order: Order) -> Iterator[Taken]:
    """Yield what becomes of each newsletter in the folder, one after another; write only when the order says so.

    Raises NotFound when there is no such folder or list.
    """
    if not order.path.exists():
        raise NotFound(f"There is no file or folder {order.path}.")
    with ctx.db.read() as tx:
        of = known(tx, order.list) if order.list else lists.default_list(tx)
        if of is None:
            raise NotFound("There is no list to which the newsletters belong.", hint="Name one: --list LIST")
        around = surroundings.gather(ctx, tx, of)
    with _Desk(ctx, order, of, around) as desk:
        for source in _sources(order.path):
            yield source if isinstance(source, Taken) else desk.take(source)
    if order.write:
        search_index.keep_in_step(ctx)


class _Desk:
    """Takes newsletters in one by one; made for a `with` block, which ends the readers."""

    def __init__(self, ctx: Context, order: Order, of: MailingListRow, around: Surroundings) -> None:
        self._ctx, self._order, self._of, self._around = ctx, order, of, around
        self._seen: dict[str, str] = {}  # numbers of this run, and the files they come from
        self._digests: set[str] = set()
        self._stack = ExitStack()
        self._pages, self._pdfs = PastReader(), PdfWords()

    def __enter__(self) -> "_Desk":
        self._stack.enter_context(self._pages)
        self._stack.enter_context(self._pdfs)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def take(self, source: _Source) -> Taken:
        """Take one newsletter in, or say why not."""
        with self._ctx.db.read() as tx:
            there = past.known(tx, source.digest)
            row = mailings.by_id(tx, there) if there is not None else None
        if row is not None or source.digest in self._digests:
            number = row.number or "" if row else ""
            return Taken(source.name, Result.UNCHANGED, number, None, row.title if row else "")
        self._digests.add(source.digest)
        try:
            return self._entered(source, self._read(source))
        except _Refused as refused:
            return Taken(source.name, Result.REFUSED, reason=str(refused))
        except BalintmailError as exc:
            reason = exc.message.removeprefix(f"{Path(source.name).name}, ").removeprefix(f"{source.name}, ")
            return Taken(source.name, Result.REFUSED, reason=reason.rstrip("."))

    def _read(self, source: _Source) -> Past:
        if source.kind == "markdown":
            return Past(text=_text(source))
        if source.kind == "pdf":
            found = self._pdfs.read(source.raw)
            if found.state in {TextState.BROKEN, TextState.LOCKED}:
                raise _Refused(found.remark)
            text = "\n\n".join(_plain(page) for page in found.words.split("\f"))
            return Past(text=text.translate(_BRACES), title=found.title, on=found.made_on)
        read = self._pages.page(source.raw) if source.kind == "page" else self._pages.mail(source.raw)
        if read.why:
            raise _Refused(read.why)
        return read

    def _entered(self, source: _Source, found: Past) -> Taken:
        matter = _Matter(found.text, source)
        title = matter.title or found.title or matter.heading or source.stem
        title = "".join(letter if letter.isprintable() else " " for letter in title)
        title = " ".join(title.replace("{{", "{ {").replace("{%", "{ %").split())[:_LONGEST_TITLE]
        named = names.day_in_name(source.stem)
        # A PDF's own day is that of its last saving, so its name counts more.
        on = named or found.on if source.kind == "pdf" else matter.on or found.on or named
        if on is None:
            raise _Refused("it does not say when it came out: put the day into its name, such as 2019-03-01")
        if on.year not in YEARS or on > self._ctx.clock.now().astimezone(self._ctx.settings.zone).date():
            raise _Refused(f"{on.isoformat()} is no day on which it can have come out")
        number = matter.number or names.number_in_name(source.stem, title) or names.slug_of(source.stem or title)
        if not number:
            raise _Refused("it has no number and no name to know it by")
        self._refuse_taken(source, number)
        visibility = matter.visibility or self._order.visibility
        head = [front_line("title", title), _number_line(number), f"visibility: {visibility.value}"]
        text = "\n".join(["---", *head, *matter.kept(found.language), "---", "", matter.body])
        with tempfile.TemporaryDirectory(prefix="balintmail-past-") as beside:
            folder = _laid_out(found, Path(beside)) if found.files else source.folder
            letter, compiled = self._compiled(text, folder, source.name)
        taken = Taken(source.name, Result.NEW, number, on, title)
        self._seen[number] = source.name
        if self._order.write:
            self._write(source, taken, visibility, (letter, compiled))
        return taken

    def _refuse_taken(self, source: _Source, number: str) -> None:
        if number in self._seen:
            raise _Refused(f"{self._of.slug}/{number} comes from {self._seen[number]} already")
        with self._ctx.db.read() as tx:
            if mailings.by_number(tx, self._of.slug, number) is not None:
                raise _Refused(f"there is a {self._of.slug}/{number} already, with other content")

    def _compiled(self, text: str, folder: Path, name: str) -> tuple[str, Compiled]:
        """Return the letter's source and the compiled letter: as written, else without fields, else without pictures.

        What another program took for fields, and pictures that are lost, must not keep a newsletter out.
        """
        head, mark, body = text.partition("\n---\n")
        plain = head + mark + body.translate(_BRACES)
        tries = (text, plain, head + mark + _PICTURE.sub(r"\1", body).translate(_BRACES))
        for number, one in enumerate(tries):
            try:
                return one, compile_letter(parse_letter(one, folder, Path(name).name), self._around)
            except LetterError:
                if number == len(tries) - 1:
                    raise
        raise AssertionError("the last try raises")

    def _write(self, source: _Source, taken: Taken, visibility: Visibility, letter: tuple[str, Compiled]) -> None:
        ctx, (text, compiled) = self._ctx, letter
        if taken.on is None:
            raise _Refused("it does not say when it came out")
        kept = files.store(ctx, source.raw).digest if source.kind == "pdf" else None
        new = NewPast(
            list_id=self._of.id,
            number=taken.number,
            title=taken.title,
            visibility=visibility,
            at=datetime.combine(taken.on, time(12), ctx.settings.zone),
            source=text,
            compiled=compiled.dump(),
            content_hash=compiled.content_hash,
            digest=source.digest,
            file_name=Path(source.name).name,
            file=kept,
        )
        now = ctx.clock.now()
        with ctx.db.write() as tx:
            if past.known(tx, new.digest) is None and mailings.by_number(tx, self._of.slug, new.number) is None:
                number = past.add(tx, new, actor=ctx.actor, now=now)
                detail = {"file": new.file_name}
                audit.note_mailing(tx, number, "taken into the archive", actor=ctx.actor, now=now, detail=detail)


class _Matter:
    """What a text says of itself in its front matter, where it has one, and the words after it."""

    def __init__(self, text: str, source: _Source) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff").lstrip("\n")
        self.body, self._entries = text, {}
        self.title = self.number = ""
        self.on: date | None = None
        self.visibility: Visibility | None = None
        if re.match(r"---[ \t]*\n", text):
            matter = read_front_matter(text, source.name, KEYS)
            self.body, self._entries = matter.body.lstrip("\n"), matter.entries
            self._read()
        found = _HEADING.search(self.body[:5000])
        self.heading = found[1] if found else ""

    def _read(self) -> None:
        said = {key: (entry.text or "").strip() for key, entry in self._entries.items()}
        self.title = said.get("title", "")
        self.number = (said.get("number", "").lstrip("0") or said.get("slug", "")).lower()
        try:
            self.on = date.fromisoformat(said.get("date", "")[:10]) if said.get("date") else None
            self.visibility = Visibility(said["visibility"].lower()) if said.get("visibility") else None
        except ValueError as exc:
            raise _Refused("its date or visibility cannot be read") from exc

    def kept(self, language: str) -> list[str]:
        """Return the lines of the front matter that stay."""
        lines = []
        for key in _KEPT:
            entry = self._entries.get(key)
            if entry is not None and entry.items is not None:
                lines.append(f"{key}: [{', '.join(_quoted(text) for text, _ in entry.items)}]")
            elif entry is not None and entry.text:
                lines.append(front_line(key, entry.text))
        plain = re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?", language)
        return [*lines, front_line("language", language)] if plain and "language" not in self._entries else lines


def _sources(path: Path) -> Iterator[_Source | Taken]:
    """Yield the newsletters in a folder, in the order of their names; links are not followed."""
    for count, file in enumerate(_files(path, 0)):
        name = _readable(file.name if file == path else str(file.relative_to(path)))
        if count >= MOST_FILES:
            yield Taken(name, Result.REFUSED, reason=f"there are more than {MOST_FILES:,} files")
            return
        kind = _KINDS[file.suffix.lower()]
        try:
            if file.stat().st_size > (LARGEST_TEXT if kind == "markdown" else LARGEST):
                yield Taken(name, Result.REFUSED, reason="it is too large")
                continue
            raw = file.read_bytes()
        except OSError as exc:
            yield Taken(name, Result.REFUSED, reason=f"it cannot be opened: {exc.strerror or exc}")
            continue
        one = _Source(name, kind, raw, file.parent)
        if not raw.strip():
            yield Taken(name, Result.REFUSED, reason="it is empty")
        elif kind == "mailbox":
            yield from _messages(one)
        else:
            yield one


def _text(source: _Source) -> str:
    """Return the words of a text file; one that is no UTF-8 comes from the Windows of its time (windows-1252)."""
    try:
        return decode(source.raw, source.name)
    except LetterError:
        if b"\0" in source.raw or source.raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            raise
        return source.raw.decode("cp1252", "replace")


def _readable(name: str) -> str:
    """Return a file's name as text that can be kept and shown: some are no UTF-8, or hold control characters (A15)."""
    try:
        text = os.fsencode(name).decode("utf-8")
    except UnicodeDecodeError:
        text = os.fsencode(name).decode("cp1252", "replace")
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _files(path: Path, depth: int) -> Iterator[Path]:
    if path.is_symlink() and depth:
        return
    if path.is_file():
        if path.suffix.lower() in _KINDS:
            yield path
        return
    if path.is_dir() and depth <= DEEPEST:
        for one in sorted(path.iterdir(), key=lambda one: one.name):
            if not one.name.startswith("."):
                yield from _files(one, depth + 1)


def _messages(box: _Source) -> Iterator[_Source | Taken]:
    """Yield the messages of a mailbox (RFC 4155); `>From` at the beginning of a line was written by whoever kept it."""
    places = [found.span() for found in _FROM.finditer(box.raw)]
    ends = [*[start for start, _ in places[1:]], len(box.raw)]
    if not places:
        yield Taken(box.name, Result.REFUSED, reason="it is no mailbox: no message begins in it")
    for number, ((_, start), end) in enumerate(zip(places, ends[: len(places)], strict=True), start=1):
        raw = re.sub(rb"(?m)^>(?=>*From )", b"", box.raw[start:end]).rstrip(b"\r\n") + b"\n"
        yield replace(box, name=f"{box.name} #{number}", kind="mail", raw=raw)


def _plain(page: str) -> str:
    """Return a page of a PDF as Markdown: words alone, a paragraph where a line ended early."""
    lines = [re.sub(r"([\\`*_\[\]<>#|~^])", r"\\\1", line.strip()) for line in page.split("\n")]
    lines = [re.sub(r"^(\d{1,9})([.)])(?=\s)", r"\1\\\2", re.sub(r"^([-+=:])", r"\\\1", line)) for line in lines]
    widest = max((len(line) for line in lines), default=0)
    text = ""
    for line in lines:
        text += line + ("\n\n" if not line or len(line) < widest * 0.6 else "\n")
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _number_line(number: str) -> str:
    return f"number: {number}" if number.isdigit() else f"slug: {number}"


def _quoted(text: str) -> str:
    return front_line("x", text).partition(": ")[2]


def _laid_out(found: Past, folder: Path) -> Path:
    for name, octets in found.files:
        if Path(name).name == name:
            (folder / name).write_bytes(octets)
    return folder
