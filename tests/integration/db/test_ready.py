"""Statements made ready behave like SQLAlchemy's own: its errors, its transactions, the same rows on both databases."""

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from balintmail.db import meta
from balintmail.db.models import Meta
from balintmail.db.ready import Ready, among, given, ids, paired, pairs
from balintmail.db.session import Database

_INSERT = Ready(lambda _: sa.insert(Meta).values(key=given("named", sa.String()), value="1"))
_BROKEN = Ready(lambda _: sa.select(sa.text("no_such_column")).select_from(Meta))


def _answers(dialect: str) -> sa.Executable:
    table = paired(dialect, "answers")
    return sa.select(table.c.id, table.c.text).order_by(table.c.id)


_ANSWERS = Ready(_answers)
_AMONG = Ready(lambda dialect: sa.select(sa.literal(1)).where(among(dialect, given("one", sa.BigInteger()), "many")))


def test_error_of_the_driver_is_told_as_sqlalchemys_without_parameters(database: Database) -> None:
    def enter(before: str) -> None:
        with database.write() as tx:
            meta.put(tx, before, "1")
            _INSERT.change(tx, {"named": "somebody@example.org"})

    enter("first")
    with pytest.raises(IntegrityError) as told:
        enter("second")
    assert "INSERT INTO meta" in str(told.value)
    assert told.value.params is None
    with database.read() as tx:
        assert meta.fact(tx, "second") is None


def test_error_in_a_statement_is_told_as_sqlalchemys(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as tx:
        _BROKEN.rows(tx, {})


def test_first_statement_of_a_reading_begins_the_moment_that_it_sees(database: Database) -> None:
    with database.write() as tx:
        meta.put(tx, "fact", "old")
    facts = Ready(lambda _: sa.select(Meta.value).where(Meta.key == "fact"))
    with database.read() as reader:
        assert facts.rows(reader, {}) == [("old",)]
        with database.write() as tx:
            meta.put(tx, "fact", "new")
        assert facts.rows(reader, {}) == [("old",)]


def test_ids_with_their_texts_become_rows_whatever_they_hold(database: Database) -> None:
    each = [(3, "2.0.0 Ok: queued as 4B1\"'\\ Győr"), (5_000_000_000, ""), (7, '["a", {"b": 1}]')]
    with database.read() as tx:
        assert [tuple(row) for row in _ANSWERS.rows(tx, pairs(tx, "answers", each))] == sorted(each)
        assert _ANSWERS.rows(tx, pairs(tx, "answers", [])) == []


def test_set_of_ids_holds_its_own_and_no_other(database: Database) -> None:
    with database.read() as tx:
        assert _AMONG.rows(tx, {"one": 2, "many": ids(tx, [1, 2])})
        assert not _AMONG.rows(tx, {"one": 3, "many": ids(tx, [1, 2])})
        assert not _AMONG.rows(tx, {"one": 3, "many": ids(tx, [])})
