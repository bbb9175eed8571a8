"""The test's own count of the year, kept by hand beside the program and never asked of it."""

from collections import Counter
from dataclasses import dataclass, field

from tests.support.servers.town_settings import DOVECOT_DOMAINS
from tests.support.year.cast import EVERYBODY, member

ALPHA, BETA, GAMMA = DOVECOT_DOMAINS
JOINS, DECLINED, NEVER, BY_MAIL = (f"{name}@{GAMMA}" for name in ("joins", "declined", "never", "writes"))
AUTHOR = f"jane.author@{ALPHA}"
GONE = member(24).address  # has no mailbox any more
READER = member(5).address  # reads the paper
LEAVES = tuple(member(number).address for number in (40, 41, 48))
ANSWERS, RINGS = member(100).address, member(101).address
NEW_STREET = "221 Baker Street"
PAYS, TAKES_BACK, NEVER_PAYS, LATE_BUYER = (
    f"{name}@{BETA}" for name in ("pays", "takes-back", "never-pays", "late-buyer")
)
DIES, ERASED, RESIGNS, MOVES = (member(number).address for number in (8, 9, 50, 12))


@dataclass
class Books:
    """What is so, as far as the test has told it."""

    readers: set[str] = field(default_factory=set)  # of the newsletter
    unreached: set[str] = field(default_factory=set)  # readers whose address has come back
    members: set[str] = field(default_factory=set)  # in good standing
    people: int = 0
    letters: dict[str, int] = field(default_factory=dict)  # newsletters by number, accepted
    pence: int = 0  # dues
    answered: dict[str, int] = field(default_factory=dict)  # in the round of details
    ordered: int = 0  # pence of orders, refunds taken off
    shelf: int = 0
    posted: int = 0
    owed: Counter[str] = field(default_factory=Counter)  # copies of the Journal, by way

    @staticmethod
    def mailboxes() -> list[str]:
        """Return who has a mailbox."""
        named = [one.address for one in EVERYBODY if one.address != GONE]
        return [*named, JOINS, DECLINED, NEVER, BY_MAIL, AUTHOR, PAYS, TAKES_BACK, NEVER_PAYS, LATE_BUYER]
