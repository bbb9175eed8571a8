"""Whatever headers and bodies come, what we sign verifies, and what was changed does not (S13-S15)."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from balintmail.sending.dkim_canonical import Unsignable, simple_body
from balintmail.sending.dkim_keys import DkimKey
from tests.support.letters_to_sign import MESSAGE, Published, make_pair, signer, verifies

BLANKS = st.text(" \t", max_size=4)
BLANK = b" \t\v\f"  # as dkimpy, which verifies, sees it: a form feed and a vertical tab are none in mail
NAMES = st.sampled_from(["Subject", "SUBJECT", "sUbJeCt", "To", "Cc", "List-Id", "References", "X-Odd", "Feedback-ID"])
# dkimpy takes a form feed for a blank, which it is not in mail; composing lets no control character into a field.
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
FOLD = st.sampled_from([" ", "  ", "\t", "\r\n ", "\r\n\t", " \r\n  ", ""])


@st.composite
def fields(draw: st.DrawFn) -> str:
    words = draw(st.lists(WORDS, max_size=4))
    value = "".join(word + draw(FOLD) for word in words)
    return f"{draw(NAMES)}:{draw(BLANKS)}{value}{draw(BLANKS)}\r\n"


PIECES = [b"\r\n", b"", b" ", b"  ", b"\t", b".", b"a", b"Dear  all", b"=20", b"\xff\x00", b" \r\n", b"\t\r\n\r\n"]
BODIES = st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[DkimKey, DkimKey]:
    return make_pair(tmp_path_factory.mktemp("keys"))


@settings(max_examples=300, deadline=None)
@given(st.lists(fields(), max_size=6), BODIES)
@example([], b"")
@example([], b"\r\n\r\n\r\n")
@example(["Subject:\r\n \r\n\t\r\n"], b" \r\n")
@example(["Subject:\r\n"], b"a")
def test_every_message_verifies_or_is_refused(pair: tuple[DkimKey, DkimKey], more: list[str], body: bytes) -> None:
    message = b"From: secretary@example.org\r\n" + "".join(more).encode() + b"\r\n" + body
    try:
        block = signer(*pair).sign(message)
    except Unsignable:
        assert message.count(b"\n") != message.count(b"\r\n") or message.count(b"\r") != message.count(b"\r\n")
        return
    assert all(len(line) <= 78 for line in block.split(b"\r\n"))
    assert verifies(block + message, Published(*pair)) == [True, True]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(MESSAGE) - 1), st.integers(1, 255))
@example(MESSAGE.index(b" "), ord(" ") ^ ord("\v"))
def test_any_changed_byte_that_readers_see_breaks_both(pair: tuple[DkimKey, DkimKey], at: int, by: int) -> None:
    changed = MESSAGE[:at] + bytes([MESSAGE[at] ^ by]) + MESSAGE[at + 1 :]
    if _harmless(MESSAGE, changed, at):
        return
    assert verifies(signer(*pair).sign(MESSAGE) + changed, Published(*pair)) == [False, False]


def _harmless(before: bytes, after: bytes, at: int) -> bool:
    """Whether only that changed which relaxed fields forgive: case of a name, kind of a blank, an unsigned field."""
    head = before.index(b"\r\n\r\n") + 2
    unsigned = before.index(b"X-Other")
    if unsigned <= at < head:
        return True
    if at >= head:
        return False
    if before[at] in b"\r\n":  # dkimpy mends line ends before it looks
        return True
    pieces = [one.lower() for one in (before[at : at + 1], after[at : at + 1])]
    name = before.rfind(b"\r\n", 0, at) < at < before.find(b":", max(before.rfind(b"\r\n", 0, at), 0))
    return (name and pieces[0] == pieces[1]) or all(one in BLANK for one in pieces)


@given(BODIES)
def test_simple_body_ends_with_one_crlf_and_changes_nothing_else(body: bytes) -> None:
    found = simple_body(body)
    assert found.endswith(b"\r\n")
    assert not found.endswith(b"\r\n\r\n")
    assert (body + b"\r\n").startswith(found)
    assert not (body + b"\r\n")[len(found) :].strip(b"\r\n")
    assert simple_body(found) is found


@pytest.mark.parametrize("lines", [0, 1, 511, 512, 513, 5000])
def test_simple_body_with_many_empty_lines_is_quick(lines: int, tmp_path: Path) -> None:
    assert simple_body(b"end" + b"\r\n" * lines) == b"end\r\n"
    assert simple_body(b"\r\n" * lines) == b"\r\n"
