"""Tell the Secretary what is known of somebody who asks to join: here before, under another address, refused before.

Hints only: nothing is decided by them, and an applicant never sees one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from balintmail.db import addresses, audit, consent, people, requests, subscriptions
from balintmail.db.people import PersonRow
from balintmail.db.requests import RequestRow
from balintmail.db.session import Tx
from balintmail.domain.imports import key_of_name
from balintmail.domain.likeness import address_root, name_patterns, names_alike
from balintmail.domain.states import Ground, RequestState, SubscriptionState

MOST = 6  # of all kinds: more than a glance is no help


class HintKind(StrEnum):
    """What is known."""

    KNOWN_ADDRESS = "known_address"  # the address is on the register
    LEFT_BEFORE = "left_before"  # and its person left this list
    OTHER_ADDRESS = "other_address"  # the same name, or the same mailbox in another spelling, at another address
    SAME_NAME = "same_name"  # a name that is alike, at another address
    FORMER_MEMBER = "former_member"
    REFUSED_BEFORE = "refused_before"


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing that is known; `text` is a name, `at` when it was, `reason` what was said then."""

    kind: HintKind
    text: str = ""
    address: str = ""
    at: datetime | None = None
    person: int | None = None
    reason: str = ""


def hints(tx: Tx, row: RequestRow) -> list[Hint]:
    """Return what the register and earlier requests know of the applicant, the nearest first, each once."""
    found: list[Hint] = []
    for hint in (*_at_address(tx, row), *_refused(tx, row), *_elsewhere(tx, row)):
        if hint not in found:
            found.append(hint)
    return found[:MOST]


def _at_address(tx: Tx, row: RequestRow) -> Iterator[Hint]:
    for person in people.at_address(tx, row.address_key):
        if person.joined_at >= row.created_at and person.id in _put_by_form(tx, row):
            continue
        yield Hint(HintKind.KNOWN_ADDRESS, person.name, row.email, person.joined_at, person.id)
        standing = subscriptions.get(tx, person.id, row.list_id)
        if standing is not None and standing.state is SubscriptionState.UNSUBSCRIBED:
            yield Hint(HintKind.LEFT_BEFORE, person.name, row.email, standing.ended_at, person.id)
        yield from _former(tx, person, row.email)


def _put_by_form(tx: Tx, row: RequestRow) -> set[int | None]:
    """Return whom the same form has put on another of its lists already."""
    rows = requests.of_batch(tx, row.batch or row.id)
    return {one.person_id for one in rows if one.state is RequestState.APPROVED}


def _elsewhere(tx: Tx, row: RequestRow) -> Iterator[Hint]:
    """Yield people at other addresses whose name is the same or alike."""
    found = [one for one in people.resembling(tx, name_patterns(row.name)) if names_alike(one.name, row.name)]
    held = addresses.of_people(tx, [one.id for one in found])
    root = address_root(row.address_key)
    for one in found[:MOST]:
        mine = held.get(one.id, [])
        if not mine or any(each.key == row.address_key for each in mine):
            continue
        same = key_of_name(one.name) == key_of_name(row.name) or any(address_root(each.key) == root for each in mine)
        kind = HintKind.OTHER_ADDRESS if same else HintKind.SAME_NAME
        yield Hint(kind, one.name, mine[0].email, one.joined_at, one.id)
        yield from _former(tx, one, mine[0].email)


def _former(tx: Tx, person: PersonRow, address: str) -> Iterator[Hint]:
    """Yield that somebody was a member once: by the register's own field, by an edit, or by the ground they had."""
    if person.member:
        return
    if until := str(person.fields.get("member_until") or ""):
        yield Hint(HintKind.FORMER_MEMBER, person.name, address, None, person.id, until[:40])
        return
    for row in reversed(audit.of_people(tx, [person.id])):
        changed = row.detail.get("changed")
        if isinstance(changed, list) and "member" in changed:
            yield Hint(HintKind.FORMER_MEMBER, person.name, address, row.at, person.id)
            return
    for event in consent.history(tx, person.id):
        if event.ground is Ground.MEMBERSHIP:
            yield Hint(HintKind.FORMER_MEMBER, person.name, address, event.at, person.id)
            return


def _refused(tx: Tx, row: RequestRow) -> Iterator[Hint]:
    for one in requests.declined(tx, row.address_key)[:2]:
        yield Hint(HintKind.REFUSED_BEFORE, one.name, one.email, one.decided_at, None, one.reason or one.note)
    for one in requests.declined_names(tx):
        if one.address_key != row.address_key and names_alike(one.name, row.name):
            yield Hint(HintKind.REFUSED_BEFORE, one.name, one.email, one.decided_at, None, one.reason or one.note)
