"""What a relay offers and which commands a message becomes: S24, S25, S33, I12, I13."""

import pytest

from balintmail.domain.outcome import Composed, Envelope
from balintmail.sending.commands import Offer, mail, read_offer, unfit_for, whole


def message(data: bytes = b"Hi\r\n", to: str = "a@example.org", *, utf8: bool = False) -> Composed:
    return Composed(1, Envelope("b@example.org", to, utf8), "<1@example.org>", data)


def test_read_offer_knows_what_we_use() -> None:
    found = read_offer(
        {"pipelining": "", "size": "1000", "smtputf8": "", "8bitmime": "", "limits": "MAILMAX=20 RCPTMAX=1"}
    )
    assert found == Offer(pipelining=True, smtputf8=True, eightbitmime=True, size=1000, messages=20)
    assert read_offer({}) == Offer()


@pytest.mark.parametrize("size", ["", "0", "-1", "many", "9" * 40, "１０"])
def test_read_offer_size_without_sense_is_no_limit(size: str) -> None:
    assert read_offer({"size": size}).size == 0


@pytest.mark.parametrize("limits", ["", "MAILMAX", "MAILMAX=", "MAILMAX=x", "XMAILMAX=3", "RCPTMAX=3"])
def test_read_offer_limits_without_sense_are_none(limits: str) -> None:
    assert read_offer({"limits": limits}).messages is None


def test_unfit_for_relay_with_smaller_size_I13_says_both_numbers() -> None:
    assert unfit_for(Offer(size=3), message()) == "the message has 4 octets and the relay takes at most 3"
    assert unfit_for(Offer(size=4), message()) == ""


def test_unfit_for_relay_without_smtputf8_S25_refuses_that_person_only() -> None:
    person = message(to="josé@example.org", utf8=True)
    assert "SMTPUTF8" in unfit_for(Offer(eightbitmime=True), person)
    assert unfit_for(Offer(smtputf8=True), person) == ""
    assert unfit_for(Offer(), message()) == ""


def test_unfit_for_relay_without_8bitmime_S24_refuses_8_bit_bytes() -> None:
    person = message("é\r\n".encode(), to="josé@example.org", utf8=True)
    assert "8BITMIME" in unfit_for(Offer(smtputf8=True), person)
    assert unfit_for(Offer(smtputf8=True, eightbitmime=True), person) == ""


def test_whole_is_three_commands_without_optional_parameters_I12() -> None:
    assert whole(message()) == b"MAIL FROM:<b@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\n"


def test_mail_declares_smtputf8_and_8bitmime_only_where_needed_S24() -> None:
    assert mail(message(to="josé@example.org", utf8=True)) == b"MAIL FROM:<b@example.org> SMTPUTF8\r\n"
    both = mail(message("é\r\n".encode(), to="josé@example.org", utf8=True))
    assert both == b"MAIL FROM:<b@example.org> BODY=8BITMIME SMTPUTF8\r\n"
