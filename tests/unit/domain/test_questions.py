"""The questions of a list's form: read from a file, answered, and kept."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.questions import Kind, Question, QuestionRefused, answer, dump, read, say, shown

WORK: dict[str, Any] = {
    "name": "work", "kind": "choices", "label": {"en": "Work?", "de": "Arbeit?"},
    "choices": ["GP", {"value": "h", "label": "Hospital"}],
}  # fmt: skip
HOW: dict[str, Any] = {"name": "how", "label": "How?"}


def one(**more: Any) -> Question:
    return read([{**HOW, **more}])[0]


def test_questions_survive_being_kept() -> None:
    found = read({"question": [WORK, {**HOW, "hint": "a word will do", "required": True}]})
    assert read(dump(found)) == found
    assert [each.kind for each in found] == [Kind.CHOICES, Kind.TEXT]


def test_empty_file_asks_nothing() -> None:
    assert read({}) == read([]) == ()


@pytest.mark.parametrize(
    "row",
    [
        {}, {"name": "X"}, {"name": "a b"}, {"name": "how"}, {**HOW, "kind": "menu"}, {**HOW, "choices": ["a"]},
        {**WORK, "choices": []}, {**WORK, "choices": ["a", "a"]}, {**WORK, "choices": ["a; b"]}, {**HOW, "labell": "x"},
        {**HOW, "label": "a\nb"}, {**HOW, "label": {"english please": "x"}}, {**HOW, "required": "yes"}, "how", 7, None,
        {**HOW, "label": "x" * 201}, {**WORK, "choices": "ab"}, {**WORK, "choices": [7]}, {**HOW, "name": "n" * 41},
    ],
)  # fmt: skip
def test_what_is_no_question_is_refused_with_its_reason(row: Any) -> None:
    with pytest.raises(QuestionRefused) as refused:
        read([row])
    assert "uestion" in refused.value.message


def test_two_of_a_name_and_too_many_are_refused() -> None:
    for rows in ([HOW, HOW], [{**HOW, "name": f"q{place}"} for place in range(13)], "text", {"questions": 7}, {"x": 1}):
        with pytest.raises(QuestionRefused):
            read(rows)


def test_words_are_said_in_the_nearest_language() -> None:
    (work,) = read([WORK])
    assert [say(work.label, tag) for tag in ("de", "de-AT", "fr", "en")] == ["Arbeit?", "Arbeit?", "Work?", "Work?"]
    assert say({"hu": "Hol?"}, "fr") == "Hol?"


def test_answers_are_checked_by_kind() -> None:
    (work,) = read([WORK])
    assert answer(work, ["h", "GP"]) == ("GP; h", None)
    assert shown(work, "GP; h", "en") == "GP, Hospital"
    assert answer(work, ["other"])[1] is not None
    single = one(kind="choice", choices=["a", "b"], required=True)
    assert [problem.code if (problem := answer(single, given)[1]) else "" for given in (["a"], ["a", "b"], [])] == [
        "", "choice", "choose",
    ]  # fmt: skip
    line = one(kind="line", required=True)
    assert answer(line, [" a  b "]) == ("a b", None)
    assert [p.code for given in (["a\nb"], ["x" * 201], [" "]) if (p := answer(line, given)[1])] == [
        "signs",
        "long",
        "answer",
    ]
    text = one()
    assert answer(text, ["a\r\nb"]) == ("a\nb", None)
    assert answer(text, []) == ("", None)


@given(st.lists(st.text(max_size=300), max_size=3), st.sampled_from(list(Kind)), st.booleans())
def test_no_answer_breaks_the_check(given_texts: list[str], kind: Kind, required: bool) -> None:
    choices = ["a", "b"] if kind in {Kind.CHOICE, Kind.CHOICES} else []
    question = one(kind=kind.value, required=required, **({"choices": choices} if choices else {}))
    kept, problem = answer(question, given_texts)
    assert problem is None or problem.code in {"choice", "choose", "long", "signs", "answer"}
    assert shown(question, kept, "en") is not None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_document_breaks_the_reading(document: Any) -> None:
    try:
        found = read(document)
    except QuestionRefused:
        return
    assert read(dump(found)) == found
