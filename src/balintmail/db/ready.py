"""Statements of the hot path: written with SQLAlchemy, compiled once for each database, then run as they are.

SQLAlchemy's own way costs a tenth of a millisecond and more for each execution (cache key, parameters, types), several
times in each turn of a send; this costs a tenth of that. Errors, transactions and connections stay SQLAlchemy's. It
knows no statement itself; db/ledger.py and db/mailings.py have them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, FromClause, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.sql.visitors import cloned_traverse

from balintmail.db.session import Tx


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    order: tuple[str, ...] | None  # of the parameters, where the driver wants them in a row
    fixed: dict[str, Any]  # the parameters whose values are part of the statement
    writers: tuple[tuple[str, Callable[[Any], Any]], ...]  # of the others, where the driver does not know their type


class Ready:
    """One statement; `build` is given the dialect's name, since the two databases take sets of rows differently."""

    def __init__(self, build: Callable[[str], sa.Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, tx: Tx, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it with `values` for its parameters and return its rows as the driver gives them."""
        cursor = self._run(tx, values)
        found: list[tuple[Any, ...]] = list(cursor.fetchall())
        cursor.close()
        return found

    def change(self, tx: Tx, values: Mapping[str, Any]) -> int:
        """Run it with `values` for its parameters and return how many rows were changed."""
        cursor = self._run(tx, values)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def _run(self, tx: Tx, values: Mapping[str, Any]) -> DBAPICursor:
        ready = self._compiled.get(tx.dialect.name) or self._for(tx.dialect)
        written = {**ready.fixed, **values}
        for name, write in ready.writers:
            if written[name] is not None:
                written[name] = write(written[name])
        parameters: Any = written if ready.order is None else [written[name] for name in ready.order]
        if not tx.in_transaction():
            tx.begin()
        cursor = tx.connection.cursor()
        try:
            cursor.execute(ready.sql, parameters)
        except tx.dialect.loaded_dbapi.Error as exc:
            raise _told(tx, ready.sql, exc, cursor) from exc
        return cursor

    def _for(self, dialect: sa.Dialect) -> _Compiled:
        made = self._compiled[dialect.name] = _compile(self._build(dialect.name), dialect)
        return made


def _told(tx: Tx, sql: str, exc: Any, cursor: DBAPICursor) -> BaseException:
    """Return a driver's error as SQLAlchemy tells it; a connection that is gone is not used again."""
    lost = tx.dialect.is_disconnect(exc, tx.connection.driver_connection, cursor)
    if lost:
        tx.invalidate(exc)
    base = tx.dialect.loaded_dbapi.Error
    told: BaseException = sa.exc.DBAPIError.instance(
        sql, None, exc, base, hide_parameters=True, connection_invalidated=lost, dialect=tx.dialect
    )
    return told


def given(name: str, type_: Any = None) -> sa.BindParameter[Any]:
    """Return a parameter whose value comes when the statement runs."""
    return bindparam(name, type_=type_, required=False)


def ids(tx: Tx, numbers: Sequence[int]) -> Any:
    """Return a set of ids as `among` takes it."""
    return f"[{','.join(map(str, numbers))}]" if tx.dialect.name == "sqlite" else list(numbers)


def among(dialect: str, column: Any, name: str) -> ColumnElement[bool]:
    """Return whether `column` is one of the ids in parameter `name`, the same text for any number of them."""
    if dialect == "sqlite":
        each = func.json_each(given(name, sa.String())).table_valued("value")
        return sa.type_coerce(column.in_(select(each.c.value)), sa.Boolean())
    return sa.type_coerce(column == sa.any_(given(name, ARRAY(sa.BigInteger()))), sa.Boolean())


def pairs(tx: Tx, name: str, each: Sequence[tuple[int, str]]) -> dict[str, Any]:
    """Return ids with a text for each as `paired` takes them: the values of its parameters."""
    if tx.dialect.name == "sqlite":
        return {name: json.dumps(each)}
    return {name: [one for one, _ in each], f"{name}_text": [text for _, text in each]}


def paired(dialect: str, name: str) -> FromClause:
    """Return the table of `pairs`, with the columns `id` and `text`, the same text for any number of rows."""
    if dialect == "sqlite":
        each = func.json_each(given(name, sa.String())).table_valued("value")
        value = sa.type_coerce(each.c.value, sa.JSON())
        one, text = value[0].as_integer(), value[1].as_string()
        return select(one.label("id"), text.label("text")).subquery(name)
    ids_, texts = given(name, ARRAY(sa.BigInteger())), given(f"{name}_text", ARRAY(sa.String()))
    table = func.unnest(ids_, texts).table_valued(sa.column("id", sa.BigInteger()), sa.column("text", sa.String()))
    return table.render_derived(name=name)


def _compile(statement: sa.Executable, dialect: Any) -> _Compiled:
    """Return the statement with its constants written out: with parameters in their place, no planner would use an
    index over some states only, and SQLite would plan anew at each execution.
    """
    if not isinstance(statement, sa.ClauseElement):
        raise TypeError("only a statement of SQLAlchemy's can be made ready")
    plain = cloned_traverse(statement, {}, {"bindparam": _write_out})
    made: Any = plain.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    writers, fixed = {}, {}
    for bind, name in made.bind_names.items():
        writer = bind.type.dialect_impl(dialect).bind_processor(dialect)
        if bind.value is None and writer is not None:
            writers[name] = writer
        elif bind.value is not None and not bind.literal_execute:  # the compiler's own, such as an OFFSET
            fixed[name] = bind.value if writer is None else writer(bind.value)
    order = tuple(made.positiontup) if made.positiontup is not None else None
    return _Compiled(str(made.string), order, fixed, tuple(writers.items()))


def _write_out(bind: sa.BindParameter[Any]) -> None:
    bind.literal_execute = bind.value is not None
