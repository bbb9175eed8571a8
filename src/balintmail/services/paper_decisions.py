"""What becomes of a paper: readers are asked, advice comes in, it is accepted or declined, and goes into a Journal.

Authors are told of every decision; readers and the Secretary are reminded of what is late. An accepted author comes on
the register, so that the Journal owes them a copy. Which state may follow which: domain/papers.py.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from balintmail.db import addresses as address_rows
from balintmail.db import audit, papers, people
from balintmail.db.papers import PaperRow, ReaderRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain import hygiene, names, tokens
from balintmail.domain.notices import Fact, Row
from balintmail.domain.papers import OPEN, PaperState, may_become
from balintmail.domain.states import Ground
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.errors import Conflict
from balintmail.services import journal_articles, notices, paper_links
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import named as journal_named
from balintmail.services.notices import To, Waiting
from balintmail.services.papers import named

LONGEST_REASON, LONGEST_ADVICE = 4000, 20_000  # characters
CHASE_EVERY = timedelta(days=7)
_TOLD = {PaperState.IN_REVIEW, PaperState.ACCEPTED, PaperState.DECLINED, PaperState.IN_JOURNAL}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is decided. `reason` is told to the author, `note` to nobody; `journal` is the label of a journal issue."""

    state: PaperState
    reason: str = ""
    note: str = ""
    journal: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader's link leads to."""

    paper: PaperRow
    reader: ReaderRow


def decide(ctx: Context, number: str, verdict: Verdict) -> PaperRow:
    """Bring a paper into another state and tell its author.

    Raises NotFound, Conflict where that state may not follow, TextRefused. Into a journal issue it goes as one of its
    papers, unless one of the same title is there already.
    """
    reason = hygiene.paragraphs(verdict.reason, what="the reason", longest=LONGEST_REASON)
    note = hygiene.paragraphs(verdict.note, what="the note", longest=LONGEST_REASON)
    if verdict.state is PaperState.IN_JOURNAL:
        _into_journal(ctx, number, verdict.journal)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        paper = named(tx, number)
        _require(paper, verdict.state)
        values: dict[str, object] = {"decided_at": now, "decided_by": ctx.actor, "reason": reason, "note": note}
        values["due_on"] = paper.due_on if verdict.state in OPEN else None
        if verdict.state is PaperState.IN_JOURNAL:
            values["journal_issue_id"] = journal_named(tx, verdict.journal).id
        elif paper.state is PaperState.IN_JOURNAL:
            values["journal_issue_id"] = None
        if verdict.state is PaperState.ACCEPTED:
            values["person_id"] = paper.person_id or _enter_author(ctx, tx, paper)
        if not papers.become(tx, paper, verdict.state, values):
            raise Conflict(f"Paper {number} was decided by somebody else in this moment.", hint="Look at it again.")
        papers.note(tx, paper.id, verdict.state.value, actor=ctx.actor, now=now, remark=reason)
        audit.note(tx, "paper decided", actor=ctx.actor, now=now, detail={"paper": number, "state": verdict.state})
        found = named(tx, number)
        if verdict.state in _TOLD and paper.state is not PaperState.IN_JOURNAL:
            _tell_author(ctx, tx, found, verdict)
        return found


def assign(ctx: Context, number: str, who: str, *, due_on: date | None = None) -> ReaderRow:
    """Ask somebody on the register to read a paper, and mail them where it is; a paper received is then in review.

    Raises NotFound, SharedAddress, Conflict for a paper that is decided, for an author, and for somebody without an
    address.
    """
    now, today = ctx.clock.now(), _today(ctx)
    with ctx.db.write() as tx:
        paper = named(tx, number)
        if paper.state not in OPEN:
            raise Conflict(f"Paper {number} is {_said(paper.state)}: nobody needs to read it any more.")
        person = register.find_one(tx, who)
        if person.id == paper.person_id:
            raise Conflict("That is who sent it in; an author does not judge the paper.")
        if notices.to_person(tx, person.id) is None:
            hint = f"Give them one first: balintmail people edit {person.id} --add-address ADDRESS"
            raise Conflict(f"Person {person.id} has no address, and a reader is written to.", hint=hint)
        day = due_on or today + ctx.settings.papers.read_within
        if day < today:
            raise Conflict(f"{day.isoformat()} is over already.", hint="Give a day to come: --due YYYY-MM-DD")
        reader = papers.reader(tx, papers.ask(tx, paper.id, person.id, day, now=now))
        if reader is None:
            raise AssertionError("a row that was just written is there")
        if paper.state is PaperState.RECEIVED:
            papers.become(tx, paper, PaperState.IN_REVIEW, {})
        papers.note(tx, paper.id, "asked a reader", actor=ctx.actor, now=now, remark=f"person {person.id}")
        _ask_reader(ctx, tx, paper, reader, reminds=False)
    return reader


def of_reader(ctx: Context, token: str) -> Reading | None:
    """Return what a reader's link leads to; None for a link that is none, or a paper that is decided or erased."""
    claims = tokens.read(token, Purpose.PAPER, ctx.keyring.verifying)
    if claims is None or claims.delivery >= 2**63:
        return None
    with ctx.db.read() as tx:
        reader = papers.reader(tx, claims.delivery)
        if reader is None or reader.person_id != claims.person or _stamp(reader) != claims.list:
            return None
        paper = papers.by_id(tx, reader.paper_id)
        if paper is None or paper.state not in OPEN or not paper.email:
            return None
        return Reading(paper, reader)


def advise(ctx: Context, token: str, advice: str) -> Reading | None:
    """Take a reader's advice and tell the Secretary; None as `of_reader` says; raise TextRefused. It may be changed."""
    found = of_reader(ctx, token)
    if found is None:
        return None
    text = hygiene.paragraphs(advice, what="the advice", longest=LONGEST_ADVICE)
    if not text:
        raise hygiene.TextRefused("the advice", "it is empty")
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        if text != found.reader.advice:
            papers.advise(tx, found.reader.id, text, now=now)
            papers.note(tx, found.paper.id, "advised", actor=f"person {found.reader.person_id}", now=now)
            _tell_secretary(ctx, tx, found, text)
    return found


def reader_token(ctx: Context, reader: ReaderRow) -> str:
    """Return the token with which one reader reads one paper."""
    claims = TokenClaims(Purpose.PAPER, person=reader.person_id, list=_stamp(reader), delivery=reader.id)
    return tokens.make(claims, ctx.keyring.tokens)


def chase(ctx: Context) -> None:
    """Remind readers whose day is over, and tell the Secretary of papers that wait too long; each once a week."""
    now, today = ctx.clock.now(), _today(ctx)
    before = now - CHASE_EVERY
    with ctx.db.read() as tx:
        if not papers.late(tx, today, chased_before=before) and not papers.late_readers(
            tx, today, chased_before=before
        ):
            return
    with ctx.db.write() as tx:
        late = papers.late(tx, today, chased_before=before)
        readers = papers.late_readers(tx, today, chased_before=before)
        for reader in readers:
            paper = papers.by_id(tx, reader.paper_id)
            if paper is not None:
                _ask_reader(ctx, tx, paper, reader, reminds=True)
        to = notices.to_secretary(tx)
        if late and to is not None:
            rows: list[Row] = [
                {"number": one.number, "title": one.title, "due_on": one.due_on or today} for one in late[:50]
            ]
            facts: dict[str, Fact] = {"count": len(late), "papers": rows}
            waiting = Waiting(template="papers_late", to=to, ground=Ground.OFFICER, facts=facts, key="papers late")
            notices.put(ctx, tx, waiting)
        papers.chased(tx, [one.id for one in late], [one.id for one in readers], now=now)


def _into_journal(ctx: Context, number: str, label: str) -> None:
    """Let a paper stand in a journal issue with its author linked, so that the despatch owes them a copy."""
    with ctx.db.read() as tx:
        paper = named(tx, number)
        _require(paper, PaperState.IN_JOURNAL)
        found = journal_articles.contents(tx, label)
    if any(one.title.casefold() == paper.title.casefold() for one, _ in found.papers):
        return
    own = _bare(paper.name)
    authors = [
        f"{line} <{paper.person_id}>" if paper.person_id and _bare(line) == own else line.replace("<", "(")
        for line in paper.authors.split("\n")
    ]
    journal_articles.add(
        ctx, label, ArticleChanges(title=paper.title, authors=tuple(authors), abstract=paper.abstract or None)
    )


def _bare(name: str) -> str:
    """Return a name without its titles and marks, to see whether two lines mean the same author."""
    words = [word.strip(".,").casefold() for word in name.split()]
    return " ".join(word for word in words if word not in {"dr", "prof", "professor", "md", "phd"})


def _require(paper: PaperRow, state: PaperState) -> None:
    if not may_become(paper.state, state):
        raise Conflict(f"Paper {paper.number} is {_said(paper.state)} and cannot become {_said(state)}.")


def _enter_author(ctx: Context, tx: Tx, paper: PaperRow) -> int:
    """Put an author on the register, on no list."""
    now = ctx.clock.now()
    people.lock(tx)
    known = people.at_address(tx, paper.address_key)
    if known:
        return known[0].id
    address = parsing.parse(paper.email)
    register.refuse_erased(ctx, tx, address.key, None)
    values = {"name": paper.name, "first_name": names.first_name(paper.name), "language": paper.language}
    person = people.insert(tx, values, now=now)
    address_rows.link(tx, person, address_rows.ensure(tx, address, now=now))
    audit.note_person(tx, person, "entered as an author", actor=ctx.actor, now=now, detail={"paper": paper.number})
    return person


def _tell_author(ctx: Context, tx: Tx, paper: PaperRow, verdict: Verdict) -> None:
    to = To(address=parsing.parse(paper.email), person=paper.person_id, name=paper.name, language=paper.language)
    facts: dict[str, Fact] = {
        "number": paper.number,
        "title": paper.title,
        "state": verdict.state.value,
        "reason": paper.reason,
        "journal": verdict.journal,
    }
    key = f"paper {paper.number} decided"
    waiting = Waiting(template="paper_decided", to=to, ground=Ground.REQUESTED, facts=facts, key=key)
    notices.put(ctx, tx, waiting)


def _ask_reader(ctx: Context, tx: Tx, paper: PaperRow, reader: ReaderRow, *, reminds: bool) -> None:
    to, site = notices.to_person(tx, reader.person_id), ctx.settings.society.url
    if to is None:
        return
    facts: dict[str, Fact] = {
        "number": paper.number,
        "title": paper.title,
        "due_on": reader.due_on,
        "reminds": reminds,
        "read_url": f"{site}/papers/{reader_token(ctx, reader)}" if site else "",
    }
    key = f"paper {paper.number} reader {reader.person_id}"
    notices.put(ctx, tx, Waiting(template="paper_reader", to=to, ground=Ground.REQUESTED, facts=facts, key=key))


def _tell_secretary(ctx: Context, tx: Tx, found: Reading, advice: str) -> None:
    to, person = notices.to_secretary(tx), people.get(tx, found.reader.person_id)
    if to is None or person is None:
        return
    facts: dict[str, Fact] = {
        "about": "advice",
        "number": found.paper.number,
        "title": found.paper.title,
        "name": person.name,
        "address": "",
        "files": 0,
        "due_on": found.paper.due_on or _today(ctx),
        "advice": advice[:4000],
        **paper_links.decide(ctx, found.paper, to.person),
    }
    key = f"paper {found.paper.number} advice {found.reader.id}"
    notices.put(ctx, tx, Waiting(template="paper_news", to=to, ground=Ground.OFFICER, facts=facts, key=key))


def _said(state: PaperState) -> str:
    return state.value.replace("_", " ")


def _today(ctx: Context) -> date:
    return ctx.clock.now().astimezone(ctx.settings.zone).date()


def _stamp(reader: ReaderRow) -> int:
    return (reader.asked_at - _EPOCH) // timedelta(microseconds=1)
