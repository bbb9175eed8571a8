"""DMARC by the tree walk of RFC 9989 (S17): the record in force, what is wrong with it, and alignment."""

from collections.abc import Sequence

import pytest

from balintmail.ops.doctor import dmarc
from balintmail.ops.doctor.dmarc import Sender
from balintmail.ops.doctor.dmarc_walk import organisation, walk
from balintmail.ops.doctor.finding import Finding
from balintmail.ops.lookup import DnsLookup
from tests.support.dns import Server

D = "example.org"
GOOD = "v=DMARC1; p=reject; np=reject; rua=mailto:reports@example.org"


def found(lookup: DnsLookup, author: str = D, envelope: str = D, signing: Sequence[str] = (D,)) -> dict[str, Finding]:
    return {one.code: one for one in dmarc.findings(lookup, Sender(author, envelope, signing))}


def levels(lookup: DnsLookup, author: str = D, envelope: str = D, signing: Sequence[str] = (D,)) -> dict[str, str]:
    return {code: one.level.value for code, one in found(lookup, author, envelope, signing).items()}


@pytest.fixture(autouse=True)
def _domains(server: Server) -> None:
    for name in (D, "news.example.org", "example.net"):
        server.add(name, "A", "192.0.2.1")


def test_record_in_order_and_all_aligned_S17(server: Server, lookup: DnsLookup) -> None:
    server.put("_dmarc.example.org", GOOD)
    assert set(levels(lookup).values()) == {"good"}
    assert "reject, by _dmarc.example.org" in found(lookup)["dmarc_record"].message


def test_missing_record_warns_and_says_what_to_publish_S17(lookup: DnsLookup) -> None:
    missing = found(lookup)["dmarc_missing"]
    assert missing.level.value == "warn"
    assert "_dmarc.example.org" in missing.hint


@pytest.mark.parametrize(
    ("records", "organisational", "applied"),
    [
        ({"example.org": "p=none"}, "example.org", "example.org"),
        ({"a.b.example.org": "p=none", "example.org": "p=reject"}, "example.org", "a.b.example.org"),
        ({"b.example.org": "p=none; psd=n", "example.org": "p=reject"}, "b.example.org", "b.example.org"),
        ({"org": "p=reject; psd=y"}, "example.org", "org"),
        ({"org": "p=reject; psd=y", "example.org": "p=none"}, "example.org", "example.org"),
        ({"a.b.example.org": "p=none; psd=y", "example.org": "p=none"}, "example.org", "a.b.example.org"),
        ({}, "a.b.example.org", None),
    ],
)
def test_walk_finds_organisation_and_record_S17(
    server: Server, lookup: DnsLookup, records: dict[str, str], organisational: str, applied: str | None
) -> None:
    for name, tags in records.items():
        server.put(f"_dmarc.{name}", f"v=DMARC1; {tags}")
    walked = walk(lookup, "a.b.example.org")
    assert walked.organisation == organisational
    assert (walked.applied.domain if walked.applied else None) == applied


def test_walk_of_a_long_name_asks_eight_times_S17(server: Server, lookup: DnsLookup) -> None:
    organisation(lookup, "a.b.c.d.e.f.g.h.mail.example.org")
    assert [name.removeprefix("_dmarc.") for name in server.asked] == [
        "a.b.c.d.e.f.g.h.mail.example.org",
        "e.f.g.h.mail.example.org",
        "f.g.h.mail.example.org",
        "g.h.mail.example.org",
        "h.mail.example.org",
        "mail.example.org",
        "example.org",
        "org",
    ]


@pytest.mark.parametrize(("tag", "words"), [("pct=50", "pct"), ("rf=afrf", "rf"), ("ri=86400", "ri")])
def test_removed_tags_warn_S17(server: Server, lookup: DnsLookup, tag: str, words: str) -> None:
    server.put("_dmarc.example.org", f"{GOOD}; {tag}")
    one = found(lookup)["dmarc_removed_tags"]
    assert one.level.value == "warn"
    assert one.hint == f"Take out {words}."


@pytest.mark.parametrize(
    ("record", "code", "level"),
    [
        ("v=DMARC1; p=none; rua=mailto:reports@example.org", "dmarc_record", "note"),
        ("v=DMARC1; p=reject; rua=mailto:reports@example.org; t=y", "dmarc_testing", "note"),
        ("v=DMARC1; p=reject; sp=none; rua=mailto:reports@example.org", "dmarc_np_missing", "note"),
        ("v=DMARC1; p=reject", "dmarc_reports", "note"),
        ("v=DMARC1; p=reject; rua=mailto:reports@example.org; blue=1", "dmarc_unknown_tags", "note"),
        ("v=DMARC1; p=block; rua=mailto:reports@example.org", "dmarc_policy", "warn"),
        ("v=DMARC1; p=block", "dmarc_policy", "warn"),
        ("v=DMARC1", "dmarc_policy", "warn"),
        ("v=DMARC2; p=reject", "dmarc_missing", "warn"),
    ],
)
def test_odd_records_S17(server: Server, lookup: DnsLookup, record: str, code: str, level: str) -> None:
    server.put("_dmarc.example.org", record)
    assert levels(lookup)[code] == level


def test_record_without_policy_but_with_reports_only_watches_S17(server: Server, lookup: DnsLookup) -> None:
    server.put("_dmarc.example.org", "v=DMARC1; rua=mailto:reports@example.org")
    assert ": none, by" in found(lookup)["dmarc_record"].message


def test_several_records_count_as_none_S17(server: Server, lookup: DnsLookup) -> None:
    server.put("_dmarc.example.org", GOOD, "v=DMARC1; p=none")
    assert levels(lookup)["dmarc_several"] == "warn"
    assert "dmarc_record" not in levels(lookup)


@pytest.mark.parametrize(
    ("tags", "policy"),
    [("p=reject; sp=quarantine; np=none", "none"), ("p=reject; sp=quarantine", "quarantine"), ("p=reject", "reject")],
)
def test_from_that_does_not_exist_falls_under_np_S17(server: Server, lookup: DnsLookup, tags: str, policy: str) -> None:
    server.put("_dmarc.example.org", f"v=DMARC1; {tags}")
    one = found(lookup, "gone.example.org")["dmarc_np"]
    assert one.level.value == "warn"
    assert f"asks for {policy}," in one.message


def test_from_below_the_record_falls_under_sp_S17(server: Server, lookup: DnsLookup) -> None:
    server.put("_dmarc.example.org", "v=DMARC1; p=none; sp=reject; np=reject; rua=mailto:reports@example.org")
    assert "news.example.org: reject" in found(lookup, "news.example.org")["dmarc_record"].message


@pytest.mark.parametrize(
    ("modes", "envelope", "signing", "expected"),
    [
        ("", "example.org", ["example.org"], ("good", "good", "good")),
        ("", "bounces.example.org", ["mail.example.org"], ("good", "good", "good")),
        ("adkim=s; aspf=s", "bounces.example.org", ["mail.example.org"], ("warn", "warn", "stop")),
        ("adkim=s", "example.org", ["mail.example.org", "example.org"], ("good", "good", "good")),
        ("", "example.net", ["example.org"], ("good", "note", "good")),
        ("", "example.net", ["example.net"], ("warn", "warn", "stop")),
        ("", "example.org", [], (None, "good", "warn")),
        ("", "example.net", [], (None, "warn", "stop")),
    ],
)
def test_alignment_S17(
    server: Server,
    lookup: DnsLookup,
    modes: str,
    envelope: str,
    signing: list[str],
    expected: tuple[str | None, str, str],
) -> None:
    server.put("_dmarc.example.org", f"v=DMARC1; p=reject; {modes}")
    codes = levels(lookup, D, envelope, signing)
    assert tuple(codes.get(f"dmarc_{one}") for one in ("dkim_aligned", "spf_aligned", "alignment")) == expected


def test_nothing_aligned_only_warns_while_the_policy_watches_S17(server: Server, lookup: DnsLookup) -> None:
    server.put("_dmarc.example.org", "v=DMARC1; p=none")
    assert levels(lookup, D, "example.net", [])["dmarc_alignment"] == "warn"
    assert levels(lookup, D, D, [])["dmarc_alignment"] == "note"


@pytest.mark.parametrize(("wanted", "level"), [(True, "good"), (False, "warn")])
def test_reports_to_somebody_else_need_their_word(server: Server, lookup: DnsLookup, wanted: bool, level: str) -> None:
    server.put("_dmarc.example.org", "v=DMARC1; p=reject; rua=mailto:r@example.net")
    if wanted:
        server.put("example.org._report._dmarc.example.net", "v=DMARC1;")
    assert levels(lookup)["dmarc_reports"] == level


def test_no_answer_is_neither_good_nor_missing_S17(server: Server, lookup: DnsLookup) -> None:
    server.broken.add("_dmarc.org")
    assert levels(lookup) == {"dmarc_unknown": "warn"}
