"""Everything held of a person: nothing is left out, and nothing of whoever shares an address is let in (Art. 15)."""

import quopri
import re
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db import mailed_links, people, postal
from balintmail.db.models import CopyRequest, Draft, Person
from balintmail.db.models_archive import CopyTerms
from balintmail.db.schema import Base
from balintmail.domain.states import CopyState
from balintmail.errors import NotFound
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import (
    despatches,
    errands,
    fresh_links,
    held,
    journal_articles,
    journal_issues,
    preferences,
    suppressions,
)
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.erasure import erase
from balintmail.services.fresh_links import Errand
from balintmail.services.held import document
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.merging import merge
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from tests.support import joining, society
from tests.support.coming_back import FULL, Post
from tests.support.readers import GB, reader


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


def of(ctx: Context, person: int) -> dict[str, Any]:
    return document(held.of_person(ctx, person), ctx.settings.zone)


def test_it_holds_every_part(ctx: Context) -> None:
    person = subscribe(ctx, ["maria@example.org"], Joining(name="Mária Example", member=True))[0].person or 0
    register.edit(ctx, person, register.Changes(fields={"practice": "Leeds"}, add=("m@example.net",)))
    joining.ask(ctx, "maria@example.org", "Mária Example", network="192.0.2.7")
    unsubscribe(ctx, ["maria@example.org"], Leaving(reason="too many"))
    suppressions.suppress(ctx, "m@example.net", "came back")
    with ctx.db.write() as tx:
        parts = {"country_code": "GB", "street_address": "1 High Street", "city": "London", "postal_code": "EC1A 1BB"}
        postal.put(tx, person, parts, first_day=None, now=ctx.clock.now())
        row = people.get(tx, person)
        assert row is not None
        preferences.mail_link(ctx, tx, row)
    found = of(ctx, person)
    assert found["person"]["fields"] == {"practice": "Leeds"}
    assert [each["address"] for each in found["addresses"]] == ["maria@example.org", "m@example.net"]
    assert found["addresses"][1]["suppressed"]["note"] == "came back"
    assert found["postal_addresses"][0]["city"] == "London"
    assert [each["state"] for each in found["lists"]] == ["unsubscribed"]
    assert [each["words"] for each in found["consent"]] == ["asked the Secretary to join", "too many"]
    assert [each["template"] for each in found["letters_waiting"]] == ["confirm", "preferences_link"] or (
        [each["template"] for each in found["letters_waiting"]] == ["preferences_link"]
    )
    assert [each["purpose"] for each in found["links_mailed"]] == ["manage"]
    assert "everything held handed out" in [each["action"] for each in of(ctx, person)["record"]]


def test_every_table_with_a_person_in_it_is_read_or_named_here() -> None:
    """Whoever adds a table about people decides here how somebody gets to see it."""
    people_column = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(key.column.table is Person.__table__ for key in table.foreign_keys) or "person_id" in table.columns
    }
    shown = {
        "person_addresses", "postal_addresses", "officers", "subscriptions", "join_requests", "notices",
        "mailed_links", "consent_events", "deliveries", "audit_events", "people", "inbound_messages", "return_events",
        "copy_requests", "drafts", "reading_links", "papers", "paper_readers", "despatch_copies",
        "journal_authors", "memberships", "orders", "payments", "bank_lines", "round_answers",
    }  # fmt: skip
    passing = {"awaited_replies"}  # which letter an officer was asked by: gone with the request, which is shown
    assert people_column == shown | passing


def test_what_came_in_from_them_and_back_from_their_addresses_is_held(context: Context) -> None:
    post = Post.of(context)
    person, other = post.reader("maria@example.org"), post.reader("other@example.net")
    delivery, now = post.sent(person, "maria@example.org"), context.clock.now()
    post.comes(
        post.dsn(delivery, "maria@example.org", FULL),
        b"From: maria@example.org\r\nSubject: A room\r\nMessage-ID: <1@x>\r\n\r\nIn Leeds there is one.\r\n",
        b"From: other@example.net\r\nSubject: Not hers\r\nMessage-ID: <2@x>\r\n\r\nNothing.\r\n",
    )
    asked = {"wanted": "84", "email": "maria@example.org", "envelope": "maria@example.org", "door": "mail"}
    with context.db.write() as tx:
        for owner in (person, other):
            values = {**asked, "address_key": str(owner), "person_id": owner, "state": CopyState.WAITING}
            entered = sa.insert(CopyRequest).values(**values, created_at=now).returning(CopyRequest.id)
            number = tx.execute(entered).scalar_one()
            terms = {"paper": True, "post": "1 High Street", "price_pence": 500, "currency": "GBP"}
            tx.execute(sa.insert(CopyTerms).values(request_id=number, **terms))
        written = {"officer_id": person, "source": "Dear all", "created_at": now, "expires_at": now}
        tx.execute(sa.insert(Draft).values(**written))
    found = of(context, person)
    assert [(each["subject"], "In Leeds there is one." in each["raw"]) for each in found["messages"]] == [
        ("A room", True)
    ]
    assert [(each["address"], each["sentence"]) for each in found["returns"]] == [("maria@example.org", "soft")]
    assert [(each["wanted"], each["post"], each["price_pence"]) for each in found["copy_requests"]] == [
        ("84", "1 High Street", 500)
    ]
    assert [each["source"] for each in found["drafts"]] == ["Dear all"]


def test_what_others_at_the_same_address_asked_for_is_not_theirs(ctx: Context) -> None:
    anna = subscribe(ctx, ["both@example.org"], Joining(name="Anna Example"))[0].person or 0
    subscribe(ctx, ["both@example.org"], Joining(name="Bea Example"))
    joining.ask(ctx, "both@example.org", "Cili Example")
    found = str(of(ctx, anna))
    assert "Bea" not in found
    assert "Cili" not in found


def test_a_merged_person_sees_both_pasts(ctx: Context) -> None:
    keep = subscribe(ctx, ["keep@example.org"], Joining(name="Anna Keep", words="said here"))[0].person or 0
    other = subscribe(ctx, ["other@example.org"], Joining(name="Anna Keep", words="said there"))[0].person or 0
    merge(ctx, keep, other)
    found = of(ctx, keep)
    assert found["person"]["merged_ids"] == [other]
    assert [each["words"] for each in found["consent"]] == ["said here", "said there"]


def test_nothing_is_held_of_an_erased_person(ctx: Context) -> None:
    person = subscribe(ctx, ["maria@example.org"], Joining())[0].person or 0
    erase(ctx, person)
    with pytest.raises(NotFound, match="was erased"):
        of(ctx, person)


def test_old_links_are_forgotten_after_a_month(ctx: Context, clock: Any) -> None:
    person = subscribe(ctx, ["maria@example.org"], Joining())[0].person or 0
    with ctx.db.write() as tx:
        fresh_links.make(ctx, tx, person, Errand.MANAGE)
    clock.moment += fresh_links.LASTS[Errand.MANAGE] + fresh_links.KEPT
    assert fresh_links.tidy(ctx) == 0
    clock.moment += fresh_links.LASTS[Errand.MANAGE]
    assert fresh_links.tidy(ctx) == 1
    with ctx.db.read() as tx:
        assert mailed_links.of_people(tx, [person]) == []
        assert tx.scalar(sa.select(sa.func.count()).select_from(Person))


def test_secret_of_a_link_that_has_left_stands_nowhere_any_more(ctx: Context) -> None:
    person = subscribe(ctx, ["maria@example.org"], Joining())[0].person or 0
    with ctx.db.write() as tx:
        row = people.get(tx, person)
        assert row is not None
        preferences.mail_link(ctx, tx, row)
    (ctx.folder / "outbox").mkdir()
    dispatch(ctx, lambda: OutboxTransport(ctx.folder / "outbox"), Orders())
    (letter,) = (ctx.folder / "outbox" / "new").iterdir()
    text = quopri.decodestring(letter.read_bytes()).decode()
    found = re.search(r"/manage/([A-Za-z0-9_-]{43})", text)
    assert found is not None
    assert preferences.own_page(ctx, found[1]).person.id == person
    errands.run(ctx)
    with ctx.db.read() as tx:
        rows = [str(list(tx.execute(sa.select(table)))) for table in Base.metadata.sorted_tables]
    assert found[1] not in "".join(rows)
    assert preferences.own_page(ctx, found[1]).person.id == person  # the link itself works on


def test_it_tells_of_copies_of_the_journal_and_papers_in_it(ctx: Context) -> None:
    person = reader(ctx, "Mária Example", wanted="paper", post=GB)
    journal_issues.add(ctx, "2026", IssueChanges())
    journal_articles.add(ctx, "2026", ArticleChanges(title="One", authors=(f"M. Example <{person}>",)))
    despatches.plan(ctx, "2026")
    despatches.freeze(ctx, "2026")
    found = of(ctx, person)
    assert [(one["journal"], one["way"], one["standing"]) for one in found["journal_copies"]] == [
        ("2026", "paper", "owed")
    ]
    assert "1 High Street" in found["journal_copies"][0]["address_lines"]
    assert [(one["title"], one["name"]) for one in found["written"]] == [("One", "M. Example")]
