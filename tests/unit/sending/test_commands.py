"""What a relay offers and which commands a message becomes: S24, S25, S33, I12, I13."""

from dataclasses import replace

import pytest

from balintmail.domain.outcome import Composed, Envelope
from balintmail.sending.commands import Offer, mail, rcpt, read_offer, unfit_for, whole
from balintmail.sending.outcomes import Misfit, Unfit


def message(data: bytes = b"Hi\r\n", to: str = "a@example.org", *, utf8: bool = False) -> Composed:
    return Composed(1, Envelope("b@example.org", to, utf8), "<1@example.org>", data)


def test_read_offer_knows_what_we_use() -> None:
    limits = "MAILMAX=20 RCPTMAX=1 RCPTDOMAINMAX=3"
    found = read_offer({"pipelining": "", "size": "1000", "smtputf8": "", "8bitmime": "", "dsn": "", "limits": limits})
    wanted = Offer(pipelining=True, smtputf8=True, eightbitmime=True, size=1000, messages=20, domains=3)
    assert found == replace(wanted, dsn=True, sizes=True)
    assert found.without_extras() == wanted
    assert read_offer({}) == Offer()


@pytest.mark.parametrize("size", ["", "0", "-1", "many", "9" * 40, "１０"])
def test_read_offer_size_without_sense_is_no_limit(size: str) -> None:
    assert read_offer({"size": size}).size == 0


@pytest.mark.parametrize(
    "limits", ["", "MAILMAX", "MAILMAX=", "MAILMAX=x", "XMAILMAX=3", "RCPTMAX=3", "RCPTDOMAINMAX=1x"]
)
def test_read_offer_limits_without_sense_are_none(limits: str) -> None:
    found = read_offer({"limits": limits})
    assert (found.messages, found.domains) == (None, None)


def test_unfit_for_relay_with_smaller_size_I13_says_both_numbers() -> None:
    said = Unfit("the message has 4 octets and the relay takes at most 3", Misfit.SIZE)
    assert unfit_for(Offer(size=3), message()) == said
    assert unfit_for(Offer(size=4), message()) is None


def test_unfit_for_relay_without_smtputf8_S25_refuses_that_person_only() -> None:
    person = message(to="josé@example.org", utf8=True)
    found = unfit_for(Offer(eightbitmime=True), person)
    assert found is not None
    assert (found.code, "SMTPUTF8" in found.why) == (Misfit.UTF8, True)
    assert unfit_for(Offer(smtputf8=True), person) is None
    assert unfit_for(Offer(), message()) is None


def test_unfit_for_relay_without_8bitmime_S24_refuses_8_bit_bytes() -> None:
    person = message("é\r\n".encode(), to="josé@example.org", utf8=True)
    found = unfit_for(Offer(smtputf8=True), person)
    assert found is not None
    assert (found.code, "8BITMIME" in found.why) == (Misfit.EIGHT_BIT, True)
    assert unfit_for(Offer(smtputf8=True, eightbitmime=True), person) is None


@pytest.mark.parametrize(
    ("bad", "code"),
    [(message(to="a b@example.org"), Misfit.ADDRESS), (message(b"Hi\n"), Misfit.CONTENT)],
)
def test_unfit_for_any_relay_names_what_is_wrong(bad: Composed, code: Misfit) -> None:
    found = unfit_for(Offer(), bad)
    assert found is not None
    assert found.code is code


def test_whole_is_three_commands_without_parameters_that_were_not_offered_I12() -> None:
    assert whole(message(), Offer()) == b"MAIL FROM:<b@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"


def test_mail_declares_smtputf8_and_8bitmime_only_where_needed_S24() -> None:
    assert mail(message(to="josé@example.org", utf8=True), Offer()) == b"MAIL FROM:<b@example.org> SMTPUTF8\r\n"
    both = mail(message("é\r\n".encode(), to="josé@example.org", utf8=True), Offer())
    assert both == b"MAIL FROM:<b@example.org> BODY=8BITMIME SMTPUTF8\r\n"


def test_mail_and_rcpt_carry_dsn_and_size_where_offered_S39() -> None:
    offer = Offer(dsn=True, sizes=True)
    one = message(to="ann+news=x@example.org")
    assert mail(one, offer) == b"MAIL FROM:<b@example.org> RET=HDRS ENVID=1 SIZE=4\r\n"
    wanted = b"RCPT TO:<ann+news=x@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ann+2Bnews+3Dx@example.org\r\n"
    assert rcpt(one, offer) == wanted
    assert rcpt(one, offer.without_extras()) == b"RCPT TO:<ann+news=x@example.org>\r\n"


def test_rcpt_beyond_ascii_has_the_form_of_RFC_6533_S39() -> None:
    one = message(to="josé+ünal@example.org", utf8=True)
    said = rcpt(one, Offer(dsn=True)).decode()
    assert said.endswith(" NOTIFY=FAILURE,DELAY ORCPT=utf-8;josé\\x{2B}ünal@example.org\r\n")
