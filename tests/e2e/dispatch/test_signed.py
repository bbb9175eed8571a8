"""What the relay gets is signed with the keys that the mailing froze, and verifies (S3, S13–S15, S48, P6)."""

from pathlib import Path

import pytest

from balintmail.sending.dkim_keys import DkimKey
from tests.relay import Manners, RelayThread, faults
from tests.support.command import call
from tests.support.letters_to_sign import DOMAIN, Published, make_pair, verifies

WHO = ("--secretary-name", "Enid Example", "--secretary-address", "secretary@example.org")
LETTER = "---\ntitle: News\nnumber: 84\n---\n\nDear {{ person.name }},\n\nall is well, and the spring is near.\n"


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    folder = tmp_path / "i"
    assert call("init", folder, "--yes", "--society", "S", *WHO, "--url", "https://balint.example.org").status == 0
    (folder / "newsletter.md").write_text(LETTER, "utf-8")
    readers = [f"reader{number}@example.org" for number in range(40)]
    assert call("-C", folder, "subscribe", *readers).status == 0
    return folder


@pytest.fixture
def pair(instance: Path) -> tuple[DkimKey, DkimKey]:
    return make_pair(instance)


def settings(instance: Path, port: int, *, signs: bool = True) -> None:
    lines = ["[relays.main]", 'host = "127.0.0.1"', f"port = {port}", 'security = "none"', "max_connections = 3"]
    if signs:
        lines += ["[dkim]", f'domain = "{DOMAIN}"', 'rsa = "s2026a"', 'ed25519 = "e2026a"']
    with (instance / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write("\n" + "\n".join(lines) + "\n")


def send(instance: Path, *more: str) -> int:
    return call("-C", instance, "send", instance / "newsletter.md", *more).status


def test_every_letter_of_a_mailing_verifies_with_both_keys_S3(instance: Path, pair: tuple[DkimKey, DkimKey]) -> None:
    with RelayThread() as relay:
        settings(instance, relay.port)
        assert send(instance, "--yes") == 0
        letters = list(relay.data)
    assert len(letters) == 40
    assert {tuple(verifies(letter, Published(*pair))) for letter in letters} == {(True, True)}


def test_test_letter_is_signed_as_the_mailing_will_be(instance: Path, pair: tuple[DkimKey, DkimKey]) -> None:
    with RelayThread() as relay:
        settings(instance, relay.port)
        assert send(instance, "--test", "secretary@example.org") == 0
        (letter,) = relay.data
    assert verifies(letter, Published(*pair)) == [True, True]


def test_letters_without_keys_in_the_settings_are_not_signed(instance: Path, pair: tuple[DkimKey, DkimKey]) -> None:
    with RelayThread() as relay:
        settings(instance, relay.port, signs=False)
        assert send(instance, "--yes") == 0
        assert not any(b"DKIM-Signature" in letter for letter in relay.data)


def test_letter_sent_again_is_equal_byte_by_byte_P6_S11(instance: Path, pair: tuple[DkimKey, DkimKey]) -> None:
    with RelayThread(Manners(), faults.drops_after_accepting(times=1)) as relay:
        settings(instance, relay.port)
        assert send(instance, "--yes") == 4
        assert call("-C", instance, "mailings", "settle", "newsletter/84", "--resend").status == 4
        assert call("-C", instance, "dispatch").status == 0
        letters = list(relay.data)
    assert len(letters) == 41
    assert len(set(letters)) == 40


def test_key_that_went_missing_stops_the_send_and_loses_nobody(instance: Path, pair: tuple[DkimKey, DkimKey]) -> None:
    with RelayThread(Manners(), faults.greylists()) as relay:
        settings(instance, relay.port)
        assert send(instance, "--yes") == 4
        hidden = [file for file in instance.rglob("*") if file.is_file() and "s2026a" in file.name]
        assert hidden
        kept = {file: file.read_bytes() for file in hidden}
        for file in hidden:
            file.unlink()
        found = call("-C", instance, "mailings", "retry", "newsletter/84")
        assert found.status == 4
        assert "s2026a" in found.err + found.out
        assert not relay.accepted
        for file, content in kept.items():
            file.write_bytes(content)
            file.chmod(0o600)
        assert call("-C", instance, "mailings", "retry", "newsletter/84").status == 0
        assert {tuple(verifies(letter, Published(*pair))) for letter in relay.data} == {(True, True)}
        assert len(relay.accepted) == 40


def test_send_without_its_key_is_refused_before_anybody_is_mailed(instance: Path) -> None:
    with RelayThread() as relay:
        settings(instance, relay.port)
        assert send(instance, "--yes") == 1
        assert not relay.accepted
