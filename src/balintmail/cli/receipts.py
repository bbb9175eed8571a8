"""How a mailing is told: the JSON document of the contract, the lines for people, the exit status.

Shared by `send`, `mailings` and `dispatch`; it decides nothing but words.
"""

from typing import Any
from zoneinfo import ZoneInfo

from balintmail.cli.output import Output, Tone
from balintmail.config import Settings, UnknownPolicy
from balintmail.domain.grounds import SKIP_WORDS
from balintmail.domain.states import DeliveryState, MailingState
from balintmail.domain.times import clock_time, long_form, rfc3339
from balintmail.services.mailings import Receipt

REFUSED, UNFINISHED, CANCELLED = 3, 4, 1  # exit statuses (docs/cli.md)
_S = DeliveryState


def document(receipt: Receipt, zone: ZoneInfo) -> dict[str, Any]:
    """Return the JSON document of `send` and `mailings show`."""
    row = receipt.mailing
    return {
        "id": row.id,
        "list": row.list,
        "number": row.number,
        "kind": row.kind.value,
        "title": row.title,
        "state": row.state.value,
        "state_reason": row.state_reason,
        "content_hash": row.content_hash,
        "again_of": row.again_of,
        "released_by": row.released_by,
        "start_at": rfc3339(row.start_at, zone) if row.start_at else None,
        "frozen_at": rfc3339(row.frozen_at, zone) if row.frozen_at else None,
        "finished_at": rfc3339(row.finished_at, zone) if row.finished_at else None,
        "audience": row.audience,
        "counts": {state.value: receipt.counts[state] for state in DeliveryState},
        "came_back": {"bounced": receipt.came_back.bounced, "complained": receipt.came_back.complained},
        "skipped_by_reason": {reason.value: number for reason, number in receipt.skipped.items()},
        "not_reached": [
            {
                "person": one.person,
                "address": one.address,
                "state": one.state.value,
                "code": one.code,
                "enhanced": one.enhanced,
                "reply": one.reply,
                "at": rfc3339(one.at, zone),
                "relay": one.relay,
                "stage": one.stage,
                "next_try_at": rfc3339(one.next_try_at, zone) if one.next_try_at else None,
                "message_id": receipt.message_ids.get(one.delivery),
            }
            for one in receipt.not_reached
        ],
    }


def exit_status(receipt: Receipt) -> int:
    """Return 0, 3 or 4 as the contract says, and 1 for a mailing that was cancelled or taken back."""
    if receipt.open:
        return UNFINISHED
    if receipt.mailing.state is MailingState.SCHEDULED:
        return UNFINISHED
    if receipt.mailing.state in {MailingState.CANCELLED, MailingState.DRAFT}:
        return CANCELLED
    return REFUSED if receipt.turned_down else 0


def show(out: Output, receipt: Receipt, zone: ZoneInfo, *, expected: str = "") -> None:
    """Print the whole receipt; `expected` is about when a mailing that is being sent will be through."""
    row = receipt.mailing
    out.line(f'{row.label}  "{row.title}"')
    out.line()
    facts = [("state", _state(receipt)), ("kind", row.kind.value), ("audience", people(row.audience))]
    facts += [(state.value.replace("_", " "), str(number)) for state, number in receipt.counts.items() if number]
    if receipt.skipped:
        facts.append(("not mailed", skipped_words(receipt)))
    later = (("came back", receipt.came_back.bounced), ("complained", receipt.came_back.complained))
    facts += [(name, f"{number:,}") for name, number in later if number]
    facts += [("released by", row.released_by), ("content", row.content_hash[:16])]
    begins = None if row.state is MailingState.DRAFT else row.start_at  # what was taken back has no beginning
    moments = (("begins", begins), ("frozen", row.frozen_at), ("finished", row.finished_at))
    facts += [(name, long_form(at, zone)) for name, at in moments if at]
    facts.append(("expected", expected))
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        if value:
            out.line(f"  {name:<{width}}  {value}")
    tell_not_reached(out, receipt, zone)


def _state(receipt: Receipt) -> str:
    row = receipt.mailing
    return f"{row.state.value} ({row.state_reason})" if row.state_reason else row.state.value


def tell_result(out: Output, receipt: Receipt, settings: Settings) -> None:
    """Print how a run ended, as look.md shows it."""
    counts, zone = receipt.counts, settings.zone
    parts = [f"Sent to {counts[_S.ACCEPTED]}."]
    if counts[_S.DEFERRED]:
        times = [one.next_try_at for one in receipt.not_reached if one.next_try_at is not None]
        when = f", next try {clock_time(min(times), zone)}" if times else ""
        parts.append(f"Deferred {counts[_S.DEFERRED]}{when}.")
    waiting = counts[_S.QUEUED] + counts[_S.CLAIMED] + counts[_S.AT_RISK]
    if waiting:
        parts.append(f"Waiting {waiting}.")
    for state, word in ((_S.UNKNOWN, "Unknown"), (_S.WRITTEN_OFF, "Written off"), (_S.REFUSED, "Refused")):
        if counts[state]:
            parts.append(f"{word} {counts[state]}.")
    if receipt.skipped:
        parts.append(f"Not mailed: {skipped_words(receipt)}.")
    out.line(" ".join(parts))
    tell_not_reached(out, receipt, zone)
    if counts[_S.UNKNOWN]:
        then = "They are not mailed again by themselves."
        if settings.send.unknown is UnknownPolicy.RESEND:
            then = 'The next dispatch mails them again, three times at the most: [send] unknown = "resend".'
        out.line(f"Unknown: the message may have been taken, and no answer came. {then}")
        out.line(f"Decide: balintmail mailings settle {receipt.mailing.label} --accepted | --resend | --write-off")
    out.line(f"Receipt: balintmail mailings show {receipt.mailing.label}")


def tell_not_reached(out: Output, receipt: Receipt, zone: ZoneInfo) -> None:
    """Print whoever was not reached with the relay's words."""
    for one in receipt.not_reached:
        code = f"{one.code} " if one.code else ""
        words = one.reply if not one.enhanced or one.reply.startswith(one.enhanced) else f"{one.enhanced} {one.reply}"
        said = f"{code}{words}".strip() or f"no answer ({one.stage or 'unknown stage'})"
        tone = Tone.WARN if one.state in {_S.DEFERRED, _S.UNKNOWN} else Tone.STOP
        who = one.address or f"person {one.person}"
        out.line(f"  {who}   {one.state.value.replace('_', ' ')}, {clock_time(one.at, zone)}: {said}", tone)
        if one.delivery in receipt.message_ids:
            out.line(f"    relay {one.relay or 'unknown'}, Message-ID {receipt.message_ids[one.delivery]}", Tone.MUTED)


def skipped_words(receipt: Receipt) -> str:
    """Return `9 paused, 3 bounced`."""
    return ", ".join(f"{number} {SKIP_WORDS[reason]}" for reason, number in receipt.skipped.items())


def people(number: int) -> str:
    """Return `1 person`, `301 people`."""
    return "1 person" if number == 1 else f"{number:,} people"
