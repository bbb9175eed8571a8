"""Read XLSX: look at the archive before any of it is unpacked, then stream the first sheet that holds anything.

Formulas are kept as the text they are and never calculated; macros, links and pictures are never opened (G7, G8).
"""

import stat
import struct
import warnings
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from balintmail.ops.importers.table import FileRefused, Limits, Line, Table

ZIP_MARK = b"PK\x03\x04"
OLE_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old .xls, and what a password makes of an .xlsx
MOST_UNPACKED = 1_000_000_000  # bytes of all parts together; a full sheet of a million rows has about 300 MB
MOST_SHARED = 150_000_000  # bytes of the table of texts, the one part that is held in memory
MOST_ROWS = 1_048_576  # the format's own limit
_SMALL = 1_000_000  # bytes below which a high ratio of packing is harmless
_CHUNK = 65_536
_ARCHIVES = (".zip", ".xlsx", ".xlsm", ".gz", ".bz2", ".xz", ".7z", ".rar", ".docx", ".jar")
_ADVICE = "Save the sheet as CSV (UTF-8) and import that."


def read(path: Path, limits: Limits) -> Table:
    """Return the table in the workbook at `path`; raise FileRefused when it is damaged, locked or hostile."""
    inspect(path, limits)
    from openpyxl import load_workbook  # noqa: PLC0415  (150 ms; only workbooks need it)

    file = path.open("rb")  # by its name alone, openpyxl would refuse a workbook that is called .csv
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except Exception as exc:  # openpyxl raises whatever its parts raise on a damaged file
        file.close()
        raise FileRefused(f"{path.name} is a damaged workbook.", hint=_ADVICE) from exc
    sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or book.worksheets
    if not sheets:
        file.close()
        raise FileRefused(f"{path.name} holds no sheet.", hint=_ADVICE)
    others = f", the first of {len(sheets)} sheets" if len(sheets) > 1 else ""
    return Table(f'XLSX, sheet "{sheets[0].title}"{others}', _rows(book, sheets[0], file), formulas=True)


def _rows(book: Any, sheet: Any, file: BinaryIO) -> Iterator[Line]:
    sheet.reset_dimensions()  # what a file says of its own size is not believed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                if number > MOST_ROWS:
                    raise FileRefused(f"The sheet counts more than {MOST_ROWS:,} rows.", hint=_ADVICE)
                cells = [_text(value) for value in row]
                while cells and not cells[-1]:
                    cells.pop()
                if cells:
                    yield Line(number, cells)
    except FileRefused:
        raise
    except Exception as exc:
        raise FileRefused("The workbook is damaged.", hint=_ADVICE) from exc
    finally:
        book.close()
        file.close()


def _text(value: Any) -> str:
    """Return a cell's value as the sheet's reader would write it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    # An array formula and its kind come as objects that hold their text.
    return str(getattr(value, "text", None) or value)


def inspect(path: Path, limits: Limits) -> None:
    """Raise FileRefused when the archive is a bomb, locked, nested, or reaches out of itself."""
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > 5_000:
                raise FileRefused(f"{path.name} holds {len(parts):,} parts; no workbook does.", hint=_ADVICE)
            for part in parts:
                _inspect_part(part, limits)
            total = sum(part.file_size for part in parts)
            if total > min(MOST_UNPACKED, limits.unpacked):
                raise FileRefused(f"{path.name} would unpack to {total:,} bytes.", hint=_ADVICE)
            if not any(part.filename == "[Content_Types].xml" for part in parts):
                raise FileRefused(f"{path.name} is an archive, not a workbook.", hint="Unpack it first.")
            for part in parts:
                _inspect_content(archive, part)
    except (
        BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        ValueError,
        struct.error,
        zlib.error,
        OSError,
    ) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise
        raise FileRefused(f"{path.name} is a damaged workbook.", hint=_ADVICE) from exc


def _inspect_part(part: ZipInfo, limits: Limits) -> None:
    name = part.filename
    if part.flag_bits & 0x1:
        raise FileRefused("The workbook is locked with a password.", hint="Save it without one.")
    pieces = PurePosixPath(name.replace("\\", "/"))
    if pieces.is_absolute() or ".." in pieces.parts or ":" in pieces.parts[0:1]:
        raise FileRefused("The workbook holds a part that points outside of it.", hint=_ADVICE)
    if stat.S_ISLNK(part.external_attr >> 16):
        raise FileRefused("The workbook holds a symbolic link.", hint=_ADVICE)
    if name.lower().endswith(_ARCHIVES):
        raise FileRefused("The workbook holds another archive.", hint=_ADVICE)
    if part.file_size > _SMALL and part.file_size > limits.ratio * max(part.compress_size, 1):
        raise FileRefused(
            f"The workbook would unpack {part.file_size:,} bytes out of {part.compress_size:,}.", hint=_ADVICE
        )
    if name.lower().endswith("sharedstrings.xml") and part.file_size > min(MOST_SHARED, limits.unpacked):
        raise FileRefused("The workbook holds too much text to read at once.", hint=_ADVICE)


def _inspect_content(archive: ZipFile, part: ZipInfo) -> None:
    """Refuse an archive in disguise, and XML that declares entities: no workbook has a DOCTYPE (G8)."""
    if part.is_dir():
        return
    with archive.open(part) as content:
        start = content.read(_CHUNK)
        if start.startswith((ZIP_MARK, OLE_MARK)) and not part.filename.lower().endswith(".bin"):
            raise FileRefused("The workbook holds another archive.", hint=_ADVICE)
        if not part.filename.lower().endswith((".xml", ".rels", ".vml")):
            return
        parser = expat.ParserCreate()
        prolog = _Prolog()
        parser.StartDoctypeDeclHandler = prolog.doctype
        parser.StartElementHandler = prolog.element
        try:
            while start and not prolog.over:
                parser.Parse(start, False)  # noqa: FBT003
                start = content.read(_CHUNK)
        except expat.ExpatError as exc:
            if not prolog.over:
                raise FileRefused("The workbook is damaged: a part of it is not XML.", hint=_ADVICE) from exc
        if prolog.hostile:
            raise FileRefused("The workbook declares XML entities, which no workbook needs.", hint=_ADVICE)


class _Prolog:
    """What stands before the first element of an XML part."""

    def __init__(self) -> None:
        self.over = False
        self.hostile = False

    def doctype(self, *_: Any) -> None:
        self.over = self.hostile = True
        raise FileRefused("The workbook declares XML entities, which no workbook needs.", hint=_ADVICE)

    def element(self, *_: Any) -> None:
        self.over = True
