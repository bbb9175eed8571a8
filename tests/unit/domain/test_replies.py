"""Reading SMTP replies: group I of standards.md as far as it is about bytes, S35 and S36."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.replies import (
    LONGEST_LINE,
    MOST_LINES,
    SHOWN_CHARACTERS,
    Reply,
    ReplyReader,
    enhanced_code,
    shown,
)


def read(data: bytes) -> tuple[list[tuple[int, str]], str]:
    reader = ReplyReader()
    return [(reply.code, reply.text) for reply in reader.feed(data)], reader.fault


def test_feed_one_line_gives_code_and_text() -> None:
    assert read(b"250 2.1.0 sender ok\r\n") == ([(250, "2.1.0 sender ok")], "")


@pytest.mark.parametrize("line", [b"250\r\n", b"250 \r\n", b"250\n"])
def test_feed_no_text_I1_is_a_whole_reply(line: bytes) -> None:
    assert read(line) == ([(250, "")], "")


def test_feed_4096_byte_line_I2_is_read_and_shown_cut() -> None:
    (code, text), *none = read(b"550 " + b"x" * 4096 + b"\r\n")[0]
    assert (code, len(text), none) == (550, SHOWN_CHARACTERS, [])


def test_feed_line_without_end_I2_is_a_fault_and_memory_stays_flat() -> None:
    reader = ReplyReader()
    for _ in range(1000):
        assert reader.feed(b"2" * 4096) == []
    assert reader.fault
    assert not reader.midway


def test_feed_line_above_the_limit_is_a_fault() -> None:
    assert read(b"250 " + b"x" * LONGEST_LINE + b"\r\n")[1]


def test_feed_100_continuation_lines_is_one_reply() -> None:
    replies, fault = read(b"250-more\r\n" * 100 + b"250 done\r\n")
    assert [code for code, _ in replies] == [250]
    assert fault == ""


def test_feed_100000_lines_I3_is_a_fault() -> None:
    replies, fault = read(b"250-more\r\n" * 100_000 + b"250 done\r\n")
    assert (replies, fault) == ([], "a reply without an end")
    assert MOST_LINES < 100_000


@pytest.mark.parametrize(
    "code", [b"000", b"199", b"600", b"25", b"2", b"", b"abc", b"2 0", "२५०".encode(), b"+25", b"-50"]
)
def test_feed_impossible_code_I4_is_a_fault(code: bytes) -> None:
    assert read(code + b" ok\r\n")[0] == []
    assert read(code + b" ok\r\n")[1]


def test_feed_mixed_codes_in_one_reply_I5_is_a_fault() -> None:
    assert read(b"250-ok\r\n550 no\r\n") == ([], 'two codes in one reply, "250" and "550"')


@pytest.mark.parametrize("mark", [b"x", b"_", b"\t", b"0", b"\x00"])
def test_feed_other_mark_behind_the_code_is_a_fault(mark: bytes) -> None:
    assert read(b"250" + mark + b"ok\r\n")[1]


def test_feed_non_ascii_I6_is_kept_readable_and_harmless() -> None:
    assert read("550 Empfänger unbekannt\r\n".encode())[0] == [(550, "Empfänger unbekannt")]
    assert read(b"550 Empf\xe4nger \x1b[2J\x07\r\n")[0] == [(550, "Empf\\xe4nger \\x1b[2J\\x07")]
    assert read("550 \u202ebackwards\r\n".encode())[0] == [(550, "\\u202ebackwards")]


def test_feed_several_lines_joins_them_by_a_blank() -> None:
    assert read(b"550-5.1.1 no such\r\n550 5.1.1 user\r\n")[0] == [(550, "5.1.1 no such 5.1.1 user")]


def test_feed_replies_before_garbage_still_count() -> None:
    assert read(b"250 taken\r\nHTTP/1.1 400 Bad Request\r\n250 never read\r\n")[0] == [(250, "taken")]


def test_midway_says_whether_a_reply_has_begun() -> None:
    reader = ReplyReader()
    assert not reader.midway
    reader.feed(b"25")
    assert reader.midway
    reader.feed(b"0-a\r\n")
    assert reader.midway
    reader.feed(b"250 b\r\n")
    assert not reader.midway


@pytest.mark.parametrize(
    ("text", "code", "enhanced"),
    [
        ("5.1.1 no such user", 550, "5.1.1"),
        ("4.7.1 greylisted", 451, "4.7.1"),
        ("2.0.0", 250, "2.0.0"),
        ("5.7.515 access denied", 550, "5.7.515"),
        ("5.1.1 class unlike the code I7", 450, ""),
        ("2.1.5 class unlike the code I7", 550, ""),
        ("3.1.1 no such class", 354, ""),
        ("5.1.1.1 four parts", 550, ""),
        ("5.1111.1 too long", 550, ""),
        ("no code at all", 550, ""),
        ("5.1.1no blank", 550, ""),
        (" 5.1.1 blank first", 550, ""),
    ],
)
def test_enhanced_code_S36_class_must_match_the_reply(text: str, code: int, enhanced: str) -> None:
    assert enhanced_code(text, code) == enhanced
    assert Reply(code, text.encode()).enhanced == enhanced


replies_text = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=40)


@given(st.lists(st.tuples(st.integers(200, 599), st.lists(replies_text, min_size=1, max_size=4))), st.data())
def test_feed_in_any_pieces_gives_the_same_replies(wanted: list[tuple[int, list[str]]], data: st.DataObject) -> None:
    wire = b"".join(
        f"{code}{' ' if i == len(lines) - 1 else '-'}{line}\r\n".encode()
        for code, lines in wanted
        for i, line in enumerate(lines)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    reader, got = ReplyReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        got += reader.feed(wire[start:end])
    assert reader.fault == ""
    assert [reply.code for reply in got] == [code for code, _ in wanted]
    whole = ReplyReader().feed(wire)
    assert got == whole


@given(st.lists(st.binary(max_size=200)))
def test_feed_any_bytes_never_raises(pieces: list[bytes]) -> None:
    reader = ReplyReader()
    for piece in pieces:
        for reply in reader.feed(piece):
            assert 200 <= reply.code <= 599
            assert len(reply.text) <= SHOWN_CHARACTERS
            assert reply.enhanced == "" or reply.enhanced[0] == str(reply.kind)


@given(st.text())
def test_shown_has_no_control_character(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= SHOWN_CHARACTERS
