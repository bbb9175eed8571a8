"""The whole engine against Postfix: whatever it offers, each reader has the copy that the ledger says (D1, D2, S33)."""

import pytest

from tests.support.instance import Instance
from tests.support.servers.delivered import Books
from tests.support.servers.postfix import Postfix

DOORS = ["all", "no pipelining", "no chunking", "neither", "nothing"]


@pytest.mark.parametrize("door", DOORS)
def test_whatever_postfix_offers_everybody_has_one_copy_S33_D1(
    instance: Instance, postfix: Postfix, books: Books, door: str
) -> None:
    instance("subscribe", "gone1@example.org", "gone2@example.org", "zoe@példa.example.org")
    instance.use_relay(postfix.ports[door])
    found = instance.send("--yes", "--json")
    assert found.status == 3, found.said
    assert books.agree() == {"accepted": 31, "refused": 2}
    assert books.is_finished
