"""What a list's form to join asks and says: `balintmail lists questions`, `lists wording` and `lists snippet`.

Words of consent are only ever added to; what somebody agreed to stays on record in the version of the day.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.errors import BalintmailError


class FileUnreadable(BalintmailError):
    """A file of questions cannot be read."""

    code = "file"


@click.command(cls=Command)
@click.argument("slug")
@click.option("--set", "file", type=click.Path(path_type=Path), help="A TOML or JSON file; an empty one: ask nothing.")
@pass_app
def questions(app: App, slug: str, file: Path | None) -> None:
    """Show the questions of a list's form, or set them from a file (docs/joining.md)."""
    from balintmail.domain.questions import dump, read  # noqa: PLC0415
    from balintmail.services import offers  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.lists import named  # noqa: PLC0415

    with app.context() as ctx:
        if file is not None:
            found = offers.set_questions(ctx, slug, _read(file))
        else:
            with ctx.db.read() as tx:
                found = read(named(tx, slug).questions)
    app.out.json({"list": slug, "questions": dump(found)})
    app.out.line(f"{slug} asks {len(found)} question{'' if len(found) == 1 else 's'}.")
    rows = [
        (one.name, one.kind.value, "required" if one.required else "", " / ".join(one.label.values())) for one in found
    ]
    if rows:
        app.out.table(("name", "kind", "", "label"), rows)


@click.command(cls=Command)
@click.argument("slug")
@click.option("--language", metavar="TAG", default="", help="The language of the words (default: the list's).")
@click.option("--set", "words", metavar="TEXT", help='The words from now on; "" for the usual ones.')
@pass_app
def wording(app: App, slug: str, language: str, words: str | None) -> None:
    """Show the words of consent of a list's form, every version, or set new ones."""
    from balintmail.db import wordings  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.times import rfc3339  # noqa: PLC0415
    from balintmail.services import offers  # noqa: PLC0415
    from balintmail.services.lists import named  # noqa: PLC0415

    with app.context() as ctx:
        with ctx.db.read() as tx:
            row = named(tx, slug)
        if words is not None:
            offers.set_wording(ctx, slug, language or row.language, words)
        with ctx.db.read() as tx:
            found = wordings.every(tx, row.id)
        zone = ctx.settings.zone
        documents: list[dict[str, Any]] = [
            {
                "language": each.language,
                "version": each.version,
                "since": rfc3339(each.since, zone),
                "words": each.words,
            }
            for each in found
        ]
    app.out.json({"list": slug, "wordings": documents})
    if documents:
        rows = [
            (each["language"], each["version"], each["since"], each["words"] or "(the usual words)")
            for each in documents
        ]
        app.out.table(("language", "version", "since", "words"), rows)
    else:
        app.out.line(f"{slug} has no words of its own; the form says the usual ones (version 0).")


@click.command(cls=Command)
@click.argument("slug", default="")
@click.option("--language", metavar="TAG", default="", help="The language of the labels (default: the list's).")
@pass_app
def snippet(app: App, slug: str, language: str) -> None:
    """Print a form of plain HTML for your own site; it leads to the list's page, filled in, to be sent from there."""
    from balintmail.services.snippets import snippet_of  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        text = snippet_of(ctx, slug, language)
    app.out.json({"list": slug, "html": text})
    app.out.line(text)


def _read(file: Path) -> object:
    """Return what a TOML or JSON file says; raise FileUnreadable otherwise."""
    try:
        text = file.read_text("utf-8-sig")
        return json.loads(text) if file.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as exc:
        raise FileUnreadable(f"{file} cannot be read: {exc.strerror}.") from exc
    except (ValueError, RecursionError) as exc:
        raise FileUnreadable(f"{file} cannot be read: {exc}.", hint="docs/joining.md shows such a file.") from exc
