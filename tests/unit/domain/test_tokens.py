"""domain/tokens.py: the fast way gives what the plain way would, and a token says only what it was made for."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.tokens import MAC_BYTES, Mint, Purpose, TokenClaims, length, make, read

KEY = bytes(range(32))
NUMBERS = st.integers(0, 1 << 45)


@given(st.sampled_from(Purpose), NUMBERS, NUMBERS, NUMBERS, st.binary(min_size=1, max_size=90))
def test_token_is_base32_over_payload_and_hmac(purpose: Purpose, person: int, of: int, row: int, key: bytes) -> None:
    token = make(TokenClaims(purpose, person, of, row), key)
    raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    assert mac == hmac.digest(key, payload, "sha256")[:MAC_BYTES]
    assert token == base64.b32encode(raw).decode().rstrip("=").lower()
    assert read(token, purpose, [key]) == TokenClaims(purpose, person, of, row)


@pytest.mark.parametrize("number", [0, 1, 127, 128, (1 << 14) - 1, 1 << 14, (1 << 21) - 1, 1 << 21, 1 << 40])
def test_mint_writes_numbers_of_every_length(number: int) -> None:
    token = Mint(KEY, Purpose.LEAVE).token(number, 1, number)
    assert read(token, Purpose.LEAVE, [KEY]) == TokenClaims(Purpose.LEAVE, number, 1, number)


def test_token_of_another_purpose_or_key_says_nothing_C3_C11() -> None:
    token = Mint(KEY, Purpose.LEAVE).token(7, 1, 9)
    assert read(token, Purpose.PREFERENCES, [KEY]) is None
    assert read(token, Purpose.LEAVE, [KEY[::-1]]) is None
    assert read(token, Purpose.LEAVE, [KEY[::-1], KEY]) is not None


def test_token_with_a_bit_flipped_says_nothing_C2() -> None:
    token = Mint(KEY, Purpose.LEAVE).token(7, 1, 9)
    for at, letter in enumerate(token):
        other = "b" if letter == "a" else "a"
        assert read(token[:at] + other + token[at + 1 :], Purpose.LEAVE, [KEY]) is None


def test_mint_holds_no_negative_number() -> None:
    with pytest.raises(ValueError, match="negative"):
        Mint(KEY, Purpose.LEAVE).token(-1)


@given(*(st.integers(0, 2**63) for _ in range(3)))
def test_length_is_the_tokens_own(person: int, of: int, row: int) -> None:
    assert length(person, of, row) == len(Mint(bytes(32), Purpose.LEAVE).token(person, of, row))
