"""The whole engine against Postfix: whatever it offers, each reader has the copy that the ledger says (D1, D2, S33)."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import postgresql
from tests.support.command import SOCIETY, call
from tests.support.instance import Instance
from tests.support.letters_to_sign import DOMAIN, Published, make_pair, verifies
from tests.support.servers.delivered import Books
from tests.support.servers.postfix import Postfix

DOORS = ["all", "no pipelining", "no chunking", "neither", "nothing"]


@pytest.mark.parametrize("door", DOORS)
def test_whatever_postfix_offers_everybody_has_one_copy_S33_D1(
    instance: Instance, postfix: Postfix, books: Books, caplog: pytest.LogCaptureFixture, door: str
) -> None:
    caplog.set_level(logging.INFO)
    instance("subscribe", "gone1@example.org", "gone2@example.org", "zoe@példa.example.org")
    instance.use_relay(postfix.ports[door])
    found = instance.send("--yes", "--json")
    assert found.status == 3, found.said
    assert books.agree() == {"accepted": 31, "refused": 2}
    assert books.is_finished
    assert "@example.org" not in caplog.text


@pytest.mark.parametrize("door", ["all", "no pipelining"])
def test_letters_verify_with_both_keys_after_postfix_has_had_them_S15(
    instance: Instance, postfix: Postfix, books: Books, door: str
) -> None:
    pair = make_pair(instance.folder)
    instance.write(body="All is well.\n\n.\n\n..\n\n.leading dots\n\nFrom here on: no mbox's rules.")
    keys = f'\n[dkim]\ndomain = "{DOMAIN}"\nrsa = "{pair[0].selector}"\ned25519 = "{pair[1].selector}"\n'
    instance.use_relay(postfix.ports[door], f"max_connections = 2\n{keys}")
    found = instance.send("--yes")
    assert found.status == 0, found.said
    assert books.agree() == {"accepted": 30}
    letters = [copy.data.replace(b"\n", b"\r\n") for copy in books.copies()]
    assert {tuple(verifies(letter, Published(*pair))) for letter in letters} == {(True, True)}


@pytest.fixture
def url(postgres: postgresql.Server) -> Iterator[str]:
    """An empty database on PostgreSQL."""
    found = postgres.fresh(migrated=False)
    yield found
    postgres.drop(found)


def test_ledger_on_postgresql_is_one_with_what_postfix_delivered_D1(
    url: str, postfix: Postfix, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BALINTMAIL_DATABASE__URL", url)
    instance = Instance(tmp_path / "i")
    made = call("init", instance.folder, *SOCIETY, "--url", "https://balint.example.org")
    assert made.status == 0, made.err
    instance.write()
    people = (*(f"reader{number}@example.org" for number in range(40)), "gone1@example.org")
    assert instance("subscribe", *people).status == 0
    instance.use_relay(postfix.ports["all"])
    books = Books(instance, postfix.copies, url)
    try:
        found = instance.send("--yes")
        assert found.status == 3, found.said
        assert books.agree() == {"accepted": 40, "refused": 1}
    finally:
        books.close()
