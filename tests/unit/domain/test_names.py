"""First names out of names, and what is taken out of or refused in a name."""

import pytest

from balintmail.domain import names
from balintmail.domain.hygiene import TextRefused


@pytest.mark.parametrize(
    ("name", "language", "first"),
    [
        ("Bálint Mihály", "hu", "Mihály"),
        ("Bálint Mihály", None, "Mihály"),
        ("Bálint Mária", None, "Mária"),
        ("Dr Mária Bálint", None, "Mária"),
        ("Judit Sándor", None, "Judit"),
        ("dr. Kovács Anna Mária", "hu", "Anna"),
        ("Kovács Anna", None, "Anna"),
        ("Anna Kovács", None, "Anna"),
        ("Anna Kovács", "en", "Anna"),
        ("Nagyné Szabó Éva", "hu", "Éva"),
        ("Kovács Gábor dr.", "hu", "Gábor"),
        ("李 明", None, "明"),
        ("李明", "zh", "明"),
        ("王小明", None, "小明"),
        ("欧阳娜娜", None, "娜娜"),
        ("Li Ming", "zh", "Ming"),
        ("Ming Li", "en", "Ming"),
        ("김민준", None, "민준"),
        ("Nguyễn Thị Minh Khai", "vi", "Khai"),
        ("Hēmi Tūwhare", "mi", "Hēmi"),
        ("Ngāio Te Ātihau", None, "Ngāio"),
        ("Siobhán O'Neill-Smith", None, "Siobhán"),
        ("D'Arcy O’Neill", None, "D'Arcy"),
        ("Dr Priya Rao", None, "Priya"),
        ("Prof. Dr. med. Hans-Peter Müller", "de", "Hans-Peter"),
        ("Univ.-Prof. Dr. Eva Gruber", "de", "Eva"),
        ("Mme Hélène Dupont", "fr", "Hélène"),
        ("DUPONT Marie", "fr", "Marie"),
        ("Marie DUPONT", "fr", "Marie"),
        ("Smith, John", None, "John"),
        ("Smith, Dr John A.", None, "John"),
        ("Jane Smith, PhD", None, "Jane"),
        ("Jane Smith PhD", None, "Jane"),
        ("Jane Ma", None, "Jane"),
        ("J. R. Hartley", None, ""),
        ("J. Robert Hartley", None, "Robert"),
        ("Cher", None, "Cher"),
        ("O'Neill-Smith", None, "O'Neill-Smith"),
        ("Dr", None, ""),
        ("", None, ""),
        ("  ", None, ""),
    ],
)
def test_first_name_follows_the_order_of_the_name(name: str, language: str | None, first: str) -> None:
    assert names.first_name(name, language) == first


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("A1", "Anna\r\nBcc: x@example.org"),
        ("A2", "Anna\nB"),
        ("A3", "Anna\rB"),
        ("A4", "Anna\n B"),
        ("A9", "Anna\x0bB"),
        ("A10", "Anna\x0cB"),
        ("A11", "Anna\x1c\x1d\x1e\x1fB"),
        ("A12", "Anna\x85B"),
        ("A13", "Anna\u2028B"),
        ("A14", "Anna\u2029B"),
        ("A15", "Anna\0B"),
        ("A16", "Anna\ud800B"),
        ("A19", "a" * 10_000),
        ("A20", "a" * 998),
        ("A25", "e" + "\u0301\u0302" * 250),
    ],
)
def test_name_that_could_break_a_line_is_refused_with_a_reason_A(number: str, text: str) -> None:
    with pytest.raises(TextRefused) as refused:
        names.clean(text)
    assert refused.value.reason


@pytest.mark.parametrize(
    ("number", "text", "clean"),
    [
        ("A5", "Anna%0d%0aBcc", "Anna%0d%0aBcc"),
        ("A6", "=?utf-8?q?a=0ABcc?=", "=?utf-8?q?a=0ABcc?="),
        ("A17", "Anna\u202egro.elpmaxe", "Annagro.elpmaxe"),
        ("A18", "An\u200bna \u2060B", "Anna B"),
        ("A18", "می\u200cخواهم", "می\u200cخواهم"),
        ("A21", "   \t \u3000", ""),
        ("A22", "From: Anna", "From: Anna"),
        ("A23", "", ""),
        ("A24", "Anna =?utf-8?q?", "Anna =?utf-8?q?"),
        ("A26", "\ufeffAnna", "Anna"),
        ("A", "  Anna\t\u00a0 Kova\u0301cs ", "Anna Kovács"),
    ],
)
def test_name_is_cleaned_of_what_nobody_sees_A(number: str, text: str, clean: str) -> None:
    assert names.clean(text) == clean
