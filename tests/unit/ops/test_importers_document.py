"""Our own JSON export read back: streamed line by line, odd people refused alone, odd files refused whole."""

import json
from pathlib import Path
from typing import Any

import pytest

from balintmail.domain.imports import FileState, ImportRow
from balintmail.ops.importers.reading import Corrections, open_people
from balintmail.ops.importers.table import FileRefused, Limits

ANNA = {"id": 3, "name": "Anna", "addresses": [{"address": "a@example.org", "state": "cleaned", "preferred": True}]}


def read(folder: Path, text: str, **limits: int) -> list[ImportRow]:
    file = folder / "people.json"
    file.write_text(text, encoding="utf-8")
    return list(open_people(file, Corrections(), Limits(**limits)).rows)


@pytest.mark.parametrize("layout", ["[\n{0}\n]\n", "[{0}]", "[\n{0},\n{0}\n]", "  [ {0} ]"])
def test_every_layout_of_the_export_is_read(tmp_path: Path, layout: str) -> None:
    person = {**ANNA, "lists": {"newsletter": "unsubscribed"}, "fields": {"n": 1, "yes": True, "none": None}}
    row = read(tmp_path, layout.replace("{0}", json.dumps(person)))[0]
    assert (row.person, row.name, row.lists) == (3, "Anna", (("newsletter", FileState.UNSUBSCRIBED),))
    assert row.fields == {"n": 1, "yes": True, "none": None}
    assert row.addresses[0].suppress == "cleaned"


@pytest.mark.parametrize(
    "change",
    [
        {"id": "3"},
        {"id": True},
        {"id": -1},
        {"name": 5},
        {"name": "a\nb"},
        {"member": "yes"},
        {"addresses": ["a@example.org"]},
        {"addresses": [{"address": "a@"}]},
        {"addresses": [{"address": "a@example.org", "state": "erased"}]},
        {"lists": ["newsletter"]},
        {"lists": {"newsletter": "perhaps"}},
        {"fields": []},
        {"fields": {"a b": "x"}},
        {"fields": {"deep": {"x": ["\0"]}}},
        {"fields": {"ok": "x" * 5000}},
        {"joined": "yesterday"},
        {"id": None, "addresses": []},
        {"name": "\ud800"},
    ],
)
def test_odd_people_fail_alone(tmp_path: Path, change: dict[str, Any]) -> None:
    bad, good = read(tmp_path, f"[\n{json.dumps({**ANNA, **change})},\n{json.dumps(ANNA)}\n]\n")
    assert bad.refused
    assert not good.refused


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[1]",
        "[\n{},\n",
        '[\n{"id": NaN}\n]',
        "[" * 100_000,
        '[\n{"a":' + "[" * 5000 + "]" * 5000 + "}\n]",
        '[{"id": 1}',
        '[\n{"id": 1}\n{"id": 2}\n',
    ],
)
def test_what_is_no_list_of_people_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileRefused):
        read(tmp_path, text)


def test_rows_are_limited_G5(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="more than 3"):
        read(tmp_path, "[\n" + ",\n".join([json.dumps(ANNA)] * 9) + "\n]\n", rows=3)


def test_a_number_beyond_all_bounds_fails_its_row(tmp_path: Path) -> None:
    text = json.dumps({**ANNA, "fields": {"n": 7}}).replace("7", "1e999")
    (bad,) = read(tmp_path, f"[\n{text}\n]\n")
    assert bad.refused == 'the field "n" is neither text nor a number nor yes or no'
