"""Whatever happened, the consent log checks out; whatever another hand changes in it afterwards is found (S42)."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balintmail.db import consent
from balintmail.db.consent import facts_of, said_of
from balintmail.db.models import ConsentEvent, ConsentLink, Meta, Person
from balintmail.domain import consent as chain
from balintmail.domain.address import parse
from balintmail.domain.imports import FileState, GivenAddress, ImportRow
from balintmail.errors import BalintmailError
from balintmail.services.consent import Kind, Verdict, verify
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.importing import Terms, staged
from balintmail.services.merging import merge
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from tests.support import society

ADDRESSES = [f"p{number}@example.org" for number in range(5)]
_address = st.sampled_from(ADDRESSES)
_person = st.integers(min_value=2, max_value=7)
acts = st.one_of(
    st.tuples(st.just("subscribe"), _address, _address),
    st.tuples(st.just("unsubscribe"), _address, _address),
    st.tuples(st.just("import"), _address, _address),
    st.tuples(st.just("erase"), _person, st.none()),
    st.tuples(st.just("merge"), _person, _person),
)


def _import(ctx: Context, *texts: str) -> None:
    rows = [
        ImportRow(line=number, shown=text, addresses=(GivenAddress(parse(text)),), state=FileState.SUBSCRIBED)
        for number, text in enumerate(dict.fromkeys(texts), start=2)
    ]
    terms = Terms("people.csv", consent=f"told {texts[0]}", collected=date(2025, 3, 21))
    with staged(ctx, rows, terms) as one:
        one.write()


def _do(ctx: Context, act: str, first: Any, second: Any) -> None:
    ways: dict[str, Callable[[], object]] = {
        # The words name somebody else's address, which that person's erasure must take out of them.
        "subscribe": lambda: subscribe(ctx, [first], Joining(words=f"asked by {second}")),
        "unsubscribe": lambda: unsubscribe(ctx, [first], Leaving(everyone=True)),
        "import": lambda: _import(ctx, first, second),
        "erase": lambda: erase(ctx, first),
        "merge": lambda: merge(ctx, first, second),
    }
    ways[act]()


def _clear(ctx: Context) -> None:
    with ctx.db.write() as tx:
        for table in reversed(Person.metadata.sorted_tables):
            tx.execute(sa.delete(table))
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("ALTER SEQUENCE people_id_seq RESTART; ALTER SEQUENCE lists_id_seq RESTART")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(acts, max_size=15))
def test_any_history_checks_out_S42(context: Context, steps: list[tuple[str, Any, Any]]) -> None:
    _clear(context)
    society.found(context)
    for act, first, second in steps:
        try:
            _do(context, act, first, second)
        except BalintmailError:
            continue
    found = verify(context)
    assert found.findings == []
    assert found.whole
    with context.db.read() as tx:
        assert found.entries == tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent))
        assert found.erased == tx.scalar(sa.select(sa.func.count()).where(ConsentEvent.salt.is_(None)))


@pytest.fixture
def ctx(context: Context) -> Context:
    """A log of single entries, an import, a merge, an erasure, and an entry said anew."""
    society.found(context)
    for address in ADDRESSES[:3]:
        subscribe(context, [address], Joining(name="", words="asked by p1@example.org"))
    unsubscribe(context, [ADDRESSES[0]], Leaving())
    _import(context, "q1@example.org", "q2@example.org", "q3@example.org")
    merge(context, 2, 4)
    erase(context, 3)  # p1, whom the others' words name
    subscribe(context, [ADDRESSES[4]], Joining())
    assert verify(context).findings == []
    return context


def _columns(table: Any) -> list[Any]:
    return list(sa.inspect(table).columns)


_OTHERS: dict[str, Any] = {
    "list_id": None,
    "ground": "membership",
    "at": datetime(2020, 1, 1, tzinfo=UTC),
    "collected_on": date(2020, 1, 1),
    "evidence": {"forged": 1},
    "id": 900,
    "person_id": 1,
}


def _other(column: Any, value: Any) -> Any:
    """Return another value that the column can hold."""
    if column.name in _OTHERS:
        return _OTHERS[column.name]
    if column.name == "action":
        return "withdrew" if value == "agreed" else "agreed"
    if isinstance(column.type, sa.LargeBinary):
        return bytes([value[0] ^ 1, *value[1:]]) if value else b"x" * 32
    return (value or 0) + 1 if isinstance(column.type, sa.Integer | sa.BigInteger) else f"{value}."


def _all(ctx: Context, table: Any) -> list[Any]:
    with ctx.db.read() as tx:
        return list(tx.scalars(sa.select(table.id).order_by(table.id)))


def _broken(ctx: Context, *statements: Any) -> Verdict:
    """Return what the check says with the statements carried out, and take them back."""
    kept: Verdict | None = None
    with ctx.db.engine.connect().execution_options(balintmail_write=True) as tx:
        before = {table: tx.execute(sa.select(table)).mappings().all() for table in _TABLES}
    with ctx.db.write() as tx:
        for statement in statements:
            tx.execute(statement)
    kept = verify(ctx)
    with ctx.db.write() as tx:
        for table in _TABLES:
            tx.execute(sa.delete(table))
            if before[table]:
                tx.execute(sa.insert(table), [dict(row) for row in before[table]])
    return kept


_TABLES: tuple[Any, ...] = (ConsentEvent.__table__, ConsentLink.__table__, Meta.__table__)


@pytest.mark.parametrize("table", [ConsentEvent, ConsentLink], ids=["entries", "links"])
def test_any_column_of_any_row_that_is_changed_is_found_S42(ctx: Context, table: Any) -> None:
    whole = table.__table__
    for number in _all(ctx, table):
        for column in _columns(table):
            with ctx.db.read() as tx:
                value = tx.scalar(sa.select(whole.c[column.name]).where(whole.c.id == number))
            changed = sa.update(whole).where(whole.c.id == number)
            values = [_other(column, value)]
            if column.nullable and value is not None:
                values.append(None)
            for new in values:
                if new == value:
                    continue
                found = _broken(ctx, changed.values({column.name: new}))
                assert not found.whole, (number, column.name, new)
    assert verify(ctx).findings == []


def test_any_row_that_is_deleted_is_found_and_named_missing(ctx: Context) -> None:
    for number in _all(ctx, ConsentEvent):
        found = _broken(ctx, sa.delete(ConsentEvent).where(ConsentEvent.id == number))
        assert (found.counts[Kind.MISSING], found.counts[Kind.ADDED]) == (1, 0), number
        assert number in [finding.entry for finding in found.findings if finding.kind is Kind.MISSING]
    for number in _all(ctx, ConsentLink):
        assert not _broken(ctx, sa.delete(ConsentLink).where(ConsentLink.id == number)).whole, number


def test_a_log_cut_off_at_its_end_or_emptied_is_found(ctx: Context) -> None:
    last_link, last_event = _all(ctx, ConsentLink)[-1], _all(ctx, ConsentEvent)[-1]
    cut = (
        sa.delete(ConsentEvent).where(ConsentEvent.id == last_event),
        sa.delete(ConsentLink).where(ConsentLink.id == last_link),
    )
    assert _broken(ctx, *cut).counts[Kind.MISSING] == 1
    assert not _broken(ctx, sa.delete(ConsentEvent), sa.delete(ConsentLink)).whole
    assert not _broken(ctx, sa.delete(Meta)).whole
    noted = verify(ctx).head
    forged = _broken(ctx, sa.delete(ConsentEvent), sa.delete(ConsentLink), sa.delete(Meta))
    assert forged.whole  # an empty log is a whole one: that is why the digest of its end is kept elsewhere
    assert verify(ctx, noted).whole
    with ctx.db.write() as tx:
        for table in _TABLES:
            tx.execute(sa.delete(table))
    assert not verify(ctx, noted).whole


def test_rows_that_are_swapped_or_added_are_found(ctx: Context) -> None:
    ids = _all(ctx, ConsentEvent)
    one, two = ids[0], ids[1]
    event: Any = ConsentEvent.__table__
    swapped = [
        sa.update(event).where(event.c.id == old).values(id=new) for old, new in ((one, 800), (two, one), (800, two))
    ]
    assert _broken(ctx, *swapped).counts[Kind.ALTERED] == 2
    copied = [column for column in _columns(ConsentEvent) if column.name != "id"]
    for place in (ids[-1] + 1, 0, -5):
        source = sa.select(sa.literal(place), *copied).where(event.c.id == one)
        added = sa.insert(event).from_select(["id", *(column.name for column in copied)], source)
        assert _broken(ctx, added).counts[Kind.ADDED] == 1


def test_an_entry_rewritten_with_a_fitting_digest_still_breaks_its_link(ctx: Context, tmp_path: Path) -> None:

    with ctx.db.read() as tx:
        row = dict(tx.execute(sa.select(ConsentEvent.__table__).where(ConsentEvent.id == 6)).mappings().one())
    forged = {**row, "words": "agreed to everything"}
    sealed = chain.seal(row["salt"], said_of(forged))
    digest = chain.digest(facts_of({**forged, "action": row["action"].value, "ground": row["ground"].value}), sealed)
    rewritten = sa.update(ConsentEvent).where(ConsentEvent.id == 6).values(words="agreed to everything", digest=digest)
    found = _broken(ctx, rewritten)
    assert found.counts[Kind.ALTERED] == 1
    assert "link" in found.findings[0].message


def test_emptying_an_entry_of_somebody_who_was_not_erased_is_no_erasure(ctx: Context) -> None:

    with ctx.db.write() as tx:
        person = tx.scalar(sa.select(ConsentEvent.person_id).where(ConsentEvent.id == 5))
        consent.erase(tx, [person or 0])
    found = verify(ctx)
    assert not found.whole
    assert "was emptied although its person was not erased" in found.findings[0].message


def test_words_that_named_somebody_erased_are_said_anew_without_them(ctx: Context) -> None:

    with ctx.db.read() as tx:
        said = [row.words for row in consent.history(tx, 2)]
        assert "p1@example.org" not in " ".join(said)
        assert said.count("asked by (erased)") == 2  # their own, and that of the person merged into them
        assert all("p1@" not in words for words in tx.scalars(sa.select(ConsentEvent.words)))
