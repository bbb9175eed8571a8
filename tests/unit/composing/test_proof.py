"""composing/proof.py: what is called proven would have passed the gate of sending/wire.py."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.composing import proof, quoted
from balintmail.domain.outcome import Composed, Envelope
from balintmail.sending.wire import body_of, fault_of

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200)


@given(TEXT)
def test_every_value_of_quoted_is_whole_lines(text: str) -> None:
    assert proof.are_whole_lines(quoted.value(text))


@pytest.mark.parametrize(
    "value", [b"x", b"x\n", b"x\r\n\n", b".x\r\n", b"a=\r\n.\r\n", b"x" * 77 + b"\r\n", b"\xc3\xa9\r\n", b"\0\r\n"]
)
def test_are_whole_lines_refuses_what_could_spoil_a_message_A1_A2_A3_A15(value: bytes) -> None:
    assert not proof.are_whole_lines(value)


@pytest.mark.parametrize(
    "field",
    [b"To: a\r\nBcc: b\r\n", b"To: a\n b\r\n", b"To: a", b"To: \xc3\xa9\r\n", b"To: " + b"x" * 999 + b"\r\n", b""],
)
def test_is_one_field_refuses_two_fields_and_long_lines_A1_A20(field: bytes) -> None:
    assert not proof.is_one_field(field)


def test_is_one_field_takes_a_folded_field() -> None:
    assert proof.is_one_field(b"To: =?utf-8?q?B=C3=A1lint?=\r\n <reader@example.org>\r\n")


@pytest.mark.parametrize(
    "parts",
    [
        [b"Subject: a\r\n\r\n", b"", b".dot\r\n"],
        [b"Subject: a\r\n\r\nx\r", b"", b"end\r\n"],
        [b"Subject: a\r\n\r\n", b"", b"no line end"],
        [b"Subject: a\r\n\r\n" + b"x" * 990, b"", b"end\r\n"],
        ["Subject: é\r\n\r\n".encode(), b"", b"end\r\n"],
    ],
)
def test_may_leave_refuses_constants_that_could_spoil_a_message(parts: list[bytes]) -> None:
    assert not proof.may_leave(parts, {1: proof.LINES})


def test_may_leave_looks_at_the_seam_that_an_empty_value_leaves() -> None:
    parts = [b"Subject: a\r\n\r\n" + b"x" * 600, b"", b"x" * 600 + b"\r\n"]
    assert not proof.may_leave(parts, {1: proof.LINES})
    assert proof.may_leave([parts[0] + b"\r\n", *parts[1:]], {1: proof.LINES})


def test_proven_message_is_not_read_again_but_its_addresses_are() -> None:
    bad = Composed(1, Envelope("b@example.org", "r@example.org"), "<1@example.org>", b"x\n", proven=True)
    assert fault_of(bad) == ""
    assert fault_of(replace(bad, envelope=Envelope("b@example.org", "r@example.org>\r\nDATA")))
    assert fault_of(replace(bad, proven=False))
    assert body_of(replace(bad, data=b".x\r\n", proven=False)) == b"..x"
