"""Read CSV, TSV and lists of addresses: guess the encoding and the delimiter, then stream the rows.

It holds one row at a time, whatever the file's size, and follows RFC 4180 for quotes.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TextIO

from balintmail.ops.importers.table import FileRefused, Limits, Line, Table

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with the other one's
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|", "none": ""}
# A line of a plain list: `Kiss, Anna <anna@example.org>`, whose comma divides nothing, or an address alone.
_LISTED = re.compile(r"\s*([^<>@]*<[^<>\s@]+@[^<>\s@]+>|[^\s<>@,;|]+@[^\s<>@,;|]+(\s+\([^()@]*\))?)\s*")
_CONTROLS = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_SAMPLE_BYTES = 200_000
_SAMPLE_ROWS = 50
_CHUNK = 1 << 20

# The encodings of spreadsheets between London, Berlin and Budapest, the likeliest first: of two equal ones it wins.
_CANDIDATES = ("cp1252", "cp1250", "iso8859_2", "cp852", "mac_roman")


def read(path: Path, limits: Limits, *, encoding: str = "", delimiter: str | None = None) -> Table:
    """Return the table in `path`; raise FileRefused when it is no text or not in that encoding."""
    encoding = _known(encoding) if encoding else guess_encoding(path)
    with _open(path, encoding) as file:
        sample = _decoded(file.read, encoding, _SAMPLE_BYTES)
    odd, many = _CONTROLS.findall(sample), len(sample) // 20  # a few may be odd names, a file full of them is no text
    if odd.count("\0") > many or len(odd) > max(many, 40):
        raise FileRefused(f"{path.name} is not a text file.", hint="CSV, TSV, XLSX and JSON are read.")
    if delimiter is None:
        delimiter = guess_delimiter(sample)
    shape = f"{_kind(delimiter)}, {_shown(encoding)}" + (
        f", {DELIMITERS[delimiter]}" if delimiter in ",;|" and delimiter else ""
    )
    return Table(shape, _rows(path, encoding, delimiter, limits))


def guess_encoding(path: Path) -> str:
    """Return a file's encoding: by its byte order mark, as UTF-8 if it is valid, else the likeliest of the rest."""
    with path.open("rb") as file:
        start = file.read(4096)
        marked = next((name for mark, name in _BOMS if start.startswith(mark)), None) or _wide(start)
        if marked is not None:
            return marked
        file.seek(0)
        return "utf-8" if _is_utf8(file) else _eight_bit(_odd_lines(file))


def _is_utf8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _odd_lines(file: BinaryIO) -> bytes:
    """Return lines with bytes beyond ASCII, a sample of them: only these tell encodings apart."""
    file.seek(0)
    odd: list[bytes] = []
    size = 0
    while size < _SAMPLE_BYTES and (chunk := file.read(_CHUNK)):
        found = [line for line in chunk.splitlines() if not line.isascii()]
        odd.extend(found)
        size += sum(map(len, found))
    return b"\n".join(odd)[:_SAMPLE_BYTES]


def _wide(start: bytes) -> str | None:
    """Return the encoding of UTF-16 without a mark: every other byte of Western text is zero."""
    if len(start) < 4 or (len(start) % 2 and len(start) < 4096):
        return None
    even, odd = start[::2].count(0), start[1::2].count(0)
    half = len(start) // 2
    if odd > half * 0.6 and even < half * 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > half * 0.6 and odd < half * 0.1 else None


def _eight_bit(sample: bytes) -> str:
    """Return the likeliest encoding of one byte a letter.

    Hungarian ő and ű (and Polish letters) are the bytes that Western Europe reads as õ, û or signs; one name such as
    "Szőke" decides it, which a statistic over a few names cannot. That statistic answers for other alphabets.
    """
    scores = {encoding: score for encoding in _CANDIDATES if (score := _score(sample, encoding)) is not None}
    best = max(scores, key=lambda encoding: scores[encoding])
    if scores[best] < 0:
        from charset_normalizer import from_bytes  # noqa: PLC0415  (20 ms; most files are UTF-8)

        found = from_bytes(sample).best()
        return found.encoding if found is not None else best
    return best


_COMMON = frozenset("áéíóöúüÁÉÍÓÖÚÜäÄßàâçèêëîïôùÀÂÇÈÊËÎÔÙñÑåÅøØæÆœŒ")
_CENTRAL = frozenset("őűŐŰąćęłńśźżĄĆĘŁŃŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽăâîșțđĐ")
_MARKS = frozenset("–—‘’‚“”„…€·«»§°")


def _score(sample: bytes, encoding: str) -> int | None:
    """Return how much the sample looks like names: their letters count for it, other letters and signs against it."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return None
    score = 0
    for before, letter, after in zip(" " + text, text, text[1:] + " ", strict=False):
        if letter < "\x80":
            continue
        if letter in _COMMON or letter in _CENTRAL:
            score += 2
        elif letter in _MARKS:
            inside = before.isalpha() and after.isalpha() and letter != "’"
            score += -3 if inside else 1
        elif letter.isalpha():
            score -= 1
        else:
            score -= 3
        if letter.isupper() and before.islower():
            score -= 2  # "SzŐke" is no name
    return score


def guess_delimiter(sample: str) -> str:
    """Return the delimiter that cuts most rows of `sample` into the same number of columns; "" for a plain list."""
    first = sample.partition("\n")[0].strip().strip('"').lower()
    if first.startswith("sep=") and len(first) == 5:
        return first[4]
    shown = [line for line in sample.splitlines()[:_SAMPLE_ROWS] if line.strip()]
    if shown and all(_LISTED.fullmatch(line) for line in shown[: -1 if len(shown) > 1 else None]):
        return ""
    best, best_score = "", 0.0
    whole = sample if len(sample) < _SAMPLE_BYTES else sample.rpartition("\n")[0]
    for delimiter in DELIMITERS:
        widths: list[int] = []
        with suppress(csv.Error):  # a sample may end, or go wrong, inside a quotation; what came before tells enough
            widths.extend(len(row) for row in islice(_reader(whole, delimiter), _SAMPLE_ROWS) if row)
        if not widths or widths[0] < 2:
            continue
        score = sum(width == widths[0] for width in widths) / len(widths) * min(widths[0], 20)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _reader(sample: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_SAMPLE_BYTES)
    return csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)


def _rows(path: Path, encoding: str, delimiter: str, limits: Limits) -> Iterator[Line]:
    csv.field_size_limit(limits.row)
    with _open(path, encoding) as file:
        source = _Lines(file, encoding, limits.row)
        if not delimiter:
            for text in source:
                source.row_done()
                if bare := text.strip():
                    quoted = len(bare) > 1 and bare[0] == bare[-1] == '"' and "<" not in bare
                    yield Line(source.number, [bare[1:-1].replace('""', '"') if quoted else bare])
            return
        reader = csv.reader(source, delimiter=delimiter)
        while True:
            number = source.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as exc:
                raise FileRefused(
                    f"Line {number} cannot be read: {exc}.",
                    hint="A quotation mark that is never closed is the usual cause.",
                ) from exc
            source.row_done()
            if (number == 1 and len(cells) == 2 and cells[0].lower().strip('"') == "sep=") or cells[:1] == [
                f"sep={delimiter}"
            ]:
                continue
            if any(cell and not cell.isspace() for cell in cells):
                yield Line(number, cells)


class _Lines:
    """The file's lines for the csv module, none of them longer than the limit, nor all those of one row together."""

    def __init__(self, file: TextIO, encoding: str, limit: int) -> None:
        self._file = file
        self._encoding = encoding
        self._limit = limit
        self._size = 0
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = _decoded(self._file.readline, self._encoding, self._limit + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self._size += len(line)
        if self._size > self._limit:
            raise FileRefused(
                f"Line {self.number}: one row holds more than {self._limit:,} characters.",
                hint="A quotation mark that is never closed is the usual cause.",
            )
        return line

    def row_done(self) -> None:
        self._size = 0


def _open(path: Path, encoding: str) -> TextIO:
    return path.open("r", encoding=encoding, newline="")


def _decoded(read: Callable[[int], str], encoding: str, size: int) -> str:
    try:
        return read(size)
    except UnicodeError as exc:
        raise FileRefused(
            f"The file is not in {_shown(encoding)}.",
            hint="Name its encoding: --encoding utf-8, windows-1250, latin-1 …",
        ) from exc


def _known(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "".encode(name)
    except (LookupError, ValueError, TypeError) as exc:
        raise FileRefused(
            f'There is no encoding "{encoding}".', hint="Known: utf-8, utf-16, windows-1252, latin-2 …"
        ) from exc
    return "utf-8-sig" if name == "utf-8" else name


def _shown(encoding: str) -> str:
    names = {"utf-8-sig": "UTF-8", "utf_8": "UTF-8", "cp1252": "Windows-1252", "cp1250": "Windows-1250"}
    return names.get(encoding, encoding.replace("_", "-").upper())


def _kind(delimiter: str) -> str:
    return {"\t": "TSV", "": "a list"}.get(delimiter, "CSV")
