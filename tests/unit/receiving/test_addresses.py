"""Addresses in the sentences of many scripts, and in the fields of reports."""

import pytest

from balintmail.receiving import addresses


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.net",
        "<ada@example.net>: host mx.example.net said",
        "SMTP:ada@example.net",
        "recipient=ada@example.net, status=bounced",
        "to=<ada@example.net>",
        "`ada@example.net' is unknown",
        "*ada@example.net*",
        "|ada@example.net|no such user|",
        "收件人ada@example.net不存在",
        "宛先ada@example.netは存在しません。",
        "수신자ada@example.net에게",
        "Az ada@example.net-re küldött levél",
        "Die ada@example.net-Adresse",
        "Mail to ada@example.net.Please check it",
        "It was for ada@example.net.",
        "=3Cada@example.net=3E",
        "mailto:ada@example.net",
        "ada@example.net...",
    ],
)
def test_address_is_found_in_a_sentence(text: str) -> None:
    assert [addresses.clean(one[0]) for one in addresses.every(text)] == ["ada@example.net"]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("bálint@példa.example.org", "bálint@példa.example.org"),
        ("ada+tea@mail.example.net", "ada+tea@mail.example.net"),
        ("bounce-ada=example.net@lists.example.org", "bounce-ada=example.net@lists.example.org"),
        ('"ada.example"@example.net', '"ada.example"@example.net'),
        ("ada@[192.0.2.7]", "ada@[192.0.2.7"),
        ("ada@xn--plda-cpa.example.xn--p1ai", "ada@xn--plda-cpa.example.xn--p1ai"),
        ("o'neill@example.net", "o'neill@example.net"),
    ],
)
def test_what_belongs_to_an_address_stays(text: str, address: str) -> None:
    assert next(addresses.clean(one[0]) for one in addresses.every(text)).startswith(address)


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("rfc822; ada@example.net", "ada@example.net"),
        ("rfc822;<ada@example.net>", "ada@example.net"),
        ("RFC822;ada@example.net (Ada)", "ada@example.net"),
        ("ada@example.net", "ada@example.net"),
        ("rfc822;IMCEASMTP-ada+40example+2Enet@exch.example.org", "ada@example.net"),
        ("rfc822;IMCEAEX-_O=EXAMPLE_cn=ada@example.net", ""),
        ("x400; /DDA.RFC-822=ada(a)example.net/C=GB/", "ada@example.net"),
        (r"utf-8; b\x{E1}lint@example.net", "bálint@example.net"),
        ("rfc822;", ""),
        ("LOCAL;<>", ""),
    ],
)
def test_address_of_a_report_s_field(field: str, address: str) -> None:
    assert addresses.of_field(field) == address
