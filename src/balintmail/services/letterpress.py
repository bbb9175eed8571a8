"""Turn a claimed row into its message with the mailing's frozen letter: compiled once, merged per person, signed (P6).

It reads the frozen content and nothing else, so a template that was edited meanwhile changes no letter.
"""

from balintmail.composing.compiled import Compiled
from balintmail.composing.merge import Merger
from balintmail.db import mailings
from balintmail.db.ledger import Claimed
from balintmail.domain.outcome import Composed
from balintmail.domain.recipient import Recipient, decode
from balintmail.errors import BalintmailError
from balintmail.sending.dkim import Signer
from balintmail.services import dkim
from balintmail.services.context import Context

_Press = tuple[Merger, int, Signer | None]


class Letterpress:
    """The frozen letters of the mailings of one run."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._presses: dict[int, _Press] = {}

    def compose(self, row: Claimed) -> Composed:
        """Return the message of one row, signed if its mailing is.

        Raises ContentRefused when this person's data makes it impossible, Unsignable when it cannot be signed, and
        ComposingError or KeyRefused when a key of the mailing is missing.
        """
        merger, list_id, signer = self._presses.get(row.mailing) or self._set_up(row.mailing)
        person = Recipient(row.delivery, row.person or 0, list_id, row.address, row.envelope, decode(row.data))
        message = merger.compose(person)
        return message if signer is None else signer.signed(message)

    def takes_long(self, mailing_id: int) -> bool:
        """Say whether the letters of a mailing are signed; False when it cannot be told yet."""
        try:
            press = self._presses.get(mailing_id) or self._set_up(mailing_id)
        except BalintmailError:
            return False  # told when the first letter is made
        return press[2] is not None

    def _set_up(self, mailing_id: int) -> _Press:
        with self._ctx.db.read() as tx:
            frozen = Compiled.load(mailings.compiled(tx, mailing_id))
            mailing = mailings.by_id(tx, mailing_id)
            signer = dkim.signer_of(self._ctx, tx, mailing_id)
        list_id = mailing.list_id if mailing is not None and mailing.list_id is not None else 0
        self._presses[mailing_id] = (Merger(frozen, self._ctx.keyring), list_id, signer)
        return self._presses[mailing_id]
