"""The instance itself: sending, cron, what waits, the clock; each right once and wrong once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from balintmail.config import Send, UnknownPolicy
from balintmail.ops.doctor import house
from balintmail.ops.doctor.finding import Finding
from balintmail.ops.doctor.house import Beat, Times

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.level.value) for one in found]


def test_sending_is_on_or_off_P7() -> None:
    assert told(house.sending(None)) == [("sending", "good")]
    assert told(house.sending("the database is older than its journal")) == [("sending_blocked", "stop")]


def test_sandbox_that_was_left_on_warns_and_names_no_address() -> None:
    assert told(house.sandbox(Send())) == []
    assert told(house.sandbox(Send(dry=True))) == [("sandbox", "warn")]
    (found,) = house.sandbox(Send(redirect_all_to="tester@example.org"))
    assert found.level.value == "warn"
    assert "@" not in found.message + found.hint


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("beat", "level"),
    [
        (Beat(ago(0.5), working=False, due=False), "good"),
        (Beat(ago(5), working=False, due=True), "good"),
        (Beat(None, working=True, due=True), "good"),
        (Beat(ago(6), working=False, due=False), "warn"),
        (Beat(None, working=False, due=False), "warn"),
        (Beat(ago(6), working=False, due=True), "stop"),
    ],
)
def test_cron_is_seen_in_the_last_minutes_or_missed(beat: Beat, level: str) -> None:
    assert told(house.cron(beat, now=NOW, zone=LONDON)) == [("cron", level)]


def test_system_mails_that_cannot_be_written_are_told_without_an_address() -> None:
    assert house.system_mails("") == []
    (found,) = house.system_mails("confirm: there is nobody at office@example.org.")
    assert (found.code, found.level.value) == ("system_mails", "stop")
    assert "@" not in found.message


def test_what_waits_for_the_secretary_P3() -> None:
    assert told(house.waiting(0, [], UnknownPolicy.HOLD)) == [("waiting", "good")]
    assert told(house.waiting(2, [], UnknownPolicy.HOLD)) == [("unknown", "warn")]
    assert told(house.waiting(2, [], UnknownPolicy.RESEND)) == [("unknown", "note")]
    (paused,) = house.waiting(0, [("newsletter/84", "550 refused for reader@example.org.")], UnknownPolicy.HOLD)
    assert (paused.code, paused.level.value) == ("paused", "warn")
    assert paused.message == "newsletter/84 is paused: 550 refused for (address)."


@pytest.mark.parametrize(
    ("last_run", "of_database", "is_kept", "level"),
    [
        (NOW - timedelta(days=1), NOW, True, "good"),
        (NOW + timedelta(minutes=10), None, True, "good"),
        (NOW + timedelta(minutes=11), None, True, "stop"),
        (None, NOW + timedelta(seconds=30), True, "good"),
        (None, NOW - timedelta(seconds=31), True, "warn"),
        (None, None, False, "warn"),
        (None, None, None, "note"),
    ],
)
def test_clock_is_held_against_the_last_run_the_database_and_the_kernel_J1(
    last_run: datetime | None, of_database: datetime | None, is_kept: bool | None, level: str
) -> None:
    assert told(house.clock(Times(NOW, last_run, of_database), is_kept=is_kept, zone=LONDON)) == [("clock", level)]


def test_kernel_is_asked_without_changing_anything() -> None:
    assert house.clock_is_kept() in {True, False, None}
