"""Documents that the society offers: slide decks, leaflets, forms; each with its versions. It decides nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, func, insert, select

from balintmail.db.models_pages import Document, DocumentVersion
from balintmail.db.session import Tx
from balintmail.domain.states import Visibility

_D, _V = Document, DocumentVersion


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document with its newest version."""

    id: int
    slug: str
    title: str
    remark: str
    language: str
    visibility: Visibility
    place: int
    version: int
    label: str
    file_name: str
    kind: str
    size: int
    digest: str
    preview: str | None
    at: datetime
    actor: str


def _rows() -> "Select[*tuple[Any, ...]]":
    newest = select(_V.document_id, func.max(_V.number).label("number")).group_by(_V.document_id).subquery()
    return (
        select(
            _D.id, _D.slug, _D.title, _D.remark, _D.language, _D.visibility, _D.place, _V.number, _V.label,
            _V.file_name, _V.kind, _V.size, _V.digest, _V.preview, _V.at, _V.actor,
        )
        .join(newest, newest.c.document_id == _D.id)
        .join(_V, (_V.document_id == _D.id) & (_V.number == newest.c.number))
    )  # fmt: skip


def every(tx: Tx) -> list[DocumentRow]:
    """Return every document in its place, those that are not shown, too."""
    return [DocumentRow(*row) for row in tx.execute(_rows().order_by(_D.place, _D.title, _D.id))]


def shown(tx: Tx) -> list[DocumentRow]:
    """Return the documents that the site lists."""
    query = _rows().where(_D.visibility != Visibility.NONE).order_by(_D.place, _D.title, _D.id)
    return [DocumentRow(*row) for row in tx.execute(query)]


def by_slug(tx: Tx, slug: str) -> DocumentRow | None:
    """Return a document by its name, or None."""
    row = tx.execute(_rows().where(_D.slug == slug)).first()
    return DocumentRow(*row) if row else None


def add(tx: Tx, values: dict[str, Any]) -> int:
    """Enter a document without a version yet; return its id."""
    return int(tx.execute(insert(_D).values(values).returning(_D.id)).scalar_one())


def update(tx: Tx, document_id: int, values: dict[str, Any]) -> None:
    """Set columns of a document."""
    if values:
        tx.execute(sa.update(_D).where(_D.id == document_id).values(values))


def add_version(tx: Tx, document_id: int, values: dict[str, Any]) -> int:
    """Add a version; return its number, from 1."""
    number = (tx.scalar(select(func.max(_V.number)).where(_V.document_id == document_id)) or 0) + 1
    tx.execute(insert(_V).values(document_id=document_id, number=number, **values))
    return number
