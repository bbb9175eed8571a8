"""Every written example of tests/corpus/returned is read as the document beside it says; see the README there."""

import json
from pathlib import Path

import pytest

from balintmail.domain.returns import Kind
from balintmail.receiving.read import read

FOLDER = Path(__file__).parents[2] / "corpus" / "returned"
CASES = {path.relative_to(FOLDER).with_suffix("").as_posix(): path for path in sorted(FOLDER.rglob("*.eml"))}
LINE_ENDS_OF_THEIR_OWN = {"damaged/double-line-ends"}
LETTERS_TO = {"ada@example.net", "readers@lists.example.org"}  # whom the returned letters are to, all that a cut leaves


def expected(path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    document = json.loads(path.with_suffix(".json").read_text())
    return document["kind"], sorted((one["address"], one["verdict"], one["reason"]) for one in document["results"])


def told(raw: bytes) -> tuple[str, list[tuple[str, str, str]]]:
    event = read(raw)
    found = [(one.address, one.judged.sentence.value, one.judged.reason.value) for one in event.results]
    return event.kind.value, sorted(found)


@pytest.mark.parametrize("name", CASES)
def test_example_is_understood_S21_S36_S40_S41(name: str) -> None:
    assert told(CASES[name].read_bytes()) == expected(CASES[name])


@pytest.mark.parametrize("name", sorted(CASES.keys() - LINE_ENDS_OF_THEIR_OWN))
def test_line_ends_change_nothing_H16(name: str) -> None:
    raw = CASES[name].read_bytes()
    assert read(raw) == read(raw.replace(b"\n", b"\r\n")) == read(raw.replace(b"\n", b"\r"))


@pytest.mark.parametrize("name", CASES)
def test_example_that_is_cut_off_names_nobody_wrong(name: str) -> None:
    raw = CASES[name].read_bytes()
    known = {address.casefold() for address, _, _ in expected(CASES[name])[1]} | LETTERS_TO
    for eighth in range(1, 8):
        cut = raw[: raw.rfind(b"\n", 0, len(raw) * eighth // 8) + 1]
        for one in read(cut).results:
            assert one.address.casefold() in known, cut[-80:]


def test_nothing_but_bounces_and_complaints_names_anybody() -> None:
    for path in CASES.values():
        kind, results = expected(path)
        assert kind in {Kind.BOUNCE, Kind.COMPLAINT} or not results
