"""The first rows of a register: the Secretary and the first list.

Used once in the life of an instance, by services/founding.py; later people and lists have files of their own.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from balintmail.db.models import Address, AuditEvent, MailingList, Officer, Person, PersonAddress
from balintmail.db.session import Tx
from balintmail.domain import address as addresses
from balintmail.domain.states import Policy, Role


@dataclass(frozen=True, slots=True)
class FirstList:
    """What the first list is called, in letters and in their headers."""

    slug: str
    name: str
    list_id: str
    language: str


def is_empty(tx: Tx) -> bool:
    """Say whether the register holds neither a person nor a list."""
    return tx.scalar(select(Person.id).limit(1)) is None and tx.scalar(select(MailingList.id).limit(1)) is None


def add_secretary(tx: Tx, name: str, address: addresses.Address, *, now: datetime) -> int:
    """Enter the Secretary, who holds the role from `now` and is on no list; return the person's id."""
    person: int = tx.execute(
        insert(Person).values(name=name, joined_at=now, updated_at=now, fields={}).returning(Person.id)
    ).scalar_one()
    email = tx.execute(
        insert(Address)
        .values(email=address.text, envelope=address.envelope, key=address.key, domain=address.domain, created_at=now)
        .returning(Address.id)
    ).scalar_one()
    tx.execute(insert(PersonAddress).values(person_id=person, address_id=email, preferred=True))
    tx.execute(insert(Officer).values(person_id=person, role=Role.SECRETARY, since=now))
    return person


def add_first_list(tx: Tx, first: FirstList, *, now: datetime) -> None:
    """Enter the default list; people join it by the Secretary's leave (policy `approve`)."""
    tx.execute(
        insert(MailingList).values(
            slug=first.slug,
            name=first.name,
            list_id=first.list_id,
            language=first.language,
            policy=Policy.APPROVE,
            is_default=True,
            created_at=now,
        )
    )


def record_founding(tx: Tx, actor: str, person: int, *, now: datetime) -> None:
    """Write down who founded the register, and for whom."""
    tx.execute(insert(AuditEvent).values(at=now, actor=actor, action="founded", person_id=person, detail={}))
