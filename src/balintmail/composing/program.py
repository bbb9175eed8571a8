"""What is left of a letter once everything constant is encoded: texts, slots for values, and choices between parts.

It is plain data that JSON can hold: made by splitting.py, run by merge.py and by nobody else.
"""

from dataclasses import dataclass
from typing import Any

from balintmail.composing.expressions import Value, value_from_data, value_to_data

RAW = "raw"  # the context of a slot that is ASCII and safe as it is: our own tokens


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one person's value in one context (a `Context`, or RAW)."""

    value: Value
    context: str

    def to_data(self) -> list[Any]:
        return [value_to_data(self.value), self.context]

    @staticmethod
    def from_data(data: list[Any]) -> "Slot":
        value, context = data
        return Slot(value_from_data(value), str(context))


@dataclass(frozen=True, slots=True)
class Choice:
    """The parts of condition number `condition`: one per test, and the last where none of them holds."""

    condition: int
    branches: list[list["Node"]]


Node = str | int | Choice  # an encoded constant, the number of a slot, a choice
Program = list[Node]


def to_data(program: Program) -> list[Any]:
    """Return `program` as JSON data."""
    return [[node.condition, *map(to_data, node.branches)] if isinstance(node, Choice) else node for node in program]


def from_data(data: list[Any]) -> Program:
    """Return the program that `to_data` wrote."""
    program: Program = []
    for node in data:
        match node:
            case str() | int():
                program.append(node)
            case [int(condition), *branches]:
                program.append(Choice(condition, list(map(from_data, branches))))
            case _:
                raise ValueError(f"not a program: {node!r:.40}")
    return program
