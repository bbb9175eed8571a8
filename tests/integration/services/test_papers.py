"""Papers from the receipt to the Journal: checked, kept by hash, decided, chased; nobody doubled, no data left."""

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db import journal_issues, papers, people
from balintmail.db.models import Notice
from balintmail.db.papers import PaperRow
from balintmail.domain.facts import from_stored
from balintmail.domain.papers import PaperRefused, PaperState
from balintmail.errors import Conflict, NotFound
from balintmail.services import errands, held, journal_articles, paper_decisions
from balintmail.services import papers as service
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.journal_issues import add as add_issue
from balintmail.services.merging import merge
from balintmail.services.paper_decisions import Verdict
from balintmail.services.papers import Given, Sent
from tests.support import office, society

FILES = (Given("paper.docx", office.docx()), Given("figure.png", office.PNG))
SENT = Sent(title="On listening twice", address="jane@example.org", name="Dr Jane Smith", files=FILES, language="de")
ACCEPT = Verdict(PaperState.ACCEPTED)


@pytest.fixture
def ctx(context: Context) -> Context:
    settings = context.settings.model_copy(
        update={"society": context.settings.society.model_copy(update={"url": "https://balint.example.org"})}
    )
    ctx = replace(context, settings=settings)
    society.found(ctx)
    return ctx


def waiting(ctx: Context) -> dict[str, dict[str, Any]]:
    """Return the system mails that wait, by template, with their address."""
    with ctx.db.read() as tx:
        rows = tx.execute(sa.select(Notice.template, Notice.address, Notice.language, Notice.facts)).all()
    return {row.template: {**from_stored(row.facts), "to": row.address, "in": row.language} for row in rows}


def clear(ctx: Context) -> None:
    with ctx.db.write() as tx:
        tx.execute(sa.delete(Notice))


def of(ctx: Context, number: str) -> PaperRow:
    return service.whole(ctx, number).paper


def forward(ctx: Context, days: int) -> None:
    ctx.clock.forward(timedelta(days=days))  # type: ignore[attr-defined]


def reader(ctx: Context, address: str = "reader@example.org") -> int:
    with ctx.db.write() as tx:
        return society.enter(ctx, tx, "Rob Reader", address)


def test_paper_is_kept_by_hash_and_answered_with_a_number(ctx: Context) -> None:
    assert service.send_in(ctx, SENT).number == "2026-001"
    assert service.send_in(ctx, replace(SENT, title="Another")).number == "2026-002"
    found = service.whole(ctx, "2026-001")
    assert [(one.file_name, one.kind) for one in found.files][1] == ("figure.png", "image/png")
    digest = hashlib.sha256(FILES[0].content).hexdigest()
    assert found.files[0].digest == digest
    assert (ctx.folder / "files" / digest[:2] / digest).read_bytes() == FILES[0].content
    assert (found.paper.authors, found.paper.due_on) == ("Dr Jane Smith", date(2027, 2, 19))


def test_receipt_holds_nothing_that_was_typed_S46(ctx: Context) -> None:
    service.send_in(ctx, SENT)
    mails = waiting(ctx)
    assert (mails["paper_received"]["to"], mails["paper_received"]["in"]) == ("jane@example.org", "de")
    assert set(mails["paper_received"]) == {"number", "received_at", "to", "in"}
    assert (mails["paper_news"]["to"], mails["paper_news"]["title"]) == (society.SECRETARY, "On listening twice")


def test_the_very_same_again_is_one_paper(ctx: Context) -> None:
    first = service.send_in(ctx, SENT)
    again = service.send_in(ctx, SENT)
    assert (again.number, again.again) == (first.number, True)
    with ctx.db.read() as tx:
        assert len(papers.in_states(tx)) == 1


def test_turn_of_the_year_in_auckland_begins_a_new_row_of_numbers(ctx: Context) -> None:
    settings = ctx.settings.model_copy(
        update={"society": ctx.settings.society.model_copy(update={"timezone": "Pacific/Auckland"})}
    )
    there = replace(ctx, settings=settings)
    there.clock.moment = there.clock.moment.replace(month=12, day=31, hour=10, minute=59)  # type: ignore[attr-defined]
    assert service.send_in(there, SENT).number == "2026-001"
    there.clock.forward(timedelta(minutes=1))  # type: ignore[attr-defined]
    assert service.send_in(there, replace(SENT, title="Next")).number == "2027-001"


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"title": " "}, "title", "title"),
        ({"title": "x" * 301}, "title", "long"),
        ({"title": "a\nb"}, "title", "signs"),
        ({"name": "a\0b"}, "name", "signs"),
        ({"address": "a@b,c@d"}, "address", "address"),
        ({"abstract": "x" * 8001}, "abstract", "long"),
        ({"files": ()}, "files", "files"),
        ({"files": (Given("figure.png", office.PNG),)}, "files", "files_words"),
        ({"files": FILES * 7}, "files", "files_many"),
        ({"files": (Given("a.pdf", office.PDF + b"x" * 20_000_000),)}, "files", "files_large"),
        ({"files": (Given("a.docm", office.docx(word__vbaProject_bin="x")),)}, "files", "file_macros"),
        ({"files": (Given("../../a.exe", b"MZ"),)}, "files", "file_unknown"),
        ({"agreed": False}, "agree", "agree"),
    ],
)
def test_what_cannot_be_taken_is_told_by_field_and_nothing_is_kept(
    ctx: Context, changed: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(PaperRefused) as found:
        service.send_in(ctx, replace(SENT, **changed))
    assert {name: problem.code for name, problem in found.value.problems.items()} == {field: code}
    assert list((ctx.folder / "files").rglob("*")) == [] or not (ctx.folder / "files").exists()
    assert waiting(ctx) == {}


def test_names_of_files_are_made_safe_and_kept_apart_D9_D10(ctx: Context) -> None:
    given = (Given("../../con.md", b"one"), Given("..\\x\\CON.MD", b"two"), Given("a\u202efdp.md", b"three"))
    number = service.send_in(ctx, replace(SENT, files=given)).number
    names = [one.file_name for one in service.whole(ctx, number).files]
    assert len(set(names)) == 3
    assert not any(sign in name for name in names for sign in "/\\\u202e")


def test_floods_are_held_back_by_address_and_by_network(ctx: Context) -> None:
    for number in range(5):
        service.send_in(ctx, replace(SENT, title=f"Number {number}"))
    with pytest.raises(PaperRefused) as found:
        service.send_in(ctx, replace(SENT, title="One more"))
    assert found.value.problems["files"].code == "too_many"
    for number in range(10):
        address = f"a{number}@example.net"
        service.send_in(ctx, replace(SENT, title="T", address=address, network="192.0.2.0/24"))
    with pytest.raises(PaperRefused):
        service.send_in(ctx, replace(SENT, title="T", address="last@example.net", network="192.0.2.0/24"))
    assert service.send_in(ctx, replace(SENT, title="Typed in", door="command")).number


def test_reader_gets_a_link_of_their_own_gives_advice_and_the_secretary_hears_it(ctx: Context) -> None:
    number = service.send_in(ctx, SENT).number
    person = reader(ctx)
    paper_decisions.assign(ctx, number, "reader@example.org")
    assert of(ctx, number).state is PaperState.IN_REVIEW
    mail = waiting(ctx)["paper_reader"]
    token = str(mail["read_url"]).rpartition("/")[2]
    assert (mail["to"], mail["reminds"]) == ("reader@example.org", False)
    clear(ctx)
    assert paper_decisions.advise(ctx, token, "Print it.") is not None
    assert (waiting(ctx)["paper_news"]["about"], waiting(ctx)["paper_news"]["advice"]) == ("advice", "Print it.")
    (row,) = service.whole(ctx, number).readers
    assert (row.person_id, row.advice) == (person, "Print it.")
    for other in (token[:-1], token[:-1] + ("a" if token[-1] != "a" else "b"), "x" * 90, ""):
        assert paper_decisions.of_reader(ctx, other) is None
    paper_decisions.decide(ctx, number, Verdict(PaperState.DECLINED, "Not for us."))
    assert paper_decisions.advise(ctx, token, "Too late.") is None


def test_author_does_not_judge_the_paper_and_nobody_without_an_address(ctx: Context) -> None:
    with ctx.db.write() as tx:
        author = society.enter(ctx, tx, "Jane Smith", "jane@example.org")
        nobody = society.enter(ctx, tx, "No Mail")
    number = service.send_in(ctx, SENT).number
    for who in (author, nobody):
        with pytest.raises(Conflict):
            paper_decisions.assign(ctx, number, str(who))
    reader(ctx)
    with pytest.raises(Conflict, match="over already"):
        paper_decisions.assign(ctx, number, "reader@example.org", due_on=date(2026, 11, 20))


@pytest.mark.parametrize("state", [PaperState.IN_JOURNAL, PaperState.RECEIVED])
def test_state_that_may_not_follow_is_refused(ctx: Context, state: PaperState) -> None:
    number = service.send_in(ctx, SENT).number
    with pytest.raises(Conflict, match="cannot become"):
        paper_decisions.decide(ctx, number, Verdict(state, journal="2027"))
    paper_decisions.decide(ctx, number, Verdict(PaperState.DECLINED))
    with pytest.raises(Conflict, match="cannot become"):
        paper_decisions.decide(ctx, number, ACCEPT)


def test_accepted_author_comes_on_the_register_and_the_journal_owes_them_a_copy(ctx: Context) -> None:
    add_issue(ctx, "2027", IssueChanges())
    sent = replace(SENT, authors="Jane Smith\nEnid Other")
    number = service.send_in(ctx, sent).number
    accepted = paper_decisions.decide(ctx, number, replace(ACCEPT, reason="Shorten it."))
    assert accepted.person_id is not None
    told = waiting(ctx)["paper_decided"]
    assert (told["state"], told["reason"], told["to"]) == ("accepted", "Shorten it.", "jane@example.org")
    placed = paper_decisions.decide(ctx, number, Verdict(PaperState.IN_JOURNAL, journal="2027"))
    with ctx.db.read() as tx:
        person = people.get(tx, accepted.person_id)
        issue = journal_issues.by_label(tx, "2027")
        assert person is not None
        assert issue is not None
        ((article, authors),) = journal_articles.contents(tx, "2027").papers
        assert journal_issues.author_people(tx, issue.id) == [person.id]
    assert (person.name, placed.journal_issue_id) == ("Dr Jane Smith", issue.id)
    assert (article.title, [one.name for one in authors]) == ("On listening twice", ["Jane Smith", "Enid Other"])
    assert waiting(ctx)["paper_decided"]["journal"] == "2027"


def test_paper_that_stands_in_the_journal_already_is_not_put_there_twice(ctx: Context) -> None:
    add_issue(ctx, "2027", IssueChanges())
    number = service.send_in(ctx, SENT).number
    paper_decisions.decide(ctx, number, ACCEPT)
    into = Verdict(PaperState.IN_JOURNAL, journal="2027")
    paper_decisions.decide(ctx, number, into)
    paper_decisions.decide(ctx, number, ACCEPT)  # taken out again
    assert of(ctx, number).journal_issue_id is None
    paper_decisions.decide(ctx, number, into)
    with ctx.db.read() as tx:
        assert len(journal_articles.contents(tx, "2027").papers) == 1


def test_unknown_journal_changes_nothing(ctx: Context) -> None:
    number = service.send_in(ctx, SENT).number
    paper_decisions.decide(ctx, number, ACCEPT)
    with pytest.raises(NotFound):
        paper_decisions.decide(ctx, number, Verdict(PaperState.IN_JOURNAL, journal="2031"))
    assert of(ctx, number).state is PaperState.ACCEPTED


def test_what_is_late_is_told_once_a_week_and_not_once_it_is_decided(ctx: Context) -> None:
    number = service.send_in(ctx, SENT).number
    reader(ctx)
    paper_decisions.assign(ctx, number, "reader@example.org")
    clear(ctx)
    forward(ctx, 28)
    errands.run(ctx)
    assert waiting(ctx) == {}  # the last day is not over
    forward(ctx, 1)
    errands.run(ctx)
    assert waiting(ctx)["paper_reader"]["reminds"] is True
    clear(ctx)
    forward(ctx, 6)
    errands.run(ctx)
    assert waiting(ctx) == {}
    forward(ctx, 60)
    errands.run(ctx)
    assert waiting(ctx)["papers_late"]["count"] == 1
    clear(ctx)
    paper_decisions.decide(ctx, number, Verdict(PaperState.WITHDRAWN))
    forward(ctx, 10)
    errands.run(ctx)
    assert waiting(ctx) == {}


def test_erasure_takes_the_paper_its_files_and_the_advice_S45(ctx: Context) -> None:
    number = service.send_in(ctx, replace(SENT, message="Zsuzsanna writes")).number
    other = service.send_in(ctx, replace(SENT, title="Other", address="other@example.net", name="Other")).number
    reader(ctx)
    paper_decisions.assign(ctx, number, "reader@example.org")
    paper_decisions.decide(ctx, number, ACCEPT)
    person = of(ctx, number).person_id or 0
    own = Given("mine.md", b"only hers")
    third = service.send_in(ctx, replace(SENT, title="Third", files=(own,))).number
    digest = service.whole(ctx, third).files[0].digest
    shared = service.whole(ctx, other).files[0].digest
    erase(ctx, person)
    found = service.whole(ctx, number)
    assert (found.paper.title, found.paper.name, found.paper.email, found.files) == ("", "", "", ())
    assert found.paper.state is PaperState.ACCEPTED
    assert not (ctx.folder / "files" / digest[:2] / digest).exists()
    assert (ctx.folder / "files" / shared[:2] / shared).exists()  # somebody else sent the same
    assert of(ctx, other).title == "Other"


def test_everything_held_names_papers_and_readings_Art15(ctx: Context) -> None:
    person = reader(ctx)
    with ctx.db.write() as tx:
        society.enter(ctx, tx, "Jane Smith", "jane@example.org")
        jane = people.at_address(tx, "jane@example.org")[0].id
    number = service.send_in(ctx, SENT).number
    paper_decisions.assign(ctx, number, "reader@example.org")
    mine = held.document(held.of_person(ctx, jane), ctx.settings.zone)
    theirs = held.document(held.of_person(ctx, person), ctx.settings.zone)
    assert [(one["number"], one["title"]) for one in mine["papers"]] == [(number, "On listening twice")]
    assert "paper.docx" in mine["papers"][0]["files"]
    assert [one["number"] for one in theirs["papers_read"]] == [number]
    assert theirs["papers"] == []


def test_merging_moves_papers_and_readings(ctx: Context) -> None:
    first, second = reader(ctx), reader(ctx, "reader2@example.org")
    number = service.send_in(ctx, SENT).number
    for address in ("reader@example.org", "reader2@example.org"):
        paper_decisions.assign(ctx, number, address)
    merge(ctx, first, second)
    assert [one.person_id for one in service.whole(ctx, number).readers] == [first]
