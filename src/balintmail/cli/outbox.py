"""`balintmail outbox`: what the default transport has been given."""

import sys
from pathlib import Path

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.output import NotConfirmed


@click.group(cls=Group)
def outbox() -> None:
    """Look at the messages that stayed on this machine, while no relay is set."""


def _folder(app: App) -> Path:
    from balintmail import wiring  # noqa: PLC0415

    with app.instance() as instance:
        return instance.folder / wiring.OUTBOX_FOLDER


@outbox.command("list")
@pass_app
def list_(app: App) -> None:
    """List the messages in the outbox."""
    from balintmail.sending import outbox as maildir  # noqa: PLC0415

    found = maildir.letters(_folder(app))
    app.out.json(
        [{"file": one.file, "to": one.to, "subject": one.subject, "message_id": one.message_id} for one in found]
    )
    if not found:
        app.out.line("The outbox is empty. What is sent without a relay lands here.")
        return
    app.out.table(("file", "to", "subject"), [(one.file, one.to, one.subject) for one in found])


@outbox.command()
@click.argument("file")
@pass_app
def show(app: App, file: str) -> None:
    """Print one message as it is, headers first; FILE is a name from the list or a delivery's number."""
    from balintmail.sending import outbox as maildir  # noqa: PLC0415

    raw = maildir.read_letter(_folder(app), file)
    if app.out.wants_json:
        app.out.json({"file": file, "message": raw.decode("utf-8", "replace")})
    elif app.out.interactive:
        app.out.line(raw.decode("utf-8", "replace").replace("\r\n", "\n"))  # data must not drive the terminal (J13)
    else:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()


@outbox.command()
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def clear(app: App, yes: bool) -> None:
    """Remove every message from the outbox; the ledger keeps what it knows."""
    from balintmail.sending import outbox as maildir  # noqa: PLC0415

    folder = _folder(app)
    number = len(maildir.letters(folder))
    asks = number and app.out.interactive and not yes
    if asks and not app.out.confirm(f"Remove {number} messages from the outbox?"):
        raise NotConfirmed("Nothing was removed.", hint="To remove them unasked: --yes")
    removed = maildir.clear(folder)
    app.out.json({"removed": removed})
    app.out.line(f"Removed {removed} messages.")
