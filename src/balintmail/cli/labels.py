"""`balintmail journal despatch labels`: addresses for the post, on labels, envelopes, or a mail house's list."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.output import Tone
from balintmail.errors import UsageRefused

if TYPE_CHECKING:
    from balintmail.services.context import Context
    from balintmail.services.labels import Addressed

_SHEETS = ("L7160", "L7163", "5160", "C5", "DL")
_FORMATS = ("pdf", "csv", "xlsx")
_SOMETHING_LEFT_OUT = 1


@click.command("labels", cls=Command)
@click.argument("label", metavar="YEAR")
@click.option("--sheet", type=click.Choice(_SHEETS), default="L7160", help="Labels or envelopes; L7160 unless said.")
@click.option("--format", "kind", type=click.Choice(_FORMATS), default=None, help="pdf, or a list for a mail house.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=None, help="Where to write it.")
@click.option(
    "--start", metavar="PLACE", type=click.IntRange(1, 30), default=1, help="The first free label of a sheet."
)
@click.option("--again", is_flag=True, help="Those that were printed and not posted, too.")
@click.option("--yes", is_flag=True, help="Replace a file that is there.")
@pass_app
def labels(
    app: App, label: str, sheet: str, kind: str | None, out: Path | None, start: int, again: bool, yes: bool
) -> int:
    """Write the addresses of all copies that wait for the post, sorted by country and postcode.

    They count as labelled from then on, and are not printed again unless you say so. What cannot be printed, such as a
    name in a script without a typeface, is left out, named, and goes on waiting.
    """
    from balintmail.cli.private_files import may_write, write_private  # noqa: PLC0415
    from balintmail.composing.labels import LAYOUTS, Sheet  # noqa: PLC0415
    from balintmail.services import labels as service  # noqa: PLC0415  (loads SQLAlchemy)

    kind = _format(kind, out)
    if start > LAYOUTS[Sheet(sheet)].on_a_page:
        raise UsageRefused(f"A sheet {sheet} has {LAYOUTS[Sheet(sheet)].on_a_page} labels; --start {start} is none.")
    with app.context() as ctx:
        of = service.addressed(ctx, label, again=again)
        if not of.copies:
            app.out.json({"file": None, "labels": 0, "pages": 0, "left_out": []})
            app.out.line("No copy waits for a label." + ("" if again else " Those that were printed: --again"))
            return 0
        file = out or Path(f"labels-{of.label}-{sheet}.pdf" if kind == "pdf" else f"addresses-{of.label}.{kind}")
        may_write(app.out, file, yes=yes)
        octets, pages, left_out = _made(ctx, of, kind, (sheet, start))
        if octets:
            write_private(file, octets)
            service.printed(ctx, of, list(left_out))
        documents = [
            {
                "person": of.copies[place].person_id,
                "order": service.whose(of.copies[place]) if of.copies[place].order_id else None,
                "name": of.copies[place].name,
                "why": why,
            }
            for place, why in left_out.items()
        ]
    number = len(of.copies) - len(left_out)
    app.out.json({"file": str(file) if octets else None, "labels": number, "pages": pages, "left_out": documents})
    if octets:
        size = f" on {pages:,} {'pages' if pages != 1 else 'page'}" if kind == "pdf" else ""
        app.out.line(f"{file}: {number:,} {'addresses' if number != 1 else 'address'}{size}.")
        app.out.line(f"When they are in the post: balintmail journal despatch post {of.label}")
    if documents:
        app.out.line()
        app.out.line("Left out; write these by hand, or mend the address and print again:", Tone.WARN)
        app.out.table(
            ("  person", "name", "why"),
            [(f"  {one['person'] or one['order']}", one["name"], one["why"]) for one in documents],
        )
    return _SOMETHING_LEFT_OUT if documents else 0


def _made(ctx: "Context", of: "Addressed", kind: str, how: tuple[str, int]) -> tuple[bytes, int, dict[int, str]]:
    """Return the file, its pages, and what was left out by its place."""
    from balintmail.composing.labels import Sheet  # noqa: PLC0415
    from balintmail.services import labels as service  # noqa: PLC0415

    if kind == "csv":
        return service.as_csv(ctx, of), 0, {}
    if kind == "xlsx":
        return service.as_xlsx(ctx, of), 0, {}
    done = service.as_pdf(ctx, of, Sheet(how[0]), start=how[1])
    return done.pdf, done.pages, {one.index: one.why for one in done.left_out}


def _format(said: str | None, out: Path | None) -> str:
    """Return the format that is said, or that the file's name says; a PDF where neither does."""
    ending: Any = out.suffix.lstrip(".").lower() if out is not None else ""
    if said is None:
        return str(ending) if ending in _FORMATS else "pdf"
    if ending in _FORMATS and ending != said:
        raise UsageRefused(f"{out} does not end like --format {said}.")
    return said
