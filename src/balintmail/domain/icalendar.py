"""Write whole-day events as an iCalendar file (RFC 5545) that calendar programs subscribe to.

Pure. Lines end in CRLF and are folded at 75 octets, never inside a character; texts are escaped, so that no title can
add a line.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

WIDEST = 75  # octets of a line, its break not counted (section 3.1)
_ESCAPED = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"}


@dataclass(frozen=True, slots=True)
class Event:
    """One event on one whole day; `uid` stays the same as long as it is the same event."""

    uid: str
    day: date
    title: str
    text: str
    changed_at: datetime


def feed(name: str, product: str, events: Iterable[Event]) -> bytes:
    """Return the file that a calendar program reads."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{_text(product)}", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines += [f"X-WR-CALNAME:{_text(name)}", "REFRESH-INTERVAL;VALUE=DURATION:P1D"]
    for event in events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return "".join(part for line in lines for part in _folded(line)).encode()


def _event(event: Event) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{_text(event.uid)}",
        f"DTSTAMP:{event.changed_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{event.day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{event.day + timedelta(days=1):%Y%m%d}",  # the day after (section 3.6.1)
        f"SUMMARY:{_text(event.title)}",
    ]
    if event.text:
        lines.append(f"DESCRIPTION:{_text(event.text)}")
    return [*lines, "TRANSP:TRANSPARENT", "END:VEVENT"]


def _text(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(_ESCAPED.get(letter, letter) for letter in plain if letter >= " " or letter in "\n\t")


def _folded(line: str) -> Iterator[str]:
    """Yield the line in parts of at most WIDEST octets, each with its break; all but the first begin with a blank."""
    part, room = "", WIDEST
    for letter in line:
        size = len(letter.encode())
        if size > room:
            yield f"{part}\r\n"
            part, room = " ", WIDEST - 1
        part += letter
        room -= size
    yield f"{part}\r\n"
