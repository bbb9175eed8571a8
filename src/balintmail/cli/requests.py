"""`balintmail requests`: list, show, approve and decline requests to join.

It decides nothing by itself; services/decisions.py carries decisions out. The mails that follow leave with dispatch.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.output import Tone
from balintmail.domain.requests import HELD_WORDS, OPEN, Act
from balintmail.domain.returns import REASON_WORDS
from balintmail.domain.states import RequestState
from balintmail.errors import NotFound

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from balintmail.db.requests import RequestRow
    from balintmail.domain.returns import Reason
    from balintmail.services.context import Context
    from balintmail.services.decisions import Decided

_F = TypeVar("_F", bound=Callable[..., Any])
_DECISION = (
    click.argument("ids", metavar="ID...", nargs=-1, type=click.IntRange(1)),
    click.option("--all", "everyone", is_flag=True, help="All that are confirmed and wait, after a question."),
    click.option("--list", "list_slug", metavar="LIST", default="", help="With --all: those of one list."),
    click.option("--reason", metavar="TEXT", default="", help="Why; it is told to whoever is declined."),
    click.option("--note", metavar="TEXT", default="", help="A note for the record, which nobody else reads."),
    click.option("--yes", is_flag=True, help="With --all: ask nothing."),
)


def _decision_options(function: _F) -> _F:
    for option in reversed(_DECISION):
        function = option(function)
    return function


@click.group(cls=Group)
def requests() -> None:
    """List, show, approve and decline requests to join."""


@requests.command("list")
@click.option("--list", "list_slug", metavar="LIST", default="", help="Those of one list.")
@click.option("--state", type=click.Choice([each.value for each in RequestState]), help="Those in one state.")
@click.option("--all", "everything", is_flag=True, help="Decided ones, too.")
@pass_app
def list_requests(app: App, list_slug: str, state: str | None, everything: bool) -> None:
    """Show the requests that wait, the oldest first: those for you, and those that the address has to confirm."""
    from balintmail.db import lists as list_rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.db import requests as rows  # noqa: PLC0415
    from balintmail.db import returns, suppressions  # noqa: PLC0415
    from balintmail.domain.times import table_form  # noqa: PLC0415
    from balintmail.services.lists import known  # noqa: PLC0415

    states = (RequestState(state),) if state else () if everything else OPEN
    with app.context() as ctx:
        with ctx.db.read() as tx:
            wanted = rows.Wanted(states, known(tx, list_slug).id if list_slug else None)
            found = rows.listed(tx, wanted)
            slugs = {each.id: each.slug for each in list_rows.every(tx)}
            hashes = {row.id: ctx.keyring.address_hash(row.address_key) for row in found if row.is_open}
            barred = suppressions.among(tx, list(hashes.values()))
            back = returns.hard_ones(tx, [row.address_key for row in found if row.state is RequestState.PENDING])
        documents = [
            _document(ctx, row, slugs, is_barred=hashes.get(row.id) in barred) | _told_back(row, back) for row in found
        ]
    app.out.json(documents)
    if not found:
        app.out.line("No request waits. The form is at /join; see: balintmail lists snippet")
        return
    table = [
        (
            each["id"],
            table_form(row.created_at, ctx.settings.zone),
            each["name"],
            each["address"],
            each["list"],
            each["state"],
            each["waits_for"],
        )
        for row, each in zip(found, documents, strict=True)
    ]
    app.out.table(("request", "asked", "name", "address", "list", "state", "waits for"), table)


@requests.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@pass_app
def show(app: App, number: int) -> None:
    """Show one request: who asks, what they answered, and what is known of them."""
    from balintmail.db import lists as list_rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.db import requests as rows  # noqa: PLC0415
    from balintmail.db import returns, suppressions  # noqa: PLC0415
    from balintmail.domain.times import rfc3339  # noqa: PLC0415
    from balintmail.services import offers  # noqa: PLC0415
    from balintmail.services.hints import hints  # noqa: PLC0415

    with app.context() as ctx:
        with ctx.db.read() as tx:
            row = rows.get(tx, number) if number < 1 << 63 else None
            if row is None or not row.address_key:
                raise NotFound(f"There is no request {number}.", hint="See: balintmail requests list --all")
            every = {each.id: each for each in list_rows.every(tx)}
            answers = offers.answered(every[row.list_id], row.answers, "en")
            known = hints(tx, row) if row.is_open else []
            barred = suppressions.of_hash(tx, ctx.keyring.address_hash(row.address_key)) if row.is_open else None
            back = returns.hard_ones(tx, [row.address_key]) if row.state is RequestState.PENDING else {}
        zone = ctx.settings.zone
        slugs = {each.id: each.slug for each in every.values()}
        document = (
            _document(ctx, row, slugs, is_barred=barred is not None)
            | _told_back(row, back)
            | {
                "suppressed": barred.reason.value if barred is not None else None,
                "words": row.words,
                "how": row.how,
                "by": row.actor,
                "evidence": dict(row.evidence),
                "answers": [{"question": question, "answer": answer} for question, answer in answers],
                "hints": [
                    {
                        "kind": hint.kind.value,
                        "person": hint.person,
                        "name": hint.text,
                        "address": hint.address,
                        "at": rfc3339(hint.at, zone) if hint.at else None,
                        "reason": hint.reason,
                    }
                    for hint in known
                ],
            }
        )
    app.out.json(document)
    _describe(app, row, document, zone)


@requests.command()
@_decision_options
@pass_app
def approve(app: App, /, ids: tuple[int, ...], **given: Any) -> int:
    """Approve requests, by number or all that wait: the applicants are on the list, and are welcomed.

    An address that has not confirmed is asked to, first. Exit status 1 when one cannot be approved.
    """
    return _decide(app, Act.APPROVE, ids, given)


@requests.command()
@_decision_options
@pass_app
def decline(app: App, /, ids: tuple[int, ...], **given: Any) -> int:
    """Decline requests, by number or all that wait: a courteous mail tells the applicants, with --reason.

    Nobody is written to whose address was never confirmed.
    """
    return _decide(app, Act.DECLINE, ids, given)


def _decide(app: App, act: Act, ids: Sequence[int], given: dict[str, Any]) -> int:
    from balintmail.cli.output import NotConfirmed  # noqa: PLC0415  (loaded already)
    from balintmail.services import decisions  # noqa: PLC0415  (loads SQLAlchemy)

    if bool(ids) == given["everyone"]:
        raise click.UsageError("Name requests by number, or say --all" + (", not both." if ids else "."))
    if given["list_slug"] and not given["everyone"]:
        raise click.UsageError("--list goes with --all.")
    with app.context() as ctx:
        chosen = list(ids) or decisions.open_ids(ctx, given["list_slug"])
        if given["everyone"] and chosen and not given["yes"]:
            verb = "Approve" if act is Act.APPROVE else "Decline"
            if not app.out.confirm(f"{verb} all {len(chosen)} requests?"):
                raise NotConfirmed("Nothing was decided.", hint="Off a terminal, add --yes.")
        done = decisions.decide(ctx, chosen, decisions.Decision(act, given["reason"], given["note"]))
    return _answer(app, done)


def _answer(app: App, done: Sequence["Decided"]) -> int:
    from balintmail.services.decisions import Result  # noqa: PLC0415  (loaded already)

    app.out.json(
        [
            {
                "id": each.request,
                "address": each.address,
                "person": each.person,
                "result": each.result.value,
                "reason": each.said,
            }
            for each in done
        ]
    )
    for each in done:
        who = f"  {each.name or each.address}".rstrip()
        said = f": {each.said}" if each.said else ""
        tone = Tone.STOP if each.result is Result.REFUSED else Tone.PLAIN
        app.out.line(f"{each.request}{who}  {each.result.value}{said}", tone)
    if not done:
        app.out.line("No request waits for a decision.")
    if any(each.mailed for each in done):
        app.out.line("The mails leave with the next look of dispatch.", Tone.MUTED)
    return 1 if any(each.result is Result.REFUSED for each in done) else 0


def _document(ctx: "Context", row: "RequestRow", slugs: dict[int, str], *, is_barred: bool = False) -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415  (loaded already)

    zone = ctx.settings.zone

    def moment(value: Any) -> str | None:
        return rfc3339(value, zone) if value is not None else None

    return {
        "id": row.id,
        "list": slugs.get(row.list_id, ""),
        "name": row.name,
        "address": row.email,
        "language": row.language,
        "state": row.state.value,
        "waits_for": _waits_for(row, is_barred=is_barred),
        "held": row.held,
        "asked_at": moment(row.created_at),
        "confirmed_at": moment(row.confirmed_at),
        "expires_at": moment(row.expires_at),
        "decided_at": moment(row.decided_at),
        "decided_by": row.decided_by,
        "person": row.person_id,
        "reason": row.reason,
        "note": row.note,
    }


def _told_back(row: "RequestRow", back: "dict[str, tuple[datetime, Reason]]") -> dict[str, str]:
    """Return for whom a request waits whose confirmation came back: nobody reads at the address as it was typed."""
    at, reason = back.get(row.address_key, (None, None))
    if row.state is not RequestState.PENDING or reason is None or at is None or at < row.created_at:
        return {}
    return {"waits_for": f"you (our mail to it came back: {REASON_WORDS[reason]})"}


def _waits_for(row: "RequestRow", *, is_barred: bool) -> str:
    if not row.is_open:
        return ""
    if is_barred:
        return "you (the address is suppressed: no mail goes to it)"
    if row.state is RequestState.CONFIRMED:
        return "you"
    if row.held:
        return f"you ({HELD_WORDS[row.why_held]})"
    return "the address to confirm" + (", approved already" if row.approved_before else "")


def _describe(app: App, row: "RequestRow", document: dict[str, Any], zone: "ZoneInfo") -> None:
    from balintmail.domain.times import long_form  # noqa: PLC0415  (loaded already)

    def moment(value: "datetime | None") -> str:
        return long_form(value, zone) if value is not None else ""

    app.out.line(f"Request {document['id']}, {document['name'] or 'no name'} <{document['address']}>")
    facts = [
        ("list", document["list"]),
        ("state", document["state"]),
        ("waits for", document["waits_for"]),
        ("asked", moment(row.created_at)),
        ("confirmed", moment(row.confirmed_at)),
        ("ends", moment(row.expires_at)),
        ("agreed to", f'"{document["words"]}"'),
        *((each["question"], each["answer"]) for each in document["answers"]),
        ("decided", " ".join(filter(None, (moment(row.decided_at), row.decided_by)))),
        ("reason", document["reason"]),
        ("note", document["note"]),
    ]
    app.out.table(("", ""), [(f"  {name}", value) for name, value in facts if value])
    for hint in document["hints"]:
        day = f", {hint['at'][:10]}" if hint["at"] else ""
        number = f" (person {hint['person']})" if hint["person"] else ""
        why = f': "{hint["reason"]}"' if hint["reason"] else ""
        app.out.line(
            f"  known: {hint['kind'].replace('_', ' ')}, {hint['name']}, {hint['address']}{number}{day}{why}", Tone.WARN
        )
    if document["suppressed"] == "erased":
        app.out.line("Whoever had this address was erased at their own wish: it stays unmailable.", Tone.WARN)
    elif document["suppressed"]:
        lift = f"balintmail suppress remove {document['address']}"
        app.out.line(f"Nothing is mailed to this address until: {lift}", Tone.WARN)
    if document["waits_for"].startswith("you"):
        app.out.line(f"Decide: balintmail requests approve {document['id']}, or decline {document['id']} --reason TEXT")
