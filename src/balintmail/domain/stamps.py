"""Sign the moment at which a form was handed out, and judge how long somebody took to fill it in.

Pure; keys and times are given. A stamp is bound to one form and names nobody. It is no proof of a person: it tells
only that the form was fetched, when, and that neither was made up. Called by web/forms.py.
"""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HASTE = timedelta(seconds=2)  # nobody reads and fills in a form faster; what does is a program
STALE = timedelta(days=1)  # a form left open overnight still counts
_MAC_LETTERS = 32  # 128 bits in hexadecimal
_LONGEST = 60


class Stamped(StrEnum):
    """What a stamp says."""

    GOOD = "good"
    MISSING = "missing"  # none, or damaged, forged, of another form
    HASTY = "hasty"
    STALE = "stale"


def make(form: str, *, now: datetime, key: bytes) -> str:
    """Return the stamp of the form called `form`, handed out at `now`."""
    seconds = int(now.timestamp())
    return f"{seconds:x}.{_mac(form, seconds, key)}"


def judge(text: str, form: str, *, now: datetime, keys: Sequence[bytes]) -> Stamped:
    """Return what the stamp `text` says of the form called `form` that came back at `now`.

    A stamp from the future is forged, or the clock was set back: both count as missing. `keys` are tried in turn.
    """
    moment, _, mac = text[:_LONGEST].partition(".")
    try:
        seconds = int(moment, 16)
        handed_out = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return Stamped.MISSING
    if not mac.isascii() or not any(hmac.compare_digest(mac, _mac(form, seconds, key)) for key in keys):
        return Stamped.MISSING
    taken = now - handed_out
    if taken < -HASTE:
        return Stamped.MISSING
    if taken < HASTE:
        return Stamped.HASTY
    return Stamped.STALE if taken > STALE else Stamped.GOOD


def _mac(form: str, seconds: int, key: bytes) -> str:
    return hmac.digest(key, f"form\n{form}\n{seconds}".encode(), "sha256").hex()[:_MAC_LETTERS]
