"""Say what a form may offer: the lists that can be asked for, their questions, and the exact words of consent (S42).

Also where those words and questions are changed: words are only ever added to, so that what somebody agreed to years
ago can be read in the version of the day. It takes no request; services/requests.py does.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from balintmail.db import audit, lists, wordings
from balintmail.db.lists import MailingListRow
from balintmail.db.session import Tx
from balintmail.db.wordings import WordingRow
from balintmail.domain import hygiene, questions
from balintmail.domain.questions import Question
from balintmail.domain.requests import may_be_asked_for
from balintmail.errors import Conflict
from balintmail.services.context import Context
from balintmail.services.lists import named

USUAL = 0  # the version of the words that the program itself has; a list's own begin with 1
LONGEST_WORDS = 1000  # characters


@dataclass(frozen=True, slots=True)
class Wording:
    """The words that were shown, with their version; `language` is theirs."""

    words: str
    version: int = USUAL
    language: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """One list as a form offers it."""

    list: MailingListRow
    questions: tuple[Question, ...]
    wording: Wording


def offers(ctx: Context, usual: Wording, *, slug: str = "") -> list[Offer]:
    """Return what can be asked for, or the one list of that slug alone; empty when there is nothing of the kind.

    `usual` are the words for lists that have none of their own, in the visitor's language.
    """
    with ctx.db.read() as tx:
        rows = lists.every(tx) if not slug else _of_slug(tx, slug)
        return [
            Offer(row, questions.read(row.questions), _wording(tx, row, usual))
            for row in rows
            if row.archived_at is None and may_be_asked_for(row.policy)
        ]


def digest(found: Sequence[Offer]) -> str:
    """Return what tells whether the words on a page that was handed out are still those in force."""
    text = "\n".join(
        f"{each.list.id} {each.wording.version} {each.wording.language} {each.wording.words}" for each in found
    )
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def set_wording(ctx: Context, slug: str, language: str, words: str) -> WordingRow:
    """Put new words of consent in force for a list's form and return them; "" goes back to the usual ones.

    Raises Conflict when they are the words in force already, TextRefused for what cannot stand on a page.
    """
    tag = hygiene.language(language)
    clean = hygiene.one_line(words, what="the words of consent", longest=LONGEST_WORDS)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        row = named(tx, slug)
        held = wordings.latest(tx, row.id, tag)
        if (held.words if held else "") == clean:
            raise Conflict("Those words are in force already." if clean else "The usual words are in force already.")
        added = wordings.add(tx, row.id, tag, clean, now=now)
        detail = {"list": row.slug, "language": tag, "version": added.version}
        audit.note(tx, "words of consent changed", actor=ctx.actor, now=now, detail=detail)
        return added


def set_questions(ctx: Context, slug: str, given: object) -> tuple[Question, ...]:
    """Let a list's form ask these questions, as a file lists them; raise QuestionRefused otherwise."""
    found = questions.read(given)
    with ctx.db.write() as tx:
        row = named(tx, slug)
        lists.update(tx, row.id, {"questions": questions.dump(found)})
        detail = {"list": row.slug, "questions": [one.name for one in found]}
        audit.note(tx, "questions changed", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
    return found


def answered(row: MailingListRow, answers: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    """Return the questions of a list that were answered, and the answers, as people read them."""
    try:
        asked = {one.name: one for one in questions.read(row.questions)}
    except questions.QuestionRefused:
        asked = {}
    found = []
    for name, kept in answers.items():
        if kept:
            one = asked.get(name)
            label = questions.say(one.label, language) if one else name
            found.append((label, questions.shown(one, kept, language) if one else kept))
    return found


def _of_slug(tx: Tx, slug: str) -> list[MailingListRow]:
    row = lists.by_slug(tx, slug) if slug.isprintable() else None
    return [row] if row else []


def _wording(tx: Tx, row: MailingListRow, usual: Wording) -> Wording:
    """Return a list's own words in the language of the page, else in the list's, else the usual ones."""
    for language in (usual.language, row.language):
        if found := wordings.latest(tx, row.id, language):
            return Wording(found.words, found.version, found.language)
    return usual
