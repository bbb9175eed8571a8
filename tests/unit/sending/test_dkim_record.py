"""The DNS record of a key, written and judged (RFC 6376 section 3.6)."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balintmail.domain.dkim import Algorithm
from balintmail.sending.dkim_keys import DkimKey
from balintmail.sending.dkim_record import Level, Record, judge, record_of
from tests.support.letters_to_sign import DOMAIN, make_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[DkimKey, DkimKey]:
    return make_pair(tmp_path_factory.mktemp("keys"))


def codes(key: DkimKey, *texts: str) -> list[str]:
    return [one.code for one in judge(key, DOMAIN, texts)]


def test_record_is_named_by_selector_and_domain(pair: tuple[DkimKey, DkimKey]) -> None:
    rsa_record, ed25519_record = (record_of(key, DOMAIN) for key in pair)
    assert rsa_record.name == "s2026a._domainkey.example.org"
    assert rsa_record.value.startswith("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A")
    assert ed25519_record.value.startswith("v=DKIM1; k=ed25519; p=")
    assert len(base64.b64decode(ed25519_record.value.partition("p=")[2])) == 32


def test_record_is_split_into_strings_of_255_bytes(pair: tuple[DkimKey, DkimKey]) -> None:
    record = record_of(pair[0], DOMAIN)
    assert [len(part) <= 255 for part in record.strings] == [True, True]
    assert "".join(record.strings) == record.value
    first, second = record.strings
    assert record.zone_line == f's2026a._domainkey.example.org. IN TXT ( "{first}" "{second}" )'
    assert Record("a.example.org", "v").zone_line == 'a.example.org. IN TXT "v"'


def test_own_record_is_in_order(pair: tuple[DkimKey, DkimKey]) -> None:
    for key in pair:
        value = record_of(key, DOMAIN).value
        assert codes(key, value) == []
        assert codes(key, value + ";") == []
        assert codes(key, value.replace("; ", " ;\t") + " ; ") == []
        assert codes(key, value.replace("v=DKIM1; ", "") + "; n=a note; t=s; s=email; h=sha256") == []


def test_rsa_record_may_hold_the_bare_key_of_RFC_6376(pair: tuple[DkimKey, DkimKey]) -> None:
    private = pair[0].private
    assert isinstance(private, rsa.RSAPrivateKey)
    bare = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    assert codes(pair[0], f"p={base64.b64encode(bare).decode()}") == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda value: value.replace("v=DKIM1", "v=DKIM2"), "version"),
        (lambda value: value.removeprefix("v=DKIM1; ") + "; v=DKIM1", "version"),
        (lambda value: value.replace("k=rsa", "k=ed25519"), "key_type"),
        (lambda value: value + "; h=sha1", "hash"),
        (lambda value: value + "; s=tlsrpt", "service"),
        (lambda value: value.partition("p=")[0] + "p=", "revoked"),
        (lambda value: value.partition("; p=")[0], "no_key"),
        (lambda value: value[:255], "damaged"),
        (lambda value: value.replace("p=", "p=!"), "damaged"),
        (lambda value: f'"{value[:200]}" "{value[200:]}"', "unreadable"),
        (lambda value: value.replace(";", "\\;"), "unreadable"),
        (lambda value: value + "; k=rsa", "unreadable"),
        (lambda value: "hello", "unreadable"),
        (lambda value: "", "unreadable"),
        (lambda value: value + "; t=y:s", "testing"),
    ],
)
def test_fault_of_a_record_is_named(pair: tuple[DkimKey, DkimKey], change: object, code: str) -> None:
    assert callable(change)
    assert codes(pair[0], change(record_of(pair[0], DOMAIN).value)) == [code]


def test_other_key_none_and_several_are_named(pair: tuple[DkimKey, DkimKey], tmp_path: Path) -> None:
    value, other = record_of(pair[0], DOMAIN).value, record_of(make_pair(tmp_path)[0], DOMAIN).value
    assert codes(pair[0], other) == ["other_key"]
    assert codes(pair[0]) == ["missing"]
    assert codes(pair[0], value, other) == ["several"]


def test_ed25519_record_without_k_is_an_rsa_record(pair: tuple[DkimKey, DkimKey]) -> None:
    assert codes(pair[1], record_of(pair[1], DOMAIN).value.replace("k=ed25519; ", "")) == ["key_type"]
    assert codes(pair[1], "k=ed25519; p=AAAA") == ["damaged"]


def test_short_rsa_key_warns_S13() -> None:
    key = DkimKey("old", Algorithm.RSA, DOMAIN, None, rsa.generate_private_key(65537, 1024))
    (found,) = judge(key, DOMAIN, [record_of(key, DOMAIN).value])
    assert (found.code, found.level) == ("short", Level.WARN)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text() | st.from_regex(r"\A(\s*[a-z]{1,2}\s*=[^;]{0,9};?){0,5}\Z"))
def test_judge_never_raises_and_never_praises_noise(pair: tuple[DkimKey, DkimKey], text: str) -> None:
    assert all(judge(key, DOMAIN, [text]) for key in pair)
