"""Keys held against a DNS of the test's own: each thing that goes wrong has its own words."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from balintmail.domain.dkim import Need
from balintmail.ops import dkim, lookup
from balintmail.ops.lookup import DnsLookup, LookupFailed
from balintmail.sending.dkim_keys import DkimKey, KeyRefused
from balintmail.sending.dkim_record import record_of
from balintmail.services.dkim import KeyView
from tests.support.dns import Server
from tests.support.letters_to_sign import DOMAIN, SIGNED_AT, make_pair

NOW = SIGNED_AT
IN_FORCE = Need(in_force=True, open_mailings=0, was_used=True, until=None)
WAITING = Need(in_force=False, open_mailings=0, was_used=False, until=None)
NEEDED = Need(in_force=False, open_mailings=0, was_used=True, until=NOW + timedelta(days=1))
OVER = Need(in_force=False, open_mailings=0, was_used=True, until=NOW)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[DkimKey, DkimKey]:
    return make_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        yield found


def publish(server: Server, *keys: DkimKey) -> None:
    for key in keys:
        record = record_of(key, DOMAIN)
        server.put(record.name, record.value)


def view(key: DkimKey, need: Need = IN_FORCE) -> KeyView:
    return KeyView(key.selector, DOMAIN, key, need)


def found(server: Server, *views: KeyView, named: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    checked = dkim.check(views, DnsLookup("127.0.0.1", server.port), now=NOW, named=named)
    return [(one.level.value, one.code) for result in checked for one in result.findings]


def test_published_keys_are_in_order(server: Server, pair: tuple[DkimKey, DkimKey]) -> None:
    publish(server, *pair)
    checked = dkim.check([view(key) for key in pair], DnsLookup("127.0.0.1", server.port), now=NOW)
    assert [(one.findings, one.asked) for one in checked] == [((), True), ((), True)]
    assert server.asked == ["s2026a._domainkey.example.org", "e2026a._domainkey.example.org"]


def test_record_that_is_missing_or_without_texts_stops(server: Server, pair: tuple[DkimKey, DkimKey]) -> None:
    assert found(server, view(pair[0])) == [("stop", "missing")]
    server.records["s2026a._domainkey.example.org"] = []
    assert found(server, view(pair[0])) == [("stop", "missing")]


def test_two_records_stop(server: Server, pair: tuple[DkimKey, DkimKey]) -> None:
    value = record_of(pair[0], DOMAIN).value
    server.put("s2026a._domainkey.example.org", value, value + ";")
    assert found(server, view(pair[0])) == [("stop", "several")]


def test_name_with_the_domain_twice_is_recognised(server: Server, pair: tuple[DkimKey, DkimKey]) -> None:
    server.put("s2026a._domainkey.example.org.example.org", record_of(pair[0], DOMAIN).value)
    assert found(server, view(pair[0])) == [("stop", "doubled_name")]


@pytest.mark.parametrize("fault", ["broken", "silent"])
def test_server_that_gives_no_answer_stops_and_does_not_call_the_key_missing(
    server: Server, pair: tuple[DkimKey, DkimKey], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SECONDS", 0.5)
    publish(server, *pair)
    getattr(server, fault).add("s2026a._domainkey.example.org")
    assert found(server, view(pair[0]), view(pair[1])) == [("stop", "dns")]


def test_bytes_that_are_no_text_are_judged_and_not_obeyed(server: Server, pair: tuple[DkimKey, DkimKey]) -> None:
    server.records["s2026a._domainkey.example.org"] = [[b"v=DKIM1; p=\xff\x00\x1b[31m"]]
    assert found(server, view(pair[0])) == [("stop", "unreadable")]


def test_waiting_key_only_warns_until_somebody_names_it(server: Server, pair: tuple[DkimKey, DkimKey]) -> None:
    waiting = view(pair[0], WAITING)
    assert found(server, waiting) == [("warn", "missing")]
    assert found(server, waiting, named=("s2026a",)) == [("stop", "missing")]


def test_old_key_stops_while_it_is_needed_and_is_let_go_afterwards_S48(
    server: Server, pair: tuple[DkimKey, DkimKey]
) -> None:
    assert found(server, view(pair[0], NEEDED)) == [("stop", "missing")]
    server.asked.clear()
    assert found(server, view(pair[0], OVER)) == [("note", "over")]
    assert server.asked == []


def test_missing_key_file_stops_without_asking(server: Server) -> None:
    lost = KeyView("s2026a", DOMAIN, None, IN_FORCE, refused=KeyRefused("s2026a", "It is gone."))
    assert found(server, lost) == [("stop", "key_file")]
    assert server.asked == []


def test_doubts_name_no_key_no_rsa_and_another_domain(pair: tuple[DkimKey, DkimKey]) -> None:
    def codes(views: list[KeyView], *domains: str) -> list[str]:
        return [one.code for one in dkim.doubts(views, domains)]

    assert codes([]) == ["unsigned"]
    assert codes([view(pair[0], WAITING)]) == ["unsigned"]
    assert codes([view(pair[1])]) == ["no_rsa"]
    assert codes([view(key) for key in pair], "example.org", "news.example.org") == []
    assert codes([view(pair[0])], "example.net", "notexample.org") == ["not_aligned", "not_aligned"]


def test_machine_without_a_resolver_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import dns.resolver

    def nothing(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", nothing)
    with pytest.raises(LookupFailed):
        DnsLookup()
