"""The words of the doctor: a finding, how much it matters, and whose duty it is.

It finds nothing itself. Every subject's file returns a list of these, the good ones among them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")


class Level(StrEnum):
    """How much a finding matters, the worst first."""

    STOP = "stop"  # letters will be refused, lost or doubled, or nothing is sent at all
    WARN = "warn"  # letters may suffer, or it could not be found out
    NOTE = "note"  # worth knowing; nothing to do now
    GOOD = "good"


class Duty(StrEnum):
    """Who has to mend it, or keeps it in order."""

    YOU = "you"  # the society and whoever runs this machine
    RELAY = "relay"  # the company or machine that takes the letters from us
    PROVIDER = "provider"  # whoever serves the names, or publishes a record that ours names


class Subject(StrEnum):
    """The parts of the page, in their order."""

    HOUSE = "This instance"
    STORE = "Database and files"
    NAMES = "The sender's names"
    RELAY = "The relay"
    RETURNS = "What comes back"
    PROVIDERS = "What Gmail, Yahoo and Microsoft ask"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `code` is stable; no person's address is in any text."""

    code: str
    level: Level
    duty: Duty
    message: str
    hint: str = ""


def good(code: str, message: str, duty: Duty = Duty.YOU) -> Finding:
    """Return a finding that all is well."""
    return Finding(code, Level.GOOD, duty, message)


def note(code: str, message: str, hint: str = "", duty: Duty = Duty.YOU) -> Finding:
    """Return something worth knowing."""
    return Finding(code, Level.NOTE, duty, message, hint)


def warn(code: str, message: str, hint: str = "", duty: Duty = Duty.YOU) -> Finding:
    """Return a warning."""
    return Finding(code, Level.WARN, duty, message, hint)


def stop(code: str, message: str, hint: str = "", duty: Duty = Duty.YOU) -> Finding:
    """Return a finding that has to be mended."""
    return Finding(code, Level.STOP, duty, message, hint)


def unasked(code: str, message: str, duty: Duty = Duty.YOU) -> Finding:
    """Return the finding that a question got no answer: nothing is known, which is neither good nor bad."""
    return warn(code, f"Not known: {message}", "Ask again when the network is there.", duty)


def softened(findings: Iterable[Finding], why: str) -> list[Finding]:
    """Return `findings` with every stop made a warning that says `why` it does not matter yet."""
    return [
        replace(one, level=Level.WARN, message=f"{one.message} {why}") if one.level is Level.STOP else one
        for one in findings
    ]


def without_addresses(text: str) -> str:
    """Return `text` with every address blotted out: relays like to quote them."""
    return _ADDRESS.sub("(address)", text)
