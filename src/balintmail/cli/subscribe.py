"""`balintmail subscribe` and `unsubscribe`: the Secretary's own acts, one line of answer for each person.

They decide nothing; services/subscriptions.py does. They send no mail unless --welcome asks for it.
"""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.days import DAY
from balintmail.cli.output import Tone
from balintmail.domain.grounds import Basis
from balintmail.domain.states import Ground

if TYPE_CHECKING:
    from balintmail.services.subscriptions import Result

_REFUSED = 1  # exit status when somebody was refused


@click.command(cls=Command)
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--list", "list_slug", metavar="LIST", default="", help="The list (default: the default list).")
@click.option("--consent", metavar="TEXT", help="The words they agreed to (default: the list's standing words).")
@click.option("--paper", "on_paper", is_flag=True, help="They signed it on paper, which you keep.")
@click.option("--collected", type=DAY, help="The day on which they agreed, such as 2026-11-21.")
@click.option(
    "--ground",
    type=click.Choice(["consent", "membership", "soft_opt_in"]),
    default="consent",
    help="On what ground they are mailed.",
)
@click.option("--opt-out-offered", is_flag=True, help="A way to say no was offered; the soft opt-in needs it.")
@click.option("--name", metavar="NAME", help="The person's name, in their own order.")
@click.option("--language", metavar="TAG", help='The person\'s language, such as "hu" or "en-NZ".')
@click.option("--member", is_flag=True, help="The person is a member of the society.")
@click.option("--request", "as_request", is_flag=True, help="Open a join request that waits, instead of subscribing.")
@click.option("--welcome", is_flag=True, help="Send the list's welcome letter to whoever is new on it.")
@click.option("--person", metavar="ID", type=int, help="Which one, where people share the address.")
@click.option("--all", "everyone", is_flag=True, help="Everybody who shares the address.")
@pass_app
def subscribe(
    app: App,
    addresses: tuple[str, ...],
    list_slug: str,
    consent: str | None,
    on_paper: bool,
    collected: "date | None",
    ground: str,
    opt_out_offered: bool,
    name: str | None,
    language: str | None,
    member: bool,
    as_request: bool,
    welcome: bool,
    person: int | None,
    everyone: bool,
) -> int:
    """Put people on a list, with their consent on record.

    This is the Secretary's own act: it subscribes at once under every policy of the list, records who did it and in
    which words, and sends no mail unless --welcome is given. Another name at a known address is a second person who
    shares it; whoever is known may be named by number, too.
    """
    from balintmail.services import subscriptions  # noqa: PLC0415  (loads SQLAlchemy)

    if as_request and member:
        raise click.UsageError("--request and --member do not go together: who is a member is decided, not asked.")
    if as_request and (everyone or person is not None):
        raise click.UsageError("--request takes an address, and no --person or --all.")
    if everyone and person is not None:
        raise click.UsageError("--person and --all do not go together.")
    if as_request and (on_paper or collected or opt_out_offered or ground != "consent"):
        raise click.UsageError("--request takes no ground: the applicant is asked.")
    basis = Basis(Ground(ground), collected, opt_out_offered)
    joining = subscriptions.Joining(
        list_slug,
        name,
        True if member else None,
        language,
        consent,
        person,
        everyone,
        basis=basis,
        on_paper=on_paper,
    )
    if as_request and welcome:
        raise click.UsageError("--request and --welcome do not go together: nobody is on the list yet.")
    with app.instance() as instance:
        ctx = instance.context(actor=app.options.by)
        if as_request:
            from balintmail.services.requests_typed import request  # noqa: PLC0415  (only this option needs it)

            return _answer(app, request(ctx, addresses, joining))
        results = subscriptions.subscribe(ctx, addresses, joining)
        if welcome:
            from balintmail.cli.welcome import send_welcome  # noqa: PLC0415  (loads MJML)

            new = [each.person for each in results if each.result is subscriptions.ResultKind.SUBSCRIBED]
            send_welcome(app.out, instance, ctx, list_slug, [number for number in new if number is not None])
    return _answer(app, results)


@click.command(cls=Command)
@click.argument("who", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--list", "list_slug", metavar="LIST", default="", help="The list (default: the default list).")
@click.option("--reason", metavar="TEXT", default="", help="Why they leave, in their words, for the record.")
@click.option("--goodbye", is_flag=True, help="Mail them that they have left, with the next dispatch.")
@click.option("--person", metavar="ID", type=int, help="Which one, where people share the address.")
@click.option("--all", "everyone", is_flag=True, help="Everybody who shares the address.")
@pass_app
def unsubscribe(
    app: App,
    who: tuple[str, ...],
    list_slug: str,
    reason: str,
    goodbye: bool,
    person: int | None,
    everyone: bool,
) -> int:
    """Take somebody off a list.

    An address or a person's number names them.

    What is still to be mailed to them of that list does not leave any more, also from a send that is running.
    """
    from balintmail.services import subscriptions  # noqa: PLC0415  (loads SQLAlchemy)

    if everyone and person is not None:
        raise click.UsageError("--person and --all do not go together.")
    with app.context() as ctx:
        leaving = subscriptions.Leaving(list_slug, reason, person, everyone)
        results = subscriptions.unsubscribe(ctx, who, leaving)
        if goodbye:
            from balintmail.services.farewell import say_goodbye  # noqa: PLC0415  (only this option needs it)

            gone = [each.person for each in results if each.result is subscriptions.ResultKind.UNSUBSCRIBED]
            say_goodbye(ctx, list_slug, [number for number in gone if number is not None])
        return _answer(app, results)


def _answer(app: App, results: Sequence["Result"]) -> int:
    """Print one line for each result, or the document, and return the exit status."""
    from balintmail.services.subscriptions import ResultKind  # noqa: PLC0415  (loaded already)

    app.out.json(
        [
            {"address": each.address, "person": each.person, "result": each.result.value, "reason": each.reason}
            for each in results
        ]
    )
    refused = False
    for each in results:
        number = f" (person {each.person})" if each.person is not None else ""
        reason = f": {each.reason}" if each.reason else ""
        bad = each.result is ResultKind.REFUSED
        app.out.line(f"{each.address}  {each.result.value}{number}{reason}", Tone.STOP if bad else Tone.PLAIN)
        refused = refused or bad
    return _REFUSED if refused else 0
