"""The whole engine against OpenSMTPD: the plain dialogue, and a relay whose habit is a 452 (S33, S35, D1, D2)."""

from collections.abc import Iterator

import pytest

from balintmail.db.limits import relays
from tests.support.instance import Instance
from tests.support.servers.daemon import Missing
from tests.support.servers.delivered import Books
from tests.support.servers.opensmtpd import OpenSmtpd


@pytest.fixture(scope="module")
def started_opensmtpd() -> Iterator[OpenSmtpd]:
    try:
        found = OpenSmtpd()
    except Missing as missing:
        pytest.skip(str(missing))
    yield found
    found.stop()


@pytest.fixture
def opensmtpd(started_opensmtpd: OpenSmtpd) -> OpenSmtpd:
    """OpenSMTPD with nothing delivered."""
    started_opensmtpd.empty()
    return started_opensmtpd


@pytest.fixture
def books(instance: Instance, opensmtpd: OpenSmtpd) -> Iterator[Books]:
    found = Books(instance, opensmtpd.copies)
    yield found
    found.close()


@pytest.mark.parametrize("lanes", [1, 3])
def test_opensmtpd_that_takes_ten_messages_on_a_connection_has_a_habit_and_everybody_one_copy_D1(
    instance: Instance, opensmtpd: OpenSmtpd, books: Books, lanes: int
) -> None:
    instance("subscribe", "gone@example.org", "goner@example.org", "bela@példa.example.org", "jürgen@example.org")
    instance.use_relay(opensmtpd.port, f"max_connections = {lanes}\n")
    found = instance.send("--yes")
    assert found.status == 3, found.said
    assert books.agree() == {"accepted": 31, "refused": 3}
    for name in ("gone", "goner"):
        assert (books.row(name).code, books.row(name).stage) == (550, "rcpt")
    assert "SMTPUTF8" in books.row("jürgen").reply  # it does not offer it
    with books.ctx.db.read() as tx:
        assert not relays(tx)
    assert books.is_finished


def test_letter_above_its_size_is_never_begun_I13(instance: Instance, opensmtpd: OpenSmtpd, books: Books) -> None:
    instance.write(body="A paragraph that is long.\n\n" * 900)
    instance.use_relay(opensmtpd.port)
    assert instance.send("--yes").status == 4
    assert not books.agree()["accepted"]
    assert "30720" in instance("mailings", "show", "newsletter/84").out
