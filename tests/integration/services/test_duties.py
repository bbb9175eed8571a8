"""The society's year: each reminder once, late ones once more, drafts begun, the feed at its secret address."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from balintmail.db.models import Notice
from balintmail.domain.facts import from_stored
from balintmail.domain.hygiene import TextRefused
from balintmail.errors import Conflict, NotFound
from balintmail.services import duties, errands
from balintmail.services.context import Context
from balintmail.services.duties import Said
from balintmail.services.erasure import erase
from tests.support import society

POSTING = Said(title="Posting of the Journal", first_on=date(2026, 12, 1), lead_days=7, remark="Labels first.")


@pytest.fixture
def ctx(context: Context) -> Context:
    settings = context.settings.model_copy(
        update={"society": context.settings.society.model_copy(update={"url": "https://balint.example.org"})}
    )
    ctx = replace(context, settings=settings)
    society.found(ctx)
    return ctx


def reminders(ctx: Context) -> list[dict[str, Any]]:
    """Return the reminders that wait, and take them away."""
    with ctx.db.write() as tx:
        found = [from_stored(facts) for facts in tx.scalars(sa.select(Notice.facts).where(Notice.template == "duty"))]
        tx.execute(sa.delete(Notice))
    return found


def forward(ctx: Context, days: int) -> None:
    ctx.clock.forward(timedelta(days=days))  # type: ignore[attr-defined]


def test_reminder_comes_once_in_time_and_once_when_the_day_is_over(ctx: Context) -> None:
    number = duties.add(ctx, POSTING).id
    errands.run(ctx)
    assert reminders(ctx) == []  # ten days before
    forward(ctx, 3)
    errands.run(ctx)
    errands.run(ctx)
    (told,) = reminders(ctx)
    assert (told["number"], told["title"], told["on_day"], told["late"]) == (
        number, "Posting of the Journal", date(2026, 12, 1), False,
    )  # fmt: skip
    forward(ctx, 7)
    errands.run(ctx)
    assert reminders(ctx) == []  # the day itself is not over
    forward(ctx, 1)
    errands.run(ctx)
    errands.run(ctx)
    assert [one["late"] for one in reminders(ctx)] == [True]
    forward(ctx, 30)
    errands.run(ctx)
    assert reminders(ctx) == []


def test_what_is_done_is_not_told_of_and_comes_again_next_year(ctx: Context) -> None:
    number = duties.add(ctx, POSTING).id
    found = duties.done(ctx, number, remark="All posted")
    assert (found.day, found.known.remark if found.known else "") == (date(2026, 12, 1), "All posted")
    with pytest.raises(Conflict, match="done already"):
        duties.done(ctx, number, day=date(2026, 12, 1))
    forward(ctx, 20)
    errands.run(ctx)
    assert reminders(ctx) == []
    assert [one.day for one in duties.upcoming(ctx, 400)] == [date(2027, 12, 1)]
    forward(ctx, 350)
    errands.run(ctx)
    assert [one["on_day"] for one in reminders(ctx)] == [date(2027, 12, 1)]


def test_done_means_the_late_day_before_the_next_one(ctx: Context) -> None:
    number = duties.add(ctx, replace(POSTING, months=1)).id
    forward(ctx, 15)
    assert duties.done(ctx, number).day == date(2026, 12, 1)
    assert duties.done(ctx, number).day == date(2027, 1, 1)
    with pytest.raises(Conflict, match="does not fall on"):
        duties.done(ctx, number, day=date(2027, 1, 2))


def test_days_before_a_duty_was_entered_are_none_of_its(ctx: Context) -> None:
    duties.add(ctx, replace(POSTING, first_on=date(2026, 11, 1), months=1))
    errands.run(ctx)
    assert reminders(ctx) == []
    assert [one.day for one in duties.upcoming(ctx, 20)] == [date(2026, 12, 1)]


def test_newsletter_is_begun_with_its_reminder_and_never_over_a_file(ctx: Context) -> None:
    duties.add(ctx, replace(POSTING, title="Newsletter", list="newsletter", months=1))
    (ctx.folder / "newsletter-2027-01-01.md").write_text("mine")
    forward(ctx, 4)
    errands.run(ctx)
    (told,) = reminders(ctx)
    assert told["draft"] == "newsletter-2026-12-01.md"
    assert (ctx.folder / "newsletter-2026-12-01.md").read_text("utf-8").startswith("---\n")
    duties.done(ctx, told["number"])
    forward(ctx, 31)
    errands.run(ctx)
    assert [one["draft"] for one in reminders(ctx)] == ["newsletter-2027-01-01.md"]
    assert (ctx.folder / "newsletter-2027-01-01.md").read_text() == "mine"


def test_ended_duty_comes_no_more(ctx: Context) -> None:
    number = duties.add(ctx, POSTING).id
    duties.end(ctx, number)
    forward(ctx, 30)
    errands.run(ctx)
    assert reminders(ctx) == []
    with pytest.raises(Conflict):
        duties.end(ctx, number)


def test_day_is_that_of_the_societys_zone_at_the_turn_of_the_year_in_auckland(ctx: Context) -> None:
    settings = ctx.settings.model_copy(
        update={"society": ctx.settings.society.model_copy(update={"timezone": "Pacific/Auckland"})}
    )
    there = replace(ctx, settings=settings)
    duties.add(there, replace(POSTING, first_on=date(2027, 1, 1), lead_days=0))
    midnight = datetime(2027, 1, 1, tzinfo=ZoneInfo("Pacific/Auckland"))
    there.clock.moment = midnight - timedelta(minutes=1)  # type: ignore[attr-defined]
    errands.run(there)
    assert reminders(there) == []
    there.clock.moment = midnight  # type: ignore[attr-defined]
    errands.run(there)
    assert len(reminders(there)) == 1


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"title": " "}, Conflict),
        ({"title": "a\nb"}, TextRefused),
        ({"remark": "x" * 2001}, TextRefused),
        ({"first_on": date(9999, 12, 31)}, Conflict),
        ({"first_on": date(1, 1, 1)}, Conflict),
        ({"months": -1}, Conflict),
        ({"months": 121}, Conflict),
        ({"lead_days": -1}, Conflict),
        ({"list": "nothing"}, NotFound),
    ],
)
def test_what_cannot_be_a_duty_is_refused(ctx: Context, changed: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        duties.add(ctx, replace(POSTING, **changed))
    assert duties.upcoming(ctx) == []


def test_usual_year_is_entered_once(ctx: Context) -> None:
    assert len(duties.add_usual(ctx)) == 6
    assert duties.add_usual(ctx) == []
    assert [one.day for one in duties.upcoming(ctx, 60)] == [date(2026, 12, 1), date(2027, 1, 1)]


def test_feed_shows_the_year_at_a_secret_address_that_can_be_renewed(ctx: Context) -> None:
    number = duties.add(ctx, POSTING).id
    token = duties.address(ctx).removeprefix("https://balint.example.org/calendar/").removesuffix(".ics")
    first = duties.feed(ctx, token)
    assert first is not None
    assert b"SUMMARY:Posting of the Journal\r\nDESCRIPTION:Labels first." in first
    assert first.count(b"BEGIN:VEVENT") == 2
    duties.done(ctx, number)
    assert "SUMMARY:✓ Posting".encode() in (duties.feed(ctx, token) or b"")
    again = duties.address(ctx, renew=True).rpartition("/")[2].removesuffix(".ics")
    assert duties.feed(ctx, token) is None
    assert duties.feed(ctx, again) is not None
    for wrong in ("", again[:-1], again + "a", "x" * 100):
        assert duties.feed(ctx, wrong) is None


def test_without_a_site_there_is_no_feed(ctx: Context) -> None:
    siteless = ctx.settings.society.model_copy(update={"url": ""})
    with pytest.raises(Conflict, match="no public address"):
        duties.address(replace(ctx, settings=ctx.settings.model_copy(update={"society": siteless})))


def test_erasure_takes_names_out_of_remarks_S45(ctx: Context) -> None:
    with ctx.db.write() as tx:
        person = society.enter(ctx, tx, "Zsuzsanna Példányi", "zsuzsa@example.org")
    number = duties.add(ctx, replace(POSTING, remark="Ask zsuzsa@example.org")).id
    duties.done(ctx, number, remark="zsuzsa@example.org did it")
    erase(ctx, person)
    (found,) = duties.falls(ctx, date(2026, 12, 1), date(2026, 12, 1))
    assert "zsuzsa" not in found.duty.remark
    assert found.known is not None
    assert "zsuzsa" not in found.known.remark
