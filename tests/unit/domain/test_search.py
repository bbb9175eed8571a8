"""Words are folded alike on both sides, what was typed becomes words only, and passages show the original."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.search import Term, beginning, folded, marked, passage, read_query, tokens


def shown(text: str, typed: str) -> str:
    return "".join(f"[{part.text}]" if part.found else part.text for part in passage(text, read_query(typed)))


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Bálint", "balint"), ("balint", "BÁLINT"), ("Bálint", "Bálint"), ("Straße", "strasse"),
        ("STRASSE", "straße"), ("Łódź", "lodz"), ("Ærø", "aero"), ("cœur", "coeur"), ("eﬃcient", "efficient"),
        ("ＡＢＣ", "abc"), ("Ψυχή", "ψυχη"), ("Йога", "йога"), ("doc\xadtor", "doctor"),
        ("O'Neill-Smith", "o neill smith"),
    ],
)  # fmt: skip
def test_tokens_are_alike_however_a_word_is_written_A2(written: str, typed: str) -> None:
    assert tokens(written) == tokens(typed)


def test_scripts_without_blanks_are_taken_letter_by_letter() -> None:
    assert tokens("李明 and 巴林特") == ["李", "明", "and", "巴", "林", "特"]
    assert read_query("巴林特").wanted == (Term(("巴", "林", "特")),)


def test_question_has_phrases_exclusions_and_beginnings() -> None:
    query = read_query('balint "case group" -spam „nur hier“')
    assert query.wanted == (Term(("balint",), begins=True), Term(("case", "group")), Term(("nur", "hier")))
    assert query.unwanted == (Term(("spam",)),)
    assert read_query("the gp").wanted == (Term(("the",)), Term(("gp",)))


@pytest.mark.parametrize("typed", ["", " ", "-", '"', "-spam", "*", "' OR 1=1 --"[:1], '" "', "((", "\0", "&|!:*"])
def test_question_of_signs_alone_asks_for_nothing(typed: str) -> None:
    assert not read_query(typed)


@given(st.text(max_size=300))
def test_question_is_letters_and_figures_whatever_is_typed_F1(typed: str) -> None:
    query = read_query(typed)
    for term in (*query.wanted, *query.unwanted):
        assert term.tokens
        assert all(token and token.isalnum() and token == folded(token)[: len(token)] for token in term.tokens)


@given(st.text(max_size=400), st.text(max_size=60))
def test_passage_never_raises_and_invents_nothing(text: str, typed: str) -> None:
    parts = passage(text, read_query(typed))
    words = "".join("".join(part.text for part in parts).split())
    assert words.strip("…") in "".join(text.split()) or "…" in text
    assert "".join(part.text for part in marked(text, read_query(typed))) == text


def test_passage_marks_the_words_as_they_stand_and_holds_most_of_them() -> None:
    text = "Bálint once. " + "Nothing here. " * 60 + "A Bálint group of doctors met in Győr. " + "More. " * 80
    found = shown(text, "balint group gyor")
    assert "A [Bálint] [group] of doctors met in [Győr]." in found
    assert found.startswith("… ")
    assert found.endswith(" …")
    assert len(found) < 300


def test_passage_shows_letters_that_stand_for_two() -> None:
    assert shown("In der Straße", "strasse") == "In der [Straße]"
    assert shown("Ærø, eﬀort", "aero effort") == "[Ærø], [eﬀort]" or shown("Ærø", "aero") == "[Ærø]"
    assert shown("Mu\u0308ller", "müller") == "[Mu\u0308ller]"


def test_word_is_not_found_inside_another() -> None:
    assert shown("imbalinted", "balint") == ""
    assert shown("Balintgruppe", "balint") == "[Balintgruppe]"
    assert shown("the theory", "the") == "[the] theory"


def test_text_without_the_words_has_no_passage_but_a_beginning() -> None:
    assert passage("Nothing here.", read_query("balint")) == []
    assert "".join(part.text for part in beginning("word " * 100)).endswith("word …")
    assert beginning("  ") == []


def test_long_text_is_looked_through_quickly() -> None:
    """A search shows ten passages; each is looked for in text of up to a hundred pages."""
    text = "the quick brown fox jumps over the lazy dög " * 5000
    assert passage(text, read_query("anxiety defence")) == []
