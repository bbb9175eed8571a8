"""DKIM signatures: what they cover, what breaks them, and that they are the same on every retry (S3, S10, S13-S15)."""

import base64
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from balintmail.domain.outcome import Composed, Envelope
from balintmail.sending.dkim import OVERSIGNED, SIGNED_IF_PRESENT
from balintmail.sending.dkim_canonical import Unsignable
from balintmail.sending.dkim_keys import DkimKey
from tests.support.letters_to_sign import BODY, HEAD, MESSAGE, Published, make_pair, signer, verifies

SIGNED = ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "MIME-Version", "Content-Type", "List-Id"]
SIGNED += ["List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[DkimKey, DkimKey]:
    return make_pair(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def published(pair: tuple[DkimKey, DkimKey]) -> Published:
    return Published(*pair)


@pytest.fixture(scope="module")
def block(pair: tuple[DkimKey, DkimKey]) -> bytes:
    return signer(*pair).sign(MESSAGE)


def tags(field: bytes) -> dict[str, str]:
    value = re.sub(r"\s+", "", field.decode().partition(":")[2])
    return dict(part.split("=", 1) for part in value.split(";") if part)


def fields(block: bytes) -> list[bytes]:
    return re.split(rb"\r\n(?=DKIM)", block.removesuffix(b"\r\n"))


def altered(name: str) -> bytes:
    """Return the message with one letter of the value of that field changed."""
    found = re.search(rf"^{name}: *(.)".encode(), HEAD, re.MULTILINE | re.IGNORECASE)
    assert found
    at = found.start(1)
    return HEAD[:at] + (b"Z" if HEAD[at : at + 1] != b"Z" else b"Y") + HEAD[at + 1 :] + b"\r\n" + BODY


def test_both_signatures_verify_each_alone_S14(block: bytes, published: Published) -> None:
    assert verifies(block + MESSAGE, published) == [True, True]
    for field in fields(block):
        assert verifies(field + b"\r\n" + MESSAGE, published) == [True]


def test_tags_are_those_of_S13_and_S14(block: bytes) -> None:
    rsa, ed25519 = (tags(field) for field in fields(block))
    assert (rsa["a"], rsa["s"], ed25519["a"], ed25519["s"]) == ("rsa-sha256", "s2026a", "ed25519-sha256", "e2026a")
    for one in (rsa, ed25519):
        assert (one["v"], one["d"], one["c"], one["t"]) == ("1", "example.org", "relaxed/simple", "1795284240")
        assert not {"l", "x", "z", "i"} & one.keys()


def test_field_order_puts_b_last_and_folds_at_78(block: bytes) -> None:
    assert all(len(line) <= 78 for line in block.split(b"\r\n"))
    assert all(line[:1] == b" " or line.startswith(b"DKIM-Signature: ") for line in block.split(b"\r\n")[:-1])
    assert block.endswith(b"\r\n")
    assert b"\r\n\r\n" not in block


def test_h_names_from_and_friends_once_more_than_they_occur_S13(block: bytes) -> None:
    for field in fields(block):
        names = tags(field)["h"].split(":")
        present = [line.split(b":")[0].decode().lower() for line in HEAD.split(b"\r\n") if line[:1] not in b" \t"]
        for name in (one.decode() for one in OVERSIGNED):
            assert names.count(name) == present.count(name) + 1, name
        assert not {"x-other", "received", "return-path", "dkim-signature"} & set(names)


@pytest.mark.parametrize("name", ["list-unsubscribe", "list-unsubscribe-post", "feedback-id"])
def test_h_names_the_fields_of_leaving_S3_and_the_feedback_loop_S10(block: bytes, name: str) -> None:
    assert all(name in tags(field)["h"].split(":") for field in fields(block))


@pytest.mark.parametrize("name", SIGNED)
def test_altering_a_signed_field_breaks_both_S3_S10_S13(block: bytes, published: Published, name: str) -> None:
    assert verifies(block + altered(name), published) == [False, False]


def test_altering_an_unsigned_field_breaks_nothing(block: bytes, published: Published) -> None:
    assert verifies(block + altered("X-Other"), published) == [True, True]


@pytest.mark.parametrize("name", [name.decode() for name in OVERSIGNED])
@pytest.mark.parametrize("place", ["above", "below"])
def test_adding_an_oversigned_field_after_signing_breaks_both_S13(
    block: bytes, published: Published, name: str, place: str
) -> None:
    added = name.encode() + b": Mallory <mallory@example.net>\r\n"
    message = block + added + MESSAGE if place == "above" else block + HEAD + added + b"\r\n" + BODY
    assert verifies(message, published) == [False, False]


@pytest.mark.parametrize("name", [name.decode() for name in SIGNED_IF_PRESENT])
def test_fields_signed_when_present_are_covered(pair: tuple[DkimKey, DkimKey], published: Published, name: str) -> None:
    message = name.encode() + b": one\r\n" + MESSAGE
    block = signer(*pair).sign(message)
    assert verifies(block + message, published) == [True, True]
    assert verifies(block + message.replace(b": one\r\n", b": two\r\n", 1), published) == [False, False]


@pytest.mark.parametrize(
    "change",
    [lambda body: body + b"more\r\n", lambda body: body.replace(b"Dear", b"Deer"), lambda body: b"x" + body[1:]],
    ids=["appended", "a letter changed", "the first byte"],
)
def test_altering_the_body_breaks_both_S13(block: bytes, published: Published, change: object) -> None:
    assert callable(change)
    assert verifies(block + HEAD + b"\r\n" + change(BODY), published) == [False, False]


def test_relays_may_refold_fields_and_add_empty_lines_at_the_end(block: bytes, published: Published) -> None:
    message = MESSAGE.replace(b"winter,\r\n and", b"winter, and").replace(b"To: reader", b"to:\t reader") + b"\r\n\r\n"
    message = message.replace(b"Date: Sat, 21", b"Date: Sat,\r\n\t21")
    assert verifies(block + message, published) == [True, True]


@pytest.mark.parametrize("broken", [0, 1])
def test_breaking_one_signature_leaves_the_other_S14(block: bytes, published: Published, broken: int) -> None:
    parts = fields(block)
    at = parts[broken].index(b"; t=")
    parts[broken] = parts[broken][:at] + b"; t=0" + parts[broken][at + 5 :]
    found = verifies(b"\r\n".join([*parts, b""]) + MESSAGE, published)
    assert found == [at != broken for at in range(2)]


def test_removing_one_signature_leaves_the_other_S14(block: bytes, published: Published) -> None:
    assert [verifies(one + b"\r\n" + MESSAGE, published) for one in fields(block)] == [[True], [True]]


def test_signatures_are_equal_bytes_on_every_retry_S11(pair: tuple[DkimKey, DkimKey], block: bytes) -> None:
    assert signer(*pair).sign(MESSAGE) == block
    with ThreadPoolExecutor(4) as pool:
        one = signer(*pair)
        assert set(pool.map(one.sign, [MESSAGE] * 40)) == {block}


def test_signed_puts_the_fields_before_the_same_message_S15(pair: tuple[DkimKey, DkimKey], block: bytes) -> None:
    message = Composed(7, Envelope("bounces@example.org", "reader@example.net"), "84.1@example.org", MESSAGE)
    assert signer(*pair).signed(message) == replace(message, data=block + MESSAGE)


def test_one_key_alone_signs_once(pair: tuple[DkimKey, DkimKey], published: Published) -> None:
    for key in pair:
        assert verifies(signer(key).sign(MESSAGE) + MESSAGE, published) == [True]


def test_field_that_occurs_twice_is_signed_twice(pair: tuple[DkimKey, DkimKey], published: Published) -> None:
    message = b"References: <a@example.org>\r\nreferences: <b@example.org>\r\n" + MESSAGE
    block = signer(*pair).sign(message)
    assert tags(fields(block)[0])["h"].split(":").count("references") == 2
    assert verifies(block + message, published) == [True, True]


@pytest.mark.parametrize(
    "message",
    [
        MESSAGE.replace(b"\r\nTo:", b"\nTo:"),
        MESSAGE.replace(b"Subject: ", b"Subject: \r"),
        MESSAGE.replace(b"Dear", b"Dear\n"),
        MESSAGE.replace(b"Dear", b"Dear\r"),
        b"From: other@example.org\r\n" + MESSAGE,
        MESSAGE.replace(b"From:", b"X-From:"),
        b"no field\r\n" + MESSAGE,
        b" folded\r\n" + MESSAGE,
        MESSAGE.replace(b"Subject:", b"Subject :"),
        b"\r\n" + MESSAGE,
        b"",
    ],
    ids=[
        "lf",
        "cr",
        "lf in body",
        "cr in body",
        "two From",
        "no From",
        "no colon",
        "fold first",
        "blank",
        "no header",
        "nothing",
    ],
)
def test_what_is_no_message_is_refused_S15(pair: tuple[DkimKey, DkimKey], message: bytes) -> None:
    with pytest.raises(Unsignable):
        signer(*pair).sign(message)


def test_body_hash_is_over_the_body_as_it_leaves(block: bytes) -> None:
    assert base64.b64decode(tags(fields(block)[0])["bh"]) == hashlib.sha256(BODY).digest()


def test_thousand_shapes_of_headers_stay_in_bounded_memory(pair: tuple[DkimKey, DkimKey]) -> None:
    one = signer(pair[1])
    for count in range(200):
        one.sign(b"References: <a@example.org>\r\n" * count + MESSAGE)
    assert len(one._shapes) <= 64
