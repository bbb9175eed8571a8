"""What a relay offers is used, what it does not offer is never said, what it offers and refuses is left out (I12)."""

import asyncio

import pytest

from balintmail.domain.outcome import Stage, Verdict
from tests.relay import Fault, Manners, Relay, Step
from tests.support.sending import Recorder, letter, run, send, smtp

plain_and_pipelined = pytest.mark.parametrize("pipelining", [False, True], ids=["plain", "pipelined"])


@plain_and_pipelined
def test_dsn_and_size_are_asked_for_where_offered_S39(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining, size=9000, extensions=("DSN",))) as relay:
            await send(smtp(relay.port), [letter(7), letter(8, to="ann+x@example.org")])
            size = len(letter(7).data)
            assert f"MAIL FROM:<bounces+7@example.org> RET=HDRS ENVID=7 SIZE={size}" in relay.commands
            assert "RCPT TO:<ann+x@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ann+2Bx@example.org" in relay.commands
            assert (len(relay.accepted), relay.violations) == (2, [])

    run(work())


@plain_and_pipelined
def test_nothing_is_asked_for_that_was_not_offered_S39_S33(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining)) as relay:
            await send(smtp(relay.port), [letter(7)])
            assert "MAIL FROM:<bounces+7@example.org>" in relay.commands
            assert "RCPT TO:<reader7@example.org>" in relay.commands
            assert relay.violations == []

    run(work())


@plain_and_pipelined
@pytest.mark.parametrize(
    ("step", "reply"),
    [
        (Step.MAIL, b"555 5.5.4 unsupported option\r\n"),
        (Step.MAIL, b"501 syntax error\r\n"),
        (Step.RCPT, b"504 parameter not implemented\r\n"),
        (Step.RCPT, b"550 5.5.4 invalid argument\r\n"),
    ],
)
def test_parameters_offered_and_refused_are_left_out_from_then_on_I12(
    step: Step, reply: bytes, pipelining: bool
) -> None:
    async def work() -> None:
        refusal = Fault(step, reply, match="ENVID" if step is Step.MAIL else "NOTIFY")
        async with Relay(Manners(pipelining=pipelining, extensions=("DSN",)), refusal) as relay:
            transport, events = smtp(relay.port), Recorder()
            lanes = [await transport.open(events) for _ in range(2)]
            first = await events.one(lanes[0], letter(1))
            assert (first.verdict, first.stage) == (Verdict.NOT_SENT, Stage(step.value))
            for number, lane in enumerate(lanes, 2):  # the other one has learnt it, too
                assert (await events.one(lane, letter(number))).verdict is Verdict.ACCEPTED
            await transport.close()
            assert "MAIL FROM:<bounces+2@example.org>" in relay.commands

    run(work())


def test_rcptdomainmax_S33_is_honoured_by_a_fresh_connection() -> None:
    async def work() -> None:
        addresses = ["a@one.example.org", "b@ONE.example.org", "c@two.example.org", "d@one.example.org"]
        async with Relay(Manners(extensions=("LIMITS RCPTDOMAINMAX=1",))) as relay:
            transport, events = smtp(relay.port), Recorder()
            lane = await transport.open(events)
            said = []
            for number, address in enumerate(addresses, 1):
                if lane.closed:
                    lane = await transport.open(events)
                said.append((await events.one(lane, letter(number, to=address))).verdict)
            await transport.close()
            assert said == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.NOT_SENT, Verdict.ACCEPTED]
            assert _domains_by_connection(list(relay.commands)) == [{"one.example.org"}, {"one.example.org"}]

    run(work())


def test_rcptdomainmax_S33_holds_for_what_follows_a_dot() -> None:
    async def work() -> None:
        async with Relay(Manners(extensions=("LIMITS RCPTDOMAINMAX=1",))) as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1, to="a@one.example.org"))
            await events.until(lambda: events.held_deliveries == [1])
            events.call(lane.release, letter(2, to="b@two.example.org"))
            await events.until(lambda: len(events.outcomes) == 2)
            assert [(number, outcome.verdict) for number, outcome in events.outcomes] == [
                (1, Verdict.ACCEPTED),
                (2, Verdict.NOT_SENT),
            ]
            assert events.outcomes[1][1].stage is Stage.LOCAL
            assert lane.closed
            await asyncio.wait_for(transport.close(), 5)
            assert len(relay.accepted) == 1

    run(work())


def _domains_by_connection(commands: list[str]) -> list[set[str]]:
    found: list[set[str]] = []
    for command in commands:
        if command.startswith("EHLO"):
            found.append(set())
        elif command.startswith("RCPT"):
            found[-1].add(command.partition("@")[2].partition(">")[0].lower())
    return found
