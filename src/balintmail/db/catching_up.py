"""Bring rows of an older database up to what the journal knows (P7).

The only place where a row may leave the table of domain/deliveries.py: a restored `queued` becomes what it was before
the restore. It never makes a row sendable that was not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import func, insert, select, update

from balintmail.db.models import Delivery, Mailing, MailingList, Person
from balintmail.db.session import Tx
from balintmail.domain.states import FINAL, DeliveryState, Ground, MailingKind, MailingState, SkipReason

ONLY_IN_JOURNAL = "known from the journal alone: it was going out before the backup was restored"

_D = Delivery
_S = DeliveryState
_OPEN = tuple(state for state in DeliveryState if state not in FINAL)


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal's last word says of one delivery."""

    mailing: int
    list: str
    number: str
    person: int
    delivery: int
    state: DeliveryState
    code: int
    stage: str


def place(tx: Tx, known: Known) -> int | None:
    """Return the row that a line of the journal means, or None: by id and person, by number and person, by id alone.

    The last is for people who were merged: an open row went over to another person and kept its id.
    """
    same_person = _D.person_id.is_(None) if known.person == 0 else _D.person_id == known.person
    exact = select(_D.id).join(Mailing, Mailing.id == _D.mailing_id)
    exact = exact.outerjoin(MailingList, MailingList.id == Mailing.list_id)
    number = func.coalesce(Mailing.number, "") == known.number
    of_list = func.coalesce(MailingList.slug, "") == known.list
    found = tx.scalar(exact.where(_D.id == known.delivery, same_person, number, of_list))
    if found is None and known.number and known.person:
        found = tx.scalar(exact.where(same_person, number, of_list))
    if found is None and known.number:
        found = tx.scalar(exact.where(_D.id == known.delivery, number, of_list))
    return found


def learn(tx: Tx, delivery: int, known: Known, *, now: datetime) -> bool:
    """Give a row that is still open the journal's answer; False when it needs none."""
    new, reason = known.state, None
    doubted: tuple[DeliveryState, ...] = (_S.AT_RISK, _S.UNKNOWN)
    from_states = _OPEN
    if new in {_S.DEFERRED, _S.QUEUED}:
        new, from_states = _S.QUEUED, doubted  # surely not taken; whatever is queued or deferred stays so
    elif new is _S.UNKNOWN:
        from_states = tuple(state for state in _OPEN if state is not _S.UNKNOWN)
    elif new is _S.SKIPPED:
        reason = SkipReason.CONTENT  # the only reason that is decided after the claim and written to the journal
    values = {"state": new, "skip_reason": reason, "claim": None, "next_try_at": None, "at": now}
    answer = {"code": known.code, "stage": known.stage}
    statement = update(_D).where(_D.id == delivery, _D.state.in_(from_states))
    return tx.execute(statement.values({**values, **answer})).rowcount == 1


def block(tx: Tx, list_slug: str, number: str, rows: Sequence[Known], *, now: datetime) -> bool:
    """Enter a mailing that only the journal knows, with its rows, so that its number is not sent again.

    One that the database knows as not begun yet is cancelled. False when there is no such list, and for a mailing that
    has begun: its audience stands, and nobody who is not of it is mailed.
    """
    list_id = tx.scalar(select(MailingList.id).where(MailingList.slug == list_slug))
    if list_id is None:
        return False
    here = (Mailing.list_id == list_id, Mailing.number == number)
    begun = (Mailing.frozen_at.is_not(None), Mailing.state_reason != ONLY_IN_JOURNAL)
    if tx.scalar(select(Mailing.id).where(*here, *begun)):
        return False
    mailing = tx.scalar(select(Mailing.id).where(*here))
    values = {"state": MailingState.CANCELLED, "state_reason": ONLY_IN_JOURNAL, "frozen_at": now}
    if mailing is None:
        new = {"list_id": list_id, "number": number, "kind": MailingKind.NEWSLETTER, "title": "", "content_hash": ""}
        mailing = tx.execute(insert(Mailing).values(**new, **values, created_at=now).returning(Mailing.id)).scalar_one()
    else:
        tx.execute(update(Mailing).where(Mailing.id == mailing).values(values))
    for known in rows:
        _enter(tx, mailing, known, now)
    audience = select(func.count()).where(_D.mailing_id == mailing).scalar_subquery()
    tx.execute(update(Mailing).where(Mailing.id == mailing).values(audience=audience))
    _number_on(tx)
    return True


def _enter(tx: Tx, mailing: int, known: Known, now: datetime) -> None:
    """Enter one row of a blocked mailing under its old id, so that no new delivery is given a Message-ID twice."""
    there = tx.scalar(select(Person.id).where(Person.id == known.person))
    again = there is not None and tx.scalar(select(_D.id).where(_D.mailing_id == mailing, _D.person_id == there))
    if again:
        return
    taken = tx.scalar(select(_D.id).where(_D.id == known.delivery)) is not None
    state = known.state if known.state in {_S.ACCEPTED, _S.REFUSED, _S.UNKNOWN} else _S.SKIPPED
    values = {
        "mailing_id": mailing,
        "person_id": there,
        "address": "",
        "envelope": "",
        "address_key": "",
        "ground": Ground.CONSENT,
        "state": state,
        "skip_reason": SkipReason.CANCELLED if state is _S.SKIPPED else None,
        "code": known.code,
        "stage": known.stage,
        "at": now,
    }
    tx.execute(insert(_D).values(values if taken else {"id": known.delivery, **values}))


def _number_on(tx: Tx) -> None:
    """Let PostgreSQL's numbering go on behind the ids entered by hand; SQLite does by itself."""
    if tx.dialect.name == "postgresql":
        highest = select(func.max(_D.id)).scalar_subquery()
        tx.execute(
            select(func.setval(func.pg_get_serial_sequence("deliveries", "id"), sa.cast(highest, sa.BigInteger)))
        )
