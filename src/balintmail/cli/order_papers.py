"""`balintmail orders paper` and `orders statement`: what is handed out as files, to the buyer and to the Treasurer."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.days import DAY

if TYPE_CHECKING:
    from balintmail.services.order_statement import Statement, Sums

_KINDS = ("invoice", "receipt", "credit_note", "pro_forma")


@click.command("paper", cls=Command)
@click.argument("order")
@click.option("--kind", type=click.Choice(_KINDS), default="invoice", help="Which paper; the invoice unless said.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=None, help="Where to write it.")
@click.option("--yes", is_flag=True, help="Replace a file that is there.")
@pass_app
def paper(app: App, order: str, kind: str, out: Path | None, yes: bool) -> None:
    """Write a paper of an order as PDF: as it was issued, never made anew.

    An invoice that somebody wants before paying is issued now, with the next number.
    """
    from balintmail.cli.private_files import may_write, write_private  # noqa: PLC0415
    from balintmail.domain.orders import DocumentKind, label  # noqa: PLC0415
    from balintmail.errors import NotFound  # noqa: PLC0415
    from balintmail.services import invoices, order_shown, orders  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        number = order_shown.number_of(order)
        with ctx.db.read() as tx:
            of = order_shown.shown(tx, number)
        if kind == invoices.PRO_FORMA:
            name, octets = of.reference, invoices.pro_forma(ctx, of)
        else:
            held = [one for one in of.documents if one.kind is DocumentKind(kind)]
            if kind == DocumentKind.INVOICE:
                held = [of.invoice or orders.invoice(ctx, number)]
            if not held:
                raise NotFound(f"{of.reference} has no {kind.replace('_', ' ')}.")
            name = label(held[-1].kind, held[-1].year, held[-1].number)
            octets = invoices.file_of(ctx, held[-1]).read_bytes()
        file = out or Path(f"{name}.pdf")
        may_write(app.out, file, yes=yes)
        write_private(file, octets)
    app.out.json({"file": str(file), "number": name})
    app.out.line(f"{name} written to {file}.")


@click.command("statement", cls=Command)
@click.argument("year", type=click.IntRange(1900, 9998), required=False)
@click.option("--from", "first", type=DAY, help="The first day, where the society's year is another.")
@click.option("--to", "last", type=DAY, help="The last day, included.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), default=None, help="Where to write it (XLSX).")
@click.option("--yes", is_flag=True, help="Replace a file that is there.")
@pass_app
def statement(app: App, /, year: int | None, first: date | None, last: date | None, **said: Any) -> None:
    """Write the sheet for the Treasurer: orders, postage, refunds and dues by month, and every numbered paper."""
    from balintmail.cli.private_files import may_write, write_private  # noqa: PLC0415
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.services import order_statement as service  # noqa: PLC0415  (loads SQLAlchemy)

    if (year is None) is (first is None) or (first is None) is not (last is None):
        raise click.UsageError("Name a year, or --from and --to.")
    begin, end = (first, last) if first and last else (date(year or 1, 1, 1), date(year or 1, 12, 31))
    if end < begin:
        raise click.UsageError("--to is before --from.")
    with app.context() as ctx:
        found = service.statement(ctx, begin, end)
        file = said["out"] or Path(f"statement-{year or begin.isoformat()}.xlsx")
        may_write(app.out, file, yes=said["yes"])
        write_private(file, service.as_xlsx(found))
    app.out.json(_document(found, file))
    table = [
        (month, *(written(amount, currency) for amount in _amounts(sums)))
        for (month, currency), sums in (*found.months.items(), *((("total", c), s) for c, s in found.totals.items()))
    ]
    if table:
        app.out.table(("month", "copies", "postage", "of it back", "dues", "together"), table)
    app.out.line(f"{file}: {len(found.orders):,} payments of orders, {len(found.dues):,} of dues.")


def _amounts(sums: "Sums") -> tuple[int, ...]:
    return sums.copies, sums.postage, sums.refunds, sums.dues, sums.together


def _document(of: "Statement", file: Path) -> dict[str, Any]:
    names = ("copies", "postage", "refunds", "dues", "together")
    return {
        "file": str(file),
        "from": of.first.isoformat(),
        "to": of.last.isoformat(),
        "months": [
            {"month": month, "currency": currency, **dict(zip(names, _amounts(sums), strict=True))}
            for (month, currency), sums in of.months.items()
        ],
        "totals": [
            {"currency": currency, **dict(zip(names, _amounts(sums), strict=True))}
            for currency, sums in of.totals.items()
        ],
    }
