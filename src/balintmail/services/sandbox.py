"""Try a mailing without its readers: everything to one address, or the whole work without a relay.

A redirected mailing is a mailing of its own, of kind test and without a number, so it never stands in the way of the
real one; its rows keep the readers' names and only the envelope goes elsewhere, which is frozen with the mailing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from balintmail.db.ledger import Claimed
from balintmail.db.mailings import MailingRow
from balintmail.domain.outcome import Composed

Compose = Callable[[Claimed], Composed]


def redirecting(compose: Compose, mailings: Mapping[int, MailingRow]) -> Compose:
    """Return `compose` with the envelopes of redirected mailings turned to their one address."""

    def composed(row: Claimed) -> Composed:
        message = compose(row)
        mailing = mailings.get(row.mailing)
        if mailing is None or not mailing.redirected_to:
            return message
        envelope = replace(message.envelope, recipient=mailing.redirected_to, smtputf8=False)
        return replace(message, envelope=envelope)

    return composed
