"""Lines of bank statements: each kept once, by its digest. It decides nothing about them."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import Person
from balintmail.db.models_members import BankLine
from balintmail.db.session import Tx
from balintmail.domain.statements import LineState

_B = BankLine


@dataclass(frozen=True, slots=True)
class BankLineRow:
    """One line; `person_id` is whose it is, or may be."""

    id: int
    paid_on: date
    amount: int
    currency: str
    payer: str
    reference: str
    state: LineState
    person_id: int | None
    name: str | None
    reason: str
    file: str
    line: int


def known(tx: Tx, digest: bytes) -> bool:
    """Say whether a line was imported before."""
    return tx.scalar(select(_B.id).where(_B.digest == digest)) is not None


def add(tx: Tx, values: dict[str, Any]) -> int:
    """Keep a line; return its number."""
    added: int = tx.execute(sa.insert(_B).values(**values).returning(_B.id)).scalar_one()
    return added


def get(tx: Tx, line_id: int) -> BankLineRow | None:
    """Return one line, or None."""
    row = tx.execute(_rows().where(_B.id == line_id)).first()
    return BankLineRow(*row) if row else None


def doubtful(tx: Tx) -> list[BankLineRow]:
    """Return the lines about which the Secretary has to say something, by day."""
    query = _rows().where(_B.state == LineState.DOUBTFUL).order_by(_B.paid_on, _B.id)
    return [BankLineRow(*row) for row in tx.execute(query)]


def settle(tx: Tx, line_id: int, values: dict[str, Any]) -> None:
    """Say what became of a line."""
    tx.execute(sa.update(_B).where(_B.id == line_id).values(**values))


def _rows() -> Any:
    columns = [Person.name if name == "name" else getattr(_B, name) for name in BankLineRow.__dataclass_fields__]
    return select(*columns).outerjoin(Person, Person.id == _B.person_id)
