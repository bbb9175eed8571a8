"""When a mailing will be through, from limits, usage, hours and the last rate; and a rehearsal that leaves no trace."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from balintmail.config import Relay, Send, Settings
from balintmail.db import limits as counts
from balintmail.db.limits import Taken
from balintmail.services.context import Context
from balintmail.services.forecast import forecast, remember_rate, spoken


def with_settings(ctx: Context, send: Send | None = None, **relay: int) -> Context:
    main = Relay(host="localhost", **relay)  # type: ignore[arg-type]
    return replace(ctx, settings=Settings(send=send or Send(), relays={"main": main}))


def test_two_hundred_an_hour_takes_an_hour_and_a_bit_for_287(context: Context) -> None:
    now = context.clock.now()
    seen = forecast(with_settings(context, per_hour=200), ["main"], 287, now)
    assert seen.words == "200 an hour"
    assert seen.finish is not None
    assert timedelta(hours=1) <= seen.finish - now <= timedelta(hours=1, minutes=2)


def test_what_was_given_before_counts(context: Context) -> None:
    ctx = with_settings(context, per_hour=200)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        counts.add(tx, "main", [Taken("", 3600, int(now.timestamp() // 30) - 60, 200)])
    seen = forecast(ctx, ["main"], 100, now)
    assert seen.finish is not None
    assert timedelta(minutes=29) <= seen.finish - now <= timedelta(minutes=32)


def test_without_a_limit_or_a_rate_nothing_is_foretold(context: Context) -> None:
    ctx = with_settings(context)
    now = ctx.clock.now()
    assert forecast(ctx, ["main"], 1000, now).finish is None
    remember_rate(ctx, 10, 1.0)
    assert forecast(ctx, ["main"], 1000, now).finish is None
    remember_rate(ctx, 1000, 10.0)
    assert forecast(ctx, ["main"], 1000, now).finish == now + timedelta(seconds=10)


def test_hours_put_the_finish_off(context: Context) -> None:
    ctx = with_settings(context, Send(hours="08:00-10:00", weekdays="mon-fri"), per_hour=100)
    seen = forecast(ctx, ["main"], 450, ctx.clock.now())  # Saturday evening; four hours are needed
    assert seen.finish is not None
    assert seen.finish.date() in {datetime(2026, 11, 24, tzinfo=UTC).date(), datetime(2026, 11, 25, tzinfo=UTC).date()}
    assert "November 2026" in spoken(ctx, seen.finish)
