"""Lay a draft out as a folder: its letter and the files that came beside it, for as long as somebody looks at it.

The folder is a passing one: the letter lies in the database, the files in the mail it came in, which is taken apart in
a process of its own. Their names were made safe there; nothing is unpacked or run.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path, PurePosixPath

from balintmail.composing.letter import parse_letter
from balintmail.composing.refusals import LetterError
from balintmail.db import drafts
from balintmail.db.drafts import DraftRow
from balintmail.receiving.draft import DraftReader
from balintmail.services.context import Context
from balintmail.services.letters import NEWSLETTER_FILE

MOST_MENTIONS, LONGEST_FOLDER = 20, 100  # of a file in its letter; characters
Files = Sequence[tuple[str, bytes]]


@contextmanager
def laid_out(row: DraftRow, files: Files) -> Iterator[Path]:
    """Yield the path of the draft's letter, with its files beside it; all of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="balintmail-draft-") as folder:
        letter = Path(folder) / NEWSLETTER_FILE
        letter.write_text(row.source, encoding="utf-8", errors="replace", newline="\n")
        for name, octets in files:
            for place in (Path(folder) / each for each in _places(row.source, name)):
                with suppress(OSError):  # a folder where a file lies, or a name too long: the check misses the file
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(octets)
        yield letter


def _places(source: str, name: str) -> list[PurePosixPath]:
    """Return where a file lies: beside the letter, and in the folders in which the letter looks for it."""
    if PurePosixPath(name).name != name or name == NEWSLETTER_FILE:
        return []
    found = [PurePosixPath(name)]
    for match in islice(re.finditer(re.escape(f"/{name}"), source), MOST_MENTIONS):
        said = re.split(r"[^\w./-]", source[max(0, match.start() - LONGEST_FOLDER) : match.start()])[-1]
        folder = PurePosixPath(said)
        if said and not folder.is_absolute() and all(part.strip(".") for part in folder.parts):
            found.append(folder / name)
    return list(dict.fromkeys(found))


@contextmanager
def opened(ctx: Context, row: DraftRow, *, whole: bool = False) -> Iterator[Path]:
    """Yield the path of a kept draft's letter; its files are fetched out of its mail where it names any, or all are.

    `whole` asks for them in any case.
    """
    with laid_out(row, _files(ctx, row) if whole or _names_files(row.source) else ()) as path:
        yield path


def _files(ctx: Context, row: DraftRow) -> Files:
    with ctx.db.read() as tx:
        raw, _ = drafts.raw(tx, row.inbound_id)
    if not raw:
        return ()
    with DraftReader() as reader:
        return reader.read(raw).files


def _names_files(source: str) -> bool:
    """Say whether a letter may show pictures or attach files."""
    if "![" in source:
        return True
    try:
        return bool(parse_letter(source, Path(), NEWSLETTER_FILE).attachments)
    except LetterError:
        return True
