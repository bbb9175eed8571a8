"""Take a request to join, whichever door it came through, and its confirmation by whoever reads the mailbox.

A page that calls `ask` writes the same rows whether or not the address is known, and looks nothing up in the register:
that is done when the address confirms. What happens when is domain/requests.py; the Secretary's part is
services/decisions.py, and what time brings about services/request_errands.py. It sends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from balintmail.config import Telling
from balintmail.db import audit, lists, people, requests, suppressions
from balintmail.db.requests import RequestRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain.requests import Door, Held, after_confirming, needs_confirmation
from balintmail.domain.states import Policy, RequestState
from balintmail.domain.tokens import Purpose, read
from balintmail.services import answers, caps, request_mail
from balintmail.services.applications import Application, Checked, checked
from balintmail.services.arrivals import Arrival, arrive, welcome
from balintmail.services.caps import Admission
from balintmail.services.context import Context
from balintmail.services.hints import Hint, hints
from balintmail.services.offers import Wording

APPLICANT = "the applicant"  # who acted, where it was nobody with an office
BY_POLICY = "the list's policy"  # who decided, where no person had to


class Standing(StrEnum):
    """What whoever follows a link of a confirmation meets."""

    WAITS = "waits"  # for the button
    JOINED = "joined"
    ASKED = "asked"  # the Secretary decides
    DECLINED = "declined"
    OLD = "old"  # expired, or nothing is known of it any more
    UNKNOWN = "unknown"  # no link of ours


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the page behind a confirmation's link may show: names of lists, the moment it was asked, until when."""

    standing: Standing
    joined: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    asked_at: datetime | None = None
    expires_at: datetime | None = None
    email: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class _Entered:
    """The requests of one form; `added` are the numbers of those that were not open before."""

    rows: Sequence[RequestRow]
    added: frozenset[int]


def ask(ctx: Context, application: Application) -> list[int]:
    """Take a form; return the numbers of its requests, none where nothing was kept.

    Raises ApplicationRefused, by field, before anything is written. What it returns is never for the visitor, to whom
    every answer is the same.
    """
    clean = checked(application)
    with ctx.db.write() as tx:
        return take(ctx, tx, application, clean)


def take(ctx: Context, tx: Tx, application: Application, clean: Checked) -> list[int]:
    """Take a form that was checked; return the numbers of its requests, none where nothing was kept."""
    admission = _admit(ctx, tx, application, clean)
    if not admission.kept:
        return []
    held, now = admission.held, ctx.clock.now()
    if not held and not ctx.settings.society.url and not answers.possible(ctx):
        held = Held.NO_SITE
    # A mail's From is anybody's word, so an open list asks whoever wrote one like any other list does.
    open_to_all = all(not needs_confirmation(one.list.policy, known=False) for one in clean.offers)
    if not held and open_to_all and application.door is not Door.MAIL and admission.due_at <= now:
        held = Held.TURN
        caps.count_mail(ctx, tx, clean.address.key, now)
    entered = _enter(ctx, tx, application, clean, held)
    if entered.rows and not held:
        _let_confirm(ctx, tx, entered, admission, application.page)
    return [row.id for row in entered.rows]


def view(ctx: Context, token: str) -> Confirmation:
    """Return what the page behind a confirmation's link shows; it changes nothing."""
    with ctx.db.read() as tx:
        return _shown(ctx, tx, token, _of_token(ctx, tx, token))


def confirm(ctx: Context, token: str) -> Confirmation:
    """Confirm the requests that a link names, and do what the lists' policies say next; return what to show.

    A second time, or when the link is too old, it changes nothing.
    """
    with ctx.db.read() as tx:
        rows = [row for row in _of_token(ctx, tx, token) or [] if row.state is RequestState.PENDING]
        known = {row.id: hints(tx, row) for row in rows}  # a look at all names, before the register is held
    if rows:
        with ctx.db.write() as tx:
            people.lock(tx)
            fresh = [row for row in _of_token(ctx, tx, token) or [] if row.state is RequestState.PENDING]
            _confirm_all(ctx, tx, fresh, [hint for row in fresh for hint in known.get(row.id, [])])
    return view(ctx, token)


def confirm_in(ctx: Context, tx: Tx, token: str) -> Confirmation:
    """Do what `confirm` does, in a transaction that is open already."""
    rows = [row for row in _of_token(ctx, tx, token) or [] if row.state is RequestState.PENDING]
    if rows:
        known = [hint for row in rows for hint in hints(tx, row)]
        people.lock(tx)
        _confirm_all(ctx, tx, rows, known)
    return _shown(ctx, tx, token, _of_token(ctx, tx, token))


def take_turns(ctx: Context) -> int:
    """Take what was asked of open lists: at once where nobody has the address, else by its confirmation.

    Called after the page has answered, and by dispatch for what a crash left.
    """
    with ctx.db.read() as tx:
        if not requests.any_turn(tx):
            return 0
    with ctx.db.write() as tx:
        people.lock(tx)
        rows, arrivals = requests.turns(tx), []
        for batch in dict.fromkeys(row.batch or row.id for row in rows):
            mine = [row for row in rows if (row.batch or row.id) == batch]
            if _known(ctx, tx, mine[0]):
                now = ctx.clock.now()
                requests.renew(tx, [row.id for row in mine], expires_at=now + ctx.settings.joining.confirm_within)
                page = str(mine[0].evidence.get("page", ""))
                request_mail.ask_to_confirm(ctx, tx, mine, due_at=now, page=page)
                continue
            arrivals += [arrive(ctx, tx, row, {"decided_by": BY_POLICY}) for row in mine]
        welcome(ctx, tx, arrivals)
    return len(rows)


def _enter(ctx: Context, tx: Tx, application: Application, clean: Checked, held: Held) -> "_Entered":
    """Write the requests of one form; those that are open already stay as they are."""
    now, limits, address = ctx.clock.now(), ctx.settings.joining, clean.address
    waits = held not in {Held.NOTHING, Held.TURN}
    found: list[RequestRow] = []
    added: set[int] = set()
    batch: int | None = None
    for offer in clean.offers:
        row = RequestRow(
            id=0,
            list_id=offer.list.id,
            email=address.text,
            envelope=address.envelope,
            address_key=address.key,
            name=clean.name,
            language=clean.language,
            words=offer.wording.words,
            how=application.door.value,
            actor=ctx.actor if application.door is Door.COMMAND else APPLICANT,
            state=RequestState.PENDING,
            created_at=now,
            batch=batch,
            answers=dict(clean.answers.get(offer.list.id, {})),
            evidence=_evidence(ctx, application, offer.wording),
            held=held.value,
            expires_at=now + (limits.decide_within if waits else limits.confirm_within),
        )
        number = requests.add(tx, row)
        if number is None:
            found += [one for one in requests.waiting(tx, offer.list.id, address.key) if one.name == clean.name]
            continue
        if batch is None:
            batch = number
            requests.into_batch(tx, number, number)
        added.add(number)
        found.append(replace(row, id=number, batch=batch))
        audit.note(tx, "join requested", actor=row.actor, now=now, detail={"list": offer.list.slug, "request": number})
    return _Entered(found, frozenset(added))


def _admit(ctx: Context, tx: Tx, application: Application, clean: Checked) -> Admission:
    """Ask the caps; somebody with an office who types a request in is bound by the address's day alone."""
    if application.door is Door.COMMAND:
        due_at, queued = caps.next_mail(ctx, tx, clean.address.key)
        return Admission(Held.NOTHING, due_at, queued)
    found = caps.admit(ctx, tx, clean.address.key, application.network, suspicion=clean.suspicion)
    if application.not_before is not None and found.due_at < application.not_before:
        return replace(found, due_at=application.not_before)
    return found


def _let_confirm(ctx: Context, tx: Tx, entered: "_Entered", admission: Admission, page: str) -> None:
    """Put the address's confirmation of the day into the queue, unless an earlier one stands for this form too."""
    waiting = _one_form(tx, entered.rows)
    later = admission.due_at > ctx.clock.now()
    covered = any(row.id not in entered.added for row in waiting)
    if not later or covered or not admission.queued:
        until = admission.due_at + ctx.settings.joining.confirm_within
        requests.renew(tx, [row.id for row in waiting], expires_at=until)
    if later and covered is not admission.queued:  # mailed today already, or another form's mail waits for tomorrow
        return
    if not admission.queued:
        caps.count_mail(ctx, tx, waiting[0].address_key, admission.due_at)
    request_mail.ask_to_confirm(ctx, tx, waiting, due_at=admission.due_at, page=page)


def _one_form(tx: Tx, rows: Sequence[RequestRow]) -> list[RequestRow]:
    """Return all that waits for this address under this name as one form, so that one mail's link confirms it all."""
    first = rows[0]
    waiting = [
        one
        for one in requests.open_of_address(tx, first.address_key)
        if one.state is RequestState.PENDING and one.name == first.name and one.why_held in {Held.NOTHING, Held.TURN}
    ]
    if not waiting:
        return list(rows)
    batch = waiting[0].batch or waiting[0].id
    for one in waiting:
        requests.into_batch(tx, one.id, batch)
    return [replace(one, batch=batch) for one in waiting]


def _evidence(ctx: Context, application: Application, wording: Wording) -> dict[str, str | int]:
    found: dict[str, str | int] = {"page": application.page, "form": application.form, "wording": wording.version}
    if wording.language:
        found["wording_language"] = wording.language
    if application.network and ctx.settings.joining.keep_network:
        found["network"] = application.network
    return found


def _of_token(ctx: Context, tx: Tx, token: str) -> list[RequestRow] | None:
    """Return the requests that a confirmation's link names, [] when they are gone, None when it is no link of ours."""
    claims = read(token, Purpose.CONFIRM, ctx.keyring.verifying)
    if claims is None:
        return None
    first = requests.get(tx, claims.delivery)
    if first is None or request_mail.stamp(first) != claims.list or not first.address_key:
        return []
    return requests.of_batch(tx, first.batch or first.id)


def _shown(ctx: Context, tx: Tx, token: str, rows: list[RequestRow] | None) -> Confirmation:
    if rows is None:
        return Confirmation(Standing.UNKNOWN)
    now = ctx.clock.now()
    named = {each.id: each.name for each in lists.every(tx)}
    living = [row for row in rows if not (row.is_open and row.expires_at is not None and row.expires_at <= now)]

    def names_in(state: RequestState) -> tuple[str, ...]:
        return tuple(named.get(row.list_id, "") for row in living if row.state is state)

    waits, asked = names_in(RequestState.PENDING), names_in(RequestState.CONFIRMED)
    joined = names_in(RequestState.APPROVED)
    for standing, found in ((Standing.WAITS, waits), (Standing.JOINED, joined), (Standing.ASKED, asked)):
        if found:
            first = living[0]
            return Confirmation(
                standing, joined, asked, waits, first.created_at, first.expires_at, first.email, first.language or ""
            )
    return Confirmation(Standing.DECLINED if names_in(RequestState.DECLINED) else Standing.OLD)


def _confirm_all(ctx: Context, tx: Tx, rows: Sequence[RequestRow], known: Sequence[Hint]) -> None:
    now, limits = ctx.clock.now(), ctx.settings.joining
    arrivals: list[Arrival] = []
    asked: list[RequestRow] = []
    for row in rows:
        of = lists.by_id(tx, row.list_id)
        expired = row.expires_at is not None and row.expires_at <= now
        if of is None or expired or not requests.confirm(tx, row, expires_at=now + limits.decide_within, now=now):
            continue
        audit.note(tx, "request confirmed", actor=row.actor, now=now, detail={"list": of.slug, "request": row.id})
        confirmed = replace(
            row, state=RequestState.CONFIRMED, confirmed_at=now, held="", expires_at=now + limits.decide_within
        )
        policy = of.policy if of.archived_at is None else Policy.CLOSED
        arrival = None
        if after_confirming(policy, approved_before=row.approved_before) is RequestState.APPROVED:
            decision = {"decided_by": row.decided_by or BY_POLICY, "note": row.note, "reason": row.reason}
            arrival = arrive(ctx, tx, confirmed, decision)
        if arrival is not None and not arrival.refused:
            arrivals.append(arrival)
        else:
            asked.append(confirmed)
    welcome(ctx, tx, arrivals)
    if asked:
        _ask_secretary(ctx, tx, asked, known)


def _ask_secretary(ctx: Context, tx: Tx, rows: Sequence[RequestRow], known: Sequence[Hint]) -> None:
    """Tell the applicant that the Secretary decides, and the Secretary, at once or with the next digest."""
    request_mail.received(ctx, tx, rows)
    each = ctx.settings.joining.tell is Telling.EACH
    if each and request_mail.tell_secretary(ctx, tx, rows, list(dict.fromkeys(known))):
        requests.told(tx, [row.id for row in rows], now=ctx.clock.now())


def _known(ctx: Context, tx: Tx, row: RequestRow) -> bool:
    """Say whether somebody on the register has the address, or it must not be mailed."""
    address = parsing.parse(row.email)
    held = suppressions.of_address(tx, ctx.keyring.address_hash(address.key), address.domain)
    return bool(people.at_address(tx, address.key)) or held is not None
