"""Ask on a terminal whose the doubtful lines of a bank statement are, one by one; what is not known yet waits on.

It decides nothing by itself; services/dues_import.py does.
"""

from collections.abc import Set
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App
from balintmail.domain.money import written
from balintmail.errors import BalintmailError

if TYPE_CHECKING:
    from balintmail.db.bank_lines import BankLineRow
    from balintmail.services.context import Context

YES, NOBODY = "y", "n"


def ask(app: App, ctx: "Context", file: str, lines: Set[int]) -> None:
    """Ask about each doubtful line of that file, in order, and settle what is answered; an empty answer leaves it."""
    from balintmail.services import dues_import as service  # noqa: PLC0415  (loads SQLAlchemy)

    for row in service.doubtful(ctx):
        if row.file == file and row.line in lines:
            _ask(app, ctx, row)


def _ask(app: App, ctx: "Context", row: "BankLineRow") -> None:
    app.out.line()
    app.out.line(f"Line {row.id}: {row.paid_on}, {written(row.amount, row.currency)}, {row.payer} {row.reference}")
    perhaps = f" Perhaps {row.name or 'person'} ({row.person_id}): y for yes." if row.person_id else ""
    app.out.line(f"  {row.reason}.{perhaps}")
    while True:
        prompt = "  Whose is it? A number or an address, n for nobody's, or Enter for later"
        said = click.prompt(prompt, prompt_suffix=": ", default="", show_default=False).strip()
        if not said:
            return
        try:
            app.out.line(f"  {_settle(ctx, row, said)}")
        except BalintmailError as exc:
            app.out.line(f"  {exc.message}")
        else:
            return


def _settle(ctx: "Context", row: "BankLineRow", said: str) -> str:
    from balintmail.services import dues_import as service  # noqa: PLC0415
    from balintmail.services.people import find_one  # noqa: PLC0415

    if said.casefold() == NOBODY:
        service.settle(ctx, row.id, None)
        return "Nobody's dues."
    if said.casefold() == YES and row.person_id:
        person = row.person_id
    else:
        with ctx.db.read() as tx:
            person = find_one(tx, said).id
    service.settle(ctx, row.id, person)
    return f"Recorded for person {person}."
