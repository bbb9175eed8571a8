"""Importing people: who a row means, what it changes, what stays out, and that nothing is ever half written."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db import audit, meta, people
from balintmail.db.models import (
    Address,
    AuditEvent,
    ConsentEvent,
    Delivery,
    Mailing,
    MailingList,
    Person,
    PersonAddress,
    Subscription,
    Suppression,
)
from balintmail.db.people import PersonEntry
from balintmail.domain.states import (
    AddressHealth,
    ConsentAction,
    DeliveryState,
    SkipReason,
    SubscriptionState,
    SuppressionReason,
)
from balintmail.errors import NotFound, UsageRefused
from balintmail.ops.importers.reading import Corrections, open_people
from balintmail.services import importing
from balintmail.services.context import Context
from balintmail.services.importing import ImportRefused, Report, Terms
from tests.support.register import NOW, a_list, a_person

CONSENT = "I want the newsletter"
COLLECTED = date(2025, 3, 21)


@pytest.fixture(autouse=True)
def _lists(context: Context) -> None:
    with context.db.write() as tx:
        a_list(tx, "newsletter")
        a_list(tx, "journal")


def run(
    ctx: Context,
    folder: Path,
    text: str | bytes,
    *,
    name: str = "people.csv",
    consent: str = CONSENT,
    collected: date | None = COLLECTED,
    list_slug: str = "",
    maps: dict[str, str] | None = None,
) -> Report:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    reading = open_people(file, Corrections(columns=maps or {}))
    with importing.staged(ctx, reading.rows, Terms(name, reading.tool, list_slug, consent, collected)) as found:
        dry = found.dry_run()
        report = found.write()
    assert (dry.counts, dry.refusals) == (report.counts, report.refusals)
    return report


def numbers(report: Report) -> tuple[int, int, int, int]:
    counts = report.counts
    return counts.new, counts.changed, counts.unchanged, counts.refused


def reasons(report: Report) -> list[tuple[int, str]]:
    return [(refusal.line, refusal.reason) for refusal in report.refusals]


def register(ctx: Context) -> list[PersonEntry]:
    with ctx.db.read() as tx:
        return list(people.entries(tx))


def rows(ctx: Context, *columns: Any, where: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    with ctx.db.read() as tx:
        return [tuple(row) for row in tx.execute(select(*columns).where(*where).order_by(columns[0]))]


def everything(ctx: Context) -> list[list[tuple[Any, ...]]]:
    """Every row of the register's tables, to see that nothing changed."""
    with ctx.db.read() as tx:
        tables = (Person, Address, PersonAddress, Subscription, ConsentEvent, Suppression)
        return [
            [tuple(row) for row in tx.execute(sa.select(t.__table__).order_by(*t.__table__.primary_key))]
            for t in tables
        ]


def test_new_people_come_with_address_subscription_consent_and_audit(context: Context, tmp_path: Path) -> None:
    report = run(
        context, tmp_path, "name,email,language,member,city\nBálint Mihály,Mihaly@Example.org,hu,yes,Budapest\n"
    )
    assert numbers(report) == (1, 0, 0, 0)
    assert report.written
    (entry,) = register(context)
    assert (entry.person.name, entry.person.first_name) == ("Bálint Mihály", "Mihály")
    assert (entry.person.language, entry.person.member, entry.person.fields) == ("hu", True, {"city": "Budapest"})
    assert [(row.email, row.preferred) for row in entry.addresses] == [("Mihaly@example.org", True)]
    assert entry.lists == {"newsletter": SubscriptionState.SUBSCRIBED}
    (event,) = rows(
        context,
        ConsentEvent.action,
        ConsentEvent.words,
        ConsentEvent.how,
        ConsentEvent.actor,
        ConsentEvent.collected_on,
        ConsentEvent.address,
        ConsentEvent.evidence,
    )
    evidence = {"file": "people.csv", "line": 2, "zone": "Europe/London"}
    agreed = ConsentAction.AGREED
    assert event == (agreed, CONSENT, "import", "the Secretary", COLLECTED, "Mihaly@example.org", evidence)
    ((detail,),) = rows(context, AuditEvent.detail, where=[AuditEvent.action == "people.import"])
    assert detail == {"file": "people.csv", "new": 1, "changed": 0, "unchanged": 0, "refused": 0}


def test_the_same_file_again_changes_nothing(context: Context, tmp_path: Path) -> None:
    text = "name,email,city\nAnna,anna@example.org,Oxford\nBéla,bela@example.org,Ózd\n"
    run(context, tmp_path, text)
    before = everything(context)
    assert numbers(run(context, tmp_path, text)) == (0, 0, 2, 0)
    assert everything(context) == before


def test_a_dry_run_writes_nothing_and_holds_no_lock(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("email\nanna@example.org\n")
    before = everything(context)
    with importing.staged(
        context, open_people(file, Corrections()).rows, Terms("x", "", "", CONSENT, COLLECTED)
    ) as found:
        assert found.dry_run().counts.new == 1
        with context.db.write() as tx:
            tx.execute(sa.update(MailingList).values(purpose="written meanwhile"))
        assert found.dry_run().counts.new == 1
    assert everything(context) == before


def test_two_people_on_one_address_are_matched_by_name(context: Context, tmp_path: Path) -> None:
    text = "name,email,city\nAnna Kiss,home@example.org,A\nPál Kiss,home@example.org,B\n"
    assert numbers(run(context, tmp_path, text)) == (2, 0, 0, 0)
    changed = "name,email,city\npál  kiss,HOME@example.org,C\n"
    assert numbers(run(context, tmp_path, changed)) == (0, 1, 0, 0)
    assert [entry.person.fields for entry in register(context)] == [{"city": "A"}, {"city": "C"}]
    refused = run(context, tmp_path, "email\nhome@example.org\n")
    assert reasons(refused) == [(2, "2 people share this address; say which by name or id")]


def test_a_missing_name_fits_whoever_is_alone_on_the_address(context: Context, tmp_path: Path) -> None:
    run(context, tmp_path, "name,email\nAnna Kiss,anna@example.org\n")
    assert numbers(run(context, tmp_path, "email\nanna@example.org\n")) == (0, 0, 1, 0)


def test_a_name_for_a_nameless_person_is_taken_and_another_name_is_another_person(
    context: Context, tmp_path: Path
) -> None:
    run(context, tmp_path, "email\nanna@example.org\n")
    assert numbers(run(context, tmp_path, "name,email\nAnna Kiss,anna@example.org\n")) == (0, 1, 0, 0)
    assert numbers(run(context, tmp_path, "name,email\nPál Kiss,anna@example.org\n")) == (1, 0, 0, 0)
    assert [(entry.person.name, entry.person.first_name) for entry in register(context)] == [
        ("Anna Kiss", "Anna"),
        ("Pál Kiss", "Pál"),
    ]


def test_an_id_wins_over_name_and_address(context: Context, tmp_path: Path) -> None:
    with context.db.write() as tx:
        meta.put(tx, meta.INSTANCE_ID, "0123456789")
    run(context, tmp_path, "name,email\nAnna Kiss,anna@example.org\n")
    number = register(context)[0].person.id
    report = run(context, tmp_path, f"id,register,name,email\n{number},01234567,Anna Nagy,nagy@example.org\n")
    assert numbers(report) == (0, 1, 0, 0)
    (entry,) = register(context)
    assert entry.person.name == "Anna Nagy"
    assert [(row.email, row.preferred) for row in entry.addresses] == [
        ("nagy@example.org", True),
        ("anna@example.org", False),
    ]


def test_an_id_that_may_be_another_tools_needs_a_name_or_an_address_that_agrees(
    context: Context, tmp_path: Path
) -> None:
    run(context, tmp_path, "name,email\nAnna Kiss,anna@example.org\n")
    number = register(context)[0].person.id
    report = run(context, tmp_path, f"id,name,email\n{number},Bo,bo@example.org\n")
    assert reasons(report) == [(2, f"person {number} is somebody else here: neither name nor address agrees")]
    assert numbers(run(context, tmp_path, f"id,name,email\n{number},Anna Nagy,anna@example.org\n")) == (0, 1, 0, 0)
    assert numbers(run(context, tmp_path, f"id,name,email\n{number},Anna Nagy,nagy@example.org\n")) == (0, 1, 0, 0)
    assert len(register(context)) == 1


def test_what_a_refusal_repeats_harms_no_database_F10_J13(context: Context, tmp_path: Path) -> None:
    text = 'email,state\n"a\0@example.org",\nb@example.org,"x\0\x1b[31m"\n'
    report = run(context, tmp_path, text)
    assert [refusal.address for refusal in report.refusals] == [
        "a\N{REPLACEMENT CHARACTER}@example.org",
        "b@example.org",
    ]
    odd = '[\n{"addresses": [{"address": "\\ud800@example.org"}]}\n]\n'
    assert numbers(run(context, tmp_path, odd, name="people.json")) == (0, 0, 0, 1)


def test_ids_of_another_register_mean_nothing_here(context: Context, tmp_path: Path) -> None:
    run(context, tmp_path, "name,email\nAnna Kiss,anna@example.org\n")
    number = register(context)[0].person.id
    report = run(context, tmp_path, f"id,register,name,address,lists\n{number},elsewhere,Bo,bo@example.org,\n")
    assert numbers(report) == (1, 0, 0, 0)
    assert [entry.person.name for entry in register(context)] == ["Anna Kiss", "Bo"]


def test_a_merged_id_is_the_person_it_was_merged_into_and_an_erased_one_is_refused(
    context: Context, tmp_path: Path
) -> None:
    with context.db.write() as tx:
        kept = a_person(tx, "kept@example.org", name="Kept")
        first = a_person(tx, merged_into=kept)
        second = a_person(tx, merged_into=first)
        erased = a_person(tx, erased_at=NOW)
    report = run(context, tmp_path, f"id,name,email\n{second},Newly Named,kept@example.org\n{erased},X,x@example.org\n")
    assert numbers(report) == (0, 1, 0, 1)
    assert reasons(report) == [(3, "this person was erased at their own wish")]
    assert [entry.person.name for entry in register(context)] == ["Newly Named"]


def test_duplicates_by_case_in_one_file_are_refused_G9(context: Context, tmp_path: Path) -> None:
    report = run(context, tmp_path, "name,email\nAnna,anna@example.org\nANNA,Anna@EXAMPLE.org\n,ANNA@example.org\n")
    assert numbers(report) == (1, 0, 0, 2)
    assert reasons(report) == [
        (3, "the same person stands on line 2 already"),
        (4, "the same address stands with a name on line 2"),
    ]


def test_unsubscribed_people_stay_out_G10(context: Context, tmp_path: Path) -> None:
    with context.db.write() as tx:
        list_id = tx.scalar(select(MailingList.id).where(MailingList.slug == "newsletter"))
        person = a_person(tx, "anna@example.org", name="Anna")
        tx.execute(
            sa.insert(Subscription).values(
                person_id=person, list_id=list_id, state="unsubscribed", ground="consent", since=NOW, ended_at=NOW
            )
        )
    before = everything(context)
    report = run(context, tmp_path, "name,email\nAnna,anna@example.org\n")
    assert numbers(report) == (0, 0, 0, 1)
    assert reasons(report) == [(2, "left the list newsletter on 2026-11-21 and stays out")]
    assert everything(context) == before


@pytest.mark.parametrize("spelling", ["anna@example.org", "ANNA@Example.ORG"])
def test_erased_addresses_stay_unmailable_G11_D7(context: Context, tmp_path: Path, spelling: str) -> None:
    with context.db.write() as tx:
        tx.execute(
            sa.insert(Suppression).values(
                address_hash=context.keyring.address_hash("anna@example.org"),
                address_key=None,
                reason=SuppressionReason.ERASED,
                at=NOW,
                actor="x",
            )
        )
    report = run(context, tmp_path, f"name,email,state\nAnna,{spelling},\nBo,{spelling},unsubscribed\n")
    assert numbers(report) == (0, 0, 0, 2)
    assert {reason for _, reason in reasons(report)} == {"this address was erased at its owner's wish"}
    assert register(context) == []


def test_suppressed_addresses_keep_new_people_out_and_say_why(context: Context, tmp_path: Path) -> None:
    with context.db.write() as tx:
        tx.execute(
            sa.insert(Suppression).values(
                address_hash=context.keyring.address_hash("anna@example.org"),
                address_key="anna@example.org",
                reason=SuppressionReason.COMPLAINT,
                at=NOW,
                actor="x",
            )
        )
    report = run(context, tmp_path, "email\nanna@example.org\n")
    assert reasons(report) == [(2, "this address is suppressed (complaint)")]


def test_states_of_others_become_opt_outs_and_suppressions(context: Context, tmp_path: Path) -> None:
    run(context, tmp_path, "name,email\nHere,here@example.org\nDead,dead@example.org\n")
    text = (
        "name,email,status\nHere,here@example.org,unsubscribed\nDead,dead@example.org,cleaned\n"
        "Gone,gone@example.org,unsubscribed\nHard,hard@example.org,bounced\nAngry,angry@example.org,complained\n"
        "Late,late@example.org,pending\n"
    )
    report = run(context, tmp_path, text, consent="", collected=None)
    assert numbers(report) == (3, 2, 0, 1)
    assert reasons(report) == [(7, "they asked to join and never confirmed it")]
    found = {entry.person.name: entry for entry in register(context)}
    assert found["Here"].lists == found["Gone"].lists == {"newsletter": SubscriptionState.UNSUBSCRIBED}
    assert found["Hard"].lists == {}
    assert found["Dead"].lists == {"newsletter": SubscriptionState.SUBSCRIBED}
    assert found["Dead"].addresses[0].health is AddressHealth.BOUNCED
    assert dict(rows(context, Suppression.address_key, Suppression.reason)) == {
        "dead@example.org": SuppressionReason.CLEANED,
        "hard@example.org": SuppressionReason.BOUNCED,
        "angry@example.org": SuppressionReason.COMPLAINT,
    }
    withdrew = rows(context, ConsentEvent.address, where=[ConsentEvent.action == ConsentAction.WITHDREW])
    assert withdrew == [("angry@example.org",), ("gone@example.org",), ("here@example.org",)]
    again = run(context, tmp_path, text, consent="", collected=None)
    assert numbers(again) == (0, 0, 5, 1)


def test_nobody_is_subscribed_without_a_ground_D6(context: Context, tmp_path: Path) -> None:
    before = everything(context)
    for consent, collected in (("", None), (CONSENT, None), ("", COLLECTED)):
        with pytest.raises(UsageRefused, match="does not say that 1 people agreed"):
            run(context, tmp_path, "email\nanna@example.org\n", consent=consent, collected=collected)
    assert everything(context) == before


def test_columns_for_consent_win_over_the_options(context: Context, tmp_path: Path) -> None:
    text = "email,consent,collected\na@example.org,Ja gerne,3.2.2024\nb@example.org,,\n"
    run(context, tmp_path, text)
    assert rows(context, ConsentEvent.address, ConsentEvent.words, ConsentEvent.collected_on) == [
        ("a@example.org", "Ja gerne", date(2024, 2, 3)),
        ("b@example.org", CONSENT, COLLECTED),
    ]


def test_soft_opt_in_needs_its_day_and_an_opt_out_offered_S43(context: Context, tmp_path: Path) -> None:
    text = (
        "email,ground,collected,opt out offered\na@example.org,soft_opt_in,2026-02-04,yes\n"
        "b@example.org,soft opt-in,2026-02-05,no\nc@example.org,soft_opt_in,2026-02-05,yes\n"
        "d@example.org,membership,2026-02-05,\ne@example.org,consent,2027-01-01,\n"
    )
    report = run(context, tmp_path, text)
    assert numbers(report) == (1, 0, 0, 4)
    assert [line for line, _ in reasons(report)] == [2, 3, 5, 6]


def test_unknown_and_archived_lists_are_refused_G13(context: Context, tmp_path: Path) -> None:
    with context.db.write() as tx:
        a_list(tx, "old", archived_at=NOW)
    with pytest.raises(NotFound, match="nowhere"):
        run(context, tmp_path, "email\na@example.org\n", list_slug="nowhere")
    with pytest.raises(ImportRefused, match="archived"):
        run(context, tmp_path, "email\na@example.org\n", list_slug="old")
    report = run(context, tmp_path, "email,list\na@example.org,old\nb@example.org,nowhere\nc@example.org,journal\n")
    assert reasons(report) == [(2, 'the list "old" is archived'), (3, 'the list "nowhere" is not known')]
    assert register(context)[0].lists == {"journal": SubscriptionState.SUBSCRIBED}


def test_an_import_that_breaks_off_changes_nothing_G14(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(context)

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(audit, "note", broken)
    with pytest.raises(KeyboardInterrupt):
        run(context, tmp_path, "email\na@example.org\nb@example.org\n")
    assert everything(context) == before


def test_odd_rows_fail_alone_A1_A12_A15_A21_A26_B2_B14(context: Context, tmp_path: Path) -> None:
    text = (
        'name,email,city\n"A\r\nBcc: x",a@example.org,x\nB\x85y,b@example.org,\nC,c@c,\n'
        'D,"d@example.org,e@example.org",\n'
        "E\ufeff,e@example.org,\n   ,f@example.org,\nG\x00,g@example.org,\n"
    )
    report = run(context, tmp_path, text.encode())
    assert numbers(report) == (2, 0, 0, 5)
    assert [entry.person.name for entry in register(context)] == ["E", ""]


def test_changes_are_written_and_counted_once(context: Context, tmp_path: Path) -> None:
    run(context, tmp_path, "name,email,member,language,city\nAnna,a@example.org,no,,Ózd\n")
    report = run(context, tmp_path, "name,email,member,language,city,room\nAnna,a@example.org,yes,hu,,12\n")
    assert numbers(report) == (0, 1, 0, 0)
    (entry,) = register(context)
    assert (entry.person.member, entry.person.language) == (True, "hu")
    assert entry.person.fields == {"city": "Ózd", "room": "12"}
    with context.db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(ConsentEvent)) == 1


def test_what_happened_between_the_dry_run_and_the_answer_counts_D4(context: Context, tmp_path: Path) -> None:
    run(context, tmp_path, "name,email\nAnna,anna@example.org\n")
    file = tmp_path / "people.csv"
    file.write_text("name,email\nAnna,anna@example.org\nBo,bo@example.org\n")
    with importing.staged(
        context, open_people(file, Corrections()).rows, Terms("x", "", "", CONSENT, COLLECTED)
    ) as found:
        assert numbers(found.dry_run()) == (1, 0, 1, 0)
        with context.db.write() as tx:
            tx.execute(sa.update(Subscription).values(state="unsubscribed", ended_at=NOW))
        report = found.write()
    assert numbers(report) == (1, 0, 0, 1)
    assert reasons(report) == [(2, "left the list newsletter on 2026-11-21 and stays out")]


def test_an_import_is_written_once_however_often_it_is_asked(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email\nAnna,anna@example.org\n")
    with importing.staged(
        context, open_people(file, Corrections()).rows, Terms("x", "", "", CONSENT, COLLECTED)
    ) as found:
        found.dry_run()
        assert numbers(found.write()) == (1, 0, 0, 0)
        assert numbers(found.write()) == (0, 0, 1, 0)
    assert len(register(context)) == 1


def test_a_no_in_a_file_stops_what_is_about_to_leave_D4(context: Context, tmp_path: Path) -> None:
    run(context, tmp_path, "name,email\nAnna,anna@example.org\nBo,bo@example.org\nCili,cili@example.org\n")
    with context.db.write() as tx:
        list_id = tx.scalar(select(MailingList.id).where(MailingList.slug == "newsletter"))
        mailing: int = tx.execute(
            sa.insert(Mailing)
            .values(list_id=list_id, kind="newsletter", title="t", state="sending", content_hash="x", created_at=NOW)
            .returning(Mailing.id)
        ).scalar_one()
        for entry in list(people.entries(tx)):
            row = {"address": "x", "envelope": "x", "address_key": entry.addresses[0].key, "ground": "consent"}
            tx.execute(
                sa.insert(Delivery).values(mailing_id=mailing, person_id=entry.person.id, state="queued", at=NOW, **row)
            )
    run(context, tmp_path, "name,email,status\nAnna,anna@example.org,unsubscribed\nBo,bo@example.org,bounced\n")
    assert rows(context, Delivery.address_key, Delivery.state, Delivery.skip_reason) == [
        ("anna@example.org", DeliveryState.SKIPPED, SkipReason.NOT_SUBSCRIBED),
        ("bo@example.org", DeliveryState.SKIPPED, SkipReason.SUPPRESSED),
        ("cili@example.org", DeliveryState.QUEUED, None),
    ]
