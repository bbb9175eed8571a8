"""Cite a paper: as BibTeX, as RIS, and as a sentence for a list of references.

Pure: every value is text and stays text, whatever signs are in it. BibTeX: the manual (Patashnik, 1988), read again by
domain/bibtex.py; RIS: the format of Reference Manager as reference programs read it, lines ending in CRLF.
"""

import re
import unicodedata
from dataclasses import dataclass

from balintmail.domain.journal_issues import pages_shown
from balintmail.domain.reading import Name

_MANY = 20  # authors that a sentence names (APA 7, section 9.8); of more, the first nineteen and the last
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "_": r"\_", "$": r"\$",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": "{`}", "'": "{'}", "-": "{-}",
}  # fmt: skip
_RUNS = re.compile(r"[`'-]{2,}")  # two of them would become one other sign
_SPECIAL = re.compile(r"[\\{}%&#_$~^]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """What a citation says. Authors are written as indexes sort them, `Balint, Michael`; a body has no comma."""

    title: str
    authors: tuple[str, ...]
    journal: str
    year: int
    published: str = ""  # the day, 2026-09-15
    issn: str = ""
    volume: str = ""
    number: str = ""
    first_page: str = ""
    last_page: str = ""
    doi: str = ""
    url: str = ""
    abstract: str = ""
    language: str = ""
    publisher: str = ""


def key(of: Cited) -> str:
    """Return the name of the entry: `balint2026doctor`, of ASCII letters and digits."""
    family = of.authors[0].partition(",")[0] if of.authors else of.journal
    words = [word for word in _ascii(of.title).split() if len(word) > 3]
    first = words[0] if words else ""
    return f"{_ascii(family).replace(' ', '')[:30] or 'paper'}{of.year}{first[:30]}"


def bibtex(of: Cited) -> str:
    """Return an entry of BibTeX, in UTF-8 with LaTeX's own signs guarded."""
    fields = {
        "author": " and ".join(_name(author) for author in of.authors),
        "title": f"{{{_guarded(of.title)}}}" if of.title else "",
        "journal": _guarded(of.journal),
        "year": str(of.year),
        "volume": _guarded(of.volume),
        "number": _guarded(of.number),
        "pages": _guarded(of.first_page) + (f"--{_guarded(of.last_page)}" if _range(of) else ""),
        "issn": of.issn,
        "doi": of.doi,
        "url": of.url,
        "langid": of.language,
        "publisher": _guarded(of.publisher),
        "abstract": _guarded(of.abstract),
    }
    said = [f"  {name:<9} = {{{' '.join(value.split())}}}," for name, value in fields.items() if value]
    return "\n".join([f"@article{{{key(of)},", *said, "}", ""])


def ris(of: Cited) -> str:
    """Return the record of the RIS format."""
    lines = [("TY", "JOUR"), ("TI", of.title), *(("AU", author) for author in of.authors)]
    lines += [("T2", of.journal), ("PY", str(of.year)), ("DA", of.published.replace("-", "/"))]
    lines += [("VL", of.volume), ("IS", of.number), ("SP", of.first_page), ("EP", of.last_page), ("SN", of.issn)]
    lines += [("DO", of.doi), ("UR", of.url), ("LA", of.language), ("PB", of.publisher), ("AB", of.abstract)]
    said = [f"{tag}  - {' '.join(value.split())}" for tag, value in lines if value.strip()]
    return "\r\n".join([*said, "ER  - ", ""])


def reference(of: Cited) -> str:
    """Return a sentence for a list of references, in the manner of APA: authors, year, title, journal, pages, DOI."""
    names = [_short(author) for author in of.authors]
    if len(names) > _MANY:
        who = f"{', '.join(names[: _MANY - 1])}, … {names[-1]}"
    else:
        who = f"{', '.join(names[:-1])}, & {names[-1]}" if len(names) > 1 else "".join(names)
    whole = of.volume + (f"({of.number})" if of.number else "")
    source = ", ".join(part for part in (of.journal, whole, pages_shown(of.first_page, of.last_page)) if part)
    title = of.title if of.title.endswith((".", "?", "!", "…")) else f"{of.title}."
    address = f"https://doi.org/{of.doi}" if of.doi else of.url
    said = f"{who} ({of.year}). {title}" if who else f"{title} ({of.year})."
    return f"{said} {source}." + (f" {address}" if address else "")


def _short(author: str) -> str:
    family, _, given = author.partition(",")
    return Name(family.strip(), given.strip()).short


def _range(of: Cited) -> bool:
    return bool(of.last_page) and of.last_page != of.first_page


def _name(author: str) -> str:
    """Return one author; what BibTeX would divide is held together by braces."""
    guarded = _guarded(author)
    whole = author.count(",") != 1 or " and " in f" {author.casefold()} "
    return f"{{{guarded}}}" if whole else guarded


def _guarded(text: str) -> str:
    text = _SPECIAL.sub(lambda found: _LATEX[found[0]], text)
    return _RUNS.sub(lambda found: "".join(_LATEX[sign] for sign in found[0]), text)


def _ascii(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", " ", folded).strip()
