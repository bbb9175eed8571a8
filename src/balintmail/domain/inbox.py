"""A message that came in, what our own tokens in it prove, and what was done about it: the values of services/inbox.py.

Pure. A token proves only what it was made for: that of an envelope or a Message-ID, which letter a message is about;
those of links, that whoever wrote holds the letter that the link was in. A From proves nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from balintmail.domain.states import InboundState
from balintmail.domain.tokens import Purpose, TokenClaims

PIPE = "pipe"  # the mailbox of what came in on standard input


@dataclass(frozen=True, slots=True)
class Inbound:
    """A stored message. `mailbox` is the NAME of [inbox.NAME], or PIPE; `to` are the addresses it says it went to."""

    id: int
    raw: bytes
    mailbox: str
    received_at: datetime
    to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ours:
    """A token of ours that was found in a message, and what it says."""

    text: str
    claims: TokenClaims


@dataclass(frozen=True, slots=True)
class About:
    """The letter of the ledger that a message is about; 0 where there is none."""

    delivery: int
    mailing: int
    person: int  # as the ledger has it; who was merged since is found by services/leaving.living
    address_key: str  # where the letter went ("" once erased): a report about another address is about somebody else
    list: int
    sent_at: datetime  # the ledger row's last change


@dataclass(frozen=True, slots=True)
class Proof:
    """What the tokens of a message prove: none of them can be guessed. The surest stand first."""

    ours: tuple[Ours, ...] = ()
    about: About | None = None

    def of(self, purpose: Purpose) -> Ours | None:
        """Return the first token of a purpose."""
        return next((one for one in self.ours if one.claims.purpose is purpose), None)

    @property
    def delivery(self) -> int:
        """The delivery that the message is about, or 0."""
        return self.about.delivery if self.about else 0


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a message: words for the Secretary, and on whose timeline it stands (0: none)."""

    state: InboundState
    remark: str = ""
    person: int = 0


WAITS = Done(InboundState.WAITING)
