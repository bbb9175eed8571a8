"""Key files: private to the instance's owner, never overwritten, and read back as they were made (S13)."""

import base64
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from balintmail.domain.dkim import Algorithm
from balintmail.errors import Conflict
from balintmail.sending import dkim_keys
from balintmail.sending.dkim_keys import KeyRefused, load, make, selectors
from tests.support.letters_to_sign import SIGNED_AT, make_pair


def a_file(folder: Path, selector: str, private: object, password: bytes | None = None) -> None:
    (folder / "dkim").mkdir(mode=0o700, exist_ok=True)
    how = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    assert isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    path = folder / "dkim" / f"{selector}.pem"
    path.write_bytes(private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how))
    path.chmod(0o600)


def refusal(folder: Path, selector: str) -> KeyRefused:
    with pytest.raises(KeyRefused) as caught:
        load(folder, selector)
    return caught.value


def test_key_comes_back_as_it_was_made(tmp_path: Path) -> None:
    for made in make_pair(tmp_path):
        found = load(tmp_path, made.selector)
        assert (found.selector, found.algorithm, found.domain, found.made_at) == (
            made.selector,
            made.algorithm,
            "example.org",
            SIGNED_AT,
        )
        assert found.public_bytes() == made.public_bytes()
        assert found.sign(b"letter") == made.sign(b"letter")
    assert selectors(tmp_path) == ["e2026a", "s2026a"]


def test_rsa_key_has_2048_bits_S13(tmp_path: Path) -> None:
    rsa_key, ed25519_key = make_pair(tmp_path)
    assert (rsa_key.bits, ed25519_key.bits) == (2048, 256)


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    import os

    before = os.umask(0)
    try:
        make_pair(tmp_path)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "dkim").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "dkim").iterdir()} == {0o600}


def test_private_key_shows_in_no_representation(tmp_path: Path) -> None:
    key = make_pair(tmp_path)[1]
    assert "private" not in repr(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    make_pair(tmp_path)
    (tmp_path / "dkim" / "s2026a.pem").chmod(mode)
    assert "can be read by others" in refusal(tmp_path, "s2026a").message
    assert "chmod 600" in refusal(tmp_path, "s2026a").hint


def test_folder_that_others_can_write_is_refused(tmp_path: Path) -> None:
    make_pair(tmp_path)
    (tmp_path / "dkim").chmod(0o770)
    assert "may write" in refusal(tmp_path, "s2026a").message
    with pytest.raises(KeyRefused):
        make(tmp_path, "s2026b", Algorithm.RSA, domain="example.org", now=SIGNED_AT)


def test_selector_is_never_used_twice(tmp_path: Path) -> None:
    make_pair(tmp_path)
    before = (tmp_path / "dkim" / "s2026a.pem").read_bytes()
    with pytest.raises(Conflict):
        make(tmp_path, "s2026a", Algorithm.ED25519, domain="example.org", now=SIGNED_AT)
    assert (tmp_path / "dkim" / "s2026a.pem").read_bytes() == before


@pytest.mark.parametrize("selector", ["s2027a", "../secrets", "", "s2026a/../e2026a", "S2026A"])
def test_key_that_is_not_there_is_refused(tmp_path: Path, selector: str) -> None:
    make_pair(tmp_path)
    assert "There is no DKIM key" in refusal(tmp_path, selector).message


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff\x00", b"x" * 200_000])
def test_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    make_pair(tmp_path)
    (tmp_path / "dkim" / "s2026a.pem").write_bytes(content)
    assert "is not a private key" in refusal(tmp_path, "s2026a").message


def test_locked_and_foreign_keys_are_refused(tmp_path: Path) -> None:
    a_file(tmp_path, "locked", rsa.generate_private_key(65537, 2048), password=b"word")
    a_file(tmp_path, "curve", ec.generate_private_key(ec.SECP256R1()))
    assert "without a password" in refusal(tmp_path, "locked").message
    assert "neither an RSA nor an Ed25519" in refusal(tmp_path, "curve").message


def test_key_of_another_program_is_read_without_its_date(tmp_path: Path) -> None:
    a_file(tmp_path, "old", rsa.generate_private_key(65537, 1024))
    found = load(tmp_path, "old")
    assert (found.bits, found.domain, found.made_at) == (1024, "", None)


def test_rsa_key_beyond_what_verifiers_accept_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_file(tmp_path, "short", rsa.generate_private_key(65537, 1024))
    monkeypatch.setattr(dkim_keys, "RSA_FLOOR", 1025)
    assert "1024 bits" in refusal(tmp_path, "short").message


def test_note_in_the_file_names_domain_and_time_in_utc(tmp_path: Path) -> None:
    make(tmp_path, "x", Algorithm.ED25519, domain="example.org", now=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC))
    text = (tmp_path / "dkim" / "x.pem").read_text("ascii")
    assert "Domain: example.org\nMade: 2026-01-02T03:04:05+00:00\n-----BEGIN PRIVATE KEY-----\n" in text


def test_ed25519_key_of_RFC_8463_appendix_A_is_published_as_there() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    private = Ed25519PrivateKey.from_private_bytes(seed)
    key = dkim_keys.DkimKey("brisbane", Algorithm.ED25519, "football.example.com", None, private)
    assert base64.b64encode(key.public_bytes()) == b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
