"""`balintmail dkim` from the first key to a checked record, as the Secretary's helper types it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command import call, founded
from tests.support.dns import Server

SETTINGS = '\n[dkim]\ndomain = "balint.example.org"\nrsa = "{}"\ned25519 = "{}"\n'


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    founded(tmp_path / "i")
    return tmp_path / "i"


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        yield found


def put_in_force(instance: Path, *selectors: str) -> None:
    file = instance / "balintmail.toml"
    text = file.read_text("utf-8").partition("\n[dkim]")[0]
    file.write_text(text + SETTINGS.format(*selectors), "utf-8")


def made(instance: Path, *args: str) -> list[dict[str, str]]:
    done = call("-C", instance, "--json", "dkim", "new", "--domain", "balint.example.org", *args)
    assert done.status == 0, done.said
    keys: list[dict[str, str]] = done.json
    return keys


def test_from_the_first_key_to_a_checked_record(instance: Path, server: Server) -> None:
    asked = ("--nameserver", f"127.0.0.1:{server.port}")
    keys = made(instance)
    names = [key["selector"] for key in keys]
    assert call("-C", instance, "dkim", "check", *names, *asked).status == 1
    for key in keys:
        server.put(key["name"], key["value"])
    assert call("-C", instance, "dkim", "check", *names, *asked).status == 0

    put_in_force(instance, *names)
    done = call("-C", instance, "dkim", "check", *asked)
    assert (done.status, done.out) == (0, f"{names[0]}: in order, in force.\n{names[1]}: in order, in force.\n")
    document = call("-C", instance, "--json", "dkim", "check", *asked).json
    assert document["ok"] is True
    assert document["findings"] == []
    assert [key["in_order"] for key in document["keys"]] == [True, True]

    server.put(keys[0]["name"], keys[0]["value"].replace("MII", "MIJ"))
    done = call("-C", instance, "--json", "dkim", "check", *asked)
    assert done.status == 1
    assert [(one["level"], one["selector"]) for one in done.json["findings"]] == [("stop", names[0])]


def test_new_shows_what_to_publish_and_what_to_write_and_no_secret(instance: Path) -> None:
    done = call("-C", instance, "dkim", "new", "--domain", "balint.example.org")
    assert done.status == 0
    for file in (instance / "dkim").iterdir():
        assert f'"{file.stem}"' in done.out
        assert f"{file.stem}._domainkey.balint.example.org" in done.out
        assert "PRIVATE" not in done.out
        assert not any(line and line in done.out for line in file.read_text("ascii").splitlines()[4:-1])
    assert "Leave the old keys" not in done.out


def test_new_with_keys_in_force_tells_to_leave_the_old_ones_S48(instance: Path) -> None:
    first = [key["selector"] for key in made(instance)]
    put_in_force(instance, *first)
    done = call("-C", instance, "dkim", "new")
    assert "Leave the old keys and records where they are" in done.out
    listed = call("-C", instance, "--json", "dkim", "show").json
    assert [key["in_force"] for key in listed] == [True, True, False, False]
    assert [key["selector"] for key in listed[:2]] == first


def test_records_are_ready_to_paste(instance: Path) -> None:
    for key in made(instance):
        assert "".join(key["strings"]) == key["value"]
        assert all(len(part) <= 255 for part in key["strings"])
        done = call("-C", instance, "dkim", "show", key["selector"])
        assert f"  value      {key['value']}\n" in done.out
        assert " ".join(f'"{part}"' for part in key["strings"]) in done.out


@pytest.mark.parametrize(("option", "prefix"), [("--rsa-only", "s"), ("--ed25519-only", "e")])
def test_one_key_alone(instance: Path, option: str, prefix: str) -> None:
    (key,) = made(instance, option)
    assert key["selector"].startswith(prefix)
    (named,) = made(instance, option, "--selector", "blue")
    assert named["selector"] == "blue"


@pytest.mark.parametrize(
    ("args", "status"),
    [
        (("new",), 1),
        (("new", "--domain", "no domain"), 2),
        (("new", "--domain", "example.org", "--selector", "../x"), 2),
        (("show", "s1999a"), 1),
        (("check", "s1999a"), 1),
        (("check", "--nameserver", "ns.example.org"), 2),
        (("check", "--nameserver", "127.0.0.1:70000"), 2),
        (("check", "--nameserver", "[::1]:x"), 2),
    ],
)
def test_refusals_say_what_to_do(instance: Path, args: tuple[str, ...], status: int) -> None:
    done = call("-C", instance, "--json", "dkim", *args)
    assert done.status == status, done.said
    assert json.loads(done.out)["error"]["message"]
    assert not (instance / "dkim").exists()


def test_selector_is_refused_the_second_time(instance: Path) -> None:
    made(instance, "--selector", "blue")
    done = call("-C", instance, "dkim", "new", "--domain", "balint.example.org", "--selector", "blue")
    assert done.status == 1
    assert "has been used before" in done.err


def test_show_and_check_before_the_first_key(instance: Path) -> None:
    assert "There are no DKIM keys yet" in call("-C", instance, "dkim", "show").out
    done = call("-C", instance, "dkim", "check", "--nameserver", "127.0.0.1")
    assert done.status == 0
    assert "letters leave without a DKIM signature" in done.out


def test_key_that_others_can_read_is_shown_as_refused(instance: Path, server: Server) -> None:
    first = [key["selector"] for key in made(instance)]
    put_in_force(instance, *first)
    (instance / "dkim" / f"{first[0]}.pem").chmod(0o644)
    assert "can be read by others" in call("-C", instance, "dkim", "show").out
    done = call("-C", instance, "--json", "dkim", "check", "--nameserver", f"127.0.0.1:{server.port}")
    assert done.status == 1
    assert [one["code"] for one in done.json["findings"]] == ["missing", "key_file"]


def test_setting_that_names_no_selector_is_refused_with_its_line(instance: Path) -> None:
    file = instance / "balintmail.toml"
    file.write_text(file.read_text("utf-8") + '\n[dkim]\ndomain = "example.org"\nrsa = "S 1"\n', "utf-8")
    line = file.read_text("utf-8").splitlines().index('rsa = "S 1"') + 1
    done = call("-C", instance, "dkim", "show")
    assert done.status == 1
    assert f"line {line}" in done.err
    assert '"dkim.rsa" is not right: a selector is small letters' in done.err


def test_public_name_server_addresses_are_read() -> None:
    from balintmail.cli.nameserver import read_server

    assert read_server("") == ("", 53)
    assert read_server("192.0.2.1") == ("192.0.2.1", 53)
    assert read_server("192.0.2.1:5353") == ("192.0.2.1", 5353)
    assert read_server("2001:db8::1") == ("2001:db8::1", 53)
    assert read_server("[2001:db8::1]") == ("2001:db8::1", 53)
    assert read_server("[2001:db8::1]:5353") == ("2001:db8::1", 5353)
