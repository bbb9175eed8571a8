"""Find the letter of a system mail in the reader's language, and compile it once for everybody who gets it.

The instance's letters come before the shipped ones, a list's own before those of all lists. A letter of the instance
that cannot be compiled is set aside for the shipped one, so that a slip in it keeps nobody waiting. It mails nobody.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from balintmail.composing.article import title_of
from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.facts import Reader, Shape, names_of, unrolled
from balintmail.composing.letter import Letter, decode, parse_letter
from balintmail.composing.look import read_words
from balintmail.composing.surroundings import Surroundings
from balintmail.db import audit, lists
from balintmail.db.session import Tx
from balintmail.domain.notices import NOTICES
from balintmail.domain.recipient import PersonData
from balintmail.domain.states import MailingKind
from balintmail.errors import BalintmailError, NotFound
from balintmail.resources import templates_folder
from balintmail.services import surroundings
from balintmail.services.context import Context

OWN = "en"  # the language of a letter.md that says none
_DOTS = "…"


@dataclass(frozen=True, slots=True)
class NoticeLetter:
    """A letter compiled for a group of people who read the same."""

    compiled: Compiled
    source: str
    language: str
    facts: frozenset[str] = frozenset()  # every name that it may use
    _titles: dict[tuple[tuple[str, str], ...], str] = field(default_factory=dict)

    def title(self, facts: Mapping[str, str]) -> str:
        """Return what receipts call it: its title with these facts, and with dots for all that is somebody's own."""
        told = tuple(sorted(facts.items()))
        if told not in self._titles:
            reader = PersonData(_DOTS, _DOTS, self.language, fields=dict.fromkeys(self.facts, _DOTS) | dict(told))
            self._titles[told] = title_of(self.compiled, reader)
        return self._titles[told]


class NoticeLetters:
    """The letters of one look at what waits."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._made: dict[tuple[str, int | None, str, Shape], NoticeLetter] = {}
        self._readers: dict[str, Reader] = {}

    def get(self, tx: Tx, template: str, list_id: int | None, language: str, shape: Shape = ()) -> NoticeLetter:
        """Return the letter; raise BalintmailError when not even the shipped one can be compiled."""
        asked = (template, list_id, language, shape)
        if asked not in self._made:
            self._made[asked] = self._make(tx, *asked)
        return self._made[asked]

    def reader(self, language: str) -> Reader:
        """Return how facts are written for whoever reads `language`."""
        if language not in self._readers:
            words = read_words(surroundings.template_folders(self._ctx), language)
            self._readers[language] = Reader(language, self._ctx.settings.zone, words)
        return self._readers[language]

    def _make(self, tx: Tx, template: str, list_id: int | None, language: str, shape: Shape) -> NoticeLetter:
        mailing_list = lists.by_id(tx, list_id) if list_id is not None else None
        around = surroundings.gather(self._ctx, tx, mailing_list, kind=MailingKind.NOTICE)
        slug = mailing_list.slug if mailing_list else ""
        try:
            return _compiled(around, template, (language, slug), shape)
        except BalintmailError as exc:
            shipped = _compiled(replace(around, templates=(templates_folder(),)), template, (language, ""), shape)
            detail = {"template": template, "language": shipped.language, "because": exc.message[:300]}
            audit.note(tx, "template set aside", actor="dispatch", now=self._ctx.clock.now(), detail=detail)
            return shipped


def compile_notice(letter: Letter, around: Surroundings, template: str, shape: Shape = ()) -> Compiled:
    """Return the letter of a system mail compiled for everybody whose facts have that shape.

    Raises NotFound for a template that is no system mail, LetterError or ComposingError for what is wrong with it.
    """
    kind = NOTICES.get(template)
    if kind is None:
        raise NotFound(f'There is no system mail "{template}".', hint="See: balintmail templates list")
    facts = names_of(kind, shape)
    around = replace(around, template=template, facts=facts, leavable=kind.leavable, answerable=kind.answerable)
    return compile_letter(replace(letter, body=unrolled(letter.body, shape)), around)


def _compiled(around: Surroundings, template: str, whose: tuple[str, str], shape: Shape) -> NoticeLetter:
    language, list_slug = whose
    letter = letter_of(around.templates, template, language=language, list_slug=list_slug)
    compiled = compile_notice(letter, around, template, shape)
    facts = names_of(NOTICES[template], shape)
    return NoticeLetter(compiled, letter.source, letter.language, facts)


def letter_of(folders: Sequence[Path], template: str, *, language: str = OWN, list_slug: str = "") -> Letter:
    """Return the letter of a template in `language`, or its `letter.md`; raise NotFound where there is neither.

    Its `language` says which it is in, at last.
    """
    for path, tag in _candidates(folders, template, language, list_slug):
        if path.is_file():
            text = decode(path.read_bytes(), path.name)
            shown = f"{template}/{path.name}" if path.parent.name == template else f"{template}/{list_slug}/{path.name}"
            letter = parse_letter(text, path.parent, shown, kind=MailingKind.NOTICE)
            return replace(letter, language=letter.language or tag)
    raise NotFound(f"There is no template emails/{template}/letter.md.", hint="See docs/templates.md.")


def _candidates(folders: Sequence[Path], template: str, language: str, list_slug: str) -> Iterator[tuple[Path, str]]:
    """Yield where the letter may lie and the language it is in: the language counts most, then the list, then whose."""
    tags = dict.fromkeys((language, language.partition("-")[0].lower()))
    files = [(f"letter.{tag}.md", tag) for tag in tags if tag != OWN and tag.replace("-", "").isalnum()]
    files.append(("letter.md", OWN))
    for name, tag in files:
        for inner in filter(None, (f"{template}/{list_slug}" if list_slug else "", template)):
            for folder in folders:
                yield folder / "emails" / inner / name, tag


def letters_in(folder: Path, template: str) -> list[tuple[Path, str]]:
    """Return the letters of a template that lie in one templates folder, those of single lists too, with their tags."""
    root = folder / "emails" / template
    found = [(path, _tag(path.name)) for path in (*sorted(root.glob("letter*.md")), *sorted(root.glob("*/letter*.md")))]
    return [(path, tag) for path, tag in found if tag]


def _tag(name: str) -> str:
    """Return the language that a letter's file name says, "" for a file that is none."""
    said = name.removeprefix("letter").removesuffix(".md").removeprefix(".")
    return (said if said.replace("-", "").isalnum() else "") if said else OWN
