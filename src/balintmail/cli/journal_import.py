"""`balintmail journal import`: past papers from lists. services/journal_import.py decides what becomes of each."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app

if TYPE_CHECKING:
    from balintmail.ops.importers.papers import Papers
    from balintmail.services.journal_import import Outcome, Taken

_SHOWN = ("refused", "changed")  # each line of these is told; of the others their number by journal issue


@click.command("import", cls=Command)
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def import_papers(app: App, path: Path, dry_run: bool, yes: bool) -> int:
    """Take in past papers: a list (.bib, .csv, .xlsx), or a folder of PDFs with lists beside them.

    Journal issues that are missing are added, published on the day that the list gives, else on 1 September of their
    year. What is there stays as it is; what it lacks is filled in, and nothing comes in twice. Shows the dry run first
    and asks.
    """
    from balintmail.ops.importers import papers  # noqa: PLC0415
    from balintmail.services import journal_import as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import search_index  # noqa: PLC0415

    with app.context() as ctx:
        found = papers.read(path)
        shelf = papers.Shelf(found.pdfs)
        used: set[str] = set()

        def pdf_of(record: Any) -> Path | None:
            name = shelf.find(record)
            if name is None:
                return None
            used.add(name)
            return found.pdfs[name]

        written = yes and not dry_run
        outcome = service.take_in(ctx, found.records, pdf_of, write=written)
        unused = sorted(set(found.pdfs) - used) if path.is_dir() else []
        _tell(app, found, outcome, unused)
        worth = any(one.result.value in ("new", "changed") for one in outcome.taken)
        if worth and not written and not dry_run and app.out.confirm("Take them into the Journal?"):
            outcome = service.take_in(ctx, found.records, pdf_of, write=True)
            written = True
        if written:
            from balintmail.cli.archive import read_papers  # noqa: PLC0415

            read_papers(app, ctx)
            search_index.keep_in_step(ctx)
    counts = Counter(one.result.value for one in outcome.taken)
    counts["refused"] += len(found.refused)
    app.out.json(_document(found, outcome, counts, unused) | {"written": written})
    said = ", ".join(f"{counts[name]:,} {name}" for name in ("new", "changed", "unchanged", "refused"))
    app.out.line(f"{said}. {'Written.' if written else 'Nothing was written.'}")
    return 0 if written or dry_run or not worth else 1


def _tell(app: App, found: "Papers", outcome: "Outcome", unused: list[str]) -> None:
    """Show what was taken for what, what becomes of each journal issue, and each line that somebody should look at."""
    for known, title in found.columns.items():
        app.out.line(f"  {known:<10} from the column {title}")
    by_label: dict[str, Counter[str]] = {}
    for one in outcome.taken:
        if one.label:
            by_label.setdefault(one.label, Counter())[one.result.value] += 1
    for label in sorted(by_label):
        counts = ", ".join(f"{number:,} {name}" for name, number in sorted(by_label[label].items()))
        app.out.line(f"  {label:<8} {counts}{'   (a new journal issue)' if label in outcome.added else ''}")
    for refused in found.refused:
        app.out.line(f"  refused    {refused.origin}: {refused.reason}")
    for one in outcome.taken:
        if one.result.value in _SHOWN or one.reason:
            app.out.line(f"  {one.result.value:<10} {one.origin}: {_said(one)}")
    for name in unused:
        app.out.line(f"  left       {name}: no line names it")


def _said(one: "Taken") -> str:
    return f'"{one.title}": {one.reason}' if one.title else one.reason


def _document(found: "Papers", outcome: "Outcome", counts: "Counter[str]", unused: list[str]) -> dict[str, Any]:
    refusals = [{"origin": one.origin, "result": "refused", "reason": one.reason} for one in found.refused]
    papers = [
        {
            "origin": one.origin,
            "result": one.result.value,
            "journal": one.label,
            "title": one.title,
            "reason": one.reason,
        }
        for one in outcome.taken
    ]
    return {
        **{name: counts[name] for name in ("new", "changed", "unchanged", "refused")},
        "journal_issues": list(outcome.added),
        "columns": found.columns,
        "papers": [*papers, *refusals],
        "unused": unused,
    }
