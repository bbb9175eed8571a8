"""One mailing that is due, its relay's log, and what the tests of the fault plan do with both (standards 2.6)."""

import shutil
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import text

from balintmail.db import mailings, receipts
from balintmail.db.mailings import NewMailing
from balintmail.db.session import Database
from balintmail.domain.states import DeliveryState, MailingKind, MailingState
from balintmail.services import mailings as steering
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, Report, dispatch
from tests.relay import RelayThread
from tests.support import invariants, sender
from tests.support.letters import compose
from tests.support.register import a_list, readers
from tests.support.sender import Errand


def fill(ctx: Context, people: int) -> int:
    """Enter a list, so many readers and a mailing that is due; return its id."""
    with ctx.db.write() as tx:
        news = a_list(tx)
        readers(tx, news, people)
        now = ctx.clock.now()
        state = MailingState.SCHEDULED
        new = NewMailing(news, MailingKind.NEWSLETTER, "News", "hash", state, number="84", start_at=now)
        return mailings.add(tx, new, now=now)


@dataclass
class Scene:
    """A mailing and the file in which its relay writes down what it has taken."""

    ctx: Context
    url: str
    mailing: int
    log: Path
    said_no: Collection[str] = ()
    doubts: int = 0  # how many unknown deliveries the crashes so far may have left
    errand: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def on(url: str, folder: Path, people: int) -> "Scene":
        """Make the scene in an empty migrated database."""
        ctx = sender.context(folder, url)
        return Scene(ctx, url, fill(ctx, people), folder / "taken.jsonl")

    @staticmethod
    def copied(template: "Scene", folder: Path) -> "Scene":
        """Return the scene anew in `folder`, from a SQLite file that nobody has open."""
        folder.mkdir(exist_ok=True)
        file = folder / "balintmail.db"
        shutil.copy(str(template.ctx.db.url.database), file)
        url = f"sqlite:///{file}"
        return Scene(sender.context(folder, url), url, template.mailing, folder / "taken.jsonl")

    def send(self, port: int, **bounds: Any) -> Errand:
        """Return the errand of sending it."""
        return Errand(str(self.ctx.folder), self.url, port, **bounds)

    def crashed(self, lanes: int) -> Counter[str]:
        """Note that a sender with so many connections has died, and check what it left."""
        self.doubts += lanes
        self.forget_the_lease()
        return self.check()

    def check(self) -> Counter[str]:
        """Assert I1 to I6; return the states."""
        return invariants.check(self.ctx, self.mailing, self.log, connections=self.doubts, said_no=self.said_no)

    def run_here(self, port: int, lanes: int, host: str = "127.0.0.1", **orders: Any) -> Report:
        """Send in this process."""
        orders = {"compose": compose, **orders}
        return dispatch(self.ctx, lambda: sender.transport(port, lanes, host), Orders(**orders))

    def forget_the_lease(self) -> None:
        """Let a dead worker's lease have run out on PostgreSQL: waiting for it would take a minute."""
        if self.ctx.db.is_sqlite:
            return
        with self.ctx.db.write() as tx:
            tx.execute(text("UPDATE workers SET seen_at = seen_at - interval '2 minutes'"))

    def finish(self, relay: RelayThread, *, lanes: int) -> Counter[str]:
        """Run until nothing moves, settle the doubts, see the mailing finished (I7); return the states before."""
        relay.behave()
        self.forget_the_lease()
        self.run_here(relay.port, lanes)
        found = self.check()
        assert not set(found) & {"queued", "claimed", "at_risk", "deferred"}, f"I7: {found}"
        self.settle(found)
        return found

    def settle(self, found: Counter[str]) -> None:
        """Settle what is unknown and see the mailing called sent, not before (P1)."""
        if found["unknown"]:
            assert not invariants.is_finished(self.ctx, self.mailing), "P1: finished in spite of doubts"
            steering.settle(self.ctx, str(self.mailing), [], DeliveryState.ACCEPTED)
        assert invariants.is_finished(self.ctx, self.mailing), "I7: the mailing is not finished"

    def states(self) -> Counter[DeliveryState]:
        with self.ctx.db.read() as tx:
            return Counter({state: n for state, n in receipts.counts(tx, self.mailing).items() if n})

    def close(self) -> None:
        self.ctx.db.close()


def checkpoint(db: Database) -> None:
    """Bring everything into SQLite's file and close it, so that the file can be copied."""
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
