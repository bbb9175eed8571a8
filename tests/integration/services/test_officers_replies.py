"""The Secretary decides by answering a letter: ok, or no because; D1, S9, H23 to H26, group C."""

import pytest
import sqlalchemy as sa

from balintmail.config import BounceStyle
from balintmail.db import officers, people
from balintmail.db.models import AuditEvent
from balintmail.domain.states import InboundState, RequestState, Role
from balintmail.services.context import Context
from balintmail.services.notice_mailings import release_due
from balintmail.services.officers_replies import MOST_A_DAY
from balintmail.services.requests import confirm
from tests.support import joining, society
from tests.support.answering import arrives, letters, reply, with_bounces


@pytest.fixture(params=[BounceStyle.PLUS, BounceStyle.PLAIN], ids=lambda style: style.value)
def ctx(request: pytest.FixtureRequest, context: Context) -> Context:
    society.found(context)
    return with_bounces(context, request.param)


@pytest.fixture
def letter(ctx: Context) -> str:
    """The letter that asks the Secretary about a request."""
    joining.ask(ctx)
    confirm(ctx, joining.token(ctx))
    release_due(ctx)
    joining.flush(ctx)
    return letters(ctx)[-1]


def state(ctx: Context) -> RequestState:
    found: RequestState = joining.rows(ctx)[0].state
    return found


def told(ctx: Context) -> list[str]:
    """Return the results that were mailed back."""
    return [row["facts"]["result"] for row in joining.waiting(ctx, "decided")]


@pytest.mark.parametrize("words", ["ok", "Ja, danke", "Oui.", "Igen, köszönöm\r\n\r\nEnid"])
def test_ok_puts_the_applicant_on_the_list_and_says_so(ctx: Context, letter: str, words: str) -> None:
    row = arrives(ctx, reply(letter, words))
    assert (row.state, row.remark) == (InboundState.DONE, "request 1: approved by mail")
    assert state(ctx) is RequestState.APPROVED
    assert joining.rows(ctx)[0].decided_by == "Enid Example"
    assert len(joining.waiting(ctx, "welcome")) == 1
    (back,) = joining.waiting(ctx, "decided")
    assert (back["address"], back["facts"]["result"]) == (society.SECRETARY, "approved")
    with ctx.db.read() as tx:
        (person,) = people.at_address(tx, "maria@example.org")
        assert row.person_id == person.id  # it stands on the timeline of whom it was about
        assert "request approved" in tx.scalars(sa.select(AuditEvent.action)).all()


def test_no_because_declines_with_the_reason(ctx: Context, letter: str) -> None:
    arrives(ctx, reply(letter, "Nein, weil die Liste für Leiterinnen ist."))
    (row,) = joining.rows(ctx)
    assert (row.state, row.reason) == (RequestState.DECLINED, "Die Liste für Leiterinnen ist.")
    assert joining.waiting(ctx, "declined")[0]["facts"]["reason"] == "Die Liste für Leiterinnen ist."
    assert told(ctx) == ["declined"]


def test_words_after_a_bare_no_never_reach_the_applicant(ctx: Context, letter: str) -> None:
    arrives(ctx, reply(letter, "no, I know him, a nuisance"))
    (row,) = joining.rows(ctx)
    assert (row.state, row.reason, row.note) == (RequestState.DECLINED, "", "I know him, a nuisance")
    assert joining.waiting(ctx, "declined")[0]["facts"]["reason"] == ""


def test_what_is_no_plain_answer_decides_nothing_and_may_be_answered_again(ctx: Context, letter: str) -> None:
    row = arrives(ctx, reply(letter, "Who is she?"))
    assert row.state is InboundState.DONE
    assert (state(ctx), told(ctx)) == (RequestState.CONFIRMED, ["unclear"])
    release_due(ctx)
    again = letters(ctx)[-1]
    assert again != letter
    arrives(ctx, reply(again, "ok"))
    assert state(ctx) is RequestState.APPROVED


def test_two_answers_count_once_and_the_other_is_told_H24(ctx: Context, letter: str) -> None:
    arrives(ctx, reply(letter, "ok"))
    arrives(ctx, reply(letter, "no, because it is full"))
    arrives(ctx, reply(letter, "ok"))  # the same octets as the first: not even read again
    assert state(ctx) is RequestState.APPROVED
    assert told(ctx) == ["approved", "already"]
    assert joining.waiting(ctx, "declined") == []


def test_from_of_the_secretary_without_a_token_decides_nothing_H23(ctx: Context, letter: str) -> None:
    forged = reply(letter, "ok", To="bounces@example.org", In_Reply_To="", References="")
    row = arrives(ctx, forged)
    assert row.state is InboundState.WAITING
    assert (state(ctx), told(ctx)) == (RequestState.CONFIRMED, [])


def test_message_id_in_another_hand_decides_nothing(ctx: Context, letter: str) -> None:
    """Whoever the Secretary wrote to in the same thread knows our Message-ID."""
    arrives(ctx, reply(letter, "ok", sender="maria@example.org", To="bounces@example.org"))
    assert state(ctx) is RequestState.CONFIRMED


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"Return_Path": "<>"},
        {"List_Id": "<x.example.net>"},
        {"Subject": "Out of office: a request"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_machine_in_the_officers_name_decides_nothing_and_gets_no_answer_S9(
    ctx: Context, letter: str, fields: dict[str, str]
) -> None:
    arrives(ctx, reply(letter, "ok", **fields))
    assert (state(ctx), told(ctx)) == (RequestState.CONFIRMED, [])


def test_whoever_handed_the_office_on_decides_nothing(ctx: Context, letter: str) -> None:
    with ctx.db.write() as tx:
        now = ctx.clock.now()
        (old,) = people.at_address(tx, society.SECRETARY)
        new = society.enter(ctx, tx, "Next Secretary", "next@example.org")
        officers.end(tx, old.id, Role.SECRETARY, now=now)
        officers.appoint(tx, new, Role.SECRETARY, now=now)
    row = arrives(ctx, reply(letter, "ok"))
    assert row.state is InboundState.WAITING
    assert (state(ctx), told(ctx)) == (RequestState.CONFIRMED, [])


def test_machine_that_hides_gets_so_many_answers_a_day_and_no_more_H26(ctx: Context, letter: str) -> None:
    for number in range(MOST_A_DAY + 3):
        arrives(ctx, reply(letter, f"I shall see to it, number {number}"))
    assert told(ctx) == ["unclear"] * MOST_A_DAY
    arrives(ctx, reply(letter, "ok"))
    assert state(ctx) is RequestState.APPROVED  # a decision counts all the same


def test_request_that_has_ended_stays_ended_C5(ctx: Context, letter: str) -> None:
    with ctx.db.write() as tx:
        tx.exec_driver_sql("DELETE FROM join_requests")
    row = arrives(ctx, reply(letter, "ok"))
    assert (row.state, row.remark) == (InboundState.DONE, "an answer about a request that has ended")
    assert told(ctx) == []


def test_unconfirmed_request_is_approved_beforehand(ctx: Context) -> None:
    joining.ask(ctx)
    token = joining.token(ctx)
    confirm(ctx, token)
    release_due(ctx)
    letter = letters(ctx)[-1]
    with ctx.db.write() as tx:
        tx.exec_driver_sql("UPDATE join_requests SET state = 'pending', confirmed_at = NULL")
    arrives(ctx, reply(letter, "ok"))
    assert told(ctx) == ["waits"]


def test_html_only_answer_counts_too(ctx: Context, letter: str) -> None:
    plain = reply(letter, "", Content_Type="text/html; charset=utf-8").decode().partition("\r\n\r\n")[0]
    body = '<div>ok<br></div><blockquote type="cite">no, because of what we quoted</blockquote>'
    arrives(ctx, f"{plain}\r\n\r\n{body}\r\n".encode())
    assert state(ctx) is RequestState.APPROVED
