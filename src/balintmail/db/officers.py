"""Who holds which office; it never decides what an office may do."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import Address, Officer, Person, PersonAddress
from balintmail.db.session import Tx
from balintmail.domain.states import Role


@dataclass(frozen=True, slots=True)
class OfficerContact:
    """An officer and how to reach them; `address` is as people see it, `envelope` as the wire gets it."""

    person_id: int
    name: str
    address: str
    envelope: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds which office since when; `address` is empty for somebody without one."""

    role: Role
    person_id: int
    name: str
    address: str
    since: datetime


def every(tx: Tx) -> list[Holder]:
    """Return everybody who holds an office now, in the order of Role, the newest first."""
    rows = tx.execute(
        select(Officer.role, Person.id, Person.name, Address.email, Officer.since)
        .join(Person, Officer.person_id == Person.id)
        .outerjoin(PersonAddress, (PersonAddress.person_id == Person.id) & PersonAddress.preferred)
        .outerjoin(Address, Address.id == PersonAddress.address_id)
        .where(Officer.until.is_(None), Person.erased_at.is_(None))
        .order_by(Officer.since.desc(), Person.id.desc())
    )
    found = [Holder(row.role, row.id, row.name, row.email or "", row.since) for row in rows]
    return sorted(found, key=lambda one: list(Role).index(one.role))


def secretary(tx: Tx) -> OfficerContact | None:
    """Return the Secretary in office with the preferred address, or None when there is none."""
    found = holders(tx, Role.SECRETARY)
    return found[0] if found else None


def holders(tx: Tx, role: Role) -> list[OfficerContact]:
    """Return everybody who holds `role` now and has an address, the newest first."""
    rows = tx.execute(
        select(Person.id, Person.name, Address.email, Address.envelope)
        .join(Officer, Officer.person_id == Person.id)
        .join(PersonAddress, PersonAddress.person_id == Person.id)
        .join(Address, Address.id == PersonAddress.address_id)
        .where(Officer.role == role, Officer.until.is_(None), PersonAddress.preferred, Person.erased_at.is_(None))
        .order_by(Officer.since.desc(), Person.id.desc())
    )
    return [OfficerContact(*row) for row in rows]


def roles(tx: Tx, person_id: int) -> list[Role]:
    """Return the offices that a person holds now."""
    rows = tx.scalars(
        select(Officer.role).where(Officer.person_id == person_id, Officer.until.is_(None)).order_by(Officer.role)
    )
    return list(rows)


def appoint(tx: Tx, person_id: int, role: Role, *, now: datetime) -> None:
    """Record that a person holds `role` from `now` on; nothing happens when they do already."""
    same = (Officer.person_id == person_id) & (Officer.role == role)
    again = tx.execute(sa.update(Officer).where(same, Officer.until.is_not(None)).values(since=now, until=None))
    if again.rowcount == 0 and role not in roles(tx, person_id):
        tx.execute(sa.insert(Officer).values(person_id=person_id, role=role, since=now))


def end(tx: Tx, person_id: int, role: Role, *, now: datetime) -> None:
    """Record that a person holds `role` no longer."""
    held = (Officer.person_id == person_id) & (Officer.role == role) & Officer.until.is_(None)
    tx.execute(sa.update(Officer).where(held).values(until=now))


def dismiss(tx: Tx, person_id: int) -> None:
    """Remove every trace of offices of a person whose row is emptied (erasure, merging)."""
    tx.execute(sa.delete(Officer).where(Officer.person_id == person_id))


def hand_over(tx: Tx, from_person: int, to_person: int) -> None:
    """Give the offices of one person to another, as merging does."""
    held = set(tx.scalars(select(Officer.role).where(Officer.person_id == to_person)))
    move = (Officer.person_id == from_person) & Officer.role.not_in(held)
    tx.execute(sa.update(Officer).where(move).values(person_id=to_person))
    dismiss(tx, from_person)
