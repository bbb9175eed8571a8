"""The time limits of RFC 5321 section 4.5.3.2 (S34), on a clock that jumps: ten minutes take no time."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.sending.patience import Deadline, TimeLimits
from balintmail.sending.transport import TransportDown
from tests.relay import Fault, Manners, Relay, Step
from tests.relay.faults import answers_late, stalls
from tests.support.sending import JumpingLoop, Recorder, letter, send, smtp

MINUTE = 60.0


def run_jumping(work: Coroutine[Any, Any, Any]) -> Any:
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(work)


def attempt(fault: Fault, *, pipelining: bool = True) -> tuple[Outcome, float, int]:
    """Return the outcome of one letter, after how many seconds it came, and how many copies were taken."""

    async def work() -> tuple[Outcome, float, int]:
        async with Relay(Manners(pipelining=pipelining), fault) as relay:
            transport = smtp(relay.port, host="127.0.0.1")
            lane = await transport.open(events := Recorder())
            begun = asyncio.get_running_loop().time()
            outcome = await events.one(lane, letter(1))
            lasted = asyncio.get_running_loop().time() - begun
            await transport.close()
            return outcome, lasted, len(relay.accepted)

    found: tuple[Outcome, float, int] = run_jumping(work())
    return found


def test_the_limits_are_those_of_the_standard_S34() -> None:
    limits = TimeLimits()
    assert (limits.greeting, limits.mail, limits.rcpt) == (5 * MINUTE, 5 * MINUTE, 5 * MINUTE)
    assert (limits.data, limits.block, limits.dot) == (2 * MINUTE, 3 * MINUTE, 10 * MINUTE)


@pytest.mark.parametrize("pipelining", [False, True])
def test_answer_9_minutes_50_after_the_dot_S34_is_accepted_and_one_copy(pipelining: bool) -> None:
    outcome, lasted, copies = attempt(answers_late("accepted", 590), pipelining=pipelining)
    assert (outcome.verdict, copies) == (Verdict.ACCEPTED, 1)
    assert lasted >= 589


def test_answer_10_minutes_10_after_the_dot_S34_is_unknown() -> None:
    outcome, lasted, copies = attempt(answers_late("accepted", 610))
    assert (outcome.verdict, outcome.stage, copies) == (Verdict.UNKNOWN, Stage.DOT, 1)
    assert 600 <= lasted < 609
    assert outcome.reply == "the relay did not answer in time"


@pytest.mark.parametrize("pipelining", [False, True])
@pytest.mark.parametrize(("step", "seconds"), [("mail", 300), ("rcpt", 300), ("data", 120)])
def test_each_stage_S34_has_its_own_limit(step: str, seconds: float, pipelining: bool) -> None:
    late, _, copies = attempt(answers_late(step, seconds - 10), pipelining=pipelining)
    assert (late.verdict, copies) == (Verdict.ACCEPTED, 1)
    outcome, lasted, copies = attempt(stalls(step), pipelining=pipelining)
    assert (outcome.verdict, outcome.stage, copies) == (Verdict.DEFERRED, Stage(step), 0)
    assert seconds <= lasted < seconds + 5


def test_greeting_S34_may_take_five_minutes() -> None:
    async def late() -> None:
        async with Relay(Manners(), answers_late("greeting", 290)) as relay:
            outcomes = await send(smtp(relay.port, host="127.0.0.1"), [letter(1)])
            assert outcomes[0].verdict is Verdict.ACCEPTED

    async def never() -> None:
        async with Relay(Manners(), stalls("greeting")) as relay:
            with pytest.raises(TransportDown) as caught:
                await smtp(relay.port, host="127.0.0.1").open(Recorder())
            assert caught.value.outcome.stage is Stage.GREETING
            assert asyncio.get_running_loop().time() > 0

    run_jumping(late())
    run_jumping(never())


def test_held_message_waits_for_the_commit_without_a_limit_of_ours() -> None:
    async def work() -> None:
        async with Relay() as relay:
            transport, events = smtp(relay.port, host="127.0.0.1"), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            await asyncio.sleep(3600)
            events.call(lane.release)
            await events.until(lambda: len(events.outcomes) == 1)
            assert events.last.verdict is Verdict.ACCEPTED
            await transport.close()

    run_jumping(work())


async def sink_that_reads(first: int) -> tuple[asyncio.Server, int]:
    """A relay that reads no more than `first` bytes of what follows its 354."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 slow\r\n")
            while line := await reader.readline():
                writer.write(b"354 slowly\r\n" if line.startswith(b"DATA") else b"250 ok\r\n")
                if line.startswith(b"DATA"):
                    await reader.read(first)
                    await asyncio.sleep(100_000)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    return server, server.sockets[0].getsockname()[1]


def test_body_that_the_relay_does_not_read_S34_is_deferred_before_its_dot() -> None:
    async def work() -> None:
        server, port = await sink_that_reads(1000)
        transport, events = smtp(port, host="127.0.0.1"), Recorder()
        lane = await transport.open(events)
        begun = asyncio.get_running_loop().time()
        outcome = await events.one(lane, letter(1, b"x" * 70 + b"\r\n" + (b"y" * 70 + b"\r\n") * 300_000))
        assert (outcome.verdict, outcome.stage) == (Verdict.DEFERRED, Stage.BODY)
        assert events.held_deliveries == []
        assert asyncio.get_running_loop().time() - begun >= 180
        server.close()
        await transport.close()

    run_jumping(work())


def test_large_body_is_held_only_when_all_of_it_has_left() -> None:
    async def work() -> None:
        async with Relay(Manners(), Fault(Step.DATA, delay=0.0)) as relay:
            transport, events = smtp(relay.port, host="127.0.0.1"), Recorder()
            lane = await transport.open(events)
            big = letter(1, (b"z" * 76 + b"\r\n") * 150_000)
            assert (await events.one(lane, big)).verdict is Verdict.ACCEPTED
            assert relay.data[0] == big.data
            await transport.close()

    asyncio.run(work())


def test_deadline_moves_nearer_and_further_and_is_lifted() -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        passed: list[float] = []
        deadline = Deadline(loop, lambda: passed.append(loop.time()))
        begun = loop.time()
        deadline.within(600)
        deadline.within(10)
        await asyncio.sleep(5)
        deadline.within(10)
        await asyncio.sleep(9)
        assert passed == []
        await asyncio.sleep(2)
        assert len(passed) == 1
        assert 15 <= passed[0] - begun < 16
        deadline.within(1)
        deadline.lift()
        await asyncio.sleep(1000)
        assert len(passed) == 1
        deadline.within(5)
        deadline.stop_timer()
        await asyncio.sleep(10)
        assert len(passed) == 1

    run_jumping(work())
