"""iCalendar as RFC 5545 asks for it: escaped, folded, no line that a title could add."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.icalendar import Event, feed

AT = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)


def lines(*events: Event) -> list[str]:
    text = feed("The Society", "-//x//y//EN", events).decode()
    return text.replace("\r\n ", "").split("\r\n")


def test_event_lasts_the_whole_day_and_is_escaped() -> None:
    found = lines(Event("duty-1@x", date(2026, 12, 31), "Dues; cards, post\\box", "One\nTwo", AT))
    assert "DTSTART;VALUE=DATE:20261231" in found
    assert "DTEND;VALUE=DATE:20270101" in found
    assert "SUMMARY:Dues\\; cards\\, post\\\\box" in found
    assert "DESCRIPTION:One\\nTwo" in found
    assert "DTSTAMP:20261121T180400Z" in found
    assert (found[0], found[-2:]) == ("BEGIN:VCALENDAR", ["END:VCALENDAR", ""])


def test_title_adds_no_line_A1() -> None:
    found = lines(Event("x", AT.date(), "a\r\nBEGIN:VEVENT\rEND:VEVENT\x0b\x85", "", AT))
    assert found.count("BEGIN:VEVENT") == 1
    assert found.count("END:VEVENT") == 1


@given(st.text(max_size=300))
def test_no_line_is_longer_than_75_octets_and_no_character_is_torn(title: str) -> None:
    title = title.encode("utf-8", "ignore").decode()
    raw = feed(title, "p", [Event("x", AT.date(), title, title, AT)])
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    raw.decode()
    assert raw.count(b"BEGIN:VEVENT\r\n") == 1
