"""Act on what officers write: a plain reply decides a request, and a newsletter that was mailed in becomes a draft.

A reply counts by the token in the address that it goes to, or by our Message-ID that it answers (services/answers.py);
its From proves nothing. What is not plainly a yes or a no decides nothing, and the officer is asked again. The result
is mailed back. Drafts: services/drafts.py; nothing of them is sent from here.
"""

from dataclasses import replace
from datetime import timedelta

from balintmail.db import copies as copy_rows
from balintmail.db import lists, officers, people, throttles
from balintmail.db.copies import CopyRow
from balintmail.db.requests import RequestRow
from balintmail.db.session import Tx
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.inbox import WAITS, Done, Inbound, Proof
from balintmail.domain.notices import Fact
from balintmail.domain.officers_words import Verdict, verdict
from balintmail.domain.requests import Act
from balintmail.domain.returns import Kind
from balintmail.domain.states import CopyState, Ground, InboundState, RequestState, Role
from balintmail.domain.tokens import Purpose, TokenClaims, read
from balintmail.errors import BalintmailError
from balintmail.receiving.event import Event
from balintmail.services import answers, copy_answers, copy_requests, decisions, drafts, notices
from balintmail.services.context import Context
from balintmail.services.decisions import Decision, Result, Way
from balintmail.services.notices import Waiting

MOST_A_DAY = 5  # answers to what one officer writes about one request; a machine would write more
_DAY = timedelta(days=1)
_SAID = {
    "approved": "approved by mail",
    "waits": "approved by mail; the address confirms first",
    "declined": "declined by mail",
    "sent": "copy sent by mail",
    "refused": "could not be carried out",
    "already": "decided before",
    "unclear": "neither a yes nor a no: asked again",
}


def concerns(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> bool:
    """Say whether a message is an officer's answer or draft; what a machine wrote in their name is neither."""
    if event.robot or event.kind not in {Kind.LETTER, Kind.COMMAND}:
        return False
    return bool(_asked(ctx, tx, event, proof)) or drafts.concerns(ctx, tx, message, event)


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Carry out a decision, or keep a draft."""
    if drafts.concerns(ctx, tx, message, event):  # also where it was begun as an answer to an old letter of ours
        return drafts.keep(ctx, tx, message, event)
    token = _asked(ctx, tx, event, proof)
    for purpose, decide in ((Purpose.DECIDE, _join), (Purpose.COPY, _copy)):
        claims = read(token, purpose, ctx.keyring.verifying)
        if claims is not None:
            return decide(ctx, tx, token, claims, verdict(event.text))
    return WAITS


def _asked(ctx: Context, tx: Tx, event: Event, proof: Proof) -> str:
    """Return the token of the decision that a message answers, "" for none."""
    token = answers.meant(ctx, tx, proof, event.sender)
    decides = (read(token, purpose, ctx.keyring.verifying) for purpose in (Purpose.DECIDE, Purpose.COPY))
    return token if any(claims is not None for claims in decides) else ""


def _join(ctx: Context, tx: Tx, token: str, claims: TokenClaims, said: Verdict | None) -> Done:
    """Decide a request to join."""
    people.lock(tx)
    way, rows = decisions.standing_of(ctx, tx, token)
    if way in {Way.OTHER, Way.UNKNOWN}:
        return replace(WAITS, remark="an answer about a request, from somebody who does not hold the office any more")
    if not rows:
        return Done(InboundState.DONE, "an answer about a request that has ended")
    result, remark = _decided_join(ctx, tx, token, way, said)
    _, after = decisions.standing_of(ctx, tx, token)
    first = next(iter(after), rows[0])
    named = {one.id: one.name for one in lists.every(tx)}
    facts: dict[str, Fact] = {
        "about": "join",
        "what": [named[row.list_id] for row in rows if row.list_id in named],
        "applicant": first.name or first.email,
        "result": result,
        "before": _before(first) if result == "already" else "",
        "decided_at": first.decided_at or ctx.clock.now(),
        "reason": (said.reason if said else "") if result == "declined" else "",
        "note": (said.note if said else "") if result == "declined" else "",
        "remark": remark,
        "told": result == "declined" and rows[0].state is RequestState.CONFIRMED,
        "command": f"requests show {first.id}",
    }
    _tell(ctx, tx, claims, token, facts)
    return Done(InboundState.DONE, f"request {first.id}: {_SAID[result]}", first.person_id or 0)


def _decided_join(ctx: Context, tx: Tx, token: str, way: Way, said: Verdict | None) -> tuple[str, str]:
    """Return what became of a request, and why nothing did."""
    if way is not Way.OPEN:
        return "already", ""
    if said is None:
        return "unclear", ""
    try:
        done = decisions.decide_in(ctx, tx, token, Decision(said.act, said.reason, said.note))
    except TextRefused:
        return "unclear", ""
    refused = [one.said for one in done if one.result is Result.REFUSED]
    if refused:
        return "refused", refused[0].rstrip(".")
    if any(one.result is Result.WAITS for one in done):
        return "waits", ""
    return ("approved" if said.act is Act.APPROVE else "declined"), ""


def _copy(ctx: Context, tx: Tx, token: str, claims: TokenClaims, said: Verdict | None) -> Done:
    """Decide a request for a copy."""
    row = copy_requests.of_token(ctx, tx, token, Purpose.COPY)
    if Role.SECRETARY not in officers.roles(tx, claims.person):
        return replace(WAITS, remark="an answer about a copy, from somebody who does not hold the office any more")
    if row is None or not row.email:
        return Done(InboundState.DONE, "an answer about a copy that nobody waits for any more")
    result, remark = _decided_copy(ctx, tx, row, claims, said)
    after = copy_rows.get(tx, row.id) or row
    facts: dict[str, Fact] = {
        "about": "copy",
        "what": [row.wanted],
        "applicant": row.name or row.email,
        "result": result,
        "before": _before(after) if result == "already" else "",
        "decided_at": after.decided_at or ctx.clock.now(),
        "reason": (said.reason if said else "") if result == "declined" else "",
        "note": (said.note if said else "") if result == "declined" else "",
        "remark": remark,
        "told": result == "declined" and row.state is not CopyState.PENDING,
        "command": f"copies show {row.id}",
    }
    _tell(ctx, tx, claims, token, facts)
    return Done(InboundState.DONE, f"request {row.id} for a copy: {_SAID[result]}", row.person_id or 0)


def _decided_copy(ctx: Context, tx: Tx, row: CopyRow, claims: TokenClaims, said: Verdict | None) -> tuple[str, str]:
    if not row.is_open:
        return "already", ""
    if said is None:
        return "unclear", ""
    officer = people.get(tx, claims.person)
    by = (officer.name if officer else "") or "the Secretary"
    try:
        if said.act is Act.APPROVE:
            copy_answers.send(ctx, tx, row.id, by=by)
            return "sent", ""
        copy_answers.decline(ctx, tx, row.id, by=by, reason=said.reason, note=said.note)
    except TextRefused:
        return "unclear", ""
    except BalintmailError as exc:
        return "refused", exc.message.rstrip(".")
    return "declined", ""


def _before(row: RequestRow | CopyRow) -> str:
    """Return what was decided before: `yes`, `no` or `over`."""
    if row.state in {RequestState.APPROVED, CopyState.ANSWERED} or getattr(row, "approved_before", False):
        return "yes"
    return "no" if row.state in {RequestState.DECLINED, CopyState.DECLINED} else "over"


def _tell(ctx: Context, tx: Tx, claims: TokenClaims, token: str, facts: dict[str, Fact]) -> None:
    """Mail the officer what was done; they may answer that mail as they may answer the first.

    After so many about one request in a day nothing more is said: two machines would go on for ever (S9, H26).
    """
    key = ctx.keyring.address_hash(f"\nofficer {claims.purpose.value} {claims.delivery} {claims.list}")
    to, now = notices.to_person(tx, claims.person), ctx.clock.now()
    if to is None or throttles.taken(tx, key, _DAY, now=now) >= MOST_A_DAY:
        return
    throttles.add(tx, key, now=now)
    answer = token if facts["result"] in {"unclear", "refused"} else ""
    notices.put(ctx, tx, Waiting(template="decided", to=to, ground=Ground.OFFICER, facts=facts, answer=answer))
