"""Who a mailing would reach and who not, before anything is frozen; and the same choice as the rows of the ledger.

The audience of a list is everybody subscribed or paused on it, after the filters; those who may not be mailed are
counted with their reason. It writes nothing; db/ledger.py inserts what `rows` selects.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Select, and_, func, select

from balintmail.db.filters import condition, parse_where
from balintmail.db.models import Address, MailingList, Person, PersonAddress, Subscription
from balintmail.db.session import Tx
from balintmail.db.standing import StandingColumns, false_when_null, refusal, suppressed
from balintmail.domain.address import AddressRefused
from balintmail.domain.address import parse as parse_address
from balintmail.domain.recipient import Recipient, decode
from balintmail.domain.states import AddressHealth, SkipReason, SubscriptionState

_BATCH = 1000  # rows held in memory while a million stream by


@dataclass(frozen=True, slots=True)
class Selection:
    """A list and the filters over it, as written; `exclude` holds filters or single addresses."""

    list_id: int
    where: str = ""
    exclude: tuple[str, ...] = ()
    zone: tzinfo = UTC  # in which the filters' days begin


@dataclass(frozen=True, slots=True)
class AudienceCounts:
    """How many a selection reaches, and how many not, by reason."""

    reached: int
    skipped: dict[SkipReason, int]

    @property
    def audience(self) -> int:
        return self.reached + sum(self.skipped.values())


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody of the audience who may not be mailed."""

    person: int
    name: str
    address: str
    reason: SkipReason


def counts(tx: Tx, selection: Selection) -> AudienceCounts:
    """Return whom `selection` reaches, in numbers; raise FilterError when a filter cannot be read."""
    reason = _reason().label("reason")
    chosen = _from(tx, select(reason), selection).subquery()
    numbers = tx.execute(select(chosen.c.reason, func.count()).group_by(chosen.c.reason)).all()
    found: dict[str | None, int] = {row[0]: row[1] for row in numbers}
    reached = found.pop(None, 0)
    return AudienceCounts(reached, {why: found[why] for why in SkipReason if why in found})


def stream(tx: Tx, selection: Selection) -> Iterator[Recipient]:
    """Yield everybody whom `selection` reaches, `delivery` 0, ordered by person, in flat memory."""
    wanted = (Person.id, Subscription.list_id, Address.email, Address.envelope, merge_values(tx))
    query = _from(tx, select(*wanted), selection).where(_reason().is_(None)).order_by(Person.id)
    for person, list_id, email, envelope, data in tx.execute(query, execution_options={"yield_per": _BATCH}):
        yield Recipient(0, person, list_id, email, envelope, decode(data))


def left_out(tx: Tx, selection: Selection) -> Iterator[LeftOut]:
    """Yield everybody of the audience who may not be mailed, ordered by person."""
    reason = _reason()
    query = _from(tx, select(Person.id, Person.name, func.coalesce(Address.email, ""), reason), selection)
    query = query.where(reason.is_not(None)).order_by(Person.id)
    for row in tx.execute(query, execution_options={"yield_per": _BATCH}):
        yield LeftOut(row[0], row[1], row[2], SkipReason(row[3]))


def rows(tx: Tx, selection: Selection) -> Select[Any]:
    """Return the select of (person, address, envelope, key, ground, data, reason) that the ledger enrols."""
    wanted = select(
        Person.id.label("person_id"),
        func.coalesce(Address.email, "").label("address"),
        func.coalesce(Address.envelope, "").label("envelope"),
        func.coalesce(Address.key, "").label("address_key"),
        Subscription.ground.label("ground"),
        merge_values(tx).label("data"),
        _reason().label("reason"),
    )
    chosen: Select[Any] = _from(tx, wanted, selection).order_by(Person.id)
    return chosen


def merge_values(tx: Tx) -> ColumnElement[str]:
    """Return the JSON array of domain/recipient.py over Person and MailingList, as the database writes it."""
    language = func.coalesce(Person.language, MailingList.language, "")
    if tx.dialect.name == "sqlite":
        fields = func.json(Person.fields, type_=sa.String)
        return func.json_array(Person.name, Person.first_name, language, Person.member, fields, type_=sa.String)
    made = func.json_build_array(Person.name, Person.first_name, language, Person.member, Person.fields)
    return sa.cast(made, sa.Text)


def _reason() -> ColumnElement[str | None]:
    return refusal(
        StandingColumns(
            ground=sa.type_coerce(Subscription.ground, Subscription.ground.type),
            subscription=sa.type_coerce(Subscription.state, Subscription.state.type),
            has_address=Address.id.is_not(None),
            erased=Person.erased_at.is_not(None),
            suppressed=sa.or_(
                Person.died_on.is_not(None), false_when_null(suppressed(sa.type_coerce(Address.key, sa.String())))
            ),
            bounced=false_when_null(Address.health == AddressHealth.BOUNCED),
        )
    )


def _from(tx: Tx, query: Any, selection: Selection) -> Any:
    """Join the audience of `selection` under `query` and leave out whom its filters leave out."""
    joined = (
        query.select_from(Subscription)
        .join(Person, Person.id == Subscription.person_id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .outerjoin(PersonAddress, and_(PersonAddress.person_id == Person.id, PersonAddress.preferred))
        .outerjoin(Address, Address.id == PersonAddress.address_id)
        .where(Subscription.list_id == selection.list_id)
        .where(Subscription.state.in_((SubscriptionState.SUBSCRIBED, SubscriptionState.PAUSED)))
    )
    if selection.where:
        joined = joined.where(condition(parse_where(tx, selection.where), zone=selection.zone))
    for text in selection.exclude:
        joined = joined.where(sa.not_(func.coalesce(_matches(tx, selection, text), sa.false())))
    return joined


def _matches(tx: Tx, selection: Selection, text: str) -> ColumnElement[bool]:
    """Return whether somebody is named by `text`: a single address, else a filter."""
    try:
        address = parse_address(text)
    except AddressRefused:
        return condition(parse_where(tx, text), zone=selection.zone)
    held = select(PersonAddress.person_id).join(Address, Address.id == PersonAddress.address_id)
    return Person.id.in_(held.where(Address.key == address.key))
