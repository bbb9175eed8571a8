"""`balintmail members post`: where the post reaches somebody, from which day on and until which.

It decides nothing by itself; services/postal_book.py does.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.days import DAY
from balintmail.errors import UsageRefused

if TYPE_CHECKING:
    from balintmail.services.postal_book import Held

PARTS = {
    "country": "country_code", "company": "company_name", "name": "name", "area": "city_area", "city": "city",
    "region": "country_area", "postcode": "postal_code", "sorting_code": "sorting_code",
}  # fmt: skip
_OPTIONS = {name: part for part, name in PARTS.items()} | {"street_address": "street"}
_WRONG = {
    "required": "is needed in that country",
    "invalid": "does not fit that country",
    "unprintable": "cannot be printed on a label",
}


@click.command("post", cls=Command)
@click.argument("who", metavar="PERSON")
@click.option("--person", type=click.IntRange(1), metavar="ID", help="Which one, where an address is shared.")
@click.option("--country", metavar="CODE", help="The country as two letters, such as GB or HU.")
@click.option("--name", metavar="NAME", help="The name on the label, where it is not the person's.")
@click.option("--company", metavar="NAME", help="The practice or institution.")
@click.option("--street", metavar="LINE", multiple=True, help="A line of the street part; up to four.")
@click.option("--area", metavar="NAME", help="The district or suburb, where the country writes one.")
@click.option("--city", metavar="NAME", help="The town.")
@click.option("--region", metavar="NAME", help="The state, province or county, where the country writes one.")
@click.option("--postcode", metavar="CODE", help="The postcode.")
@click.option("--sorting-code", metavar="CODE", help="The sorting code, such as CEDEX 07.")
@click.option("--from", "first", type=DAY, metavar="DATE", help="The first day; from now, alone, unless you say.")
@click.option("--until", "last", type=DAY, metavar="DATE", help="The last day; for good unless you say.")
@click.option("--remove", type=click.IntRange(1), metavar="NUMBER", help="Forget the address of that number.")
@pass_app
def post(app: App, /, who: str, person: int | None, **given: Any) -> None:
    """Show where the post reaches somebody; or keep a new address, for good or between two days.

    An address is held to what its country writes. One with --from or --until leaves the others as they are before and
    after those days; without, it takes their place.
    """
    from balintmail.services import postal_book as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.people import find_one  # noqa: PLC0415
    from balintmail.services.postal import PostalRefused  # noqa: PLC0415

    parts = {part: given[option] for option, part in PARTS.items() if given[option]}
    if given["street"]:
        parts["street_address"] = "\n".join(given["street"])
    if given["remove"] is not None and (parts or given["first"] or given["last"]):
        raise click.UsageError("--remove stands alone.")
    if not parts and (given["first"] or given["last"]):
        raise click.UsageError("Say the address, too: --country, --street, --city and what else the country writes.")
    first, last = (given[name] for name in ("first", "last"))
    with app.context() as ctx:
        with ctx.db.read() as tx:
            number = find_one(tx, who, person=person).id
            held = service.listed(ctx, tx, number)
        try:
            if parts:
                held = service.put(ctx, number, parts, (first, last))
            elif given["remove"] is not None:
                held = service.remove(ctx, number, given["remove"])
        except PostalRefused as exc:
            wrong = [f"--{_OPTIONS[part].replace('_', '-')} {_WRONG[why]}" for part, why in sorted(exc.wrong.items())]
            raise UsageRefused(f"That postal address cannot be kept: {', '.join(wrong)}.") from exc
    app.out.json([_document(each) for each in held])
    if not held:
        app.out.line(f"Nothing is known of where the post reaches person {number}.")
    for each in held:
        app.out.line(f"{each.row.id:>6}  {_days(each)}{'  (now)' if each.now else ''}")
        for line in (*each.lines, each.row.country_code):
            app.out.line(f"        {line}")


def _days(each: "Held") -> str:
    first = f"from {each.row.valid_from}" if each.row.valid_from else ""
    last = f"until {each.row.valid_until}" if each.row.valid_until else ""
    return " ".join(part for part in (first, last) if part) or "always"


def _document(each: "Held") -> dict[str, Any]:
    return {
        "id": each.row.id,
        "from": each.row.valid_from.isoformat() if each.row.valid_from else None,
        "until": each.row.valid_until.isoformat() if each.row.valid_until else None,
        "now": each.now,
        "parts": each.row.parts,
        "lines": list(each.lines),
    }
