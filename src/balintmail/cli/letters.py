"""The commands `new`, `check` and `preview`: begin a newsletter and look at it before anybody is mailed."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.output import Output, Tone, printable

if TYPE_CHECKING:
    from balintmail.composing.lint import Finding
    from balintmail.services.checking import Report

FILE = click.Path(path_type=Path, dir_okay=False)
_TONES = {"stop": Tone.STOP, "warn": Tone.WARN, "note": Tone.MUTED}


@click.command(cls=Command)
@click.argument("file", type=FILE, default=Path("newsletter.md"))
@click.option("--list", "list_slug", default="", metavar="SLUG", help="The list it is for (default: last time's).")
@pass_app
def new(app: App, file: Path, list_slug: str) -> None:
    """Write a starter newsletter.md with the next number.

    It takes over last time's settings and never overwrites a file.
    """
    from balintmail.services import letters  # noqa: PLC0415  (loads MJML; help needs none of it)

    with app.context() as ctx:
        started = letters.start(ctx, file, list_slug)
    app.out.line(f"{started.path}: number {started.number} for the list {started.list}.")
    if started.after:
        app.out.line(f"It takes over the settings of {started.after}.")
    app.out.line(f"Write it, then: balintmail check {started.path}")
    app.out.json({"file": str(started.path), "list": started.list, "number": str(started.number)})


@click.command(cls=Command)
@click.argument("file", type=FILE)
@click.option("--list", "list_slug", default="", metavar="SLUG", help="Another list than the letter names.")
@click.option("--links", is_flag=True, help="Ask each link over HTTP too, in parallel.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one link may take.",
)
@pass_app
def check(app: App, file: Path, list_slug: str, links: bool, timeout: float) -> int:
    """Say what stops or spoils a newsletter, before anybody is mailed.

    Exit status 0: nothing stops it; 1: something does.
    """
    from balintmail.services import checking  # noqa: PLC0415
    from balintmail.services.links import TimeLimits  # noqa: PLC0415

    limits = TimeLimits(one=timeout) if links else None
    with app.context() as ctx:
        report = checking.check(ctx, file, checking.Wanted(list=list_slug, asking=limits))
    _show(app.out, file, report)
    app.out.json({"ok": report.ok, "findings": [_document(finding) for finding in report.findings]})
    return 0 if report.ok else 1


def _document(finding: "Finding") -> dict[str, object]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "line": finding.line,
        "message": finding.message,
    }


def _show(out: Output, file: Path, report: "Report") -> None:
    """Print the report for people: what it is, what was found, whether it may go."""
    facts: list[tuple[str, str]] = []
    if report.counts and report.mailing_list:
        facts += [("list", f"{report.mailing_list.slug}, {report.counts.audience:,} people")]
        facts += [("reaches", f"{report.counts.reached:,}")]
    if report.largest_html:
        facts += [("size", f"{report.largest_html:,} bytes of HTML at most")]
    out.line(_heading(file, report))
    out.line()
    for name, value in facts:
        out.line(f"  {name:<10}{value}")
    if facts:
        out.line()
    for finding in report.findings:
        where = f"line {finding.line}" if finding.line else ""
        out.line(f"  {finding.level.value:<6}{where:<10}{finding.message}", _TONES[finding.level.value])
    if report.findings:
        out.line()
    out.line(_verdict(report))


def _heading(file: Path, report: "Report") -> str:
    if report.letter is None or report.mailing_list is None:
        return file.name
    return f'{report.mailing_list.name} {report.letter.number}  "{report.letter.title}"'


def _verdict(report: "Report") -> str:
    counts = {level: sum(finding.level.value == level for finding in report.findings) for level in _TONES}
    parts = [
        "1 stop" if counts["stop"] == 1 else f"{counts['stop']} stops" if counts["stop"] else "No stops",
        "1 warning" if counts["warn"] == 1 else f"{counts['warn']} warnings" if counts["warn"] else "no warnings",
    ]
    return f"{', '.join(parts)}. Nobody has been mailed."


@click.command(cls=Command)
@click.argument("file", type=FILE)
@click.option("--as", "who", default="", metavar="ADDRESS", help="Whose letter (default: the Secretary's).")
@click.option("--person", type=int, metavar="ID", help="Which person, where two share the address.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where to write it.")
@click.option("--open", "look", is_flag=True, help="Open it in the browser.")
@pass_app
def preview(app: App, file: Path, who: str, person: int | None, out: Path | None, look: bool) -> None:
    """Write a newsletter as one person would get it.

    Three files: the HTML for a browser, the text, and the message itself (.eml) for a mail program.
    """
    from balintmail.services import letters  # noqa: PLC0415
    from balintmail.services.showing import standing_alone  # noqa: PLC0415

    with app.context() as ctx:
        shown = letters.preview(ctx, file, who, person=person)
    folder = out or Path(tempfile.mkdtemp(prefix="balintmail-preview-"))
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: folder / f"{shown.name}.{kind}" for kind in ("html", "txt", "eml")}
    files["html"].write_text(standing_alone(shown.message, shown.html), "utf-8")
    files["txt"].write_text(shown.text, "utf-8")
    files["eml"].write_bytes(shown.message)
    app.out.line(f'"{shown.subject}", as {shown.to} would get it:')
    for path in files.values():
        app.out.line(f"  {path}")
    app.out.json(
        {"to": shown.to, "subject": printable(shown.subject), **{kind: str(path) for kind, path in files.items()}}
    )
    if look:
        click.launch(str(files["html"]))
