"""Keep the issues of the Journal: volume, year, number, ISSN, cover, PDF, embargo, print run and stock.

Everything said is checked here once, whichever door it came by, and on record. Papers: services/journal_articles.py;
who gets a copy: services/despatches.py. It never shows anything to the public (the archive does) and deletes no journal
issue.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from balintmail.db import audit
from balintmail.db import journal_issues as rows
from balintmail.db.journal_issues import IssueRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.despatches import StockReason
from balintmail.domain.journal_issues import JournalRefused, read_issn, read_label
from balintmail.domain.times import YEARS
from balintmail.errors import Conflict, NotFound
from balintmail.services import files
from balintmail.services.context import Context
from balintmail.services.files import FileRefused

LARGEST_RUN = 1_000_000  # copies; no society prints more, and a slip of the key is noticed
LARGEST_COVER = 20_000_000  # octets
_TAIL = 2048  # octets in which a PDF's end mark stands (ISO 32000-1 section 7.5.5 and readers' practice)
_ENCRYPTED = re.compile(rb"/Encrypt\s*(?:\d+\s+\d+\s+R|<<)")
_PICTURES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_GOES_OUT = frozenset({StockReason.DESPATCHED, StockReason.SOLD, StockReason.GIVEN, StockReason.LOST})
BY_HAND = (StockReason.PRINTED, StockReason.GIVEN, StockReason.LOST, StockReason.FOUND)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueChanges:
    """What to say of a journal issue, as it is typed; None leaves a thing alone, "" empties it.

    Days are written `2026-09-15`. `pdf` and `cover` are files to keep.
    """

    volume: str | None = None
    number: str | None = None
    issn: str | None = None
    title: str | None = None
    language: str | None = None
    published: str | None = None
    embargo: str | None = None
    print_run: str | None = None
    pdf: Path | None = None
    cover: Path | None = None


def named(tx: Tx, label: str) -> IssueRow:
    """Return the journal issue that a label names; raise NotFound, JournalRefused for what is no label."""
    wanted = str(read_label(label))
    found = rows.by_label(tx, wanted)
    if found is None:
        raise NotFound(f"There is no Journal {wanted} yet.", hint=f"Add it: balintmail journal add {wanted}")
    return found


def add(ctx: Context, label: str, changes: IssueChanges) -> IssueRow:
    """Add a journal issue; raise Conflict when there is one of that label, JournalRefused and the like."""
    wanted = read_label(label)
    values = _values(ctx, changes)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        if rows.by_label(tx, str(wanted)) is not None:
            hint = f"Change it: balintmail journal edit {wanted}. A second one of that year: {wanted.year}-2"
            raise Conflict(f"There is a Journal {wanted} already.", hint=hint)
        first = {"label": str(wanted), "year": wanted.year, "language": ctx.settings.society.languages[0]}
        _hold_together({**first, **values})
        rows.add(tx, {**first, **values}, now=now)
        audit.note(tx, "journal issue added", actor=ctx.actor, now=now, detail={"journal": str(wanted)})
        return named(tx, str(wanted))


def edit(ctx: Context, label: str, changes: IssueChanges) -> IssueRow:
    """Change a journal issue; return it. A file that is named by nothing any more is removed."""
    values = _values(ctx, changes)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        before = named(tx, label)
        different = {name: value for name, value in values.items() if getattr(before, name) != value}
        _hold_together({"published_on": before.published_on, "embargo_until": before.embargo_until, **different})
        if different:
            rows.update(tx, before.id, different, now=now)
            detail = {"journal": before.label, "changed": sorted(different)}
            audit.note(tx, "journal issue changed", actor=ctx.actor, now=now, detail=detail)
        after = named(tx, label)
    files.discard(ctx, {one for one in (before.pdf, before.cover) if one} - {after.pdf, after.cover})
    return after


def change_stock(ctx: Context, label: str, reason: StockReason, copies: int, *, note: str = "") -> IssueRow:
    """Count printed copies in or out by hand; return the journal issue.

    Raises Conflict when fewer are on the shelf and free; `reason` is one of BY_HAND and `copies` at least 1.
    """
    if reason not in BY_HAND:
        raise ValueError(f"{reason} is no reason to change the stock by hand")
    kept = hygiene.one_line(note, what="the note")
    with ctx.db.write() as tx:
        issue = named(tx, label)
        take(ctx, tx, issue, reason, copies, note=kept)
        return named(tx, label)


def take(ctx: Context, tx: Tx, issue: IssueRow, reason: StockReason, copies: int, **more: Any) -> None:
    """Move so many copies for that reason, in or out as the reason says; raise Conflict when they are not there."""
    if not 1 <= copies <= LARGEST_RUN:
        raise JournalRefused(f"{copies} is no number of copies: it is from 1 to {LARGEST_RUN:,}.")
    if reason is StockReason.PRINTED and issue.on_shelf + copies > LARGEST_RUN:
        raise JournalRefused(f"There would be more than {LARGEST_RUN:,} copies of {issue.label}.")
    change = -copies if reason in _GOES_OUT else copies
    move = {"reason": reason, "on_shelf": change, "actor": ctx.actor, **more}
    if not rows.move_stock(tx, issue.id, move, now=ctx.clock.now()):
        now = rows.by_id(tx, issue.id) or issue
        free = now.on_shelf - now.reserved
        raise Conflict(
            f"{copies:,} copies of the Journal {issue.label} are not there: {now.on_shelf:,} are on the shelf"
            + (f", {now.reserved:,} of them set aside." if now.reserved else "."),
            hint=f"{free:,} are free. Count in what came: balintmail journal stock {issue.label} --printed NUMBER",
        )


def keep_pdf(ctx: Context, path: Path) -> str:
    """Keep a PDF and return its hash; raise FileRefused for what is none, is cut short or wants a password."""
    return files.store(ctx, read_pdf(path)).digest


def read_pdf(path: Path) -> bytes:
    """Return a PDF whole; raise FileRefused for what is none, is cut short, too large or wants a password."""
    with _opened(path) as file:
        head = file.read(1024)
        if b"%PDF-" not in head:
            raise FileRefused(f"{path.name} is no PDF.", hint="Export it as PDF and try again.")
        content: bytes = head + file.read(files.LONGEST + 1)
    if len(content) > files.LONGEST:
        raise FileRefused(f"{path.name} is larger than {files.LONGEST // 1_000_000:,} MB, the most that is taken.")
    if b"%%EOF" not in content[-_TAIL:]:
        raise FileRefused(
            f"{path.name} is cut short: its end is missing.", hint="Copy it again from where it was made."
        )
    if _ENCRYPTED.search(content):
        raise FileRefused(f"{path.name} wants a password, so nobody could read it.", hint="Save it without one.")
    return content


def keep_cover(ctx: Context, path: Path) -> str:
    """Keep a picture of the cover and return its hash; raise FileRefused for what is no PNG or JPEG."""
    with _opened(path) as file:
        content = file.read(LARGEST_COVER + 1)
    if picture_kind(content) is None:
        raise FileRefused(f"{path.name} is neither a PNG nor a JPEG picture.")
    return files.store(ctx, content, longest=LARGEST_COVER).digest


def picture_kind(content: bytes) -> str | None:
    """Return the media type of a cover by its first octets, or None."""
    return next((kind for mark, kind in _PICTURES.items() if content.startswith(mark)), None)


def read_day(text: str, what: str) -> date | None:
    """Return the day that `2026-09-15` is, None for ""; raise JournalRefused."""
    if not text.strip():
        return None
    try:
        found = date.fromisoformat(text.strip()) if len(text.strip()) == 10 else None
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        raise JournalRefused(f'{what}: "{text[:20]}" is no day.', hint="A day is written like 2026-09-15.")
    return found


def _opened(path: Path) -> Any:
    try:
        if not path.is_file():
            raise NotFound(f"There is no file {path}.")
        return path.open("rb")
    except OSError as exc:
        raise NotFound(f"{path} cannot be read: {exc.strerror}.") from exc


def _values(ctx: Context, changes: IssueChanges) -> dict[str, Any]:
    """Return the columns that are said, each checked; files are kept last, when all else is right."""
    texts = {"volume": ("the volume", 20), "number": ("the number", 20), "title": ("the title", 300)}
    values: dict[str, Any] = {
        name: hygiene.one_line(said, what=what, longest=longest)
        for name, (what, longest) in texts.items()
        if (said := getattr(changes, name)) is not None
    }
    if changes.issn is not None:
        values["issn"] = read_issn(changes.issn)
    if changes.language is not None:
        values["language"] = hygiene.language(changes.language)
    if changes.published is not None:
        values["published_on"] = read_day(changes.published, "--published")
    if changes.embargo is not None:
        values["embargo_until"] = read_day(changes.embargo, "--embargo")
    if changes.print_run is not None:
        values["print_run"] = _read_run(changes.print_run)
    if changes.pdf is not None:
        values["pdf"] = keep_pdf(ctx, changes.pdf)
    if changes.cover is not None:
        values["cover"] = keep_cover(ctx, changes.cover)
    return values


def _read_run(text: str) -> int | None:
    bare = text.strip().replace(",", "")
    if not bare:
        return None
    if not (bare.isascii() and bare.isdigit() and int(bare[:9]) <= LARGEST_RUN and len(bare) < 9):
        raise JournalRefused(f'"{text[:20]}" is no print run: it is a number up to {LARGEST_RUN:,}.')
    return int(bare)


def _hold_together(values: dict[str, Any]) -> None:
    published, embargo = values.get("published_on"), values.get("embargo_until")
    if published and embargo and embargo < published:
        raise JournalRefused(f"The embargo would end on {embargo}, before the Journal is published on {published}.")
