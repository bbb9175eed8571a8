"""Give everybody who gets the Journal by email a link of their own, and let it open their copy for a while.

The links leave as a mailing of kind journal, one for each language, through the same ledger as everything else; a copy
is `emailed` from then on, and the ledger knows whether it was taken. A link names one copy, ends on its day, with an
erasure or when the copy is withdrawn, and counts how often it was used. GET changes nothing (D8).
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from balintmail.composing.facts import Reader, Shape, shape_of, written
from balintmail.composing.look import read_words
from balintmail.db import audit, people
from balintmail.db import despatches as rows
from balintmail.db import journal_issues as issue_rows
from balintmail.db.despatches import DespatchRow, JournalCopyRow
from balintmail.db.journal_issues import IssueRow
from balintmail.db.ledger import Addressee
from balintmail.db.mailings import MailingRow
from balintmail.db.models import Person
from balintmail.db.people import PersonEntry
from balintmail.db.session import Tx
from balintmail.domain import tokens
from balintmail.domain.address import parse
from balintmail.domain.despatches import CopyStanding, Doubt, Way
from balintmail.domain.notices import NOTICES, Fact
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import Ground, MailingKind
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.errors import Conflict
from balintmail.services import despatches, files, journal_owed
from balintmail.services.context import Context
from balintmail.services.despatches import Run
from balintmail.services.journal_articles import contents
from balintmail.services.leaving import LinkBroken
from balintmail.services.notice_letters import NoticeLetters
from balintmail.services.one_off import Frozen, release_to
from balintmail.services.reconcile import require_permission
from balintmail.services.surroundings import template_folders

TEMPLATE = "journal_copy"
PATH = "/ecopy/"
MOST_PAPERS = 12  # named in the letter: every row of the ledger carries them
AT_ONCE = 5000  # links of one mailing: one transaction
_LARGEST = 2**63 - 1  # of a row in either database (F9)


@dataclass(frozen=True, slots=True)
class Sent:
    """What was released: a mailing for each language, and how many links; `run` is how the run stands now."""

    mailings: tuple[MailingRow, ...]
    links: int
    run: Run


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link opens. `pdf` is none once it is over."""

    issue: IssueRow
    name: str
    until: datetime | None
    pdf: str | None
    size: int


def waiting(ctx: Context, label: str) -> int:
    """Return how many links wait to be sent; raise Conflict before the freeze, or without a PDF or a public address."""
    with ctx.db.read() as tx:
        issue, held = despatches.of_label(tx, label)
        _require(ctx, issue)
        owed = rows.standing_at(Way.PDF, CopyStanding.OWED)
        return sum(1 for _ in rows.copies(tx, held.id, owed))


def send(ctx: Context, label: str) -> Sent:
    """Release the links of all copies that are owed by email; nothing when they have gone already."""
    require_permission(ctx)
    letters, mailings, links = NoticeLetters(ctx), [], 0
    while True:
        with ctx.db.write() as tx:
            issue, held = despatches.frozen(tx, label)
            _require(ctx, issue)
            despatches.leave_out_the_dead(ctx, tx, held)
            batch, looked_at = _batch(ctx, tx, held)
            released = _release(ctx, tx, letters, issue, batch)
            mailings += released
            links += sum(row.audience for row in released)
            if batch:
                detail = {"journal": issue.label, "mailings": [row.id for row in released]}
                audit.note(tx, "links to the Journal released", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
            despatches.settle(ctx, tx, issue)
        if looked_at < AT_ONCE:
            return Sent(tuple(mailings), links, despatches.report(ctx, label))


def opened(ctx: Context, token: str) -> Opened:
    """Return what a link opens, or that it is over; raise LinkBroken for one that never was."""
    with ctx.db.read() as tx:
        return _opened(ctx, tx, token)[0]


def fetched(ctx: Context, token: str) -> Opened:
    """Return what a link opens as `opened` does, and count that it was used."""
    with ctx.db.write() as tx:
        found, copy = _opened(ctx, tx, token)
        if found.pdf is not None:
            rows.count_opened(tx, copy.id)
        return found


def token_of(ctx: Context, copy: JournalCopyRow) -> str:
    """Return the token of one copy's link; the same copy has the same one."""
    claims = TokenClaims(Purpose.JOURNAL_COPY, person=copy.person_id or 0, delivery=copy.id)
    return tokens.make(claims, ctx.keyring.tokens)


def issue_words(issue: IssueRow) -> str:
    """Return how a journal issue is called beside the Journal's name: `53 (1), 2026`, or its year alone."""
    number = f"({issue.number})" if issue.number else ""
    volume = " ".join(part for part in (issue.volume, number) if part)
    return f"{volume}, {issue.year}" if volume else issue.label


def _require(ctx: Context, issue: IssueRow) -> None:
    if issue.pdf is None:
        hint = f"Add it: balintmail journal edit {issue.label} --pdf FILE"
        raise Conflict(f"The Journal {issue.label} has no PDF to send a link to.", hint=hint)
    if not ctx.settings.society.url:
        raise Conflict("Without [society] url there are no links.", hint="Set it in balintmail.toml.")
    files.path(ctx, issue.pdf)


def _batch(ctx: Context, tx: Tx, held: DespatchRow) -> tuple[list[JournalCopyRow], int]:
    """Return the next copies to send, and how many were looked at.

    Whom mail does not reach any more is left out, and the copy goes to nobody.
    """
    owed = rows.copies(tx, held.id, rows.standing_at(Way.PDF, CopyStanding.OWED))
    found = list(islice(owed, AT_ONCE))
    claims = {copy.person_id: copy.owed_for for copy in found if copy.person_id is not None}
    fresh = {one.person_id: one for one in journal_owed.copies_for(ctx, tx, claims, [Way.PDF])}
    kept = []
    for copy in found:
        one = fresh.get(copy.person_id)  # orders go by post
        if one is not None and one.standing is CopyStanding.OWED:
            kept.append(copy)
        else:
            doubt = one.doubt if one is not None else Doubt.DIED
            rows.move(tx, [copy.id], CopyStanding.NOBODY, {"doubt": doubt}, now=ctx.clock.now())
    return kept, len(found)


def _release(
    ctx: Context, tx: Tx, letters: NoticeLetters, issue: IssueRow, batch: Sequence[JournalCopyRow]
) -> list[MailingRow]:
    now = ctx.clock.now()
    until = now + ctx.settings.journal.link_lasts
    facts = _facts(ctx, tx, issue, until)
    shape = shape_of(NOTICES[TEMPLATE], facts)
    groups: dict[str, list[tuple[JournalCopyRow, PersonEntry]]] = defaultdict(list)
    theirs = {copy.person_id: copy for copy in batch if copy.person_id is not None}
    for entry in people.entries(tx, [Person.id.in_(theirs)]):
        copy = theirs[entry.person.id]
        groups[entry.person.language or issue.language].append((copy, entry))
    released = []
    for language, members in groups.items():
        frozen, reader = _letter(ctx, tx, letters, (language, shape), issue)
        chosen = list(_addressees(ctx, members, facts, reader))
        released.append(release_to(ctx, tx, frozen, [one for _, one in chosen]))
        values = {"mailing_id": released[-1].id, "link_until": until, "doubt": None}
        rows.move(tx, [copy.id for copy, _ in chosen], CopyStanding.EMAILED, values, now=now)
    return released


def _letter(
    ctx: Context, tx: Tx, letters: NoticeLetters, how: tuple[str, Shape], issue: IssueRow
) -> tuple[Frozen, Reader]:
    letter = letters.get(tx, TEMPLATE, None, *how)
    words = read_words(template_folders(ctx), letter.language)
    title = f"{ctx.settings.journal.name} {issue.label}"
    raw, content = letter.compiled.dump(), letter.compiled.content_hash
    frozen = Frozen(None, MailingKind.JOURNAL, title, letter.source, raw, content)
    return frozen, Reader(letter.language, ctx.settings.zone, words)


def _facts(ctx: Context, tx: Tx, issue: IssueRow, until: datetime) -> dict[str, Fact]:
    papers = [
        {"title": paper.title, "authors": ", ".join(author.name for author in authors)}
        for paper, authors in contents(tx, issue.label).papers[:MOST_PAPERS]
    ]
    return {
        "journal": ctx.settings.journal.name,
        "issue": issue_words(issue),
        "theme": issue.title,
        "papers": papers,
        "link_url": "",
        "expires_at": until,
    }


def _addressees(
    ctx: Context, members: Sequence[tuple[JournalCopyRow, PersonEntry]], facts: dict[str, Fact], reader: Reader
) -> Iterator[tuple[JournalCopyRow, Addressee]]:
    """Yield each copy with the row of the ledger that takes its link; what is the same for all is written once."""
    same = written(facts, reader)
    base = ctx.settings.society.url.rstrip("/") + PATH
    for copy, entry in members:
        person, address = entry.person, parse(entry.addresses[0].email)
        mine = {**person.fields, **same, **written({"link_url": base + token_of(ctx, copy)}, reader)}
        data = PersonData(person.name, person.first_name, reader.language, person.member, mine)
        row = Addressee(person.id, address.text, address.envelope, address.key, Ground.REQUESTED, encode(data))
        yield copy, row


def _opened(ctx: Context, tx: Tx, token: str) -> tuple[Opened, JournalCopyRow]:
    claims = tokens.read(token, Purpose.JOURNAL_COPY, ctx.keyring.verifying)
    copy = rows.get(tx, claims.delivery) if claims is not None and claims.delivery <= _LARGEST else None
    issue = issue_rows.of_copy(tx, copy.id) if copy is not None else None
    if claims is None or copy is None or issue is None:
        raise LinkBroken
    over = copy.link_until is None or copy.link_until <= ctx.clock.now()
    pdf = issue.pdf if not over and copy.standing is CopyStanding.EMAILED else None
    size = files.path(ctx, pdf).stat().st_size if pdf else 0
    return Opened(issue, f"{ctx.settings.journal.name} {issue.label}", copy.link_until, pdf, size), copy
