"""The limits in full size; `make test` proves them scaled down (test_importers_text.py)."""

import resource
from pathlib import Path

import pytest

from balintmail.ops.importers.reading import Corrections, open_people
from balintmail.ops.importers.table import FileRefused, Limits


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_million_rows_are_read_in_flat_memory_and_one_more_is_refused_G5(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    with file.open("w") as out:
        out.write("email\n")
        for n in range(Limits().rows):
            out.write(f"r{n}@example.org\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = 0
    with pytest.raises(FileRefused, match="more than 10,000,000 rows"):
        for row in open_people(file, Corrections()).rows:
            count += not row.refused
    assert count == Limits().rows - 1  # the header is a row of the file
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kilobytes
