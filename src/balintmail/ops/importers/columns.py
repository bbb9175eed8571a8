"""Guess what a file's columns mean from their names, in English, German, French and Hungarian.

A guess is always shown before anything is written, and `--map COLUMN=FIELD` corrects it. It reads no row but the
header, and where there is none, the first lines.
"""

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from balintmail.domain import hygiene
from balintmail.errors import UsageRefused


class Meaning(StrEnum):
    """What a column holds. OWN columns carry one of the society's own fields, named beside it."""

    ID = "id"
    REGISTER = "register"
    ADDRESS = "address"
    ADDRESS_STATE = "address_state"
    OTHER_ADDRESSES = "other_addresses"
    NAME = "name"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    LANGUAGE = "language"
    MEMBER = "member"
    LISTS = "lists"
    LIST = "list"
    STATE = "state"
    JOINED = "joined"
    CONSENT = "consent"
    COLLECTED = "collected"
    GROUND = "ground"
    OPT_OUT = "opt_out_offered"
    JOURNAL_FORMAT = "journal_format"
    POSTAL_NAME = "postal_name"
    POSTAL_COMPANY = "postal_company"
    POSTAL_STREET = "postal_street"
    POSTAL_AREA = "postal_area"
    POSTAL_CITY = "postal_city"
    POSTAL_REGION = "postal_region"
    POSTAL_CODE = "postal_postcode"
    POSTAL_SORTING = "postal_sorting"
    POSTAL_COUNTRY = "postal_country"
    OWN = "field"
    LEFT_OUT = "-"


@dataclass(frozen=True, slots=True)
class Column:
    """One column with its meaning; `own` is the name of an own field."""

    position: int
    title: str
    meaning: Meaning
    own: str = ""

    @property
    def shown(self) -> str:
        """What the mapping's table says of it."""
        words = {Meaning.OWN: f"own field {self.own}", Meaning.LEFT_OUT: "left out"}
        return words.get(self.meaning, self.meaning.value.replace("_", " "))


_WORDS: dict[Meaning, str] = {
    Meaning.ID: "id|person|person id|balintmail id|azonosito",
    Meaning.REGISTER: "register",
    Meaning.ADDRESS: (
        "address|email|e mail|mail|email address|e mail address|mail address|emailaddress|user|email addresses"
        "|e mail adresse|email adresse|emailadresse|mailadresse|adresse e mail|adresse email|adresse mail|courriel"
        "|adresse electronique|adresse de courriel|email cim|e mail cim|emailcim|villanyposta|levelezesi cim"
        "|elektronikus cim|subscriber|subscribed address|preferred address|contact email|e mail cime|email cime"
    ),
    Meaning.ADDRESS_STATE: "address state",
    Meaning.OTHER_ADDRESSES: "other addresses|second address|weitere adressen|autres adresses|tovabbi cimek",
    Meaning.NAME: (
        "name|full name|fullname|real name|realname|display name|person name|contact name|vollstandiger name"
        "|vor und nachname|nom complet|nom et prenom|prenom et nom|nom|nev|teljes nev"
    ),
    Meaning.FIRST_NAME: (
        "first name|firstname|given name|givenname|forename|fname|vorname|rufname|prenom|keresztnev|utonev|knev"
    ),
    Meaning.LAST_NAME: (
        "last name|lastname|surname|family name|lname|nachname|familienname|zuname|nom de famille|vezeteknev"
        "|csaladnev|csaladi nev|vnev"
    ),
    Meaning.LANGUAGE: "language|lang|locale|preferred language|sprache|langue|nyelv",
    Meaning.MEMBER: "member|is member|membership|mitglied|mitgliedschaft|membre|adherent|tag|tagsag",
    Meaning.LISTS: "lists|listen|listes|listak",
    Meaning.LIST: "list|mailing list|list slug|liste|lista|levelezolista",
    Meaning.STATE: (
        "state|status|subscription status|subscription state|subscriber status|delivery status|nomail|zustand|etat"
        "|statut|allapot|statusz"
    ),
    Meaning.JOINED: "joined|joined at|join date|date joined|member since|beigetreten|beitritt|csatlakozott",
    Meaning.CONSENT: (
        "consent|consent text|consent words|consent wording|einwilligung|einwilligungstext|zustimmung|consentement"
        "|hozzajarulas|hozzajarulas szovege"
    ),
    Meaning.COLLECTED: (
        "collected|collected on|collected at|consent date|date of consent|consent collected|einwilligung am"
        "|einwilligungsdatum|datum der einwilligung|date du consentement|date de consentement|hozzajarulas datuma"
        "|hozzajarulas napja"
    ),
    Meaning.GROUND: "ground|basis|legal basis|rechtsgrundlage|base legale|jogalap",
    Meaning.OPT_OUT: "opt out offered|opt out was offered",
}
# Only as the export writes them: a sheet's "Street" without a country cannot be checked, and stays a field of its own.
_OUR_OWN = [each for each in Meaning if each is Meaning.JOURNAL_FORMAT or each.value.startswith("postal_")]
_MEANINGS = {word: meaning for meaning, words in _WORDS.items() for word in words.split("|")} | {
    each.value.replace("_", " "): each for each in _OUR_OWN
}
# Words that mean the whole name alone, and the family name beside one for the given name.
_FAMILY_BESIDE_GIVEN = {"name", "nom"}
_TAKEN = {*(meaning.value for meaning in Meaning), "email", "addresses", "since", "left", "domain"}


@lru_cache(maxsize=10_000)
def plain(title: str) -> str:
    """Return a column's name for comparing: small, without accents and signs."""
    split = unicodedata.normalize("NFKD", title.casefold())
    return " ".join(re.sub(r"[^a-z0-9]+", " ", "".join(c for c in split if not unicodedata.combining(c))).split())


def guess(titles: Sequence[str], *, left_out: frozenset[str] = frozenset(), own: bool = True) -> list[Column]:
    """Return the columns with their meanings; names in `left_out` (plain) stay out, unknown ones too unless `own`."""
    found: list[Column] = []
    used: set[Meaning | str] = set()
    words = [plain(title) for title in titles]
    given = any(_MEANINGS.get(word) is Meaning.FIRST_NAME and word in _GIVEN_OF_PAIRS for word in words)
    for position, (title, word) in enumerate(zip(titles, words, strict=True)):
        column = Column(position, title, Meaning.LEFT_OUT)
        meaning = _MEANINGS.get(word)
        if title.strip().lower().startswith("field.") and (name := field_name(title[6:], exact=True)):
            column = Column(position, title, Meaning.OWN, name)
        elif word in left_out:
            pass
        elif meaning is not None:
            if given and word in _FAMILY_BESIDE_GIVEN:
                meaning = Meaning.LAST_NAME
            column = Column(position, title, meaning if meaning not in used else Meaning.LEFT_OUT)
        elif own and word and (name := field_name(title)):
            column = Column(position, title, Meaning.OWN, name)
        key = column.own or column.meaning
        if key in used:
            column = Column(position, title, Meaning.LEFT_OUT)
        if column.meaning is not Meaning.LEFT_OUT:
            used.add(key)
        found.append(column)
    return found


# German and French sheets pair "Name" with these; an English one pairs "Name" with nothing.
_GIVEN_OF_PAIRS = {"vorname", "rufname", "prenom"}


def field_name(title: str, *, exact: bool = False) -> str:
    """Return the name an own field gets from a column's name, "" when none can be made of it.

    A name that has a meaning of its own gets an underscore behind it, unless it was written as a field's: `exact`.
    """
    split = unicodedata.normalize("NFKC", title.strip())
    try:
        name, _ = hygiene.own_field(re.sub(r"[^\w]+", "_", split).strip("_"), "")
    except hygiene.TextRefused:
        return ""
    return f"{name}_" if name in _TAKEN and not exact else name


def corrected(columns: Sequence[Column], corrections: Mapping[str, str]) -> list[Column]:
    """Return `columns` with `--map COLUMN=FIELD` applied; COLUMN is a name or a number counted from 1."""
    result = list(columns)
    for title, wanted in corrections.items():
        position = _position(result, title)
        column = result[position]
        if wanted.startswith("field:") or wanted.startswith("field."):
            name = field_name(wanted[6:], exact=True)
            if not name:
                raise UsageRefused(
                    f'"{wanted[6:]}" cannot be the name of a field.', hint="Letters, digits, underscores."
                )
            result[position] = Column(position, column.title, Meaning.OWN, name)
            continue
        try:
            meaning = Meaning(wanted.strip().lower().replace(" ", "_").replace("-", "_") if wanted != "-" else "-")
        except ValueError:
            known = [each.value for each in Meaning if each not in {Meaning.OWN, Meaning.LEFT_OUT}]
            near = difflib.get_close_matches(wanted, known, n=1)
            hint = f"Nearest: {near[0]}." if near else ""
            raise UsageRefused(
                f'There is no field "{wanted}".',
                hint=f"{hint} Known: {', '.join(known)}, field:NAME, - (leave out).".strip(),
            ) from None
        for other in result:
            if other.meaning is meaning and meaning is not Meaning.LEFT_OUT and other.position != position:
                result[other.position] = Column(other.position, other.title, Meaning.LEFT_OUT)
        result[position] = Column(position, column.title, meaning)
    return result


def _position(columns: Sequence[Column], title: str) -> int:
    for column in columns:
        if column.title == title or plain(column.title) == plain(title) != "":
            return column.position
    if title.isdigit() and 1 <= int(title) <= len(columns):
        return int(title) - 1
    near = difflib.get_close_matches(title, [column.title for column in columns], n=1)
    hint = f'Nearest: "{near[0]}".' if near else f"Columns: {', '.join(column.title for column in columns)}."
    raise UsageRefused(f'The file has no column "{title}".', hint=hint)
