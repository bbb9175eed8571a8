"""Pointers (S19, S20), the way back of bounces (S18), and what the doctor makes of the DKIM check (S13)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from balintmail.domain.dkim import Algorithm, Need
from balintmail.ops.doctor import pointer, returns, signing
from balintmail.ops.doctor.spf import Door
from balintmail.ops.lookup import DnsLookup
from balintmail.sending.dkim_keys import make
from balintmail.sending.dkim_record import record_of
from balintmail.services.dkim import KeyView
from tests.support.dns import Server

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
DOOR = Door("main", "mx.example.net", ("8.8.8.8",))


def ptr(lookup: DnsLookup, door: Door = DOOR) -> list[tuple[str, str, str]]:
    return [(one.code, one.level.value, one.duty.value) for one in pointer.findings(lookup, door)]


def test_pointer_that_leads_back_is_good_S19(server: Server, lookup: DnsLookup) -> None:
    server.add("8.8.8.8.in-addr.arpa", "PTR", "mx.example.net.")
    server.add("mx.example.net", "A", "8.8.8.8")
    assert ptr(lookup) == [("ptr", "good", "relay")]


def test_pointer_that_is_missing_or_leads_elsewhere_is_the_relays_duty_S19(server: Server, lookup: DnsLookup) -> None:
    assert ptr(lookup) == [("ptr", "warn", "relay")]
    server.add("8.8.8.8.in-addr.arpa", "PTR", "mx.example.net.")
    server.add("mx.example.net", "A", "192.0.2.1")
    assert ptr(DnsLookup("127.0.0.1", server.port)) == [("ptr", "warn", "relay")]


def test_pointer_of_a_relay_without_a_public_address_is_not_asked(server: Server, lookup: DnsLookup) -> None:
    assert ptr(lookup, Door("main", "localhost", ("127.0.0.1", "::1"))) == [("ptr", "note", "relay")]
    assert ptr(lookup, Door("main", "gone.example.net", ())) == [("ptr_unknown", "warn", "you")]
    assert server.asked == []
    server.broken.add("8.8.8.8.in-addr.arpa")
    assert ptr(lookup) == [("ptr_unknown", "warn", "relay")]


@pytest.mark.parametrize(
    ("kind", "values", "level"),
    [
        ("MX", ["10 mx.example.net."], "good"),
        ("A", ["192.0.2.1"], "good"),
        ("AAAA", ["2001:db8::1"], "good"),
        ("MX", ["0 ."], "stop"),
        ("TXT", [], "stop"),
    ],
)
def test_bounces_need_a_way_back_S18(
    server: Server, lookup: DnsLookup, kind: str, values: list[str], level: str
) -> None:
    server.add("example.org", kind, *values)
    assert [one.level.value for one in returns.findings(lookup, "example.org")] == [level]


def test_null_exchanger_says_no_whatever_the_address_says_S18(server: Server, lookup: DnsLookup) -> None:
    server.add("example.org", "MX", "0 .")
    server.add("example.org", "A", "192.0.2.1")
    assert [one.level.value for one in returns.findings(lookup, "example.org")] == ["stop"]


def test_bounces_way_back_without_an_answer_is_not_known_S18(server: Server, lookup: DnsLookup) -> None:
    server.broken.add("example.org")
    assert [one.code for one in returns.findings(lookup, "example.org")] == ["bounces_unknown"]


def test_dkim_key_and_record_in_the_doctors_words_S13(server: Server, lookup: DnsLookup, tmp_path: Path) -> None:
    key = make(tmp_path, "s2026a", Algorithm.RSA, domain="example.org", now=NOW)
    view = KeyView("s2026a", "example.org", key, Need(in_force=True, open_mailings=0, was_used=True, until=None))

    def told(*views: KeyView) -> list[tuple[str, str]]:
        fresh = DnsLookup("127.0.0.1", server.port, seconds=0.5)
        return [(one.code, one.level.value) for one in signing.findings(views, fresh, now=NOW)]

    assert told() == [("dkim_unsigned", "warn")]
    assert told(view) == [("dkim_missing", "stop")]
    record = record_of(key, "example.org")
    server.put(record.name, record.value)
    assert told(view) == [("dkim_record", "good")]
    server.broken.add(record.name)
    assert told(view) == [("dkim_unknown", "warn")]


def test_machine_without_dns_asks_twice_and_no_more(server: Server) -> None:
    server.silent = {f"n{number}.example.org" for number in range(5)}
    quick = DnsLookup("127.0.0.1", server.port, seconds=0.2)
    for number in range(5):
        assert [one.code for one in returns.findings(quick, f"n{number}.example.org")] == ["bounces_unknown"]
    assert set(server.asked) == {"n0.example.org", "n1.example.org"}


def test_no_question_is_asked_when_no_time_is_left(server: Server) -> None:
    late = DnsLookup("127.0.0.1", server.port, left=lambda: 0.0)
    assert [one.code for one in returns.findings(late, "example.org")] == ["bounces_unknown"]
    assert server.asked == []
