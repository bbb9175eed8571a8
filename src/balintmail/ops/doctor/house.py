"""Say whether sending is on, somebody looks for what is due, nothing waits for the Secretary, and the clock is right.

It only judges what it is given. The time of a relay is not asked: SMTP has no command for it.
"""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from balintmail.config import Send, UnknownPolicy
from balintmail.domain.times import long_form
from balintmail.ops.doctor.finding import Finding, good, note, stop, warn, without_addresses
from balintmail.services.engine import CLOCK_JUMP

LOOKS_EVERY = timedelta(minutes=5)  # cron looks every minute; four may be lost to a busy machine
CLOCKS_APART = timedelta(seconds=30)  # half a lease (db/workers.py)
_UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)


@dataclass(frozen=True, slots=True)
class Beat:
    """When a dispatcher last looked for what was due, whether one works now, and whether anything waits for one."""

    last: datetime | None
    working: bool
    due: bool


@dataclass(frozen=True, slots=True)
class Times:
    """The present by our clock and by the database's (None: it has none of its own), and when mail was last sent."""

    now: datetime
    last_run: datetime | None
    of_database: datetime | None


def sending(why_blocked: str | None) -> list[Finding]:
    """Return whether anything may be sent (P7)."""
    if why_blocked is not None:
        return [stop("sending_blocked", f"Sending is off: {why_blocked}.", "Run: balintmail reconcile")]
    return [good("sending", "Sending is on.")]


def sandbox(settings: Send) -> list[Finding]:
    """Return whether letters are kept from their readers on purpose; the address they go to is not named."""
    found = []
    if settings.redirect_all_to:
        message = "Every letter goes to one address and none to its reader: [send] redirect_all_to is set."
        found.append(warn("sandbox", message, "Take the setting out before you really send."))
    if settings.dry:
        message = "No letter leaves: [send] dry is on."
        found.append(warn("sandbox", message, "Take the setting out before you really send."))
    return found


def waiting(unknown: int, paused: Sequence[tuple[str, str]], policy: UnknownPolicy) -> list[Finding]:
    """Return what waits for the Secretary: deliveries whose fate is unknown, and paused mailings with their reason."""
    found = []
    if unknown:
        count = "1 delivery is" if unknown == 1 else f"{unknown} deliveries are"
        message = f"{count} unknown: the letter may have arrived or not."
        if policy is UnknownPolicy.RESEND:
            found.append(note("unknown", message, 'They are sent again: [send] unknown = "resend".'))
        else:
            hint = "balintmail mailings list, then balintmail mailings settle ID"
            found.append(warn("unknown", message, hint))
    for label, reason in paused:
        why = f": {without_addresses(reason).rstrip('.')}" if reason else ""
        found.append(warn("paused", f"{label} is paused{why}.", f"balintmail mailings resume {label}"))
    return found or [good("waiting", "No delivery is unknown and no mailing is paused.")]


def system_mails(stuck: str) -> list[Finding]:
    """Return whether confirmations, welcomes and the like can be written; `stuck` says why they cannot."""
    if not stuck:
        return []
    hint = "They wait and leave once that is mended. To look at one: balintmail templates preview NAME"
    return [stop("system_mails", f"System mails cannot be written: {without_addresses(stuck).rstrip('.')}.", hint)]


def cron(beat: Beat, *, now: datetime, zone: ZoneInfo) -> list[Finding]:
    """Return whether somebody looks for what is due."""
    if beat.working:
        return [good("cron", "A dispatcher is at work now.")]
    if beat.last is not None and abs(now - beat.last) <= LOOKS_EVERY:
        minutes = int(abs(now - beat.last).total_seconds() // 60)
        when = "less than a minute ago" if minutes == 0 else f"{minutes} min ago"
        return [good("cron", f"Somebody looks for what is due: the last time {when}.")]
    when = "never ran" if beat.last is None else f"last ran on {long_form(beat.last, zone)}"
    message = f"Nobody looks for what is due (balintmail dispatch {when})."
    hint = "balintmail cron prints the line for crontab."
    if beat.due:
        return [stop("cron", f"{message} Something is due.", hint)]
    return [warn("cron", message, hint)]


def clock(times: Times, *, is_kept: bool | None, zone: ZoneInfo) -> list[Finding]:
    """Return whether this machine's clock can be right; `is_kept` is None where the kernel does not say."""
    if times.last_run is not None and times.last_run - times.now > CLOCK_JUMP:
        now, last = long_form(times.now, zone), long_form(times.last_run, zone)
        message = f"This machine's clock says {now}, but mail was last sent on {last}."
        return [stop("clock", message, "Set the clock right: nothing is sent until then.")]
    apart = abs(times.now - times.of_database) if times.of_database is not None else timedelta()
    if apart > CLOCKS_APART:
        message = f"This machine's clock and the database's are {apart.total_seconds():.0f} seconds apart."
        return [warn("clock", message, "Keep both by NTP: claims lapse by the database's clock.")]
    if is_kept is False:
        message = "Nothing keeps this machine's clock right, as far as its kernel knows."
        return [warn("clock", message, "Turn on NTP, such as: timedatectl set-ntp true")]
    if is_kept is None:
        return [note("clock", "Whether this machine's clock is kept right cannot be told here.")]
    return [good("clock", "This machine's clock is kept right.")]


def clock_is_kept() -> bool | None:
    """Return whether the kernel holds its clock for synchronised (adjtimex(2)); None where it does not say."""
    try:
        # The structure has some 200 bytes; all zeros ask and change nothing.
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _UNSYNCHRONISED
