"""Say whether what comes back is read: each mailbox as it was read last, and whether it can be opened now.

It marks no message as read and moves none. What the letters say is services/inbox.py's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from balintmail.db.mailboxes import MailboxRow
from balintmail.domain.times import long_form
from balintmail.ops.doctor.finding import Finding, good, note, stop, warn, without_addresses

LONG = timedelta(days=1)  # without a reading: newsletters go to addresses that are known to be dead elsewhere
_MEND = "Look at [inbox.{name}] in balintmail.toml, then try: balintmail inbox fetch {name}"


@dataclass(frozen=True, slots=True)
class Box:
    """A folder of a mailbox of the settings, and what is known of it: `trouble` is what opening it now gave, or ""."""

    name: str
    folder: str
    row: MailboxRow | None
    trouble: str

    @property
    def label(self) -> str:
        return f"{self.name} ({self.folder})"


def boxes(found: Sequence[Box], *, now: datetime, zone: ZoneInfo) -> list[Finding]:
    """Return how each folder of each mailbox stands."""
    return [finding for box in found for finding in _box(box, now, zone)]


def _box(box: Box, now: datetime, zone: ZoneInfo) -> list[Finding]:
    hint = _MEND.format(name=box.name)
    if box.trouble:
        since = box.row.failing_since if box.row is not None else None
        told = f" It has failed since {long_form(since, zone)}." if since is not None else ""
        message = f"The mailbox {box.label} cannot be read: {without_addresses(box.trouble)}{told}"
        return [(stop if since is not None and now - since > LONG else warn)("mailbox", message, hint)]
    if box.row is None or box.row.read_at is None:
        return [warn("mailbox", f"The mailbox {box.label} can be opened, and was never read.", hint)]
    read_at = long_form(box.row.read_at, zone)
    if now - box.row.read_at > LONG:
        message = f"The mailbox {box.label} can be opened, and was last read on {read_at}."
        return [warn("mailbox", message, "balintmail dispatch reads it, every minute from cron: balintmail cron")]
    return [good("mailbox", f"The mailbox {box.label} was last read on {read_at}.")]


def none(*, piped: bool, bounces: str) -> list[Finding]:
    """Return what it means that no mailbox is set; `piped` says that messages came by `inbox pipe`."""
    if piped:
        return [good("mailbox_none", "No mailbox is set; messages come in by inbox pipe.")]
    message = f"Nobody reads what comes back to {bounces}: dead addresses stay, and nobody leaves by mail."
    return [warn("mailbox_none", message, "Describe the mailbox under [inbox.NAME]; docs/inbox.md shows how.")]


def waiting(counts: Mapping[str, int]) -> list[Finding]:
    """Return what lies unread or undone, by its state."""
    found = []
    if aside := counts.get("set_aside"):
        words = "One message was" if aside == 1 else f"{aside} messages were"
        found.append(
            note("inbox_set_aside", f"{words} set aside, for nothing could read them.", "balintmail inbox list")
        )
    if new := counts.get("new"):
        words = "One message is" if new == 1 else f"{new} messages are"
        found.append(note("inbox_new", f"{words} stored and not yet read.", "balintmail dispatch"))
    return found
