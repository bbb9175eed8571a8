"""The dialogue over a real socket: stage by stage, the dot held back, pipelined and plain, on both loops."""

import asyncio

import pytest

from balintmail.domain.outcome import Stage, Verdict
from tests.relay import Manners, Relay
from tests.relay.faults import refuses_rcpt
from tests.support.sending import LOOPS, Recorder, letter, run, send, smtp

plain_and_pipelined = pytest.mark.parametrize("pipelining", [False, True], ids=["plain", "pipelined"])
loops = pytest.mark.parametrize("loop", LOOPS)


@loops
@plain_and_pipelined
def test_lane_sends_many_over_one_connection(loop: str, pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining)) as relay:
            outcomes = await send(smtp(relay.port), [letter(number) for number in range(1, 21)])
            assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}
            assert (outcomes[0].code, outcomes[0].enhanced, outcomes[0].reply) == (250, "2.0.0", "2.0.0 accepted")
            assert (outcomes[0].stage, outcomes[0].relay) == (Stage.DOT, "main")
            assert [copy.recipient for copy in relay.accepted] == [f"reader{n}@example.org" for n in range(1, 21)]
            assert [copy.sender for copy in relay.accepted] == [f"bounces+{n}@example.org" for n in range(1, 21)]
            assert list(relay.data) == [letter(number).data for number in range(1, 21)]
            assert relay.connections == 1
            assert relay.violations == []
            assert relay.commands[-1] == "QUIT"

    run(work(), loop)


@plain_and_pipelined
def test_lane_holds_the_dot_until_release(pipelining: bool) -> None:
    """The heart of D3: nothing is taken while the dot is held, however long; the test fails if it leaves early."""

    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining)) as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            events.call(lane.begin, letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            await asyncio.sleep(0.2)
            assert relay.accepted == []
            assert events.outcomes == []
            events.call(lane.release)
            await events.until(lambda: len(events.outcomes) == 1)
            assert events.last.verdict is Verdict.ACCEPTED
            assert len(relay.accepted) == 1
            await transport.close()

    run(work())


@loops
@plain_and_pipelined
def test_abort_before_the_dot_is_provably_not_taken(loop: str, pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining)) as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            events.call(lane.begin, letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            events.call(lane.abort)
            assert lane.closed
            events.call(lane.release)  # was on its way: does nothing
            await events.until(lambda: len(events.outcomes) == 1)
            assert (events.last.verdict, events.last.stage) == (Verdict.NOT_SENT, Stage.BODY)
            await lane.close()
            await asyncio.sleep(0.05)
            assert relay.accepted == []
            assert relay.open_connections == 0
            with pytest.raises(RuntimeError):
                lane.begin(letter(2))
            assert events.lost_lanes == 0

    run(work(), loop)


def test_abort_after_the_dot_is_unknown() -> None:
    async def work() -> None:
        async with Relay() as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            events.call(lane.release)
            events.call(lane.abort)
            await events.until(lambda: len(events.outcomes) == 1)
            assert (events.last.verdict, events.last.stage) == (Verdict.UNKNOWN, Stage.DOT)
            await transport.close()

    run(work())


def test_close_of_a_held_lane_aborts_it() -> None:
    async def work() -> None:
        async with Relay() as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            await transport.close()
            await events.until(lambda: len(events.outcomes) == 1)
            assert events.last.verdict is Verdict.NOT_SENT
            assert relay.accepted == []

    run(work())


@plain_and_pipelined
def test_release_with_following_sends_both_in_order(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining)) as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            for number in (1, 2, 3):
                await events.until(lambda: len(events.held_deliveries) == number)  # noqa: B023  (awaited here)
                assert [done for done, _ in events.outcomes] == list(range(1, number))
                assert lane.can_follow
                events.call(lane.release, letter(number + 1) if number < 3 else None)
            await events.until(lambda: len(events.outcomes) == 3)
            assert [copy.recipient for copy in relay.accepted] == [f"reader{n}@example.org" for n in (1, 2, 3)]
            assert relay.violations == []
            await transport.close()

    run(work())


def test_release_with_following_answers_it_even_when_the_held_one_is_gone() -> None:
    async def work() -> None:
        async with Relay() as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            events.call(lane.abort)
            events.call(lane.release, letter(2))
            await events.until(lambda: len(events.outcomes) == 2)
            assert [(number, outcome.verdict) for number, outcome in events.outcomes] == [
                (1, Verdict.NOT_SENT),
                (2, Verdict.NOT_SENT),
            ]
            await transport.close()

    run(work())


@plain_and_pipelined
def test_following_that_is_unfit_is_refused_alone_and_in_order(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining)) as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            events.call(lane.release, letter(2, to="josé@example.org", utf8=True))
            await events.until(lambda: len(events.outcomes) == 2)
            assert [number for number, _ in events.outcomes] == [1, 2]
            assert (events.last.verdict, events.last.stage) == (Verdict.REFUSED, Stage.LOCAL)
            events.release = True
            assert (await events.one(lane, letter(3))).verdict is Verdict.ACCEPTED
            await transport.close()

    run(work())


@plain_and_pipelined
def test_messages_per_connection_ends_with_quit_and_a_new_lane_goes_on(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining)) as relay:
            outcomes = await send(smtp(relay.port, messages=3), [letter(number) for number in range(1, 8)])
            assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED] * 7
            assert relay.connections == 3
            assert list(relay.commands).count("QUIT") == 3

    run(work())


def test_limits_mailmax_S33_is_honoured() -> None:
    async def work() -> None:
        async with Relay(Manners(extensions=("LIMITS MAILMAX=2 RCPTMAX=1",))) as relay:
            await send(smtp(relay.port), [letter(number) for number in range(1, 6)])
            assert relay.connections == 3

    run(work())


def test_following_beyond_messages_per_connection_comes_back_not_sent() -> None:
    async def work() -> None:
        async with Relay() as relay:
            transport, events = smtp(relay.port, messages=1), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            assert not lane.can_follow
            events.call(lane.release, letter(2))
            await events.until(lambda: len(events.outcomes) == 2)
            assert [outcome.verdict for _, outcome in events.outcomes] == [Verdict.ACCEPTED, Verdict.NOT_SENT]
            assert lane.closed
            await transport.close()

    run(work())


@plain_and_pipelined
def test_refused_rcpt_S37_is_that_persons_alone_and_the_connection_goes_on(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining), refuses_rcpt("reader2@")) as relay:
            outcomes = await send(smtp(relay.port), [letter(number) for number in (1, 2, 3)])
            accepted, refused, again = outcomes
            assert accepted.verdict is again.verdict is Verdict.ACCEPTED
            assert (refused.verdict, refused.stage, refused.code) == (Verdict.REFUSED, Stage.RCPT, 550)
            assert (refused.enhanced, refused.reply) == ("5.1.1", "5.1.1 no such user")
            assert relay.connections == 1
            assert "RSET" in relay.commands
            assert relay.violations == []
            assert all(text.count("RCPT TO") <= 1 for text in relay.commands)

    run(work())


def test_refused_rcpt_then_354_never_sends_a_lone_dot() -> None:
    """RFC 2920 section 3.1: a relay may answer DATA with 354 although every RCPT was refused."""

    async def work() -> None:
        async with Relay(Manners(data_without_recipients=True), refuses_rcpt("reader2@")) as relay:
            outcomes = await send(smtp(relay.port), [letter(number) for number in (1, 2, 3)])
            assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED, Verdict.REFUSED, Verdict.ACCEPTED]
            assert [copy.recipient for copy in relay.accepted] == ["reader1@example.org", "reader3@example.org"]
            assert relay.connections == 2

    run(work())


@plain_and_pipelined
def test_unfit_message_never_touches_the_network(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining, size=100)) as relay:
            messages = [
                letter(1, b"long\r\n" * 100),  # I13
                letter(2, to="josé@example.org", utf8=True),  # S25, I14
                letter(3, "é\r\n".encode()),  # S24
                letter(4, b"x" * 999 + b"\r\n"),  # S23
                letter(5, to="a@b\r\nRCPT TO:<x@y>"),  # B5
                letter(6, b"\r\n"),
            ]
            outcomes = await send(smtp(relay.port), messages)
            assert [outcome.verdict for outcome in outcomes] == [Verdict.REFUSED] * 5 + [Verdict.ACCEPTED]
            assert {outcome.stage for outcome in outcomes[:5]} == {Stage.LOCAL}
            assert all(outcome.reply for outcome in outcomes)
            assert [copy.recipient for copy in relay.accepted] == ["reader6@example.org"]
            assert sum(text.startswith("MAIL") for text in relay.commands) == 1

    run(work())


@plain_and_pipelined
def test_smtputf8_S25_is_used_when_offered_and_only_for_whom_it_is_needed(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining, smtputf8=True)) as relay:
            person = letter(2, "Grüße\r\n".encode(), to="josé@xn--pldi-0na.example.org", utf8=True)
            outcomes = await send(smtp(relay.port), [letter(1), person])
            assert {outcome.verdict for outcome in outcomes} == {Verdict.ACCEPTED}
            mails = [text for text in relay.commands if text.startswith("MAIL")]
            assert [("SMTPUTF8" in text, "BODY=8BITMIME" in text) for text in mails] == [(False, False), (True, True)]
            assert relay.data[1] == person.data
            assert relay.violations == []

    run(work())


def test_idle_lane_that_the_relay_ends_is_told_as_lost() -> None:
    async def work() -> None:
        relay = Relay()
        await relay.start()
        transport, events = smtp(relay.port), Recorder()
        lane = await transport.open(events)
        assert (await events.one(lane, letter(1))).verdict is Verdict.ACCEPTED
        await relay.stop()
        await events.until(lambda: events.lost_lanes == 1)
        assert lane.closed
        await transport.close()

    run(work())


def test_begin_on_a_busy_lane_is_a_bug() -> None:
    async def work() -> None:
        async with Relay() as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            with pytest.raises(RuntimeError):
                lane.begin(letter(2))
            assert "reader" not in repr(lane)
            await transport.close()

    run(work())
