"""The Secretary decides who joins: by number, one or many, or by a mailed link that is bound to request and officer.

Approving puts the applicant on the list with their own words of consent; an address that never confirmed has to, first.
Declining tells them courteously, if their address is known to be theirs. It sends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from balintmail.db import audit, lists, officers, people, requests
from balintmail.db.requests import RequestRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.requests import Act, Held, after, vouched
from balintmail.domain.states import RequestState, Role
from balintmail.domain.tokens import Purpose, TokenClaims, read
from balintmail.errors import UsageRefused
from balintmail.services import caps, offers, request_mail
from balintmail.services.arrivals import Arrival, arrive, welcome
from balintmail.services.context import Context
from balintmail.services.hints import Hint, hints
from balintmail.services.lists import known
from balintmail.services.people import LARGEST_ID

LONGEST_REASON = 1000  # characters


class Result(StrEnum):
    """What became of one request."""

    APPROVED = "approved"
    DECLINED = "declined"
    WAITS = "waits"  # approved, and the address confirms first
    ALREADY = "already"  # decided before
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the Secretary says: `reason` is for the applicant, `note` for the record alone."""

    act: Act
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """One line of the answer; `said` says why it was refused, or what is worth knowing."""

    request: int
    result: Result
    address: str = ""
    name: str = ""
    person: int | None = None
    said: str = ""

    @property
    def mailed(self) -> bool:
        """Whether a mail may leave for it; nobody is told who never confirmed and is declined."""
        told = self.result is Result.DECLINED and not self.said
        return told or self.result in {Result.APPROVED, Result.WAITS}


class Way(StrEnum):
    """What the link in a mail to an officer leads to."""

    OPEN = "open"  # for the decision
    DECIDED = "decided"
    OLD = "old"  # expired, or taken back
    OTHER = "other"  # the officer has handed the office on
    UNKNOWN = "unknown"  # no link of ours


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What the page behind an officer's link shows of the requests of one form."""

    way: Way
    requests: tuple[RequestRow, ...] = ()
    lists: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    hints: tuple[Hint, ...] = ()
    latest: bool = False  # whether the latest newsletter goes with the welcome

    @property
    def first(self) -> RequestRow:
        return self.requests[0]


def decide(ctx: Context, ids: Sequence[int], decision: Decision) -> list[Decided]:
    """Decide these requests, in one transaction; return one result for each, in their order.

    Raises TextRefused for a reason or note that cannot be kept.
    """
    decision = _clean(decision)
    with ctx.db.write() as tx:
        people.lock(tx)
        return _decide_all(ctx, tx, list(dict.fromkeys(ids)), decision)


def view_decision(ctx: Context, token: str, *, language: str = "en") -> DecisionView:
    """Return what the page behind an officer's link shows; it changes nothing."""
    with ctx.db.read() as tx:
        way, rows = _of_token(ctx, tx, token)
        if not rows:
            return DecisionView(way)
        named = {each.id: each for each in lists.every(tx)}
        lists_of = [named[row.list_id] for row in rows if row.list_id in named]
        answers = [pair for row in rows for pair in offers.answered(named[row.list_id], row.answers, language)]
        hinted = dict.fromkeys(hint for row in rows for hint in hints(tx, row)) if way is Way.OPEN else {}
        return DecisionView(
            way,
            tuple(rows),
            tuple(each.name for each in lists_of),
            tuple(answers),
            tuple(hinted),
            any(each.sends_latest for each in lists_of),
        )


def decide_by_token(ctx: Context, token: str, decision: Decision) -> list[Decided]:
    """Decide what an officer's link names, in that officer's name; return [] when the link decides nothing more."""
    decision = _clean(decision)
    with ctx.db.write() as tx:
        people.lock(tx)
        return decide_in(ctx, tx, token, decision)


def decide_in(ctx: Context, tx: Tx, token: str, decision: Decision) -> list[Decided]:
    """Do what `decide_by_token` does, in a transaction that goes on; whoever calls it holds the register's lock."""
    decision = _clean(decision)
    way, rows = _of_token(ctx, tx, token)
    claims = _claims(ctx, token)
    if way is not Way.OPEN or claims is None:
        return []
    officer = people.get(tx, claims.person)
    acting = replace(ctx, actor=(officer.name if officer else "") or "the Secretary")
    return _decide_all(acting, tx, [row.id for row in rows if row.is_open], decision)


def standing_of(ctx: Context, tx: Tx, token: str) -> tuple[Way, list[RequestRow]]:
    """Return what an officer's token leads to now, and the requests that it is about."""
    return _of_token(ctx, tx, token)


def open_ids(ctx: Context, list_slug: str = "") -> list[int]:
    """Return the numbers of the confirmed requests that wait, of one list or of all, for a decision on all of them."""
    with ctx.db.read() as tx:
        wanted = known(tx, list_slug).id if list_slug else None
        return [row.id for row in requests.listed(tx, requests.Wanted((RequestState.CONFIRMED,), wanted))]


def _clean(decision: Decision) -> Decision:
    if decision.act not in {Act.APPROVE, Act.DECLINE}:
        raise UsageRefused("A request is approved or declined, nothing else.")
    reason = hygiene.paragraphs(decision.reason, what="the reason", longest=LONGEST_REASON)
    note = hygiene.paragraphs(decision.note, what="the note", longest=LONGEST_REASON)
    return replace(decision, reason=reason, note=note)


def _decide_all(ctx: Context, tx: Tx, ids: Sequence[int], decision: Decision) -> list[Decided]:
    arrivals: list[Arrival] = []
    results = []
    for number in ids:
        row = requests.get(tx, number) if 0 < number <= LARGEST_ID else None
        if row is None or not row.address_key:
            results.append(Decided(number, Result.REFUSED, said="there is no such request, or it has ended"))
        elif not row.is_open:
            same = row.state is after(RequestState.CONFIRMED, decision.act)
            results.append(_result(row, Result.ALREADY if same else Result.REFUSED, said=_already(ctx, row)))
        elif decision.act is Act.DECLINE:
            results.append(_decline(ctx, tx, row, decision))
        else:
            results.append(_approve(ctx, tx, row, decision, arrivals))
    welcome(ctx, tx, arrivals)
    return results


def _approve(ctx: Context, tx: Tx, row: RequestRow, decision: Decision, arrivals: list[Arrival]) -> Decided:
    said = {"decided_by": ctx.actor, "reason": decision.reason, "note": decision.note}
    confirmed = row.state is RequestState.CONFIRMED
    if not confirmed and not vouched(row.door) and row.why_held is not Held.NO_SITE:
        return _approve_before(ctx, tx, row, said)
    arrival = arrive(ctx, tx, row, said)
    if arrival.refused:
        return _result(row, Result.REFUSED, said=arrival.refused)
    arrivals.append(arrival)
    _note(ctx, tx, row, "request approved")
    request_mail.take_back(tx, row)
    remark = "" if arrival.new else "was on the list already"
    return _result(row, Result.APPROVED, person=arrival.person, said=remark)


def _approve_before(ctx: Context, tx: Tx, row: RequestRow, said: dict[str, str]) -> Decided:
    """Approve a request whose address has not confirmed: it does so first, and is asked to where it was not."""
    now, was_held = ctx.clock.now(), row.held
    requests.approve_before(tx, row, said, now=now)
    _note(ctx, tx, row, "request approved before its confirmation")
    if was_held:
        due_at, queued = caps.next_mail(ctx, tx, row.address_key)
        if not queued:
            caps.count_mail(ctx, tx, row.address_key, due_at)
        requests.renew(tx, [row.id], expires_at=due_at + ctx.settings.joining.confirm_within)
        request_mail.ask_to_confirm(ctx, tx, [row], due_at=due_at, page=str(row.evidence.get("page", "")))
        return _result(row, Result.WAITS, said="a confirmation goes to the address now; who confirms is on the list")
    return _result(row, Result.WAITS, said="the address has not confirmed yet; who confirms is on the list")


def _decline(ctx: Context, tx: Tx, row: RequestRow, decision: Decision) -> Decided:
    said = {"decided_by": ctx.actor, "reason": decision.reason, "note": decision.note}
    if not requests.decide(tx, row, Act.DECLINE, said, now=ctx.clock.now()):
        return _result(row, Result.ALREADY, said="decided at the same moment")
    _note(ctx, tx, row, "request declined")
    request_mail.take_back(tx, row)
    if row.state is not RequestState.CONFIRMED:
        return _result(row, Result.DECLINED, said="the address never confirmed, so nobody is written to")
    request_mail.declined(ctx, tx, row, decision.reason)
    return _result(row, Result.DECLINED)


def _already(ctx: Context, row: RequestRow) -> str:
    day = f" on {row.decided_at.astimezone(ctx.settings.zone).date()}" if row.decided_at else ""
    return f"{row.state.value}{day}" + (f" by {row.decided_by}" if row.decided_by else "")


def _result(row: RequestRow, result: Result, *, person: int | None = None, said: str = "") -> Decided:
    return Decided(row.id, result, row.email, row.name, person or row.person_id, said)


def _note(ctx: Context, tx: Tx, row: RequestRow, action: str) -> None:
    audit.note(tx, action, actor=ctx.actor, now=ctx.clock.now(), detail={"request": row.id})


def _claims(ctx: Context, token: str) -> TokenClaims | None:
    return read(token, Purpose.DECIDE, ctx.keyring.verifying)


def _of_token(ctx: Context, tx: Tx, token: str) -> tuple[Way, list[RequestRow]]:
    """Return what a link leads to, and the requests of its form that are shown."""
    claims = _claims(ctx, token)
    if claims is None:
        return Way.UNKNOWN, []
    first = requests.get(tx, claims.delivery)
    if first is None or request_mail.stamp(first) != claims.list or not first.address_key:
        return Way.OLD, []
    if Role.SECRETARY not in officers.roles(tx, claims.person):
        return Way.OTHER, []
    rows = requests.of_batch(tx, first.batch or first.id)
    now = ctx.clock.now()
    confirmed = [row for row in rows if row.state is RequestState.CONFIRMED]
    waits = [row for row in confirmed if row.expires_at is None or row.expires_at > now]
    if not waits and first.is_open and not first.approved_before and first.state is RequestState.PENDING:
        waits = [first]  # one that got no mail, and of which a digest told
    if waits:
        return Way.OPEN, waits
    decided = [row for row in rows if row.decided_at is not None]
    return (Way.DECIDED, decided) if decided else (Way.OLD, [])
