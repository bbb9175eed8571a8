"""The works of a reading list: from BibTeX or CSL-JSON to what a page shows, grouped, with the society's notes.

Pure: it reads no file and writes no HTML. CSL-JSON: the schema of the Citation Style Language 1.0.2. The groups are
the file's own (`group`, else the first of `keywords`), in the order in which they come.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from balintmail.domain import bibtex
from balintmail.domain.bibtex import BibtexRefused, Entry
from balintmail.domain.latex import plain

LARGEST = 5_000_000  # characters of a file
MOST_WORKS = 5000
LONGEST = 4000  # characters of one field that are kept
MOST_NAMES = 200
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>{}]{1,200}")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]+")


class ReadingRefused(ValueError):
    """A reading list cannot be read; the message says why, with its line where there is one."""


@dataclass(frozen=True, slots=True)
class Name:
    """One author: `family` alone is a body, or a name that cannot be divided."""

    family: str
    given: str = ""

    @property
    def short(self) -> str:
        """`Balint, M.`, as a bibliography says it; given names that are one letter each stay as they are."""
        initials = " ".join(_initial(part) for part in self.given.split())
        return f"{self.family}, {initials}" if initials else self.family


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One book or article."""

    key: str
    kind: str
    title: str
    authors: tuple[Name, ...] = ()
    editors: tuple[Name, ...] = ()
    others: bool = False  # the file says "and others"
    year: str = ""
    edition: str = ""
    publisher: str = ""
    place: str = ""
    container: str = ""  # the journal, or the book that a chapter stands in
    volume: str = ""
    number: str = ""
    pages: str = ""
    doi: str = ""
    url: str = ""
    isbn: str = ""
    language: str = ""
    note: str = ""
    group: str = ""

    @property
    def imprint(self) -> str:
        """Where it came out: `Tavistock, London`, or `Journal 12 (3), 45–52`."""
        whole = self.volume + (f" ({self.number})" if self.number else "")
        if self.kind == "article":
            return ", ".join(part for part in (f"{self.container} {whole}".strip(), self.pages) if part)
        return ", ".join(part for part in (self.edition, self.publisher, self.place, self.pages) if part)

    @property
    def link(self) -> str:
        """Where it can be found, "" for nowhere: its DOI, else its own address."""
        return f"https://doi.org/{quote(self.doi, safe='/:;().-_')}" if self.doi else self.url


@dataclass(frozen=True, slots=True)
class Group:
    """Works that stand together under a heading, "" for none."""

    title: str
    works: tuple[Work, ...]


def read(text: str, *, csl: bool) -> list[Work]:
    """Return the works of a file; raise ReadingRefused."""
    if len(text) > LARGEST:
        raise ReadingRefused(f"it has more than {LARGEST:,} characters")
    found = _from_csl(text) if csl else _from_bibtex(text)
    if len(found) > MOST_WORKS:
        raise ReadingRefused(f"it names more than {MOST_WORKS:,} works")
    return found


def grouped(works: Iterable[Work]) -> list[Group]:
    """Return the works by group, the groups as they come and the works of each by author, year and title."""
    by_title: dict[str, list[Work]] = {}
    for work in works:
        by_title.setdefault(work.group, []).append(work)
    return [Group(title, tuple(sorted(found, key=_order))) for title, found in by_title.items()]


def names(text: str) -> tuple[tuple[Name, ...], bool]:
    """Return the people of a BibTeX field, and whether it ends in `and others`."""
    found = _outside_braces(text, _AND)
    others = bool(found) and found[-1].strip().lower() == "others"
    people = [_name(part) for part in (found[:-1] if others else found)[:MOST_NAMES]]
    return tuple(one for one in people if one.family), others or len(found) > MOST_NAMES


def _from_bibtex(text: str) -> list[Work]:
    try:
        entries = bibtex.parse(text)
    except BibtexRefused as exc:
        raise ReadingRefused(str(exc)) from exc
    return [_work(entry) for entry in entries if entry.kind not in {"comment", "set", "xdata"}]


def _work(entry: Entry) -> Work:
    def said(*fields: str) -> str:
        return next((_clean(plain(entry.fields[name])) for name in fields if entry.fields.get(name, "").strip()), "")

    authors, others = names(entry.fields.get("author", ""))
    editors, _ = names(entry.fields.get("editor", ""))
    title, more = said("title"), said("subtitle")
    if not title:
        raise ReadingRefused(f"line {entry.line}: the entry {entry.key[:60] or entry.kind} has no title")
    url = entry.fields.get("url", "")
    return Work(
        key=_clean(entry.key),
        kind=entry.kind,
        title=f"{title}: {more}" if more else title,
        authors=authors,
        editors=editors,
        others=others,
        year=said("year") or said("date")[:4],
        edition=_edition(said("edition")),
        publisher=said("publisher", "institution", "school", "organization"),
        place=said("address", "location"),
        container=said("journal", "journaltitle", "booktitle"),
        volume=said("volume"),
        number=said("number", "issue"),
        pages=said("pages").replace("--", "–"),
        doi=_doi(entry.fields.get("doi", "")),
        url=_url(url.replace("\\", "").strip("{} ")),
        isbn=said("isbn"),
        language=said("langid", "language")[:20],
        note=said("annote", "annotation", "note"),
        group=said("group") or said("keywords").partition(",")[0].strip(),
    )


def _from_csl(text: str) -> list[Work]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise ReadingRefused(f"it is no JSON: {exc}"[:200]) from exc
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise ReadingRefused("CSL-JSON is a list of works")
    return [_csl_work(one, place) for place, one in enumerate(items, 1)]


def _csl_work(item: Mapping[str, Any], place: int) -> Work:
    def said(*fields: str) -> str:
        return next((_clean(str(item[name])) for name in fields if isinstance(item.get(name), str | int | float)), "")

    title = said("title")
    if not title:
        raise ReadingRefused(f"work {place} has no title")
    kind = said("type")
    return Work(
        key=said("id") or str(place),
        kind="article" if kind.startswith("article") else "book" if kind == "book" else kind,
        title=title,
        authors=_csl_names(item.get("author")),
        editors=_csl_names(item.get("editor")),
        year=_csl_year(item.get("issued")),
        edition=_edition(said("edition")),
        publisher=said("publisher"),
        place=said("publisher-place"),
        container=said("container-title"),
        volume=said("volume"),
        number=said("issue"),
        pages=said("page").replace("-", "–"),
        doi=_doi(said("DOI")),
        url=_url(said("URL")),
        isbn=said("ISBN"),
        language=said("language")[:20],
        note=said("annote", "note"),
        group=said("group") or said("keyword").partition(",")[0].strip(),
    )


def _csl_names(value: Any) -> tuple[Name, ...]:
    found = []
    for one in value if isinstance(value, list) else []:
        if not isinstance(one, dict):
            continue
        said = {key: _clean(text) for key, text in one.items() if isinstance(text, str)}
        family = " ".join(filter(None, (said.get("non-dropping-particle", ""), said.get("family", ""))))
        family = family or said.get("literal", "")
        if family:
            found.append(Name(family, said.get("given", "")))
    return tuple(found[:MOST_NAMES])


def _csl_year(issued: Any) -> str:
    if not isinstance(issued, dict):
        return ""
    parts = issued.get("date-parts")
    if isinstance(parts, list) and parts and isinstance(parts[0], list) and parts[0]:
        return _clean(str(parts[0][0]))[:10]
    return _clean(str(issued.get("raw") or issued.get("literal") or ""))[:20]


def _name(text: str) -> Name:
    """Return one name of BibTeX: `First von Last`, `von Last, First` or `von Last, Jr, First`; in braces, a body."""
    text = text.strip()
    if text.startswith("{") and text.endswith("}") and text.count("{") == 1:
        return Name(_clean(plain(text)))
    parts = [_clean(plain(part)) for part in _outside_braces(text, re.compile(","))]
    if len(parts) >= 2:
        return Name(", ".join(parts[:1] + parts[1:-1]), parts[-1])
    words = [_clean(plain(word)) for word in _outside_braces(text, re.compile(r"[\s~]+"))]
    words = [word for word in words if word]
    if len(words) < 2:
        return Name(" ".join(words))
    small = next((at for at, word in enumerate(words[:-1]) if at and word[:1].islower()), len(words) - 1)
    return Name(" ".join(words[small:]), " ".join(words[:small]))


def _outside_braces(text: str, between: "re.Pattern[str]") -> list[str]:
    """Divide `text` where `between` stands outside all braces."""
    depth, inside = 0, bytearray(len(text) + 1)
    for at, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        inside[at] = depth > 0
    parts, begin = [], 0
    for found in between.finditer(text):
        if not inside[found.start()]:
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]] if text.strip() else []


def _initial(part: str) -> str:
    if len(part) <= 2 or part.endswith("."):
        return part if part.endswith(".") or not part.isascii() or len(part) > 1 else f"{part}."
    return "-".join(f"{piece[0]}." for piece in part.split("-") if piece)


def _edition(text: str) -> str:
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        return text
    last = "th" if text[-2:] in {"11", "12", "13"} else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th")
    return f"{text}{last} edition" if text != "1" else ""


def _doi(text: str) -> str:
    found = _DOI.search(text.replace("\\", ""))
    return found[0].rstrip(".,;") if found else ""


def _url(text: str) -> str:
    """Return a web address, "" for anything that is none (C20)."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    plain_enough = text.isprintable() and not any(sign in text for sign in ' "<>\\^`{|}')
    fit = parts.scheme in {"http", "https"} and parts.hostname and not parts.username
    return text if fit and plain_enough and len(text) <= 2000 else ""


def _clean(text: str) -> str:
    return _UNSEEN.sub(" ", text).strip()[:LONGEST]


def _order(work: Work) -> tuple[Sequence[str], str, str]:
    return [one.family.casefold() for one in work.authors or work.editors], work.year, work.title.casefold()
