"""`balintmail officers`: who holds which office, and handing one on. It makes nobody a person."""

from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.domain.states import Role
from balintmail.domain.times import rfc3339

if TYPE_CHECKING:
    from balintmail.db.officers import Holder

_ROLE = click.argument("role", type=click.Choice([role.value for role in Role]))
_PERSON = click.option("--person", type=int, metavar="ID", help="Which of several people who share the address.")


@click.group(cls=Group)
def officers() -> None:
    """Show who holds which office, and hand one on."""


@officers.command("list")
@pass_app
def list_officers(app: App) -> None:
    """Show everybody who holds an office."""
    from balintmail.services import officers as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.every(ctx)
        zone = ctx.settings.zone

    def since(one: "Holder") -> str:
        return rfc3339(one.since, zone)

    app.out.json(
        [
            {
                "role": one.role.value,
                "person": one.person_id,
                "name": one.name,
                "address": one.address,
                "since": since(one),
            }
            for one in found
        ]
    )
    table = [(one.role.value, one.person_id, one.name, one.address, since(one)[:10]) for one in found]
    app.out.table(("office", "person", "name", "address", "since"), table)


@officers.command()
@_ROLE
@click.argument("who")
@_PERSON
@pass_app
def appoint(app: App, /, role: str, who: str, person: int | None) -> None:
    """Give an office to somebody on the register (id or address); a new Secretary follows the one before."""
    from balintmail.services import officers as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        done = service.appoint(ctx, Role(role), who, person=person)
    app.out.json({"role": role, "person": done.person, "result": "already" if done.already else "appointed"})
    named = f"Person {done.person}" + (f", {done.name}," if done.name else "")
    if done.already:
        app.out.line(f"{named} is {role} already.")
        return
    app.out.line(f"{named} is {role} from now on.")
    for one in done.before:
        app.out.line(f"Person {one} is {role} no longer.")


@officers.command()
@_ROLE
@click.argument("who")
@_PERSON
@pass_app
def end(app: App, /, role: str, who: str, person: int | None) -> None:
    """Take an office from somebody; they stay on the register and on their lists."""
    from balintmail.services import officers as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        number, held = service.end(ctx, Role(role), who, person=person)
    app.out.json({"role": role, "person": number, "result": "ended" if held else "already"})
    app.out.line(f"Person {number} is {role} no longer." if held else f"Person {number} is not {role}.")
