"""Erasing a person: nothing of them is left in any table or file, and they stay out (D7, S45)."""

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.db import audit, consent, officers, people
from balintmail.db.models import Base, Delivery, Mailing
from balintmail.domain.address import parse
from balintmail.domain.imports import GivenAddress, ImportRow
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import ConsentAction, DeliveryState, Ground, MailingKind, MailingState, Role, SkipReason
from balintmail.errors import Conflict, NotFound
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.importing import Terms, staged
from balintmail.services.lists import Manners, edit
from balintmail.services.merging import merge
from balintmail.services.subscriptions import Joining, ResultKind, request, subscribe
from tests.support import society

ADDRESS = "Zsuzsanna.Példányi@példa.example.org"
NAME = "Példányi Zsuzsanna"
TRACES = ("zsuzsanna", "példányi", "xn--plda", "p\\u00e9lda")


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    (context.folder / "outbox" / "new").mkdir(parents=True)
    return context


def mail(ctx: Context, person: int, state: DeliveryState, number: str) -> int:
    """Put one delivery of this person into the ledger."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        mailing = tx.execute(
            sa.insert(Mailing)
            .values(
                list_id=1,
                kind=MailingKind.NEWSLETTER,
                number=number,
                title="News",
                state=MailingState.SENDING,
                content_hash="0" * 64,
                audience_filter={"where": f'address = "{ADDRESS}"'},
                created_at=now,
            )
            .returning(Mailing.id)
        ).scalar_one()
        return tx.execute(
            sa.insert(Delivery)
            .values(
                mailing_id=mailing,
                person_id=person,
                address=ADDRESS,
                envelope=ADDRESS,
                address_key=ADDRESS.lower(),
                ground=Ground.CONSENT,
                data=encode(PersonData(NAME, "Zsuzsanna")),
                state=state,
                reply=f"550 <{ADDRESS}> unknown",
                at=now,
            )
            .returning(Delivery.id)
        ).scalar_one()


def everything(ctx: Context) -> str:
    """Return all rows of all tables as one text in small letters."""
    with ctx.db.read() as tx:
        rows = [str(list(tx.execute(sa.select(table)))) for table in Base.metadata.sorted_tables]
    return "\n".join(rows).lower()


def a_person_with_a_past(ctx: Context) -> int:
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME, words=f"wrote from {ADDRESS}"))[0].person or 0
    register.edit(ctx, person, register.Changes(fields={"city": "Példányi utca 3"}, language="hu"))
    request(ctx, [ADDRESS], Joining(name="Zsuzsanna the other"))
    with ctx.db.write() as tx:
        audit.note(tx, "x", actor=ADDRESS, now=ctx.clock.now(), detail={"said": [f"mailed {ADDRESS.upper()} twice"]})
        audit.note(tx, "x", actor="y", now=ctx.clock.now(), detail={"said": f"not{ADDRESS}"})
    return person


def test_erase_leaves_no_trace_in_any_table_S45(ctx: Context) -> None:
    person = a_person_with_a_past(ctx)
    states = [DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.DEFERRED, DeliveryState.ACCEPTED]
    letters = [mail(ctx, person, state, str(number)) for number, state in enumerate(states)]
    assert any(trace in everything(ctx) for trace in TRACES)
    done = erase(ctx, person)
    assert (done.addresses, done.shared, done.stopped) == (1, 0, 3)
    left = everything(ctx).replace(f"not{ADDRESS}".lower(), "").replace(repr(f"not{ADDRESS}".lower())[1:-1], "")
    assert [trace for trace in TRACES if trace in left] == []
    with ctx.db.read() as tx:
        rows = {row.id: row for row in tx.execute(sa.select(Delivery.id, Delivery.state, Delivery.skip_reason))}
    assert [rows[letter].state for letter in letters] == [DeliveryState.SKIPPED] * 3 + [DeliveryState.ACCEPTED]
    assert {rows[letter].skip_reason for letter in letters} == {SkipReason.ERASED, None}


def test_erase_leaves_no_byte_in_sqlites_files_S45(ctx: Context) -> None:
    if not ctx.db.is_sqlite:
        pytest.skip("PostgreSQL's files are its own")
    person = subscribe(ctx, ["gone.gone@example.org"], Joining(name="Gonegone Personne"))[0].person or 0
    subscribe(ctx, [f"reader{number}@example.org" for number in range(300)], Joining())
    register.edit(ctx, person, register.Changes(name="Otherwise Gonegone", fields={"note": "gonegone"}))
    files = [Path(f"{ctx.db.url.database}{end}") for end in ("", "-wal", "-shm")]
    assert any(b"gone.gone@" in file.read_bytes() for file in files if file.exists())
    assert erase(ctx, person).swept
    for file in files:
        if file.exists():
            assert b"gonegone" not in file.read_bytes().lower()
            assert b"gone.gone" not in file.read_bytes().lower()


def test_erase_removes_the_letters_from_the_outbox_S45(ctx: Context) -> None:
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    letter = mail(ctx, person, DeliveryState.ACCEPTED, "1")
    outbox = ctx.folder / "outbox" / "new"
    (outbox / str(letter)).write_bytes(b"To: somebody\r\n\r\n")
    (outbox / "9999").write_bytes(f"Subject: x\r\nTo: <{ADDRESS.upper()}>\r\n\r\n".encode())
    (outbox / "10000").write_bytes(b"To: other@example.org\r\n\r\n")
    assert erase(ctx, person).letters == 2
    assert [path.name for path in outbox.iterdir()] == ["10000"]


def test_erased_person_stays_out_and_the_answer_says_so_D7(ctx: Context) -> None:
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    erase(ctx, person)
    for ask in (subscribe, request):
        answer = ask(ctx, [ADDRESS.lower().replace("példa.", "xn--plda-bpa.")], Joining())[0]
        assert answer.result is ResultKind.REFUSED
        assert "erased" in answer.reason
    with pytest.raises(NotFound, match="was erased"), ctx.db.read() as tx:
        register.by_id(tx, person)


def test_erasing_one_of_two_at_an_address_leaves_the_other_alone_D7(ctx: Context) -> None:
    anna = subscribe(ctx, ["both@example.org"], Joining(name="Anna Example"))[0].person or 0
    bea = subscribe(ctx, ["both@example.org"], Joining(name="Bea Example"))[0].person or 0
    done = erase(ctx, anna)
    assert (done.addresses, done.shared) == (0, 1)
    with ctx.db.read() as tx:
        assert [row.id for row in people.at_address(tx, "both@example.org")] == [bea]
    again = subscribe(ctx, ["both@example.org"], Joining(name="Anna Example"))[0]
    assert again.result is ResultKind.REFUSED
    assert subscribe(ctx, ["both@example.org"], Joining(name="Bea Example"))[0].result is ResultKind.ALREADY


def test_erasing_a_merged_person_empties_the_older_row_too(ctx: Context) -> None:
    keep = subscribe(ctx, ["keep@example.org"], Joining(name="Anna Keep"))[0].person or 0
    other = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    mail(ctx, other, DeliveryState.ACCEPTED, "1")
    merge(ctx, keep, other)
    erase(ctx, keep)
    assert [trace for trace in (*TRACES, "keep") if trace in everything(ctx)] == []


def test_the_consent_that_once_was_stays_countable_without_a_name(ctx: Context) -> None:
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    erase(ctx, person)
    with ctx.db.read() as tx:
        (event,) = consent.history(tx, person)
    assert (event.words, event.address, event.actor, event.erased) == ("", "", "", True)
    assert (event.action, event.slug) == (ConsentAction.AGREED, "newsletter")


def test_secretary_is_not_erased(ctx: Context) -> None:
    with ctx.db.read() as tx:
        secretary = officers.secretary(tx)
    assert secretary is not None
    with pytest.raises(Conflict, match="is the Secretary"):
        erase(ctx, secretary.person_id)


def test_another_officer_is_erased_with_the_office(ctx: Context) -> None:
    person = subscribe(ctx, [ADDRESS], Joining(name=NAME))[0].person or 0
    with ctx.db.write() as tx:
        officers.appoint(tx, person, Role.EDITOR, now=ctx.clock.now())
    erase(ctx, person)
    with ctx.db.read() as tx:
        assert officers.roles(tx, person) == []


def test_address_that_a_list_speaks_from_is_not_erased(ctx: Context) -> None:
    person = subscribe(ctx, ["news@example.org"], Joining())[0].person or 0
    edit(ctx, "newsletter", Manners(from_address="News@example.org"))
    with pytest.raises(Conflict, match='"newsletter" is sent from'):
        erase(ctx, person)


def test_import_keeps_a_person_out_who_was_erased_from_a_shared_address_G11_D7(ctx: Context) -> None:
    anna = subscribe(ctx, ["both@example.org"], Joining(name="Anna Example"))[0].person or 0
    subscribe(ctx, ["both@example.org"], Joining(name="Bea Example"))
    erase(ctx, anna)
    address = GivenAddress(parse("both@example.org"))
    rows = [ImportRow(2, "x", name=name, addresses=(address,)) for name in ("anna EXAMPLE", "Bea Example")]
    terms = Terms("people.csv", consent="asked", collected=date(2026, 1, 1))
    with staged(ctx, rows, terms) as wanted:
        report = wanted.write()
    assert [(each.line, each.reason) for each in report.refusals] == [(2, "this person was erased at their own wish")]
    assert report.counts.unchanged == 1
