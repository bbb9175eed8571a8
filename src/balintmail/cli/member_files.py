"""`members import` and `members export`: lists of members, shown for what they would change before anything is written.

It decides nothing about members; services/members_import.py does.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.output import Tone
from balintmail.cli.people_files import delimiter_sign, mapping
from balintmail.cli.private_files import may_write, private_file, standard_output
from balintmail.domain.members import Standing

if TYPE_CHECKING:
    from balintmail.services.members_import import Report

SHOWN_ROWS = 20  # lines on a terminal; --json has them all
NOT_WRITTEN = 1


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "maps", metavar="COLUMN=FIELD", multiple=True, help="Correct the meaning of a column.")
@click.option("--encoding", metavar="NAME", default="", help="The file's encoding, when the guess is wrong.")
@click.option("--delimiter", metavar="SIGN", default=None, help="comma, semicolon, tab, bar, none, or the sign itself.")
@click.option("--dry-run", is_flag=True, help="Show what would happen and write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@pass_app
def import_members(
    app: App, /, file: Path, maps: tuple[str, ...], encoding: str, delimiter: str | None, **given: Any
) -> int:
    """Read a list of members from CSV, TSV or XLSX: our own export, or a treasurer's sheet.

    Members are found by number, reference, address or name; whoever is not on the register is entered, on no mailing
    list. Shows what it takes each column for, and who would be new, changed or refused, before it asks. Whoever
    resigned, died or was erased stays so. It sends no mail.
    """
    from balintmail.ops.importers.memberlist import LEFT_OUT, open_members  # noqa: PLC0415
    from balintmail.ops.importers.reading import Corrections  # noqa: PLC0415
    from balintmail.services import members_import as service  # noqa: PLC0415  (loads SQLAlchemy)

    corrections = Corrections(encoding, delimiter_sign(delimiter), mapping(maps))
    name = os.fsencode(file.name).decode("utf-8", "replace")
    with app.context() as ctx:
        found = open_members(file, corrections)
        app.out.line(f"{name}: {found.shape}")
        app.out.line()
        columns = [(f"  {title}", "left out" if to == LEFT_OUT else to) for title, to in found.columns]
        app.out.table(("  column", "becomes"), columns)
        app.out.line()
        rows = list(found.rows)
        report = service.take_in(ctx, rows, name, write=False)
        _show(app, "Dry run", report)
        anything = bool(report.new + report.changed)
        if not given["dry_run"] and anything and (given["yes"] or app.out.confirm("Write this?")):
            report = service.take_in(ctx, rows, name, write=True)
            app.out.line(_words("Written", report), Tone.GOOD)
        elif not given["dry_run"] and not anything:
            report.written = given["yes"]
            app.out.line("Nothing was written: there is nothing to write.")
        elif not given["dry_run"]:
            app.out.line("Nothing was written." + ("" if app.out.interactive else " Add --yes to write."))
        app.out.json(_document(report))
        return 0 if report.written or given["dry_run"] else NOT_WRITTEN


@click.command("export", cls=Command)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--class", "of_class", metavar="CLASS", default="", help="Those of one class.")
@click.option("--standing", type=click.Choice([each.value for each in Standing]), help="Those who stand so today.")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@click.option("--yes", is_flag=True, help="Replace FILE without asking.")
@pass_app
def export_members(app: App, /, file: Path | None, of_class: str, standing: str | None, **given: bool) -> None:
    """Write memberships as CSV to FILE, or to standard output: `members import` of it changes nothing.

    The file is safe in a spreadsheet and can be read by you alone (mode 600).
    """
    from balintmail.services import members_import as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.memberships import Wanted  # noqa: PLC0415

    wanted = Wanted(of_class, Standing(standing) if standing else None, given["everything"])
    with app.context() as ctx:
        if file is None or str(file) == "-":
            with standard_output() as out:
                service.export(ctx, wanted, out)
            return
        may_write(app.out, file, yes=given["yes"])
        with private_file(file) as out:
            count = service.export(ctx, wanted, out)
        app.out.line(f"{count:,} memberships written to {file}.")
        app.out.json({"file": str(file), "members": count})


def _show(app: App, what: str, report: "Report") -> None:
    app.out.line(_words(what, report))
    if report.changes:
        app.out.line()
        rows = [(f"  {each.line}", each.name, ", ".join(each.what)) for each in report.changes[:SHOWN_ROWS]]
        app.out.table(("  line", "name", "what changes"), rows)
        _more(app, len(report.changes))
    if report.refusals:
        app.out.line()
        rows = [(f"  {each.line}", each.shown, each.reason) for each in report.refusals[:SHOWN_ROWS]]
        app.out.table(("  line", "name", "why it is refused"), rows)
        _more(app, len(report.refusals))
    app.out.line()


def _more(app: App, whole: int) -> None:
    if whole > SHOWN_ROWS:
        app.out.line(f"  … and {whole - SHOWN_ROWS:,} more   (all of them: --json)")


def _words(what: str, report: "Report") -> str:
    return (
        f"{what}: {report.new:,} new, {report.changed:,} changed, {report.unchanged:,} unchanged,"
        f" {len(report.refusals):,} refused."
    )


def _document(report: "Report") -> dict[str, Any]:
    return {
        "new": report.new,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "refused": len(report.refusals),
        "changes": [
            {"line": each.line, "person": each.person, "name": each.name, "changed": list(each.what)}
            for each in report.changes
        ],
        "refusals": [{"line": each.line, "name": each.shown, "reason": each.reason} for each in report.refusals],
        "written": report.written,
    }
