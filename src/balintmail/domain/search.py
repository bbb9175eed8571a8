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
from itertools import islice

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
_JOINED = frozenset([*map(chr, range(0x300, 0x370)), "\xad"])  # to the letter before: accents, hyphens not seen
_WORD = re.compile(rf"[{_APART}]|(?:[^\W_{_APART}]|[\u0300-\u036f\xad])+")
_FOLLOWING = re.compile(rf"[\W_]{{0,8}}([{_APART}]|[^\W_{_APART}]+)")
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


@lru_cache(maxsize=20_000)
def _folded_word(word: str) -> str:
    """Return `folded` of a word; the words of a language are few, and come again and again."""
    return folded(word)


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
    return list(_parts(text, [(start, end) for start, end, _ in _places(text, query)]))


def passage(text: str, query: Query, *, around: int = AROUND) -> list[Part]:
    """Return the passage of `text` that holds most of what was looked for, [] where none of it stands there."""
    places = _places(text, query)
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


def _places(text: str, query: Query) -> list[tuple[int, int, int]]:
    """Return where the wanted terms stand, in their order: beginning, end and which term; none lie over each other."""
    found = []
    for number, term in enumerate(query.wanted):
        found += [(start, end, number) for start, end in islice(_of_term(text, term), _MOST_PLACES)]
    if len(query.wanted) > 1:
        found.sort(key=lambda place: (place[0], -place[1]))
    apart: list[tuple[int, int, int]] = []
    for place in found:
        if not apart or place[0] >= apart[-1][1]:
            apart.append(place)
    return apart[:_MOST_PLACES]


def _of_term(text: str, term: Term) -> Iterator[tuple[int, int]]:
    """Yield where a term stands in a text as it was written.

    Words that begin with one of its first letters are looked at one by one: a pattern for each question, with all that
    may stand for each of its letters, takes longer to be made than ten texts to be read.
    """
    first, *others = term.tokens
    begins = term.begins and not others
    length = len(first)
    for match in _beginning_with(first[:2]).finditer(text):
        start, end = match.span()
        if not begins and end - start > length:  # no word becomes shorter by folding
            continue
        end = _end_of(text, start, end, first, begins=begins)
        for at, token in enumerate(others, start=1):
            if not end:
                break
            following = _FOLLOWING.match(text, end)
            last = term.begins and at == len(others)
            end = _end_of(text, *following.span(1), token, begins=last) if following else 0
        if end:
            yield start, end


def _end_of(text: str, start: int, end: int, token: str, *, begins: bool) -> int:
    """Return where the word at that place ends if it is the one that is looked for, else 0."""
    word = text[start:end]
    if word.isascii():
        same = word.lower()
        if same == token or (begins and same.startswith(token)):
            return end
        if not token.startswith(same) or text[end : end + 1] not in _JOINED:
            return 0
    whole = _WORD.match(text, start)
    if whole is None:
        return 0
    same = _folded_word(whole[0])
    return whole.end() if same == token or (begins and same.startswith(token)) else 0


@lru_cache(maxsize=4096)
def _beginning_with(letters: str) -> re.Pattern[str]:
    """Return what finds words whose first letters, one or two, may fold to these."""
    if _ONE_LETTER.match(letters):
        return re.compile(re.escape(letters[0]))
    first, second = _may_stand_for(letters[0]), _may_stand_for(letters[1:])
    # Looked back at behind the letter: a pattern that begins with a set is skipped to, one that looks back is not.
    next_one = rf"[{second}\u0300-\u036f\xad]" if second and letters not in _forms()[1] else ""
    return re.compile(rf"[{first}](?<![^\W_{_APART}].){next_one}[^\W_]*", re.DOTALL)


def _may_stand_for(letter: str) -> str:
    """Return the letters that fold to `letter`, or to a pair that begins with it."""
    singles, doubles = _forms()
    pairs = "".join(written for pair, written in doubles.items() if pair[0] == letter)
    return (singles.get(letter) or re.escape(letter)) + pairs


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
