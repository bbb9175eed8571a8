"""The round of details: what an answer is, and the next way to reach whoever has not given one. It mails nobody."""

from dataclasses import dataclass
from enum import StrEnum


class AnswerState(StrEnum):
    """What somebody answered."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    CORRECTED = "corrected"  # something was changed first


class NextWay(StrEnum):
    """How to reach somebody who has not answered."""

    WAIT = "wait"  # the letter left a few days ago
    MAIL = "mail"  # mail reaches them, and they have not had the letter
    REMIND = "remind"
    OTHER_ADDRESS = "other_address"  # another address of theirs that mail reaches
    POST = "post"
    TELEPHONE = "telephone"
    ASK_OTHERS = "ask_others"


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of the ways to one person. `days` have passed since they were last mailed about the round."""

    mailed: bool = False
    reminded: bool = False
    days: int = 0
    reached: bool = True  # mail to their preferred address is taken
    other_address: bool = False
    tried_other: bool = False
    post: bool = False
    telephone: bool = False


PATIENCE_DAYS = 7


def next_way(reach: Reach) -> NextWay:
    """Return the next way to somebody: by mail as long as mail reaches them, then other addresses, post, telephone."""
    if reach.reached and not reach.mailed:
        return NextWay.MAIL
    if ((reach.mailed and reach.reached) or reach.tried_other) and reach.days < PATIENCE_DAYS:
        return NextWay.WAIT
    if reach.reached and not reach.reminded:
        return NextWay.REMIND
    if reach.other_address and not reach.tried_other:
        return NextWay.OTHER_ADDRESS
    if reach.post:
        return NextWay.POST
    return NextWay.TELEPHONE if reach.telephone else NextWay.ASK_OTHERS
