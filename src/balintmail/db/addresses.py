"""The rows of addresses and who holds them. It never parses an address; domain/address.py does, at the door."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from balintmail.db.models import Address, Person, PersonAddress, Suppression
from balintmail.db.session import Tx
from balintmail.domain.address import Address as Parsed
from balintmail.domain.states import AddressHealth, SuppressionReason


@dataclass(frozen=True, slots=True)
class AddressRow:
    """One address of one person, with what is known of it."""

    id: int
    email: str
    key: str
    health: AddressHealth
    preferred: bool
    suppressed: SuppressionReason | None
    domain_suppressed: SuppressionReason | None = None  # why its whole domain is

    @property
    def barred(self) -> bool:
        """Whether a suppression names it or its domain."""
        return self.suppressed is not None or self.domain_suppressed is not None

    @property
    def state(self) -> str:
        """What the register shows: `ok`, `bounced` or `suppressed`."""
        return "suppressed" if self.barred else self.health.value


def ensure(tx: Tx, address: Parsed, *, now: datetime) -> int:
    """Return the number of this address's row, made if there was none."""
    found: int | None = tx.scalar(select(Address.id).where(Address.key == address.key))
    if found is not None:
        return found
    row = {"email": address.text, "envelope": address.envelope, "key": address.key, "domain": address.domain}
    added: int = tx.execute(sa.insert(Address).values(**row, created_at=now).returning(Address.id)).scalar_one()
    return added


def of_people(tx: Tx, people: Sequence[int]) -> dict[int, list[AddressRow]]:
    """Return the addresses of these people, the preferred one first."""
    found: dict[int, list[AddressRow]] = {}
    for row in tx.execute(_of_people(), {"people": list(people)}):
        found.setdefault(row[0], []).append(AddressRow(*row[1:]))
    return found


@cache
def _of_people() -> "sa.Select[*tuple[Any, ...]]":
    """Return the statement, built once: building it takes longer than SQLite takes to answer it."""
    whole = aliased(Suppression)
    return (
        select(
            PersonAddress.person_id,
            Address.id,
            Address.email,
            Address.key,
            Address.health,
            PersonAddress.preferred,
            Suppression.reason,
            whole.reason,
        )
        .join(Address, Address.id == PersonAddress.address_id)
        .outerjoin(Suppression, Suppression.address_key == Address.key)
        .outerjoin(whole, whole.address_key == sa.literal("@") + Address.domain)
        .where(PersonAddress.person_id.in_(sa.bindparam("people", expanding=True)))
        .order_by(PersonAddress.preferred.desc(), Address.id)
    )


def of_person(tx: Tx, person_id: int) -> list[AddressRow]:
    """Return the addresses of one person, the preferred one first."""
    return of_people(tx, [person_id]).get(person_id, [])


def link(tx: Tx, person_id: int, address_id: int) -> None:
    """Give an address to a person; it becomes the preferred one when they have none."""
    mine = PersonAddress.person_id == person_id
    if tx.scalar(select(func.count()).where(mine, PersonAddress.address_id == address_id)):
        return
    preferred = not tx.scalar(select(func.count()).where(mine, PersonAddress.preferred))
    values = {"person_id": person_id, "address_id": address_id, "preferred": preferred}
    tx.execute(sa.insert(PersonAddress).values(**values))


def prefer(tx: Tx, person_id: int, address_id: int) -> None:
    """Make one of a person's addresses the preferred one."""
    mine = PersonAddress.person_id == person_id
    tx.execute(sa.update(PersonAddress).where(mine).values(preferred=False))
    tx.execute(sa.update(PersonAddress).where(mine, PersonAddress.address_id == address_id).values(preferred=True))


def unlink(tx: Tx, person_id: int, address_id: int) -> None:
    """Take an address from a person; another becomes the preferred one, and an address of nobody's is deleted."""
    mine = (PersonAddress.person_id == person_id) & (PersonAddress.address_id == address_id)
    tx.execute(sa.delete(PersonAddress).where(mine))
    left = of_person(tx, person_id)
    if left and not left[0].preferred:
        prefer(tx, person_id, left[0].id)
    if not tx.scalar(select(func.count()).where(PersonAddress.address_id == address_id)):
        tx.execute(sa.delete(Address).where(Address.id == address_id))


def healed(tx: Tx, address_id: int, *, now: datetime) -> None:
    """Forget that an address bounced, and what else comes back of letters that left before `now`.

    Only a person's word does this.
    """
    values: dict[str, Any] = {"health": AddressHealth.OK, "bounced_at": None, "trouble": "", "trusted_at": now}
    values |= {"probes": 0, "probe_at": None, "trial_until": None, "handled_at": None, "handled_by": ""}
    tx.execute(sa.update(Address).where(Address.id == address_id).values(**values))


def shared_with(tx: Tx, address_id: int, person_id: int) -> list[int]:
    """Return the other living people who hold this address."""
    query = (
        select(PersonAddress.person_id)
        .join(Person, Person.id == PersonAddress.person_id)
        .where(PersonAddress.address_id == address_id, PersonAddress.person_id != person_id, Person.erased_at.is_(None))
        .order_by(PersonAddress.person_id)
    )
    return list(tx.scalars(query))
