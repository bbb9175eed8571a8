"""The smallest message that a transport takes, for tests of what happens to it and not of what it says."""

from balintmail.composing.refusals import ContentRefused
from balintmail.db.ledger import Claimed
from balintmail.domain.outcome import Composed, Envelope


def compose(row: Claimed) -> Composed:
    """Return a tiny letter; the Message-ID names the delivery."""
    message_id = f"<{row.delivery}@balint.example.org>"
    head = f"From: news@example.org\r\nTo: {row.envelope}\r\nMessage-ID: {message_id}\r\nSubject: News\r\n\r\n"
    return Composed(
        row.delivery, Envelope("bounces@example.org", row.envelope), message_id, f"{head}Hello\r\n".encode()
    )


def compose_but_not_for(address: str, error: Exception | None = None) -> object:
    """Return a composer that refuses one person's data."""

    def composer(row: Claimed) -> Composed:
        if row.address == address:
            raise error or ContentRefused("their name cannot be written")
        return compose(row)

    return composer
