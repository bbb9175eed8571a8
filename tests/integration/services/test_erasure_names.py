"""Erasing a person takes their bare name out of what others wrote: answers, notes, reasons, refusals, letters (S45)."""

import base64
import quopri

import pytest
import sqlalchemy as sa

from balintmail.db import audit
from balintmail.db.mentions import mentions
from balintmail.db.models import AuditEvent, Base, CopyRequest, Delivery, InboundMessage, JoinRequest, Person
from balintmail.domain.notices import NOTICES, Fact
from balintmail.domain.requests import Act
from balintmail.domain.states import CopyState, Ground
from balintmail.services import notice_mailings, notices, offers, people, suppressions
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.decisions import Decision, decide
from balintmail.services.erasure import erase
from balintmail.services.notices import Waiting
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from tests.support import joining
from tests.support.coming_back import Post

NAME, ADDRESS, OTHER = "Példányi Zsuzsanna", "zsp@example.org", "maria@example.net"
WESTERN = "Zsuzsanna Példányi"
TRACES = ("példányi", "zsuzsanna", "p=c3=a9ld")


@pytest.fixture
def post(context: Context) -> Post:
    return Post.of(context)


def everything(ctx: Context) -> str:
    """Return all rows of all tables as one text in small letters."""
    with ctx.db.read() as tx:
        return "\n".join(str(list(tx.execute(sa.select(table)))) for table in Base.metadata.sorted_tables).lower()


def others_speak_of_them(ctx: Context) -> None:
    """Let others write the name wherever a text is free."""
    offers.set_questions(ctx, "newsletter", [{"name": "how", "kind": "text", "label": "How?"}])
    for name, act in (("Mária Bálint", Act.APPROVE), ("Rose Ormond", Act.DECLINE)):
        address = f"{name.split()[0].encode('ascii', 'ignore').decode()}@example.net"
        number = joining.ask(ctx, address, name, answers={"newsletter.how": [f"From {WESTERN}, my friend"]})[0]
        decide(ctx, [number], Decision(act, reason=f"{NAME} asked\nfor it", note=f"see Példányi, Zsuzsanna {act}"))
    subscribe(ctx, [OTHER], Joining(name="Mária Bálint", words=f"{WESTERN.upper()} told me that she agrees"))
    unsubscribe(ctx, [OTHER], Leaving(reason=f"{NAME} says that she left"))
    suppressions.suppress(ctx, "no@example.net", note=f"as {WESTERN} wished")
    maria = subscribe(ctx, ["fields@example.net"], Joining(name="Fields Example"))[0].person or 0
    people.edit(ctx, maria, people.Changes(fields={"came_by": f"by {NAME}"}))
    with ctx.db.write() as tx:
        now = ctx.clock.now()
        row = {"wanted": f"84, which {NAME} has", "reason": f"{WESTERN} has it", "note": NAME}
        base = {"email": OTHER, "envelope": OTHER, "address_key": OTHER, "door": "mail"}
        tx.execute(sa.insert(CopyRequest).values(**row, **base, state=CopyState.DECLINED, created_at=now))
        audit.note(tx, "x", actor="y", now=now, detail={"said": [f"{NAME} twice"], NAME: 1})


def letter(body: bytes, number: int, encoding: str, subject: str = "A question") -> bytes:
    head = (
        f"From: {OTHER}\r\nTo: secretary@balint.example.org\r\nSubject: {subject}\r\nMessage-ID: <{number}@x.example>"
    )
    kind = f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return f"{head}\r\n{kind}".encode() + body


def test_no_text_that_others_wrote_keeps_the_name_S45(post: Post) -> None:
    ctx = post.ctx
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    others_speak_of_them(ctx)
    notice_mailings.release_due(ctx)  # the ledger holds what the Secretary was told
    body = f"I had it from {WESTERN}, and from {NAME}.\r\n".encode()
    word = f"=?utf-8?q?{quopri.encodestring(NAME.encode(), header=True).decode()}?="
    post.comes(
        letter(body, 1, "8bit"),
        letter(quopri.encodestring(body), 2, "quoted-printable"),
        letter(base64.encodebytes(b"x" + body), 3, "base64"),
        letter(b"Nothing.\r\n", 4, "7bit", subject=word),
        letter(f"I had it from {NAME}.\r\n".encode("iso-8859-2"), 5, "8bit"),
    )
    assert all(trace.lower() in everything(ctx) for trace in TRACES)
    erase(ctx, person)
    left = everything(ctx)
    assert [trace for trace in TRACES if trace.lower() in left] == []
    assert "p\\xe9ld" not in left  # Latin-2, as a repr of bytes shows it
    assert "p\\xc3\\xa9ld" not in left
    assert verify(ctx).whole
    with ctx.db.read() as tx:
        texts = set(tx.execute(sa.select(JoinRequest.reason, JoinRequest.note)).all())
        assert len(list(tx.scalars(sa.select(InboundMessage.id).where(InboundMessage.raw.is_(None))))) == 1
    assert ("(erased) asked\nfor it", "see (erased) decline") in texts


def test_name_that_somebody_else_bears_too_stays_in_texts_that_may_mean_them(post: Post) -> None:
    ctx = post.ctx
    person = subscribe(ctx, [ADDRESS], Joining(name="Anna Kovács"))[0].person or 0
    subscribe(ctx, ["anna2@example.org"], Joining(name="Anna Kovács"))
    with ctx.db.write() as tx:
        now = ctx.clock.now()
        audit.note(tx, "one", actor="y", now=now, detail={"said": "Anna Kovács asked"})
        audit.note(tx, "both", actor="y", now=now, detail={"said": f"Anna Kovács ({ADDRESS}) asked; Anna waits"})
    erase(ctx, person)
    with ctx.db.read() as tx:
        said = {row.action: row.detail for row in tx.execute(sa.select(AuditEvent.action, AuditEvent.detail))}
        assert list(tx.scalars(sa.select(Person.name).where(Person.name == "Anna Kovács"))) == ["Anna Kovács"]
    assert said["one"] == {"said": "Anna Kovács asked"}
    assert said["both"] == {"said": "(erased) ((erased)) asked; (erased) waits"}


def test_single_word_is_no_name_that_a_text_is_searched_for(post: Post) -> None:
    person = subscribe(post.ctx, [ADDRESS], Joining(name="Balint"))[0].person or 0
    with post.ctx.db.write() as tx:
        audit.note(tx, "x", actor="y", now=post.ctx.clock.now(), detail={"said": "a Balint group"})
    erase(post.ctx, person)
    with post.ctx.db.read() as tx:
        assert tx.scalar(sa.select(AuditEvent.detail).where(AuditEvent.action == "x")) == {"said": "a Balint group"}


def test_whoever_acted_in_an_office_stays_named_beside_the_act_S42(post: Post) -> None:
    person = subscribe(post.ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    with post.ctx.db.write() as tx:
        audit.note(tx, "x", actor=NAME, now=post.ctx.clock.now(), detail={"by": NAME})
    erase(post.ctx, person)
    with post.ctx.db.read() as tx:
        row = tx.execute(sa.select(AuditEvent.actor, AuditEvent.detail).where(AuditEvent.action == "x")).one()
    assert tuple(row) == (NAME, {"by": "(erased)"})


def test_name_in_a_form_that_nobody_confirmed_takes_nothing_out_of_other_texts(post: Post) -> None:
    ctx = post.ctx
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    with ctx.db.write() as tx:
        audit.note(tx, "x", actor="y", now=ctx.clock.now(), detail={"said": "for the Example Balint Society"})
    joining.ask(ctx, f"{ADDRESS}", "Example Balint Society")
    with ctx.db.write() as tx:
        tx.execute(sa.update(JoinRequest).values(person_id=None))
    erase(ctx, person)
    with ctx.db.read() as tx:
        said = tx.scalar(sa.select(AuditEvent.detail).where(AuditEvent.action == "x"))
    assert said == {"said": "for the Example Balint Society"}


def test_letters_that_tell_the_name_alone_are_emptied_too(post: Post) -> None:
    ctx = post.ctx
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    with ctx.db.write() as tx:
        to = notices.to_secretary(tx)
        assert to is not None
        answers: tuple[dict[str, str], ...] = ({"question": "How?", "answer": f"by {WESTERN}"},)
        facts: dict[str, Fact] = {**NOTICES["request"].facts, "applicant": "Rose Ormond", "answers": answers}
        notices.put(ctx, tx, Waiting(template="request", to=to, ground=Ground.OFFICER, facts=facts))
    notice_mailings.release_due(ctx)
    with ctx.db.read() as tx:
        before = [text for text in tx.scalars(sa.select(Delivery.data)) if WESTERN in (text or "")]
    assert before
    erase(ctx, person)
    with ctx.db.read() as tx:
        assert [text for text in tx.scalars(sa.select(Delivery.data)) if "Zsuzsanna" in (text or "")] == []


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Anna Kovács", "(erased)"),
        ("KOVÁCS Anna", "(erased)"),
        ("Kovács, Anna", "(erased)"),
        ("Anna\nKovács's", "(erased)'s"),
        ("Anna Kovácsné", "Anna Kovácsné"),
        ("Hanna Kovács", "Hanna Kovács"),
        ("Kovács Dénes and Anna", "Kovács Dénes and Anna"),
        ("a@example.org, Anna", "(erased), (erased)"),
        ("ba@example.org", "ba@example.org"),
    ],
)
def test_mentions_are_whole_names_and_whole_addresses(text: str, left: str) -> None:
    sought = mentions(["a@example.org"], ["Anna Kovács"], ["Anna"])
    assert sought.blotted(text) == left
    assert sought.blotted({text: [text, 1, None]}) == {left: [left, 1, None]}


@pytest.mark.parametrize("name", ["李 明", "Ő Á", "É. Ű."])
def test_names_without_ascii_are_found_by_the_database_too(context: Context, name: str) -> None:
    with context.db.write() as tx:
        audit.note(tx, "x", actor="y", now=context.clock.now(), detail={"said": f"by {name}, twice"})
        audit.note(tx, "x", actor="y", now=context.clock.now(), detail={"said": "by nobody"})
        sought = mentions([], [name])
        found = tx.scalars(sa.select(AuditEvent.detail).where(sought.possible(AuditEvent.detail)))
        assert [sought.blotted(value) for value in found] == [{"said": "by (erased), twice"}]
