"""The last gate before the wire: S23, S24, S32, S50."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.outcome import Composed, Envelope
from balintmail.sending.wire import DOT, LONGEST_TEXT_LINE, body_of, fault_of


def message(
    data: bytes = b"Hi\r\n", to: str = "a@example.org", sender: str = "b@example.org", *, utf8: bool = False
) -> Composed:
    return Composed(1, Envelope(sender, to, utf8), "<1@example.org>", data)


def test_fault_of_a_good_message_is_none() -> None:
    assert fault_of(message()) == ""
    assert fault_of(message(sender="")) == ""


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a@b\r\nRCPT TO:<x@y>",
        "a@b\nDATA",
        "a@b>c",
        "<a@b>",
        "a@b\0.c",
        "a b@example.org",
        "a@b\t",
        "a@example.org\x7f",
        "a@example.org> SIZE=1",
    ],
)
def test_fault_of_address_that_could_end_a_command_B3_B5_B6_S50(address: str) -> None:
    assert fault_of(message(to=address))
    if address:
        assert fault_of(message(sender=address))


@pytest.mark.parametrize(
    "data", [b"a\nb\r\n", b"a\rb\r\n", b"a\r\n\rb\r\n", b"\r\n.\n\r\n", b"a\r\r\n", b"\n\r\n", b"a\n"]
)
def test_fault_of_bare_cr_or_lf_S32(data: bytes) -> None:
    assert fault_of(message(data))


@pytest.mark.parametrize("data", [b"", b"a", b"a\r", b"a\r\nb"])
def test_fault_of_message_without_final_line_end(data: bytes) -> None:
    assert fault_of(message(data))


@pytest.mark.parametrize("before", [b"", b"x\r\n" * 400, b"y" * 998 + b"\r\n"])
def test_fault_of_line_above_998_octets_S23(before: bytes) -> None:
    assert fault_of(message(before + b"x" * LONGEST_TEXT_LINE + b"\r\n" + b"end\r\n")) == ""
    assert fault_of(message(before + b"x" * (LONGEST_TEXT_LINE + 1) + b"\r\n" + b"end\r\n"))
    assert fault_of(message(before + b"x" * (LONGEST_TEXT_LINE + 1) + b"\r\n"))


@given(st.lists(st.integers(0, 1100), min_size=1, max_size=60))
def test_fault_of_any_lines_S23_finds_exactly_the_long_ones(lengths: list[int]) -> None:
    data = b"".join(b"x" * length + b"\r\n" for length in lengths)
    assert bool(fault_of(message(data))) is (max(lengths) > LONGEST_TEXT_LINE)


def test_fault_of_8_bit_without_smtputf8_S24() -> None:
    assert fault_of(message("é\r\n".encode()))
    assert fault_of(message(to="é@example.org"))
    assert fault_of(message("é\r\n".encode(), to="é@example.org", utf8=True)) == ""


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b".\r\n", b".."),
        (b"..\r\n", b"..."),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb"),
        (b"\r\n", b""),
        (b"\r\n.\r\n", b"\r\n.."),
        (b"a.b\r\n", b"a.b"),
    ],
)
def test_body_of_stuffs_every_dot_at_a_line_start_S32(data: bytes, body: bytes) -> None:
    assert body_of(message(data)) == body


@given(st.lists(st.sampled_from([b"", b".", b"..", b"x", b".x", b"x."]), min_size=1))
def test_body_of_any_lines_S32_ends_only_at_the_dot(lines: list[bytes]) -> None:
    data = b"\r\n".join(lines) + b"\r\n"
    wire = b"\r\n" + body_of(message(data)) + DOT
    assert wire.index(DOT) == len(wire) - len(DOT)
    unstuffed = b"\r\n".join(line.removeprefix(b".") for line in wire[2:-3].split(b"\r\n"))
    assert unstuffed == data
