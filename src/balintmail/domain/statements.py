"""What is known of a line of a bank statement, and whose dues it may be. It reads no file (ops/importers/)."""

from enum import StrEnum


class LineState(StrEnum):
    """What became of a line."""

    MATCHED = "matched"  # it is a payment of dues
    DOUBTFUL = "doubtful"  # the Secretary has to say
    IGNORED = "ignored"  # money out, or none of ours


class How(StrEnum):
    """How a payment came."""

    BANK = "bank"
    CASH = "cash"
    CHEQUE = "cheque"
    CARD = "card"
    OTHER = "other"
