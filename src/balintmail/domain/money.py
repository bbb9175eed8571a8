"""Read and write amounts of money: whole pence (or cents, fillér, rappen) with an ISO 4217 code, never a fraction.

Exact or refused: an amount that could mean two things, or has more decimals than its currency, is no amount. It
converts nothing.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from balintmail.errors import BalintmailError

LARGEST = 10_000_000_00  # in the smallest unit; it fits an INTEGER of both databases, and so does any sum of two
_WHOLE_ONLY = frozenset({"ISK", "JPY", "KRW", "CLP", "VND"})  # currencies without a smaller unit (ISO 4217)
_SIGNS = {"£": "GBP", "€": "EUR", "$": "", "Fr.": "CHF", "kr": "", "Ft": "HUF", "¥": "JPY", "zł": "PLN"}
_SHOWN = {"GBP": "£", "EUR": "€"}
_STRANGE = re.compile(r"[^\x20-\x7e£€¥’ł]")
_CODE = re.compile(r"[A-Z]{3}")
_BARE = re.compile(
    r"(?P<whole>[1-9]\d{0,2}(?:(?P<sep>[., '’])\d{3})(?:(?P=sep)\d{3})*|\d+)(?:(?P<point>[.,])(?P<rest>\d+))?"
)


class Decimals(StrEnum):
    """Which sign stands before the pence; `EITHER` takes both and refuses what would then be unclear."""

    EITHER = ""
    POINT = "."
    COMMA = ","


class MoneyRefused(BalintmailError):
    """A text is no amount of money; `reason` says why in plain words."""

    code = "money_refused"

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f'"{text[:40]}" is no amount of money: {reason}.', hint='An amount is written like "25.00".')
        self.reason = reason


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in the smallest unit of its currency: 2500 GBP is £25.00."""

    amount: int
    currency: str = "GBP"

    def __str__(self) -> str:
        return written(self.amount, self.currency)


def code(text: str) -> str:
    """Return a currency's code in capitals; raise MoneyRefused for what is none."""
    found = text.strip().upper()
    if not _CODE.fullmatch(found):
        raise MoneyRefused(text, 'a currency is written as three letters, such as "GBP"')
    return found


def parse(text: str, currency: str = "GBP", *, decimals: Decimals = Decimals.EITHER) -> Money:
    """Return the amount that somebody wrote, such as `25`, `25.00`, `£1,250.00` or `EUR 12,50`; never a negative one.

    `currency` is meant where the text names none. Raises MoneyRefused for anything else.
    """
    found = parse_signed(text, currency, decimals=decimals)
    if found.amount < 0 or "-" in text:
        raise MoneyRefused(text, "it is less than nothing")
    return found


def parse_signed(text: str, currency: str = "GBP", *, decimals: Decimals = Decimals.EITHER) -> Money:
    """Return an amount as statements write it: a minus before or behind it, or brackets round it, mean money out."""
    plain = unicodedata.normalize("NFKC", text).replace("\u2212", "-").strip()
    if _STRANGE.search(plain):
        raise MoneyRefused(text, "it holds signs that no amount has")
    bracketed = plain.startswith("(") and plain.endswith(")")
    named, number = _split(plain[1:-1].strip() if bracketed else plain)
    wanted = code(named) if named else code(currency)
    out = bracketed or number.startswith("-") or number.endswith("-")
    bare = number.removeprefix("-") if number.startswith("-") else number.removesuffix("-") if out else number
    amount = _units(text, bare.removeprefix("+").strip() if not out else bare.strip(), wanted, decimals)
    return Money(-amount if out else amount, wanted)


def written(amount: int, currency: str) -> str:
    """Return an amount as letters and tables show it: `£25.00`, `CHF 25.00`, `-£3.20`."""
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 1 if currency in _WHOLE_ONLY else 100)
    digits = f"{whole:,}" if currency in _WHOLE_ONLY else f"{whole:,}.{rest:02}"
    mark = _SHOWN.get(currency)
    return f"{sign}{mark}{digits}" if mark else f"{sign}{currency} {digits}"


def decimal(amount: int, currency: str) -> str:
    """Return an amount for files, without currency or separators: `25.00`."""
    if currency in _WHOLE_ONLY:
        return str(amount)
    sign, (whole, rest) = "-" if amount < 0 else "", divmod(abs(amount), 100)
    return f"{sign}{whole}.{rest:02}"


def _split(text: str) -> tuple[str, str]:
    """Return the currency that stands before or after the number, or "", and the number."""
    if found := re.fullmatch(r"([A-Za-z]{3})\s*(\S.*)|([^A-Za-z]+?)\s*([A-Za-z]{3})", text):
        return (found[1] or found[4], found[2] or found[3])
    for mark, meant in _SIGNS.items():
        for bare in (text.removeprefix(mark), text.removesuffix(mark)):
            if bare != text:
                return meant, bare.strip()
        if text.startswith(f"-{mark}"):
            return meant, f"-{text[1:].removeprefix(mark).strip()}"
    return "", text


def _units(text: str, number: str, currency: str, decimals: Decimals) -> int:
    found = _BARE.fullmatch(number) if number.isascii() or "’" in number else None
    if found is None:
        raise MoneyRefused(text, "it is not a number")
    separator, point, rest = found["sep"] or "", found["point"] or "", found["rest"] or ""
    if decimals and (separator == decimals.value or (point and point != decimals.value)):
        raise MoneyRefused(text, f'"{decimals.value}" stands before the pence')
    if separator and separator == point:
        raise MoneyRefused(text, "its separators do not fit together")
    places = 0 if currency in _WHOLE_ONLY else 2
    if places and not decimals and separator in {".", ","} and not point and number.count(separator) == 1:
        raise MoneyRefused(text, f'"{separator}" may stand before the pence or between the thousands')
    if point and len(rest) == 3 and not decimals and found["whole"].strip("0"):
        raise MoneyRefused(text, f'"{point}" may stand before the pence or between the thousands')
    if len(rest) > places and rest[places:].strip("0"):
        raise MoneyRefused(text, f"it has more than {places} decimals" if places else f"{currency} has no decimals")
    amount: int = int(re.sub(r"\D", "", found["whole"])) * (10**places) + int((rest + "00")[:places] or "0")
    if amount > LARGEST:
        raise MoneyRefused(text, "it is more than any society takes")
    return amount
