"""A relay that answers oddly a few times (standards 3.3, group I): nobody is lost, doubled or wrongly refused."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from balintmail.config import Security
from balintmail.db import mailings, receipts
from balintmail.db.mailings import NewMailing
from balintmail.domain.states import DeliveryState, MailingKind, MailingState
from balintmail.sending.connect import RelayTarget
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.services import mailings as steering
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, Report, dispatch
from tests.conftest import MovableClock
from tests.relay import Fault, Manners, RelayThread, Step, faults
from tests.support.letters import compose
from tests.support.register import a_list, readers

S = DeliveryState
PEOPLE = 12
GOOD = {S.ACCEPTED: PEOPLE}
ONE_REFUSED = {S.ACCEPTED: PEOPLE - 1, S.REFUSED: 1}


def a_mailing(ctx: Context) -> int:
    with ctx.db.write() as tx:
        news = a_list(tx)
        readers(tx, news, PEOPLE)
        now = ctx.clock.now()
        new = NewMailing(
            news, MailingKind.NEWSLETTER, "News", "hash", MailingState.SCHEDULED, number="84", start_at=now
        )
        return mailings.add(tx, new, now=now)


def run(ctx: Context, relay: RelayThread, **orders: Any) -> Report:
    target = RelayTarget(name="main", host=relay.host, port=relay.port, security=Security.NONE)
    transport = lambda: SmtpTransport([RelayTerms(target, 2, None)])  # noqa: E731
    return dispatch(ctx, transport, Orders(**{"compose": compose, **orders}))


def counts(ctx: Context, mailing: int) -> dict[DeliveryState, int]:
    with ctx.db.read() as tx:
        return {state: number for state, number in receipts.counts(tx, mailing).items() if number}


def once(step: Step, reply: bytes, **more: Any) -> Fault:
    return Fault(step, reply, times=1, skip=3, **more)


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelined", "plain"])
@pytest.mark.parametrize(
    ("fault", "end"),
    [
        pytest.param(once(Step.ACCEPTED, b"250\r\n"), GOOD, id="I1"),
        pytest.param(once(Step.MAIL, b"250 " + b"x" * 4096 + b"\r\n"), GOOD, id="I2"),
        pytest.param(once(Step.RCPT, b"250-more\r\n" * 100_000 + b"250 end\r\n"), GOOD, id="I3"),
        pytest.param(once(Step.RCPT, b"000 nothing\r\n"), GOOD, id="I4-000"),
        pytest.param(once(Step.MAIL, b"199 less\r\n"), GOOD, id="I4-199"),
        pytest.param(once(Step.DATA, b"600 more\r\n"), GOOD, id="I4-600"),
        pytest.param(once(Step.MAIL, b"25 short\r\n"), GOOD, id="I4-25"),
        pytest.param(once(Step.RCPT, b"250-one\r\n550 other\r\n"), GOOD, id="I5"),
        pytest.param(once(Step.RCPT, "550 5.1.1 kein Empfänger \u202e\r\n".encode()), ONE_REFUSED, id="I6"),
        pytest.param(once(Step.RCPT, b"550 4.1.1 which of the two\r\n"), ONE_REFUSED, id="I7"),
        pytest.param(once(Step.DATA, b"554 5.5.1 no valid recipients\r\n"), ONE_REFUSED, id="I8"),
        pytest.param(once(Step.DATA, b"503 5.5.1 bad sequence\r\n"), ONE_REFUSED, id="I9"),
        pytest.param(once(Step.BODY, b"250 2.0.0 early\r\n"), GOOD, id="I10"),
        pytest.param(once(Step.RCPT, b"250 ok\r\n", extra=b"250 2.0.0 and one more\r\n"), GOOD, id="I11"),
    ],
)
def test_odd_reply_loses_doubles_and_wrongly_refuses_nobody(
    context: Context, clock: MovableClock, fault: Fault, end: dict[DeliveryState, int], pipelining: bool
) -> None:
    mailing = a_mailing(context)
    with RelayThread(Manners(pipelining=pipelining), fault) as relay:
        run(context, relay)
        clock.forward(timedelta(minutes=40))
        relay.behave()
        run(context, relay)
        copies = Counter(copy.recipient for copy in relay.accepted)
        found = counts(context, mailing)
        assert sum(found.values()) == PEOPLE
        assert max(copies.values()) == 1
        assert found == end or (fault.step is Step.DATA and found == GOOD)  # a 5xx to DATA may be about the session
        assert len(copies) == found[S.ACCEPTED]
        assert relay.violations == []


def test_auth_asked_for_in_the_midst_I15_pauses_refuses_nobody_and_goes_on(context: Context) -> None:
    mailing = a_mailing(context)
    asks = Fault(Step.MAIL, b"530 5.7.0 authentication required\r\n", skip=4)
    with RelayThread(Manners(), asks) as relay:
        run(context, relay, only=mailing)
        assert S.REFUSED not in counts(context, mailing)
        with context.db.read() as tx:
            row = mailings.by_id(tx, mailing)
        assert row is not None
        assert (row.state, "authentication required" in row.state_reason) == (MailingState.PAUSED, True)
        relay.behave()
        steering.resume(context, str(mailing))
        run(context, relay)
        assert counts(context, mailing) == GOOD
        assert len(relay.accepted) == PEOPLE


def test_421_at_the_first_message_of_each_connection_slows_down_and_loses_nobody(context: Context) -> None:
    mailing = a_mailing(context)
    with RelayThread(Manners(), faults.closes_with_421(times=3)) as relay:
        run(context, relay)
        found = counts(context, mailing)
        assert found.get(S.ACCEPTED, 0) + found.get(S.DEFERRED, 0) == PEOPLE
        assert found[S.DEFERRED] == 3
