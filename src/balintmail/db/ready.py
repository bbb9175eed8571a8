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
from sqlalchemy import ColumnElement, CursorResult, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from balintmail.db.session import Tx

_COUNTED = {"preserve_rowcount": True}


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    order: tuple[str, ...] | None  # of the parameters, where the driver wants them in a row
    fixed: dict[str, Any]
    writers: dict[str, Callable[[Any], Any]]  # of the parameters whose type the driver does not know


class Ready:
    """One statement; `build` is given the dialect's name, since the two databases take sets of ids differently."""

    def __init__(self, build: Callable[[str], sa.Executable]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def run(self, tx: Tx, values: Mapping[str, Any]) -> CursorResult[*tuple[Any, ...]]:
        """Run it once with `values` for its parameters."""
        ready = self._for(tx)
        written = self._written(ready, values)
        if ready.order is None:
            return tx.exec_driver_sql(ready.sql, written, execution_options=_COUNTED)
        return tx.exec_driver_sql(ready.sql, tuple([written[name] for name in ready.order]), execution_options=_COUNTED)

    def run_many(self, tx: Tx, common: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it once for each of `rows` and return how many rows were changed; all have the values of `common`."""
        ready = self._for(tx)
        shared = self._written(ready, common)
        parameters: list[Any] = []
        writers = [(name, write) for name, write in ready.writers.items() if rows and name in rows[0]]
        for row in rows:
            written = {**shared, **row}
            for name, write in writers:
                if written[name] is not None:
                    written[name] = write(written[name])
            parameters.append(written if ready.order is None else tuple([written[name] for name in ready.order]))
        return tx.exec_driver_sql(ready.sql, parameters, execution_options=_COUNTED).rowcount

    def _for(self, tx: Tx) -> _Compiled:
        name = tx.dialect.name
        found = self._compiled.get(name)
        if found is None:
            found = self._compiled[name] = _compile(self._build(name), tx.dialect)
        return found

    def _written(self, ready: _Compiled, values: Mapping[str, Any]) -> dict[str, Any]:
        writers = ready.writers
        told = {name: writers[name](value) if name in writers else value for name, value in values.items()}
        return {**ready.fixed, **told}


def given(name: str, type_: Any = None) -> sa.BindParameter[Any]:
    """Return a parameter whose value comes when the statement runs."""
    return bindparam(name, type_=type_, required=False)


def ids(tx: Tx, numbers: Sequence[int]) -> Any:
    """Return a set of ids as `among` takes it."""
    return json.dumps(list(numbers)) if tx.dialect.name == "sqlite" else list(numbers)


def among(dialect: str, column: Any, name: str) -> ColumnElement[bool]:
    """Return whether `column` is one of the ids in parameter `name`, the same text for any number of them."""
    if dialect == "sqlite":
        each = func.json_each(given(name, sa.String())).table_valued("value")
        return sa.type_coerce(column.in_(select(each.c.value)), sa.Boolean())
    return sa.type_coerce(column == sa.any_(given(name, ARRAY(sa.BigInteger()))), sa.Boolean())


def _compile(statement: sa.Executable, dialect: Any) -> _Compiled:
    if not isinstance(statement, sa.ClauseElement):
        raise TypeError("only a statement of SQLAlchemy's can be made ready")
    made: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    writers, fixed = {}, {}
    for bind, name in made.bind_names.items():
        if (writer := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None:
            writers[name] = writer
    for name, value in made.params.items():  # those of an expanded IN have no bind of their own and are plain texts
        writer = writers.get(name)
        fixed[name] = getattr(value, "value", value) if writer is None or value is None else writer(value)
    order = tuple(made.positiontup) if made.positiontup is not None else None
    return _Compiled(str(made.string), order, fixed, writers)
