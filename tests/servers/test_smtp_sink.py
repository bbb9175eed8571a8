"""smtp-sink with its fault options: whatever it does, the ledger is right, nobody has two, nobody is lost (I1–I7)."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support.instance import Instance
from tests.support.servers.daemon import Missing
from tests.support.servers.delivered import Books
from tests.support.servers.smtp_sink import SmtpSink

READERS = 30
Make = Callable[..., tuple[SmtpSink, Books]]


@pytest.fixture
def sent_to(instance: Instance, hasty: None) -> Iterator[Make]:
    """Make a sink with options, and the books of the instance that sends to it."""
    with ExitStack() as stack:

        def make(*options: str, more: str = "max_connections = 2\n") -> tuple[SmtpSink, Books]:
            try:
                sink = stack.enter_context(SmtpSink(*options))
            except Missing as missing:
                pytest.skip(str(missing))
            instance.use_relay(sink.port, more)
            books = Books(instance, sink.copies)
            stack.callback(books.close)
            return sink, books

        yield make


def finish(instance: Instance, sink: SmtpSink, books: Books) -> None:
    """Let the sink be well, go on to the end, settle the doubts by what it took."""
    sink.behave()
    for what in ("pause", "resume", "retry"):  # paused by itself or not: no relay rests, everybody is due
        instance("mailings", what, "newsletter/84")
    states = books.agree(doubts=READERS)
    assert not set(states) & {"queued", "claimed", "at_risk", "deferred"}, states
    taken = {copy.recipient for copy in books.copies()}
    for row in books.rows():
        if row.state == "unknown":
            word = "--accepted" if row.envelope in taken else "--resend"
            instance("mailings", "settle", "newsletter/84", row.envelope, word)
    instance("dispatch")
    states = books.agree()
    assert states["accepted"] + states["refused"] == READERS
    assert books.is_finished


OFFERS = ["", "-p", "-e", "-P", "-p -8 -N -E -a"]


@pytest.mark.parametrize("options", OFFERS)
def test_whatever_the_sink_offers_everybody_has_one_copy_S33(instance: Instance, sent_to: Make, options: str) -> None:
    _, books = sent_to(*options.split())
    found = instance.send("--yes")
    assert found.status == 0, found.said
    assert books.agree() == {"accepted": READERS}


# What happens always, and which states a delivery may be in after it.
SAFE = {"queued", "deferred"}
FAULTS = {
    **{f"{option}": SAFE for option in ("-q CONNECT", "-Q CONNECT", "-f CONNECT", "-q EHLO", "-L")},
    **{f"{option}": SAFE for option in ("-q MAIL", "-Q MAIL", "-r MAIL", "-f MAIL", "-q RCPT", "-Q RCPT", "-r RCPT")},
    **{f"{option}": SAFE for option in ("-q DATA", "-Q DATA", "-r DATA", "-f DATA")},
    "-A 0": SAFE | {"refused"},  # its 550 comes unasked, before our dot or as the answer to it
    **{f"{option}": SAFE for option in ("-Q .", "-r .", "-f .")},
    "-f RCPT": {"queued", "refused"},
    "-q .": {"queued", "unknown"},
}
# It keeps the file of a letter that it refuses at the dot, in so many words.
REFUSED_AT_THE_DOT = {"-Q .", "-r .", "-f ."}
HARMLESS = ["-Q RSET", "-f QUIT", "-f EHLO", "-r EHLO"]


@pytest.mark.parametrize("options", FAULTS)
def test_fault_of_the_sink_loses_and_doubles_nobody_and_all_are_reached_when_it_is_well(
    instance: Instance, sent_to: Make, options: str
) -> None:
    sink, books = sent_to(*options.split())
    found = instance.send("--yes")
    assert found.status == 4, found.said
    if options in REFUSED_AT_THE_DOT:
        sink.forget()
    states = books.agree(doubts=READERS)
    assert set(states) <= FAULTS[options], states
    finish(instance, sink, books)


@pytest.mark.parametrize("options", HARMLESS)
def test_fault_where_we_need_no_answer_costs_nobody_a_letter(instance: Instance, sent_to: Make, options: str) -> None:
    _, books = sent_to(*options.split(), more="max_connections = 2\nmessages_per_connection = 6\n")
    found = instance.send("--yes")
    assert found.status == 0, found.said
    assert books.agree() == {"accepted": READERS}


@pytest.mark.parametrize("options", ["-M 12"])
def test_sink_that_goes_away_in_the_midst_loses_and_doubles_nobody(
    instance: Instance, sent_to: Make, options: str
) -> None:
    sink, books = sent_to(*options.split(), more="max_connections = 2\nmessages_per_connection = 6\n")
    found = instance.send("--yes")
    assert found.status == 4, found.said
    books.agree(doubts=2)
    finish(instance, sink, books)


def test_sink_that_answers_late_gets_everything_once(instance: Instance, sent_to: Make) -> None:
    _, books = sent_to("-w", "1", more="max_connections = 30\n")
    assert instance.send("--yes").status == 0
    assert books.agree() == {"accepted": READERS}
