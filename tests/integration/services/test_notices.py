"""System mails that wait: put, released as mailings, sent by dispatch; on both databases."""

import quopri
import re
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import func, insert, select, update

from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.facts import shape_of
from balintmail.db import mailings, meta
from balintmail.db.ledger import Claimed
from balintmail.db.models import Delivery, Mailing, Notice, Person
from balintmail.domain.address import parse
from balintmail.domain.notices import NOTICES, Fact, Plain
from balintmail.domain.outcome import Composed
from balintmail.domain.states import DeliveryState, Ground, MailingKind, MailingState, SuppressionReason
from balintmail.resources import templates_folder
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import claims, erasure, lists, notice_letters, notice_mailings, notices, officers_mail
from balintmail.services import dispatch as lasting
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.notice_letters import NoticeLetters, letter_of
from balintmail.services.notice_mailings import release_due
from balintmail.services.notices import To, Waiting, put
from tests.conftest import MovableClock
from tests.support.joining import a_sent_newsletter
from tests.support.letters import compose as plain_letter
from tests.support.register import a_list, a_person, a_secretary, on_list, readers, suppress

WEEK = timedelta(days=7)


def stranger(context: Context, number: int, **values: Any) -> Waiting:
    """Return the confirmation of somebody who is on no register."""
    now = context.clock.now()
    facts = {
        "lists": ["Newsletter"],
        "confirm_url": f"https://balint.example.org/confirm/{number}",
        "asked_at": now,
        "expires_at": now + WEEK,
        "page": "https://balint.example.org/join",
    }
    to = To(address=parse(f"visitor{number}@example.net"), name="Buy now", first_name="Buy")
    return Waiting(**{"template": "confirm", "to": to, "ground": Ground.REQUESTED, "facts": facts, **values})


def count(context: Context, of: Any) -> int:
    with context.db.read() as tx:
        return tx.scalar(select(func.count()).select_from(of)) or 0


def send(context: Context) -> None:
    dispatch(context, lambda: OutboxTransport(context.folder / "outbox"), Orders())


def outbox(context: Context) -> list[str]:
    folder = context.folder / "outbox" / "new"
    return [file.read_text("utf-8") for file in sorted(folder.iterdir())] if folder.is_dir() else []


@pytest.fixture
def society(context: Context) -> Context:
    with context.db.write() as tx:
        a_secretary(tx)
        a_list(tx)
    return context


def test_put_then_dispatch_sends_it_once_and_keeps_nothing_waiting(society: Context) -> None:
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1))
    send(society)
    send(society)
    (letter,) = outbox(society)
    assert "To: visitor1@example.net" in letter
    assert count(society, Notice) == 0


def test_confirm_holds_nothing_that_the_visitor_typed(society: Context) -> None:
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1))
        stored = tx.scalar(select(Notice.facts))
    send(society)
    assert "Buy" not in repr(stored)
    assert "Buy" not in outbox(society)[0]


def test_mail_to_a_new_address_names_nobody_though_its_person_is_registered_S46(society: Context) -> None:
    with society.db.write() as tx:
        person = a_person(tx, "jane@example.org", name="Jane Unmistakable", first_name="Jane")
        facts: dict[str, Fact] = {
            "confirm_url": "https://balint.example.org/manage/address/abc",
            "old_address": "j•••@example.org",
        }
        to = To(address=parse("new@example.net"), person=person)
        put(society, tx, Waiting(template="address_confirm", to=to, ground=Ground.REQUESTED, facts=facts))
    send(society)
    (letter,) = outbox(society)
    assert "Jane" not in letter


def test_release_due_leaves_what_is_not_due_yet(society: Context, clock: MovableClock) -> None:
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1, due_at=clock.now() + timedelta(hours=1)))
    assert release_due(society) == 0
    clock.forward(timedelta(hours=1))
    assert release_due(society) == 1


def test_put_with_the_same_key_replaces_what_still_waits(society: Context) -> None:
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1, key="request 1"))
        put(society, tx, stranger(society, 2, key="request 1"))
    send(society)
    (letter,) = outbox(society)
    assert "visitor2@example.net" in letter


def test_put_of_the_same_key_at_one_moment_leaves_one_and_refuses_nobody(society: Context) -> None:
    faults: list[BaseException] = []

    def visit(number: int) -> None:
        try:
            for _ in range(10):
                with society.db.write() as tx:
                    put(society, tx, stranger(society, number, key="request 1"))
        except BaseException as exc:
            faults.append(exc)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert count(society, Notice) == 1


def test_put_of_an_unknown_mail_or_fact_is_a_bug(society: Context) -> None:
    with society.db.write() as tx:
        with pytest.raises(ValueError, match="no system mail nonsense"):
            put(society, tx, stranger(society, 1, template="nonsense"))
        with pytest.raises(ValueError, match="no fact colour"):
            put(society, tx, stranger(society, 1, facts={"colour": "red"}))


def test_ten_thousand_notices_are_a_few_compilations_and_ten_mailings(society: Context) -> None:
    with society.db.write() as tx:
        for language in ("en", "de"):
            put(society, tx, stranger(society, 0, language=language))
        names = [column.name for column in Notice.__table__.columns if column.name != "id"]
        rows = [row._asdict() for row in tx.execute(select(*(Notice.__table__.c[name] for name in names)))]
        many = [
            {**row, "address": f"v{n}@example.net", "address_key": f"v{n}@example.net"}
            for n in range(4999)
            for row in rows
        ]
        tx.execute(insert(Notice), many)
    with mock.patch.object(notice_letters, "compile_letter", wraps=compile_letter) as compiling:
        assert release_due(society) == 10_000
    assert compiling.call_count == 2
    assert count(society, Mailing) == 10
    assert count(society, Delivery) == 10_000
    assert count(society, Notice) == 0


def test_a_crash_between_put_and_release_loses_none_and_doubles_none(society: Context) -> None:
    with society.db.write() as tx:
        for number in range(5):
            put(society, tx, stranger(society, number))
    with (
        mock.patch.object(notice_mailings, "release_to", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        release_due(society)
    assert (count(society, Notice), count(society, Mailing), count(society, Delivery)) == (5, 0, 0)
    send(society)
    assert len(outbox(society)) == 5


@pytest.mark.parametrize("reason", [SuppressionReason.MANUAL, SuppressionReason.ERASED])
def test_an_address_suppressed_or_erased_in_between_gets_nothing_D4_D7(
    society: Context, reason: SuppressionReason
) -> None:
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1))
        put(society, tx, stranger(society, 2))
        suppress(tx, "visitor1@example.net", reason)
    send(society)
    (letter,) = outbox(society)
    assert "visitor2@example.net" in letter
    with society.db.read() as tx:
        assert list(tx.scalars(select(Delivery.address))) == ["visitor2@example.net"]


def test_a_person_erased_in_between_gets_nothing_D7(society: Context) -> None:
    with society.db.write() as tx:
        person = a_person(tx, "anna@example.org", name="Anna")
        to = notices.to_person(tx, person)
        assert to is not None
        put(society, tx, Waiting(template="data_export", to=to, ground=Ground.REQUESTED))
    erasure.erase(society, person)
    send(society)
    assert outbox(society) == []


def test_two_dispatchers_write_every_notice_once(society: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice_mailings, "AT_ONCE", 50)
    with society.db.write() as tx:
        for number in range(600):
            put(society, tx, stranger(society, number))
    threads = [threading.Thread(target=release_due, args=(society,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release_due(society)
    with society.db.read() as tx:
        times = Counter(tx.scalars(select(Delivery.address)))
    assert len(times) == 600
    assert set(times.values()) == {1}


def test_a_send_of_one_mailing_leaves_notices_to_the_next_look(society: Context) -> None:
    with society.db.write() as tx:
        news = mailings.add(
            tx,
            mailings.NewMailing(1, MailingKind.NEWSLETTER, "News", "hash", MailingState.SCHEDULED, number="1"),
            now=society.clock.now(),
        )
        put(society, tx, stranger(society, 1))
    dispatch(society, lambda: OutboxTransport(society.folder / "outbox"), Orders(only=news))
    assert outbox(society) == []
    send(society)
    assert len(outbox(society)) == 1


def test_a_confirmation_leaves_in_the_midst_of_a_long_send(society: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "NOTICES_EVERY", 0.0)
    with society.db.write() as tx:
        readers(tx, 1, 300)
        new = mailings.NewMailing(1, MailingKind.NEWSLETTER, "News", "hash", MailingState.SCHEDULED, number="1")
        mailings.add(tx, replace(new, start_at=society.clock.now()), now=society.clock.now())
    order: list[str] = []

    def compose(row: Claimed) -> Composed:
        if len(order) == 20:
            with society.db.write() as tx:
                put(society, tx, stranger(society, 1))
        order.append(row.address)
        return plain_letter(row)

    dispatch(society, lambda: OutboxTransport(society.folder / "outbox"), Orders(compose=compose))
    assert len(order) == 301
    assert 20 < order.index("visitor1@example.net") < 200


def test_a_confirmation_leaves_while_a_send_of_one_mailing_lasts(
    society: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "NOTICES_EVERY", 0.0)
    monkeypatch.setattr(lasting, "NOTICES_AFTER", 0.0)
    with society.db.write() as tx:
        readers(tx, 1, 300)
        new = mailings.NewMailing(1, MailingKind.NEWSLETTER, "News", "hash", MailingState.SCHEDULED, number="1")
        news = mailings.add(tx, replace(new, start_at=society.clock.now()), now=society.clock.now())
    order: list[str] = []

    def compose(row: Claimed) -> Composed:
        if len(order) == 20:
            with society.db.write() as tx:
                put(society, tx, stranger(society, 1))
        order.append(row.address)
        return plain_letter(row)

    orders = Orders(only=news, compose=compose)
    report = dispatch(society, lambda: OutboxTransport(society.folder / "outbox"), orders)
    assert report.tally.of(news)[DeliveryState.ACCEPTED] == 300
    if society.db.is_sqlite:  # elsewhere a dispatcher works beside it
        assert 20 < order.index("visitor1@example.net") < 200
        with society.db.read() as tx:
            assert mailings.in_state(tx, MailingState.SENDING) == []
    else:
        assert "visitor1@example.net" not in order


def test_the_same_letter_twice_to_one_person_is_two_mailings_D1(society: Context) -> None:
    with society.db.write() as tx:
        to = notices.to_secretary(tx)
        assert to is not None
        for number in (1, 2):
            facts = {"applicant": f"Applicant {number}"}
            put(society, tx, Waiting(template="request", to=to, ground=Ground.OFFICER, facts=facts))
    send(society)
    assert count(society, Mailing) == 2
    with society.db.read() as tx:
        assert set(tx.scalars(select(Mailing.title))) == {"… asks to join"}  # receipts name no applicant
    assert len(outbox(society)) == 2


def test_receipts_call_each_system_mail_by_its_title_without_anybodys_own(society: Context) -> None:
    if not society.db.is_sqlite:
        pytest.skip("letters read the same on every database")
    letters, called = NoticeLetters(society), {}
    named = [name for name in NOTICES if "{" in letter_of([templates_folder()], name).title]
    with society.db.read() as tx:
        for name, language in (*((name, "en") for name in named), ("dues_reminder", "de")):
            kind = NOTICES[name]
            letter = letters.get(tx, name, 1 if kind.leavable else None, language, shape_of(kind, kind.facts))
            called[name, language] = letter.title(notice_mailings.told(kind, kind.facts, letters.reader(language)))
    assert not {key: title for key, title in called.items() if re.search(r"[{}%]|Jane|Smith", title)}
    assert called["request", "en"] == "… asks to join"
    assert called["digest", "en"] == "Requests to join: 2"
    assert called["dues_reminder", "de"] == "Ihr Beitrag für das kommende Jahr"
    assert called["welcome", "en"] == "Welcome to the list “The newsletter”"


def test_the_secretary_is_told_of_a_pause_in_their_own_language(society: Context) -> None:
    with society.db.write() as tx:
        tx.execute(update(Person).values(language="de"))
        new = mailings.NewMailing(1, MailingKind.NEWSLETTER, "Winter", "hash", MailingState.SENDING, number="84")
        row = mailings.by_id(tx, mailings.add(tx, new, now=society.clock.now()))
        assert row is not None
        assert officers_mail.tell_of_pause(society, tx, row, "every relay refuses us")
        assert mailings.change(tx, row.id, MailingState.PAUSED)
    send(society)
    (letter,) = outbox(society)
    assert "Subject: Ein Versand ruht: newsletter/84" in letter
    assert "„Winter“".encode() in quopri.decodestring(letter)
    with society.db.read() as tx:
        assert mailings.every(tx)[0].title == "Ein Versand ruht: newsletter/84"


def test_letters_with_longer_lists_are_texts_of_their_own(society: Context) -> None:
    with society.db.write() as tx:
        to = notices.to_secretary(tx)
        assert to is not None
        for number in (0, 1, 3):
            row: dict[str, Plain] = {
                "applicant": "Jane",
                "lists": "News",
                "asked_at": society.clock.now(),
                "url": "https://x.example.org",
            }
            facts: dict[str, Fact] = {
                "count": number,
                "requests": [{**row, "applicant": f"Jane {n}"} for n in range(number)],
            }
            put(society, tx, Waiting(template="digest", to=to, ground=Ground.OFFICER, facts=facts))
    send(society)
    assert sorted(letter.replace("=\n", "").count("<https://x.example.org>") for letter in outbox(society)) == [0, 1, 3]


def test_without_a_secretary_notices_wait_and_say_why(context: Context) -> None:
    with context.db.write() as tx:
        put(context, tx, stranger(context, 1))
    assert release_due(context) == 0
    assert count(context, Notice) == 1
    with context.db.write() as tx:
        assert "Secretary" in str(meta.fact(tx, notice_mailings.STUCK))
        a_secretary(tx)
    assert release_due(context) == 1
    with context.db.read() as tx:
        assert meta.fact(tx, notice_mailings.STUCK) == ""


def test_a_broken_letter_of_the_instance_is_set_aside_for_the_shipped_one(society: Context) -> None:
    own = society.folder / "templates" / "emails" / "confirm" / "letter.md"
    own.parent.mkdir(parents=True)
    own.write_text("---\ntitle: Confirm\n---\n\n{{ notice.nonsense }}\n", "utf-8")
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1))
    send(society)
    assert "confirm/1" in outbox(society)[0].replace("=\n", "")


def test_facts_and_links_are_each_person_s_own(society: Context) -> None:
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1))
        put(society, tx, stranger(society, 2))
    send(society)
    for number, letter in enumerate(sorted(outbox(society), key=lambda text: "visitor2" in text), start=1):
        plain = letter.replace("=\n", "")
        assert f"confirm/{number}" in plain
        assert f"confirm/{3 - number}" not in plain
    assert count(society, Mailing) == 1


def test_the_data_of_a_notice_is_gone_when_it_has_been_sent_S45(society: Context) -> None:
    with society.db.write() as tx:
        put(society, tx, stranger(society, 1))
    send(society)
    with society.db.read() as tx:
        assert list(tx.scalars(select(Delivery.data))) == [None]
        assert b"confirm/1" not in mailings.compiled(tx, 1)


def test_welcome_goes_to_subscribers_in_their_languages(society: Context) -> None:
    with society.db.write() as tx:
        people = [a_person(tx, f"{tag}@example.org", language=tag) for tag in ("en", "de", "hu")]
        for person in people[:2]:
            on_list(tx, person, 1)
    released = notice_mailings.welcome(society, "newsletter", people)
    assert [row.audience for row in released] == [1, 1]
    with society.db.read() as tx:
        languages = [Compiled.load(mailings.compiled(tx, row.id)).language for row in released]
    assert languages == ["en", "de"]


def test_latest_newsletter_follows_the_welcome_of_a_command_where_the_list_says_so(society: Context) -> None:
    newsletter = a_sent_newsletter(society)
    with society.db.write() as tx:
        person, other = a_person(tx, "anna@example.org"), a_person(tx, "bela@example.org")
        on_list(tx, person, 1)
    assert [row.again_of for row in notice_mailings.welcome(society, "newsletter", [person])] == [None]
    lists.edit(society, "newsletter", lists.Manners(sends_latest=True))
    released = notice_mailings.welcome(society, "newsletter", [person, other])
    assert [(row.again_of, row.audience) for row in released] == [(None, 1), (newsletter, 1)]
    send(society)
    assert any("Groups this winter" in letter for letter in outbox(society))
