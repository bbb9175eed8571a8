"""The questions that a list's form asks besides name and address: read them from a file, check an answer.

Two kinds: a text of one line or several, and a choice of one or several. Labels are given once, or by language. It
never shows a form; web/join.py does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from balintmail.domain import hygiene
from balintmail.domain.requests import Problem
from balintmail.errors import BalintmailError

MOST = 12  # questions of one list: a longer form is not filled in
MOST_CHOICES = 30
LONGEST_ANSWER = 1000  # characters
LONGEST_LINE = 200
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEYS = frozenset({"name", "kind", "label", "hint", "choices", "required"})
_SEVERAL = "; "  # between the choices of one answer

Words = Mapping[str, str]  # by language; "" for every language


class Kind(StrEnum):
    """How a question is answered."""

    LINE = "line"
    TEXT = "text"  # several lines
    CHOICE = "choice"  # one of them
    CHOICES = "choices"  # any number of them


class QuestionRefused(BalintmailError):
    """A file of questions cannot be taken; the message names the question and the reason."""

    code = "question_refused"


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer; `value` is what is kept."""

    value: str
    label: Words


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `name` is what its answer is kept under and never shown to visitors."""

    name: str
    kind: Kind
    label: Words
    hint: Words = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    required: bool = False


def say(words: Words, language: str) -> str:
    """Return words in a language, else in its base language, else those for every language, else any."""
    base = language.partition("-")[0]
    for key in (language, base, "", "en"):
        if words.get(key):
            return words[key]
    return next(iter(words.values()), "")


def read(given: object) -> tuple[Question, ...]:
    """Return the questions that a document (TOML or JSON) lists; raise QuestionRefused otherwise."""
    rows = given.get("question", given.get("questions")) if isinstance(given, Mapping) else given
    if isinstance(given, Mapping) and rows is None and not given:
        rows = []
    if not isinstance(rows, Sequence) or isinstance(rows, str | bytes):
        raise QuestionRefused(
            "The file holds no questions.", hint="Each begins with [[question]]; see docs/joining.md."
        )
    if len(rows) > MOST:
        raise QuestionRefused(f"There are {len(rows)} questions; a form asks {MOST} at most.")
    questions = tuple(_question(place, row) for place, row in enumerate(rows, 1))
    names = [one.name for one in questions]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise QuestionRefused(f'Two questions are called "{twice}".')
    return questions


def dump(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return the questions as the database keeps them; `read` takes them back."""
    return [
        {
            "name": one.name,
            "kind": one.kind.value,
            "label": _plain(one.label),
            **({"hint": _plain(one.hint)} if one.hint else {}),
            **({"choices": [{"value": c.value, "label": _plain(c.label)} for c in one.choices]} if one.choices else {}),
            "required": one.required,
        }
        for one in questions
    ]


def answer(question: Question, given: Sequence[str]) -> tuple[str, Problem | None]:
    """Return the clean answer, "" for none, and what is wrong with it."""
    texts = [text for text in given if text.strip()]
    if question.kind in {Kind.CHOICE, Kind.CHOICES}:
        known = [one.value for one in question.choices]
        if any(text not in known for text in texts) or (question.kind is Kind.CHOICE and len(texts) > 1):
            return "", Problem("choice")
        if question.required and not texts:
            return "", Problem("choose")
        return _SEVERAL.join(value for value in known if value in texts), None
    try:
        if question.kind is Kind.LINE:
            clean = hygiene.one_line(" ".join(texts), what="the answer", longest=LONGEST_LINE)
        else:
            clean = hygiene.paragraphs("\n".join(texts), what="the answer", longest=LONGEST_ANSWER)
    except hygiene.TextRefused:
        longest = LONGEST_LINE if question.kind is Kind.LINE else LONGEST_ANSWER
        if sum(map(len, texts)) > longest:
            return "", Problem("long", {"longest": longest})
        return "", Problem("signs")
    return clean, Problem("answer") if question.required and not clean else None


def shown(question: Question, kept: str, language: str) -> str:
    """Return an answer as people read it: the labels of what was chosen, or the text."""
    labels = {one.value: say(one.label, language) for one in question.choices}
    return ", ".join(labels.get(value, value) for value in kept.split(_SEVERAL)) if labels else kept


def _question(place: int, row: object) -> Question:
    where = f"Question {place}"
    if not isinstance(row, Mapping) or not all(isinstance(key, str) for key in row):
        raise QuestionRefused(f"{where} is not a table.", hint="It begins with [[question]]; see docs/joining.md.")
    if odd := sorted(set(row) - _KEYS):
        raise QuestionRefused(
            f'{where} has a key "{odd[0][:40]}", which means nothing.', hint=f"Known: {', '.join(sorted(_KEYS))}."
        )
    name = row.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise QuestionRefused(f"{where} needs a name of small letters, digits and underscores, such as how_known.")
    where = f'The question "{name}"'
    try:
        kind = Kind(row.get("kind", Kind.TEXT.value))
    except ValueError:
        raise QuestionRefused(f"{where} is of no known kind.", hint=f"Known: {', '.join(Kind)}.") from None
    label, hint = _words(where, "label", row.get("label")), _words(where, "hint", row.get("hint", ""), empty=True)
    choices = _choices(where, row.get("choices", ()))
    if kind in {Kind.CHOICE, Kind.CHOICES} and not choices:
        raise QuestionRefused(f"{where} has nothing to choose from.", hint='Add a line: choices = ["One", "Another"]')
    if choices and kind not in {Kind.CHOICE, Kind.CHOICES}:
        raise QuestionRefused(f"{where} has choices, but is of the kind {kind}.", hint='Add a line: kind = "choice"')
    if not isinstance(row.get("required", False), bool):
        raise QuestionRefused(f"{where}: required is true or false.")
    return Question(name, kind, label, hint, choices, bool(row.get("required", False)))


def _choices(where: str, given: object) -> tuple[Choice, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str | bytes) or len(given) > MOST_CHOICES:
        raise QuestionRefused(f"{where}: choices are a list of at most {MOST_CHOICES}.")
    found = []
    for one in given:
        value, label = (
            (one.get("value"), one.get("label", one.get("value"))) if isinstance(one, Mapping) else (one, one)
        )
        if not isinstance(value, str):
            raise QuestionRefused(f"{where}: a choice is a text, or has a value and a label.")
        clean = _clean(where, "choice", value)
        if _SEVERAL in clean or not clean:
            raise QuestionRefused(f'{where}: a choice is not empty and holds no "{_SEVERAL}".')
        found.append(Choice(clean, _words(where, "choice", label)))
    if len({one.value for one in found}) != len(found):
        raise QuestionRefused(f"{where}: two choices are the same.")
    return tuple(found)


def _words(where: str, what: str, given: object, *, empty: bool = False) -> Words:
    """Return words given once or by language, each one line and clean."""
    table = {"": given} if isinstance(given, str) else given
    if not isinstance(table, Mapping):
        raise QuestionRefused(f"{where} needs a {what}: a text, or a table of texts by language.")
    found: dict[str, str] = {}
    for language, text in table.items():
        if not isinstance(text, str) or not isinstance(language, str):
            raise QuestionRefused(f"{where}: the {what} is a text, or a table of texts by language.")
        try:
            tag = hygiene.language(language) if language else ""
        except hygiene.TextRefused as exc:
            raise QuestionRefused(f"{where}: {exc.message}") from exc
        if line := _clean(where, what, text):
            found[tag] = line
    if not found and not empty:
        raise QuestionRefused(f"{where} needs a {what}.")
    return found


def _clean(where: str, what: str, text: str) -> str:
    try:
        return hygiene.one_line(text, what=f"its {what}", longest=LONGEST_LINE)
    except hygiene.TextRefused as exc:
        raise QuestionRefused(f"{where}: {exc.message}") from exc


def _plain(words: Words) -> str | dict[str, str]:
    """Return words as a file has them: one text when they are given once."""
    return words[""] if set(words) == {""} else dict(words)
