"""Give whoever is new on a list its latest newsletter, as it was sent: a mailing of its own that names the first (D1).

Only a newsletter that went to the whole list is given, never one that was meant for some. It sends nothing; dispatch
does.
"""

from collections.abc import Sequence

from balintmail.db import addresses, mailings, people, subscriptions
from balintmail.db.ledger import Addressee
from balintmail.db.lists import MailingListRow
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.address import parse
from balintmail.domain.recipient import PersonData, encode
from balintmail.services.context import Context
from balintmail.services.one_off import Frozen, release_to


def of_list(tx: Tx, list_id: int) -> MailingRow | None:
    """Return the newest newsletter that was sent to the whole of a list, or None."""
    return next((row for row in mailings.newest(tx, list_id) if not row.where and not row.exclude), None)


def facts(ctx: Context, row: MailingRow) -> dict[str, str]:
    """Return what the welcome says of it; no address where the society has no site."""
    site = ctx.settings.society.url
    return {"latest_title": row.title, "latest_url": f"{site}/newsletters/{row.label}" if site else ""}


def send(ctx: Context, tx: Tx, row: MailingRow, of: MailingListRow, persons: Sequence[int]) -> MailingRow | None:
    """Release a copy of a newsletter to people who have just joined its list; None when none has an address."""
    found = [one for person in persons if (one := _addressee(tx, of, person)) is not None]
    if not found:
        return None
    frozen = Frozen(
        row.list_id,
        row.kind,
        row.title,
        mailings.source(tx, row.id),
        mailings.compiled(tx, row.id),
        row.content_hash,
        again_of=row.id,
    )
    return release_to(ctx, tx, frozen, found)


def _addressee(tx: Tx, of: MailingListRow, person_id: int) -> Addressee | None:
    row, held = people.get(tx, person_id), addresses.of_person(tx, person_id)
    standing = subscriptions.get(tx, person_id, of.id)
    if row is None or not held or standing is None:
        return None
    address = parse(held[0].email)
    data = PersonData(row.name, row.first_name, row.language or of.language, row.member, row.fields)
    return Addressee(row.id, address.text, address.envelope, address.key, standing.ground, encode(data))
