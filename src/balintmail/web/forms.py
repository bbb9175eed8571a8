"""Read what a visitor posted, within limits, and tell people from programs.

The gate has taken in the body within its own limits before a route is called. It never validates a noun's own fields:
that is the noun's. Cookies are not needed: a form carries a signed stamp of the moment it was handed out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl

from fastapi import Depends
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser
from starlette.exceptions import HTTPException
from starlette.requests import Request

from balintmail.domain import stamps
from balintmail.domain.stamps import Stamped
from balintmail.web.site import site

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS = 200  # D12
STAMP = "stamp"  # the hidden field's name
TRAP = "website"  # a field that nobody sees and programs fill in
URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that came with a form; its name and its type prove nothing."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """What came in: each field with its values, in the order in which they came, and the files."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, tuple[SentFile, ...]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the field's first value, "" when there is none; a repeated field says nothing more (D25)."""
        return self.values.get(name, ("",))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field that may have several, each once."""
        return tuple(dict.fromkeys(self.values.get(name, ())))

    def ticked(self, name: str) -> bool:
        """Say whether a box was ticked: its field came, with any value."""
        return bool(self.text(name))

    @property
    def trapped(self) -> bool:
        """Whether the field that nobody sees was filled in."""
        return bool(self.text(TRAP))


class FormErrors:
    """What is to be put right, by field, in the order in which it was found and in the visitor's language."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}

    def add(self, name: str, words: str) -> None:
        """Say `words` of the field `name`; only the first thing said of a field counts."""
        self._words.setdefault(name, words)

    def of(self, name: str) -> str:
        """Return what is to be said of the field `name`, "" for nothing."""
        return self._words.get(name, "")

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._words.items())

    def __len__(self) -> int:
        return len(self._words)


def form_token(request: Request, form: str) -> str:
    """Return the stamp for a form called `form` that is handed out now."""
    ctx = site(request).ctx
    return stamps.make(form, now=ctx.clock.now(), key=ctx.keyring.tokens)


def stamped(request: Request, posted: Form, form: str) -> Stamped:
    """Return what the stamp in `posted` says of the form called `form`."""
    ctx = site(request).ctx
    return stamps.judge(posted.text(STAMP), form, now=ctx.clock.now(), keys=ctx.keyring.verifying)


def read_form(request: Request) -> Form:
    """Return the posted fields of a urlencoded or multipart body.

    Raises HTTPException: 415 for another type of body, 400 for one that cannot be read, 413 for too many fields.
    """
    body: bytes = request.state.body
    content_type = _content_type(request.headers.get("content-type", ""))
    kind = content_type.get_content_type()
    if not body:
        return Form()
    files: dict[str, tuple[SentFile, ...]] = {}
    if kind == URLENCODED:
        pairs = _urlencoded(body)
    elif kind == MULTIPART:
        parts = _multipart(body, content_type.get_boundary() or "")
        pairs = parts.pairs
        for name, file in parts.files:
            files[name] = (*files.get(name, ()), file)
    else:
        raise HTTPException(415)
    found: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        found[name] = (*found.get(name, ()), value)
    return Form(found, files)


async def _posted(request: Request) -> Form:
    """Read the form in the loop itself: a thread would cost more than the reading."""
    return read_form(request)


Posted = Annotated[Form, Depends(_posted)]


def _content_type(text: str) -> Message:
    """Return a header's parsed content type; a missing or unreadable one is text/plain."""
    message = Message()
    message["Content-Type"] = "".join(letter for letter in text[:500] if letter.isprintable())
    return message


def _urlencoded(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as exc:  # nothing else is refused
        raise HTTPException(413) from exc


def _multipart(body: bytes, boundary: str) -> "_Parts":
    parts = _Parts()
    try:
        if not 1 <= len(boundary) <= 70:  # RFC 2046 section 5.1.1
            raise HTTPException(400)
        parser = MultipartParser(boundary.encode("utf-8"), parts.callbacks())
        parser.write(body)
        parser.finalize()
    except (FormParserError, UnicodeError) as exc:
        raise HTTPException(400) from exc
    if not parts.ended:
        raise HTTPException(400)
    return parts


class _Parts:
    """Gathers the text fields and the files of a multipart body; a file that was not chosen is none."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []
        self.files: list[tuple[str, SentFile]] = []
        self.ended = False
        self._field, self._value = b"", b""
        self._headers = Message()
        self._data = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self.part_begin,
            "on_header_field": self.header_field,
            "on_header_value": self.header_value,
            "on_header_end": self.header_end,
            "on_part_data": self.part_data,
            "on_part_end": self.part_end,
            "on_end": self.end,
        }

    def part_begin(self) -> None:
        if len(self.pairs) + len(self.files) >= MOST_FIELDS:
            raise HTTPException(413)
        self._headers, self._data = Message(), bytearray()

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        name = self._field.decode("latin-1")
        if name.lower() == "content-disposition":
            self._headers[name] = self._value.decode("utf-8", "replace")
        self._field, self._value = b"", b""

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def part_end(self) -> None:
        name, file = self._headers.get_param("name", header="content-disposition"), self._headers.get_filename()
        if not isinstance(name, str):
            return
        if file is None:
            self.pairs.append((name, self._data.decode("utf-8", "replace")))
        elif file or self._data:
            self.files.append((name, SentFile(file, bytes(self._data))))

    def end(self) -> None:
        self.ended = True
