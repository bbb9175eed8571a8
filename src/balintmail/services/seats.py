"""Share the connections that a relay allows between all processes that send over it at the same time (D5).

On SQLite one process sends at a time, so there is nothing to share. On PostgreSQL each worker notes how many it holds;
whoever comes later gets the free ones, and where there are too few for all, each gives some up until they share alike.
What a dead worker held is free when its lease is over. It opens nothing; services/connections.py does.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from balintmail.db import limits, meta, workers
from balintmail.services.context import Context

_FACT = "connections:"  # and the relay's name, a blank, the worker


@dataclass
class Seats:
    """How many connections to each relay this worker may have open now; `wanted` is what it could use."""

    ctx: Context
    worker: str
    allowed: dict[str, int] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)

    @property
    def shared(self) -> bool:
        """Whether others may send at the same time."""
        return not self.ctx.db.is_sqlite

    def may_open(self, relay: str, wanted: int) -> int:
        """Return how many of the wanted connections to `relay` may be open; it is asked for the rest."""
        if not self.shared or relay not in self.ctx.settings.relays:
            return wanted
        self.wanted[relay] = max(wanted, self.wanted.get(relay, 0))
        return min(wanted, self.allowed.get(relay, 0))

    def is_one_too_many(self, relay: str, there: int) -> bool:
        """Say whether a connection has to be given up, with so many open to `relay`."""
        return relay in self.wanted and there > self.allowed.get(relay, 0)

    def settle(self, there: Mapping[str, int], unused: Collection[str] = ()) -> None:
        """Write down what this worker holds and learn what it may have; in the thread of the books.

        `there` is how many connections to each relay are open or being opened; `unused` relays get no message now.
        """
        for relay in list(self.wanted):
            wanted = 0 if relay in unused else self.wanted[relay]
            most = self.ctx.settings.relays[relay].max_connections
            with self.ctx.db.write() as tx:
                limits.hold(tx, relay)
                living = workers.living(tx)
                held = {
                    key.removeprefix(f"{_FACT}{relay} "): int(value)
                    for key, value in meta.every(tx, f"{_FACT}{relay} ").items()
                }
                for worker in held.keys() - living:
                    meta.drop(tx, f"{_FACT}{relay} {worker}")
                others = [number for worker, number in held.items() if worker in living and worker != self.worker]
                share = max(1, most // (len(others) + 1))
                allowed = max(0, min(wanted, most - sum(others)))
                if any(number < share for number in others):
                    allowed = min(allowed, share)
                # What is still open counts until it is closed, so nobody is promised it before.
                meta.put(tx, f"{_FACT}{relay} {self.worker}", str(max(allowed, there.get(relay, 0))))
            self.allowed[relay] = allowed

    def give_up(self) -> None:
        """Strike out what this worker held; in the thread of the books, when every connection is closed."""
        if self.wanted:
            with self.ctx.db.write() as tx:
                for relay in self.wanted:
                    meta.drop(tx, f"{_FACT}{relay} {self.worker}")
