"""What is known of a line of a bank statement, and whose dues it may be. It reads no file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from balintmail.domain.likeness import names_alike, words_of_name
from balintmail.domain.members import references_in
from balintmail.domain.money import Money


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


@dataclass(frozen=True, slots=True)
class BankEntry:
    """One line of a statement, read. `number` is the bank's own for it, "" where it gives none."""

    line: int
    paid_on: date
    money: Money
    payer: str = ""
    reference: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Payer:
    """A member who may have paid; `fee` is a year's dues."""

    person: int
    name: str
    fee: Money


@dataclass(frozen=True, slots=True)
class Match:
    """Whose a line is, or may be, and why that is doubtful."""

    state: LineState
    person: int | None = None
    reason: str = ""


def match(entry: BankEntry, payers: Sequence[Payer]) -> Match:
    """Return whose dues a line is: by the reference, else by the name, and in both cases only with the right amount."""
    text = f"{entry.payer} {entry.reference}"
    by_number = {payer.person: payer for payer in payers}
    named = [by_number[number] for number in references_in(text) if number in by_number]
    if len(named) > 1:
        return Match(LineState.DOUBTFUL, None, "it bears the references of several members")
    if named:
        return _with_amount(entry, named[0])
    alike = [payer for payer in payers if _is_named(payer.name, entry)]
    fitting = [payer for payer in alike if _pays(entry, payer)]
    if len(alike) == 1:
        return _with_amount(entry, alike[0])
    if len(alike) > 1:
        likely = fitting[0].person if len(fitting) == 1 else None
        return Match(LineState.DOUBTFUL, likely, f"{len(alike)} members have such a name")
    return Match(LineState.DOUBTFUL, None, "no member's reference or name stands in it")


def _with_amount(entry: BankEntry, payer: Payer) -> Match:
    if _pays(entry, payer):
        return Match(LineState.MATCHED, payer.person)
    return Match(LineState.DOUBTFUL, payer.person, f"a year is {payer.fee}, and this is {entry.money}")


def _pays(entry: BankEntry, payer: Payer) -> bool:
    return payer.fee.amount > 0 and entry.money == payer.fee


def _is_named(name: str, entry: BankEntry) -> bool:
    """Say whether the payer is called so, or the whole name stands in the reference."""
    words = words_of_name(name)
    if len([word for word in words if len(word) > 1]) < 2:
        return False
    return names_alike(name, entry.payer) or words <= words_of_name(f"{entry.payer} {entry.reference}")
