"""Count recipients by domain: of an audience, or of what a mailing has left. For forecasts; it changes nothing."""

import sqlalchemy as sa
from sqlalchemy import ColumnElement, func, select

from balintmail.db import audience
from balintmail.db.audience import Selection
from balintmail.db.models import Delivery
from balintmail.db.session import Tx
from balintmail.domain.states import FINAL, DeliveryState

_D = Delivery
_OPEN = tuple(state for state in DeliveryState if state not in FINAL and state is not DeliveryState.UNKNOWN)


def of_audience(tx: Tx, selection: Selection) -> dict[str, int]:
    """Return how many people whom `selection` reaches are at each domain."""
    chosen = audience.rows(tx, selection).order_by(None).subquery()
    return _counted(tx, _domain(tx, chosen.c.envelope), chosen.c.reason.is_(None))


def left(tx: Tx, mailing_id: int) -> dict[str, int]:
    """Return how many people at each domain a mailing has still to reach."""
    domain = _domain(tx, sa.type_coerce(_D.envelope, sa.String()))
    return _counted(tx, domain, (_D.mailing_id == mailing_id) & _D.state.in_(_OPEN))


def _counted(tx: Tx, domain: ColumnElement[str], which: ColumnElement[bool]) -> dict[str, int]:
    query = select(domain, func.count()).where(which).group_by(domain)
    return {row[0]: row[1] for row in tx.execute(query)}


def _domain(tx: Tx, envelope: ColumnElement[str]) -> ColumnElement[str]:
    """Return what stands behind the @ of an envelope; no address on the register has two."""
    if tx.dialect.name == "sqlite":
        return func.substr(envelope, func.instr(envelope, "@") + 1, type_=sa.String)
    return func.split_part(envelope, "@", 2, type_=sa.String)
