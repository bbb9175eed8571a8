"""A no said on the page, or by a mail program, in the midst of a real send wins (D4, P5, S44)."""

import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.config import Security
from balintmail.db import mailings
from balintmail.db.mailings import NewMailing
from balintmail.db.models import Delivery
from balintmail.domain import tokens
from balintmail.domain.states import DeliveryState, MailingKind, MailingState, SkipReason
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.sending.connect import RelayTarget
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.tally import Tally
from tests.relay import RelayThread
from tests.support.letters import compose
from tests.support.register import readers

READERS = 300
WAYS = (
    {"List-Unsubscribe": "One-Click"},
    {"do": "leave"},
    {"do": "instead", "instead": "pause", "until": "2027-03-01"},
    {"do": "instead", "instead": "all"},
)


def open_rows(context: Context) -> list[tuple[int, int]]:
    """Return person and delivery of those whose dot has surely not left."""
    waiting = (DeliveryState.QUEUED, DeliveryState.CLAIMED)
    with context.db.read() as tx:
        rows = (
            sa.select(Delivery.person_id, Delivery.id).where(Delivery.state.in_(waiting)).order_by(Delivery.id.desc())
        )
        return [(row[0] or 0, row[1]) for row in tx.execute(rows)]


def test_whoever_says_no_in_the_midst_of_a_send_gets_nothing_more_D4(client: TestClient, context: Context) -> None:
    with context.db.write() as tx:
        readers(tx, 1, READERS)
        now = context.clock.now()
        new = NewMailing(1, MailingKind.NEWSLETTER, "News", "hash", MailingState.SCHEDULED, number="84", start_at=now)
        mailings.add(tx, new, now=now)
    said_no: set[int] = set()

    def say_no(tally: Tally) -> None:
        if said_no:
            return
        for place, (person, delivery) in enumerate(open_rows(context)[:80]):
            token = tokens.make(TokenClaims(Purpose.LEAVE, person, 1, delivery), context.keyring.tokens)
            assert client.post(f"/leave/{token}", data=WAYS[place % len(WAYS)]).status_code == 200
            said_no.add(person)

    with RelayThread() as relay:
        target = RelayTarget(name="main", host=relay.host, port=relay.port, security=Security.NONE)
        transport = lambda: SmtpTransport([RelayTerms(target, 2, None)])  # noqa: E731
        dispatch(context, transport, Orders(watch=say_no, compose=compose))
        reached = {taken.recipient for taken in relay.accepted}
        assert relay.violations == []
    with context.db.read() as tx:
        rows = list(tx.execute(sa.select(Delivery.person_id, Delivery.address, Delivery.state, Delivery.skip_reason)))
    skipped = {row.person_id for row in rows if row.state is DeliveryState.SKIPPED}
    assert skipped == said_no
    assert len(said_no) == 80
    assert {row.skip_reason for row in rows if row.person_id in said_no} == {
        SkipReason.NOT_SUBSCRIBED, SkipReason.PAUSED,
    }  # fmt: skip
    assert reached == {row.address for row in rows if row.person_id not in said_no}
