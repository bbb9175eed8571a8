"""`people held`: everything that is held of a person, for whoever asks for it (UK GDPR Art. 15 and 20).

It changes nobody.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.people import chosen
from balintmail.cli.private_files import may_write, private_file, standard_output

if TYPE_CHECKING:
    from balintmail.services.context import Context


@click.command(cls=Command)
@click.argument("who", metavar="PERSON")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--person", metavar="ID", type=int, help="Which one, where people share the address.")
@click.option("--mail", is_flag=True, help="Mail the person a link that shows it, in place of printing it.")
@click.option("--yes", is_flag=True, help="Replace FILE without asking.")
@pass_app
def held(app: App, who: str, file: Path | None, person: int | None, mail: bool, yes: bool) -> None:
    """Write everything that is held of a person as JSON to FILE, or to standard output.

    Names, addresses, lists, consent, requests, letters, acts: nothing is left out. The file can be read by you alone
    (mode 600), and the record keeps that it was handed out.
    """
    from balintmail.services import held as service  # noqa: PLC0415  (loads SQLAlchemy)

    if mail and file is not None:
        raise click.UsageError("--mail and FILE do not go together.")
    with app.context() as ctx:
        with ctx.db.read() as tx:
            number = chosen(tx, who, person, everyone=False)[0]
        if mail:
            _mail(app, ctx, number)
            return
        if file is not None and str(file) != "-":
            may_write(app.out, file, yes=yes)
        text = json.dumps(service.document(service.of_person(ctx, number), ctx.settings.zone), ensure_ascii=False)
    if file is None or str(file) == "-":
        with standard_output() as out:
            out.write(f"{text}\n")
        return
    with private_file(file) as out:
        out.write(f"{text}\n")
    app.out.json({"person": number, "file": str(file)})
    app.out.line(f"Everything held of person {number} written to {file}.")


def _mail(app: App, ctx: "Context", number: int) -> None:
    from balintmail.domain.times import long_form, rfc3339  # noqa: PLC0415  (loaded already)
    from balintmail.services import preferences  # noqa: PLC0415  (loaded already)

    until = preferences.mail_everything(ctx, number)
    zone = ctx.settings.zone
    app.out.json({"person": number, "mailed": True, "until": rfc3339(until, zone)})
    app.out.line(f"A link waits for person {number}; it works until {long_form(until, zone)}.")
    app.out.line("It leaves with the next: balintmail dispatch")
