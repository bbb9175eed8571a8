"""People, lists and subscriptions put straight into the tables, for tests that need a register, not its use-cases."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select

from balintmail.db.models import Address, MailingList, Officer, Person, PersonAddress, Subscription, Suppression
from balintmail.db.session import Tx
from balintmail.domain import address as addresses
from balintmail.domain.keys import Keyring
from balintmail.domain.states import AddressHealth, Ground, Role, SubscriptionState, SuppressionReason

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
KEYRING = Keyring(tokens=bytes(range(32)), erasure=bytes(range(32, 64)))


def a_list(tx: Tx, slug: str = "newsletter", **values: Any) -> int:
    """Enter a list and return its id."""
    row: dict[str, Any] = {
        "slug": slug,
        "name": f"The {slug}",
        "list_id": f"{slug}.balint.example.org",
        "created_at": NOW,
        "is_default": slug == "newsletter",
        **values,
    }
    return tx.execute(insert(MailingList).values(**row).returning(MailingList.id)).scalar_one()


def a_person(tx: Tx, address: str | None = None, **values: Any) -> int:
    """Enter a person, with their preferred address when one is given, and return the id."""
    row: dict[str, Any] = {"name": "", "fields": {}, "joined_at": NOW, "updated_at": NOW, **values}
    person: int = tx.execute(insert(Person).values(**row).returning(Person.id)).scalar_one()
    if address is not None:
        parsed = addresses.parse(address)
        held = tx.scalar(select(Address.id).where(Address.key == parsed.key))
        if held is None:
            held = tx.execute(
                insert(Address)
                .values(
                    email=parsed.text,
                    envelope=parsed.envelope,
                    key=parsed.key,
                    domain=parsed.domain,
                    health=AddressHealth.OK,
                    created_at=NOW,
                )
                .returning(Address.id)
            ).scalar_one()
        tx.execute(insert(PersonAddress).values(person_id=person, address_id=held, preferred=True))
    return person


def a_secretary(tx: Tx, address: str = "secretary@example.org") -> int:
    """Enter the Secretary and return the id."""
    person = a_person(tx, address, name="Edit Secretary")
    tx.execute(insert(Officer).values(person_id=person, role=Role.SECRETARY, since=NOW))
    return person


def on_list(
    tx: Tx,
    person: int,
    list_id: int,
    state: SubscriptionState = SubscriptionState.SUBSCRIBED,
    ground: Ground = Ground.CONSENT,
) -> None:
    """Put a person on a list."""
    tx.execute(insert(Subscription).values(person_id=person, list_id=list_id, state=state, ground=ground, since=NOW))


def readers(tx: Tx, list_id: int, number: int, *, first: int = 1) -> list[int]:
    """Enter `number` people reader1@example.org, … and put them on the list; return their ids."""
    found = []
    for i in range(first, first + number):
        person = a_person(tx, f"reader{i}@example.org", name=f"Reader {i}", first_name=f"R{i}")
        on_list(tx, person, list_id)
        found.append(person)
    return found


def suppress(tx: Tx, address: str, reason: SuppressionReason = SuppressionReason.MANUAL) -> None:
    """Suppress an address; an erased one keeps only its keyed hash."""
    key = addresses.parse(address).key
    tx.execute(
        insert(Suppression).values(
            address_hash=KEYRING.address_hash(key),
            address_key=None if reason is SuppressionReason.ERASED else key,
            reason=reason,
            at=NOW,
            actor="test",
        )
    )
