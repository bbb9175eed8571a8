"""The page that searches: what was sent is found at once, shown safely, and nothing that is for members."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from balintmail.db.models import Mailing
from balintmail.db.models_archive import SearchEntry
from balintmail.domain.states import Visibility
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import release, search_index
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.subscriptions import Joining, subscribe
from balintmail.web.app import make_app
from tests.support.society import found

LETTER = """---
title: "{title}"
number: {number}
visibility: {visibility}
---
Dear {{{{ person.first_name | default("colleague") }}}},

{words}

Please [leave]({{{{ urls.unsubscribe }}}}) if you must.
"""
NEWSLETTERS = (
    ("Bálint in Győr", "public", "A **weekend** with <b>Ágnes</b> & friends & groups."),
    ("Minutes <for> us", "members", "The treasurer's hidden sum."),
    ("Private", "none", "Weekend nobody reads of."),
)


@pytest.fixture
def society(context: Context) -> Context:
    """A society that has sent three newsletters: to all, to members, and one that stays out of the archive."""
    found(context)
    subscribe(context, ["anna@example.org"], Joining(name="Anna Quellenreiter"))
    for number, (title, visibility, words) in enumerate(NEWSLETTERS, start=1):
        path = context.folder / f"n{number}.md"
        letter = LETTER.format(title=title, number=number, visibility=visibility, words=words)
        path.write_text(letter, "utf-8")
        context.clock.forward(timedelta(days=30))  # type: ignore[attr-defined]
        row = release.release(context, release.plan(context, release.Intent(path)), start_at=context.clock.now())
        dispatch(context, lambda: OutboxTransport(context.folder / "outbox"), Orders(only=row.id))
    return context


@pytest.fixture
def reader(society: Context) -> Iterator[TestClient]:
    with TestClient(make_app(society), base_url="https://balint.example.org", raise_server_exceptions=False) as client:
        yield client


def test_empty_field_shows_the_form_alone(client: TestClient) -> None:
    page = client.get("/search")
    assert page.status_code == 200
    assert 'type="search"' in page.text
    assert "Nothing has these words" not in page.text


def test_newsletter_is_found_as_soon_as_it_was_sent(reader: TestClient) -> None:
    page = reader.get("/search", params={"q": "balint gyor"}).text
    assert 'href="/newsletters/newsletter/1"' in page
    assert "<mark>Bálint</mark> in <mark>Győr</mark>" in page
    assert "One place has these words" in page


def test_passage_is_marked_and_its_markup_is_text(reader: TestClient) -> None:
    page = reader.get("/search", params={"q": "agnes"}).text
    assert "<mark>Ágnes</mark>" in page
    assert "&amp; friends" in page
    assert "<b>" not in page


def test_what_was_typed_is_shown_as_text_D1(reader: TestClient) -> None:
    page = reader.get("/search", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_words_for_members_are_not_found_and_their_title_is(reader: TestClient) -> None:
    assert "Nothing has these words" in reader.get("/search", params={"q": "treasurer"}).text
    page = reader.get("/search", params={"q": "minutes"}).text
    assert "&lt;for&gt;" in page
    assert "for members" in page
    assert "hidden sum" not in page
    assert "/newsletters/newsletter/3" not in reader.get("/search", params={"q": "weekend"}).text


def test_no_reader_and_no_link_of_theirs_is_found_S49(reader: TestClient) -> None:
    for word in ("quellenreiter", "anna", "unsubscribe", "anna@example.org"):
        assert "/newsletters/newsletter/" not in reader.get("/search", params={"q": word}).text
    assert "colleague" in reader.get("/search", params={"q": "colleague"}).text


@pytest.mark.parametrize("page", ["0", "-1", "2", "x", "99999999", "１"])
def test_page_that_is_not_there_is_a_kind_page_F1(reader: TestClient, page: str) -> None:
    answer = reader.get("/search", params={"q": "weekend", "page": page})
    assert answer.status_code == 404
    assert "<h1" in answer.text


def test_many_matches_are_shown_by_tens(society: Context, reader: TestClient) -> None:
    search_index.make_anew(society)
    with society.db.write() as tx:
        (row,) = tx.execute(select(SearchEntry.__table__).where(SearchEntry.title.like("%Gy%"))).mappings()
        for number in range(24):
            copy = select(Mailing.__table__).where(Mailing.id == row["mailing_id"])
            values = {**tx.execute(copy).mappings().one(), "number": f"x{number}"}
            values.pop("id")
            made = tx.execute(insert(Mailing).values(values).returning(Mailing.id)).scalar_one()
            rest = {name: value for name, value in row.items() if name not in {"id", "mailing_id"}}
            tx.execute(insert(SearchEntry).values({**rest, "mailing_id": made}))
    first = reader.get("/search", params={"q": "friends"}).text
    assert "25 places" in first
    assert first.count('class="task"') == 10
    last = reader.get("/search", params={"q": "friends", "page": "3"}).text
    assert last.count('class="task"') == 5
    assert 'rel="next"' not in last
    assert "q=friends&amp;page=2" in last


def test_index_follows_what_is_shown(society: Context, reader: TestClient) -> None:
    assert search_index.keep_in_step(society) == 0
    with society.db.write() as tx:
        tx.execute(update(Mailing).where(Mailing.number == "1").values(visibility=Visibility.NONE))
    assert search_index.keep_in_step(society) == 1
    assert "/newsletters/newsletter/1" not in reader.get("/search", params={"q": "gyor"}).text


def test_searching_changes_nothing_D8(society: Context, reader: TestClient) -> None:
    def rows() -> list[int]:
        with society.db.read() as tx:
            tables = ("search_entries", "audit_events", "throttles", "deliveries")
            return [tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0 for table in tables]

    before = rows()
    reader.get("/search", params={"q": "weekend"})
    reader.head("/search", params={"q": "weekend"})
    assert rows() == before


def test_damaged_letter_is_found_by_its_title(society: Context, reader: TestClient) -> None:
    with society.db.write() as tx:
        tx.exec_driver_sql("UPDATE mailing_contents SET compiled = '{}' WHERE mailing_id = 1")
    search_index.make_anew(replace(society))
    assert "/newsletters/newsletter/1" in reader.get("/search", params={"q": "gyor"}).text
