"""A request for a copy as letters, pages and commands see it: what it is about, its terms, who asked, where it goes.

It changes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from balintmail.db import addresses, copies, people, postal
from balintmail.db.copies import CopyRow, TermsRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import money, tokens
from balintmail.domain.tokens import Purpose
from balintmail.errors import NotFound
from balintmail.services import members
from balintmail.services import postal as rules
from balintmail.services.context import Context
from balintmail.services.copy_finding import Found, found

COMMAND = "command"  # the door by which somebody vouches for the address
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1  # of a row in either database (F9)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as letters and pages tell of it: its row, its terms, what it is about (None: nobody knows)."""

    row: CopyRow
    terms: TermsRow
    found: Found | None

    @property
    def price(self) -> str:
        """What is asked for it as letters write it, "" for nothing."""
        if self.terms.price_pence is None or self.terms.currency is None:
            return ""
        return money.written(self.terms.price_pence, self.terms.currency)


def shown(tx: Tx, number: int) -> CopyRow:
    """Return a request by its number; raise NotFound."""
    row = copies.get(tx, number) if 0 < number <= _LARGEST else None
    if row is None:
        raise NotFound(f"There is no request {number} for a copy.", hint="See: balintmail copies list --all")
    return row


def asked_of(ctx: Context, tx: Tx, row: CopyRow) -> Asked:
    """Return a request with its terms and what it was understood to be about."""
    terms = copies.terms(tx, row.id)
    return Asked(row, terms, found(ctx, tx, copies.target(row, terms)))


def of_token(ctx: Context, tx: Tx, token: str, purpose: Purpose) -> CopyRow | None:
    """Return the request that a token of that purpose is about, decided or not; None when there is none."""
    claims = tokens.read(token, purpose, ctx.keyring.verifying)
    row = copies.get(tx, claims.delivery) if claims is not None and claims.delivery <= _LARGEST else None
    return row if row is not None and claims is not None and stamp(row) == claims.list else None


def stamp(row: CopyRow) -> int:
    """Return what tells a request from a later one that is given the number of a deleted one."""
    return (row.created_at - _EPOCH) // timedelta(microseconds=1)


def known(tx: Tx, row: CopyRow) -> str:
    """Return what is known of whoever asked: `member`, `reader`, `confirmed` for a stranger who did, "" for nothing."""
    person = holder(tx, row)
    if person is not None:
        return "member" if person.member else "reader"
    return "" if row.door == COMMAND else "confirmed"


def holder(tx: Tx, row: CopyRow) -> PersonRow | None:
    """Return the person of a request while they live on the register and hold its address."""
    found = people.get(tx, row.person_id) if row.person_id else None
    if found is None or found.erased_at is not None:
        return None
    held = {one.key for one in addresses.of_person(tx, found.id)}
    return found if row.address_key in held else None


def envelope(ctx: Context, tx: Tx, asked: Asked) -> list[str]:
    """Return the lines of the envelope of a copy on paper: as they wrote them, else as the register has them."""
    if asked.terms.post:
        return asked.terms.post.split("\n")
    person = holder(tx, asked.row)
    address = postal.at(tx, person.id, members.today(ctx)) if person is not None else None
    return rules.lines(address.parts, person.name) if address is not None and person is not None else []
