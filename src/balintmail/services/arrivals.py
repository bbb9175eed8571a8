"""Make a subscriber of an applicant: with the words they agreed to, the proof of it, their answers, and the welcome.

The one place where a request becomes a subscription; who may say so is decided before (services/requests.py,
services/decisions.py). The caller holds the register (`people.lock`) and ends the transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from balintmail.db import lists, people, requests, subscriptions
from balintmail.db.lists import MailingListRow
from balintmail.db.people import PersonRow
from balintmail.db.requests import RequestRow
from balintmail.db.session import Tx
from balintmail.domain.address import parse
from balintmail.domain.imports import Candidate, choose, key_of_name
from balintmail.domain.likeness import names_alike
from balintmail.domain.requests import Act
from balintmail.domain.states import Ground, SubscriptionState
from balintmail.domain.times import rfc3339
from balintmail.services import latest, notices
from balintmail.services.context import Context
from balintmail.services.notices import WELCOME, Waiting
from balintmail.services.subscriptions import Agreement, Joining, ResultKind, put_on


@dataclass(frozen=True, slots=True)
class Arrival:
    """What became of one approved request; `refused` says why nobody could be put on the list, "" when somebody was.

    `new` is False for whoever was on the list already.
    """

    list_id: int
    person: int = 0
    new: bool = False
    refused: str = ""


def arrive(ctx: Context, tx: Tx, row: RequestRow, decision: Mapping[str, str]) -> Arrival:
    """Put an applicant on the list and close the request; `decision` is as db/requests.py takes it.

    A request that cannot be carried out stays as it is.
    """
    of = lists.by_id(tx, row.list_id)
    if of is None or of.archived_at is not None:
        return Arrival(row.list_id, refused="the list is archived")
    person, clear = whom(tx, row)
    if not clear:
        return Arrival(row.list_id, refused="several people share this address, and the request names none of them")
    if left := _left_since(ctx, tx, of, person, row):
        return Arrival(row.list_id, refused=left)
    agreement = Agreement(row.words, row.how, row.actor, _evidence(ctx, row, decision))
    joining = Joining(of.slug, name=row.name or None, language=_spoken(of, person, row), agreement=agreement)
    result = put_on(ctx, tx, of, (parse(row.email), person), joining)
    if result.result is ResultKind.REFUSED or result.person is None:
        return Arrival(row.list_id, refused=result.reason)
    if row.answers:
        subscriptions.answer(tx, result.person, of.id, {name: text for name, text in row.answers.items() if text})
    now = ctx.clock.now()
    requests.decide(tx, row, Act.APPROVE, {**decision, "person_id": result.person}, now=now)
    return Arrival(of.id, result.person, result.result is ResultKind.SUBSCRIBED)


def whom(tx: Tx, row: RequestRow) -> tuple[PersonRow | None, bool]:
    """Return the person that a request means, None for somebody new, and whether that can be told at all.

    At its own address a name counts as the same but for accents, titles and order.
    """
    held = people.at_address(tx, row.address_key)
    choice = choose(key_of_name(row.name), [Candidate(one.id, one.name) for one in held])
    if choice.refused:
        return None, False
    if choice.person is None:
        alike = [one for one in held if names_alike(one.name, row.name)]
        return (alike[0] if len(alike) == 1 else None), True
    return next((one for one in held if one.id == choice.person), None), True


def welcome(ctx: Context, tx: Tx, arrivals: Sequence[Arrival]) -> None:
    """Let a welcome wait for everybody who is new on a list, with the latest newsletter where the list says so."""
    for list_id in dict.fromkeys(each.list_id for each in arrivals):
        of = lists.by_id(tx, list_id)
        persons = list(dict.fromkeys(each.person for each in arrivals if each.new and each.list_id == list_id))
        if of is None or not persons:
            continue
        row = latest.of_list(tx, list_id) if of.sends_latest else None
        facts = latest.facts(ctx, row) if row is not None else {}
        for person in persons:
            if (to := notices.to_person(tx, person)) is not None:
                waiting = Waiting(template=WELCOME, to=to, ground=Ground.CONSENT, list_id=list_id, facts=facts)
                notices.put(ctx, tx, waiting)
        if row is not None:
            latest.send(ctx, tx, row, of, persons)


def _left_since(ctx: Context, tx: Tx, of: MailingListRow, person: PersonRow | None, row: RequestRow) -> str:
    """Return why an earlier yes no longer counts: they have left the list since (D4); "" when they have not."""
    before = subscriptions.get(tx, person.id, of.id) if person is not None else None
    if before is None or before.state is not SubscriptionState.UNSUBSCRIBED or before.ended_at is None:
        return ""
    if before.ended_at <= (row.confirmed_at or row.created_at):
        return ""
    return f"they left the list on {before.ended_at.astimezone(ctx.settings.zone).date()}, after they had asked"


def _spoken(of: MailingListRow, person: PersonRow | None, row: RequestRow) -> str | None:
    """Return the language to keep: what was asked for, unless it is the list's own and nobody has another."""
    if person is None and row.language == of.language:
        return None
    return row.language


def _evidence(ctx: Context, row: RequestRow, decision: Mapping[str, str]) -> dict[str, str | int]:
    """Return what proves the consent beside its words (S42): the request, the form, the confirmation, who approved."""
    zone = ctx.settings.zone
    found: dict[str, str | int] = {"request": row.id, "asked": rfc3339(row.created_at, zone), **row.evidence}
    if row.confirmed_at is not None:
        found["confirmed"] = rfc3339(row.confirmed_at, zone)
    if decided_by := decision.get("decided_by"):
        found["approved_by"] = decided_by
    return {name: value for name, value in found.items() if value != ""}
