"""Tell the Secretary, at most once a day, that mail systems refuse our letters by a rule or as spam.

Such a refusal is about us and counts against nobody (S20, S36). The systems' own words go along, without addresses and
without our tokens; who got no letter stands in `balintmail returns list`.
"""

import re
from datetime import UTC, datetime, timedelta

from balintmail.db import meta, returns
from balintmail.db.returns import Refusals
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.receiving.addresses import ADDRESS
from balintmail.services import notices
from balintmail.services.context import Context
from balintmail.services.notices import Waiting

TEMPLATE = "blocked"
TOLD = "returns_blocked_told"  # the fact of db/meta.py: up to which event, and when
EVERY = timedelta(days=1)
MOST_DOMAINS = 10
LONGEST_WORDS = 200  # characters
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FIELDS = re.compile(r"^(?:Action: \S+ )?(?:Status: \S* )?")  # of the report, before the system's words
_TOKEN = re.compile(r"[a-z2-7]{30,80}", re.I)
_HIDDEN = "…"


def tell(ctx: Context) -> bool:
    """Put the alarm into the queue when there is something new to tell; return whether there was."""
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        newest, (told, at) = returns.last_id(tx), _told(meta.fact(tx, TOLD))
    if newest <= told or (at is not None and now - at < EVERY):
        return False
    with ctx.db.write() as tx:
        found, to = returns.refusals(tx, after=told), notices.to_secretary(tx)
        if found and to is None:
            return False
        meta.put(tx, TOLD, f"{newest} {(now if found else at or _LONG_AGO).isoformat()}")
        if to is None or not found:
            return False
        facts: dict[str, Fact] = {
            "count": sum(one.number for one in found),
            "since": min(one.since for one in found),
            "answers": tuple(_answer(one) for one in found[:MOST_DOMAINS]),
        }
        notices.put(ctx, tx, Waiting(template=TEMPLATE, to=to, ground=Ground.OFFICER, facts=facts, key=TEMPLATE))
    return True


def _told(fact: str | None) -> tuple[int, datetime | None]:
    number, _, moment = (fact or "").partition(" ")
    return (int(number), datetime.fromisoformat(moment)) if number.isdigit() and moment else (0, None)


def _answer(one: Refusals) -> dict[str, str | int]:
    words = _TOKEN.sub(_HIDDEN, ADDRESS.sub(_HIDDEN, _FIELDS.sub("", one.words)))
    return {"domain": one.domain, "number": one.number, "words": words[:LONGEST_WORDS]}
