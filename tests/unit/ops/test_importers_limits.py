"""The limits in full size; `make test` proves them scaled down (test_importers_text.py)."""

import os
import resource
from pathlib import Path

import pytest

from balintmail.ops.importers.reading import Corrections, open_people
from balintmail.ops.importers.table import FileRefused, Limits

at_full_size = pytest.mark.skipif(not os.environ.get("TORTURE"), reason="make torture tries the full sizes")


@at_full_size
@pytest.mark.timeout(3600)
def test_ten_million_rows_are_read_in_flat_memory_and_one_more_is_refused_G5(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    with file.open("w") as out:
        out.write("email\n")
        for n in range(Limits().rows):
            out.write(f"r{n}@example.org\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 0
    rows = open_people(file, Corrections()).rows
    while count < Limits().rows - 1:  # the header is a row of the file
        count += not next(rows).refused
    with pytest.raises(FileRefused, match="more than 10,000,000 rows"):
        next(rows)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes


@at_full_size
def test_a_cell_of_a_gigabyte_is_refused_in_flat_memory_G6(tmp_path: Path) -> None:
    file = tmp_path / "huge.csv"
    with file.open("wb") as out:
        out.write(b"name,email\n")
        for _ in range(1024):
            out.write(b"x" * (1 << 20))
    with pytest.raises(FileRefused):
        list(open_people(file, Corrections()).rows)
