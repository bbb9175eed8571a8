"""`people import` and `people export`: shows what a file is taken for and what it would change before it writes.

It decides nothing about people; services/importing.py does. The files are read by ops/importers.
"""

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.output import Tone
from balintmail.cli.private_files import may_write, private_file, standard_output
from balintmail.errors import UsageRefused

if TYPE_CHECKING:
    from balintmail.ops.importers.reading import Reading
    from balintmail.services.importing import Report, Terms

SHOWN_ROWS = 20  # lines on a terminal; --json has them all
NOT_WRITTEN = 1


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--list", "list_slug", metavar="LIST", default="", help="The list of rows that name none.")
@click.option("--consent", metavar="TEXT", default="", help="The words they agreed to, for rows without their own.")
@click.option("--collected", metavar="DATE", default="", help="The day they agreed, for rows without their own.")
@click.option("--map", "maps", metavar="COLUMN=FIELD", multiple=True, help="Correct the meaning of a column.")
@click.option("--encoding", metavar="NAME", default="", help="The file's encoding, when the guess is wrong.")
@click.option("--delimiter", metavar="SIGN", default=None, help="comma, semicolon, tab, bar, none, or the sign itself.")
@click.option("--welcome", is_flag=True, help="Send the list's welcome letter to whoever is new on it.")
@click.option("--dry-run", is_flag=True, help="Show what would happen and write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@pass_app
def import_people(
    app: App,
    file: Path,
    list_slug: str,
    consent: str,
    collected: str,
    maps: tuple[str, ...],
    encoding: str,
    delimiter: str | None,
    welcome: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Read people from CSV, TSV, XLSX or JSON: our own export, a sheet, or another tool's export.

    Shows what it takes each column for, and who would be new, changed, unchanged or refused, before it asks. Whoever
    left stays out; nobody is subscribed without the words they agreed to and the day. It sends no mail unless
    --welcome is given.
    """
    from balintmail.domain import hygiene  # noqa: PLC0415
    from balintmail.ops.importers.reading import Corrections, open_people  # noqa: PLC0415
    from balintmail.services import importing  # noqa: PLC0415

    corrections = Corrections(encoding, delimiter_sign(delimiter), mapping(maps))
    day = _day(collected)
    with app.instance() as instance:
        ctx = instance.context(actor=app.options.by)
        if day is not None and day > ctx.clock.now().astimezone(ctx.settings.zone).date():
            raise UsageRefused(f"--collected {day} has not come yet.")
        reading = open_people(file, corrections)
        name = os.fsencode(file.name).decode("utf-8", "replace")
        words = hygiene.paragraphs(consent, what="the consent")
        terms = importing.Terms(name, reading.tool, list_slug, words, day, consent_in_file=reading.tells_consent)
        _show_reading(app, file, reading)
        joined: dict[str, list[int]] = {}
        with importing.staged(ctx, reading.rows, terms) as found:
            report = found.dry_run()
            _show_report(app, report, terms)
            changes = report.counts.new + report.counts.changed
            if not dry_run and (yes or (changes and app.out.confirm("Write this to the register?"))):
                report = found.write()
                app.out.line(_words("Written", report), Tone.GOOD)
                joined = found.joined() if welcome else {}
            elif not dry_run and not changes:
                app.out.line("Nothing was written: there is nothing to write.")
            elif not dry_run:
                app.out.line("Nothing was written." + ("" if app.out.interactive else " Add --yes to write."))
        for slug, people in joined.items():
            from balintmail.cli.welcome import send_welcome  # noqa: PLC0415  (loads MJML)

            send_welcome(app.out, instance, ctx, slug, people)
        app.out.json(_document(report))
        return 0 if report.written or dry_run else NOT_WRITTEN


def _show_reading(app: App, file: Path, reading: "Reading") -> None:
    origin = f"; an export of {reading.tool}" if reading.tool else ""
    app.out.line(f"{file.name}: {reading.shape}{origin}")
    if reading.columns:
        app.out.line()
        app.out.table(("  column", "becomes"), [(f"  {c.title}", c.shown) for c in reading.columns])
        if not reading.header:
            app.out.line("The file has no header; its columns are guessed by what is in them.", Tone.WARN)
    if reading.formulas:
        app.out.line("Formulas stay the text they are; nothing is calculated.", Tone.MUTED)
    app.out.line()


def _show_report(app: App, report: "Report", terms: "Terms") -> None:
    app.out.line(_words("Dry run", report))
    if report.changes:
        changes = [(f"  {c.line}", str(c.person), c.address, ", ".join(c.what)) for c in report.changes[:SHOWN_ROWS]]
        _show_rows(app, ("  line", "person", "address", "what changes"), changes, report.counts.changed)
    if report.refusals:
        rows = [(f"  {r.line}", r.address, r.reason) for r in report.refusals[:SHOWN_ROWS]]
        _show_rows(app, ("  line", "address", "why it is refused"), rows, report.counts.refused)
    if report.lacks_consent and not terms.tell_consent:
        app.out.line("Nobody is subscribed without a ground: add --consent TEXT and --collected DATE,", Tone.WARN)
        app.out.line("or name the columns that hold them: --map COLUMN=consent --map COLUMN=collected", Tone.WARN)
    app.out.line()


def _show_rows(app: App, header: Sequence[str], rows: Sequence[Sequence[str]], whole: int) -> None:
    app.out.line()
    app.out.table(header, rows)
    if whole > len(rows):
        app.out.line(f"  … and {whole - len(rows):,} more   (all of them: --json)")


def _words(what: str, report: "Report") -> str:
    counts = report.counts
    return (
        f"{what}: {counts.new:,} new, {counts.changed:,} changed, {counts.unchanged:,} unchanged, "
        f"{counts.refused:,} refused."
    )


def _document(report: "Report") -> dict[str, Any]:
    counts = report.counts
    return {
        "new": counts.new,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "refused": counts.refused,
        "changes": [
            {"line": c.line, "address": c.address, "person": c.person, "changed": list(c.what)} for c in report.changes
        ],
        "refusals": [{"line": r.line, "address": r.address, "reason": r.reason} for r in report.refusals],
        "written": report.written,
    }


def mapping(texts: Sequence[str]) -> dict[str, str]:
    """Return what `--map COLUMN=FIELD` says, by column; raise UsageRefused for anything else."""
    return dict(_pair(text) for text in texts)


def _pair(text: str) -> tuple[str, str]:
    column, sign, wanted = text.rpartition("=")
    if not sign or not column:
        raise UsageRefused(f'--map "{text}" is not COLUMN=FIELD.', hint='For example: --map "E-Mail privat=address"')
    return column.strip(), wanted.strip()


def delimiter_sign(text: str | None) -> str | None:
    """Return the sign that an option names; raise UsageRefused for none."""
    if text is None:
        return None
    from balintmail.ops.importers.text import DELIMITER_NAMES  # noqa: PLC0415

    sign = DELIMITER_NAMES.get(text.lower(), "\t" if text == "\\t" else text)
    if len(sign) > 1 or sign in {'"', "\r", "\n"}:
        raise UsageRefused(f'"{text}" is no delimiter.', hint=f"Known: {', '.join(DELIMITER_NAMES)}, or one sign.")
    return sign


def _day(text: str) -> date | None:
    if not text:
        return None
    from balintmail.ops.importers.days import day  # noqa: PLC0415

    try:
        return day(text)
    except ValueError as exc:
        raise UsageRefused(f'--collected "{text}" is not a day.', hint="Write it like 2025-03-21.") from exc


@click.command("export", cls=Command)
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "layout", type=click.Choice(["csv", "tsv", "json"]), help="Default: as the file is named.")
@click.option("--list", "list_slug", metavar="LIST", default="", help="Only people on this list.")
@click.option("--member/--not-member", "member", default=None, help="Only members, or only others.")
@click.option("--where", metavar="FILTER", default="", help='Only people who fit, such as: language = "hu"')
@click.option("--yes", is_flag=True, help="Replace FILE without asking.")
@pass_app
def export_people(
    app: App, file: Path | None, layout: str | None, list_slug: str, member: bool | None, where: str, yes: bool
) -> None:
    """Write the register to FILE, or to standard output: `people import` of it changes nothing.

    CSV and TSV are safe in a spreadsheet; the file can be read by you alone (mode 600). A FILE that is there already
    is replaced only if you say so.
    """
    from balintmail.services.exporting import Layout, export  # noqa: PLC0415
    from balintmail.services.people import Wanted  # noqa: PLC0415

    to_stdout = file is None or str(file) == "-"
    kind = Layout(layout or _by_name(app, file))
    wanted = Wanted(list_slug, member, where)
    with app.context() as ctx:
        if to_stdout or file is None:
            with standard_output() as out:
                export(ctx, wanted, kind, out)
            return
        may_write(app.out, file, yes=yes)
        with private_file(file) as out:
            count = export(ctx, wanted, kind, out)
        app.out.line(f"{count:,} people written to {file}.")
        app.out.json({"file": str(file), "people": count})


def _by_name(app: App, file: Path | None) -> str:
    suffix = file.suffix.lower().lstrip(".") if file else ""
    if suffix in {"csv", "tsv", "json"}:
        return suffix
    if suffix in {"xlsx", "xls", "ods"}:
        raise UsageRefused(f"No .{suffix} file is written.", hint="Write a .csv file: every spreadsheet opens it.")
    return "json" if app.options.json else "csv"
