"""Compile a letter once for its whole mailing: Markdown, layout, inlined styles, MIME, headers.

Merge fields become inert tokens first and slots at the end; nothing of this runs again per person (merge.py). The
same letter in the same surroundings gives the same bytes. It never sends, stores or looks anything up beside the
letter's own folder and the templates.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from urllib.parse import quote

from markdown_it.token import Token

from balintmail.composing import headers
from balintmail.composing.compiled import Compiled, names_read
from balintmail.composing.conditions import settle, test_of_uses, uses_of
from balintmail.composing.enclosures import (
    Attachment,
    Picture,
    attachment_refusal,
    picture_refusal,
    read_attachment,
    read_picture,
)
from balintmail.composing.escaping import clean_header
from balintmail.composing.expressions import Field
from balintmail.composing.heading import heading
from balintmail.composing.identity import identify
from balintmail.composing.inert import Fragment, Leading, Part, TokenTable, Vocabulary, Woven, new_table
from balintmail.composing.layout import LayoutValues, render_html
from balintmail.composing.letter import Letter
from balintmail.composing.look import read_words
from balintmail.composing.markdown import BOUNDARY, check_links, parse, place_pictures, to_html
from balintmail.composing.mime import PlacedPicture, frame
from balintmail.composing.plaintext import render_text
from balintmail.composing.program import RAW, Program, to_data
from balintmail.composing.refusals import ComposingError, LeaveLinkMissing, LetterError, raise_first
from balintmail.composing.splitting import Splitter
from balintmail.composing.subset import weave
from balintmail.composing.surroundings import Surroundings
from balintmail.domain.states import MailingKind

LONGEST_PREHEADER = 140  # characters that a list of mails shows at most
_TEST_MARK = "[Test]"
_TEST_NOTE = "This is a test. Nobody else has been mailed."


def compile_letter(letter: Letter, surroundings: Surroundings) -> Compiled:
    """Return `letter` compiled; raise LetterError with its line, or ComposingError, when that cannot be done.

    `content_hash` leaves out the day on which it is compiled, so that the same letter is known again tomorrow.
    """
    compiled = _Compilation(letter, surroundings, letter.date or surroundings.date).result()
    timeless = compiled if letter.date else _Compilation(letter, surroundings, None).result()
    return replace(compiled, content_hash=timeless.fingerprint())


@dataclass(frozen=True, slots=True)
class _Source:
    """A letter with tokens in it."""

    title: str
    preheader: str
    body: Woven
    tokens: list[Token]


class _Compilation:
    """One pass over one letter. `shown` is the date its readers see."""

    def __init__(self, letter: Letter, surroundings: Surroundings, shown: date | datetime | None) -> None:
        self.letter = letter
        self.surroundings = surroundings
        self.shown = _moment(shown, surroundings)
        self.identity = identify(letter, surroundings)
        self.language = letter.language or (surroundings.list.language if surroundings.list else "") or "en"
        self.constants: dict[str, str | Fragment] = self._constants()
        personal = Vocabulary().personal | surroundings.facts
        vocabulary = Vocabulary(surroundings.person_fields, self.constants, personal)
        self.table: TokenTable = new_table(vocabulary, letter.source, repr(surroundings), file=letter.file)
        self.pictures: dict[str, Picture] = {}
        self.enclosed: list[Attachment] = []

    def result(self) -> Compiled:
        source = self._source()
        placed = self._placed_pictures(source.tokens)
        values = self._layout_values(source)
        words = to_html(source.tokens, self.table)
        html = render_html(words, values)
        text = render_text(source.tokens, values)
        splitter = Splitter(self.table, self.identity.links)
        try:
            html_program, text_program = splitter.body(html, is_html=True), splitter.body(text, is_html=False)
            subject = splitter.header(self._subject(source.title))
        except ValueError as exc:
            raise ComposingError(f"The layout cannot hold this letter: {exc}.", hint="See docs/templates.md.") from exc
        constant = all(isinstance(node, str) for node in subject)
        head = heading(self.letter, self.surroundings, self.identity, splitter, subject if constant else None)
        mime = frame(placed, self.enclosed, seed=repr((to_data(text_program), to_data(html_program))))
        if self.surroundings.list and self.surroundings.kind is not MailingKind.NOTICE:
            self._require_leave_link(splitter, {"text": text_program, "HTML": html_program})
        article = Splitter(self.table, {}, splitter.slots).body(words, is_html=True)  # no personal address in it
        slots = tuple(splitter.slots)
        conditions = tuple(map(tuple, self.table.conditions))
        return Compiled(
            kind=self.surroundings.kind,
            content_hash="",
            key_id=self.surroundings.key_id,
            date=headers.folded("Date", [headers.date_time(self.surroundings.date.astimezone(self.surroundings.zone))]),
            title="".join(map(str, subject)) if constant else self.letter.title,
            language=self.language,
            message_id_domain=self.identity.domain,
            sender=self.identity.sender,
            subject=None if constant else subject,
            head=head,
            before=mime.before,
            text=text_program,
            between=mime.between,
            html=html_program,
            after=mime.after,
            slots=slots,
            conditions=conditions,
            fields_used=names_read(slots, conditions),
            open_fields=_open_fields(splitter),
            visibility=self.letter.visibility.value,
            article=article,
        )

    def _source(self) -> _Source:
        letter, table = self.letter, self.table
        title = weave(letter.title, table, first_line=letter.line_of("title")).text
        self.constants["mailing.title"] = Fragment(title)
        preheader = weave(letter.preheader, table, first_line=letter.line_of("preheader")).text
        body = weave(letter.body, table, first_line=letter.body_line)
        tokens = parse(body, table)
        check_links(tokens, body, table)
        tokens = settle(tokens, body, table)
        place_pictures(tokens, body, self._place)
        self.enclosed = [found for name in letter.attachments if (found := self._attachment(name.path, name.line))]
        raise_first(table.problems)
        if self.surroundings.kind is MailingKind.TEST:
            tokens = [*_paragraph(self._word("test_note", _TEST_NOTE)), *tokens]
        return _Source(title, preheader or _first_words(tokens, table), body, tokens)

    def _word(self, key: str, otherwise: str) -> str:
        return read_words(self.surroundings.templates, self.language).get(key, otherwise)

    def _constants(self) -> dict[str, str | Fragment]:
        """Return the names that read the same for everybody."""
        facts = self.surroundings.list
        found: dict[str, str | Fragment] = {
            "society.name": clean_header(self.surroundings.society),
            "mailing.number": self.letter.number,
            "mailing.language": self.language,
            "mailing.date": _long_date(self.shown, self.language),
            "urls.browser": self.identity.browser_url,
        }
        if facts:
            found |= {
                "list.name": clean_header(facts.name),
                "list.slug": facts.slug,
                "list.purpose": clean_header(facts.purpose),
                "list.language": facts.language,
                "list.footer": clean_header(facts.footer),
            }
        return found | dict(self.surroundings.constants)

    def _place(self, name: str, line: int) -> str:
        refuse = picture_refusal(self.letter.file, line, name)
        try:
            picture = read_picture(self.letter.folder, name, domain=self.identity.domain, refuse=refuse)
        except LetterError as exc:
            self.table.problems.append(exc)
            return ""
        self.pictures[f"cid:{picture.content_id}"] = picture
        return f"cid:{picture.content_id}"

    def _placed_pictures(self, tokens: Sequence[Token]) -> list[PlacedPicture]:
        """Return the pictures, each with the condition under which anybody sees it."""
        uses = uses_of(tokens, self.table)
        placed: list[PlacedPicture] = []
        for address, picture in self.pictures.items():
            test = test_of_uses(self.table, uses, uses.pictures.get(address, [((), None)]))
            placed.append(PlacedPicture(picture, None if test is None else self.table.add_condition(test)))
        return placed

    def _attachment(self, path: str, line: int) -> Attachment | None:
        try:
            return read_attachment(self.letter.folder, path, refuse=attachment_refusal(self.letter.file, line, path))
        except LetterError as exc:
            self.table.problems.append(exc)
            return None

    def _subject(self, title: str) -> str:
        return f"{self._word('test_mark', _TEST_MARK)} {title}" if self.surroundings.kind is MailingKind.TEST else title

    def _layout_values(self, source: _Source) -> LayoutValues:
        around, identity = self.surroundings, self.identity
        facts = around.list
        return LayoutValues(
            templates=around.templates,
            template=around.template,
            title=source.title,
            society=clean_header(around.society),
            language=self.language,
            preheader=source.preheader or clean_header(around.society),
            list_name=clean_header(facts.name) if facts else "",
            number=self.letter.number,
            date=None if around.kind is MailingKind.NOTICE else self.shown,
            footer=clean_header(facts.footer) if facts and around.leavable else "",
            address=clean_header(around.postal_address),
            contact=around.owner_address,
            accent=around.accent,
            logo=self._logo(),
            browser_url=identity.browser_url,
            leave_url=self._link("urls.unsubscribe"),
            preferences_url=self._link("urls.preferences"),
            archive_url=identity.archive_url,
            pictures={address: picture.width for address, picture in self.pictures.items() if picture.width},
        )

    def _link(self, name: str) -> str:
        """Return the token of a personal address, "" where there is none."""
        if name not in self.identity.links:
            return ""
        return self.table.value_token(Leading(Field(name)), Part.ADDRESS)

    def _logo(self) -> str:
        logo = self.surroundings.logo
        return self._place_logo(logo) if logo else ""

    def _place_logo(self, logo: Path) -> str:
        refuse = picture_refusal("balintmail.toml", 0, logo.name)
        picture = read_picture(logo.parent, quote(logo.name), domain=self.identity.domain, refuse=refuse)
        self.pictures[f"cid:{picture.content_id}"] = picture
        return f"cid:{picture.content_id}"

    def _require_leave_link(self, splitter: Splitter, parts: dict[str, Program]) -> None:
        """Refuse a layout in which not everybody sees how to leave (S7, E14)."""
        leave = splitter.slot(Field("token.leave"), RAW)
        for name, program in parts.items():
            if leave not in [node for node in program if isinstance(node, int)]:
                raise LeaveLinkMissing(
                    self.letter.file,
                    0,
                    f"the {name} part has no leave link.",
                    hint="Put {{ urls.unsubscribe }} into the letter, or leave_url back into the layout.",
                )


def _moment(shown: date | datetime | None, surroundings: Surroundings) -> datetime | None:
    """Return the date that readers see as an aware moment in the society's zone."""
    if shown is None:
        return None
    if not isinstance(shown, datetime):
        return datetime.combine(shown, time(12), surroundings.zone)
    return shown.replace(tzinfo=surroundings.zone) if shown.tzinfo is None else shown.astimezone(surroundings.zone)


def _long_date(moment: datetime | None, language: str) -> str:
    """Return `21 November 2026`, as the language writes it."""
    if moment is None:
        return ""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415  (40 ms, once per mailing)
    from babel.dates import format_date  # noqa: PLC0415

    try:
        locale = Locale.parse("en_GB" if language == "en" else language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en_GB")
    return format_date(moment.date(), "long", locale=locale)


def _paragraph(text: str) -> list[Token]:
    """Return the tokens of a paragraph of plain, strong text."""
    children = [
        Token("strong_open", "strong", 1),
        Token("text", "", 0, content=text),
        Token("strong_close", "strong", -1),
    ]
    return [
        Token("paragraph_open", "p", 1, block=True),
        Token("inline", "", 0, content=text, children=children, block=True),
        Token("paragraph_close", "p", -1, block=True),
    ]


def _first_words(tokens: Sequence[Token], table: TokenTable) -> str:
    """Return the beginning of the first paragraph that everybody gets alike, for the preview in a list of mails."""
    any_token = table.pattern()
    depth = 0
    for at, token in enumerate(tokens):
        if token.type == BOUNDARY:
            depth += {Part.IF: 1, Part.END: -1}.get(Part(token.content[len(table.prefix)]), 0)
        if token.type != "inline" or depth or token.level != 1 or tokens[at - 1].type != "paragraph_open":
            continue
        text = "".join(" " if child.type == "softbreak" else child.content for child in token.children or [])
        text = " ".join(text.split())
        if len(text) > 40 and not any_token.search(text):
            return text if len(text) <= LONGEST_PREHEADER else text[:LONGEST_PREHEADER].rsplit(" ", 1)[0]
    return ""


def _open_fields(splitter: Splitter) -> tuple[str, ...]:
    """Return the people's fields that are printed as they are, so that an empty one leaves a hole."""
    names = {slot.value.name for slot in splitter.slots if isinstance(slot.value, Field)}
    return tuple(sorted(name for name in names if name.startswith("person.")))
