"""The address type: groups B1-B32 and B61-B67 of the bad inputs, each by its number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.address import LONGEST, AddressRefused, key_of, parse

LOCAL_65 = "a" * 65
LONG_DOMAIN = ".".join(["a" * 60] * 4) + ".example.org"

REFUSED = {
    "B1": "a@example.org b@example.org",
    "B2": "a@example.org,c@example.net",
    "B3": "a@example.org>c",
    "B4": "<a@example.org>",
    "B5": "a@example.org\r\nRCPT TO:<x@example.net>",
    "B5 at the end": "a@example.org\r\n",
    "B6": "a@example\0.org",
    "B7": '"a b"@example.org',
    "B8": '"a@b"@example.org',
    "B9": "a(b)@example.org",
    "B10": "x@y.example)z@w.example",
    "B12": "@example.org",
    "B13": "a@",
    "B14": "a@b",
    "B15": "a@[127.0.0.1]",
    "B16": "a@localhost",
    "B17": f"{LOCAL_65}@example.org",
    "B18": f"a@{LONG_DOMAIN}",
    "B19": "a..b@example.org",
    "B20": ".a@example.org",
    "B21": "a@example.org.",
    "B21 of the local part": "a.@example.org",
    "B27": "a%example.net@example.org",
    "B28": "@example.net:a@example.org",
    "B29": "example.net!a@example.org",
    "B31": "a\uff20example.org",
    "B63": "a@xn--a.example.org",
    "B66": "a@\U0001f4a9.example.org",
    "B67": "abc\u05d0\u05d1@example.org",
    "B67 in the domain": "a@abc\u05d0.example.org",
    "empty": "",
    "only blanks": "  ",
    "A16": "a\ud800@example.org",
    "A17": "a\u202eb@example.org",
    "A18": "a\u200bb@example.org",
    "A19": "a" * 10_000 + "@example.org",
    "A26": "\ufeffa@example.org",
}


@pytest.mark.parametrize("case", REFUSED)
def test_address_that_cannot_be_written_is_refused_with_a_reason_B(case: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        parse(REFUSED[case])
    assert refused.value.reason
    assert "\n" not in refused.value.reason


@pytest.mark.parametrize(
    ("case", "text", "envelope"),
    [
        ("B11", "-oQ/tmp@example.org", "-oQ/tmp@example.org"),
        ("B23", "a+news@example.org", "a+news@example.org"),
        ("B24", "a.b.c@example.org", "a.b.c@example.org"),
        ("B25", "postmaster@example.org", "postmaster@example.org"),
        ("B26", "a@nullmx.example.org", "a@nullmx.example.org"),
        ("B30", "  a@example.org\t\u00a0", "a@example.org"),
        ("B32", "a@ex\u0430mple.org", "a@xn--exmple-4nf.org"),
        ("B61", "a@példa.example.org", "a@xn--plda-bpa.example.org"),
        ("B64", "пример@example.org", "пример@example.org"),
        ("B65", "пример@példa.example.org", "пример@xn--plda-bpa.example.org"),
        ("a .test domain, for trying out", "a@sink.test", "a@sink.test"),
    ],
)
def test_address_is_taken_and_written_on_the_wire_as_it_is_B(case: str, text: str, envelope: str) -> None:
    assert parse(text).envelope == envelope


def test_upper_case_twin_has_the_same_key_B22() -> None:
    assert parse("Anna.B@Example.ORG").key == parse("anna.b@example.org").key
    assert parse("Anna.B@Example.ORG").envelope == "Anna.B@example.org"


def test_plus_tag_twin_is_another_address_B23() -> None:
    assert parse("a+b@example.org").key != parse("a@example.org").key


def test_dotted_twin_is_another_address_B24() -> None:
    assert parse("a.b@example.org").key != parse("ab@example.org").key


def test_homograph_is_another_address_B32() -> None:
    assert parse("a@ex\u0430mple.org").key != parse("a@example.org").key


def test_idn_is_shown_in_letters_and_sent_as_a_label_B61() -> None:
    found = parse("Anna@PÉLDA.example.org")
    assert (found.text, found.domain) == ("Anna@példa.example.org", "xn--plda-bpa.example.org")
    assert not found.needs_smtputf8


def test_punycode_twin_has_the_same_key_B62() -> None:
    assert parse("a@xn--plda-bpa.example.org") == parse("a@példa.example.org")


def test_local_part_beyond_ascii_needs_smtputf8_and_is_never_mangled_B64() -> None:
    found = parse("пример@example.org")
    assert found.needs_smtputf8
    assert "=?" not in found.envelope


def test_sharp_s_is_not_double_s() -> None:
    assert parse("straße@example.org").key != parse("strasse@example.org").key


@given(st.one_of(st.text(max_size=60), st.from_regex(r"[^@\s]{1,20}@[^@\s]{1,20}\.[a-z]{2,5}", fullmatch=True)))
def test_parse_refuses_or_gives_an_address_that_parses_to_itself(text: str) -> None:
    try:
        found = parse(text)
    except AddressRefused:
        return
    assert parse(found.text).key == found.key == parse(found.envelope).key == key_of(found.key)
    assert len(found.envelope.encode()) <= LONGEST
    assert not set(found.envelope) & set("\r\n\0 <>,()")
