"""The rows of join requests: of two who decide at once one wins, and the same request is open once."""

from dataclasses import replace
from datetime import timedelta

from balintmail.db import requests
from balintmail.db.requests import RequestRow
from balintmail.db.session import Database
from balintmail.domain.requests import Act
from balintmail.domain.states import RequestState
from tests.support import register


def entered(database: Database) -> RequestRow:
    now = register.NOW
    row = RequestRow(
        0, 1, "a@example.org", "a@example.org", "a@example.org", "Anna", None, "words", "form", "the applicant",
        RequestState.PENDING, now, expires_at=now + timedelta(days=7),
    )  # fmt: skip
    with database.write() as tx:
        register.a_list(tx)
        number = requests.add(tx, row)
        assert number is not None
        assert requests.add(tx, row) is None
    return replace(row, id=number)


def test_a_request_is_decided_once(database: Database) -> None:
    row, now = entered(database), register.NOW
    with database.write() as tx:
        assert requests.confirm(tx, row, expires_at=now + timedelta(days=60), now=now)
        assert not requests.confirm(tx, row, expires_at=now + timedelta(days=60), now=now)
        assert requests.decide(tx, row, Act.DECLINE, {"decided_by": "x"}, now=now)
        assert not requests.decide(tx, row, Act.APPROVE, {"decided_by": "y"}, now=now)
        assert not requests.approve_before(tx, row, {"decided_by": "y"}, now=now)
        found = requests.get(tx, row.id)
    assert found is not None
    assert (found.state, found.decided_by) == (RequestState.DECLINED, "x")


def test_only_open_requests_expire_and_nothing_is_left_of_them(database: Database) -> None:
    row, now = entered(database), register.NOW
    with database.write() as tx:
        assert requests.expire(tx, now=now + timedelta(days=6)) == 0
        assert requests.expire(tx, now=now + timedelta(days=7)) == 1
        assert requests.expire(tx, now=now + timedelta(days=8)) == 0
        assert requests.add(tx, row) is not None  # it may be asked again
        found = requests.get(tx, row.id)
    assert found is not None
    assert (found.email, found.envelope, found.address_key, found.name, found.words) == ("", "", "", "", "")
