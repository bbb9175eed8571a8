"""One request for a copy as JSON has it and as commands read it. It changes nothing."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from balintmail.db.session import Tx
    from balintmail.services.context import Context
    from balintmail.services.copy_requests import Asked

WAITS_FOR = {"pending": "the address", "waiting": "the Secretary", "quoted": "whoever asked"}


def document(ctx: "Context", tx: "Tx", asked: "Asked") -> dict[str, Any]:
    """Return one request as JSON has it."""
    from balintmail.db import reading_links  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.times import rfc3339  # noqa: PLC0415
    from balintmail.services.copy_requests import envelope  # noqa: PLC0415

    row, terms, found, zone = asked.row, asked.terms, asked.found, ctx.settings.zone
    link = reading_links.of_request(tx, row.id)

    def at(moment: Any) -> str | None:
        return rfc3339(moment, zone) if moment else None

    return {
        "id": row.id,
        "wanted": row.wanted,
        "target": found.label if found else None,
        "title": found.title if found else None,
        "paper": terms.paper,
        "post": envelope(ctx, tx, asked) if terms.paper else [],
        "free": found.free if found else 0,
        "name": row.name,
        "address": row.email,
        "person": row.person_id,
        "language": row.language,
        "door": row.door,
        "state": row.state.value,
        "waits_for": WAITS_FOR.get(row.state.value, ""),
        "price": asked.price,
        "price_pence": terms.price_pence,
        "currency": terms.currency,
        "words": terms.words,
        "quoted_at": at(terms.quoted_at),
        "agreed_at": at(terms.agreed_at),
        "asked_at": at(row.created_at),
        "expires_at": at(row.expires_at),
        "decided_at": at(row.decided_at),
        "decided_by": row.decided_by,
        "reason": row.reason,
        "note": row.note,
        "link": {"uses": link.uses, "most_uses": link.most_uses, "expires_at": at(link.expires_at)} if link else None,
    }
