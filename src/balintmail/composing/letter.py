"""Read a newsletter file: front matter with the keys of docs/newsletter-format.md, then Markdown.

It renders nothing and opens no picture or attachment. Every fault names file and line; a file that is not text is
refused, while UTF-8 with or without a byte order mark, UTF-16 with one, and any kind of line end are read.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from balintmail.composing.frontmatter import Entry, read_front_matter
from balintmail.composing.refusals import (
    FileUnreadable,
    FrontMatterRefused,
    LetterError,
    NumberMissing,
    TitleMissing,
    raise_first,
)
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.states import MailingKind, Visibility
from balintmail.domain.times import YEARS

LARGEST = 2_000_000  # octets of a newsletter file; a long one has 40,000
LONGEST_TITLE = 500  # characters; mail programs show about 60
KEYS = (
    "title",
    "number",
    "slug",
    "list",
    "preheader",
    "from",
    "reply_to",
    "date",
    "attachments",
    "visibility",
    "language",
)
_NUMBER = re.compile(r"0{0,9}[1-9][0-9]{0,8}")
_SLUG = re.compile(r"(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")  # BCP 47, the shapes in use
_MAILBOX = re.compile(r"(?:\"(?P<quoted>[^\"]*)\"|(?P<plain>[^<>\"]*))\s*<(?P<address>[^<>]+)>")
_BYTE_ORDER = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_STRAY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name, which may be "", and a valid address whose local part is ASCII; `envelope` has its domain in A-labels."""

    name: str
    address: str
    envelope: str


@dataclass(frozen=True, slots=True)
class AttachmentName:
    """A file that the letter attaches, as written, and the line it stands on."""

    path: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One newsletter file.

    `number` is its identity on the list, a number or a slug. `list` is a list's slug, "" for the default one. `title`
    and `preheader` may hold merge fields. `lines` gives the line of each front matter key; `body_line` is the line of
    the file on which `body` begins. `source` is the whole file as text.
    """

    file: str
    folder: Path
    source: str
    body: str
    body_line: int
    title: str
    number: str
    list: str = ""
    preheader: str = ""
    sender: Mailbox | None = None
    reply_to: Mailbox | None = None
    date: date | datetime | None = None
    attachments: tuple[AttachmentName, ...] = ()
    visibility: Visibility = Visibility.PUBLIC
    language: str = ""
    lines: tuple[tuple[str, int], ...] = ()

    def line_of(self, key: str) -> int:
        """Return the line on which the front matter's `key` stands, 0 when it is not there."""
        return dict(self.lines).get(key, 0)


def read_letter(path: Path) -> Letter:
    """Return the letter in the file `path`; raise LetterError naming its line."""
    try:
        if path.stat().st_size > LARGEST:
            raise FileUnreadable(
                path.name, 0, f"it is larger than {LARGEST // 1_000_000} MB.", hint="Is it the letter?"
            )
        raw = path.read_bytes()
    except FileNotFoundError as exc:
        raise FileUnreadable(path.name, 0, "there is no such file.", hint=f"Looked for {path.absolute()}.") from exc
    except OSError as exc:
        raise FileUnreadable(
            path.name, 0, f"it cannot be opened: {exc.strerror or exc}.", hint=f"Looked for {path}."
        ) from exc
    return parse_letter(decode(raw, path.name), path.parent, path.name)


def decode(raw: bytes, name: str) -> str:
    """Return the text of a file's octets; raise FileUnreadable with the line that is not text."""
    encoding = next((encoding for mark, encoding in _BYTE_ORDER if raw.startswith(mark)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1 if encoding != "utf-16" else 0
        raise FileUnreadable(name, line, "it is not UTF-8 text.", hint="Save the file as UTF-8 and try again.") from exc
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise FileUnreadable(name, line, "it holds NUL characters.", hint="Save the file as UTF-8 and try again.")
    return text


def parse_letter(text: str, folder: Path, name: str, *, kind: MailingKind = MailingKind.NEWSLETTER) -> Letter:
    """Return the letter that `text` holds; local pictures and attachments are looked for in `folder`.

    A notice needs no number.
    """
    source = text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    matter = read_front_matter(source, name, KEYS)
    reading = _Reading(name, matter.entries, list(matter.problems), kind)
    letter = Letter(
        file=name,
        folder=folder,
        source=source,
        body=_STRAY.sub(" ", matter.body),
        body_line=matter.body_line,
        title=reading.title(),
        number=reading.number(),
        list=reading.matching("list", re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*"), "newsletter"),
        preheader=reading.line("preheader"),
        sender=reading.mailbox("from"),
        reply_to=reading.mailbox("reply_to"),
        date=reading.date(),
        attachments=reading.attachments(),
        visibility=reading.visibility(),
        language=reading.matching("language", _LANGUAGE, "en, or pt-BR"),
        lines=tuple((key, entry.line) for key, entry in matter.entries.items()),
    )
    raise_first(reading.problems)
    return letter


@dataclass(slots=True)
class _Reading:
    """Turns entries into typed values and notes every fault."""

    file: str
    entries: dict[str, Entry]
    problems: list[LetterError]
    kind: MailingKind

    def _fault(self, key: str, problem: str, hint: str = "") -> None:
        self.problems.append(FrontMatterRefused(self.file, self.entries[key].line, problem, hint=hint))

    def line(self, key: str) -> str:
        """Return the one-line text of `key`, "" when it is missing."""
        entry = self.entries.get(key)
        if entry is None:
            return ""
        if entry.text is None:
            self._fault(key, f'"{key}" must be one text.', f'Write {key}: "some words".')
            return ""
        text = entry.text.strip()
        if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp", "Cs"} for letter in text):
            self._fault(key, f'"{key}" holds a line break or a control character.', "Write it on one line.")
            return ""
        return text

    def title(self) -> str:
        title = self.line("title")
        if len(title) > LONGEST_TITLE:
            self._fault("title", f"the title is longer than {LONGEST_TITLE} characters.", "Say the rest in the letter.")
        elif not title and not any(problem.line == self._line("title") for problem in self.problems):
            self.problems.append(
                TitleMissing(self.file, self._line("title"), "there is no title.", hint='Add a line: title: "…"')
            )
        return title

    def number(self) -> str:
        number, slug = self.line("number"), self.line("slug")
        if number and slug:
            self._fault("slug", "there is a number and a slug; a letter has one of them.", "Take one of the lines out.")
        elif number:
            if not _NUMBER.fullmatch(number):
                self._fault(
                    "number", f'"{number:.40}" is not a number.', "Write number: 84, or a word as slug: spring-extra"
                )
            return number.lstrip("0")
        elif slug:
            if not _SLUG.fullmatch(slug) or len(slug) > 64:
                self._fault("slug", f'"{slug:.80}" is not a slug.', "Small letters, digits and hyphens: spring-extra")
        elif self.kind is not MailingKind.NOTICE and not any(
            problem.line and problem.line in {self._line("number"), self._line("slug")} for problem in self.problems
        ):
            self.problems.append(
                NumberMissing(self.file, 0, "there is neither a number nor a slug.", hint="Add a line: number: 84")
            )
        return number or slug

    def matching(self, key: str, shape: re.Pattern[str], example: str) -> str:
        text = self.line(key)
        if text and not shape.fullmatch(text):
            self._fault(key, f'"{text}" cannot be a {key}.', f"Write it like this: {key}: {example}")
            return ""
        return text

    def visibility(self) -> Visibility:
        text = self.line("visibility").lower() or Visibility.PUBLIC.value
        if text not in list(Visibility):
            self._fault("visibility", f'there is no visibility "{text}".', "Write public, members or none.")
            return Visibility.PUBLIC
        return Visibility(text)

    def date(self) -> date | datetime | None:
        text = self.line("date")
        if not text:
            return None
        try:
            found = date.fromisoformat(text) if len(text) <= 10 else datetime.fromisoformat(text)
        except ValueError:
            found = None
        if found is None or found.year not in YEARS:
            self._fault("date", f'"{text:.40}" is not a date.', "Write it like this: date: 2026-11-21")
            return None
        return found

    def mailbox(self, key: str) -> Mailbox | None:
        text = self.line(key)
        if not text:
            return None
        found = _MAILBOX.fullmatch(text)
        name = (found["quoted"] or found["plain"] or "").strip() if found else ""
        try:
            address = parse(found["address"] if found else text)
        except AddressRefused as exc:
            self._fault(key, f'"{key}" holds no valid address: {exc.reason}.', f"Write {key}: Name <name@example.org>")
            return None
        if address.needs_smtputf8:
            self._fault(key, f'"{key}" needs an address whose part before the @ is plain ASCII.')
            return None
        return Mailbox(name, address.text, address.envelope)

    def attachments(self) -> tuple[AttachmentName, ...]:
        entry = self.entries.get("attachments")
        if entry is None:
            return ()
        items = entry.items if entry.items is not None else [(entry.text or "", entry.line)]
        return tuple(AttachmentName(text.strip(), line) for text, line in items if text.strip())

    def _line(self, key: str) -> int:
        return self.entries[key].line if key in self.entries else 0
