"""Look at mailings and steer them: the receipt, pause, resume, cancel, retry, and the decision about unknown ones.

A change is one statement in the ledger, which a running dispatcher reads before its next dot. It sends nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from balintmail.composing.compiled import Compiled
from balintmail.composing.merge import Merger
from balintmail.db import audit, ledger, mailings, receipts, returns
from balintmail.db.mailings import MailingRow
from balintmail.db.receipts import NotReached
from balintmail.db.returns import Afterwards
from balintmail.db.session import Tx
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.states import FINAL, DeliveryState, MailingState, SkipReason
from balintmail.errors import Conflict, NotFound
from balintmail.services import pausing
from balintmail.services.context import Context

LARGEST_ID = 2**63 - 1  # of a row in either database (F9)
_HINT = "See: balintmail mailings list"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What there is to know of one mailing. The counts have all nine states and add up to the audience."""

    mailing: MailingRow
    counts: dict[DeliveryState, int]
    skipped: dict[SkipReason, int]
    not_reached: tuple[NotReached, ...]
    message_ids: Mapping[int, str] = field(default_factory=dict)  # of the unknown, to look for in the relay's log (P3)
    came_back: Afterwards = field(default_factory=Afterwards)

    @property
    def open(self) -> int:
        """How many rows are not final yet."""
        return sum(number for state, number in self.counts.items() if state not in FINAL)

    @property
    def turned_down(self) -> int:
        """How many rows ended without the message being taken."""
        return self.counts[DeliveryState.REFUSED] + self.counts[DeliveryState.WRITTEN_OFF]


def find(tx: Tx, name: str) -> MailingRow:
    """Return the mailing that an id or `LIST/NUMBER` names; raise NotFound otherwise."""
    slug, slash, number = name.strip().partition("/")
    found = None
    if slash and name.isprintable():
        found = mailings.by_number(tx, slug, number)
    elif slug.isascii() and slug.isdigit() and len(slug) <= len(str(LARGEST_ID)) and int(slug) <= LARGEST_ID:
        found = mailings.by_id(tx, int(slug))
    if found is None:
        raise NotFound(f'There is no mailing "{name}".', hint=_HINT)
    return found


def named(ctx: Context, name: str | int) -> MailingRow:
    """Return the mailing that a person means; raise NotFound."""
    with ctx.db.read() as tx:
        return find(tx, str(name))


def counts(ctx: Context, mailing: int) -> dict[DeliveryState, int]:
    """Return how many of a mailing's rows are in each state: a third of what a whole receipt takes."""
    with ctx.db.read() as tx:
        return receipts.counts(tx, mailing)


def receipt(ctx: Context, name: str | int) -> Receipt:
    """Return the receipt of a mailing, seen at one moment."""
    with ctx.db.read() as tx:
        row = find(tx, str(name))
        found = replace(receipt_of(tx, row), came_back=returns.of_mailing(tx, row.id))
        doubtful = [one.delivery for one in found.not_reached if one.state is DeliveryState.UNKNOWN]
        if not doubtful or not row.content_hash:  # what only the journal knew has no letter
            return found
        merger = Merger(Compiled.load(mailings.compiled(tx, row.id)), ctx.keyring)
        return replace(found, message_ids={delivery: merger.message_id(delivery) for delivery in doubtful})


def receipt_of(tx: Tx, row: MailingRow) -> Receipt:
    """Return the receipt of a mailing whose row is at hand, without Message-IDs."""
    counted = receipts.counts(tx, row.id)
    return Receipt(row, counted, receipts.skipped_by_reason(tx, row.id), tuple(receipts.not_reached(tx, row.id)))


@dataclass(frozen=True, slots=True)
class Line:
    """A mailing as the list of mailings shows it."""

    mailing: MailingRow
    counts: dict[DeliveryState, int]


def every(ctx: Context) -> list[Line]:
    """Return all mailings, the newest first."""
    with ctx.db.read() as tx:
        counted = receipts.counts_of_all(tx)
        none = dict.fromkeys(DeliveryState, 0)
        return [Line(row, counted.get(row.id, none)) for row in mailings.every(tx)]


def pause(ctx: Context, name: str) -> Receipt:
    """Pause a mailing that is being sent; no dot leaves after this has returned."""
    return _steer(ctx, name, MailingState.PAUSED, "paused", reason=f"paused by {ctx.actor}")


def resume(ctx: Context, name: str) -> Receipt:
    """Let a paused mailing go on."""
    with ctx.db.read() as tx:
        row = find(tx, name)
    if row.state is not MailingState.PAUSED:
        raise Conflict(f"{row.label} is {row.state.value}, not paused.", hint=_HINT)
    with ctx.db.write() as tx:
        pausing.mend(tx, row)
    return _steer(ctx, name, MailingState.SENDING, "resumed")


def cancel(ctx: Context, name: str) -> Receipt:
    """End a mailing: whoever is not at risk yet is skipped, and what was sent stays sent."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        row = find(tx, name)
        if not mailings.change(tx, row.id, MailingState.CANCELLED, reason=f"cancelled by {ctx.actor}"):
            raise Conflict(f"{row.label} is {row.state.value} and cannot be cancelled.", hint=_HINT)
        skipped = ledger.cancel_open(tx, row.id, now=now)
        if row.frozen_at is not None and not receipts.anything_open(tx, row.id):
            mailings.close_cancelled(tx, row.id, now=now)
        audit.note_mailing(tx, row.id, "cancelled", actor=ctx.actor, now=now, detail={"skipped": skipped})
        return receipt_of(tx, find(tx, str(row.id)))


def _steer(ctx: Context, name: str, new: MailingState, action: str, *, reason: str = "") -> Receipt:
    with ctx.db.write() as tx:
        row = find(tx, name)
        if not mailings.change(tx, row.id, new, reason=reason):
            raise Conflict(f"{row.label} is {row.state.value} and cannot be {action}.", hint=_HINT)
        audit.note_mailing(tx, row.id, action, actor=ctx.actor, now=ctx.clock.now())
        return receipt_of(tx, find(tx, str(row.id)))


def settle(ctx: Context, name: str, addresses: Sequence[str], decision: DeliveryState) -> Receipt:
    """Decide the unknown deliveries of a mailing, all or those to `addresses`: accepted, queued or written off.

    Raises NotFound for an address whose delivery is not in doubt; then nothing is changed.
    """
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        row = find(tx, name)
        if row.state is MailingState.CANCELLED and decision is DeliveryState.QUEUED:
            raise Conflict(f"{row.label} was cancelled; nothing of it is sent again.", hint="Accept or write off.")
        doubtful = [one for one in receipts.not_reached(tx, row.id) if one.state is DeliveryState.UNKNOWN]
        chosen = _chosen(doubtful, addresses)
        settled = ledger.settle(tx, [one.delivery for one in chosen], decision, now=now)
        if not receipts.anything_open(tx, row.id):
            mailings.finish(tx, row.id, now=now)
            mailings.close_cancelled(tx, row.id, now=now)
        detail = {"decision": decision.value, "deliveries": [one.delivery for one in chosen], "settled": settled}
        audit.note_mailing(tx, row.id, "settled", actor=ctx.actor, now=now, detail=detail)
        return receipt_of(tx, find(tx, str(row.id)))


def _chosen(doubtful: Sequence[NotReached], addresses: Sequence[str]) -> list[NotReached]:
    if not addresses:
        return list(doubtful)
    chosen = []
    for text in addresses:
        mine = [one for one in doubtful if text in {one.address, str(one.person)} or _key(one.address) == _key(text)]
        if not mine:
            raise NotFound(f"No unknown delivery of this mailing goes to {text}.", hint="Nothing was changed.")
        chosen += mine
    return chosen


def _key(text: str) -> str:
    try:
        return parse(text).key
    except AddressRefused:
        return text
