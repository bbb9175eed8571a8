"""`people edit`, `merge` and `erase`: what changes somebody on the register.

What cannot be taken back asks first, and says what happens; off a terminal it wants --yes.
"""

from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.days import DAY
from balintmail.cli.output import NotConfirmed
from balintmail.cli.people import chosen

if TYPE_CHECKING:
    from datetime import date

    from balintmail.services.erasure import Erased

_IN_USE = (
    "The database's file was in use, so deleted text may still lie in its gaps. When no send is running, run: "
    "balintmail people erase --sweep"
)


@click.command(cls=Command)
@click.argument("who", metavar="PERSON")
@click.option("--person", metavar="ID", type=int, help="Which one, where people share the address.")
@click.option("--all", "everyone", is_flag=True, help="Everybody who shares the address.")
@click.option("--name", metavar="NAME", help="The name, in the person's own order.")
@click.option("--first-name", metavar="NAME", help="How letters address them; otherwise it follows from the name.")
@click.option("--language", metavar="TAG", help='The language, such as "hu"; "" for the list\'s.')
@click.option("--member/--not-member", default=None, help="Whether they are a member.")
@click.option("--set", "values", metavar="FIELD=TEXT", multiple=True, help="Set one of your own fields.")
@click.option("--unset", metavar="FIELD", multiple=True, help="Remove one of your own fields.")
@click.option("--add-address", "add", metavar="ADDRESS", multiple=True, help="Give them one more address.")
@click.option("--remove-address", "remove", metavar="ADDRESS", multiple=True, help="Take an address away.")
@click.option("--prefer", metavar="ADDRESS", help="The address that letters go to.")
@click.option("--pause", metavar="LIST", multiple=True, help="Send nothing of that list until it is resumed.")
@click.option("--until", type=DAY, help="With --pause: the day on which it ends by itself, such as 2027-03-01.")
@click.option("--resume", metavar="LIST", multiple=True, help="End a pause.")
@pass_app
def edit(
    app: App,
    who: str,
    person: int | None,
    everyone: bool,
    name: str | None,
    first_name: str | None,
    language: str | None,
    member: bool | None,
    values: tuple[str, ...],
    unset: tuple[str, ...],
    add: tuple[str, ...],
    remove: tuple[str, ...],
    prefer: str | None,
    pause: tuple[str, ...],
    until: "date | None",
    resume: tuple[str, ...],
) -> None:
    """Change what a person is called, what is known of them, and where mail reaches them."""
    from balintmail.services import people, subscriptions  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.leaving import day_begins  # noqa: PLC0415  (loads SQLAlchemy)

    fields: dict[str, str | None] = dict.fromkeys(unset)
    for value in values:
        key, sign, text = value.partition("=")
        if not sign:
            raise click.UsageError(f'--set is written FIELD=TEXT, and "{value}" has no "=".')
        fields[key] = text
    changes = people.Changes(name, first_name, language, member, fields, add, remove, prefer)
    if changes == people.Changes() and not pause and not resume:
        raise click.UsageError("Say what to change, such as --name or --add-address.")
    if until is not None and not pause:
        raise click.UsageError("--until says when a pause ends; name the list: --pause LIST.")
    documents = []
    with app.context() as ctx:
        ends_at = day_begins(ctx, until) if until else None
        with ctx.db.read() as tx:
            numbers = chosen(tx, who, person, everyone=everyone)
        for number in numbers:
            done = people.edit(ctx, number, changes) if changes != people.Changes() else []
            more = [f"paused {slug}" for slug in pause if subscriptions.pause(ctx, number, slug, ends_at)]
            more += [f"resumed {slug}" for slug in resume if subscriptions.resume(ctx, number, slug)]
            documents.append({"person": number, "changed": [*done, *more]})
            said = "; ".join([*([f"changed {', '.join(done)}"] if done else []), *more])
            said = said or "nothing to change, it was so already"
            app.out.line(f"Person {number}: {said}.")
    app.out.json(documents if everyone else documents[0])


@click.command(cls=Command)
@click.argument("keep", metavar="PERSON")
@click.argument("other", metavar="OTHER")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def merge(app: App, keep: str, other: str, yes: bool) -> None:
    """Make one person of two that are the same: the first keeps the number.

    Addresses and consent are kept; where the two differ on a list, the no wins. It cannot be taken back.
    """
    from balintmail.services import merging, people  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        with ctx.db.read() as tx:
            first, second = people.find_one(tx, keep), people.find_one(tx, other)
        app.out.line(
            f"Person {second.id} ({second.name or 'no name'}) becomes part of {first.id} ({first.name or 'no name'})."
        )
        _confirmed(app, yes, "Merge them? It cannot be taken back.", "Nobody was merged.")
        done = merging.merge(ctx, first.id, second.id)
    app.out.json({"kept": done.kept, "gone": done.gone, "addresses": done.addresses})
    app.out.line(
        f"Merged: person {done.kept} now has {done.addresses} {_plural(done.addresses, 'address', 'addresses')}."
    )


@click.command(cls=Command)
@click.argument("who", metavar="PERSON", required=False)
@click.option("--person", metavar="ID", type=int, help="Which one, where people share the address.")
@click.option("--all", "everyone", is_flag=True, help="Everybody who shares the address.")
@click.option("--sweep", is_flag=True, help="Erase nobody; only sweep what was deleted out of the database's file.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def erase(app: App, who: str | None, person: int | None, everyone: bool, sweep: bool, yes: bool) -> int:
    """Erase a person for good, at their wish.

    Name, addresses, consent addresses, letters in the outbox: all goes. A keyed hash stays, so that the address is
    never mailed again by accident. Backups made before still hold what they held, and the accounts keep invoices for as
    long as the law wants.
    """
    from balintmail.services import erasure, people  # noqa: PLC0415  (loads SQLAlchemy)

    if (who is None) != sweep:
        raise click.UsageError("Name one person to erase, or say --sweep alone.")
    documents: list[dict[str, int | bool]] = []
    with app.context() as ctx:
        if who is None:
            swept = ctx.db.sweep(rebuild=True)
            app.out.json({"swept": swept})
            app.out.line("What was deleted is gone from the database's file." if swept else _IN_USE)
            return 0 if swept else 1
        with ctx.db.read() as tx:
            rows = [people.by_id(tx, number) for number in chosen(tx, who, person, everyone=everyone)]
        for row in rows:
            app.out.line(f"To be erased: person {row.id}, {row.name or 'no name'}.")
        _confirmed(
            app, yes, "Erase them? It cannot be taken back, and they can never be mailed again.", "Nobody was erased."
        )
        for row in rows:
            done = erasure.erase(ctx, row.id)
            app.out.line(_erased(done))
            if not done.swept:
                app.out.note(_IN_USE)
            documents.append(
                {
                    "person": done.person,
                    "addresses": done.addresses,
                    "shared": done.shared,
                    "stopped": done.stopped,
                    "letters": done.letters,
                    "swept": done.swept,
                    "papers": done.papers,
                }
            )
    app.out.json(documents if everyone else documents[0])
    return 0


def _confirmed(app: App, yes: bool, question: str, refused: str) -> None:
    """Ask unless --yes was said; raise NotConfirmed for a no."""
    if not yes and not app.out.confirm(question):
        raise NotConfirmed(refused, hint="Off a terminal, say --yes.")


def _erased(done: "Erased") -> str:
    parts = [f"Erased person {done.person}"]
    if done.shared:
        parts.append(f"{done.shared} {_plural(done.shared, 'address stays', 'addresses stay')} with whoever shares it")
    if done.stopped:
        parts.append(f"{done.stopped} open {_plural(done.stopped, 'delivery', 'deliveries')} stopped")
    if done.letters:
        parts.append(f"{done.letters} {_plural(done.letters, 'letter', 'letters')} removed from the outbox")
    if done.papers:
        papers = _plural(done.papers, "invoice or receipt stays", "invoices and receipts stay")
        parts.append(f"{done.papers} {papers} for the accounts, as the law wants")
    return "; ".join(parts) + "."


def _plural(number: int, one: str, many: str) -> str:
    return one if number == 1 else many
