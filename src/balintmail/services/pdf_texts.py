"""Read the words of the Journal's PDFs, each once, so that the search finds what is inside.

    files/… ──► receiving/pdf.py (in processes of their own) ──► scans: receiving/ocr.py ──► pdf_texts ──► the search

Dispatch reads a few with every look and never a scan; `archive read` reads all that wait. A PDF that cannot be read
stays what it is, with the reason on record; the paper is found by its title, authors and abstract. It changes no file.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from balintmail.db import searched
from balintmail.db.searched import TextRow
from balintmail.domain.archive import TextState
from balintmail.receiving import ocr
from balintmail.receiving.pdf import SECONDS, Pdf, PdfWords
from balintmail.services import files
from balintmail.services.context import Context
from balintmail.services.files import FileMissing

MOST = 100_000  # PDFs in one run
LOOK_SECONDS = 5.0  # that a look of dispatch spends here
ONE_SECONDS = 20.0  # for one PDF in a look; `archive read` is more patient
_READERS = 4  # processes at most: each may take a gigabyte over a large scan
_IN_LOOK = 5


def waiting(ctx: Context) -> int:
    """Return how many PDFs nobody has read yet."""
    with ctx.db.read() as tx:
        return len(searched.unread(tx, MOST))


def glance(ctx: Context) -> int:
    """Read a few of those that wait, for a few seconds; return how many."""
    with ctx.db.read() as tx:
        wanted = searched.unread(tx, _IN_LOOK)
    if not wanted:
        return 0
    ends_at = ctx.clock.monotonic() + LOOK_SECONDS
    done = 0
    with PdfWords(seconds=ONE_SECONDS) as reader:
        for digest in wanted:
            _keep(ctx, digest, _read(ctx, digest, reader))
            done += 1
            if ctx.clock.monotonic() >= ends_at:
                break
    return done


def read_waiting(ctx: Context, *, again: bool = False) -> Iterator[TextRow]:
    """Read all that wait, scans too where ocrmypdf is installed; yield each as it is kept.

    With `again` also those that could not be read before.
    """
    states = [TextState.BROKEN, TextState.LOCKED] if again else []
    if ocr.installed():
        states.append(TextState.SCAN)
    with ctx.db.read() as tx:
        wanted = [*searched.unread(tx, MOST), *searched.in_state(tx, states)]
    scans = []
    for digest, found in _all_read(ctx, wanted):
        if found.state is TextState.SCAN and ocr.installed():
            scans.append(digest)
        else:
            yield _keep(ctx, digest, found)
    for digest in scans:  # last, as each takes minutes
        yield _keep(ctx, digest, ocr.recognise(files.path(ctx, digest), ctx.settings.society.languages))


def _all_read(ctx: Context, wanted: Sequence[str]) -> Iterator[tuple[str, Pdf]]:
    """Read several at a time, each reader in a process of its own."""
    own = threading.local()
    made: list[PdfWords] = []

    def read(digest: str) -> Pdf:
        if not hasattr(own, "reader"):
            own.reader = PdfWords(seconds=SECONDS)
            made.append(own.reader)
        return _read(ctx, digest, own.reader)

    pool = ThreadPoolExecutor(min(_READERS, os.cpu_count() or 1), thread_name_prefix="pdf")
    try:
        yield from zip(wanted, pool.map(read, wanted), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)
        for reader in made:
            reader.__exit__(None, None, None)


def _read(ctx: Context, digest: str, reader: PdfWords) -> Pdf:
    try:
        return reader.read(files.read(ctx, digest))
    except (FileMissing, OSError):
        return Pdf(TextState.BROKEN, remark="its file is missing in the folder files/")


def _keep(ctx: Context, digest: str, found: Pdf) -> TextRow:
    words = found.words.replace("\0", " ")
    row = TextRow(digest, found.state, found.remark, found.pages, words, ctx.clock.now())
    with ctx.db.write() as tx:
        searched.put_text(tx, row)
    return row
