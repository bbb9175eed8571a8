"""What the Secretary does in a terminal with newsletters that were mailed in: list them, save one as files, drop one.

It sends nothing: a saved letter is sent by `balintmail send`, as any other, and its draft is dropped or runs out.
"""

from dataclasses import dataclass
from pathlib import Path

from balintmail.composing.letter import parse_letter
from balintmail.composing.refusals import LetterError
from balintmail.db import audit, drafts, lists, people
from balintmail.db.drafts import DraftRow
from balintmail.db.session import Tx
from balintmail.errors import Conflict, NotFound
from balintmail.services import draft_files
from balintmail.services.context import Context
from balintmail.services.letters import NEWSLETTER_FILE


@dataclass(frozen=True, slots=True)
class Listed:
    """An open draft with what its letter says of itself, "" where that cannot be read."""

    row: DraftRow
    by: str
    title: str
    number: str
    list: str


def listed(ctx: Context) -> list[Listed]:
    """Return the drafts that may be released, the newest first."""
    with ctx.db.read() as tx:
        slugs = {one.id: one.slug for one in lists.every(tx)}
        return [_listed(tx, row, slugs) for row in drafts.open_ones(tx) if row.expires_at > ctx.clock.now()]


def save(ctx: Context, number: int, folder: Path) -> list[Path]:
    """Write a draft's letter and its files into a folder, readable by us alone; return the paths.

    Raises NotFound, and Conflict when one of them is there already; then nothing is written.
    """
    with ctx.db.read() as tx:
        row = _open(tx, number)
    with draft_files.opened(ctx, row, whole=True) as letter:
        found = sorted(path for path in letter.parent.rglob("*") if path.is_file())
        made = {folder / path.relative_to(letter.parent): path.read_bytes() for path in found}
    for target in made:
        if target.exists() or target.is_symlink():
            raise Conflict(
                f"There is a {target.name} already in {folder}; nothing was written.",
                hint=f"Choose another folder: balintmail drafts save {number} DIR",
            )
    for target, octets in made.items():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with target.open("xb") as file:
            target.chmod(0o600)
            file.write(octets)
    return list(made)


def drop(ctx: Context, number: int) -> None:
    """End a draft without sending it; raise NotFound when there is none of that number, or it has ended."""
    with ctx.db.write() as tx:
        row = _open(tx, number)
        end(ctx, tx, row)


def end(ctx: Context, tx: Tx, row: DraftRow) -> None:
    """End a draft on record."""
    if drafts.close(tx, row.id, now=ctx.clock.now()):
        audit.note(tx, "draft dropped", actor=ctx.actor, now=ctx.clock.now(), detail={"draft": row.id})


def _open(tx: Tx, number: int) -> DraftRow:
    row = drafts.get(tx, number)
    if row is None or not row.is_open:
        raise NotFound(
            f"There is no draft {number}, or it has ended.", hint="Those that there are: balintmail drafts list"
        )
    return row


def _listed(tx: Tx, row: DraftRow, slugs: dict[int, str]) -> Listed:
    writer = people.get(tx, row.officer_id)
    title = number = ""
    try:
        letter = parse_letter(row.source, Path(), NEWSLETTER_FILE)
        title, number = letter.title, letter.number
    except LetterError:
        pass
    return Listed(row, writer.name if writer is not None else "", title, number, slugs.get(row.list_id or 0, ""))
