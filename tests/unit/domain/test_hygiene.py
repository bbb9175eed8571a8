"""What is cleaned and what is refused in texts that somebody typed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.hygiene import TextRefused, language, one_line, own_field, paragraphs


@given(st.text())
def test_one_line_gives_one_clean_line_or_a_reason(text: str) -> None:
    try:
        line = one_line(text, what="the text")
    except TextRefused:
        return
    assert line == one_line(line, what="the text")
    assert not {unicodedata.category(letter) for letter in line} & {"Cc", "Cs", "Zl", "Zp"}
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")


@given(st.text())
def test_paragraphs_have_plain_line_ends_only(text: str) -> None:
    try:
        body = paragraphs(text, what="the text")
    except TextRefused:
        return
    assert "\r" not in body
    assert body == paragraphs(body, what="the text")


@pytest.mark.parametrize(
    ("text", "tag"), [("HU", "hu"), ("en-nz", "en-NZ"), ("zh-hans-cn", "zh-Hans-CN"), (" mi", "mi")]
)
def test_language_is_spelled_as_usual(text: str, tag: str) -> None:
    assert language(text) == tag


@pytest.mark.parametrize("text", ["", "h", "english please", "en_GB", "en\n", "-", "日本"])
def test_language_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(TextRefused):
        language(text)


@pytest.mark.parametrize(
    ("name", "key"), [("City", "city"), ("paid on", "paid_on"), ("Város", "város"), ("a-b", "a_b")]
)
def test_field_names_can_be_used_in_letters_and_filters(name: str, key: str) -> None:
    assert own_field(name, " x ") == (key, "x")


@pytest.mark.parametrize("name", ["", "1a", "_x", "a.b", "a'b", 'a"b', "a" * 41, "a\nb", "{{ x }}"])
def test_field_name_that_no_filter_could_say_is_refused_F6(name: str) -> None:
    with pytest.raises(TextRefused):
        own_field(name, "x")
