"""`balintmail templates`: look at the system mails and take one over to change its words."""

import tempfile
from pathlib import Path

import click

from balintmail.cli.command import App, Command, Group, pass_app
from balintmail.cli.output import printable

LANGUAGE = click.option("--language", default="", metavar="TAG", help="Such as de (default: the list's).")
LIST = click.option("--list", "list_slug", default="", metavar="SLUG", help="The list that it speaks of.")


@click.group(cls=Group)
def templates() -> None:
    """List, preview and take over the system mails: confirmations, welcomes, what the Secretary gets.

    docs/templates.md says how their words and their looks are changed.
    """


@templates.command("list", cls=Command)
@pass_app
def list_all(app: App) -> None:
    """List the system mails, to whom they go, and which files of this instance replace the shipped ones."""
    from balintmail.services import system_mails  # noqa: PLC0415  (loads MJML; help needs none of it)

    with app.context() as ctx:
        found = system_mails.every(ctx)
    rows = [(mail.name, mail.to, " ".join(mail.languages), ", ".join(mail.own)) for mail in found]
    app.out.table(("mail", "to", "languages", "of your own"), rows)
    app.out.json(
        [{"name": one.name, "to": one.to, "languages": one.languages, "own": one.own} for one in found],
    )


@templates.command(cls=Command)
@click.argument("name")
@LANGUAGE
@LIST
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), metavar="DIR", help="Where to write it.")
@click.option("--open", "look", is_flag=True, help="Open it in the browser.")
@pass_app
def preview(app: App, name: str, language: str, list_slug: str, out: Path | None, look: bool) -> None:
    """Write a system mail with invented facts, as it would be sent now.

    Three files: the HTML for a browser, the text, and the message itself (.eml) for a mail program. Nobody is mailed.
    """
    from balintmail.services import system_mails  # noqa: PLC0415
    from balintmail.services.showing import standing_alone  # noqa: PLC0415

    with app.context() as ctx:
        shown = system_mails.preview(ctx, name, language=language, list_slug=list_slug)
    folder = out or Path(tempfile.mkdtemp(prefix="balintmail-preview-"))
    folder.mkdir(parents=True, exist_ok=True)
    files = {kind: folder / f"{shown.name}.{kind}" for kind in ("html", "txt", "eml")}
    files["html"].write_text(standing_alone(shown.message, shown.html), "utf-8")
    files["txt"].write_text(shown.text, "utf-8")
    files["eml"].write_bytes(shown.message)
    app.out.line(f'"{shown.subject}", with invented facts:')
    for path in files.values():
        app.out.line(f"  {path}")
    app.out.json({"subject": printable(shown.subject), **{kind: str(path) for kind, path in files.items()}})
    if look:
        click.launch(str(files["html"]))


@templates.command(cls=Command)
@click.argument("name")
@LANGUAGE
@click.option("--list", "list_slug", default="", metavar="SLUG", help="For this list alone.")
@pass_app
def copy(app: App, name: str, language: str, list_slug: str) -> None:
    """Copy a system mail into this instance, where its words may be changed.

    From then on the copy is sent. Delete it to have the shipped one back.
    """
    from balintmail.services import system_mails  # noqa: PLC0415

    with app.context() as ctx:
        path = system_mails.copy(ctx, name, language=language, list_slug=list_slug)
    app.out.line(f"{path}: change its words; this copy is sent from now on.")
    app.out.line(f"Look at it: balintmail templates preview {name}")
    app.out.json({"file": str(path)})
