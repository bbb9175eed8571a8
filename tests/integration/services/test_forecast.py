"""When a mailing will be through, from limits, usage, hours and the last rate; and a rehearsal that leaves no trace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from balintmail.config import Relay, Send, Settings
from balintmail.db import ledger, mailings
from balintmail.db import limits as counts
from balintmail.db.audience import Selection
from balintmail.db.limits import Taken
from balintmail.db.mailings import NewMailing
from balintmail.domain.states import MailingKind, MailingState
from balintmail.sending.outlook import Load
from balintmail.services.context import Context
from balintmail.services.forecast import forecast, load_of, load_of_audience, remember_rate, spoken
from tests.support.register import a_list, a_person, on_list, readers


def with_settings(ctx: Context, send: Send | None = None, **relay: int) -> Context:
    main = Relay(host="localhost", **relay)  # type: ignore[arg-type]
    return replace(ctx, settings=Settings(send=send or Send(), relays={"main": main}))


def test_two_hundred_an_hour_takes_an_hour_and_a_bit_for_287(context: Context) -> None:
    now = context.clock.now()
    seen = forecast(with_settings(context, per_hour=200), ["main"], Load(287), now)
    assert seen.words == "200 an hour"
    assert seen.finish is not None
    assert timedelta(hours=1) <= seen.finish - now <= timedelta(hours=1, minutes=2)


def test_what_was_given_before_counts(context: Context) -> None:
    ctx = with_settings(context, per_hour=200)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        counts.add(tx, "main", [Taken("", 3600, int(now.timestamp() // 30) - 60, 200)])
    seen = forecast(ctx, ["main"], Load(100), now)
    assert seen.finish is not None
    assert timedelta(minutes=29) <= seen.finish - now <= timedelta(minutes=32)


def test_without_a_limit_or_a_rate_nothing_is_foretold(context: Context) -> None:
    ctx = with_settings(context)
    now = ctx.clock.now()
    assert forecast(ctx, ["main"], Load(1000), now).finish is None
    remember_rate(ctx, 10, 1.0)
    assert forecast(ctx, ["main"], Load(1000), now).finish is None
    remember_rate(ctx, 1000, 10.0)
    assert forecast(ctx, ["main"], Load(1000), now).finish == now + timedelta(seconds=10)


def test_hours_put_the_finish_off(context: Context) -> None:
    ctx = with_settings(context, Send(hours="08:00-10:00", weekdays="mon-fri"), per_hour=100)
    seen = forecast(ctx, ["main"], Load(450), ctx.clock.now())  # Saturday evening; four hours are needed
    assert seen.finish is not None
    assert seen.finish.date() in {datetime(2026, 11, 24, tzinfo=UTC).date(), datetime(2026, 11, 25, tzinfo=UTC).date()}
    assert "November 2026" in spoken(ctx, seen.finish)


def test_several_relays_share_the_work_and_their_rests_count(context: Context) -> None:
    relays = {name: Relay(host="localhost", per_hour=200) for name in ("main", "second")}
    ctx = replace(context, settings=Settings(send=Send(), relays=relays))
    now = ctx.clock.now()
    seen = forecast(ctx, ["main", "second"], Load(400), now)
    assert seen.finish == now
    with ctx.db.write() as tx:
        counts.rest(tx, "second", until=now + timedelta(minutes=30), reason="busy")
    later = forecast(ctx, ["main", "second"], Load(400), now).finish
    assert later is not None
    assert timedelta(minutes=30) <= later - now <= timedelta(minutes=31)


def test_domains_of_an_audience_and_of_what_is_left_are_counted_where_a_relay_minds_them(context: Context) -> None:
    with context.db.write() as tx:
        news = a_list(tx)
        readers(tx, news, 30)
        on_list(tx, a_person(tx, "ann@example.net"), news)
        new = NewMailing(news, MailingKind.NEWSLETTER, "News", "hash", MailingState.SENDING, number="84")
        mailing = mailings.add(tx, new, now=context.clock.now())
        ledger.enrol(tx, mailing, Selection(news, zone=context.settings.zone), now=context.clock.now())
    selection = Selection(news, zone=context.settings.zone)
    assert load_of_audience(context, selection, 31) == Load(31)
    minding = replace(context, settings=Settings(relays={"main": Relay(host="localhost", per_domain=10)}))
    both = {"example.org": 30, "example.net": 1}
    assert load_of_audience(minding, selection, 31) == Load(31, both)
    assert load_of(minding, mailing) == Load(31, both)
    seen = forecast(minding, ["main"], load_of(minding, mailing), context.clock.now())
    assert seen.finish is not None
    assert timedelta(hours=2) <= seen.finish - context.clock.now() <= timedelta(hours=2, minutes=5)


def test_warming_up_is_said(context: Context) -> None:
    seen = forecast(with_settings(context, warm_up=50, per_hour=200), ["main"], Load(100), context.clock.now())
    assert seen.words == "200 an hour, warming up: 50 today"
