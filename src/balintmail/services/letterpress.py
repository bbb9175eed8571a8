"""Turn a claimed row into its message with the mailing's frozen letter: compiled once, merged per person (P6).

It reads the frozen content and nothing else, so a template that was edited meanwhile changes no letter.
"""

from balintmail.composing.compiled import Compiled
from balintmail.composing.merge import Merger
from balintmail.db import mailings
from balintmail.db.ledger import Claimed
from balintmail.domain.outcome import Composed
from balintmail.domain.recipient import Recipient, decode
from balintmail.services.context import Context


class Letterpress:
    """The frozen letters of the mailings of one run."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._mergers: dict[int, tuple[Merger, int]] = {}

    def compose(self, row: Claimed) -> Composed:
        """Return the message of one row; raise ContentRefused when this person's data makes it impossible."""
        merger, list_id = self._mergers.get(row.mailing) or self._set_up(row.mailing)
        person = Recipient(row.delivery, row.person or 0, list_id, row.address, row.envelope, decode(row.data))
        return merger.compose(person)

    def _set_up(self, mailing_id: int) -> tuple[Merger, int]:
        with self._ctx.db.read() as tx:
            frozen = Compiled.load(mailings.compiled(tx, mailing_id))
            mailing = mailings.by_id(tx, mailing_id)
        list_id = mailing.list_id if mailing is not None and mailing.list_id is not None else 0
        self._mergers[mailing_id] = (Merger(frozen, self._ctx.keyring), list_id)
        return self._mergers[mailing_id]
