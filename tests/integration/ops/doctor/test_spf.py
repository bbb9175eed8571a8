"""SPF as receivers read it (S16, RFC 7208): what it costs, what breaks it, and whether it names the relay."""

import pytest

from balintmail.ops.doctor import spf
from balintmail.ops.doctor.spf import Door
from balintmail.ops.doctor.spf_record import SpfSyntax, expand, parse
from balintmail.ops.doctor.spf_walk import Answer, walk
from balintmail.ops.lookup import DnsLookup
from tests.support.dns import Server

D = "example.org"
RELAY = Door("main", "mx.example.net", ("8.8.8.8",))


def levels(lookup: DnsLookup, *doors: Door) -> dict[str, str]:
    return {one.code: one.level.value for one in spf.findings(lookup, D, doors)}


def chain(server: Server, includes: int) -> None:
    """Publish a record that includes so many others."""
    words = " ".join(f"include:s{n}.example.net" for n in range(includes))
    server.put(D, f"v=spf1 {words} -all")
    for n in range(includes):
        server.put(f"s{n}.example.net", "v=spf1 ip4:192.0.2.0/24 -all")


def test_record_in_order_names_the_relay_by_its_address_S16(server: Server, lookup: DnsLookup) -> None:
    server.put(D, "v=spf1 ip4:8.8.8.0/24 -all")
    assert levels(lookup, RELAY) == {"spf_record": "good", "spf_lookups": "good", "spf_relay": "good"}


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 a:mx.example.net -all",
        "v=spf1 mx:example.net ~all",
        "v=spf1 a:mx.example.net/16 -all",
        "v=spf1 redirect=_spf.example.net",
        "v=spf1 include:_spf.example.net -all",
        "v=spf1 exists:%{ir}.%{v}._spf.%{d2} -all",
        "v=spf1 ptr:example.net -all",
        "V=SPF1 IP4:8.8.8.8 -ALL",
        "v=spf1 unknown=word ip4:8.8.8.8 -all",
    ],
)
def test_relay_is_found_by_every_mechanism_S16(server: Server, lookup: DnsLookup, record: str) -> None:
    server.put(D, record)
    server.add("mx.example.net", "A", "8.8.8.8")
    server.add("example.net", "MX", "10 mx.example.net.")
    server.put("_spf.example.net", "v=spf1 ip4:8.8.8.8 -all")
    server.add("8.8.8.8.in-addr._spf.example.org", "A", "127.0.0.2")
    server.add("8.8.8.8.in-addr.arpa", "PTR", "mx.example.net.")
    assert levels(lookup, RELAY)["spf_relay"] == "good"


def test_relay_of_the_same_house_as_an_include_counts_as_named_S16(server: Server, lookup: DnsLookup) -> None:
    server.put(D, "v=spf1 include:_spf.example.net -all")
    server.put("_spf.example.net", "v=spf1 ip4:192.0.2.7 -all")
    assert levels(lookup, RELAY)["spf_relay"] == "warn"
    server.put("_dmarc.example.net", "v=DMARC1; p=none")
    assert levels(DnsLookup("127.0.0.1", server.port), RELAY)["spf_relay"] == "good"


def test_relay_that_is_not_named_only_warns_because_it_may_send_from_elsewhere_S16(
    server: Server, lookup: DnsLookup
) -> None:
    server.put(D, "v=spf1 ip4:192.0.2.7 -all")
    assert levels(lookup, RELAY)["spf_relay"] == "warn"
    assert levels(lookup, Door("main", "localhost", ("127.0.0.1",)))["spf_relay"] == "note"
    assert levels(lookup, Door("main", "nowhere.example.net", ()))["spf_relay_unknown"] == "warn"


@pytest.mark.parametrize(("includes", "level"), [(10, "good"), (11, "stop")])
def test_ten_lookups_are_the_most_S16(server: Server, lookup: DnsLookup, includes: int, level: str) -> None:
    chain(server, includes)
    found = next(one for one in spf.findings(lookup, D, ()) if one.code == "spf_lookups")
    assert found.level.value == level
    assert f"needs {includes} look-ups" in found.message
    assert walk(lookup, D).answer is (Answer.FAIL if level == "good" else Answer.PERMERROR)


def test_lookups_are_counted_in_the_whole_tree_S16(server: Server, lookup: DnsLookup) -> None:
    server.put(D, "v=spf1 a mx include:one.example.net exists:%{i}.example.net ip4:192.0.2.1 redirect=two.example.net")
    server.put("one.example.net", "v=spf1 a:a.example.net include:three.example.net -all")
    server.put("two.example.net", "v=spf1 mx ptr ~all")
    server.put("three.example.net", "v=spf1 ip6:2001:db8::/32 ?all")
    server.add(D, "A", "192.0.2.1")
    server.add(D, "MX", "10 mx.example.org.")
    server.add("mx.example.org", "A", "192.0.2.2")
    server.add("a.example.net", "A", "192.0.2.3")
    server.add("two.example.net", "MX", "10 mx.example.org.")
    walked = walk(lookup, D)
    assert (walked.lookups, walked.voids, walked.answer) == (9, 0, Answer.SOFTFAIL)
    assert walked.unfollowed == ["exists:%{i}.example.net"]
    assert levels(lookup)["spf_ptr"] == "warn"
    assert levels(lookup)["spf_macro"] == "note"


@pytest.mark.parametrize(("dead", "level"), [(2, None), (3, "stop")])
def test_two_lookups_may_find_nothing_S16(server: Server, lookup: DnsLookup, dead: int, level: str | None) -> None:
    server.put(D, "v=spf1 " + " ".join(f"a:gone{n}.example.net" for n in range(dead)) + " -all")
    assert levels(lookup).get("spf_voids") == level


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ((), "spf_missing"),
        (("v=spf10 -all", "google-site-verification=x"), "spf_missing"),
        (("v=spf1 -all", "v=spf1 mx -all"), "spf_several"),
        (("v=spf1 ip4:192.0.2.256 -all",), "spf_syntax"),
        (("v=spf1 ipv4:192.0.2.1 -all",), "spf_syntax"),
        (("v=spf1 include: -all",), "spf_syntax"),
        (("v=spf1 include:gone.example.net -all",), "spf_include"),
        (("v=spf1 include:example.org -all",), "spf_loop"),
        (("v=spf1 redirect=example.org",), "spf_loop"),
        (("v=spf1 a +all",), "spf_all"),
        (("v=spf1 include:all.example.net -all",), "spf_all"),
        (("v=spf1 ip4:0.0.0.0/0 -all",), "spf_all"),
        (("v=spf1 mx:many.example.net -all",), "spf_hosts"),
    ],
)
def test_broken_record_stops_S16(server: Server, lookup: DnsLookup, records: tuple[str, ...], code: str) -> None:
    server.add(D, "A", "192.0.2.1")
    server.add("many.example.net", "MX", *(f"{n} mx{n}.example.net." for n in range(11)))
    server.put("all.example.net", "v=spf1 all")
    for n in range(11):
        server.add(f"mx{n}.example.net", "A", "192.0.2.1")
    if records:
        server.put(D, *records)
    found = levels(lookup)
    assert found[code] == "stop"
    assert "spf_record" not in found


@pytest.mark.parametrize("record", ["v=spf1 a", "v=spf1 a ?all"])
def test_record_that_says_nothing_of_strangers_warns_S16(server: Server, lookup: DnsLookup, record: str) -> None:
    server.add(D, "A", "192.0.2.1")
    server.put(D, record)
    assert levels(lookup)["spf_all"] == "warn"


def test_words_behind_all_and_long_records_are_told_S16(server: Server, lookup: DnsLookup) -> None:
    server.put(D, "v=spf1 -all ip4:192.0.2.1 redirect=example.net")
    assert levels(lookup)["spf_behind_all"] == "warn"
    server.put(D, "v=spf1 " + "ip4:192.0.2.1 " * 40 + "-all")
    assert levels(DnsLookup("127.0.0.1", server.port))["spf_long"] == "note"


def test_fault_in_anothers_record_is_the_others_duty_S16(server: Server, lookup: DnsLookup) -> None:
    server.put(D, "v=spf1 include:_spf.example.net -all")
    server.put("_spf.example.net", "v=spf1 ip4:x -all")
    (found,) = [one for one in spf.findings(lookup, D, ()) if one.code == "spf_syntax"]
    assert found.duty.value == "provider"
    server.put("_spf.example.net", "v=spf1 include:gone.example.net -all")
    again = spf.findings(DnsLookup("127.0.0.1", server.port), D, ())
    assert [one.duty.value for one in again if one.code == "spf_include"] == ["provider"]


def test_server_that_gives_no_answer_is_neither_good_nor_missing_S16(server: Server, lookup: DnsLookup) -> None:
    server.broken.add(D)
    assert levels(lookup) == {"spf_unknown": "warn"}
    server.put("example.net", "v=spf1 -all")
    server.broken = {"one.example.net"}
    server.put(D, "v=spf1 include:one.example.net -all")
    again = DnsLookup("127.0.0.1", server.port, seconds=0.5)
    assert levels(again)["spf_unknown"] == "warn"
    assert walk(again, D).answer is Answer.TEMPERROR


@pytest.mark.parametrize(
    ("spec", "name"),
    [  # RFC 7208 section 7.4
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%%%_%-", "% %20"),
    ],
)
def test_macros_become_what_the_rfc_says(spec: str, name: str) -> None:
    values = {"o": "email.example.com", "d": "email.example.com", "i": "192.0.2.3", "v": "in-addr"}
    assert expand(spec, values) == name


@pytest.mark.parametrize(
    "word", ["a:", "all:x", "mx/33", "a//129", "-redirect=x.example", "ip6:192.0.2.1", "include:%{x", "~"]
)
def test_words_that_break_the_grammar_are_refused(word: str) -> None:
    with pytest.raises(SpfSyntax):
        parse(f"v=spf1 {word} -all")
