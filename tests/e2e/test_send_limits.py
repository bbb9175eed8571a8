"""Limits, forecast, deadline, rehearsal and sandbox as the Secretary meets them."""

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.e2e.test_send import LETTER, subscribe, use_relay
from tests.relay import RelayThread
from tests.support.command import call, founded

NAMES = tuple(f"r{number}" for number in range(12))


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    folder = tmp_path / "i"
    founded(folder, "--url", "https://balint.example.org")
    (folder / "newsletter.md").write_text(LETTER.format(title="News", number=84), "utf-8")
    subscribe(folder, *NAMES)
    return folder


def more(folder: Path, section: str, line: str) -> None:
    """Add a line to a section of the settings."""
    file = folder / "balintmail.toml"
    text = file.read_text("utf-8")
    assert f"\n[{section}]\n" in text
    file.write_text(text.replace(f"\n[{section}]\n", f"\n[{section}]\n{line}\n", 1), "utf-8")


def send(folder: Path, *options: str):  # type: ignore[no-untyped-def]
    return call("-C", folder, "send", folder / "newsletter.md", *options)


def test_send_shows_the_limit_and_the_finish_and_waits_for_the_next_hour(instance: Path) -> None:
    with RelayThread() as relay:
        use_relay(instance, relay.port)
        more(instance, "relays.main", "per_hour = 5")
        shown = send(instance, "--dry-run")
        assert re.search(r"  relay     main, 5 an hour: finished about .*\d\d:\d\d \(London\)", shown.out)
        found = send(instance, "--yes", "--json")
        assert found.status == 4
        assert "The limit of main is used up; it goes on at" in found.err
        assert found.json["counts"]["accepted"] == 5
        assert found.json["counts"]["queued"] == 7
        assert call("-C", instance, "dispatch").out == ""
        assert len(relay.accepted) == 5
        told = call("-C", instance, "mailings", "show", "newsletter/84")
        assert re.search(r"  expected +about .*\d\d:\d\d \(London\)", told.out)
        assert call("-C", instance, "mailings", "show", "newsletter/84", "--json").json["expected_finish"]


def test_rehearsal_changes_nothing_and_says_how_long(instance: Path) -> None:
    with RelayThread() as relay:
        use_relay(instance, relay.port)
        before = (instance / "balintmail.db").read_bytes()
        found = send(instance, "--dry", "--json")
        assert found.status == 0, found.err
        assert found.json["letters"] == 12
        assert found.json["finish"]
        assert call("-C", instance, "mailings", "list", "--json").json == []
        assert (instance / "balintmail.db").read_bytes() == before
        more(instance, "send", "dry = true")
        assert "A rehearsal: 12 letters" in send(instance, "--yes").out
        assert relay.accepted == []


def test_sandbox_sends_all_to_one_address_and_the_real_mailing_goes_out_after_it(instance: Path) -> None:
    with RelayThread() as relay:
        use_relay(instance, relay.port)
        more(instance, "send", 'redirect_all_to = "me@example.net"')
        found = send(instance, "--yes", "--json")
        assert found.status == 0, found.err
        assert (found.json["kind"], found.json["number"], found.json["audience"]) == ("test", None, 12)
        assert {taken.recipient for taken in relay.accepted} == {"me@example.net"}
        assert len(relay.accepted) == 12
        assert all(b"Subject: [Test] News" in data for data in relay.data)
        assert len({re.search(rb"\nTo: .*", data)[0] for data in relay.data}) == 12  # type: ignore[index]
        file = instance / "balintmail.toml"
        file.write_text(file.read_text("utf-8").replace('redirect_all_to = "me@example.net"\n', ""), "utf-8")
        assert send(instance, "--yes").status == 0
        assert len({taken.recipient for taken in relay.accepted[12:]}) == 12


def test_mailing_that_has_begun_waits_while_the_sandbox_is_set(instance: Path) -> None:
    with RelayThread() as relay:
        use_relay(instance, relay.port)
        more(instance, "relays.main", "per_hour = 5")
        assert send(instance, "--yes").status == 4
        more(instance, "send", 'redirect_all_to = "me@example.net"')
        found = send(instance, "--yes")
        assert found.status == 4
        assert "redirect_all_to" in found.err
        assert len(relay.accepted) == 5


def test_deadline_must_lie_ahead_and_is_shown(instance: Path) -> None:
    assert send(instance, "--yes", "--until", "2020-01-01 10:00").status == 2
    assert "--until" in send(instance, "--dry-run", "--until", "2020-01-01 10:00").err
    shown = send(instance, "--dry-run", "--until", "2050-01-01 10:00")
    assert "until     1 January 2050, 10:00 (London)" in shown.out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('hours = "8-20"', 'like "08:00-20:00"'),
        ('weekdays = "mon-fry"', "there is no weekday"),
        ('redirect_all_to = "me"', "not an address"),
        ("most_refused = 0", "most_refused"),
    ],
)
def test_settings_that_are_nonsense_are_refused_with_key_and_line(instance: Path, line: str, words: str) -> None:
    more(instance, "send", line)
    found = send(instance, "--yes")
    assert found.status == 1
    assert words in found.err
    assert "line " in found.err


def test_report_of_a_send_goes_to_the_secretary_with_the_next_dispatch(instance: Path) -> None:
    with RelayThread() as relay:
        use_relay(instance, relay.port)
        assert send(instance, "--yes").status == 0
        assert len(relay.accepted) == 12
        for _ in range(2):
            assert call("-C", instance, "dispatch").status == 0
        assert [taken.recipient for taken in relay.accepted[12:]] == ["secretary@balint.example.org"]
        report = message_from_bytes(relay.data[-1], policy=default)
    assert report["Subject"] == "A mailing has ended: newsletter/84"
    text = report.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "12 of 12 people" in " ".join(text.split())
    assert "because you are the Secretary" in text
