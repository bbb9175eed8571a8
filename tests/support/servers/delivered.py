"""What a real server has delivered, read from its Maildir, and the ledger held against it (I1–I7).

The Maildir is the judge: it is written by the server alone. Each launcher names the header in which its server says
for whom a copy was.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Row, select

from balintmail.db.models import Delivery, Mailing
from balintmail.domain.states import DeliveryState
from tests.relay import Accepted
from tests.support import invariants, sender
from tests.support.instance import Instance

S = DeliveryState


@dataclass(frozen=True, slots=True)
class Copy:
    """One delivered copy: for whom, from whom, its Message-ID, the bytes as they lie in the Maildir."""

    recipient: str
    sender: str
    message_id: str
    data: bytes


def read_copies(files: Iterable[Path], recipient: str, sender: str = "Return-Path") -> list[Copy]:
    """Return every copy in these files; `recipient` and `sender` name the headers that say for whom and from whom."""
    found = []
    for file in sorted(files):
        data = file.read_bytes()
        to, by, message_id = (_only(data, name) for name in (recipient, sender, "Message-ID"))
        found.append(Copy(to.strip("<>"), by.strip("<>"), message_id, data))
    return found


def _only(data: bytes, header: str) -> str:
    """Return the first word of a header that stands there exactly once, on one line."""
    head = data.partition(b"\n\n")[0].decode()
    [value] = re.findall(rf"^{header}:[ \t]+(\S+).*$", head, re.MULTILINE | re.IGNORECASE)
    return str(value)


class Books:
    """The ledger of an instance's only newsletter, and its server's deliveries."""

    def __init__(self, instance: Instance, copies: Callable[[], list[Copy]], url: str = "") -> None:
        self.instance = instance
        self.copies = copies
        self.ctx = sender.context(instance.folder, url or f"sqlite:///{instance.folder / 'balintmail.db'}")

    @property
    def mailing(self) -> int:
        with self.ctx.db.read() as tx:
            found: int = tx.scalars(select(Mailing.id).where(Mailing.number == "84")).one()
        return found

    def rows(self) -> list[Row[tuple[str, DeliveryState, str, int, str, str]]]:
        """Return envelope, state, stage, code, enhanced code and reply of each delivery."""
        query = select(
            Delivery.envelope, Delivery.state, Delivery.stage, Delivery.code, Delivery.enhanced, Delivery.reply
        )
        with self.ctx.db.read() as tx:
            return list(tx.execute(query.where(Delivery.mailing_id == self.mailing)))

    def row(self, local_part: str) -> Row[tuple[str, DeliveryState, str, int, str, str]]:
        [found] = [row for row in self.rows() if row.envelope.startswith(f"{local_part}@")]
        return found

    def agree(self, *, doubts: int = 0, said_no: Collection[str] = ()) -> Counter[str]:
        """Assert that ledger and deliveries are one (I1 to I6); return the states.

        Without doubts the two must be equal: whoever is accepted has exactly one copy and nobody else has any.
        """
        copies = [copy for copy in self.copies() if not copy.recipient.startswith("secretary@")]
        log = self.instance.folder / "delivered.jsonl"
        taken = [Accepted(copy.message_id, copy.recipient, copy.sender, len(copy.data)) for copy in copies]
        log.write_text("".join(json.dumps(asdict(entry)) + "\n" for entry in taken), "utf-8")
        found = invariants.check(self.ctx, self.mailing, log, connections=doubts, said_no=said_no)
        assert len({copy.message_id for copy in copies}) == len(copies), "S11: a Message-ID is on two copies"
        if not doubts:
            accepted = sorted(row.envelope for row in self.rows() if row.state is S.ACCEPTED)
            assert sorted(copy.recipient for copy in copies) == accepted
        return found

    @property
    def is_finished(self) -> bool:
        return invariants.is_finished(self.ctx, self.mailing)

    def close(self) -> None:
        self.ctx.db.close()
