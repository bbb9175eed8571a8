"""Open join requests that somebody with an office types in (`subscribe --request`), by the same rules as the form's.

Whoever cannot be asked is returned as a result with the reason, not raised: the Secretary may know who is known.
"""

from collections.abc import Sequence

from balintmail.db import people, requests, subscriptions
from balintmail.db.lists import MailingListRow
from balintmail.domain import address as parsing
from balintmail.domain.imports import Candidate, choose, key_of_name
from balintmail.domain.requests import Door, Held, may_be_asked_for
from balintmail.domain.states import RequestState, SubscriptionState
from balintmail.services.applications import Application
from balintmail.services.context import Context
from balintmail.services.lists import named
from balintmail.services.offers import Offer, Wording
from balintmail.services.requests import ask, take_turns
from balintmail.services.subscriptions import Joining, Result, ResultKind, checked, refusal, shown_text

ASKING_WORDS = "asked to join"


def request(ctx: Context, texts: Sequence[str], joining: Joining) -> list[Result]:
    """Open a join request for each of these addresses; return one result for each.

    The address gets the same confirmation as from the form. Raises NotFound or Conflict for the list.
    """
    joining = checked(texts, joining)
    with ctx.db.read() as tx:
        mailing_list = named(tx, joining.list_slug)
    return [_request_one(ctx, mailing_list, text, joining) for text in texts]


def _request_one(ctx: Context, to: MailingListRow, text: str, joining: Joining) -> Result:
    try:
        address = parsing.parse(text)
    except parsing.AddressRefused as exc:
        return Result(shown_text(text), None, ResultKind.REFUSED, f"invalid: {exc.reason}")
    if not may_be_asked_for(to.policy):
        said = f'the list "{to.slug}" is closed: the Secretary adds people'
        return Result(address.text, None, ResultKind.REFUSED, said)
    if (found := _known(ctx, to, address, joining)) is not None:
        return found
    offer = Offer(to, (), Wording(joining.words or ASKING_WORDS))
    application = Application(
        [offer], [to.slug], address.text, joining.name or "", joining.language or "", door=Door.COMMAND
    )
    numbers = ask(ctx, application)
    take_turns(ctx)
    return _told(ctx, address, numbers[0])


def _known(ctx: Context, to: MailingListRow, address: parsing.Address, joining: Joining) -> Result | None:
    """Return the result for whoever must not be mailed, is on the list, or has asked already."""
    with ctx.db.read() as tx:
        if why := refusal(ctx, tx, address, joining.name or ""):
            return Result(address.text, None, ResultKind.REFUSED, why)
        held = people.at_address(tx, address.key)
        person = choose(key_of_name(joining.name or ""), [Candidate(row.id, row.name) for row in held]).person
        before = subscriptions.get(tx, person, to.id) if person is not None else None
        if before is not None and before.state is SubscriptionState.SUBSCRIBED:
            since = before.since.astimezone(ctx.settings.zone).date()
            return Result(address.text, person, ResultKind.ALREADY, f"on the list since {since}")
        for row in requests.waiting(tx, to.id, address.key):
            if key_of_name(row.name) == key_of_name(joining.name or ""):
                day = row.created_at.astimezone(ctx.settings.zone).date()
                return Result(address.text, person, ResultKind.REQUESTED, f"request {row.id} waits since {day}")
    return None


def _told(ctx: Context, address: parsing.Address, number: int) -> Result:
    with ctx.db.read() as tx:
        row = requests.get(tx, number)
    if row is not None and row.state is RequestState.APPROVED:
        return Result(address.text, row.person_id, ResultKind.SUBSCRIBED, "the list is open")
    if row is not None and row.why_held is Held.NO_SITE:
        said = f"request {number} waits for you: balintmail requests approve {number}"
        return Result(address.text, None, ResultKind.REQUESTED, said)
    return Result(address.text, None, ResultKind.REQUESTED, f"request {number}: a confirmation goes to the address")
