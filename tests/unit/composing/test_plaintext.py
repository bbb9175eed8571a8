"""The text part: good to read by itself, tokens untouched, nothing lost, never an exception."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it.token import Token

from balintmail.composing.look import read_words
from balintmail.composing.plaintext import body_text
from balintmail.composing.wrapping import WIDTH, columns, wrap
from balintmail.resources import templates_folder
from tests.support.markdown import reader

WORDS = read_words((templates_folder(),), "en")
IF, ELSE, END = "qabcdefi0001z", "qabcdefe0001z", "qabcdefx0001z"


def text(markdown: str) -> str:
    return body_text(reader().parse(markdown), WORDS)


def merged(rendered: str, *, truth: bool) -> str:
    """Do what merging does with one condition."""
    pattern = re.compile(f"{IF}(.*?)(?:{ELSE}(.*?))?{END}", re.DOTALL)
    return pattern.sub(lambda found: (found[1] if truth else found[2]) or "", rendered)


def test_paragraphs_are_wrapped_at_72_columns() -> None:
    lines = text("word " * 100).splitlines()
    assert len(lines) > 6
    assert max(map(len, lines)) <= WIDTH


def test_headings_are_underlined() -> None:
    assert text("## Meetings\n\nSoon.") == "Meetings\n--------\n\nSoon."
    assert text("### Smaller\n\nSoon.") == "Smaller\n\nSoon."


def test_heading_with_a_value_is_underlined_over_the_whole_width() -> None:
    assert text("## Welcome, qabcdefv0001z\n\nSoon.") == f"Welcome, qabcdefv0001z\n{'-' * WIDTH}\n\nSoon."


def test_link_stands_behind_its_words() -> None:
    assert text("See [the page](https://x.example.org/a).") == "See the page <https://x.example.org/a>."


def test_link_whose_words_are_its_address_stands_once() -> None:
    assert text("<https://x.example.org/>") == "https://x.example.org/"
    assert text("[x.example.org](https://x.example.org)") == "https://x.example.org"
    assert text("[tell us](mailto:secretary@example.org)") == "tell us <secretary@example.org>"
    assert text("<secretary@example.org>") == "secretary@example.org"


def test_long_address_is_never_broken() -> None:
    address = "https://x.example.org/" + "a-b" * 60
    assert address in text(f"Look at [this page]({address}) soon.")


def test_picture_is_its_words_and_none_without() -> None:
    assert text("![Nine chairs](cid:x)") == "[Picture: Nine chairs]"
    assert text("Before\n\n![](cid:x)\n\nAfter") == "Before\n\nAfter"


def test_quotation_keeps_its_mark_on_every_line() -> None:
    lines = text("> " + "word " * 40 + "\n>\n> Somebody").splitlines()
    assert all(line.startswith(">") for line in lines)
    assert lines[-2:] == [">", "> Somebody"]


def test_lists_hang_and_nest() -> None:
    assert text("- one\n- two\n  - inner\n\n1. first\n2. second") == ("* one\n* two\n  * inner\n\n1. first\n2. second")
    assert text("7. seven\n8. eight") == "7. seven\n8. eight"
    assert text("- one\n\n- two") == "* one\n\n* two"


def test_footnotes_are_kept_at_the_end() -> None:
    assert text("Said.[^a]\n\n[^a]: The *book*.") == "Said. [1]\n\nNotes\n-----\n\n[1] The _book_."


def test_definition_list_is_indented() -> None:
    assert text("Term\n:   Meaning") == "Term\n    Meaning"


def test_narrow_table_is_aligned() -> None:
    assert text("| When | Pounds |\n|---|---:|\n| 14 January | 5 |\n| May | 120 |") == (
        "When        Pounds\n----------  ------\n14 January       5\nMay            120"
    )


def test_wide_table_becomes_facts() -> None:
    rendered = text(f"| When | What |\n|---|---|\n| May | {'long ' * 20}|\n| June | short |")
    assert rendered.startswith("When  May\nWhat  long long")
    assert rendered.endswith("When  June\nWhat  short")
    assert max(map(len, rendered.splitlines())) <= WIDTH


def test_table_with_a_value_yet_to_come_becomes_facts() -> None:
    rendered = text("| Who | What |\n|---|---|\n| qabcdefv0001z | tea |")
    assert rendered == "Who   qabcdefv0001z\nWhat  tea"


def test_table_with_wide_letters_is_aligned_by_columns() -> None:
    lines = text("| A | B |\n|---|---|\n| 李明 | x |\n| ab | y |").splitlines()
    assert {columns(line[: line.index(mark)]) for line, mark in zip(lines[2:], "xy", strict=True)} == {6}


def test_button_is_a_link() -> None:
    assert text("[Book it](https://x.example.org){.button}") == "Book it <https://x.example.org>"


def test_html_of_the_author_leaves_its_words() -> None:
    assert text("<div>Some <b>bold</b> &amp; more</div>") == "Some bold & more"
    assert text("a<br>b") == "a\nb"
    assert text("<!-- unseen -->\n\nseen") == "seen"


@pytest.mark.parametrize("truth", [True, False])
def test_block_condition_leaves_no_hole(truth: bool) -> None:
    rendered = text(f"A\n\n{IF}\n\nB1\n\nB2\n\n{ELSE}\n\nC\n\n{END}\n\nD")
    assert merged(rendered, truth=truth) == ("A\n\nB1\n\nB2\n\nD" if truth else "A\n\nC\n\nD")


def test_block_condition_at_the_end_takes_its_part_along() -> None:
    rendered = text(f"A\n\n{IF}\n\nB\n\n{END}")
    assert merged(rendered, truth=True) == "A\n\nB"
    assert merged(rendered, truth=False).rstrip() == "A"


def test_members_part_says_whom_it_is_for() -> None:
    rendered = text(f'A\n\n{IF}\n\n<div class="members">\n\nB\n\n</div><!--members-->\n\n{END}\n\nC')
    assert merged(rendered, truth=True) == "A\n\n[For members]\n\nB\n\nC"
    assert merged(rendered, truth=False) == "A\n\nC"


def _table_with_a_conditional_row(last: bool, wide: str) -> str:
    tokens = reader().parse(f"| a | b |\n|---|---|\n| c | {wide}d |\n| e | {wide}f |\n| g | {wide}h |")
    rows = [at for at, token in enumerate(tokens) if token.type in {"tr_open", "tr_close"}]
    first, end = (rows[6], rows[7]) if last else (rows[4], rows[5])
    tokens.insert(end + 1, Token("merge", "", 0, content=END))
    tokens.insert(first, Token("merge", "", 0, content=IF))
    return body_text([*tokens, *reader().parse("After")], WORDS)


@pytest.mark.parametrize("last", [True, False])
def test_conditional_row_goes_with_its_line(last: bool) -> None:
    rendered = _table_with_a_conditional_row(last, "")
    rest = ["c  d", "e  f" if last else "g  h"]
    assert merged(rendered, truth=False).splitlines() == ["a  b", "-  -", *rest, "", "After"]
    assert merged(rendered, truth=True).splitlines() == ["a  b", "-  -", "c  d", "e  f", "g  h", "", "After"]


def test_conditional_row_of_facts_goes_with_its_group() -> None:
    rendered = _table_with_a_conditional_row(False, "word " * 20)
    assert "\n\n\n" not in merged(rendered, truth=False)
    assert "a  e" not in merged(rendered, truth=False)
    assert merged(rendered, truth=True).count("\n\na  ") == 2


def test_condition_inside_a_line_stays_inside() -> None:
    assert text(f"It costs {IF}£210{ELSE}£260{END} a head.") == f"It costs {IF}£210{ELSE}£260{END} a head."


def test_no_break_space_holds_words_together() -> None:
    assert wrap("a" * 70 + " 14\u00a0May") == ["a" * 70, "14\u00a0May"]


def test_scripts_without_spaces_are_wrapped_by_columns() -> None:
    assert max(map(columns, wrap("李" * 100))) <= WIDTH


_PIECES = st.sampled_from(
    "#|##|- |1. |> |\n\n|\n|*|**|`|~~|[x](https://a.example.org)|![alt](cid:1)|[^1]|\n[^1]: note\n|word| |:   |---\n|"
    f"<b>|</div>|<!--|```\n|\t|{{.button}}|{IF}|{ELSE}|{END}|qabcdefv0002z|李|\u00a0|&amp;|\\|<br>".split("|")
) | st.just("| a | b |\n|---|---|\n| c | d |\n")


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=40).map("".join))
def test_no_markdown_raises(markdown: str) -> None:
    text(markdown)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_text_raises(markdown: str) -> None:
    text(markdown)


_word = st.from_regex(r"[a-z]{2,9}", fullmatch=True)
_words = st.lists(_word, min_size=1, max_size=12).map(" ".join)


_SHAPES = st.sampled_from(
    ["{}", "## {}", "- {}", "> {}", "1. {}", "**{}**", "| h | {} |\n|---|---|\n| a | {} |", "{}[^n]\n\n[^n]: {}"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_SHAPES, _words), min_size=1, max_size=8))
def test_every_visible_word_of_the_source_is_in_the_text(parts: list[tuple[str, str]]) -> None:
    rendered = text("\n\n".join(shape.replace("{}", words) for shape, words in parts))
    seen = set(re.findall(r"[a-z]+", rendered))
    assert {word for _, words in parts for word in words.split()} <= seen


@settings(max_examples=200, deadline=None)
@given(st.lists(st.from_regex(r"q[a-z2-7]{6}[vu][0-9]{4}z", fullmatch=True), min_size=1, max_size=20))
def test_tokens_are_untouched(tokens: list[str]) -> None:
    rows = "".join(f"| {t} | [{t}](https://x.example.org/{t}) |\n" for t in tokens)
    rendered = text(" ".join(tokens) + "\n\n| a | b |\n|---|---|\n" + rows)
    for token in tokens:
        assert rendered.count(token) >= 4
