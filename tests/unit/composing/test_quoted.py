"""Quoted-printable in pieces: any order of pieces decodes to the text, and no line can hurt."""

import quopri

from hypothesis import given
from hypothesis import strategies as st

from balintmail.composing import quoted

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))
LINES = st.lists(TEXT | st.sampled_from(["", ".", "..", "From me", " ", "=", "x" * 200, ".\t", "é" * 80]))


def assert_safe(encoded: bytes) -> None:
    assert encoded.isascii()
    assert encoded == b"" or encoded.endswith(b"\r\n")
    for line in encoded.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))
        assert not line.endswith((b" ", b"\t"))
        assert b"\r" not in line
        assert b"\n" not in line


@given(LINES)
def test_constant_round_trips(lines: list[str]) -> None:
    text = "\n".join(lines)
    encoded = quoted.constant(text).encode("ascii")
    assert_safe(encoded)
    assert quoted.decode(encoded) == text
    assert quopri.decodestring(encoded).decode().replace("\r\n", "\n") == text


@given(TEXT)
def test_value_round_trips_and_stands_apart(text: str) -> None:
    encoded = quoted.value(text)
    assert_safe(encoded)
    assert quoted.decode(encoded) == text


@given(st.lists(st.tuples(LINES, TEXT), max_size=6))
def test_pieces_join_in_any_order(pieces: list[tuple[list[str], str]]) -> None:
    text = encoded = ""
    for lines, value in pieces:
        constant = "\n".join(lines)
        text += constant + value
        encoded += quoted.constant(constant) + quoted.value(value).decode("ascii")
    assert_safe(encoded.encode("ascii"))
    assert quoted.decode(encoded.encode("ascii")) == text
    assert quopri.decodestring(encoded.encode("ascii")).decode().replace("\r\n", "\n") == text


def test_dot_at_the_start_of_a_line_is_encoded_S32() -> None:
    assert quoted.constant(".\n..\nx") == "=2E\r\n=2E.\r\nx=\r\n"
    assert quoted.value(".") == b"=2E=\r\n"


def test_dot_after_a_soft_break_is_encoded_too_S32() -> None:
    assert_safe(quoted.constant("x" * 75 + "." * 200 + "\n").encode())


def test_from_at_the_start_of_a_line_is_encoded_A22() -> None:
    assert quoted.constant("From here\n") == "=46rom here\r\n"
    assert quoted.value("From x") == b"=46rom x=\r\n"


def test_word_of_five_thousand_letters_is_broken_S23() -> None:
    encoded = quoted.constant("x" * 5000 + "\n").encode()
    assert_safe(encoded)
    assert quoted.decode(encoded) == "x" * 5000 + "\n"


@given(st.lists(TEXT, max_size=8))
def test_decoded_bytes_is_the_size_of_what_decode_gives(texts: list[str]) -> None:
    constants = [quoted.constant(f"{text}\n{text}").encode("ascii") for text in texts]
    pieces = b"".join(constants + [quoted.value(text) for text in texts])
    assert quoted.decoded_bytes(pieces) == len(quoted.decode(pieces).encode("utf-8"))
