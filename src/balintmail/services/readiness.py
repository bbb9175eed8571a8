"""Say what an instance still lacks before its site can do what it promises.

It reads settings and database and changes nothing; `ops/doctor` looks outward, at the world's name servers and relays.
Shown by web/home.py.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from balintmail.config import Society, TransportKind
from balintmail.db import lists, officers
from balintmail.domain.states import Policy
from balintmail.services.context import Context
from balintmail.services.lock import dispatch_lock

_LOOKS_EVERY = timedelta(minutes=5)  # cron's minute, with room for a long night


class Need(StrEnum):
    """One thing to be set up, in the order in which to do it."""

    NAME = "name"
    URL = "url"
    SECRETARY = "secretary"
    LIST = "list"
    RELAY = "relay"
    DISPATCH = "dispatch"
    PROXY = "proxy"
    ADDRESS = "address"


_ESSENTIAL = frozenset({Need.NAME, Need.URL, Need.SECRETARY, Need.LIST, Need.RELAY, Need.DISPATCH})


@dataclass(frozen=True, slots=True)
class Item:
    """Whether one need is met; the site cannot keep its promises without the essential ones."""

    need: Need
    met: bool

    @property
    def essential(self) -> bool:
        return self.need in _ESSENTIAL


def readiness(ctx: Context) -> list[Item]:
    """Return every need and whether it is met, in the order in which to meet them."""
    society, settings = ctx.settings.society, ctx.settings
    with ctx.db.read() as tx:
        secretary = officers.secretary(tx)
        joinable = any(row.archived_at is None and row.policy is not Policy.CLOSED for row in lists.every(tx))
    looked = dispatch_lock(ctx).last_beat()
    proxied = society.url.startswith("https:")
    found = {
        Need.NAME: society.name != Society.model_fields["name"].default,
        Need.URL: bool(society.url),
        Need.SECRETARY: secretary is not None,
        Need.LIST: joinable,
        # An outbox that was chosen is somebody's decision; one that is merely left over is not.
        Need.RELAY: settings.transport is TransportKind.SMTP or settings.send.transport is TransportKind.OUTBOX,
        Need.DISPATCH: looked is not None and ctx.clock.now() - looked < _LOOKS_EVERY,
        Need.PROXY: not proxied or bool(settings.web.proxies),
        Need.ADDRESS: bool(society.address),
    }
    return [Item(need, found[need]) for need in Need]


def is_ready(items: list[Item]) -> bool:
    """Say whether nothing essential is missing."""
    return all(item.met or not item.essential for item in items)
