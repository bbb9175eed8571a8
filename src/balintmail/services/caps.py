"""Keep the form from being used against others: so much a day for an address, so much an hour for a network and in all.

It counts with keyed hashes (db/throttles.py) and never looks at the register, so that an answer takes the same time for
an address that is known and one that is not. What is over a cap is not refused: it waits for the Secretary, who gets an
alarm once a day.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from balintmail.db import throttles
from balintmail.db.session import Tx
from balintmail.domain.notices import Fact
from balintmail.domain.requests import Held
from balintmail.domain.states import Ground
from balintmail.services import notices
from balintmail.services.context import Context
from balintmail.services.notices import Waiting

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MOST_A_DAY = 10  # forms for one address in a day that are kept at all; nobody fills in more
MOST_ASKED = 20  # forms of one kind from one network within an hour that are answered by mail
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Admission:
    """What one request may have: why it is held ("" for not), and when its confirmation may leave.

    `queued` says that a confirmation waits for that moment already. `kept` is False for the eleventh form of a day for
    one address: it would only fill the disk.
    """

    held: Held
    due_at: datetime
    queued: bool = False
    kept: bool = True


def admit(ctx: Context, tx: Tx, address_key: str, network: str, *, suspicion: Held = Held.NOTHING) -> Admission:
    """Count a form that came in and say what it may have."""
    limits, held = ctx.settings.joining, suspicion
    forms = _in_a_day(ctx, tx, f"forms {address_key}")
    in_all = _in_an_hour(ctx, tx, _ALL)
    near = _in_an_hour(ctx, tx, f"network {network}") if network else 0
    if forms == MOST_A_DAY:
        _alarm(ctx, tx, "address", forms, DAY)
    if in_all > limits.per_hour:
        held = held or Held.FLOOD
        _alarm(ctx, tx, _ALL, in_all, HOUR)
    elif near > limits.per_network:
        held = held or Held.NETWORK
        _alarm(ctx, tx, "network", near, HOUR)
    due_at, queued = next_mail(ctx, tx, address_key)
    return Admission(held, due_at, queued, kept=forms <= MOST_A_DAY)


def crowded(ctx: Context, tx: Tx, what: str, network: str) -> bool:
    """Count a form that asks for `what`, and say whether too many did in an hour: from its network, or in all."""
    near = _in_an_hour(ctx, tx, f"{what} from {network}") > MOST_ASKED
    return _in_an_hour(ctx, tx, f"{what} in all") > ctx.settings.joining.per_hour or near


def next_mail(ctx: Context, tx: Tx, address_key: str) -> tuple[datetime, bool]:
    """Return when this address may have its next confirmation, and whether one waits for that moment already."""
    last, now = throttles.last(tx, _key(ctx, f"mail {address_key}")), ctx.clock.now()
    if last is not None and last > now:
        return last, True
    # The slot of the last one began up to an hour before it left.
    free = last + DAY + HOUR if last is not None else now
    return max(free, now), False


def count_mail(ctx: Context, tx: Tx, address_key: str, due_at: datetime) -> None:
    """Count the one confirmation that an address may have in a day (S46), on the day on which it leaves."""
    throttles.add(tx, _key(ctx, f"mail {address_key}"), now=due_at)


def next_answer(ctx: Context, tx: Tx, address_key: str) -> datetime | None:
    """Return when this address may have its next answer from the program; None when those of two days are given out.

    Nobody gets more than one in a day, whatever they ask, and nobody any while too many are asked for in all.
    """
    if _in_an_hour(ctx, tx, "answers") > ctx.settings.joining.per_hour:
        return None
    last, now = throttles.last(tx, _key(ctx, f"answer {address_key}")), ctx.clock.now()
    free = max(last + DAY + HOUR, now) if last is not None else now
    return free if free <= now + 2 * (DAY + HOUR) else None


def count_answer(ctx: Context, tx: Tx, address_key: str, due_at: datetime) -> None:
    """Count the one answer that an address may have in a day, on the day on which it leaves."""
    throttles.add(tx, _key(ctx, f"answer {address_key}"), now=due_at)


def asked_before(ctx: Context, tx: Tx, address_key: str, what: str) -> bool:
    """Count a wish, and say whether the same address had the same one within a day (H24)."""
    return _in_a_day(ctx, tx, f"wish {address_key} {what}") > 1


def _in_a_day(ctx: Context, tx: Tx, what: str) -> int:
    """Count one more and return how many there were within a day."""
    key, now = _key(ctx, what), ctx.clock.now()
    throttles.add(tx, key, now=now)
    return throttles.taken(tx, key, DAY, now=now)


def _in_an_hour(ctx: Context, tx: Tx, what: str) -> int:
    """Count one more and return how many there were within the last hour."""
    key, now = _key(ctx, what), ctx.clock.now()
    throttles.add(tx, key, now=now)
    return math.ceil(throttles.pace(tx, key, now=now))


def _alarm(ctx: Context, tx: Tx, about: str, count: int, window: timedelta) -> None:
    """Put an alarm to the Secretary into the queue, once a day for each kind of cap."""
    now, key = ctx.clock.now(), _key(ctx, f"alarm {about}")
    to = notices.to_secretary(tx)
    if to is None or throttles.taken(tx, key, DAY - HOUR, now=now):
        return
    throttles.add(tx, key, now=now)
    facts: dict[str, Fact] = {
        "about": about,
        "count": count,
        "held": max(count - _limit(ctx, about), 1),
        "since": now - window,
        "until": now + HOUR,
    }
    notices.put(ctx, tx, Waiting(template="alarm", to=to, ground=Ground.OFFICER, facts=facts, key=f"alarm {about}"))


def _limit(ctx: Context, about: str) -> int:
    limits = {_ALL: ctx.settings.joining.per_hour, "network": ctx.settings.joining.per_network}
    return limits.get(about, 1)


def _key(ctx: Context, what: str) -> bytes:
    """Return the keyed hash under which something is counted; no address key begins with a line break."""
    return ctx.keyring.address_hash(f"\ncap {what}")
