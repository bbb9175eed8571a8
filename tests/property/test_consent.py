"""Whatever the Secretary does in whatever order, nobody is on a list without a ground, and no no is lost (D6, D7)."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import balintmail
from balintmail.db import people
from balintmail.db.models import ConsentEvent, Person, PersonAddress, Subscription
from balintmail.errors import BalintmailError
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.merging import merge
from balintmail.services.people import Changes, edit
from balintmail.services.requests_typed import request
from balintmail.services.subscriptions import Joining, Leaving, pause, resume, subscribe, unsubscribe
from balintmail.services.suppressions import allow, suppress
from tests.support import society

ADDRESSES = [f"p{number}@example.org" for number in range(4)]
NAMES = [None, "Anna", "Bea"]

_address = st.sampled_from(ADDRESSES)
_name = st.sampled_from(NAMES)
_person = st.integers(min_value=2, max_value=6)
acts = st.one_of(
    st.tuples(st.just("subscribe"), _address, _name),
    st.tuples(st.just("subscribe"), _address, _name),
    st.tuples(st.just("request"), _address, _name),
    st.tuples(st.just("unsubscribe"), _address, st.none()),
    st.tuples(st.just("pause"), _person, st.none()),
    st.tuples(st.just("resume"), _person, st.none()),
    st.tuples(st.just("suppress"), _address, st.none()),
    st.tuples(st.just("allow"), _address, st.none()),
    st.tuples(st.just("erase"), _person, st.none()),
    st.tuples(st.just("merge"), _person, _person),
    st.tuples(st.just("add"), _person, _address),
    st.tuples(st.just("remove"), _person, _address),
)


def _do(ctx: Context, act: str, first: Any, second: Any) -> None:
    ways: dict[str, Callable[[], object]] = {
        "subscribe": lambda: subscribe(ctx, [first], Joining(name=second)),
        "request": lambda: request(ctx, [first], Joining(name=second)),
        "unsubscribe": lambda: unsubscribe(ctx, [first], Leaving(everyone=True)),
        "pause": lambda: pause(ctx, first, "", None),
        "resume": lambda: resume(ctx, first, ""),
        "suppress": lambda: suppress(ctx, first),
        "allow": lambda: allow(ctx, first),
        "erase": lambda: erase(ctx, first),
        "merge": lambda: merge(ctx, first, second),
        "add": lambda: edit(ctx, first, Changes(add=(second,))),
        "remove": lambda: edit(ctx, first, Changes(remove=(second,))),
    }
    ways[act]()


def _check(ctx: Context) -> None:
    with ctx.db.read() as tx:
        assert society.groundless(tx) == []
        emptied = select_ids(tx, sa.not_(people.LIVING))
        assert not emptied & set(tx.scalars(sa.select(Subscription.person_id)))
        assert not emptied & set(tx.scalars(sa.select(PersonAddress.person_id)))
        erased = select_ids(tx, Person.erased_at.is_not(None))
        assert set(tx.scalars(sa.select(ConsentEvent.address).where(ConsentEvent.person_id.in_(erased)))) <= {""}
        for entry in people.entries(tx):
            preferred = [row for row in entry.addresses if row.preferred]
            assert len(preferred) == bool(entry.addresses)


def select_ids(tx: Any, condition: Any) -> set[int]:
    return set(tx.scalars(sa.select(Person.id).where(condition)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(acts, max_size=25))
def test_no_order_of_acts_leads_to_a_list_without_a_ground_D6(
    context: Context, steps: list[tuple[str, Any, Any]]
) -> None:
    _clear(context)
    society.found(context)
    erased: set[str] = set()
    for act, first, second in steps:
        alone = _addresses_alone(context, first) if act == "erase" else set()
        try:
            _do(context, act, first, second)
        except BalintmailError:
            continue
        finally:
            _check(context)
        erased |= alone
        with context.db.read() as tx:
            assert not any(people.at_address(tx, address) for address in erased)


def _addresses_alone(ctx: Context, person: int) -> set[str]:
    """Return the addresses that an erasure of this person, or whoever they became, makes unmailable."""
    with ctx.db.read() as tx:
        row = people.get(tx, person)
        while row is not None and row.merged_into is not None:
            row = people.get(tx, row.merged_into)
        entry = people.entry(tx, row.id) if row else None
        held = [each.key for each in entry.addresses] if entry else []
        return {key for key in held if len(people.at_address(tx, key)) == 1}


def _clear(ctx: Context) -> None:
    """Empty the register between two examples, numbers too."""
    with ctx.db.write() as tx:
        for table in reversed(Person.metadata.sorted_tables):
            tx.execute(sa.delete(table))
        if tx.dialect.name == "postgresql":
            tx.exec_driver_sql("ALTER SEQUENCE people_id_seq RESTART; ALTER SEQUENCE lists_id_seq RESTART")


def test_only_two_places_write_subscriptions_and_both_write_the_event_D6() -> None:
    source = Path(balintmail.__file__).parent
    writers = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if re.search(r"insert\(Subscription\)|INSERT INTO subscriptions", path.read_text("utf-8"))
    }
    assert writers == {"db/subscriptions.py", "db/import_writing.py"}
    for writer in writers:
        text = (source / writer).read_text("utf-8")
        assert "consents.record(tx" in text or "consent.writing(tx" in text


def test_only_one_file_adds_to_the_log_or_changes_it_D6() -> None:
    source = Path(balintmail.__file__).parent
    word = r"(insert|update|delete)\(Consent(Event|Link)\)|(INSERT INTO|UPDATE|DELETE FROM|COPY) consent_(events|links)"
    found = {str(path.relative_to(source)) for path in source.rglob("*.py") if re.search(word, path.read_text("utf-8"))}
    assert found == {"db/consent.py"}
