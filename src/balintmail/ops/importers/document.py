"""Read our own JSON export: one object a person, one line each, so that a million of them stream.

Any other layout of the same JSON is read too, up to a size that memory holds.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from balintmail.ops.importers.table import FileRefused, Limits

_WHOLE = 50_000_000  # bytes of a file that is not one object a line
_HINT = "balintmail people export --format json FILE writes the layout that is read here."


def looks_like_json(start: bytes) -> bool:
    """Return whether a file that begins like this can only be JSON."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"[", b"{"}


def read(path: Path, limits: Limits) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line, person) for each object in `path`; raise FileRefused when it is not a list of people."""
    with path.open("r", encoding="utf-8-sig", newline="\n") as file:
        first, second = _line(file.readline, limits.row), _line(file.readline, limits.row)
        streams = first.strip() == "[" and (second.strip().rstrip(",").endswith("}") or second.strip() == "]")
        if not streams:
            yield from _whole(path)
            return
        number, line = 2, second
        while line:
            text = line.strip()
            if text == "]":
                return
            yield number, _person(_parse(text.removesuffix(","), number), number)
            if number > limits.rows:
                raise FileRefused(f"The file has more than {limits.rows:,} people.", hint="Split it.")
            number, line = number + 1, _line(file.readline, limits.row)
        raise FileRefused("The file ends before its list of people does.", hint="Export it again.")


def _whole(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    if path.stat().st_size > _WHOLE:
        raise FileRefused("This JSON is too large to be read whole.", hint=_HINT)
    try:
        people = _parse(path.read_text("utf-8-sig"), 1)
    except UnicodeError as exc:
        raise FileRefused("The JSON is not in UTF-8.", hint=_HINT) from exc
    if not isinstance(people, list):
        raise FileRefused("The JSON is not a list of people.", hint=_HINT)
    for number, value in enumerate(people, start=1):
        yield number, _person(value, number)


def _line(readline: Any, limit: int) -> str:
    try:
        line: str = readline(limit + 1)
    except UnicodeError as exc:
        raise FileRefused("The JSON is not in UTF-8.", hint=_HINT) from exc
    if len(line) > limit:
        return "\0"  # no list of one person a line; the whole-file way has its own limit
    return line


def _parse(text: str, number: int) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise FileRefused(f"Line {number} is not JSON.", hint=_HINT) from exc


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are Python's, not JSON's (RFC 8259 section 6)


def _person(value: Any, number: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FileRefused(f"Line {number} is not a person.", hint=_HINT)
    return value
