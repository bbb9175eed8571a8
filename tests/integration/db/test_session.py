"""Transactions: what a reader sees, and what an error tells."""

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from balintmail.db.models import Meta
from balintmail.db.session import Database, DatabaseError


def test_reader_sees_one_moment_while_others_write(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(Meta).values(key="k", value="before"))
    with database.read() as tx:
        assert tx.scalar(select(Meta.value)) == "before"
        with database.write() as other:
            other.execute(update(Meta).values(value="after"))
        assert tx.scalar(select(Meta.value)) == "before"
    with database.read() as tx:
        assert tx.scalar(select(Meta.value)) == "after"


def test_database_error_does_not_repeat_the_values_of_its_statement_S45(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(Meta).values(key="k", value="Anna Example"))
    with pytest.raises(IntegrityError) as caught, database.write() as tx:
        tx.execute(insert(Meta).values(key="k", value="Anna Example"))
    assert "Anna Example" not in str(caught.value)


def test_password_where_nobody_would_hide_it_is_refused_J9() -> None:
    with pytest.raises(DatabaseError) as caught:
        Database.parse("postgresql+psycopg://host/name?user=u&password=sesame")
    assert "sesame" not in caught.value.message + caught.value.hint
