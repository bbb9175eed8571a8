"""The people of the year, all invented: four hundred and two members in five countries, and a few strangers.

What somebody is follows from their number alone, so that the test counts them without asking the program.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass

from tests.support.servers.town_settings import DOVECOT_DOMAINS

MEMBERS = 402
_FIRST = (
    "Ada",
    "Bálint",
    "Clara",
    "Dezső",
    "Enid",
    "Ferenc",
    "Gretel",
    "Hans",
    "Ildikó",
    "Jürgen",
    "Kerstin",
    "Lőrinc",
)
_LAST = ("Ormond", "Halmos", "O'Neill-Smith", "Kovács", "Weiß", "Müller-Lund", "Tāmati", "Example", "Nyírő", "Brown")
_PLACES = (
    ("GB", "{n} High Street", "London", "", "EC1A 1BB"),
    ("HU", "Fő utca {n}.", "Budapest", "", "1056"),
    ("DE", "Hauptstraße {n}", "Berlin", "", "10115"),
    ("NZ", "{n} Queen Street", "Auckland", "", "1010"),
    ("US", "{n} Main Street", "San Francisco", "CA", "94105"),
)
_FORMATS = ("paper", "pdf", "both", "")  # whoever never chose gets paper, where the address is known


@dataclass(frozen=True, slots=True)
class Member:
    """One of them."""

    number: int

    @property
    def name(self) -> str:
        return f"{_FIRST[self.number % 12]} {_LAST[self.number // 12 % 10]} {_roman(self.number)}"

    @property
    def address(self) -> str:
        return f"m{self.number}@{DOVECOT_DOMAINS[self.number % 3]}"

    @property
    def format(self) -> str:
        return _FORMATS[self.number % 4]

    @property
    def reads(self) -> bool:
        """Whether the newsletter goes to them from the beginning."""
        return self.number % 8 in {0, 1}

    @property
    def row(self) -> dict[str, str]:
        country, street, city, region, postcode = _PLACES[self.number % 5]
        return {
            "address": self.address,
            "name": self.name,
            "member": "yes",
            "journal_format": self.format,
            "lists": "newsletter:subscribed" if self.reads else "",
            "consent": "Yes, send me the newsletter." if self.reads else "",
            "collected": "2024-05-01" if self.reads else "",
            "postal_country": country,
            "postal_street": street.format(n=self.number),
            "postal_city": city,
            "postal_region": region,
            "postal_postcode": postcode,
        }


EVERYBODY = tuple(Member(number) for number in range(1, MEMBERS + 1))


def member(number: int) -> Member:
    return EVERYBODY[number - 1]


def sheet(members: Iterable[Member] = EVERYBODY) -> str:
    """Return the members as the society's old spreadsheet has them."""
    out = io.StringIO()
    rows = [one.row for one in members]
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _roman(number: int) -> str:
    """Return a number as the letters that tell namesakes apart: a name of digits would be no name."""
    return "".join("ABCDEFGHIJ"[int(digit)] for digit in f"{number:03}").capitalize()
