"""The values and tests a letter may hold, as plain data that can be stored and read back.

It evaluates nothing against a person (merge.py) and parses nothing (subset.py).
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Const:
    """A text that is the same for everybody."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A value that differs from person to person, by its full name such as `person.first_name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Default:
    """`value`, or `fallback` where that is empty or only spaces."""

    value: "Value"
    fallback: "Value"


Value = Const | Field | Default


@dataclass(frozen=True, slots=True)
class Truth:
    """Whether a value is there: not empty, not 0, not false."""

    value: Value


@dataclass(frozen=True, slots=True)
class Equals:
    """Whether a value reads as `text`; `truth` is set where it is compared with true or false."""

    value: Value
    text: str
    truth: bool | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    test: "Test"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of them."""

    tests: tuple["Test", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them."""

    tests: tuple["Test", ...]


Test = Truth | Equals | Not | AllOf | AnyOf


def value_to_data(value: Value) -> list[Any]:
    """Return `value` as nested JSON lists."""
    match value:
        case Const(text):
            return ["const", text]
        case Field(name):
            return ["field", name]
        case Default(inner, fallback):
            return ["default", value_to_data(inner), value_to_data(fallback)]


def value_from_data(data: list[Any]) -> Value:
    """Return the value that `value_to_data` wrote."""
    match data:
        case ["const", str(text)]:
            return Const(text)
        case ["field", str(name)]:
            return Field(name)
        case ["default", list(inner), list(fallback)]:
            return Default(value_from_data(inner), value_from_data(fallback))
    raise ValueError(f"not a value: {data!r:.40}")


def test_to_data(test: Test) -> list[Any]:
    """Return `test` as nested JSON lists."""
    match test:
        case Truth(value):
            return ["truth", value_to_data(value)]
        case Equals(value, text, truth):
            return ["equals", value_to_data(value), text, truth]
        case Not(inner):
            return ["not", test_to_data(inner)]
        case AllOf(tests):
            return ["all", *map(test_to_data, tests)]
        case AnyOf(tests):
            return ["any", *map(test_to_data, tests)]


def test_from_data(data: list[Any]) -> Test:
    """Return the test that `test_to_data` wrote."""
    match data:
        case ["truth", list(value)]:
            return Truth(value_from_data(value))
        case ["equals", list(value), str(text), (bool() | None) as truth]:
            return Equals(value_from_data(value), text, truth)
        case ["not", list(inner)]:
            return Not(test_from_data(inner))
        case ["all", *tests]:
            return AllOf(tuple(map(test_from_data, tests)))
        case ["any", *tests]:
            return AnyOf(tuple(map(test_from_data, tests)))
    raise ValueError(f"not a test: {data!r:.40}")


def fields_in(part: Value | Test) -> frozenset[str]:
    """Return the names of all fields that `part` reads."""
    match part:
        case Field(name):
            return frozenset({name})
        case Default(value, fallback):
            return fields_in(value) | fields_in(fallback)
        case Truth(value) | Equals(value):
            return fields_in(value)
        case Not(inner):
            return fields_in(inner)
        case AllOf(tests) | AnyOf(tests):
            return frozenset().union(*map(fields_in, tests))
    return frozenset()


def implies_member(test: Test) -> bool:
    """Return whether everybody who passes `test` is surely a member."""
    match test:
        case Truth(Field("person.member")) | Equals(Field("person.member"), truth=True):
            return True
        case Not(Not(inner)):
            return implies_member(inner)
        case Not(Equals(Field("person.member"), truth=False)):
            return True
        case AllOf(tests):
            return any(map(implies_member, tests))
        case AnyOf(tests):
            return bool(tests) and all(map(implies_member, tests))
    return False
