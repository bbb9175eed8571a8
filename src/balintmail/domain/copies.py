"""Read what somebody asks a copy of: a newsletter, a journal issue, a paper, however they name it.

Pure: it says what a text may name and knows nothing of what there is; services/copy_finding.py looks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from balintmail.domain.search import folded

LATEST = "latest"
LONGEST = 300  # characters of a wish
MOST_LINES = 8  # of an address on an envelope
LONGEST_POST = 500
_JOURNAL = ("journal", "the journal", "zeitschrift", "revue", "folyoirat")
_LABEL = re.compile(r"(?:(?:19|20)\d\d)(?:-[1-9]\d?)?")
_SPELLED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,63}){0,2}")
_QUIET = re.compile(r"[\s,.:;()\"'“”„‘’«»]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a text may name: a number of a list ("" the usual one), or a journal issue, or one of its papers.

    `journal` is a label, or LATEST; `article` the end of a paper's web address.
    """

    list: str = ""
    number: str = ""
    journal: str = ""
    article: str = ""


def read_wanted(text: str, journal: str = "") -> tuple[Wanted, ...]:
    """Return what `text` may name, the likeliest first; none when it names nothing that a program could find.

    `84`, `newsletter/84`, `latest`, `weekends/latest`, `journal/2026`, `Journal 2026-2`, `journal/2026/on-listening`,
    the web address of any of these. `journal` is what the society's Journal is called.
    """
    path = _path(text)
    if path:
        return _of_path(path)
    of_journal = _of_journal(text, journal)
    named, _, number = text.strip().rpartition("/")
    newsletter = Wanted(list=named.strip(), number=number.strip())
    # A list may be called "journal"; then its numbers come first.
    found = ([newsletter] if newsletter.number else []) + ([of_journal] if of_journal else [])
    return tuple(found)


def spelled_safely(text: str) -> bool:
    """Say whether `text` is a name as links on our pages spell it, which a form may show as it stands."""
    return _SPELLED.fullmatch(text) is not None


def named(of: Wanted) -> str:
    """Return a wish in the spelling that commands take."""
    if of.journal:
        return "/".join(part for part in ("journal", of.journal, of.article) if part)
    return "/".join(part for part in (of.list, of.number) if part)


def _path(text: str) -> Sequence[str]:
    """Return the parts of a web address's path, none for what is no web address."""
    bare = text.strip()
    if not re.match(r"(?:https?:/)?/[^/\s]", bare) or any(letter.isspace() for letter in bare):
        return ()
    try:
        path = urlsplit(bare).path
    except ValueError:
        return ()
    return [unquote(part) for part in path.split("/") if part]


def _of_path(parts: Sequence[str]) -> tuple[Wanted, ...]:
    for place, part in enumerate(parts):
        rest = list(parts[place + 1 :])
        if part == "newsletters" and len(rest) == 2:
            return (Wanted(list=rest[0], number=rest[1]),)
        if part == "journal" and 1 <= len(rest) <= 2 and _LABEL.fullmatch(rest[0]):
            return (Wanted(journal=rest[0], article=rest[1] if len(rest) == 2 else ""),)
    return ()


def _of_journal(text: str, journal: str) -> Wanted | None:
    """Return the journal issue or paper that a text names after the Journal's own name or a word for it."""
    line = _QUIET.sub(" ", folded(text)).strip()
    names = sorted({_QUIET.sub(" ", folded(name)).strip() for name in (*_JOURNAL, journal) if name}, key=len)
    for name in reversed(names):
        if not re.match(rf"{re.escape(name)}(?:[ /]|$)", line):
            continue
        label, _, slug = line[len(name) :].strip(" /").partition("/")
        if label == LATEST or _LABEL.fullmatch(label):
            return Wanted(journal=label, article=slug)
    return None
