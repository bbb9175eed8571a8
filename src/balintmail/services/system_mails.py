"""Show the system mails of an instance: which there are, whose words are in force, how one reads, where to change it.

It mails nobody and reads facts of nobody: a preview is filled with the invented ones of domain/notices.py. What is
really sent goes through services/notice_mailings.py, with the same letters.
"""

from dataclasses import dataclass
from pathlib import Path

from balintmail.composing.facts import Reader, shape_of, written
from balintmail.composing.look import read_words
from balintmail.composing.merge import Merger
from balintmail.db import lists as list_rows
from balintmail.db import officers
from balintmail.db.lists import MailingListRow
from balintmail.db.session import Tx
from balintmail.domain.notices import NOTICES, NoticeKind
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.domain.states import MailingKind
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.resources import templates_folder
from balintmail.services import lists, surroundings
from balintmail.services.context import Context
from balintmail.services.letters import Preview
from balintmail.services.notice_letters import OWN, compile_notice, letter_of, letters_in

_FOLDER = "emails"


@dataclass(frozen=True, slots=True)
class SystemMail:
    """One system mail: the languages it is written in, and the instance's own files that come before the shipped."""

    name: str
    to: str
    languages: tuple[str, ...]
    own: tuple[str, ...]  # below templates/emails/, such as `welcome/letter.de.md`


def every(ctx: Context) -> list[SystemMail]:
    """Return all system mails in the order in which a reader meets them."""
    return [_described(ctx, name, kind) for name, kind in NOTICES.items()]


def _described(ctx: Context, name: str, kind: NoticeKind) -> SystemMail:
    shipped = letters_in(templates_folder(), name)
    own = letters_in(_own_folder(ctx), name)
    tags = {tag for path, tag in (*shipped, *own)}
    languages = tuple(sorted(tags, key=lambda tag: (tag != OWN, tag)))
    root = _own_folder(ctx) / _FOLDER
    files = tuple(str(path.relative_to(root)) for path, _ in own)
    return SystemMail(name, "the Secretary" if kind.officers else "a reader", languages, files)


def preview(ctx: Context, name: str, *, language: str = "", list_slug: str = "") -> Preview:
    """Return a system mail as the Secretary would get it, were they the reader, with invented facts.

    `language` "" is the list's, or the society's first. Raises NotFound for a mail or list that there is none of, and
    LetterError or TemplateError naming file and line for what is wrong in the instance's own.
    """
    kind = _kind(name)
    with ctx.db.read() as tx:
        mailing_list = _list_for(tx, kind, list_slug)
        around = surroundings.gather(ctx, tx, mailing_list, kind=MailingKind.NOTICE)
        secretary = officers.secretary(tx)
    if secretary is None:
        raise NotFound("There is no Secretary to preview for.", hint="Run: balintmail officers appoint secretary WHO")
    usual = mailing_list.language if mailing_list else ctx.settings.society.languages[0]
    slug = mailing_list.slug if mailing_list else ""
    letter = letter_of(around.templates, name, language=language or usual, list_slug=slug)
    if language and letter.language.partition("-")[0] != language.lower().partition("-")[0]:
        raise NotFound(
            f'There is no "{name}" in the language "{language[:20]}".',
            hint=f"To write one: balintmail templates copy {name} --language TAG",
        )
    merger = Merger(compile_notice(letter, around, name, shape_of(kind, kind.facts)), ctx.keyring)
    reader = Reader(letter.language, around.zone, read_words(around.templates, letter.language))
    shown_name = "" if kind.strangers else secretary.name
    first_name = shown_name.partition(" ")[0]
    data = PersonData(shown_name, first_name, letter.language, fields=dict(written(kind.facts, reader)))
    list_id = mailing_list.id if mailing_list else 0
    recipient = Recipient(0, secretary.person_id, list_id, secretary.address, secretary.envelope, data)
    return Preview(
        name=f"{name}-{letter.language}",
        subject=merger.subject(recipient),
        to=recipient.address,
        html=merger.html(recipient),
        text=merger.text(recipient),
        message=merger.compose(recipient).data,
    )


def copy(ctx: Context, name: str, *, language: str = "", list_slug: str = "") -> Path:
    """Copy the letter in force into the instance, to be edited there, and return its path; never overwrites a file.

    `language` may be one that nothing is shipped in: then the English one is the beginning.
    """
    kind = _kind(name)
    with ctx.db.read() as tx:
        slug = lists.named(tx, list_slug).slug if list_slug else ""
        mailing_list = _list_for(tx, kind, list_slug)
    usual = mailing_list.language if mailing_list else ctx.settings.society.languages[0]
    tag = (language or usual).lower()
    if not tag.replace("-", "").isalnum():
        raise UsageRefused(f'"{language[:40]}" is no language.', hint="Write it like this: --language de")
    letter = letter_of(surroundings.template_folders(ctx), name, language=tag, list_slug=slug)
    folder = _own_folder(ctx) / _FOLDER / name / slug if slug else _own_folder(ctx) / _FOLDER / name
    path = folder / ("letter.md" if tag == OWN else f"letter.{tag}.md")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(letter.source)
    except FileExistsError as exc:
        raise Conflict(f"There is {path} already; it was left as it is.", hint="Edit that file.") from exc
    return path


def _kind(name: str) -> NoticeKind:
    kind = NOTICES.get(name)
    if kind is None:
        raise NotFound(f'There is no system mail "{name[:60]}".', hint="See: balintmail templates list")
    return kind


def _list_for(tx: Tx, kind: NoticeKind, list_slug: str) -> MailingListRow | None:
    """Return the list that a mail speaks of; most mails to the Secretary speak of none."""
    if list_slug:
        return lists.named(tx, list_slug)
    return list_rows.default_list(tx) if kind.leavable or (kind.strangers and "lists" in kind.facts) else None


def _own_folder(ctx: Context) -> Path:
    return ctx.folder / "templates"
