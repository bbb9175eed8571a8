"""For any source: a compiled letter, or a LetterError with a line; never another exception."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.inert import Vocabulary, new_table
from balintmail.composing.letter import decode, parse_letter
from balintmail.composing.merge import Merger
from balintmail.composing.refusals import ComposingError, LetterError
from balintmail.composing.subset import weave
from tests.support.composing import AROUND, KEYS, assert_well_formed, reader, source

PIECES = st.sampled_from(
    [
        "{{ person.name }}",
        "{{ person.town|default('x') }}",
        "{{ ",
        " }}",
        "{% if person.member %}",
        "{% else %}",
        "{% elif person.town == 'x' %}",
        "{% endif %}",
        "{# x #}",
        "{#x}",
        "{.c}",
        "\n",
        "\n\n",
        "- ",
        "> ",
        "1. ",
        "# ",
        "| a | b |\n|---|---|\n",
        "| ",
        "[x](",
        "https://x.example.org",
        ")",
        "![",
        "[^1]",
        "\n[^1]: ",
        "**",
        "`",
        "```\n",
        "    ",
        "Term\n: ",
        "~~",
        "<b>",
        "javascript:",
        "é",
        "word ",
    ]
)
SOURCES = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


@settings(max_examples=400, deadline=None)
@given(SOURCES)
def test_weaving_never_raises_and_keeps_its_lines(text: str) -> None:
    table = new_table(Vocabulary(frozenset({"town"})), text)
    woven = weave(text, table)
    assert len(woven.lines) == woven.text.count("\n") + 1
    assert list(woven.lines) == sorted(woven.lines)
    total = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert all(1 <= problem.line <= total for problem in table.problems)


def compiled_or_line(body: str) -> Compiled | int:
    try:
        return compile_letter(parse_letter(source(body), Path("/nowhere"), "n.md"), AROUND)
    except LetterError as refused:
        return refused.line


@settings(max_examples=120, deadline=None)
@given(SOURCES)
def test_any_body_compiles_or_is_refused_with_a_line(body: str) -> None:
    compiled = compiled_or_line(body)
    if isinstance(compiled, int):
        assert compiled > 0
        return
    for member in (True, False):
        assert_well_formed(Merger(compiled, KEYS).compose(reader(member=member)).data)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_any_front_matter_is_read_or_refused(front: str) -> None:
    try:
        parse_letter(source("x", front), Path(), "n.md")
    except ComposingError:
        return


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_are_text_or_refused(raw: bytes) -> None:
    try:
        parse_letter(decode(raw, "n.md"), Path(), "n.md")
    except LetterError:
        return
