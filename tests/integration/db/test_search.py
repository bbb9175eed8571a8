"""The search on both databases: the same words find the same entries, and what is not open only by its head."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from balintmail.db import search
from balintmail.db.models import Mailing
from balintmail.db.search import Entry
from balintmail.db.session import Database, Tx
from balintmail.domain.search import read_query
from balintmail.domain.states import MailingKind, MailingState

NOW = datetime(2026, 11, 21, tzinfo=UTC)
TEXTS = {
    "Bálint Mihály és a csoport": "Egy győri csoportban az orvosok a Straße nevű utcáról beszéltek.",
    "Group work for doctors": "A Balint group meets. The doctor's own feelings; anxiety and defence.",
    "Weekend in Oxford": "Bring nothing. Groups on Saturday, 李明 speaks of 巴林特小组.",
    "For members": "The secret minutes about anxiety.",
}


@pytest.fixture
def library(database: Database) -> Database:
    """Four newsletters, a day apart; the last for members."""
    with database.write() as tx:
        for day, (title, body) in enumerate(TEXTS.items()):
            at = NOW - timedelta(days=10 - day)
            put(database, tx, Entry(at=at, fingerprint="1", title=title, body=body, open_from=at if day < 3 else None))
    return database


def put(database: Database, tx: Tx, entry: Entry) -> int:
    values = {"kind": MailingKind.NEWSLETTER, "title": entry.title, "state": MailingState.SENT, "content_hash": "1"}
    number: int = tx.execute(insert(Mailing).values(**values, created_at=NOW).returning(Mailing.id)).scalar_one()
    fields = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    search.put(tx, Entry(**{**fields, "mailing_id": number}))
    return number


def titles(database: Database, typed: str, *, most: int = 10, skip: int = 0) -> list[str]:
    with database.read() as tx:
        found = search.find(tx, read_query(typed), now=NOW, most=most, skip=skip)
        if most == 10 and not skip:
            assert search.count(tx, read_query(typed), now=NOW) == len(found)
    return [one.title for one in found]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("balint", ["Bálint Mihály és a csoport", "Group work for doctors"]),
        ("BÁLINT csoport", ["Bálint Mihály és a csoport"]),
        ("strasse", ["Bálint Mihály és a csoport"]),
        ("gyor", ["Bálint Mihály és a csoport"]),  # the beginning of győri
        ("group", ["Group work for doctors", "Weekend in Oxford"]),
        ("group -oxford", ["Group work for doctors"]),
        ('"group work"', ["Group work for doctors"]),
        ('"work group"', []),
        ("李明", ["Weekend in Oxford"]),
        ("明李", []),
        ("巴林特", ["Weekend in Oxford"]),
        ("doctor's", ["Group work for doctors"]),
        ("do", []),  # too short to stand for longer words
        ("nothing balint", []),
    ],
)
def test_words_find_the_same_on_both_databases(library: Database, typed: str, found: list[str]) -> None:
    assert titles(library, typed) == found


def test_title_counts_more_than_text(library: Database) -> None:
    with library.write() as tx:
        old = NOW - timedelta(days=900)
        put(library, tx, Entry(at=old, fingerprint="1", title="Anxiety", body="x", open_from=old))
    assert titles(library, "anxiety")[0] == "Anxiety"


def test_what_is_not_open_is_found_by_its_head_alone(library: Database) -> None:
    assert titles(library, "anxiety") == ["Group work for doctors"]
    assert titles(library, "members") == ["For members"]
    assert titles(library, "members anxiety") == []
    assert titles(library, "members -anxiety") == ["For members"]  # what it holds is not told by leaving it out either
    assert titles(library, "members -nonsense") == ["For members"]
    with library.read() as tx:
        (found,) = search.find(tx, read_query("members"), now=NOW, most=1)
    assert (found.body, found.is_open) == ("", False)


def test_embargo_ends_by_itself(library: Database) -> None:
    opens = NOW + timedelta(days=1)
    with library.write() as tx:
        put(library, tx, Entry(at=NOW, fingerprint="1", title="New paper", body="Transference", open_from=opens))
    with library.read() as tx:
        asked = read_query("transference")
        assert search.count(tx, asked, now=opens - timedelta(seconds=1)) == 0
        assert [one.title for one in search.find(tx, asked, now=opens, most=5)] == ["New paper"]


@pytest.mark.parametrize(
    "typed",
    [
        "' OR 1=1 --", '" OR "', "balint) OR (1=1", "balint; DROP TABLE search_entries", "head:balint", "NEAR(balint)",
        "balint*", "b:*", "balint & !x", "{words} : balint", "^balint", "balint <-> group", "\\", "'", "''", '"""', "%",
        "_", "AND", "OR NOT", "-balint", "\u2028balint", "balint\0group", "\ud800", "a" * 5000, "🙂", "--", "/*",
        ":now", "ﷺ" * 60, "NOT balint",
    ],
)  # fmt: skip
def test_no_word_is_a_command_F1(library: Database, typed: str) -> None:
    assert set(titles(library, typed)) <= set(TEXTS)
    assert titles(library, "oxford") == ["Weekend in Oxford"]


def test_entry_is_replaced_and_dropped_with_its_words(library: Database) -> None:
    with library.write() as tx:
        number = put(library, tx, Entry(at=NOW, fingerprint="1", title="First", body="unmistakable", open_from=NOW))
        search.put(tx, Entry(at=NOW, fingerprint="2", title="Second", body="other", open_from=NOW, mailing_id=number))
    assert titles(library, "unmistakable") == []
    assert titles(library, "second") == ["Second"]
    with library.write() as tx:
        assert search.fingerprints(tx)[number, None] == "2"
        assert search.drop(tx, mailings=[number]) == 1
    assert titles(library, "second") == []
    with library.write() as tx:
        search.drop_all(tx)
    assert titles(library, "balint") == []


def test_pages_of_matches_follow_each_other(library: Database) -> None:
    assert titles(library, "group", most=1) == ["Group work for doctors"]
    assert titles(library, "group", most=1, skip=1) == ["Weekend in Oxford"]


def test_very_long_text_has_room(library: Database) -> None:
    many = " ".join(f"w{number}x{number * 7}" for number in range(150_000))
    with library.write() as tx:
        put(library, tx, Entry(at=NOW, fingerprint="1", title="Long", body=many + " \0 end", open_from=NOW))
        put(library, tx, Entry(at=NOW, fingerprint="1", title="Same", body="same " * 100_000, open_from=NOW))
    assert titles(library, "w17x119") == ["Long"]
    assert titles(library, "same") == ["Same"]
