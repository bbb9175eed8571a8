"""Take papers for the Journal: every field and file checked, kept by hash, answered with a receipt that has a number.

    form or command ──► checked ──► files/ ──► row and receipt in one transaction ──► the Secretary hears of it

Nothing that a stranger typed stands in the receipt, since its address proves nothing. What becomes of a paper:
services/paper_decisions.py. Its files are never opened here, and never lie where anything is served.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from balintmail.db import audit, papers, people, throttles
from balintmail.db.papers import EventRow, FileRow, PaperRow, ReaderRow
from balintmail.db.session import Tx
from balintmail.domain import address as addresses
from balintmail.domain import hygiene
from balintmail.domain.file_names import another_name, safe_name
from balintmail.domain.notices import Fact
from balintmail.domain.papers import (
    LARGEST_ALL,
    LARGEST_FILE,
    LONGEST_ABSTRACT,
    LONGEST_AUTHORS,
    LONGEST_MESSAGE,
    LONGEST_NAME,
    LONGEST_TITLE,
    MOST_FILES,
    PaperRefused,
    Problem,
    after,
    number_of,
)
from balintmail.domain.states import Ground
from balintmail.errors import NotFound
from balintmail.receiving.examiner import Examiner
from balintmail.receiving.upload import PAPERS, WORDS, Kind, UploadRefused, Why
from balintmail.services import files as store
from balintmail.services import notices, paper_links
from balintmail.services.context import Context
from balintmail.services.notices import To, Waiting

MOST_A_DAY = 5  # papers from one address
MOST_AN_HOUR_NEAR = 10  # from one network
MOST_AN_HOUR = 60
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_TRIES = 5  # two that come in the same instant want the same number


@dataclass(frozen=True, slots=True)
class Given:
    """One file as it was given; its name proves nothing."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What somebody sends in. `authors` is one a line; `network` is where a form came from."""

    title: str
    address: str
    name: str
    authors: str = ""
    abstract: str = ""
    message: str = ""
    language: str = ""
    files: Sequence[Given] = ()
    agreed: bool = True
    door: str = "form"
    network: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """What became of it; `again` says that the very same had come already."""

    number: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A paper with all that belongs to it."""

    paper: PaperRow
    files: tuple[FileRow, ...]
    readers: tuple[ReaderRow, ...]
    events: tuple[EventRow, ...]


@dataclass(frozen=True, slots=True)
class _Clean:
    values: dict[str, str]
    address: addresses.Address
    kinds: tuple[Kind, ...] = ()
    names: tuple[str, ...] = field(default=())


def send_in(ctx: Context, sent: Sent) -> Received:
    """Take a paper; raise PaperRefused with what is wrong of each field, and nothing is kept then."""
    clean = _checked(sent)
    kept = [store.store(ctx, one.content, longest=LARGEST_FILE) for one in sent.files]
    rows = [
        FileRow(place, name, kind.media_type, one.size, one.digest)
        for place, (name, kind, one) in enumerate(zip(clean.names, clean.kinds, kept, strict=True), 1)
    ]
    try:
        return _entered(ctx, sent, clean, rows)
    except PaperRefused:
        store.discard(ctx, [one.digest for one in kept])
        raise


def whole(ctx: Context, number: str) -> Whole:
    """Return a paper with everything; raise NotFound."""
    with ctx.db.read() as tx:
        return gathered(tx, named(tx, number))


def gathered(tx: Tx, paper: PaperRow) -> Whole:
    """Return what belongs to a paper."""
    return Whole(
        paper,
        tuple(papers.files(tx, paper.id)),
        tuple(papers.readers(tx, paper.id)),
        tuple(papers.events(tx, paper.id)),
    )


def named(tx: Tx, number: str) -> PaperRow:
    """Return the paper of a number; raise NotFound."""
    found = papers.by_number(tx, number.strip()) if len(number) < 40 and "\0" not in number else None
    if found is None:
        raise NotFound(f"There is no paper {number:.40}.", hint="See: balintmail papers list --all")
    return found


def _entered(ctx: Context, sent: Sent, clean: _Clean, rows: list[FileRow]) -> Received:
    """Write the paper down under the next free number."""
    for left in range(_TRIES, 0, -1):
        try:
            with ctx.db.write() as tx:
                return _enter(ctx, tx, sent, clean, rows)
        except IntegrityError:
            if left == 1:
                raise
    raise AssertionError("the last try raises")


def _enter(ctx: Context, tx: Tx, sent: Sent, clean: _Clean, rows: list[FileRow]) -> Received:
    now, key = ctx.clock.now(), clean.address.key
    today = papers.of_address_since(tx, key, now - _DAY)
    digests = [one.digest for one in rows]
    for earlier in today:
        same = [one.digest for one in papers.files(tx, earlier.id)] == digests
        if same and earlier.title == clean.values["title"]:
            return Received(earlier.number, again=True)
    if sent.door == "form":
        _hold_back_floods(ctx, tx, sent, len(today))
    day = now.astimezone(ctx.settings.zone).date()
    number = number_of(day.year, after(papers.last_number(tx, day.year)))
    person = next(iter(people.at_address(tx, key)), None)
    values: dict[str, Any] = {
        **clean.values,
        "number": number,
        "email": clean.address.text,
        "envelope": clean.address.envelope,
        "address_key": key,
        "person_id": person.id if person else None,
        "language": sent.language or ctx.settings.society.languages[0],
        "door": sent.door,
        "received_at": now,
        "due_on": day + ctx.settings.papers.decide_within,
    }
    paper = papers.add(tx, values, rows)
    papers.note(tx, paper, "received", actor=ctx.actor, now=now)
    audit.note(tx, "paper received", actor=ctx.actor, now=now, detail={"paper": number})
    found = papers.by_id(tx, paper)
    if found is not None:
        _tell(ctx, tx, found, clean.address, len(rows))
    return Received(number)


def _hold_back_floods(ctx: Context, tx: Tx, sent: Sent, today: int) -> None:
    """Refuse what is too much in a day from an address, or in an hour from a network or in all."""
    now = ctx.clock.now()
    counted = [("papers", MOST_AN_HOUR)] + ([(f"papers {sent.network}", MOST_AN_HOUR_NEAR)] if sent.network else [])
    over = today >= MOST_A_DAY
    for what, most in counted:
        key = ctx.keyring.address_hash(f"\ncap {what}")
        throttles.add(tx, key, now=now)
        over = over or throttles.pace(tx, key, now=now) > most
    if over:
        words = "Too many papers have come from there today; write to the Secretary."
        raise PaperRefused({"files": Problem("too_many", words)})


def _tell(ctx: Context, tx: Tx, paper: PaperRow, address: addresses.Address, files: int) -> None:
    """Send the receipt, which holds nothing that was typed, and tell the Secretary."""
    to = To(address=address, person=paper.person_id, language=paper.language)
    facts: dict[str, Fact] = {"number": paper.number, "received_at": paper.received_at}
    key = f"paper {paper.number}"
    notices.put(ctx, tx, Waiting(template="paper_received", to=to, ground=Ground.REQUESTED, facts=facts, key=key))
    officer = notices.to_secretary(tx)
    if officer is None:
        return
    told: dict[str, Fact] = {
        "about": "received",
        "number": paper.number,
        "title": paper.title,
        "name": paper.name,
        "address": paper.email,
        "files": files,
        "due_on": paper.due_on or paper.received_at.date(),
        "advice": "",
        **paper_links.decide(ctx, paper, officer.person),
    }
    waiting = Waiting(template="paper_news", to=officer, ground=Ground.OFFICER, facts=told, key=f"{key} news")
    notices.put(ctx, tx, waiting)


def _checked(sent: Sent) -> _Clean:
    """Return everything clean; raise PaperRefused with all that is wrong."""
    problems: dict[str, Problem] = {}
    values = {
        "title": _line(sent.title, "title", "The title", LONGEST_TITLE, problems),
        "name": _line(sent.name, "name", "The name", LONGEST_NAME, problems),
    }
    address = None
    try:
        address = addresses.parse(sent.address)
    except addresses.AddressRefused as exc:
        problems["address"] = Problem("address", f"The address cannot be mailed to: {exc.reason}.")
    for name, what, longest in (
        ("authors", "the authors", LONGEST_AUTHORS),
        ("abstract", "the abstract", LONGEST_ABSTRACT),
        ("message", "the message", LONGEST_MESSAGE),
    ):
        values[name] = _paragraphs(str(getattr(sent, name)), name, what, longest, problems)
    values["authors"] = "\n".join(filter(None, (one.strip() for one in values["authors"].split("\n"))))
    values["authors"] = values["authors"] or values["name"]
    kinds, names = _files(sent.files, problems)
    if not sent.agreed:
        problems["agree"] = Problem("agree", "It must be said that the paper may be taken.")
    if problems or address is None:
        raise PaperRefused(problems)
    return _Clean(values, address, kinds, names)


def _line(text: str, name: str, what: str, longest: int, problems: dict[str, Problem]) -> str:
    try:
        line = hygiene.one_line(text, what=what, longest=longest)
    except hygiene.TextRefused as exc:
        too_long = len(text) > longest
        problems[name] = Problem("long" if too_long else "signs", exc.message, {"longest": longest})
        return ""
    if not line:
        problems[name] = Problem(name, f"{what} is missing.")
    return line


def _paragraphs(text: str, name: str, what: str, longest: int, problems: dict[str, Problem]) -> str:
    try:
        return hygiene.paragraphs(text, what=what, longest=longest)
    except hygiene.TextRefused as exc:
        too_long = len(text) > longest
        problems[name] = Problem("long" if too_long else "signs", exc.message, {"longest": longest})
        return ""


def _files(given: Sequence[Given], problems: dict[str, Problem]) -> tuple[tuple[Kind, ...], tuple[str, ...]]:
    """Return what the files are and how they are called here."""
    if not given:
        problems["files"] = Problem("files", "There is no file.")
    elif len(given) > MOST_FILES:
        problems["files"] = Problem("files_many", f"More than {MOST_FILES} files are not taken.", {"most": MOST_FILES})
    elif sum(len(one.content) for one in given) > LARGEST_ALL or any(len(one.content) > LARGEST_FILE for one in given):
        most = LARGEST_FILE // 1_000_000
        problems["files"] = Problem("files_large", f"A file may have up to {most} MB.", {"most": most})
    if "files" in problems:
        return (), ()
    kinds: list[Kind] = []
    names: list[str] = []
    with Examiner() as examiner:  # a process of its own: what a stranger sends may bring down whoever looks into it
        for one in given:
            name = another_name(safe_name(one.name), {each.casefold() for each in names})
            try:
                kinds.append(examiner.examine(one.name[-1000:], one.content, PAPERS))
            except UploadRefused as exc:
                problems.setdefault("files", _file_problem(exc.why, name))
            names.append(name)
    if "files" not in problems and not WORDS.intersection(kinds):
        problems["files"] = Problem("files_words", "None of the files is the paper itself.")
    return tuple(kinds), tuple(names)


def _file_problem(why: Why, name: str) -> Problem:
    values: Mapping[str, str | int] = {"name": name}
    return Problem(f"file_{why.name.lower()}", why.value.format(name=name), values)
