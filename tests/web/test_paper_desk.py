"""A paper decided by mailed buttons: by the officer it was mailed to, once, and never on GET (C1-C6, C14, D8)."""

from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db.models import Notice
from balintmail.domain.papers import PaperState
from balintmail.domain.states import Role
from balintmail.domain.tokens import Purpose, TokenClaims, make
from balintmail.services import erasure, officers, paper_decisions, paper_links, papers
from balintmail.services.context import Context
from balintmail.services.paper_decisions import Verdict
from balintmail.services.papers import Given, Sent
from tests.support import office, society

NUMBER = "2026-001"


@pytest.fixture
def path(client: TestClient, context: Context) -> str:
    """A paper that came in; the path of the Secretary's links."""
    sent = Sent(
        title="On listening twice", address="jane@example.net", name="Jane Example",
        files=[Given("paper.docx", office.docx())], door="command",
    )  # fmt: skip
    assert papers.send_in(context, sent).number == NUMBER
    with context.db.read() as tx:
        facts = tx.scalar(sa.select(Notice.facts).where(Notice.template == "paper_news"))
    assert facts is not None
    return urlsplit(str(facts["accept_url"])).path.removesuffix("/accept")


def state(context: Context) -> PaperState:
    return papers.whole(context, NUMBER).paper.state


def test_paper_is_shown_and_accepted_by_one_press_and_never_by_looking_C14_D8(
    client: TestClient, context: Context, path: str
) -> None:
    for below in ("", "/accept", "/decline"):
        assert client.get(path + below).status_code == 200
        assert client.head(path + below).status_code == 200
    assert state(context) is PaperState.RECEIVED
    page = client.get(f"{path}/accept").text
    assert "On listening twice" in page
    assert "jane@example.net" in page
    given = client.get(f"{path}/files/1")
    assert (given.content, given.headers["content-disposition"][:10]) == (office.docx(), "attachment")
    done = client.post(f"{path}/accept", data={"reason": "It is good.", "note": "for 2027"})
    assert (done.status_code, "Accepted" in done.text, "Enid Example" in done.text) == (200, True, True)
    paper = papers.whole(context, NUMBER).paper
    assert (paper.state, paper.reason, paper.note, paper.decided_by) == (
        PaperState.ACCEPTED, "It is good.", "for 2027", "Enid Example",
    )  # fmt: skip
    again = client.post(f"{path}/decline", data={})  # C6: what was decided stays
    assert (again.status_code, "Accepted" in again.text) == (200, True)
    assert state(context) is PaperState.ACCEPTED
    assert client.get(f"{path}/files/7").status_code == 404


def test_paper_is_declined_with_a_reason_that_can_be_kept(client: TestClient, context: Context, path: str) -> None:
    refused = client.post(f"{path}/decline", data={"reason": "x" * 4001})
    assert (refused.status_code, state(context)) == (422, PaperState.RECEIVED)
    assert "Declined" in client.post(f"{path}/decline", data={"reason": "We had one like it."}).text
    assert state(context) is PaperState.DECLINED


def test_author_who_was_erased_is_not_brought_back_and_the_page_says_why(
    client: TestClient, context: Context, path: str
) -> None:
    with context.db.write() as tx:
        person = society.enter(context, tx, "Jane Example", "jane@example.net")
    erasure.erase(context, person)
    done = client.post(f"{path}/accept")
    assert done.status_code in {409, 410}
    assert state(context) is PaperState.RECEIVED


def test_link_is_bound_to_paper_and_officer_C1_C3_C4(client: TestClient, context: Context, path: str) -> None:
    key = context.keyring.tokens
    paper = papers.whole(context, NUMBER).paper
    good = path.rpartition("/")[2]
    stranger = TokenClaims(Purpose.PAPER_DECISION, person=999, list=paper_links.stamp(paper), delivery=paper.id)
    reader = TokenClaims(Purpose.PAPER, person=1, list=paper_links.stamp(paper), delivery=paper.id)
    earlier = TokenClaims(Purpose.PAPER_DECISION, person=1, list=paper_links.stamp(paper) - 1, delivery=paper.id)
    for token, status in (
        (good[:-1], 404),
        (make(reader, key), 404),
        (make(stranger, key), 403),
        (make(earlier, key), 410),
    ):
        for below in ("/accept", "/decline"):
            assert client.post(f"{paper_links.PATH}{token}{below}").status_code == status
        assert client.get(f"{paper_links.PATH}{token}/files/1").status_code == status
    assert state(context) is PaperState.RECEIVED


def test_link_of_an_officer_who_has_handed_on_decides_nothing_and_shows_nothing(
    client: TestClient, context: Context, path: str
) -> None:
    with context.db.write() as tx:
        society.enter(context, tx, "New Secretary", "new@example.org")
    officers.appoint(context, Role.SECRETARY, "new@example.org")
    done = client.post(f"{path}/accept")
    assert (done.status_code, "Jane" in done.text) == (403, False)
    assert state(context) is PaperState.RECEIVED


def test_paper_that_was_withdrawn_is_over(client: TestClient, context: Context, path: str) -> None:
    paper_decisions.decide(context, NUMBER, Verdict(PaperState.WITHDRAWN))
    assert client.get(f"{path}/accept").status_code == 410


def test_advice_of_the_readers_stands_there(client: TestClient, context: Context, path: str) -> None:
    with context.db.write() as tx:
        for name in ("Rob Reader", "Wanda Waits"):
            society.enter(context, tx, name, f"{name[:3].lower()}@example.org")
    reader = paper_decisions.assign(context, NUMBER, "rob@example.org")
    paper_decisions.assign(context, NUMBER, "wan@example.org")
    paper_decisions.advise(context, paper_decisions.reader_token(context, reader), "Take it.\n\nShorten it.")
    page = client.get(path).text
    assert ("Rob Reader, 21 November 2026" in page, "<p>Shorten it.</p>" in page, "Wanda Waits reads it" in page) == (
        True, True, True,
    )  # fmt: skip
