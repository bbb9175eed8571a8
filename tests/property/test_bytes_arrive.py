"""What composing hands over arrives byte for byte through a real socket (S15, S32), and every fate is told truly."""

import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balintmail.domain.outcome import Composed, Verdict
from balintmail.sending.transport import Lane, TransportDown
from tests.relay import Fault, Manners, Relay, Step, Then
from tests.relay.thread import RelayThread
from tests.support.sending import SOON, Recorder, letter, run, send, smtp

pieces = st.sampled_from(
    [b"", b".", b"..", b"...", b". ", b".a", b"a.", b"=2E", b"QUIT", b"RSET", b"x" * 998, b"\x00", b" "]
)
bodies = st.lists(
    st.one_of(pieces, st.binary(max_size=80).map(lambda raw: bytes(b & 127 for b in raw if b & 127 not in (10, 13))))
)


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "pipelined"])
def relay(request: pytest.FixtureRequest) -> object:
    with RelayThread(Manners(pipelining=request.param)) as running:
        yield running


@given(st.lists(bodies, min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_bodies_arrive_byte_for_byte_S15_S32(relay: RelayThread, texts: list[list[bytes]]) -> None:
    messages = [letter(n, b"".join(line + b"\r\n" for line in lines)) for n, lines in enumerate(texts, start=1)]
    relay.relay.data.clear()
    outcomes = run(send(smtp(relay.port), messages))
    assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}
    assert list(relay.data) == [message.data for message in messages]
    assert relay.violations == []


@pytest.mark.parametrize(
    "body", [b".\r\n", b"..\r\n", b"\r\n.\r\n", b"\r\n", b".\r\n.\r\n", b"\r\n\r\n.\r\n\r\n", b"a\r\n..\r\n"]
)
def test_bodies_of_dots_arrive_S32(relay: RelayThread, body: bytes) -> None:
    message = Composed(1, letter(1).envelope, "<1@balint.example.org>", body)
    relay.relay.data.clear()
    assert run(send(smtp(relay.port), [message]))[0].verdict is Verdict.ACCEPTED
    assert list(relay.data) == [body]


@pytest.mark.parametrize(
    "body", [b"\n.\n\r\n", b"\r.\r\r\n", b"\n.\r\n\r\n", b"a\r\n.\n\r\nMAIL FROM:<x@example.org>\r\n"]
)
def test_bodies_that_would_smuggle_S32_are_refused_here(relay: RelayThread, body: bytes) -> None:
    message = Composed(1, letter(1).envelope, "<1@balint.example.org>", body)
    relay.relay.data.clear()
    assert run(send(smtp(relay.port), [message]))[0].verdict is Verdict.REFUSED
    assert list(relay.data) == []


REPLIES = [
    None,
    b"",
    b"250 ok\r\n",
    b"354 go on\r\n",
    b"421 4.3.2 closing\r\n",
    b"451 4.7.1 later\r\n",
    b"503 5.5.1 bad sequence\r\n",
    b"550 5.1.1 no such user\r\n",
    b"250-ok\r\n",
    b"25",
    b"250-a\r\n550 b\r\n",
    b"garbage\r\n",
]
STEPS = [Step.MAIL, Step.RCPT, Step.DATA, Step.BODY, Step.DOT, Step.ACCEPTED, Step.ANSWERED, Step.RSET]


def misbehaviour(dice: random.Random) -> Fault:
    """Return a random fault that strikes now and then.

    The relay may break, babble and lose count, but it does not lie about a dot: it never says 250 to one it has not
    taken, nor no to one it has or is going to take, nor leaves its answer out and goes on. There is no help for that.
    """
    step = dice.choice(STEPS)
    lies = {Step.DOT: (b"250", b"25"), Step.BODY: (b"250", b"25"), Step.ACCEPTED: (b"4", b"5")}.get(step, ())
    reply = dice.choice([reply for reply in REPLIES if reply is None or not reply.startswith(tuple(lies))])
    silent = step is Step.ACCEPTED and reply == b""
    refused = step is Step.BODY and reply is not None and reply[:1] in {b"4", b"5"}
    going = [] if silent or refused else [Then.GO_ON, Then.GO_ON]
    return Fault(
        step,
        reply,
        dice.choice([*going, Then.CLOSE, Then.RESET]),
        match=dice.choice(["", "", "reader3", "reader7"]),
        times=dice.randint(1, 3),
        skip=dice.randint(0, 3),
        cut=dice.choice([None, None, None, 2]),
        extra=b"" if lies else dice.choice([b"", b"", b"", b"250 2.0.0 again\r\n"]),
        at_bytes=dice.choice([1, 50, 100]),
    )


class Dispatcher(Recorder):
    """Drives a few lanes as dispatch does: sometimes with a following, sometimes letting a held message go."""

    def __init__(self, messages: list[Composed], dice: random.Random) -> None:
        super().__init__()
        self.todo = messages
        self.total = len(messages)
        self.dice = dice

    def all_answered(self) -> bool:
        return len(self.outcomes) + len(self.todo) == self.total

    def held(self, lane: Lane, delivery: int) -> None:
        self.held_deliveries.append(delivery)
        if self.dice.random() < 0.1:
            lane.abort()
        elif self.todo and lane.can_follow and self.dice.random() < 0.5:
            lane.release(self.todo.pop(0))
        else:
            lane.release()


@pytest.mark.parametrize("pipelining", [False, True], ids=["plain", "pipelined"])
@pytest.mark.parametrize("seed", range(40))
def test_random_misbehaviour_I2_I3_I4_every_copy_is_known_or_unknown(seed: int, pipelining: bool) -> None:
    """Nobody has two copies, who is accepted has one, who has one is accepted or unknown; each is answered once."""
    dice = random.Random(seed)
    faults = [misbehaviour(dice) for _ in range(dice.randint(1, 4))]
    messages = [letter(number) for number in range(1, 13)]

    async def work() -> tuple[Dispatcher, Counter[str]]:
        async with Relay(Manners(pipelining=pipelining), *faults) as relay:
            transport = smtp(relay.port, limits=SOON, messages=dice.choice([None, 2]))
            events = Dispatcher(list(messages), dice)
            while events.todo:
                lane = await transport.open(events)
                while events.todo and not lane.closed:
                    await events.one(lane, events.todo.pop(0))
                    await events.until(events.all_answered)
            await transport.close()
            return events, Counter(copy.recipient for copy in relay.accepted)

    try:
        events, copies = run(work())
    except TransportDown as exc:
        pytest.fail(f"no fault of this test reaches the greeting: {exc}")
    for number, outcome in events.outcomes:
        taken = copies[f"reader{number}@example.org"]
        assert taken <= 1, (number, outcome)
        if outcome.verdict is Verdict.ACCEPTED:
            assert taken == 1, (number, outcome)
        elif outcome.verdict is not Verdict.UNKNOWN:
            assert taken == 0, (number, outcome)
