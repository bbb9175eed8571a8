"""Decide what becomes of a join request, whichever door it came through: form, command or mail.

    pending ──confirm──► confirmed ──approve──► approved
       │                     ├──decline──► declined
       └──expire──► expired ◄┘  (and an officer may decline, or vouch for, one that is still pending)

Pure: it knows no clock, database or mail. What a confirmation leads to is the list's policy (`after_confirming`). It
never makes anybody a subscriber; services/requests.py does, where this says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from balintmail.domain.states import Policy, RequestState
from balintmail.errors import BalintmailError

OPEN = (RequestState.PENDING, RequestState.CONFIRMED)
_LINK = re.compile(r"https?:|www\.|://|\[url|<a\s", re.IGNORECASE)


class Act(StrEnum):
    """What may happen to a request."""

    CONFIRM = "confirm"  # whoever reads the mailbox pressed the button
    APPROVE = "approve"
    DECLINE = "decline"
    EXPIRE = "expire"


class Door(StrEnum):
    """Where a request came in; the value goes on record as how consent was given."""

    FORM = "form"
    COMMAND = "command"  # somebody with an office typed it in, and answers for it
    MAIL = "mail"


class Held(StrEnum):
    """Why a request waits for the Secretary although no confirmation was mailed; "" when one was, or will be."""

    NOTHING = ""
    TRAP = "trap"  # a field that people cannot see was filled in
    QUICK = "quick"  # sent faster than anybody can read the form
    LINKS = "links"  # a name or an answer full of web addresses, as advertisers write them
    ADDRESS = "address"  # this address has had its confirmation of the day
    NETWORK = "network"  # too many from one network
    FLOOD = "flood"  # too many in all: somebody may be using the form against others
    NO_SITE = "no_site"  # the society has no web address, so no link can be mailed
    TURN = "turn"  # an open list: it is taken within seconds, after the page has answered


# What the Secretary reads about a request that got no mail.
HELD_WORDS: dict[Held, str] = {
    Held.NOTHING: "",
    Held.TRAP: "looks automatic: a hidden field was filled in",
    Held.QUICK: "looks automatic: sent within seconds",
    Held.LINKS: "looks like advertising: web addresses where none belong",
    Held.ADDRESS: "this address had its confirmation of the day already",
    Held.NETWORK: "many requests came from the same network",
    Held.FLOOD: "many requests came in at the same time",
    Held.NO_SITE: "the society has no web address, so nobody could confirm",
    Held.TURN: "is being taken",
}

_MOVES: dict[tuple[RequestState, Act], RequestState] = {
    (RequestState.PENDING, Act.CONFIRM): RequestState.CONFIRMED,
    (RequestState.PENDING, Act.APPROVE): RequestState.APPROVED,  # an open list, or an officer's own word
    (RequestState.PENDING, Act.DECLINE): RequestState.DECLINED,
    (RequestState.PENDING, Act.EXPIRE): RequestState.EXPIRED,
    (RequestState.CONFIRMED, Act.APPROVE): RequestState.APPROVED,
    (RequestState.CONFIRMED, Act.DECLINE): RequestState.DECLINED,
    (RequestState.CONFIRMED, Act.EXPIRE): RequestState.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one field cannot be taken: the key of a sentence in the catalogue below `join.problem`, and what it names."""

    code: str
    values: Mapping[str, str | int] | None = None


class ApplicationRefused(BalintmailError):
    """A form cannot be taken as it was filled in; `problems` says by field why. Nothing was written."""

    code = "application_refused"

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        super().__init__(
            f"The request cannot be taken: {', '.join(f'{name} ({p.code})' for name, p in problems.items())}."
        )
        self.problems = dict(problems)


def after(state: RequestState, act: Act) -> RequestState | None:
    """Return the state that `act` leads to, or None when it may not happen in `state`."""
    return _MOVES.get((state, act))


def sources(act: Act) -> tuple[RequestState, ...]:
    """Return the states in which `act` may happen."""
    return tuple(state for state, known in _MOVES if known is act)


def may_be_asked_for(policy: Policy) -> bool:
    """Say whether anybody may ask to join a list of this policy."""
    return policy is not Policy.CLOSED


def needs_confirmation(policy: Policy, *, known: bool) -> bool:
    """Say whether whoever reads the mailbox has to confirm first.

    An open list takes an address at once, but only one that nobody on the register has: nobody else's word brings
    somebody back who has left, or puts a second person at an address.
    """
    return policy is not Policy.OPEN or known


def after_confirming(policy: Policy, *, approved_before: bool = False) -> RequestState:
    """Return where a confirmed request of a list stands: taken at once, or waiting for the Secretary."""
    if policy in {Policy.OPEN, Policy.CONFIRM} or approved_before:
        return RequestState.APPROVED
    return RequestState.CONFIRMED


def vouched(door: Door) -> bool:
    """Say whether approving a request that was never confirmed subscribes at once: an officer typed it in themselves.

    For any other, the address confirms first, whatever the officer says of the request.
    """
    return door is Door.COMMAND


def confirmations(address_key: str) -> tuple[str, str]:
    """Return the names of the two confirmations that may wait for an address: today's, and the next day's."""
    return f"confirm {address_key}", f"confirm later {address_key}"


def looks_automatic(texts: Iterable[str]) -> Held:
    """Return LINKS when what was typed freely holds web addresses, as advertisers write them, else NOTHING."""
    return Held.LINKS if any(_LINK.search(text) for text in texts) else Held.NOTHING
