"""What single answers of mail systems mean: tests/corpus/replies holds them, each behind its reason."""

from pathlib import Path

import pytest

from balintmail.domain.judging import judge
from balintmail.domain.returns import Sentence

FOLDER = Path(__file__).parents[2] / "corpus" / "replies"


def lines(name: str) -> list[tuple[str, str]]:
    rows = (FOLDER / f"{name}.txt").read_text("utf-8").splitlines()
    return [(reason, words) for reason, _, words in (row.partition(" | ") for row in rows)]


@pytest.mark.parametrize(("reason", "words"), lines("dead"))
def test_answer_that_nobody_is_there_ends_an_address_S36(reason: str, words: str) -> None:
    judged = judge(words, lasting=True)
    assert (judged.sentence, judged.reason.value) == (Sentence.HARD, reason)


@pytest.mark.parametrize(("reason", "words"), lines("living"))
def test_other_answer_ends_no_address_S36(reason: str, words: str) -> None:
    judged = judge(words, lasting=True)
    assert judged.sentence in {Sentence.SOFT, Sentence.POLICY}
    assert judged.reason.value == reason


@pytest.mark.parametrize("words", [words for _, words in lines("dead")])
def test_nobody_is_dead_while_a_system_goes_on_trying_H29(words: str) -> None:
    assert judge(words, lasting=False).sentence is Sentence.IGNORE


@pytest.mark.parametrize(
    ("words", "without_marks"),
    [
        ("550 A címzett nem létezik", "550 A cimzett nem letezik"),
        ("550 Boîte aux lettres inconnue", "550 Boite aux lettres inconnue"),
        ("550 Użytkownik nie istnieje", "550 Uzytkownik nie istnieje"),
        ("552 Die Nachricht ist zu groß", "552 Die Nachricht ist zu gross"),
        ("550 O destinatário não existe", "550 O destinatario nao existe"),
    ],
)
def test_marks_on_letters_change_nothing(words: str, without_marks: str) -> None:
    assert judge(words) == judge(without_marks)
    assert judge(words).reason.value != "other"
