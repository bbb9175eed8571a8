"""Keep newsletters that officers mail in as drafts, check them, and mail back what was found, a preview and a link.

    came to the address for drafts, From an officer's address ──► draft ──► read in a process of its own ──► checked
      ──► the Secretary gets the findings, a preview and the link that releases it; an editor the same without the link

A From proves nothing, so all that such a mail can do is to have one letter written to the Secretary, and so many in a
day. Nothing is sent from here: the page behind the link does it (services/draft_release.py), with the same checks.
"""

import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import InterfaceError, OperationalError

from balintmail.composing import article
from balintmail.composing.frontmatter import read_front_matter
from balintmail.composing.letter import KEYS
from balintmail.composing.lint import Finding, Level
from balintmail.config import BounceStyle, Settings
from balintmail.db import drafts, lists, mailings, meta, officers, people
from balintmail.db.drafts import DraftRow
from balintmail.db.lists import MailingListRow
from balintmail.db.session import Tx
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.inbox import WAITS, Done, Inbound
from balintmail.domain.notices import Fact, Row, Word
from balintmail.domain.states import Ground, InboundState, MailingKind, Role
from balintmail.domain.tokens import Purpose, TokenClaims, make
from balintmail.errors import BalintmailError, Conflict
from balintmail.receiving.draft import DraftReader, Mailed
from balintmail.receiving.event import Event
from balintmail.services import checking, draft_files, letters, notices
from balintmail.services.checking import Report
from balintmail.services.context import Context
from balintmail.services.notices import Waiting

KEPT = timedelta(days=30)
MOST_A_DAY = 20  # drafts in one officer's name
MOST_AT_ONCE = 3  # of which none takes longer than some seconds: nothing else is read or sent meanwhile
MOST_ATTEMPTS = 3  # to check one draft, when each time the whole process ended over it, or beside it
# A long newsletter has 40,000 characters in 800 lines; what is hostile takes seconds to check even within these.
LONGEST, MOST_LINES = 60_000, 4000
MOST_FINDINGS = 30
MOST_PARAGRAPHS, LONGEST_PREVIEW = 40, 8000  # of the preview in the mail; all of it is on the page
WRITERS = (Role.SECRETARY, Role.EDITOR)
LOG = logging.getLogger("balintmail.drafts")
_DAY = timedelta(days=1)
_BEGUN = "draft_begun "  # the fact that counts the attempts, before the draft's number
_EMPTY = re.compile(r"(?:title|number|slug):[ \t]*(?:\"\"|'')?[ \t]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def addresses_for_drafts(settings: Settings) -> frozenset[str]:
    """Return the keys of the addresses whose mail is a draft: those that are set, and the bounce address's own."""
    found = [one.drafts for one in settings.inbox.values() if one.drafts]
    local, _, domain = settings.bounces.address.rpartition("@")
    if domain and settings.bounces.style is BounceStyle.PLUS:
        found.append(f"{local}+draft@{domain}")
    elif domain and settings.bounces.style is BounceStyle.CATCHALL:
        found.append(f"draft@{domain}")
    return frozenset(filter(None, map(_key, found)))


def concerns(ctx: Context, tx: Tx, message: Inbound, event: Event) -> bool:
    """Say whether a message came to an address for drafts in the name of somebody who may write newsletters."""
    wanted = addresses_for_drafts(ctx.settings)
    if not wanted.intersection(map(_key, message.to)):
        return False
    return _officer(tx, event.sender) is not None


def keep(ctx: Context, tx: Tx, message: Inbound, event: Event) -> Done:
    """Keep a draft; it is read and checked when the post is done with (`answer_waiting`)."""
    officer, now = _officer(tx, event.sender), ctx.clock.now()
    if officer is None:
        return WAITS
    if drafts.made_since(tx, officer, now - _DAY) >= MOST_A_DAY:
        return replace(WAITS, remark=f"more than {MOST_A_DAY} drafts in one name in a day", person=officer)
    number = drafts.add(tx, DraftRow(0, None, officer, message.id, "", now, now + KEPT))
    return Done(InboundState.DONE, f"draft {number} of a newsletter", officer)


def answer_waiting(ctx: Context) -> int:
    """Read and check some of the drafts that came in, and put what was found to their officers; return how many."""
    with ctx.db.read() as tx:
        waiting = drafts.unread(tx)[:MOST_AT_ONCE]
    if not waiting:
        return 0
    with DraftReader() as reader:
        for row in waiting:
            _answer(ctx, row, _found(ctx, row, reader))
    return len(waiting)


def tidy(ctx: Context) -> None:
    """Empty the drafts that nobody released in time."""
    with ctx.db.read() as tx:
        if not drafts.any_expired(tx, ctx.clock.now()):
            return
    with ctx.db.write() as tx:
        drafts.forget(tx, ctx.clock.now())


def release_token(ctx: Context, row: DraftRow, officer: int) -> str:
    """Return the token with which one officer releases one draft, and nobody else any other."""
    claims = TokenClaims(Purpose.RELEASE, person=officer, list=stamp(row), delivery=row.id)
    return make(claims, ctx.keyring.tokens)


def stamp(row: DraftRow) -> int:
    """Return what tells a draft from a later one of the same number."""
    return (row.created_at - _EPOCH) // timedelta(microseconds=1)


def _officer(tx: Tx, sender: str) -> int | None:
    """Return the officer whose address a From gives, none for anybody else."""
    key = _key(sender)
    living = people.at_address(tx, key) if key else []
    return next((one.id for one in living if set(WRITERS) & set(officers.roles(tx, one.id))), None)


def _found(ctx: Context, row: DraftRow, reader: DraftReader) -> Mailed:
    """Return what is in a draft's mail, and put down that looking at it has begun."""
    key = f"{_BEGUN}{row.id}"
    with ctx.db.write() as tx:
        begun = int(meta.fact(tx, key) or 0)
        meta.put(tx, key, str(begun + 1))
        raw, size = drafts.raw(tx, row.inbound_id)
    if begun >= MOST_ATTEMPTS:
        return Mailed(why=f"checking it was begun {begun} times and never finished")
    if raw is None:
        return Mailed(why="the mail is not here any more")
    if size > len(raw):
        return Mailed(why=f"the mail has {size:,} octets, and was not taken in whole")
    return reader.read(raw)


def _answer(ctx: Context, row: DraftRow, found: Mailed) -> None:
    """Check one draft and put it to the Secretary; what cannot be read ends it, with the reason."""
    now = ctx.clock.now()
    facts, source, of = _unreadable(found.why), "", None
    if not found.why:
        try:
            source, of = _source(ctx, found)
            with draft_files.laid_out(replace(row, source=source), found.files) as path:
                facts = _facts(ctx, path)
        except BalintmailError as exc:
            facts, source = _unreadable(exc.message.rstrip(".")), ""
        except (OperationalError, InterfaceError):
            raise  # the database's own trouble: the next run does it
        except Exception as exc:  # a letter that nobody foresaw must not stop the post for everybody
            LOG.error("draft %d could not be checked: %s", row.id, type(exc).__name__)
            facts, source = _unreadable("checking it failed"), ""
    with ctx.db.write() as tx:
        meta.drop(tx, f"{_BEGUN}{row.id}")
        done = drafts.fill(tx, row.id, source=source, list_id=of) if source else drafts.close(tx, row.id, now=now)
        if done:
            _tell(ctx, tx, row, facts)


def _source(ctx: Context, found: Mailed) -> tuple[str, int | None]:
    """Return the letter with its settings, and its list; title and number are added where they are missing."""
    if len(found.text) > LONGEST or found.text.count("\n") > MOST_LINES:
        raise Conflict(f"it has more than {LONGEST:,} characters or {MOST_LINES:,} lines.")
    text = found.text if found.has_front_matter else f"---\n---\n\n{found.text}"
    entries = read_front_matter(text, letters.NEWSLETTER_FILE, KEYS).entries
    named = entries["list"].text or "" if "list" in entries else ""
    with ctx.db.read() as tx:
        of = next((one for one in lists.every(tx) if one.slug == named.strip()), None) or lists.default_list(tx)
        number = letters.next_number(_sent(tx, of)) if of is not None else 1
    added = []
    if "title" not in entries and found.subject:
        added.append(letters.front_line("title", found.subject))
    if not {"number", "slug"} & set(entries):
        added.append(letters.front_line("number", number))
    head, _, rest = text.partition("\n")
    return "\n".join([head, *added, _without_empty(rest)]), of.id if of is not None else None


def _without_empty(rest: str) -> str:
    """Return a letter without the settings in its front matter that say nothing, whose value is added instead."""
    lines = rest.split("\n")
    end = next((number for number, line in enumerate(lines) if line.rstrip() in {"---", "..."}), 0)
    return "\n".join([line for line in lines[:end] if not _EMPTY.fullmatch(line)] + lines[end:])


def _sent(tx: Tx, of: MailingListRow | None) -> list[mailings.MailingRow]:
    return [
        row
        for row in mailings.every(tx)
        if of is not None and row.list == of.slug and row.kind is MailingKind.NEWSLETTER and row.number
    ]


def _facts(ctx: Context, path: Path) -> dict[str, Fact]:
    """Return what the mail says of a letter: what the check found, whom it reaches, how it begins."""
    report = checking.check(ctx, path)
    level = [sum(one.level is each for one in report.findings) for each in (Level.STOP, Level.WARN)]
    shown = [one for one in report.findings if one.level is not Level.NOTE][:MOST_FINDINGS]
    paragraphs, cut = _preview(ctx, report)
    of, letter = report.mailing_list, report.letter
    return {
        "why": "",
        "title": letter.title if letter else "",
        "label": f"{of.slug}/{letter.number}" if of and letter else "",
        "list": of.name if of else "",
        "reaches": report.counts.reached if report.counts else 0,
        "stops": level[0],
        "stopped": level[0] > 0,
        "warnings": level[1],
        "findings": [_finding(one) for one in shown],
        "lines": [{"text": one} for one in paragraphs],
        "cut": cut,
    }


def _unreadable(why: str) -> dict[str, Fact]:
    numbers: dict[str, Fact] = {"reaches": 0, "stops": 0, "stopped": False, "warnings": 0}
    return {"why": why, "title": "", "label": "", "list": "", **numbers, "findings": [], "lines": [], "cut": False}


def _finding(one: Finding) -> Row:
    return {
        "level": Word(f"finding_{one.level.value}"),
        "line": str(one.line) if one.line else "",
        "message": one.message,
    }


def _preview(ctx: Context, report: Report) -> tuple[list[str], bool]:
    """Return the paragraphs of the letter as the Secretary would get it, and whether there are more.

    Its own words alone: what stands round them has links that are good for one reader, and editors get this, too.
    """
    if report.compiled is None or report.mailing_list is None:
        return [], False
    try:
        with ctx.db.read() as tx:
            reader = letters.reader(tx, report.mailing_list)
        text = article.text_of(report.compiled, reader.data)
    except BalintmailError:
        return [], False
    every = [" ".join(line.split()) for line in text.split("\n") if line.strip()]
    kept: list[str] = []
    for one in every[:MOST_PARAGRAPHS]:
        if sum(map(len, kept)) + len(one) > LONGEST_PREVIEW:
            break
        kept.append(one)
    return kept, len(kept) < len(every)


def _tell(ctx: Context, tx: Tx, row: DraftRow, facts: dict[str, Fact]) -> None:
    """Put the findings to the Secretary, with the link; an editor gets them too, without it."""
    secretary, site = notices.to_secretary(tx), ctx.settings.society.url
    writer = people.get(tx, row.officer_id)
    said: dict[str, Fact] = {**facts, "number": row.id, "received_at": row.created_at, "expires_at": row.expires_at}
    if secretary is not None and secretary.person is not None:
        own = secretary.person == row.officer_id
        url = f"{site}/release/{release_token(ctx, row, secretary.person)}" if site and not facts["why"] else ""
        by = "" if own or writer is None else writer.name or str(writer.id)
        mine: dict[str, Fact] = {**said, "by": by, "release_url": url, "releases": True}
        notices.put(ctx, tx, Waiting(template="draft", to=secretary, ground=Ground.OFFICER, facts=mine))
        if own:
            return
    to = notices.to_person(tx, row.officer_id)
    if to is not None and Role.EDITOR in officers.roles(tx, row.officer_id):
        theirs: dict[str, Fact] = {**said, "by": "", "release_url": "", "releases": False}
        notices.put(ctx, tx, Waiting(template="draft", to=to, ground=Ground.OFFICER, facts=theirs))


def _key(address: str) -> str:
    try:
        return parse(address).key
    except AddressRefused:
        return ""
