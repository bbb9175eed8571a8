"""A mailing remembers its keys, and the database says which keys unfinished mailings still need (S48)."""

from datetime import timedelta

from balintmail.db import dkim
from balintmail.db.session import Database
from balintmail.domain.dkim import SignedWith
from balintmail.domain.states import MailingState
from tests.support.mailings_to_sign import NOW, a_mailing

OLD, NEW = SignedWith("example.org", ("s2026a", "e2026a")), SignedWith("example.org", ("s2026b",))


def test_mailing_remembers_keys_and_moment_of_its_freeze_S48(database: Database) -> None:
    with database.write() as tx:
        mailing = a_mailing(tx, frozen_at=NOW)
        assert dkim.frozen(tx, mailing) is None
        dkim.remember(tx, mailing, OLD)
        assert dkim.frozen(tx, mailing) == dkim.Frozen(OLD, NOW)
        dkim.remember(tx, mailing, None)
        assert dkim.frozen(tx, mailing) is None
        assert dkim.frozen(tx, 999) is None


def test_mailing_without_audience_signs_with_the_moment_it_was_made(database: Database) -> None:
    with database.write() as tx:
        mailing = a_mailing(tx, created_at=NOW - timedelta(days=1))
        dkim.remember(tx, mailing, OLD)
        assert dkim.frozen(tx, mailing) == dkim.Frozen(OLD, NOW - timedelta(days=1))


def test_uses_count_the_open_and_date_the_ended(database: Database) -> None:
    with database.write() as tx:
        for state, finished_at, keys in (
            (MailingState.SENT, NOW, OLD),
            (MailingState.SENT, NOW + timedelta(hours=3), OLD),
            (MailingState.CANCELLED, None, OLD),
            (MailingState.SENDING, None, OLD),
            (MailingState.PAUSED, None, OLD),
            (MailingState.SCHEDULED, None, NEW),
            (MailingState.SENT, NOW + timedelta(days=9), None),
        ):
            dkim.remember(tx, a_mailing(tx, state=state, finished_at=finished_at), keys)
        assert dkim.uses(tx) == [dkim.Use(OLD, 2, NOW + timedelta(hours=3)), dkim.Use(NEW, 1, None)]
