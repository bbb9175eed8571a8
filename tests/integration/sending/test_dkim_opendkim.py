"""A second verifier, written by others in C, agrees: what we sign passes, what was changed fails (S3, S13, S14)."""

from pathlib import Path

import pytest

from balintmail.sending.dkim_keys import DkimKey
from tests.support import opendkim
from tests.support.letters_to_sign import BODY, HEAD, MESSAGE, Published, make_pair, signer

pytestmark = pytest.mark.skipif(opendkim.PROGRAM is None, reason=opendkim.MISSING)

BOTH_PASS = [("rsa-sha256", "pass"), ("ed25519-sha256", "pass")]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[DkimKey, DkimKey]:
    return make_pair(tmp_path_factory.mktemp("keys"))


def judged(message: bytes, pair: tuple[DkimKey, DkimKey], folder: Path, change: tuple[bytes, bytes]) -> list[str]:
    signed = signer(*pair).sign(message) + message
    assert change[0] in signed
    return [verdict for _, verdict in opendkim.verdicts(signed.replace(*change), Published(*pair), folder)]


def test_both_signatures_pass_S14(pair: tuple[DkimKey, DkimKey], tmp_path: Path) -> None:
    signed = signer(*pair).sign(MESSAGE) + MESSAGE
    assert opendkim.verdicts(signed, Published(*pair), tmp_path) == BOTH_PASS


@pytest.mark.parametrize("number", [0, 1])
def test_each_signature_passes_alone_S14(pair: tuple[DkimKey, DkimKey], tmp_path: Path, number: int) -> None:
    signed = signer(pair[number]).sign(MESSAGE) + MESSAGE
    assert opendkim.verdicts(signed, Published(*pair), tmp_path) == [BOTH_PASS[number]]


@pytest.mark.parametrize(
    "change",
    [
        (b"\r\nTo: reader", b"\r\nFrom: mallory@example.net\r\nTo: reader"),
        (b"\r\nList-Unsubscribe: <mailto:", b"\r\nList-Unsubscribe: <mailto:x"),
        (b"=One-Click", b"=one-click"),
        (b"Feedback-ID: 84", b"Feedback-ID: 85"),
        (b"Subject: Groups", b"Subject: Groaps"),
        (b"Dear", b"Deer"),
        (b"  table\r\n", b"  table\r\nmore\r\n"),
    ],
)
def test_change_fails_both_S3_S10_S13(
    pair: tuple[DkimKey, DkimKey], tmp_path: Path, change: tuple[bytes, bytes]
) -> None:
    assert "pass" not in judged(MESSAGE, pair, tmp_path, change)


@pytest.mark.parametrize(
    "body",
    [b"", b"\r\n", b"\r\n\r\n\r\n", b" \r\n", b"a", b"a \t\r\n\r\n\r\n", b".\r\n..\r\n", b"\t\r\nx  y\r\n \r\n"],
)
def test_odd_bodies_pass(pair: tuple[DkimKey, DkimKey], tmp_path: Path, body: bytes) -> None:
    message = HEAD + b"\r\n" + body
    assert opendkim.verdicts(signer(*pair).sign(message) + message, Published(*pair), tmp_path) == BOTH_PASS


def test_odd_fields_pass(pair: tuple[DkimKey, DkimKey], tmp_path: Path) -> None:
    odd = (
        b"REFERENCES:<a@example.org>\r\n\t <b@example.org>  \r\nPrecedence:\r\n bulk\r\nreferences: <c@example.org>\r\n"
    )
    message = odd + HEAD + b"\r\n" + BODY
    assert opendkim.verdicts(signer(*pair).sign(message) + message, Published(*pair), tmp_path) == BOTH_PASS


@pytest.mark.parametrize("selector", ["s2026a", "e2026a"])
def test_breaking_one_leaves_the_other_S14(pair: tuple[DkimKey, DkimKey], tmp_path: Path, selector: str) -> None:
    found = judged(MESSAGE, pair, tmp_path, (f"s={selector}; t=17".encode(), f"s={selector}; t=16".encode()))
    assert found == (["fail", "pass"] if selector == "s2026a" else ["pass", "fail"])
