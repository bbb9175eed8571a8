"""Files that everybody on the machine can read: refused, with the way to mend it (J9, standards 3.4)."""

from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_register_that_everybody_can_read_is_refused_J9(tmp_path: Path, mode: int) -> None:
    assert call("init", tmp_path / "i", *SOCIETY).status == 0
    database = tmp_path / "i" / "balintmail.db"
    database.chmod(mode)
    for command in (["people", "list"], ["dispatch"], ["subscribe", "ada@example.org"], ["doctor"]):
        done = call("-C", tmp_path / "i", *command)
        assert done.status == 1
        assert "chmod 600" in done.said
    database.chmod(0o600)
    assert call("-C", tmp_path / "i", "people", "list").status == 0


def test_register_shared_with_a_group_is_opened(tmp_path: Path) -> None:
    assert call("init", tmp_path / "i", *SOCIETY).status == 0
    (tmp_path / "i" / "balintmail.db").chmod(0o660)
    assert call("-C", tmp_path / "i", "people", "list").status == 0
