"""Turn a filter's tree into a condition on people: bound parameters only, no text of a user's ever becomes SQL.

Both databases give the same people: capital and small letters A to Z count as the same, all others are compared by
code point, and a missing value counts as empty text (docs/filters.md). Called by the audience and the register.
"""

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, String, and_, exists, false, func, not_, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from balintmail.db.models import Address, MailingList, Person, PersonAddress, Subscription
from balintmail.db.session import Tx
from balintmail.domain import address as addresses
from balintmail.domain import filters
from balintmail.domain.filters import And, Comparison, Expression, Field, Literal, Not, Number, Operator, Or, Own
from balintmail.domain.states import SubscriptionState

ON_LIST = (SubscriptionState.SUBSCRIBED, SubscriptionState.PAUSED)
_COMPARE: dict[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQUAL: operator.eq,
    Operator.LESS: operator.lt,
    Operator.LESS_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_EQUAL: operator.ge,
}
_YES, _NO = ("true", "yes", "1"), ("false", "no", "0", "")


class _AsciiLower(FunctionElement[str]):
    """The text with A to Z made small and compared by code point, whatever the database's own locale is."""

    type = String()
    inherit_cache = True


@compiles(_AsciiLower, "sqlite")
def _ascii_lower_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"  # SQLite's own lower() knows A to Z only


@compiles(_AsciiLower, "postgresql")
def _ascii_lower_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f'lower(({compiler.process(element.clauses, **kw)}) COLLATE "C")'


class _OwnText(FunctionElement[str]):
    """One of the society's own fields as text; takes the column and the field's name."""

    type = String()
    inherit_cache = True


@compiles(_OwnText, "sqlite")
def _own_text_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    column, name = (compiler.process(part, **kw) for part in element.clauses)
    path = f"('$.\"' || {name} || '\"')"
    kind = f"json_type({column}, {path})"
    return (
        f"(CASE {kind} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' "
        f"ELSE coalesce(CAST(json_extract({column}, {path}) AS TEXT), '') END)"
    )


@compiles(_OwnText, "postgresql")
def _own_text_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    column, name = (compiler.process(part, **kw) for part in element.clauses)
    return f"coalesce(jsonb_extract_path_text({column}, CAST({name} AS text)), '')"


class _AsNumber(FunctionElement[float]):
    """The number that a text is, or NULL when it is none of at most 15 characters."""

    type = sa.Double()
    inherit_cache = True


@compiles(_AsNumber, "sqlite")
def _as_number_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    bare = f"CASE WHEN substr({text}, 1, 1) = '-' THEN substr({text}, 2) ELSE {text} END"
    tests = ("length(b) <= 15", "b NOT GLOB '*[^0-9.]*'", "b NOT GLOB '*.*.*'", "b GLOB '[0-9]*'", "b GLOB '*[0-9]'")
    number = f"CASE WHEN {' AND '.join(tests)} THEN CAST(t AS REAL) END"
    return f"(SELECT {number} FROM (SELECT {bare} AS b, {text} AS t))"  # noqa: S608  (compiled clauses only)


@compiles(_AsNumber, "postgresql")
def _as_number_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    text = compiler.process(element.clauses, **kw)
    shape = r"'^-?[0-9]+([.][0-9]+)?$'"
    return (
        f"(CASE WHEN length(ltrim({text}, '-')) <= 15 AND {text} ~ {shape} THEN CAST({text} AS double precision) END)"
    )


class _IsDay(FunctionElement[bool]):
    """Whether a text has the shape of a day, 2025-01-31."""

    type = sa.Boolean()
    inherit_cache = True


@compiles(_IsDay, "sqlite")
def _is_day_sqlite(element: Any, compiler: Any, **kw: Any) -> str:
    digit = "[0-9]"
    return f"({compiler.process(element.clauses, **kw)} GLOB '{digit * 4}-{digit * 2}-{digit * 2}')"


@compiles(_IsDay, "postgresql")
def _is_day_postgresql(element: Any, compiler: Any, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$')"


def parse_where(tx: Tx, text: str) -> Expression:
    """Return the filter that `text` says, its own fields and lists checked against the register; raise FilterError."""
    return filters.parse(
        text,
        own_fields=lambda: own_fields(tx),
        lists=lambda: list(tx.scalars(select(MailingList.slug))),
    )


def own_fields(tx: Tx) -> list[str]:
    """Return the names of the society's own fields that anybody has, in order."""
    each = func.json_each if tx.dialect.name == "sqlite" else func.jsonb_object_keys
    column = "key" if tx.dialect.name == "sqlite" else "name"
    keys = each(Person.fields).table_valued(column)
    living = Person.erased_at.is_(None) & Person.merged_into.is_(None)
    return sorted(
        tx.scalars(select(keys.c[column]).select_from(sa.join(Person, keys, sa.true())).where(living).distinct())
    )


def condition(expression: Expression, *, zone: tzinfo = UTC) -> ColumnElement[bool]:
    """Return the condition over `models.Person`, true or false for everybody, never unknown.

    A day begins at midnight in `zone`.
    """
    if isinstance(expression, And):
        return and_(*(condition(part, zone=zone) for part in expression.parts))
    if isinstance(expression, Or):
        return or_(*(condition(part, zone=zone) for part in expression.parts))
    if isinstance(expression, Not):
        return not_(condition(expression.part, zone=zone))
    return or_(*(_one(expression, value, zone) for value in expression.values))


def _one(asked: Comparison, value: Any, zone: tzinfo) -> ColumnElement[bool]:
    """Return the condition for one value; `in` is `=` with any of them."""
    operation = Operator.EQUAL if asked.operator is Operator.IN else asked.operator
    if isinstance(asked.field, Own):
        return _own(_OwnText(Person.fields, sa.literal(asked.field.name)), operation, value)
    match asked.field:
        case Field.ID:
            return _compare(operation, Person.id, int(value.value))
        case Field.MEMBER:
            return Person.member.is_(bool(value))
        case Field.JOINED:
            return _joined(operation, value, zone)
        case Field.LIST:
            return _subscribed(str(value), ON_LIST)
        case Field.LEFT:
            return _subscribed(str(value), (SubscriptionState.UNSUBSCRIBED,))
        case Field.ADDRESS | Field.DOMAIN:
            return _addressed(asked.field, operation, str(value))
        case Field.LANGUAGE:
            return _text(func.coalesce(Person.language, ""), operation, str(value))
        case _:
            column = Person.name if asked.field is Field.NAME else Person.first_name
            return _text(column, operation, str(value))


def _compare(operation: Operator, left: Any, right: Any) -> ColumnElement[bool]:
    """Return the comparison, false where one side is missing."""
    return func.coalesce(_COMPARE[operation](left, right), false())


def _text(column: Any, operation: Operator, value: str) -> ColumnElement[bool]:
    small = _AsciiLower(column)
    wanted = ascii_lower(value)
    if operation is Operator.CONTAINS:
        return small.contains(wanted, autoescape=True)
    if operation is Operator.STARTS:
        return small.startswith(wanted, autoescape=True)
    if operation is Operator.ENDS:
        return small.endswith(wanted, autoescape=True)
    if operation is Operator.EQUAL:
        return small == wanted
    return and_(column != "", _COMPARE[operation](small, wanted))


def ascii_lower(text: str) -> str:
    """Return `text` with A to Z made small and nothing else, as both databases do it."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _own(column: Any, operation: Operator, value: Literal) -> ColumnElement[bool]:
    if isinstance(value, bool):
        return _AsciiLower(column).in_(_YES if value else _NO)
    if isinstance(value, Number):
        return _compare(operation, _AsNumber(column), sa.literal(value.value, sa.Double()))
    if isinstance(value, date):
        return and_(_IsDay(column), _text(column, operation, value.isoformat()))
    return _text(column, operation, value)


def _joined(operation: Operator, value: Any, zone: tzinfo) -> ColumnElement[bool]:
    begin = datetime.combine(value, time(), zone)
    end = datetime.combine(value + timedelta(days=1), time(), zone)
    match operation:
        case Operator.EQUAL:
            return and_(Person.joined_at >= begin, Person.joined_at < end)
        case Operator.LESS:
            return Person.joined_at < begin
        case Operator.LESS_EQUAL:
            return Person.joined_at < end
        case Operator.GREATER:
            return Person.joined_at >= end
        case _:
            return Person.joined_at >= begin


def _subscribed(slug: str, states: tuple[SubscriptionState, ...]) -> ColumnElement[bool]:
    return exists(
        select(sa.literal(1))
        .select_from(Subscription)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.person_id == Person.id, MailingList.slug == slug, Subscription.state.in_(states))
        .correlate(Person)
    )


def _addressed(field: Field, operation: Operator, value: str) -> ColumnElement[bool]:
    """Return whether any of a person's addresses answers; nobody's address is empty, so "" asks for none."""
    owned = (
        select(sa.literal(1))
        .select_from(PersonAddress)
        .join(Address, Address.id == PersonAddress.address_id)
        .where(PersonAddress.person_id == Person.id)
        .correlate(Person)
    )
    if operation is Operator.EQUAL and not value:
        return not_(exists(owned))
    if field is Field.DOMAIN:
        return exists(owned.where(_text(Address.domain, operation, addresses.domain_of(value))))
    if operation is Operator.EQUAL and (key := addresses.key_of(value)) is not None:
        return exists(owned.where(Address.key == key))
    return exists(owned.where(_text(Address.email, operation, value)))
