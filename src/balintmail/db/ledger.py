"""The ledger: enrol an audience, claim rows, mark them at risk, record what came of them (D1–D4).

Everything works on sets of rows. A row is changed only from a state that domain/deliveries.py allows, and only by the
worker whose claim it carries: that is the fence an expired worker cannot pass (standards 2.5). It sends nothing and
knows no relay. What it tells of a mailing is in db/receipts.py; what a crash leaves is put right by db/workers.py.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import ColumnElement, case, func, insert, literal, null, or_, select, update

from balintmail.db import audience
from balintmail.db.audience import Selection
from balintmail.db.models import Delivery, Mailing, UtcTime
from balintmail.db.ready import Ready, among, given, ids, paired, pairs
from balintmail.db.session import Tx
from balintmail.db.standing import refusal_now
from balintmail.domain.deliveries import sources
from balintmail.domain.hot import hot
from balintmail.domain.outcome import Outcome
from balintmail.domain.states import DeliveryState, Ground, MailingState, SkipReason

_D = Delivery
_S = DeliveryState


@dataclass(frozen=True, slots=True)
class Addressee:
    """One person a mailing of one or few goes to; `person` is none for a test to a stranger."""

    person: int | None
    address: str
    envelope: str
    address_key: str
    ground: Ground
    data: str


class Claimed(NamedTuple):  # one for each letter: a frozen dataclass takes four times as long to make
    """A row that this worker may try. `attempts` counts this one; `data` is the JSON array of the freeze."""

    delivery: int
    mailing: int
    person: int | None
    address: str
    envelope: str
    data: str
    attempts: int
    first_tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class Marked:
    """What the transaction before the dots said: `passed` may be released, nobody else.

    `refused` were skipped with their reason, `paused` went back to the queue, `lost` are no longer ours.
    """

    passed: frozenset[int]
    refused: dict[int, SkipReason]
    paused: frozenset[int]
    lost: frozenset[int]


@hot(frozen=True, slots=True)
class Result:
    """What one attempt made of a row, decided by the caller."""

    delivery: int
    state: DeliveryState
    outcome: Outcome
    next_try_at: datetime | None = None
    skip_reason: SkipReason | None = None


def enrol(tx: Tx, mailing_id: int, selection: Selection, *, now: datetime) -> int:
    """Freeze the audience of `selection` as rows of a mailing, in one statement; return how many."""
    chosen = audience.rows(tx, selection).subquery()
    state = case((chosen.c.reason.is_(None), _S.QUEUED.value), else_=_S.SKIPPED.value)
    c = chosen.c
    values = (
        literal(mailing_id, sa.BigInteger()),
        c.person_id,
        c.address,
        c.envelope,
        c.address_key,
        sa.cast(c.ground, sa.String()),
        c.data,
        state,
        c.reason,
        literal(now, UtcTime()),
    )
    # In the order of `values`.
    names = "mailing_id person_id address envelope address_key ground data state skip_reason at"
    statement = insert(_D).from_select(names.split(), select(*values).order_by(c.person_id))
    return tx.execute(statement, execution_options={"preserve_rowcount": True}).rowcount


def enrol_each(tx: Tx, mailing_id: int, people: Sequence[Addressee], *, now: datetime) -> None:
    """Enter one row for each of `people`, in their order; whether they may be mailed is read again before the dot."""
    rows = [
        {
            "mailing_id": mailing_id,
            "person_id": who.person,
            "address": who.address,
            "envelope": who.envelope,
            "address_key": who.address_key,
            "ground": who.ground,
            "data": who.data,
            "state": _S.QUEUED,
            "at": now,
        }
        for who in people
    ]
    if rows:
        tx.execute(insert(_D), rows)


def forget_data(tx: Tx, mailing_id: int) -> None:
    """Empty what the letters of a mailing were merged with; only when nothing of it can be sent any more."""
    tx.execute(update(_D).where(_D.mailing_id == mailing_id).values(data=None))


def claim(tx: Tx, mailing_id: int, worker: str, *, limit: int, now: datetime) -> list[Claimed]:
    """Take up to `limit` queued rows of a mailing for `worker`, in the order they were enrolled."""
    values = {"of": mailing_id, "mine": worker, "now": now, "up_to": limit}
    if tx.dialect.name != "sqlite":
        return sorted(map(Claimed._make, _CLAIM.rows(tx, values)))
    # In three statements that SQLite does in one step each: its driver gives up Python's lock for every row that it
    # hands over, and a thread that shares the processor with a busy event loop waits long to get it back.
    chosen = {"ids": _FREE.rows(tx, values)[0][0]}
    _TAKE.change(tx, values | chosen)
    rows: list[list[Any]] = json.loads(_TAKEN.rows(tx, chosen)[0][0])
    for row in rows:
        row[-1] = row[-1] and datetime.fromisoformat(row[-1]).replace(tzinfo=UTC)  # as SQLite keeps a time
    return sorted(map(Claimed._make, rows))


def _free() -> sa.Select[int]:
    now = given("now", UtcTime())
    awake = or_(_D.next_try_at.is_(None), _D.next_try_at <= now)  # not parked (db/parking.py)
    queued = (_D.state == _S.QUEUED, _D.mailing_id == given("of", sa.BigInteger()), awake)
    return select(_D.id).where(*queued).order_by(_D.id).limit(given("up_to", sa.Integer()))


def _taking(chosen: ColumnElement[bool]) -> sa.Update:
    taken = update(_D).where(chosen, _D.state == _S.QUEUED)
    mine, now = given("mine", sa.String()), given("now", UtcTime())
    return taken.values(state=_S.CLAIMED, claim=mine, attempts=_D.attempts + 1, at=now)


def _claim_statement(_: str) -> sa.Executable:
    # A common table expression, because PostgreSQL may run a bare subquery again for each row and pass the limit.
    chosen = _free().with_for_update(skip_locked=True).cte("free")
    return _taking(_D.id.in_(select(chosen.c.id))).returning(*_CLAIMED)


_CLAIMED = (
    _D.id, _D.mailing_id, _D.person_id, _D.address, _D.envelope, func.coalesce(_D.data, ""), _D.attempts,
    _D.first_tried_at,
)  # fmt: skip
_CLAIM = Ready(_claim_statement)
_FREE = Ready(lambda _: select(func.json_group_array(_free().subquery("free").c.id)))
_TAKE = Ready(lambda dialect: _taking(among(dialect, _D.id, "ids")))
_TAKEN = Ready(
    lambda dialect: select(func.json_group_array(func.json_array(*_CLAIMED))).where(among(dialect, _D.id, "ids"))
)


def mark_at_risk(tx: Tx, deliveries: Sequence[int], worker: str, *, now: datetime) -> Marked:
    """Mark those rows at risk whose mailing is sending and who may still be mailed; return who passed.

    It is the fencing point and the last moment at which a no wins (D4): what is read here is read in the transaction
    that marks. Only after its commit may a dot leave.
    """
    chosen = ids(tx, deliveries)
    if tx.dialect.name != "sqlite":  # which has one writer: whoever would pause or cancel waits for us already
        _HOLD.rows(tx, {"ids": chosen})
    if _MARK.change(tx, {"ids": chosen, "mine": worker, "now": now}) == len(deliveries):
        return Marked(frozenset(deliveries), {}, frozenset(), frozenset())
    passed = frozenset([row[0] for row in _MARKED.rows(tx, {"ids": chosen, "mine": worker})])
    return _turn_away(tx, [one for one in deliveries if one not in passed], worker, passed, now)


def _hold_statement(dialect: str) -> sa.Executable:
    """Keep the states of the rows' mailings as they are until the transaction ends."""
    theirs = select(_D.mailing_id).where(among(dialect, _D.id, "ids"))
    return select(Mailing.id).where(Mailing.id.in_(theirs)).order_by(Mailing.id).with_for_update(read=True)


def _mark_statement(dialect: str) -> sa.Executable:
    sending = select(Mailing.id).where(Mailing.state == MailingState.SENDING)
    marked = update(_D).where(
        among(dialect, _D.id, "ids"),
        _D.state.in_(sources(_S.AT_RISK)),
        _D.claim == given("mine", sa.String()),
        _D.mailing_id.in_(sending),
        refusal_now().is_(None),
    )
    first = func.coalesce(_D.first_tried_at, given("now", UtcTime()))
    return marked.values(state=_S.AT_RISK, at=given("now", UtcTime()), first_tried_at=first)


def _marked_statement(dialect: str) -> sa.Executable:
    """Return which rows this worker holds at risk; whoever waits at a dot was not, before it was marked."""
    mine = (_D.state == _S.AT_RISK, _D.claim == given("mine", sa.String()))
    return select(_D.id).where(among(dialect, _D.id, "ids"), *mine)


# Asked only where somebody was turned away: with RETURNING, SQLite's driver gives up Python's lock for each row, and
# the thread of the books waits for it while the event loop is busy.
_HOLD = Ready(_hold_statement)
_MARK = Ready(_mark_statement)
_MARKED = Ready(_marked_statement)


def _turn_away(tx: Tx, deliveries: Sequence[int], worker: str, passed: frozenset[int], now: datetime) -> Marked:
    """Skip or give back the claimed rows that may not be marked, each with its reason."""
    query = select(_D.id, Mailing.state, refusal_now()).join(Mailing, Mailing.id == _D.mailing_id)
    mine = query.where(_D.id.in_(deliveries), _D.state == _S.CLAIMED, _D.claim == worker)
    refused: dict[int, SkipReason] = {}
    paused: set[int] = set()
    for delivery, state, reason in tx.execute(mine).all():
        if state is MailingState.CANCELLED:
            refused[delivery] = SkipReason.CANCELLED
        elif reason is not None:
            refused[delivery] = SkipReason(reason)
        else:
            paused.add(delivery)
    for why in set(refused.values()):
        skip(tx, [delivery for delivery, reason in refused.items() if reason is why], worker, why, now=now)
    give_back(tx, worker, sorted(paused), now=now)
    return Marked(passed, refused, frozenset(paused), frozenset(deliveries) - refused.keys() - paused)


def skip(tx: Tx, deliveries: Sequence[int], worker: str, reason: SkipReason, *, now: datetime) -> None:
    """Skip claimed rows of `worker`."""
    whose = (_D.id.in_(deliveries), _D.state == _S.CLAIMED, _D.claim == worker)
    tx.execute(update(_D).where(*whose).values(state=_S.SKIPPED, skip_reason=reason, claim=None, at=now))


def give_back(tx: Tx, worker: str, deliveries: Sequence[int], *, now: datetime) -> None:
    """Put claimed rows of `worker` back into the queue as if they had not been claimed."""
    if not deliveries:
        return
    whose = (_D.id.in_(deliveries), _D.state == _S.CLAIMED, _D.claim == worker)
    back = {"state": _S.QUEUED, "claim": None, "attempts": _D.attempts - 1, "at": now}
    tx.execute(update(_D).where(*whose).values(back))


def take_back(tx: Tx, worker: str, deliveries: Sequence[int], *, now: datetime) -> int:
    """Put rows whose dot surely never left back into the queue, marked or not; return how many."""
    whose = (_D.id.in_(deliveries), _D.state.in_((_S.CLAIMED, _S.AT_RISK)), _D.claim == worker)
    return tx.execute(update(_D).where(*whose).values(state=_S.QUEUED, claim=None, at=now)).rowcount


def give_all_back(tx: Tx, worker: str, *, now: datetime) -> int:
    """Put every row that `worker` has claimed and not tried back into the queue; return how many."""
    # Said twice: the second condition is spelled like the partial index over held rows, so that it serves.
    whose = (_D.claim == worker, _D.state == _S.CLAIMED, sa.text("state IN ('claimed', 'at_risk')"))
    back = {"state": _S.QUEUED, "claim": None, "attempts": _D.attempts - 1, "at": now}
    return tx.execute(update(_D).where(*whose).values(back)).rowcount


def record(tx: Tx, results: Sequence[Result], worker: str, *, now: datetime) -> None:
    """Write down what came of rows that `worker` holds.

    A row that meanwhile became `unknown`, because the worker was taken for dead, takes its late 250 as proof; any other
    late answer leaves it unknown. Both statements do nothing the second time, so a commit of unknown result may be
    repeated.
    """
    common: dict[str, Any] = {"mine": worker, "now": now}
    written = [(values | common | pairs(tx, "answers", rows)) for values, rows in _alike(results)]
    if sum([_RECORD.change(tx, values) for values in written]) == len(results):
        return
    for values in written:
        if values["to"] is _S.ACCEPTED:
            _PROOF.change(tx, values)


def _alike(results: Sequence[Result]) -> list[tuple[dict[str, Any], list[tuple[int, str]]]]:
    """Return what is to be written, and for which rows; those that were accepted are mostly alike but for the reply."""
    groups: list[tuple[dict[str, Any], list[tuple[int, str]]]] = []
    accepted: dict[tuple[str, int, str], list[tuple[int, str]]] = {}
    for result in results:
        outcome = result.outcome
        if result.state is _S.ACCEPTED:
            same = (outcome.relay, outcome.code, outcome.enhanced)
            if same not in accepted:
                accepted[same] = []
                groups.append((_values(result), accepted[same]))
            accepted[same].append((result.delivery, outcome.reply))
        else:
            groups.append((_values(result), [(result.delivery, outcome.reply)]))
    return groups


def _values(result: Result) -> dict[str, Any]:
    outcome = result.outcome
    return {
        "to": result.state,
        "why": result.skip_reason,
        "next": result.next_try_at,
        "relay_": outcome.relay,
        "stage_": outcome.stage.value,
        "code_": outcome.code,
        "enhanced_": outcome.enhanced,
        "keeps": result.state is _S.UNKNOWN,
    }


def _written(dialect: str, *held: ColumnElement[bool]) -> sa.Executable:
    """Return the statement that writes answers into those of their rows that are `held`."""
    answers = paired(dialect, "answers")
    mine = given("mine", sa.String())
    return (
        update(_D)
        .where(_D.id == answers.c.id, *held, _unplanned(dialect, "claim", sa.String()) == mine)
        .values(
            state=given("to", _D.state.type),
            skip_reason=given("why", _D.skip_reason.type),
            next_try_at=given("next", UtcTime()),
            at=given("now", UtcTime()),
            first_tried_at=func.coalesce(_D.first_tried_at, given("now", UtcTime())),
            relay=given("relay_", sa.String()),
            stage=given("stage_", sa.String()),
            code=given("code_", sa.Integer()),
            enhanced=given("enhanced_", sa.String()),
            reply=answers.c.text,
            # An unknown row remembers whose late answer would be its proof.
            claim=case((given("keeps", sa.Boolean()), mine), else_=null()),
        )
    )


def _unplanned(dialect: str, name: str, type_: sa.types.TypeEngine[Any]) -> ColumnElement[Any]:
    """Return a column that SQLite's planner does not look for an index for: the plus takes its thoughts off it.

    Without a plus it scans all rows of a mailing, or of a worker, where it has a way to a few of them.
    """
    column: ColumnElement[Any] = _D.__table__.c[name]
    return sa.literal_column(f"+{column}", type_) if dialect == "sqlite" else column


_RECORD = Ready(lambda dialect: _written(dialect, or_(_D.state == _S.CLAIMED, _D.state == _S.AT_RISK)))
_PROOF = Ready(lambda dialect: _written(dialect, _D.state == _S.UNKNOWN))


def wake_deferred(tx: Tx, mailing_ids: Sequence[int], *, now: datetime | None) -> int:
    """Queue the deferred rows whose time has come, or all of them when `now` is none; return how many."""
    chosen = {"of": ids(tx, mailing_ids)}
    return _WAKE_ALL.change(tx, chosen) if now is None else _WAKE.change(tx, chosen | {"now": now})


def _waking(dialect: str, *when: ColumnElement[bool]) -> sa.Executable:
    mailing = _unplanned(dialect, "mailing_id", sa.BigInteger())
    asleep = update(_D).where(_D.state == _S.DEFERRED, among(dialect, mailing, "of"), *when)
    return asleep.values(state=_S.QUEUED, next_try_at=null())


_WAKE_ALL = Ready(_waking)
_WAKE = Ready(
    lambda dialect: _waking(dialect, or_(_D.next_try_at.is_(None), _D.next_try_at <= given("now", UtcTime())))
)


def cancel_open(tx: Tx, mailing_id: int, *, now: datetime) -> int:
    """Skip every row of a mailing that is not at risk yet and not final; return how many."""
    still_open = (_D.mailing_id == mailing_id, _D.state.in_(sources(_S.SKIPPED)))
    values = {"state": _S.SKIPPED, "skip_reason": SkipReason.CANCELLED, "claim": None, "next_try_at": None, "at": now}
    return tx.execute(update(_D).where(*still_open).values(values)).rowcount


def settle(tx: Tx, deliveries: Sequence[int], new: DeliveryState, *, now: datetime) -> int:
    """Give unknown rows the state that a person, a proof or the policy decided; return how many."""
    unsettled = (_D.id.in_(deliveries), _D.state == _S.UNKNOWN, _D.state.in_(sources(new)))
    return tx.execute(update(_D).where(*unsettled).values(state=new, claim=None, at=now)).rowcount
