"""The filter language: nothing but FilterError ever comes out, and both databases agree with a plain reading of it."""

import operator
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from balintmail.db.filters import condition, parse_where
from balintmail.db.models import Address, MailingList, Person, PersonAddress, Subscription
from balintmail.db.session import Database
from balintmail.domain import filters
from balintmail.domain.address import domain_of, key_of
from balintmail.domain.address import parse as parse_address
from balintmail.domain.filters import And, Comparison, Field, FilterError, Not, Number, Operator, Or, Own
from balintmail.domain.states import Ground, SubscriptionState

NAMES = [
    "",
    "Bálint Mihály",
    "O'Neill-Smith",
    "李 明",
    "100% sure",
    "under_score",
    "back\\slash",
    "ANNA",
    "anna",
    "Ánna",
]
OWN = ["", "Oxford", "oxford", "10", "9", "-3.5", "007", "2024-02-29", "yes", "true", "0", "1e5", "12.", "½", "'; --"]
DAYS = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 2)]
ADDRESSES = ["anna@example.org", "b.szabo@példa.example.org", "c_d@example.net"]
LANGUAGES = [None, "hu", "HU", "de", "en"]
LISTS = ["newsletter", "journal"]

words = st.sampled_from(
    ["and", "or", "not", "(", ")", "name", "=", "!=", "in", '"x"', "2025-01-01", "1", ",", "member"]
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(words, max_size=25).map(" ".join)))
@example('name = "\' OR 1=1--"')
@example("name = '\\ud800'")
@example("-" * 5000)
@example("(" * 3999)
@example("not " * 900)
def test_parse_raises_nothing_but_filter_error(text: str) -> None:
    position = 1
    try:
        filters.parse(text)
    except FilterError as exc:
        position = exc.position
    assert 1 <= position <= len(text) + 1


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _any_of(values: list[str]) -> st.SearchStrategy[str]:
    part = st.sampled_from(values).flatmap(lambda value: st.sampled_from([value, value[:2], value[-3:], value.upper()]))
    return part.map(_quoted)


_orders = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_texts = st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "contains", "starts with", "ends with", "not contains"])


def _asked(field: str, operations: st.SearchStrategy[str], values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    single = st.tuples(operations, values).map(lambda pair: f"{field} {pair[0]} {pair[1]}")
    several = st.lists(values, min_size=1, max_size=3).map(lambda each: f"{field} not in ({', '.join(each)})")
    return st.one_of(single, single, several)


_days = st.sampled_from([day.isoformat() for day in DAYS])
_numbers = st.sampled_from(["10", "9", "-3.5", "7", "0"])
conditions = st.one_of(
    st.sampled_from(
        ["member", "not member", "member = yes", "member != true", "list = 'newsletter'", "list != 'journal'"]
    ),
    st.sampled_from(["left = 'newsletter'", "list in ('newsletter', 'journal')", "city = true", "city != no"]),
    _asked("name", _texts, _any_of(NAMES)),
    _asked("first_name", _texts, _any_of(NAMES)),
    _asked("language", _texts, _any_of(["hu", "", "de"])),
    _asked("joined", _orders, _days),
    _asked("city", _texts, _any_of(OWN)),
    _asked("fields.city", _orders, _numbers),
    _asked("city", _orders, st.one_of(_days, st.just("2024-02-29"))),
    _asked("address", _texts, _any_of(ADDRESSES)),
    _asked("domain", _texts, _any_of(["example.org", "példa.example.org", ""])),
)
expressions = st.recursive(
    conditions,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
    ),
    max_leaves=6,
)


class Facts:
    """One made-up person, as the oracle reads them."""

    def __init__(self, number: int) -> None:
        self.id = number
        self.name = NAMES[number % len(NAMES)]
        self.first_name = NAMES[number * 7 % len(NAMES)]
        self.language = LANGUAGES[number % len(LANGUAGES)]
        self.member = number % 3 == 0
        hours = timedelta(hours=number * 5 % 24, minutes=number % 60)
        self.joined = datetime(2024, 12, 31, tzinfo=UTC) + timedelta(days=number % 3) + hours
        self.fields = {"city": OWN[number % len(OWN)]} if number % 4 else {}
        self.address = None if number % 5 == 4 else ADDRESSES[number % len(ADDRESSES)]
        self.lists = {
            slug: [SubscriptionState.SUBSCRIBED, SubscriptionState.PAUSED, SubscriptionState.UNSUBSCRIBED][number % 3]
            for place, slug in enumerate(LISTS)
            if number % (place + 2) == 0
        }


PEOPLE = [Facts(number) for number in range(1, 61)]
_ORDERS = {
    Operator.LESS: operator.lt,
    Operator.LESS_EQUAL: operator.le,
    Operator.GREATER: operator.gt,
    Operator.GREATER_EQUAL: operator.ge,
}


def small(text: str) -> str:
    return "".join(chr(ord(letter) + 32) if "A" <= letter <= "Z" else letter for letter in text)


def holds(asked: filters.Expression, person: Facts) -> bool:
    """Read a filter as docs/filters.md says it, with nothing of SQL in it."""
    if isinstance(asked, And):
        return all(holds(part, person) for part in asked.parts)
    if isinstance(asked, Or):
        return any(holds(part, person) for part in asked.parts)
    if isinstance(asked, Not):
        return not holds(asked.part, person)
    operation = Operator.EQUAL if asked.operator is Operator.IN else asked.operator
    return any(compared(asked, operation, value, person) for value in asked.values)


def compared(asked: Comparison, operation: Operator, value: filters.Literal, person: Facts) -> bool:
    if isinstance(asked.field, Own):
        return own(person.fields.get(asked.field.name, ""), operation, value)
    if asked.field is Field.MEMBER:
        return person.member == value
    if asked.field is Field.JOINED:
        assert isinstance(value, date)
        day = person.joined.date()
        return day == value if operation is Operator.EQUAL else bool(_ORDERS[operation](day, value))
    if asked.field is Field.LIST:
        return person.lists.get(str(value)) in {SubscriptionState.SUBSCRIBED, SubscriptionState.PAUSED}
    if asked.field is Field.LEFT:
        return person.lists.get(str(value)) is SubscriptionState.UNSUBSCRIBED
    wanted = str(value)
    if asked.field in {Field.ADDRESS, Field.DOMAIN}:
        if person.address is None:
            return operation is Operator.EQUAL and wanted == ""
        parsed = parse_address(person.address)
        if asked.field is Field.ADDRESS and operation is Operator.EQUAL and (key := key_of(wanted)) is not None:
            return parsed.key == key
        if asked.field is Field.ADDRESS:
            return text(parsed.text, operation, wanted)
        return text(parsed.domain, operation, domain_of(wanted))
    return text(
        {"name": person.name, "first_name": person.first_name, "language": person.language or ""}[asked.field],
        operation,
        wanted,
    )


def own(value: str, operation: Operator, asked: filters.Literal) -> bool:
    if isinstance(asked, bool):
        return small(value) in (["true", "yes", "1"] if asked else ["false", "no", "0", ""])
    if isinstance(asked, Number):
        body = value.removeprefix("-")
        whole, dot, rest = body.partition(".")
        if not (whole.isascii() and whole.isdigit() and (not dot or (rest.isascii() and rest.isdigit()))):
            return False
        number = float(value)
        return number == asked.value if operation is Operator.EQUAL else bool(_ORDERS[operation](number, asked.value))
    if isinstance(asked, date):
        return value == "2024-02-29" and text(value, operation, asked.isoformat())
    return text(value, operation, asked)


def text(value: str, operation: Operator, asked: str) -> bool:
    left, right = small(value), small(asked)
    match operation:
        case Operator.EQUAL:
            return left == right
        case Operator.CONTAINS:
            return right in left
        case Operator.STARTS:
            return left.startswith(right)
        case Operator.ENDS:
            return left.endswith(right)
    return value != "" and bool(_ORDERS[operation](left.encode(), right.encode()))


@pytest.fixture
def register(database: Database) -> Database:
    """The made-up people, in the real database."""
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    with database.write() as tx:
        for number, slug in enumerate(LISTS, start=1):
            row = {"id": number, "slug": slug, "name": slug, "list_id": f"{slug}.example.org", "created_at": moment}
            tx.execute(sa.insert(MailingList).values(**row))
        for number, each in enumerate(ADDRESSES):
            parsed = parse_address(each)
            tx.execute(
                sa.insert(Address).values(
                    id=number,
                    email=parsed.text,
                    envelope=parsed.envelope,
                    key=parsed.key,
                    domain=parsed.domain,
                    created_at=moment,
                )
            )
        for person in PEOPLE:
            tx.execute(
                sa.insert(Person).values(
                    id=person.id,
                    name=person.name,
                    first_name=person.first_name,
                    language=person.language,
                    member=person.member,
                    fields=person.fields,
                    joined_at=person.joined,
                    updated_at=moment,
                )
            )
            if person.address:
                address_id = ADDRESSES.index(person.address)
                tx.execute(sa.insert(PersonAddress).values(person_id=person.id, address_id=address_id))
            for slug, state in person.lists.items():
                tx.execute(
                    sa.insert(Subscription).values(
                        person_id=person.id,
                        list_id=LISTS.index(slug) + 1,
                        state=state,
                        ground=Ground.CONSENT,
                        since=moment,
                    )
                )
    return database


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=expressions)
def test_sql_finds_whom_a_plain_reading_finds_F11(register: Database, asked: str) -> None:
    with register.read() as tx:
        expression = parse_where(tx, asked)
        found = set(tx.scalars(sa.select(Person.id).where(condition(expression))))
    assert found == {person.id for person in PEOPLE if holds(expression, person)}
