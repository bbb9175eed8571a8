"""What Postfix refuses, to whom and at which stage, stands in the ledger as it was said (S25, S35, S36, I13)."""

import pytest

from balintmail.domain.states import DeliveryState
from tests.support.instance import Instance
from tests.support.servers.delivered import Books
from tests.support.servers.postfix import Postfix

S = DeliveryState
LONG = "A paragraph that only members read, and that is long.\n\n" * 500
FOR_ONE = "All is well.\n\n{% if person.member %}\n\n" + LONG + "{% endif %}\n"


@pytest.mark.parametrize(("door", "stage"), [("picky", "rcpt"), ("picky at the end", "dot")])
def test_each_refusal_is_that_persons_alone_with_its_codes_S35_S36(
    instance: Instance, postfix: Postfix, books: Books, door: str, stage: str
) -> None:
    expected = {
        "full": (S.DEFERRED, 452, "4.2.2"),
        "away": (S.DEFERRED, 450, "4.2.1"),
        "brimful": (S.DEFERRED if stage == "rcpt" else S.REFUSED, 552, "5.2.2"),
        "closed": (S.REFUSED, 550, "5.2.1"),
        "barred": (S.REFUSED, 554, "5.7.1"),
        "moved": (S.REFUSED, 551, "5.1.6"),
        "nomail": (S.REFUSED, 521, "5.3.2"),
    }
    assert instance("subscribe", *(f"{name}@example.org" for name in expected)).status == 0
    instance.use_relay(postfix.ports[door])
    found = instance.send("--yes")
    assert found.status == 4, found.said
    states = books.agree()
    assert states["accepted"] == 30
    for name, (state, code, enhanced) in expected.items():
        row = books.row(name)
        assert (row.state, row.code, row.enhanced, row.stage) == (state, code, enhanced, stage), name


def test_everybodys_refusal_at_the_dot_pauses_and_nobody_is_struck_off_S20(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    postfix.policy.answer, postfix.policy.for_good = "550 5.7.1 content is not wanted here", True
    instance.use_relay(postfix.ports["policy at the end"])
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert set(books.agree()) <= {"deferred", "queued"}
    assert "content is not wanted here" in instance("mailings", "show", "newsletter/84").out
    postfix.policy.answer = "dunno"
    assert instance("mailings", "resume", "newsletter/84").status == 0
    assert instance("mailings", "retry", "newsletter/84").status == 0
    assert books.agree() == {"accepted": 30}


@pytest.mark.parametrize("door", ["small", "small, unsaid"])
def test_letter_that_is_too_big_for_one_is_refused_to_them_alone_I13(
    instance: Instance, postfix: Postfix, books: Books, door: str
) -> None:
    instance.write(body=FOR_ONE)
    assert instance("subscribe", "--member", "member@example.org").status == 0
    instance.use_relay(postfix.ports[door])
    found = instance.send("--yes")
    assert found.status == 3, found.said
    assert books.agree() == {"accepted": 30, "refused": 1}
    row = books.row("member")
    if door == "small":  # it was never begun
        assert row.stage == "local"
        assert "20000" in row.reply
    else:
        assert (row.code, row.enhanced) == (552, "5.3.4")


def test_letter_that_is_too_big_for_everybody_pauses_before_many_are_tried_I13(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    instance.write(body=LONG)
    instance.use_relay(postfix.ports["small, unsaid"])
    assert instance.send("--yes").status == 4
    states = books.agree()
    assert "accepted" not in states
    assert states["queued"] > 10


def test_smtputf8_reaches_local_parts_beyond_ascii_and_domains_go_as_a_labels_S25(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    instance("subscribe", "jürgen@example.org", "zoé@példa.example.org", "bela@példa.example.org")
    instance.use_relay(postfix.ports["all"])
    found = instance.send("--yes")
    assert found.status == 0, found.said
    assert books.agree() == {"accepted": 33}
    recipients = {copy.recipient for copy in postfix.copies()}
    assert "bela@xn--plda-bpa.example.org" in recipients
    assert "jürgen@example.org" in recipients


def test_without_smtputf8_whoever_needs_it_is_refused_with_the_reason_and_the_others_have_it_S25(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    instance("subscribe", "jürgen@example.org", "bela@példa.example.org")
    instance.use_relay(postfix.ports["no smtputf8"])
    found = instance.send("--yes")
    assert found.status == 3, found.said
    assert books.agree() == {"accepted": 31, "refused": 1}
    assert "SMTPUTF8" in books.row("jürgen").reply
