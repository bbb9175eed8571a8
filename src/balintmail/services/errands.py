"""What time brings about besides mailings: pauses that end, requests that expire, reminders, links that ran out,
the gaps that an erasure on a page left in the database's file, messages that were kept long enough.

Dispatch runs them with every look, under its lock; each only reads unless something is due. It sends nothing.
"""

from balintmail.services import (
    answers,
    copies,
    correspondence,
    drafts,
    duties,
    erasure,
    fresh_links,
    leaving,
    members,
    order_errands,
    pages,
    paper_decisions,
    pdf_texts,
    probing,
    reading_links,
    reminders,
    request_errands,
    returns_alarm,
    rounds,
    search_index,
)
from balintmail.services.context import Context


def run(ctx: Context) -> None:
    """Do whatever is due."""
    members.tidy(ctx)
    reminders.remind(ctx)
    rounds.tidy(ctx)
    leaving.end_pauses(ctx)
    pages.note_changes(ctx)
    paper_decisions.chase(ctx)
    duties.remind(ctx)
    order_errands.tidy(ctx)
    probing.tidy(ctx)
    returns_alarm.tell(ctx)
    request_errands.tidy(ctx)
    copies.tidy(ctx)
    reading_links.tidy(ctx)
    answers.tidy(ctx)
    drafts.tidy(ctx)
    fresh_links.tidy(ctx)
    fresh_links.forget_sent(ctx)
    correspondence.forget_old(ctx)
    pdf_texts.glance(ctx)
    search_index.keep_in_step(ctx)
    erasure.sweep_if_due(ctx)
