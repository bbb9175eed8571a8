"""The whole engine against Exim, which drops whoever speaks out of turn: a second opinion (S33, S35, D1, D2)."""

from collections.abc import Iterator

import pytest

from balintmail.db.limits import relays
from tests.support.instance import Instance
from tests.support.servers.daemon import Missing
from tests.support.servers.delivered import Books
from tests.support.servers.exim import FEW, HABIT, Exim
from tests.support.servers.relay_settings import LOGIN, password, use


@pytest.fixture(scope="module")
def started_exim() -> Iterator[Exim]:
    try:
        found = Exim()
    except Missing as missing:
        pytest.skip(str(missing))
    yield found
    found.stop()


@pytest.fixture
def exim(started_exim: Exim) -> Exim:
    """Exim with nothing delivered and nothing counted."""
    started_exim.empty()
    return started_exim


@pytest.fixture
def books(instance: Instance, exim: Exim) -> Iterator[Books]:
    found = Books(instance, exim.copies)
    yield found
    found.close()


@pytest.mark.parametrize("door", ["all", "no pipelining", "nothing"])
def test_whatever_exim_offers_everybody_has_one_copy_and_its_421_is_a_habit_S33_D1(
    instance: Instance, exim: Exim, books: Books, door: str
) -> None:
    instance("subscribe", "gone@example.org", "goner@example.org", "bela@példa.example.org")
    instance.use_relay(exim.ports[door], "max_connections = 1\n")
    found = instance.send("--yes")
    assert found.status == 3, found.said
    assert books.agree() == {"accepted": 31, "refused": 2}
    for name in ("gone", "goner"):
        assert (books.row(name).code, books.row(name).stage) == (550, "rcpt")
    assert "synchronization error" not in exim.words()
    assert exim.words().count("too many messages in one connection") >= 31 // HABIT
    with books.ctx.db.read() as tx:
        assert not relays(tx)
    assert books.is_finished


def test_refusals_and_deferrals_without_enhanced_codes_stand_as_they_were_said_S35(
    instance: Instance, exim: Exim, books: Books
) -> None:
    instance("subscribe", "later@example.org", "unwanted@example.org", "gone@example.org")
    instance.use_relay(exim.ports["picky"])
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert books.agree() == {"accepted": 30, "refused": 2, "deferred": 1}
    rows = {name: books.row(name) for name in ("later", "unwanted", "gone")}
    assert {name: (row.code, row.stage) for name, row in rows.items()} == {
        "later": (451, "rcpt"),
        "unwanted": (550, "dot"),
        "gone": (550, "rcpt"),
    }


@pytest.mark.usefixtures("hasty")
def test_quota_by_ratelimit_leaves_exim_in_peace_and_the_rest_goes_in_the_next_hour(
    instance: Instance, exim: Exim, books: Books
) -> None:
    instance.use_relay(exim.ports["quota"], "max_connections = 2\n")
    assert instance.send("--yes").status == 4
    states = books.agree()
    assert 0 < states["accepted"] <= FEW
    assert "refused" not in states
    for _ in range(3):
        exim.forget_its_counts()
        for what in ("pause", "resume", "retry"):
            instance("mailings", what, "newsletter/84")
    assert books.agree() == {"accepted": 30}


@pytest.mark.parametrize(("door", "security"), [("tls", "tls"), ("login", "starttls")])
def test_letters_reach_exim_over_gnutls_S30(
    instance: Instance, exim: Exim, books: Books, door: str, security: str
) -> None:
    use(instance, exim.ports[door], security, 'username = "balint"' * (door == "login"), ca_file=exim.folder / "ca.pem")
    if door == "login":
        password(instance, "close sesame")
        assert instance.send("--yes").status == 4
        assert books.agree() == {"queued": 30}
        password(instance, LOGIN)
        assert instance("mailings", "resume", "newsletter/84").status == 0
        assert instance("dispatch").status == 0
    else:
        assert instance.send("--yes").status == 0
    assert books.agree() == {"accepted": 30}
    assert all(b"TLS1.3" in copy.data for copy in books.copies())
