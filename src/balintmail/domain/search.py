"""Words as they are looked for: folded alike when they are kept and when they are asked for, and shown in their place.

Accents, case and the marks of typesetting make no difference; Chinese, Japanese and Korean are taken letter by letter,
since nothing parts their words. What somebody typed becomes a `Query` of letters and figures only, so that nothing of
it can be a command to a database. Pure. The databases' own spelling: db/search.py.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

LONGEST_QUESTION = 200  # characters that are read of what somebody typed
MOST_TERMS = 10
LONGEST_TOKEN = 60  # characters; PostgreSQL takes 2,046 octets
MOST_TOKENS = 120_000  # of one text: a volume of 300 pages has as many
SHORTEST_BEGINNING = 4  # letters from which on a word also finds those that begin with it
AROUND = 240  # characters of a passage
_MOST_PLACES = 40  # that are looked at for the best passage

# What Unicode does not take apart: letters with strokes, and those that stand for two.
_STROKES = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t", "ŋ": "n"}
)
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])
_APART = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"  # scripts without blanks
_TOKEN = re.compile(rf"[{_APART}]|[^\W_{_APART}]+")
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')
_QUOTES = str.maketrans(dict.fromkeys("„“”«»‟＂", '"'))
_ONE_LETTER = re.compile(rf"[{_APART}]")
_RANGES = ((0x41, 0x5B), (0x61, 0x7B), (0xC0, 0x250), (0x370, 0x530), (0x1E00, 0x2000))  # letters with other forms


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand side by side; the last may be the beginning of a longer one."""

    tokens: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: all of `wanted`, none of `unwanted`."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.wanted)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a shown text; `found` is what was looked for."""

    text: str
    found: bool = False


def folded(text: str) -> str:
    """Return `text` as it is compared: small letters without accents or strokes, ligatures as two letters."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.translate(_INVISIBLE)).casefold()
    bare = "".join(letter for letter in apart if not unicodedata.combining(letter))
    return unicodedata.normalize("NFKC", bare.translate(_STROKES))


def tokens(text: str) -> list[str]:
    """Return the words of `text` as they are kept and looked for, in their order."""
    found = _TOKEN.findall(folded(text))[:MOST_TOKENS]
    return [one[:LONGEST_TOKEN] for one in found]


def read_query(typed: str) -> Query:
    """Return what somebody looks for: words, "words side by side", and -words that must not be there."""
    wanted: list[Term] = []
    unwanted: list[Term] = []
    for minus, quoted, word in _TERM.findall(typed[:LONGEST_QUESTION].translate(_QUOTES)):
        found = tuple(tokens(quoted or word))
        if not found or len(wanted) + len(unwanted) >= MOST_TERMS:
            continue
        last = found[-1]
        begins = not quoted and not minus and len(last) >= SHORTEST_BEGINNING and not _ONE_LETTER.match(last)
        (unwanted if minus else wanted).append(Term(found, begins))
    return Query(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


def marked(text: str, query: Query) -> list[Part]:
    """Return all of `text`, what was looked for apart from the rest."""
    return list(_parts(text, [found.span() for found in _pattern(query).finditer(text)]))


def passage(text: str, query: Query, *, around: int = AROUND) -> list[Part]:
    """Return the passage of `text` that holds most of what was looked for, [] where none of it stands there."""
    places = []
    for found in _pattern(query).finditer(text):
        places.append((found.start(), found.end(), found.lastindex or 0))
        if len(places) == _MOST_PLACES:
            break
    if not places:
        return []
    best = max(places, key=lambda place: (_held(places, place[0], around), -place[0]))
    start, end = _window(text, best[0], around)
    spans = [(a - start, b - start) for a, b, _ in places if a >= start and b <= end]
    parts = list(_parts(text[start:end], spans))
    before = [Part("… ")] if start else []
    return [*before, *_on_one_line(parts), *([Part(" …")] if end < len(text) else [])]


def beginning(text: str, *, around: int = AROUND) -> list[Part]:
    """Return how `text` begins."""
    end = _window(text, 0, around)[1] if len(text) > around else len(text)
    return [*_on_one_line([Part(text[:end])]), *([Part(" …")] if end < len(text) else [])] if text.strip() else []


def _held(places: Sequence[tuple[int, int, int]], start: int, around: int) -> int:
    """Return how many different terms stand within `around` characters from `start` on."""
    return len({term for begin, end, term in places if start <= begin and end <= start + around})


def _window(text: str, at: int, around: int) -> tuple[int, int]:
    """Return where a passage round the place `at` begins and ends: at blanks, where there are any near."""
    start = max(0, at - around // 4)
    if start:
        blank = re.search(r"\s", text[start : start + 40])
        start = min(at, start + blank.end()) if blank else start
    end = min(len(text), start + around)
    if end < len(text):
        blank_before = re.search(r"\s\S*\Z", text[max(start, end - 40) : end])
        end = max(start, end - 40) + blank_before.start() if blank_before else end
    return start, end


def _parts(text: str, spans: Sequence[tuple[int, int]]) -> Iterator[Part]:
    at = 0
    for start, end in spans:
        if start > at:
            yield Part(text[at:start])
        yield Part(text[start:end], found=True)
        at = end
    if at < len(text):
        yield Part(text[at:])


def _on_one_line(parts: Sequence[Part]) -> list[Part]:
    return [Part(re.sub(r"\s+", " ", part.text), part.found) for part in parts]


@lru_cache(maxsize=64)
def _pattern(query: Query) -> re.Pattern[str]:
    """Return what finds the wanted terms in a text as it was written; each term is a group."""
    if not query.wanted:
        return re.compile(r"(?!)")
    return re.compile("|".join(f"({_written(term)})" for term in query.wanted))


def _written(term: Term) -> str:
    words = r"[\W_]{1,8}".join("".join(_letters(token)) for token in term.tokens)
    if all(_ONE_LETTER.match(token) for token in term.tokens):
        return r"[\W_]{0,2}".join("".join(_letters(token)) for token in term.tokens)
    return rf"(?<![^\W_]){words}" + (r"[^\W_]{0,60}" if term.begins else r"(?![^\W_])")


def _letters(token: str) -> Iterator[str]:
    """Yield for each letter of a folded word what may stand for it in a text; some pairs may stand as one letter."""
    singles, doubles = _forms()
    at = 0
    while at < len(token):
        pair, letter = token[at : at + 2], token[at]
        one = f"[{singles.get(letter) or re.escape(letter)}]"
        if pair in doubles:
            other = f"[{singles.get(pair[1]) or re.escape(pair[1])}]"
            yield rf"(?:{one}{other}|[{doubles[pair]}])[\u0300-\u036f\xad]*"
            at += 2
        else:
            yield rf"{one}[\u0300-\u036f\xad]*"
            at += 1


@lru_cache(maxsize=1)
def _forms() -> tuple[dict[str, str], dict[str, str]]:
    """Return the letters that fold to one, and to a pair, by what they fold to."""
    singles: dict[str, str] = {}
    doubles: dict[str, str] = {}
    for start, end in _RANGES:
        for code in range(start, end):
            letter = chr(code)
            into = folded(letter)
            if letter.isalpha() and len(into) in {1, 2}:
                kept = singles if len(into) == 1 else doubles
                kept[into] = kept.get(into, "") + letter
    for letter in list(singles):
        if letter not in singles[letter]:
            singles[letter] += letter
    return singles, doubles
