"""Erasing a person: nothing of them is left in any table or file, and they stay out (D7, S45)."""

import json
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.db import audit, consent, mailings, officers, people, postal, search
from balintmail.db.mailings import NewMailing
from balintmail.db.mentions import BLOT
from balintmail.db.models import Base, Delivery, MailedLink, Mailing, Person, PostalAddress, RelayState, Subscription
from balintmail.db.models_pages import Document, Duty, DutyDate, PageVersion
from balintmail.domain.address import parse
from balintmail.domain.imports import GivenAddress, ImportRow
from balintmail.domain.notices import NOTICES, Fact
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import ConsentAction, DeliveryState, Ground, MailingKind, MailingState, Role, SkipReason
from balintmail.errors import Conflict, NotFound
from balintmail.services import errands, fresh_links, notice_mailings, notices, offers, preferences, requests
from balintmail.services import people as register
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.erasure import Sweep, erase, sweep_if_due
from balintmail.services.fresh_links import Errand
from balintmail.services.importing import Terms, staged
from balintmail.services.lists import Manners, edit
from balintmail.services.merging import merge
from balintmail.services.notices import Waiting
from balintmail.services.requests_typed import request
from balintmail.services.subscriptions import Joining, ResultKind, subscribe
from tests.support import joining, society

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


def everything(ctx: Context, *tables: sa.Table) -> str:
    """Return all rows of these tables, or of all, as one text in small letters."""
    with ctx.db.read() as tx:
        rows = [str(list(tx.execute(sa.select(table)))) for table in tables or Base.metadata.sorted_tables]
    return "\n".join(rows).lower()


def bare(text: str) -> str:
    """Return `text` without the address of somebody else that ends like theirs."""
    other = f"not{ADDRESS}".lower()
    for spelled in (other, repr(other)[1:-1], json.dumps(other)[1:-1]):
        text = text.replace(spelled, "")
    return text


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
    left = bare(everything(ctx))
    assert [trace for trace in TRACES if trace in left] == []
    with ctx.db.read() as tx:
        rows = {row.id: row for row in tx.execute(sa.select(Delivery.id, Delivery.state, Delivery.skip_reason))}
    assert [rows[letter].state for letter in letters] == [DeliveryState.SKIPPED] * 3 + [DeliveryState.ACCEPTED]
    assert {rows[letter].skip_reason for letter in letters} == {SkipReason.ERASED, None}


def told(ctx: Context, **facts: Fact) -> None:
    """Let a mail to the Secretary wait that tells of somebody."""
    with ctx.db.write() as tx:
        to = notices.to_secretary(tx)
        assert to is not None
        usual: dict[str, Fact] = dict(NOTICES["request"].facts) | facts
        notices.put(ctx, tx, Waiting(template="request", to=to, ground=Ground.OFFICER, facts=usual))


def a_person_everywhere(ctx: Context) -> int:
    """Leave traces of one person in every table that can hold any; return the number."""
    person = a_person_with_a_past(ctx)
    offers.set_questions(ctx, "newsletter", [{"name": "how", "kind": "text", "label": "How?"}])
    applied = joining.application(
        ctx, ADDRESS, NAME, answers={"newsletter.how": ["Példányi answers"]}, network="192.0.2.7"
    )
    requests.ask(ctx, applied)
    with ctx.db.write() as tx:
        tx.execute(sa.update(Subscription).values(answers={"how": f"mailed from {ADDRESS}"}))
        tx.execute(sa.update(Person).where(Person.id == person).values(journal_format="both"))
        parts = {"country_code": "HU", "name": NAME, "street_address": "Példányi u. 1", "city": "Budapest"}
        postal.put(tx, person, parts, first_day=None, now=ctx.clock.now())
        fresh_links.make(ctx, tx, person, Errand.ADDRESS, payload={"new": f"new.{ADDRESS}", "old": ADDRESS})
        whom = people.get(tx, person)
        assert whom is not None
        preferences.mail_link(ctx, tx, whom)
    told(ctx, applicant=NAME, address=ADDRESS, answers=({"question": "How?", "answer": f"by {ADDRESS}"},))
    notice_mailings.release_due(ctx)  # the ledger holds what the Secretary was told, and what they were mailed
    told(ctx, applicant="Somebody else", hints=({"kind": "same_name", "text": NAME, "at": ""},))
    with ctx.db.write() as tx:
        preferences.mail_link(ctx, tx, whom)
    return person


def test_erase_empties_every_table_of_joining_and_leaving_too_S45(ctx: Context) -> None:
    person = a_person_everywhere(ctx)
    filled = {
        table.name: text
        for table in Base.metadata.sorted_tables
        if any(trace in (text := everything(ctx, table)) for trace in TRACES)
    }
    assert filled.keys() >= {
        "people", "addresses", "postal_addresses", "subscriptions", "join_requests", "notices", "mailed_links",
        "consent_events", "audit_events", "deliveries",
    }  # fmt: skip
    erase(ctx, person)
    left = {
        table.name: [trace for trace in TRACES if trace in bare(everything(ctx, table))]
        for table in Base.metadata.sorted_tables
    }
    assert {name: found for name, found in left.items() if found} == {}
    with ctx.db.read() as tx:
        row = tx.execute(sa.select(Person.journal_format, Person.name).where(Person.id == person)).one()
        assert tuple(row) == (None, "")
        assert tx.scalar(sa.select(sa.func.count()).select_from(PostalAddress)) == 0
        assert tx.scalar(sa.select(sa.func.count()).select_from(MailedLink)) == 0
    assert verify(ctx).whole


def test_texts_of_the_year_pages_documents_and_search_lose_them_too_S45(ctx: Context) -> None:
    person, now = a_person_with_a_past(ctx), ctx.clock.now()
    told = f"Ring {NAME}, {ADDRESS}, about the hall"
    duty = {"title": told, "remark": told, "first_on": date(2027, 1, 1), "every_months": 12, "lead_days": 7}
    document = {"slug": "slides", "title": f"Slides by {NAME}", "remark": told, "created_at": now}
    page = {"name": "about.md", "number": 1, "digest": b"", "source": told, "at": now, "actor": "x"}
    with ctx.db.write() as tx:
        tx.execute(sa.insert(Duty).values(created_at=now, **duty))
        tx.execute(sa.insert(DutyDate).values(duty_id=1, on_day=date(2027, 1, 1), remark=told))
        tx.execute(sa.insert(Document).values(**document))
        tx.execute(sa.insert(PageVersion).values(**page))
        tx.execute(sa.insert(RelayState).values(name="main", reason=f"550 <{ADDRESS}> no"))
        new = NewMailing(1, MailingKind.NEWSLETTER, "News", "h", MailingState.SENT, number="9")
        number = mailings.add(tx, new, now=now)
        search.put(tx, search.Entry(at=now, fingerprint="f", title="News", body=told, mailing_id=number))
    erase(ctx, person)
    blotted = f"Ring {BLOT}, {BLOT}, about the hall"
    with ctx.db.read() as tx:
        assert tx.execute(sa.select(Duty.title, Duty.remark)).one() == (blotted, blotted)
        assert tx.execute(sa.select(DutyDate.remark)).scalar() == blotted
        assert tx.execute(sa.select(RelayState.reason)).scalar() == f"550 <{BLOT}> no"
        assert tx.execute(sa.select(Document.title, Document.remark)).one() == (f"Slides by {NAME}", blotted)
        assert tx.execute(sa.select(PageVersion.source)).scalar() == blotted
        assert search.fingerprints(tx) == {}


def test_letters_that_tell_the_secretary_of_them_go_from_the_outbox_too_S45(ctx: Context) -> None:
    person = a_person_everywhere(ctx)
    secretary = sa.select(Delivery.id).where(Delivery.ground == Ground.OFFICER)
    with ctx.db.read() as tx:
        numbers = list(tx.scalars(secretary))
    outbox = ctx.folder / "outbox" / "new"
    for number in numbers:
        (outbox / str(number)).write_bytes(b"To: secretary@example.org\r\n\r\nP=C3=A9ld=C3=A1nyi asks")
    assert numbers
    erase(ctx, person)
    assert list(outbox.iterdir()) == []
    with ctx.db.read() as tx:  # the Secretary's own name stays in them
        data = tx.scalars(sa.select(Delivery.data).where(Delivery.id.in_(numbers)))
        assert all("Enid Example" in (text or "") for text in data)


def test_no_file_of_the_instance_holds_them_after_the_sweep_that_waited_S45(ctx: Context) -> None:
    person = a_person_everywhere(ctx)
    (ctx.folder / "outbox" / "new" / "77").write_bytes(f"To: {ADDRESS}\r\n\r\n{NAME}".encode())
    done = erase(ctx, person, sweep=Sweep.LATER)
    assert done.swept is not ctx.db.is_sqlite
    errands.run(ctx)
    assert sweep_if_due(ctx) is False  # done already
    found = []
    for path in ctx.folder.rglob("*"):
        if path.is_file():
            text = bare(path.read_bytes().decode("utf-8", "replace").lower())
            found += [(path.name, trace) for trace in TRACES if trace in text]
    assert found == []


def test_a_dispatch_after_an_erasure_mails_nothing_to_them_D7(ctx: Context) -> None:
    person = a_person_everywhere(ctx)
    erase(ctx, person)
    assert notice_mailings.release_due(ctx) > 0  # what else waits still goes
    with ctx.db.read() as tx:
        open_to = sa.select(Delivery.address).where(Delivery.state == DeliveryState.QUEUED)
        assert set(tx.scalars(open_to)) <= {society.SECRETARY}


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
