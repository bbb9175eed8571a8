"""Read a command out of a mail: from its subject, or from the first sentence of its new words.

Tolerant of greetings, thanks, small words and signatures, strict about everything else: what is not surely a command
is a letter, and a person reads it. Nothing is done here, and nothing is taken from quoted text. Words:
receiving/command_words.py.
"""

import re
from dataclasses import dataclass, replace

from balintmail.domain.mail_commands import Act, Command, folded
from balintmail.receiving.command_words import (
    GREETING,
    LATEST,
    NAMING,
    NEGATIONS,
    PHRASES,
    PLAIN,
    SENDING,
    SMALL,
    STRONG,
    WEAK,
)

TOKEN = re.compile(r"[a-z2-7]{30,80}")
_LONGEST = 300  # characters of a line that may be a command
_BESIDE = 3  # words below a subject that may belong to it
_MORE = 15  # words beside the command, from which on the mail says more than the command
_REPLY = re.compile(
    r"^(?:\s*(?:\[[^\]]{0,40}\]|(?:re|aw|antw|antwort|sv|vs|wg|fw|fwd|tr|rv|ref|rep|va|tovabbitas|valasz|enc)"
    r"(?:\s?\[?\(?\d{0,3}\)?\]?)\s?:))+\s*",
)
_WORDS = re.compile(r"[^\s,;:!\"\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
                    r"\N{DOUBLE LOW-9 QUOTATION MARK}\u00ab\u00bb()<>\[\]*]+")  # fmt: skip
_SENTENCE = re.compile(r"(?<![\d.])(?<!\bnr)(?<!\bno)(?<!\bsz)[.!?]+(?=\s|$)", re.IGNORECASE)
_ELIDED = re.compile(r"^(?:l|d|m|s|j|n|qu)'(?=\w)")
_PRONOUN = re.compile(r"-(?:moi|nous|vous|mich)$")
_NUMBER = re.compile(r"(?:[\w-]{1,60}/)?[\w-]{0,40}\d[\w-]{0,40}")
_NAME = re.compile(r"[\w][\w@.+/-]{0,79}")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line as a command, and whether its words surely are one."""

    command: Command
    strong: bool


def command_in(subject: str, text: str) -> Command | None:
    """Return the command that a mail with this subject and these new words gives, or None when it is a letter."""
    line = folded(subject[:_LONGEST])
    bare = _REPLY.sub("", line)
    answers = bare != line
    spoken, rest = _first_sentence(text)
    if found := _of_body(spoken, rest):
        # The subject may name the list of a command that the body only repeats.
        return _richer(found, _of_line(bare), answers=answers)
    if answers and text.strip():
        return None  # the subject is somebody else's, and the new words are no command
    said = _of_line(bare)
    if said is None and len(text.split()) <= _BESIDE:  # "Copy" above, "84" below
        said, text = _of_line(f"{bare} {folded(text)}"), ""
    if said is None or (said.command.act is Act.HELP and text.strip()):
        return None
    more = len(text.split()) > _MORE
    return replace(said.command, says_more=more) if said.strong or not more else None


def carries_token(subject: str) -> bool:
    """Say whether a subject is what our `mailto:` puts there: a word for leaving, and a token (S6)."""
    words = folded(subject[:_LONGEST]).replace(":", " ").split()
    meant = any((STRONG.get(word) or WEAK.get(word) or (None, ""))[0] is Act.LEAVE for word in words)
    return meant and any(TOKEN.fullmatch(word) for word in words)


def _of_body(lines: list[str], rest: int) -> Command | None:
    for line in lines:
        beside = rest - len(line.split())
        said = _of_line(folded(line))
        if said is not None:
            more = beside > _MORE
            return replace(said.command, says_more=more) if said.strong or not more else None
    return None


def _richer(found: Command, said: _Line | None, *, answers: bool) -> Command:
    if answers or said is None or said.command.act is not found.act or found.argument:
        return found
    return replace(found, argument=said.command.argument)


def _first_sentence(text: str) -> tuple[list[str], int]:
    """Return the first sentence as it may be meant (the line, and the whole paragraph), and the number of words."""
    lines = text[:20_000].split("\n")
    at = 0
    while at < len(lines) and (not lines[at].strip() or (at < 4 and GREETING.match(folded(lines[at][:200].strip())))):
        at += 1
    if at >= len(lines):
        return [], 0
    paragraph = []
    for line in lines[at : at + 4]:
        if not line.strip():
            break
        paragraph.append(line.strip())
    first = _SENTENCE.split(lines[at].strip(), maxsplit=1)[0] or lines[at].strip()
    whole = _SENTENCE.split(" ".join(paragraph), maxsplit=1)[0]
    return [first, whole], len(" ".join(lines[at:]).split())


def _of_line(line: str) -> _Line | None:
    """Return the command that a folded line is; None when anything stands in it that a command has no place for."""
    if not line.strip() or len(line) > _LONGEST:
        return None
    for pattern, word in PHRASES:
        line = pattern.sub(word, line)
    words = [word for word in map(_bare, _WORDS.findall(line)) if word]
    acts = [(word, *known) for word in words if (known := STRONG.get(word) or WEAK.get(word))]
    strong = [one for one in acts if one[0] in STRONG]
    meant = strong or acts
    others = [word for word in words if word not in STRONG and word not in WEAK and word not in SMALL]
    number = [word for word in words if _NUMBER.fullmatch(word) and not TOKEN.fullmatch(word)]
    if any(word in NEGATIONS and word not in SMALL for word in words):
        return None
    if number and (any(word in SENDING for word in words) or any(one[1] is Act.COPY for one in acts)):
        return _copy(words, others)
    acted = {one[1] for one in meant} - ({Act.HELP} if len({one[1] for one in meant}) > 1 else set())
    if len(acted) != 1:
        return None
    act = acted.pop()
    word, _, language = next(one for one in meant if one[1] is act)
    if act is Act.COPY:
        return _copy(words, others)
    if act is Act.HELP and (others or len(words) > 2):
        return None
    if others and not strong and not all(one in PLAIN for one in words if one not in {word, *others}):
        return None  # "Join us in Oxford"
    argument = _argument(act, word, others)
    return None if argument is None else _Line(Command(act, argument, language), bool(strong))


def _argument(act: Act, word: str, others: list[str]) -> str | None:
    """Return what a command names, "" for nothing, None when its line holds more than a command does."""
    if not others:
        return ""
    if not all(_NAME.fullmatch(one) for one in others):
        return None
    if len(others) == 1:
        named = word in STRONG or word in NAMING or TOKEN.fullmatch(others[0]) is not None
        return others[0] if named and (act is not Act.CONFIRM or TOKEN.fullmatch(others[0])) else None
    return " ".join(others) if word in STRONG and len(others) <= 4 else None


def _copy(words: list[str], others: list[str]) -> _Line | None:
    """Return the wish for a past newsletter: `84`, `newsletter/84`, `weekends 12`, or the latest."""
    language = next((WEAK[word][1] for word in words if word in WEAK and WEAK[word][0] is Act.COPY), "")
    language = language or next((SENDING[word] for word in words if word in SENDING), "en")
    named = [word for word in others if word not in SENDING]
    if not named or len(named) > 2 or not all(_NAME.fullmatch(word) for word in named):
        return None
    if any(word in LATEST for word in named):
        rest = [word for word in named if word not in LATEST]
        return _Line(Command(Act.COPY, "/".join([*rest, "latest"]), language), strong=True)
    numbered = [word for word in named if _NUMBER.fullmatch(word)]
    if len(named) == 2:
        if len(numbered) != 1 or "/" in numbered[0]:
            return None
        named = [word for word in named if word not in numbered] + numbered
    return _Line(Command(Act.COPY, "/".join(named), language), strong=bool(numbered))


def _bare(word: str) -> str:
    word = word.strip("'`").rstrip(".-").lstrip("-#") if word != "?" else word
    return _PRONOUN.sub("", _ELIDED.sub("", word)).rstrip("?") or ("?" if word.strip("?") == "" and word else "")
