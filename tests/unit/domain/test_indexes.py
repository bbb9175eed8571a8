"""Under which letter names and titles stand."""

import pytest

from balintmail.domain.indexes import OTHERS, initial, sorting_title


@pytest.mark.parametrize(
    ("text", "letter"),
    [("Bálint", "B"), ("Łódź", "L"), ("ős", "O"), ("„Zitat“", "Z"), ("Ωmega", "Ω"), ("50 years", OTHERS),
     ("李 明", OTHERS), ("", OTHERS), ("…", OTHERS), ("ßtraße", "S"), ("\u202eabc", "A")],
)  # fmt: skip
def test_initial_is_a_folded_letter_or_stands_with_the_others(text: str, letter: str) -> None:
    assert initial(text) == letter


@pytest.mark.parametrize(
    ("title", "language", "key"),
    [("The Doctor", "en", "doctor"), ("Die Gruppe", "de", "gruppe"), ("Die Gruppe", "en", "die gruppe"),
     ("L’enfant", "fr", "enfant"), ("A csoport", "hu", "csoport"), ("The", "en", "the"), ("«Le Cas»", "fr-CH", "cas»")],
)  # fmt: skip
def test_title_is_sorted_without_the_article_of_its_language(title: str, language: str, key: str) -> None:
    assert sorting_title(title, language) == key
