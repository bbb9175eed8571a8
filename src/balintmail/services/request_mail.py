"""The mails round a join request, put into the queue: to the applicant, and to the Secretary.

Nothing that a visitor typed stands in the first mail, which goes to an address that nobody has confirmed (S46). It
decides nothing and sends nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from balintmail.db import lists, requests
from balintmail.db import notices as queue
from balintmail.db.requests import RequestRow
from balintmail.db.session import Tx
from balintmail.domain import names
from balintmail.domain.address import parse
from balintmail.domain.notices import Fact, Plain
from balintmail.domain.requests import HELD_WORDS, confirmations
from balintmail.domain.states import Ground, RequestState
from balintmail.domain.tokens import Purpose, TokenClaims, make
from balintmail.services import answers, notices, offers
from balintmail.services.context import Context
from balintmail.services.hints import Hint
from balintmail.services.notices import To, Waiting

MOST_LISTED = 50  # requests in one digest or reminder
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(row: RequestRow) -> int:
    """Return what tells a request from a later one that is given the number of a deleted one."""
    return (row.created_at - _EPOCH) // timedelta(microseconds=1)


def confirm_url(ctx: Context, row: RequestRow) -> str:
    """Return the link that confirms the requests of one form."""
    return f"{ctx.settings.society.url}/confirm/{confirm_token(ctx, row)}"


def confirm_token(ctx: Context, row: RequestRow) -> str:
    """Return the token that confirms the requests of one form."""
    return make(TokenClaims(Purpose.CONFIRM, list=stamp(row), delivery=row.id), ctx.keyring.tokens)


def decide_url(ctx: Context, row: RequestRow, officer: int) -> str:
    """Return the link with which one officer decides the requests of one form, and nobody else any other."""
    return f"{ctx.settings.society.url}/decide/{decide_token(ctx, row, officer)}"


def decide_token(ctx: Context, row: RequestRow, officer: int) -> str:
    """Return the token with which one officer decides the requests of one form."""
    claims = TokenClaims(Purpose.DECIDE, person=officer, list=stamp(row), delivery=row.id)
    return make(claims, ctx.keyring.tokens)


def ask_to_confirm(ctx: Context, tx: Tx, rows: Sequence[RequestRow], *, due_at: datetime, page: str) -> None:
    """Let one confirmation wait for the requests of one form; a later one to the same address takes its place."""
    first = rows[0]
    now, later = confirmations(first.address_key)
    key = later if due_at > ctx.clock.now() else now
    queue.withdraw(tx, [later])  # one that waited for its day, and would leave beside this one
    facts: dict[str, Fact] = {
        "lists": _list_names(tx, rows),
        "confirm_url": confirm_url(ctx, first) if ctx.settings.society.url else "",
        "asked_at": first.created_at,
        "expires_at": due_at + ctx.settings.joining.confirm_within,
        "page": page,
        "reply": answers.possible(ctx),
    }
    _to_applicant(ctx, tx, "confirm", rows, facts, key=key, due_at=due_at, answer=confirm_token(ctx, first))


def take_back(tx: Tx, row: RequestRow) -> None:
    """Withdraw a confirmation that has not left yet, when nothing of the address is left to be confirmed."""
    if not any(one.state is RequestState.PENDING for one in requests.open_of_address(tx, row.address_key)):
        queue.withdraw(tx, confirmations(row.address_key))


def received(ctx: Context, tx: Tx, rows: Sequence[RequestRow]) -> None:
    """Tell an applicant whose address is confirmed that the Secretary decides."""
    facts: dict[str, Fact] = {"lists": _list_names(tx, rows), "asked_at": rows[0].created_at}
    _to_applicant(ctx, tx, "request_received", rows, facts)


def declined(ctx: Context, tx: Tx, row: RequestRow, reason: str) -> None:
    """Tell an applicant, courteously, that it was declined."""
    facts: dict[str, Fact] = {"lists": _list_names(tx, [row]), "asked_at": row.created_at, "reason": reason}
    _to_applicant(ctx, tx, "declined", [row], facts)


def tell_secretary(ctx: Context, tx: Tx, rows: Sequence[RequestRow], known: Sequence[Hint]) -> bool:
    """Put a request to the Secretary, with answers and hints; False where there is none who could read it."""
    to = notices.to_secretary(tx)
    if to is None or to.person is None:
        return False
    first = rows[0]
    url = decide_url(ctx, first, to.person) if ctx.settings.society.url else ""
    told = [pair for row in rows for pair in _answers(tx, row, to.language)]
    facts: dict[str, Fact] = {
        "number": str(first.id),
        "applicant": first.name or first.email,
        "address": first.email,
        "lists": _list_names(tx, rows),
        "language": first.language or "",
        "asked_at": first.created_at,
        "expires_at": first.expires_at or first.created_at,
        "held": "automatic" if first.held else "",
        "answers": [{"question": question, "answer": answer} for question, answer in told],
        "hints": [_hint(one) for one in known],
        "approve_url": f"{url}/approve" if url else "",
        "decline_url": f"{url}/decline" if url else "",
        "reply": answers.possible(ctx),
    }
    key, answer = f"request {first.batch or first.id}", decide_token(ctx, first, to.person)
    waiting = Waiting(template="request", to=to, ground=Ground.OFFICER, facts=facts, key=key, answer=answer)
    notices.put(ctx, tx, waiting)
    return True


def list_waiting(ctx: Context, tx: Tx, template: str, rows: Sequence[RequestRow]) -> bool:
    """Put the digest or the reminder of what waits to the Secretary; False where there is none who could read it."""
    to = notices.to_secretary(tx)
    if to is None or to.person is None:
        return False
    named = {each.id: each.name for each in lists.every(tx)}
    shown: list[dict[str, Plain]] = [
        {
            "applicant": f"{row.name or row.email}{_held(row)}",
            "lists": named.get(row.list_id, ""),
            "asked_at": row.created_at,
            "expires_at": row.expires_at or row.created_at,
            "url": decide_url(ctx, row, to.person) if ctx.settings.society.url else "",
        }
        for row in rows[:MOST_LISTED]
    ]
    facts: dict[str, Fact] = {"count": len(rows), "requests": shown}
    notices.put(ctx, tx, Waiting(template=template, to=to, ground=Ground.OFFICER, facts=facts, key=template))
    return True


def _to_applicant(
    ctx: Context, tx: Tx, template: str, rows: Sequence[RequestRow], facts: dict[str, Fact], **how: object
) -> None:
    first = rows[0]
    to = To(
        address=parse(first.email),
        name=first.name,
        first_name=names.first_name(first.name, first.language),
        language=first.language or "",
    )
    waiting = Waiting(template=template, to=to, ground=Ground.REQUESTED, list_id=first.list_id, facts=facts, **how)  # type: ignore[arg-type]
    notices.put(ctx, tx, waiting)


def _list_names(tx: Tx, rows: Sequence[RequestRow]) -> list[str]:
    named = {each.id: each.name for each in lists.every(tx)}
    return [named[row.list_id] for row in rows if row.list_id in named]


def _answers(tx: Tx, row: RequestRow, language: str) -> list[tuple[str, str]]:
    found = lists.by_id(tx, row.list_id)
    return offers.answered(found, row.answers, language) if found else []


def _held(row: RequestRow) -> str:
    return f" ({HELD_WORDS[row.why_held]})" if row.held else ""


def _hint(one: Hint) -> dict[str, Plain]:
    text = one.text if one.address in {"", one.text} else f"{one.text}, {one.address}".strip(", ")
    return {"kind": one.kind.value, "text": text, "at": one.at or one.reason}
