"""Reminders of dues: whose membership comes to one, and which were sent. It decides nothing and mails nobody."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, exists, or_, select

from balintmail.db import members
from balintmail.db.members import MembershipRow
from balintmail.db.models import Address, Delivery, Mailing, Person, PersonAddress
from balintmail.db.models_members import DuesReminder, MemberClass, Membership
from balintmail.db.session import Tx
from balintmail.db.standing import suppressed
from balintmail.domain.deliveries import sources
from balintmail.domain.members import REMINDED_WITHIN
from balintmail.domain.states import AddressHealth, DeliveryState, Ground, MailingKind, SkipReason

_M, _R = Membership, DuesReminder


def due(tx: Tx, days: Sequence[int], today: date, *, limit: int) -> list[MembershipRow]:
    """Return memberships that come to a reminder today, of people whom mail reaches, by rising number.

    The same as `domain.members.reminder_due` says of each, for all of them at once.
    """
    steps = sorted(days)
    windows = [_window(step, following, today) for step, following in zip(steps, [*steps[1:], None], strict=True)]
    if not windows:
        return []
    owing = (_M.ended_on.is_(None), MemberClass.fee > 0, or_(*windows), _reached())
    alive = (Person.died_on.is_(None), Person.erased_at.is_(None), Person.merged_into.is_(None))
    return members.some(tx, (*owing, *alive), limit=limit)


def _window(step: int, following: int | None, today: date) -> ColumnElement[bool]:
    """Return whether a membership's next reminder is this step: its day has come, the following one's has not."""
    until = _before(today, step)
    first = min(until - REMINDED_WITHIN, today)
    if following is not None:
        first = max(first, _before(today, following) + timedelta(days=1))
    sent = exists().where(_R.membership_id == _M.id, _R.paid_until == _M.paid_until, _R.step >= step)
    return and_(_M.paid_until.between(first, until), sa.not_(sent.correlate(_M)))


def _before(today: date, days: int) -> date:
    return today - timedelta(days=days)


def _reached() -> ColumnElement[bool]:
    """Return whether mail to the person's preferred address is taken."""
    held = exists().where(
        PersonAddress.person_id == Person.id,
        PersonAddress.preferred,
        Address.id == PersonAddress.address_id,
        Address.health != AddressHealth.BOUNCED,
        sa.not_(suppressed(sa.type_coerce(Address.key, sa.String())).correlate(Address)),
    )
    return held.correlate(Person)


def note(tx: Tx, membership_id: int, paid_until: date, step: int, *, now: datetime) -> None:
    """Note that a reminder is on its way."""
    values = {"membership_id": membership_id, "paid_until": paid_until, "step": step, "sent_at": now}
    tx.execute(sa.insert(_R).values(**values))


def sent(tx: Tx, membership_id: int) -> list[tuple[date, int, datetime]]:
    """Return the reminders of a membership: for which day, how many days after it, and when each was sent."""
    mine = select(_R.paid_until, _R.step, _R.sent_at).where(_R.membership_id == membership_id)
    return [(row[0], row[1], row[2]) for row in tx.execute(mine.order_by(_R.sent_at, _R.step))]


def forget(tx: Tx, membership_id: int, paid_until: date, step: int) -> None:
    """Forget a reminder that never left."""
    mine = (_R.membership_id == membership_id, _R.paid_until == paid_until, _R.step == step)
    tx.execute(sa.delete(_R).where(*mine))


def stop(tx: Tx, person_id: int, fact: str, *, now: datetime) -> int:
    """Skip the letters to a person about their dues that are in the ledger and have not left; return how many.

    `fact` is what only those letters say.
    """
    of = Delivery.mailing_id.in_(select(Mailing.id).where(Mailing.kind == MailingKind.NOTICE))
    mine = (Delivery.person_id == person_id, Delivery.ground == Ground.MEMBERSHIP, Delivery.data.contains(fact))
    open_rows = (*mine, of, Delivery.state.in_(sources(DeliveryState.SKIPPED)))
    gone = {"state": DeliveryState.SKIPPED, "skip_reason": SkipReason.CANCELLED, "at": now, "claim": None}
    return tx.execute(sa.update(Delivery).where(*open_rows).values(**gone, next_try_at=None)).rowcount
