"""The null transport keeps the rules of the seam: held before finished, each begin answered once."""

from balintmail.domain.outcome import Stage, Verdict
from balintmail.sending.null import NullTransport
from tests.support.sending import Recorder, letter, run, send


def test_every_letter_is_accepted_once() -> None:
    outcomes = run(send(NullTransport(3), [letter(number) for number in range(5)]))
    assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED] * 5


def test_abort_before_the_dot_takes_nothing() -> None:
    async def work() -> Recorder:
        events = Recorder(release=False)
        lane = await NullTransport(1).open(events)
        events.call(lane.begin, letter(1))
        await events.until(lambda: bool(events.held_deliveries))
        events.call(lane.abort)
        await events.until(lambda: bool(events.outcomes))
        assert lane.closed
        return events

    assert (run(work()).last.verdict, run(work()).last.stage) == (Verdict.NOT_SENT, Stage.BODY)
