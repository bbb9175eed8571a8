"""What reading a message comes to: its kind, whom it speaks of, what is asked in it; reads nothing itself.

The parent process and the services know these; the patterns by which a message is read are loaded by its child alone.
"""

from dataclasses import dataclass

from balintmail.domain.mail_commands import Command
from balintmail.domain.returns import Judged, Kind

LARGEST = 4 << 20  # octets of a message that are looked at; reports put what matters first


@dataclass(frozen=True, slots=True)
class Found:
    """One address that a message speaks of, and what it says."""

    address: str
    judged: Judged
    evidence: str


@dataclass(frozen=True, slots=True)
class Event:
    """What one message is. `tokens` are texts that may be ours, to be held against the keys; the surest stand first.

    `text` are the new words of whoever wrote it, without quotes and signature; `command` is what they ask for.
    """

    kind: Kind
    results: tuple[Found, ...]
    tokens: tuple[str, ...]
    sender: str
    subject: str
    message_id: str
    robot: bool  # nothing may answer it (S9)
    to: tuple[str, ...] = ()  # the addresses it says it went to; that of the envelope first, where a header has it
    text: str = ""
    command: Command | None = None
    name: str = ""  # what its From calls the sender
