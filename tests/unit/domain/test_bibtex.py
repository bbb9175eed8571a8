"""BibTeX as people and programs write it: read, or refused with its line; nothing makes the reader raise otherwise."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.bibtex import BibtexRefused, Entry, parse

WRITTEN = """Notes from a@b.example stand between entries.
@string{rou = "Routledge"}
@comment{ @book{not, title = {this}} }
@preamble{"\\newcommand{\\x}{y}"}
@Book{otten2018,
  Author = {Otten, H.},
  title = "The {Theory} of {"}it{"}", % a word
  publisher = rou # ", " # {London},
  year = 2018,
}
@misc(second, month = mar)
@online{bare}
"""


def test_parse_reads_entries_with_strings_joins_comments_and_both_brackets() -> None:
    first, second, bare = parse(WRITTEN)
    assert first == Entry(
        "book",
        "otten2018",
        5,
        {"author": "Otten, H.", "title": 'The {Theory} of {"}it{"}', "publisher": "Routledge, London", "year": "2018"},
    )
    assert (second.kind, second.fields) == ("misc", {"month": "3"})
    assert bare == Entry("online", "bare", 12)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("@book{a,\n title = {never closed}", 1, "never closed"),
        ("\n@book{a, title = {x}", 2, "closed"),
        ('@book{a, title = "x', 1, "quotation mark"),
        ("@book{a, title = {x}\n year = 3}", 2, "comma is missing"),
        ("@book{a, title = }", 1, "value is missing"),
        ("@book{a title = {x}}", 1, "key and a comma"),
        ("@book{a,\n title = {x", 1, "a brace is never closed"),
        ("@book{a, title = " + "{" * 100 + "}" * 101, 1, "braces stand in each other"),
    ],
)
def test_parse_refuses_what_is_broken_and_names_the_line(text: str, line: int, why: str) -> None:
    with pytest.raises(BibtexRefused, match=why) as found:
        parse(text)
    assert found.value.line == line


@pytest.mark.parametrize(
    "hostile", ["@a{" * 50_000, "@" * 200_000, "@a{b,c={" + "{}" * 200_000, "@a{b," + "c=d," * 100_000 + "}"]
)
def test_parse_takes_bounded_time_on_what_is_hostile(hostile: str) -> None:
    begun = time.process_time()
    with contextlib.suppress(BibtexRefused):
        parse(hostile)
    assert time.process_time() - begun < 3


@given(st.text(alphabet='@{}(),="%#\\ \nabcook1', max_size=200))
def test_parse_raises_nothing_but_its_refusal(text: str) -> None:
    with contextlib.suppress(BibtexRefused):
        assert all(one.line >= 1 for one in parse(text))
