"""Reports read by their fields (S40), in the forms they really come in."""

import pytest

from balintmail.domain.returns import Kind
from balintmail.receiving.read import read

HEAD = (
    "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\nTo: bounces@balint.example.org\nSubject: Delivery "
    "report\n"
    "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=cut\n\n"
    "--cut\nContent-Type: text/plain\n\nYour letter could not be delivered.\n\n--cut\n"
)


def report(groups: str, kind: str = "message/delivery-status") -> bytes:
    perhaps = "Reporting-MTA: dns; mx.example.net\n\n"
    return f"{HEAD}Content-Type: {kind}\n\n{perhaps}{groups}\n--cut--\n".encode()


def group(status: str = "5.1.1", action: str = "failed", diagnostic: str = "", address: str = "ada@example.net") -> str:
    told = f"Diagnostic-Code: smtp; {diagnostic}\n" if diagnostic else ""
    return f"Final-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n{told}\n"


@pytest.mark.parametrize(
    ("status", "diagnostic", "sentence", "reason"),
    [
        ("5.1.1", "550 5.1.1 User unknown", "hard", "no_such_user"),
        ("5.0.0", "550 5.1.1 no such user here", "hard", "no_such_user"),
        ("5.1.2", "", "hard", "host_unknown"),
        ("5.1.10", "556 5.1.10 Domain has a null MX", "hard", "host_unknown"),
        ("5.1.6", "", "hard", "moved"),
        ("5.2.1", "550 5.2.1 The account is disabled", "soft", "inactive"),
        ("5.2.2", "552 5.2.2 over quota", "soft", "mailbox_full"),
        ("4.2.2", "452 4.2.2 mailbox full", "soft", "mailbox_full"),
        ("5.3.4", "552 5.3.4 message size exceeds fixed limit", "soft", "too_big"),
        ("4.4.7", "", "soft", "expired"),
        ("4.4.1", "connect to mx.example.net: Connection refused", "soft", "network"),
        ("5.7.1", "554 5.7.1 Message blocked as spam", "policy", "spam_block"),
        ("5.7.1", "550 5.7.1 Relaying denied", "policy", "relaying"),
        ("5.7.26", "550 5.7.26 DMARC", "policy", "policy"),
        ("5.1.8", "Sender address rejected: Domain not found", "policy", "policy"),
        ("5.6.1", "", "policy", "content"),
    ],
)
def test_status_and_words_give_the_reason_S36(status: str, diagnostic: str, sentence: str, reason: str) -> None:
    found = read(report(group(status, diagnostic=diagnostic))).results
    assert [(one.judged.sentence.value, one.judged.reason.value) for one in found] == [(sentence, reason)]


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_no_failure_is_ignored_S40_H29(action: str) -> None:
    event = read(report(group("2.0.0" if action != "delayed" else "4.4.1", action)))
    assert event.kind is Kind.BOUNCE
    assert [one.judged.sentence.value for one in event.results] == ["ignore"]


def test_groups_that_run_into_each_other_are_told_apart() -> None:
    text = (group(address="ada@example.net") + group("4.2.2", address="bob@example.net")).replace("\n\n", "\n")
    assert [one.address for one in read(report(text)).results] == ["ada@example.net", "bob@example.net"]


def test_whom_we_wrote_to_stands_before_where_it_went() -> None:
    text = "Original-Recipient: rfc822;ada+2Btea@example.net\n" + group(address="ada+tea@example.net")
    assert [one.address for one in read(report(text)).results] == ["ada+tea@example.net"]
    text = "Original-Recipient: rfc822;ada@example.net\n" + group(address="lovelace@elsewhere.example.net")
    assert [one.address for one in read(report(text)).results] == ["ada@example.net"]


def test_international_address_S40() -> None:
    text = group(address="x").replace("rfc822; x", r"utf-8; b\x{E1}lint@example.net")
    assert [one.address for one in read(report(text, "message/global-delivery-status")).results] == [
        "bálint@example.net"
    ]


def test_fields_outside_their_part_are_found() -> None:
    raw = HEAD.partition("MIME-Version")[0] + "\nThe mail failed.\n\n" + group()
    assert [one.address for one in read(raw.encode()).results] == ["ada@example.net"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r", b"\r\r\n"])
def test_line_ends_change_nothing_H16(ending: bytes) -> None:
    raw = report(group(diagnostic="550 5.1.1 User unknown"))
    assert read(raw.replace(b"\n", ending)).results == read(raw).results


def test_report_without_fields_is_still_a_bounce_H17() -> None:
    assert read(report("")).kind is Kind.BOUNCE


def test_report_of_ten_thousand_H18() -> None:
    text = "".join(group(address=f"reader{number}@example.net") for number in range(10_000))
    assert len(read(report(text)).results) == 10_000
