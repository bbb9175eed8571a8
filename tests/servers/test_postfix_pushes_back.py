"""Postfix that hangs up, greylists and counts: nobody is lost, nobody refused for it, the pace gives way (D5, S38)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from balintmail.db.limits import relays
from balintmail.db.models import Delivery
from balintmail.domain.retry import LONGEST_FIRST_WAIT, SHORTEST_FIRST_WAIT
from tests.support.command import Finished
from tests.support.instance import Instance
from tests.support.servers.delivered import Books
from tests.support.servers.postfix import Postfix
from tests.support.servers.postfix_settings import FEW

GONE = [f"gone{number}@example.org" for number in range(6)]


def again(instance: Instance) -> Finished:
    """Let the mailing go on at once, as the Secretary would: no relay rests, everybody is due."""
    for what in ("pause", "resume"):
        assert instance("mailings", what, "newsletter/84").status == 0
    return instance("mailings", "retry", "newsletter/84")


def waits(books: Books) -> list[timedelta]:
    """Return how long each deferred delivery waits for its next try."""
    with books.ctx.db.read() as tx:
        query = select(Delivery.at, Delivery.next_try_at).where(Delivery.next_try_at.is_not(None))
        return [later - at for at, later in tx.execute(query) if later is not None]


@pytest.mark.parametrize("door", ["strict", "strict, no pipelining", "severe"])
def test_postfix_that_hangs_up_after_unknown_users_refuses_only_them_and_brakes_nobody(
    instance: Instance, postfix: Postfix, books: Books, door: str
) -> None:
    instance("subscribe", *GONE, *(f"later{number}@example.org" for number in range(12)))
    said = postfix.words().count("too many errors")
    instance.use_relay(postfix.ports[door], "max_connections = 1\n")
    found = instance.send("--yes")
    assert found.status == 3, found.said
    assert books.agree() == {"accepted": 42, "refused": 6}
    assert {(books.row(f"gone{number}").code, books.row(f"gone{number}").enhanced) for number in range(6)} == {
        (550, "5.1.1")
    }
    assert postfix.words().count("too many errors") > said
    with books.ctx.db.read() as tx:
        assert not relays(tx)


def test_greylist_by_policy_keeps_the_schedule_pauses_nobody_and_opens_with_the_second_try_S38(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    instance.use_relay(postfix.ports["grey"])
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert books.agree() == {"deferred": 30}
    assert all(SHORTEST_FIRST_WAIT <= wait <= LONGEST_FIRST_WAIT for wait in waits(books))
    assert len(set(waits(books))) > 20
    assert instance("dispatch").status == 0  # nobody is due
    assert books.agree() == {"deferred": 30}
    assert instance("mailings", "retry", "newsletter/84").status == 0
    assert books.agree() == {"accepted": 30}
    assert books.is_finished


@pytest.mark.usefixtures("hasty")
def test_greylist_that_does_not_say_so_is_asked_slowly_and_loses_nobody(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    postfix.policy.answer = "defer_if_permit Service is unavailable"
    postfix.policy.seen = {f"reader{number}@example.org" for number in range(24)}
    instance.use_relay(postfix.ports["grey"])
    assert instance.send("--yes").status == 4
    assert books.agree() == {"accepted": 24, "deferred": 6}
    assert instance("mailings", "retry", "newsletter/84").status == 0
    assert books.agree() == {"accepted": 30}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("door", ["quota", "quota of recipients"])
def test_quota_of_messages_is_respected_and_the_rest_goes_in_the_next_window(
    instance: Instance, postfix: Postfix, books: Books, door: str
) -> None:
    instance.use_relay(postfix.ports[door], "max_connections = 2\n")
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert "rate limit exceeded" in postfix.words()
    states = books.agree()
    assert states["accepted"] == FEW
    assert "refused" not in states
    if door == "quota":  # said of us, and not of a recipient: the relay is left in peace, and not everybody is tried
        assert states["queued"]
        with books.ctx.db.read() as tx:
            assert "too much mail" in relays(tx)["main"].reason
    postfix.forget_its_counts()
    assert again(instance).status == 0
    assert books.agree() == {"accepted": 30}
    assert books.is_finished


def test_our_own_limit_keeps_us_below_postfixs_quota_D5(instance: Instance, postfix: Postfix, books: Books) -> None:
    said = postfix.words().count("rate limit exceeded")
    instance.use_relay(postfix.ports["quota"], f"max_connections = 4\nper_hour = {FEW}\n")
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert "The limit of main is used up" in found.err
    assert books.agree() == {"accepted": FEW, "queued": 30 - FEW}
    assert instance("dispatch").status == 0
    assert books.agree() == {"accepted": FEW, "queued": 30 - FEW}
    assert postfix.words().count("rate limit exceeded") == said


def test_fewer_connections_than_we_would_open_serve_everybody(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    instance.use_relay(postfix.ports["two connections"], "max_connections = 8\n")
    found = instance.send("--yes")
    assert found.status == 0, found.said
    assert books.agree() == {"accepted": 30}


@pytest.mark.usefixtures("hasty")
def test_connections_that_are_counted_run_out_and_nobody_is_lost(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    instance.use_relay(
        postfix.ports["three connections a minute"], "max_connections = 1\nmessages_per_connection = 5\n"
    )
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert "too many connections" in found.err
    states = books.agree()
    assert states["accepted"] == 15
    assert states["queued"] == 15
    postfix.forget_its_counts()
    assert again(instance).status == 0
    assert books.agree() == {"accepted": 30}
