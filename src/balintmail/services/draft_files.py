"""Lay a draft out as a folder: its letter and the files that came beside it, for as long as somebody looks at it.

The folder is a passing one: the letter lies in the database, the files in the mail it came in, which is taken apart in
a process of its own. Their names were made safe there; nothing is unpacked or run.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from balintmail.composing.letter import parse_letter
from balintmail.composing.refusals import LetterError
from balintmail.db import drafts
from balintmail.db.drafts import DraftRow
from balintmail.receiving.draft import DraftReader
from balintmail.services.context import Context
from balintmail.services.letters import NEWSLETTER_FILE

Files = Sequence[tuple[str, bytes]]


@contextmanager
def laid_out(row: DraftRow, files: Files) -> Iterator[Path]:
    """Yield the path of the draft's letter, with its files beside it; all of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="balintmail-draft-") as folder:
        letter = Path(folder) / NEWSLETTER_FILE
        for name, octets in files:
            if Path(name).name == name and name != NEWSLETTER_FILE:
                (Path(folder) / name).write_bytes(octets)
        letter.write_text(row.source, encoding="utf-8", errors="replace", newline="\n")
        yield letter


@contextmanager
def opened(ctx: Context, row: DraftRow) -> Iterator[Path]:
    """Yield the path of a kept draft's letter; its files are fetched out of its mail where it names any."""
    with laid_out(row, _files(ctx, row)) as path:
        yield path


def _files(ctx: Context, row: DraftRow) -> Files:
    if not _names_files(row.source):
        return ()
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
