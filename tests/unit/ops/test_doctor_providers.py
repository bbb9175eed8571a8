"""The rules of Gmail, Yahoo and Microsoft (S19, S20): kept, broken, not known, or the relay's duty."""

import pytest

from balintmail.ops.doctor import providers
from balintmail.ops.doctor.finding import Finding, good, note, stop, unasked, warn
from balintmail.ops.doctor.providers import Readers

FEW, MANY = Readers(312, 40, 80), Readers(5000, 0, 0)
URL = "https://balint.example.org"
ALL_GOOD = [
    good("spf_record", "x"),
    good("spf_relay", "x"),
    good("dkim_record", "x"),
    good("dmarc_record", "x"),
    good("dmarc_dkim_aligned", "x"),
    good("dmarc_spf_aligned", "x"),
    good("dmarc_alignment", "x"),
    good("ptr", "x"),
]


def rules(*changed: Finding, without: str = "", readers: Readers = FEW, url: str = URL) -> dict[str, tuple[str, str]]:
    """Return level and duty of each rule when these findings stand in place of the good ones of their code."""
    codes = {one.code for one in changed}
    kept = [one for one in ALL_GOOD if one.code not in codes and (not without or not one.code.startswith(without))]
    found = providers.findings([*kept, *changed], readers, url=url)
    return {one.code: (one.level.value, one.duty.value) for one in found}


def test_everything_in_order_keeps_every_rule_S19_S20() -> None:
    found = rules()
    for rule in ("spf", "dkim", "dmarc", "alignment", "one_click", "leaving"):
        assert found[f"rule_{rule}"] == ("good", "you")
    assert found["rule_ptr"] == ("good", "relay")
    assert found["rule_tls"] == ("note", "relay")  # S31
    assert found["rule_spam"] == ("note", "you")


@pytest.mark.parametrize(
    ("rule", "finding"),
    [
        ("rule_spf", stop("spf_lookups", "x")),
        ("rule_dkim", stop("dkim_other_key", "x")),
        ("rule_dmarc", warn("dmarc_missing", "x")),
        ("rule_dmarc", warn("dmarc_policy", "x")),
    ],
)
@pytest.mark.parametrize(("readers", "level"), [(FEW, "warn"), (MANY, "stop")])
def test_broken_rule_warns_and_stops_a_bulk_sender_S19_S20(
    rule: str, finding: Finding, readers: Readers, level: str
) -> None:
    assert rules(finding, readers=readers)[rule] == (level, "you")


@pytest.mark.parametrize(("url", "level"), [("", "warn"), ("http://balint.example.org", "warn"), (URL, "good")])
def test_one_click_needs_an_https_address_S19(url: str, level: str) -> None:
    assert rules(url=url)["rule_one_click"][0] == level


@pytest.mark.parametrize(
    ("rule", "finding", "without"),
    [
        ("rule_spf", unasked("spf_unknown", "x"), "spf"),
        ("rule_dkim", unasked("dkim_unknown", "x"), "dkim"),
        ("rule_dmarc", unasked("dmarc_unknown", "x"), "dmarc"),
        ("rule_alignment", unasked("dmarc_alignment_unknown", "x"), "dmarc"),
    ],
)
def test_rule_without_an_answer_is_not_known_S19(rule: str, finding: Finding, without: str) -> None:
    assert rules(finding, without=without)[f"{rule}_unknown"] == ("note", "you")


def test_relays_duties_are_named_S19() -> None:
    assert rules(warn("spf_relay", "x"))["rule_spf"] == ("note", "relay")
    assert rules(warn("dkim_unsigned", "x"), without="dkim")["rule_dkim"] == ("warn", "relay")
    assert rules(note("ptr", "x"))["rule_ptr"] == ("note", "relay")


@pytest.mark.parametrize(
    ("changed", "without", "expected"),
    [
        ([stop("spf_missing", "x")], "spf", "good"),  # DKIM is enough
        ([stop("dkim_missing", "x")], "dkim", "good"),  # SPF is enough
        ([stop("dkim_missing", "x"), stop("spf_missing", "x")], "", "warn"),
        ([warn("dmarc_dkim_aligned", "x"), warn("dmarc_spf_aligned", "x")], "", "warn"),
    ],
)
def test_alignment_counts_where_what_is_aligned_passes_S19(changed: list[Finding], without: str, expected: str) -> None:
    assert rules(*changed, without=without)["rule_alignment"][0] == expected


def test_bulk_is_counted_by_addresses_S19() -> None:
    (few,) = [one for one in providers.findings(ALL_GOOD, FEW, url=URL) if one.code == "rule_bulk"]
    (many,) = [one for one in providers.findings(ALL_GOOD, MANY, url=URL) if one.code == "rule_bulk"]
    assert "312 addresses at Gmail" in few.message
    assert "a bulk sender" in many.message
    assert not Readers(4999, 9000, 4999).are_many
    assert Readers(0, 0, 5000).are_many
