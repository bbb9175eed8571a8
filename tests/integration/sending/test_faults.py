"""The relay drops, stalls or talks nonsense at every stage: safe stages are safe, the dot's are unknown.

There are never two copies; the relay's own log is the judge. Rows of the fault table in standards.md 2.6, of the
16-stage probe in 2.3, and group I.
"""

import asyncio
from pathlib import Path

import pytest

from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.sending.transport import Lane, TransportDown
from tests.relay import Fault, Manners, Relay, Step, Then, read_log
from tests.relay.faults import (
    answers_late,
    closes_with_421,
    defers_message,
    drops,
    drops_mid_body,
    extra_250,
    greylists,
    half_reply,
    quota_of,
    refuses_data,
    refuses_mail,
    refuses_message,
    refuses_rcpt,
    resets,
    says,
    splits_replies_by_byte,
    stalls,
)
from tests.support.sending import LOOPS, SOON, Recorder, letter, run, send, smtp

plain_and_pipelined = pytest.mark.parametrize("pipelining", [False, True], ids=["plain", "pipelined"])
BODY = b"a line of the letter\r\n" * 200
SAFE = {Verdict.NOT_SENT, Verdict.DEFERRED}


def attempt(fault: Fault, *, pipelining: bool, log: Path, loop: str = "asyncio") -> tuple[Outcome | None, int]:
    """Send one letter to a relay with one fault; return its outcome (None: no lane was to be had) and the copies."""

    async def work() -> Outcome | None:
        async with Relay(Manners(pipelining=pipelining), fault, log=log) as relay:
            try:
                return (await send(smtp(relay.port, limits=SOON), [letter(1, BODY)]))[0]
            except TransportDown:
                return None

    return run(work(), loop), len(read_log(log))


BEFORE_THE_DIALOGUE = [drops("greeting"), half_reply("greeting"), drops("ehlo"), half_reply("ehlo")]
BEFORE_THE_DOT = [
    *(broken(step) for step in ("mail", "rcpt", "data") for broken in (drops, half_reply, resets, stalls)),
    drops_mid_body(1),
    drops_mid_body(2000),
    Fault(Step.BODY, b"", Then.RESET, at_bytes=2000),
    Fault(Step.BODY, b"", Then.CLOSE, at_bytes=4000),  # the whole body but its dot
]
AFTER_THE_DOT_NOT_TAKEN = [drops("dot"), resets("dot"), stalls("dot")]
AFTER_THE_DOT_TAKEN = [drops("accepted"), half_reply("accepted"), resets("accepted"), stalls("accepted")]


def named(fault: Fault) -> str:
    return f"{fault.step}-{fault.then}{'-half' if fault.cut else ''}"


@pytest.mark.parametrize("fault", BEFORE_THE_DIALOGUE, ids=named)
def test_relay_gone_before_the_dialogue_is_down_and_touches_nobody(fault: Fault, tmp_path: Path) -> None:
    outcome, copies = attempt(fault, pipelining=True, log=tmp_path / "log")
    assert (outcome, copies) == (None, 0)


@plain_and_pipelined
@pytest.mark.parametrize("fault", BEFORE_THE_DOT, ids=named)
def test_relay_gone_before_the_dot_is_safe(fault: Fault, pipelining: bool, tmp_path: Path) -> None:
    """The recorder releases as soon as the message is held: a drop in the body is seen before or after that."""
    outcome, copies = attempt(fault, pipelining=pipelining, log=tmp_path / "log")
    assert copies == 0
    assert outcome is not None
    if fault.step is Step.BODY:  # the dot may have crossed the drop: then nobody can know, and nobody claims to
        assert outcome.verdict in SAFE | {Verdict.UNKNOWN}
        assert (outcome.verdict is Verdict.UNKNOWN) is (outcome.stage is Stage.DOT)
    else:
        assert outcome.verdict in SAFE
        assert outcome.stage is not Stage.DOT


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET])
def test_relay_gone_while_the_dot_is_held_is_not_sent(then: Then, tmp_path: Path) -> None:
    async def work() -> None:
        async with Relay(Manners(), Fault(Step.BODY, b"", then, at_bytes=4000), log=tmp_path / "log") as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1, BODY))
            await events.until(lambda: len(events.outcomes) == 1)
            assert (events.last.verdict, events.last.stage) == (Verdict.NOT_SENT, Stage.BODY)
            events.call(lane.release)
            await asyncio.sleep(0.05)
            assert len(events.outcomes) == 1
            await transport.close()

    run(work())
    assert read_log(tmp_path / "log") == []


@plain_and_pipelined
@pytest.mark.parametrize("fault", AFTER_THE_DOT_NOT_TAKEN, ids=named)
def test_relay_gone_after_the_dot_without_taking_is_unknown(fault: Fault, pipelining: bool, tmp_path: Path) -> None:
    outcome, copies = attempt(fault, pipelining=pipelining, log=tmp_path / "log")
    assert outcome is not None
    assert (outcome.verdict, outcome.stage, copies) == (Verdict.UNKNOWN, Stage.DOT, 0)


@pytest.mark.parametrize("loop", LOOPS)
@plain_and_pipelined
@pytest.mark.parametrize("fault", AFTER_THE_DOT_TAKEN, ids=named)
def test_relay_gone_after_taking_is_unknown_and_one_copy(
    fault: Fault, pipelining: bool, loop: str, tmp_path: Path
) -> None:
    outcome, copies = attempt(fault, pipelining=pipelining, log=tmp_path / "log", loop=loop)
    assert outcome is not None
    assert (outcome.verdict, outcome.stage, copies) == (Verdict.UNKNOWN, Stage.DOT, 1)


@pytest.mark.parametrize("then", [Then.CLOSE, Then.RESET, Then.STALL])
def test_relay_gone_after_its_250_is_accepted(then: Then, tmp_path: Path) -> None:
    outcome, copies = attempt(Fault(Step.ANSWERED, b"", then), pipelining=True, log=tmp_path / "log")
    assert outcome is not None
    if then is not Then.RESET:  # a reset may overtake the 250 inside the kernel
        assert outcome.verdict is Verdict.ACCEPTED
    assert copies == 1


def test_following_is_not_sent_when_the_relay_goes_with_the_first_answer(tmp_path: Path) -> None:
    """The commands of the second are in the relay's hands when it hangs up: it was not taken, the first is unknown."""

    async def work() -> None:
        async with Relay(Manners(), drops("accepted"), log=tmp_path / "log") as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1))
            await events.until(lambda: events.held_deliveries == [1])
            events.call(lane.release, letter(2))
            await events.until(lambda: len(events.outcomes) == 2)
            assert [outcome.verdict for _, outcome in events.outcomes] == [Verdict.UNKNOWN, Verdict.NOT_SENT]
            await transport.close()

    run(work())
    assert [copy.recipient for copy in read_log(tmp_path / "log")] == ["reader1@example.org"]


# Answers


@plain_and_pipelined
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (refuses_mail(), (Verdict.REFUSED, Stage.MAIL, 550, "5.7.1")),
        (says("mail", "452 4.3.1 full"), (Verdict.DEFERRED, Stage.MAIL, 452, "4.3.1")),
        (says("mail", "530 5.7.0 authentication required"), (Verdict.DEFERRED, Stage.MAIL, 530, "5.7.0")),  # I15
        (greylists(), (Verdict.DEFERRED, Stage.RCPT, 451, "4.7.1")),
        (says("rcpt", "552 5.5.3 too many recipients"), (Verdict.DEFERRED, Stage.RCPT, 552, "5.5.3")),  # S35
        (says("rcpt", "556 5.1.10 null MX"), (Verdict.REFUSED, Stage.RCPT, 556, "5.1.10")),
        (says("rcpt", "550 4.1.1 class unlike the code"), (Verdict.REFUSED, Stage.RCPT, 550, "")),  # I7
        (says("rcpt", "299 an unknown code counts by its class"), (Verdict.ACCEPTED, Stage.DOT, 250, "2.0.0")),
        (says("rcpt", "599 and this one too"), (Verdict.REFUSED, Stage.RCPT, 599, "")),
        (refuses_data(), (Verdict.REFUSED, Stage.DATA, 554, "5.5.1")),  # I8
        (says("data", "503 5.5.1 bad sequence"), (Verdict.REFUSED, Stage.DATA, 503, "5.5.1")),  # I9
        (refuses_message(), (Verdict.REFUSED, Stage.DOT, 554, "5.7.1")),
        (defers_message(), (Verdict.DEFERRED, Stage.DOT, 451, "4.3.0")),
        (says("dot", "421 4.3.2 shutting down"), (Verdict.DEFERRED, Stage.DOT, 421, "4.3.2")),
        (says("rcpt", "421 4.3.2 shutting down"), (Verdict.DEFERRED, Stage.RCPT, 421, "4.3.2")),
        (quota_of(0), (Verdict.DEFERRED, Stage.RCPT, 452, "4.5.3")),
    ],
    ids=str,
)
def test_answer_is_kept_with_its_stage_and_words(
    fault: Fault, expected: tuple[Verdict, Stage, int, str], pipelining: bool, tmp_path: Path
) -> None:
    outcome, copies = attempt(fault, pipelining=pipelining, log=tmp_path / "log")
    assert outcome is not None
    assert (outcome.verdict, outcome.stage, outcome.code, outcome.enhanced) == expected
    assert copies == (outcome.verdict is Verdict.ACCEPTED)
    if fault.reply and outcome.verdict is not Verdict.ACCEPTED:
        assert outcome.reply == fault.reply.decode()[4:].strip()


@plain_and_pipelined
def test_421_after_a_number_of_messages_is_the_relays_habit(pipelining: bool) -> None:
    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining), closes_with_421(after_accepted=2)) as relay:
            outcomes = await send(smtp(relay.port), [letter(number) for number in range(1, 5)])
            verdicts = [outcome.verdict for outcome in outcomes]
            assert verdicts == [Verdict.ACCEPTED, Verdict.ACCEPTED, Verdict.NOT_SENT, Verdict.ACCEPTED]
            assert relay.connections == 2

    run(work())


@plain_and_pipelined
@pytest.mark.parametrize("step", ["mail", "rcpt"])
def test_refusal_with_a_421_behind_it_is_that_persons_and_the_next_has_a_new_connection(
    step: str, pipelining: bool
) -> None:
    """Postfix at its hard error limit says both in one piece."""

    async def work() -> None:
        words = b"550 5.1.1 no such user\r\n421 4.7.0 too many errors\r\n"
        both = Fault(Step(step), words, Then.CLOSE, skip=1, times=1)
        async with Relay(Manners(pipelining=pipelining), both) as relay:
            first, second, third = await send(smtp(relay.port), [letter(1), letter(2), letter(3)])
            assert first.verdict is Verdict.ACCEPTED
            assert (second.verdict, second.code, second.reply) == (Verdict.REFUSED, 550, "5.1.1 no such user")
            assert third.verdict is Verdict.ACCEPTED
            assert relay.connections == 2

    run(work())


@plain_and_pipelined
def test_421_to_the_fresh_start_is_the_relays_habit(pipelining: bool) -> None:
    async def work() -> None:
        goodbye = Fault(Step.RSET, b"421 4.7.0 too many errors\r\n", Then.CLOSE)
        async with Relay(Manners(pipelining=pipelining), refuses_rcpt("reader1"), goodbye) as relay:
            found = await send(smtp(relay.port), [letter(1), letter(2), letter(3)])
            assert [outcome.verdict for outcome in found] == [Verdict.REFUSED, Verdict.NOT_SENT, Verdict.ACCEPTED]
            assert relay.connections == 2

    run(work())


@plain_and_pipelined
def test_letter_refused_at_its_dot_is_followed_by_a_fresh_start(pipelining: bool) -> None:
    """Postfix's end-of-data restrictions leave the transaction open: the next MAIL alone would be nested (503)."""

    async def work() -> None:
        async with Relay(Manners(pipelining=pipelining), refuses_message(times=1)) as relay:
            found = await send(smtp(relay.port), [letter(1), letter(2)])
            assert [outcome.verdict for outcome in found] == [Verdict.REFUSED, Verdict.ACCEPTED]
            assert [command.upper() for command in relay.commands].count("RSET") == 1
            assert relay.connections == 1

    run(work())


@plain_and_pipelined
def test_452_after_a_number_of_messages_is_asked_again_on_a_fresh_connection(pipelining: bool) -> None:
    """OpenSMTPD's `smtp limit max-mails` answers so and keeps the connection, on which nothing goes any more."""

    async def work() -> None:
        enough = Fault(Step.MAIL, b"452 4.5.3 Too many messages sent\r\n", after_accepted=2)
        async with Relay(Manners(pipelining=pipelining), enough) as relay:
            found = await send(smtp(relay.port), [letter(number) for number in range(1, 6)])
            verdicts = [outcome.verdict for outcome in found]
            accepted, given_back = Verdict.ACCEPTED, Verdict.NOT_SENT
            assert verdicts == [accepted, accepted, given_back, accepted, accepted]
            assert relay.connections == 2

    run(work())


@plain_and_pipelined
def test_503_I9_to_the_next_mail_says_nothing_about_the_next_person(pipelining: bool) -> None:
    async def work() -> None:
        nested = Fault(Step.MAIL, b"503 5.5.1 nested MAIL command\r\n", skip=1, times=1)
        async with Relay(Manners(pipelining=pipelining), nested) as relay:
            found = await send(smtp(relay.port), [letter(1), letter(2), letter(3)])
            assert [outcome.verdict for outcome in found] == [Verdict.ACCEPTED, Verdict.NOT_SENT, Verdict.ACCEPTED]
            assert relay.connections == 2

    run(work())


# Group I on the wire

GARBAGE = {
    "I4-000": b"000 what\r\n",
    "I4-199": b"199 what\r\n",
    "I4-600": b"600 what\r\n",
    "I4-25": b"25 what\r\n",
    "I5-mixed": b"250-ok\r\n550 no\r\n",
    "I2-endless-line": b"250 " + b"x" * 20_000,
    "I3-100000-lines": b"250-more\r\n" * 100_000 + b"250 done\r\n",
    "http": b"HTTP/1.1 400 Bad Request\r\n",
    "binary": bytes(range(256)) + b"\r\n",
}
HARMLESS = {
    "I1-no-text": b"%d\r\n",
    "I2-4096-bytes": b"%d " + b"x" * 4092 + b"\r\n",
    "I6-non-ascii": b"%d \xff\xfe \xc3\xa9 \x1b[2J\r\n",
    "100-lines": b"%d-more\r\n" * 100 + b"%d done\r\n",
    "bare-lf": b"%d ok\n",
}


@plain_and_pipelined
@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=list(GARBAGE))
def test_garbage_before_the_dot_is_a_safe_fault(garbage: bytes, step: str, pipelining: bool, tmp_path: Path) -> None:
    outcome, copies = attempt(Fault(Step(step), garbage), pipelining=pipelining, log=tmp_path / "log")
    assert outcome is not None
    assert outcome.verdict is Verdict.DEFERRED
    assert (outcome.code, copies) == (0, 0)
    assert outcome.reply.isprintable()
    assert 0 < len(outcome.reply) <= 1000


@plain_and_pipelined
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=list(GARBAGE))
def test_garbage_after_the_dot_is_unknown(garbage: bytes, pipelining: bool, tmp_path: Path) -> None:
    outcome, copies = attempt(Fault(Step.ACCEPTED, garbage), pipelining=pipelining, log=tmp_path / "log")
    assert outcome is not None
    assert (outcome.verdict, outcome.stage, copies) == (Verdict.UNKNOWN, Stage.DOT, 1)


@plain_and_pipelined
@pytest.mark.parametrize(("step", "code"), [("mail", 250), ("rcpt", 250), ("data", 354), ("accepted", 250)])
@pytest.mark.parametrize("odd", HARMLESS.values(), ids=list(HARMLESS))
def test_odd_but_whole_reply_is_understood(odd: bytes, step: str, code: int, pipelining: bool, tmp_path: Path) -> None:
    fault = Fault(Step(step), odd.replace(b"%d", b"%d" % code))
    outcome, copies = attempt(fault, pipelining=pipelining, log=tmp_path / "log")
    assert outcome is not None
    assert (outcome.verdict, copies) == (Verdict.ACCEPTED, 1)
    assert outcome.reply.isprintable() or outcome.reply == ""


@plain_and_pipelined
@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "accepted", "ehlo", "greeting"])
def test_reply_split_by_byte_is_understood(step: str, pipelining: bool, tmp_path: Path) -> None:
    outcome, copies = attempt(splits_replies_by_byte(step), pipelining=pipelining, log=tmp_path / "log")
    assert outcome is not None
    assert (outcome.verdict, copies) == (Verdict.ACCEPTED, 1)


@plain_and_pipelined
@pytest.mark.parametrize("early", [b"250 2.0.0 taken\r\n", b"354 more\r\n", b"421 4.4.2 time-out\r\n", b"25"])
def test_reply_before_the_dot_I10_is_never_an_acceptance(early: bytes, pipelining: bool, tmp_path: Path) -> None:
    """A 250 that comes while the dot is held must not count as the answer to it."""

    async def work() -> None:
        fault = Fault(Step.BODY, early, at_bytes=4000)
        async with Relay(Manners(pipelining=pipelining), fault, log=tmp_path / "log") as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1, BODY))
            await events.until(lambda: events.held_deliveries == [1])
            await asyncio.sleep(0.1)
            events.call(lane.release)
            await events.until(lambda: len(events.outcomes) == 1)
            assert events.last.verdict in SAFE
            assert events.last.stage is Stage.BODY
            assert lane.closed
            await transport.close()

    run(work())
    assert read_log(tmp_path / "log") == []


def test_refusal_in_the_middle_of_the_body_is_kept(tmp_path: Path) -> None:
    async def work() -> None:
        async with Relay(Manners(), Fault(Step.BODY, b"552 5.3.4 too big\r\n", Then.CLOSE)) as relay:
            transport, events = smtp(relay.port), Recorder(release=False)
            lane = await transport.open(events)
            lane.begin(letter(1, BODY))
            await events.until(lambda: len(events.outcomes) == 1)
            assert (events.last.verdict, events.last.stage, events.last.code) == (Verdict.REFUSED, Stage.BODY, 552)
            await transport.close()

    run(work())


@plain_and_pipelined
@pytest.mark.parametrize("step", ["greeting", "ehlo", "mail", "rcpt", "data", "accepted"])
def test_extra_250_I11_never_counts_for_somebody_else(step: str, pipelining: bool, tmp_path: Path) -> None:
    """Whatever an extra reply shifts: who is called accepted has a copy, and nobody has two."""

    async def work() -> list[Outcome]:
        manners = Manners(pipelining=pipelining)
        async with Relay(manners, extra_250(step), log=tmp_path / "log") as relay:
            try:
                return await send(smtp(relay.port, limits=SOON), [letter(n, BODY) for n in (1, 2, 3)])
            except TransportDown:
                return []

    outcomes = run(work())
    copies = [copy.recipient for copy in read_log(tmp_path / "log")]
    assert len(copies) == len(set(copies))
    for number, outcome in enumerate(outcomes, start=1):
        taken = f"reader{number}@example.org" in copies
        if outcome.verdict is Verdict.ACCEPTED:
            assert taken
        elif outcome.verdict is not Verdict.UNKNOWN:
            assert not taken


def test_extra_250_after_acceptance_I11_ends_the_connection_before_the_next_can_begin() -> None:
    class Eager(Recorder):
        closed_when_told = False

        def finished(self, lane: Lane, delivery: int, outcome: Outcome) -> None:
            self.closed_when_told = lane.closed
            super().finished(lane, delivery, outcome)

    async def work() -> None:
        async with Relay(Manners(), extra_250("accepted")) as relay:
            transport, events = smtp(relay.port), Eager()
            lane = await transport.open(events)
            assert (await events.one(lane, letter(1))).verdict is Verdict.ACCEPTED
            assert events.closed_when_told
            assert events.lost_lanes == 0
            await transport.close()

    run(work())


def test_unasked_reply_on_an_idle_connection_ends_it() -> None:
    async def work() -> None:
        async with Relay(Manners(), Fault(Step.ANSWERED, b"250 2.0.0 hello?\r\n", delay=0.1)) as relay:
            transport, events = smtp(relay.port), Recorder()
            lane = await transport.open(events)
            assert (await events.one(lane, letter(1))).verdict is Verdict.ACCEPTED
            await events.until(lambda: events.lost_lanes == 1)
            assert lane.closed
            await transport.close()

    run(work())


def test_late_250_after_our_time_limit_is_unknown_and_one_copy(tmp_path: Path) -> None:
    outcome, copies = attempt(answers_late("accepted", 0.7), pipelining=True, log=tmp_path / "log")
    assert outcome is not None
    assert (outcome.verdict, copies) == (Verdict.UNKNOWN, 1)
