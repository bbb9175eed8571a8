"""Write to the Secretary about a mailing: that it was paused and why, and how it ended.

Both are notices in the ledger, on the ground of the office, and go out like any letter. No address of a reader stands
in them, for their text is kept; who was not reached is in the receipt. A society without a Secretary gets none.
"""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from balintmail.composing.compile import compile_letter
from balintmail.config import TransportKind
from balintmail.db import audit, lists, officers, people, receipts
from balintmail.db.ledger import Addressee
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.address import parse
from balintmail.domain.blame import without_addresses
from balintmail.domain.grounds import SKIP_WORDS
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import DeliveryState, Ground, MailingKind
from balintmail.domain.times import long_form
from balintmail.errors import BalintmailError
from balintmail.services import surroundings
from balintmail.services.context import Context
from balintmail.services.notice_letters import letter_of
from balintmail.services.one_off import Frozen, release_to

PAUSED, REPORT = "paused", "report"  # the folders of the templates
_S = DeliveryState
_MOST_REASONS = 5


def tell_of_pause(ctx: Context, tx: Tx, row: MailingRow, reason: str) -> MailingRow | None:
    """Put a notice to the Secretary into the ledger that a mailing is paused; return it, or None without one."""
    counts = receipts.counts(tx, row.id)
    facts = {
        "mailing.label": row.label,
        "mailing.name": row.title,
        "pause.reason": reason,
        "pause.accepted": f"{counts[_S.ACCEPTED]:,}",
        "pause.waiting": f"{counts[_S.QUEUED] + counts[_S.CLAIMED] + counts[_S.DEFERRED]:,}",
        "pause.at": long_form(ctx.clock.now(), ctx.settings.zone),
    }
    return _write(ctx, tx, (PAUSED, row), facts)


def report(ctx: Context, row: MailingRow) -> MailingRow | None:
    """Put the report of a mailing that has ended into the ledger; return it, or None where none is wanted.

    Wanted: `[send] report`, over smtp, for newsletters and journals to more than one person.
    """
    send = ctx.settings.send
    if not send.report or ctx.settings.transport is not TransportKind.SMTP or row.audience < 2:
        return None
    if row.kind not in {MailingKind.NEWSLETTER, MailingKind.JOURNAL} or row.finished_at is None:
        return None
    with ctx.db.write() as tx:
        return _write(ctx, tx, (REPORT, row), _end_of(ctx, tx, row, row.finished_at))


def _end_of(ctx: Context, tx: Tx, row: MailingRow, finished_at: datetime) -> dict[str, str]:
    """Return what the report says."""
    counts = receipts.counts(tx, row.id)
    skipped = receipts.skipped_by_reason(tx, row.id)
    missed = Counter(_words(one) for one in receipts.not_reached(tx, row.id))
    began = row.frozen_at or row.created_at
    return {
        "mailing.label": row.label,
        "mailing.name": row.title,
        "report.audience": f"{row.audience:,}",
        "report.accepted": f"{counts[_S.ACCEPTED]:,}",
        "report.refused": f"{counts[_S.REFUSED]:,}" if counts[_S.REFUSED] else "",
        "report.written_off": f"{counts[_S.WRITTEN_OFF]:,}" if counts[_S.WRITTEN_OFF] else "",
        "report.not_mailed": ", ".join(f"{number} {SKIP_WORDS[reason]}" for reason, number in skipped.items()),
        "report.reasons": "; ".join(f"{number} × {words}" for words, number in missed.most_common(_MOST_REASONS)),
        "report.began": long_form(began, ctx.settings.zone),
        "report.ended": long_form(finished_at, ctx.settings.zone),
        "report.took": _span(finished_at - began),
    }


def _write(ctx: Context, tx: Tx, what: tuple[str, MailingRow], facts: dict[str, str]) -> MailingRow | None:
    """Compile the notice and release it; None when there is no Secretary or no list to write in the name of."""
    template, about = what
    secretary = _secretary(tx)
    of = lists.by_id(tx, about.list_id) if about.list_id is not None else lists.default_list(tx)
    if secretary is None or of is None:
        return None
    try:
        letter = letter_of(surroundings.template_folders(ctx), template)
        around = surroundings.gather(ctx, tx, of, kind=MailingKind.NOTICE)
        around = replace(around, template=template, constants=(*around.constants, *facts.items()))
        compiled = compile_letter(letter, around)
    except BalintmailError as exc:  # a broken template of the instance must not stop the letters themselves
        detail = {"notice": template, "because": exc.message[:300]}
        audit.note_mailing(tx, about.id, "notice not written", actor="dispatch", now=ctx.clock.now(), detail=detail)
        return None
    title = f"{letter.title.partition('{{')[0].strip(' :')}: {about.label}"
    frozen = Frozen(of.id, MailingKind.NOTICE, title, letter.source, compiled.dump(), compiled.content_hash)
    return release_to(ctx, tx, frozen, [secretary])


def _secretary(tx: Tx) -> Addressee | None:
    found = officers.secretary(tx)
    if found is None:
        return None
    row, address = people.get(tx, found.person_id), parse(found.address)
    data = PersonData(found.name, row.first_name if row else "", (row.language if row else None) or "en")
    return Addressee(found.person_id, address.text, address.envelope, address.key, Ground.OFFICER, encode(data))


def _words(one: receipts.NotReached) -> str:
    code = f"{one.code} " if one.code else ""
    return f"{code}{without_addresses(one.reply) or one.state.value}"[:120]


def _span(took: timedelta) -> str:
    seconds = int(took.total_seconds())
    if seconds < 120:
        return f"{seconds} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours {minutes % 60} minutes"
