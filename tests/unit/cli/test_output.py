"""What reaches the terminal: aligned, safe against data that would drive it (J13), coloured only where that helps."""

import fcntl
import io
import os
import pty
import struct
import termios

import pytest

from balintmail.cli.output import Output, Tone, cut, display_width, printable


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_control_characters_are_shown_and_not_obeyed_J13() -> None:
    assert printable("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m"
    assert printable("title\x07\x1b]0;evil\x07") == "title\\x07\\x1b]0;evil\\x07"
    assert printable("a\rb") == "a\\rb"
    assert printable("a\x9b31mb") == "a\\x9b31mb"
    assert printable("a\u202eb") == "a\\u202eb"
    assert printable("a\0b") == "a\\x00b"
    assert printable("a\udc80b") == "a\\udc80b"


@pytest.mark.parametrize("text", ["Bálint Mihály", "O'Neill-Smith", "李 明", "Whangārei", "a\tb", "a\nb"])
def test_names_of_people_are_left_alone(text: str) -> None:
    assert printable(text) == text


def test_a_cell_cannot_break_its_row_J13() -> None:
    out = io.StringIO()
    Output(json=False, stdout=out).table(("name", "town"), [("one\ntwo\tthree", "x")])
    assert len(out.getvalue().splitlines()) == 2


def test_columns_are_aligned_by_what_a_terminal_shows() -> None:
    out = io.StringIO()
    Output(json=False, stdout=out).table(("name", "n"), [("李 明", 5), ("Bálint", 10), ("e\u0301", 1)])
    assert out.getvalue().splitlines() == ["name     n", "李 明    5", "Bálint  10", "e\u0301        1"]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("李明", 4), ("e\u0301", 1), ("", 0), ("👩", 2)])
def test_display_width(text: str, width: int) -> None:
    assert display_width(text) == width


def test_colour_only_on_a_terminal_and_never_under_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for stream, variable, coloured in ((io.StringIO(), "", False), (Terminal(), "", True), (Terminal(), "1", False)):
        if variable:
            monkeypatch.setenv("NO_COLOR", variable)
        Output(json=False, stdout=stream).line("stop", Tone.STOP)
        assert ("\x1b[" in stream.getvalue()) is coloured
        assert "stop" in stream.getvalue()


def test_json_prints_one_document_and_nothing_else() -> None:
    out, err = io.StringIO(), io.StringIO()
    output = Output(json=True, stdout=out, stderr=err)
    output.line("for people")
    output.table(("a",), [("b",)])
    output.json({"name": "Győr"})
    output.note("to the other stream")
    assert out.getvalue() == '{\n  "name": "Győr"\n}\n'
    assert err.getvalue() == "to the other stream\n"


def test_unclear_answer_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["perhaps", "Yes"])
    monkeypatch.setattr(Output, "interactive", True)
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))
    shown = io.StringIO()
    assert Output(json=False, stdout=shown).confirm("Really?") is True
    assert shown.getvalue() == "Type y for yes, n for no.\n"


def test_off_a_terminal_the_answer_is_no() -> None:
    assert Output(json=False, stdout=io.StringIO()).confirm("Really?") is False


def test_page_is_as_wide_as_the_terminal_it_goes_to() -> None:
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
    with os.fdopen(leader, "rb"), os.fdopen(follower, "w") as terminal:
        assert Output(json=False, stdout=terminal).columns == 72


def test_page_that_goes_into_a_file_minds_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert Output(json=False, stdout=io.StringIO()).columns == 120


@pytest.mark.parametrize(
    "text", ["short", "ten signs.", "eleven sign", "one two three four", "\u674e\u660e" * 9, "e\u0301" * 30]
)
def test_long_text_is_cut_to_its_columns_and_says_so(text: str) -> None:
    found = cut(text, 10)
    assert display_width(found) <= 10
    assert found == text or found.endswith("\N{HORIZONTAL ELLIPSIS}")
    assert (found == text) == (display_width(text) <= 10)
