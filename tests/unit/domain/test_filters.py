"""Reading the filter language: its tree, errors and limits. What SQL makes of it: tests/property/test_filters.py."""

from datetime import date

import pytest

from balintmail.domain.filters import And, Comparison, Field, FilterError, Not, Number, Operator, Or, Own, parse


def test_parse_of_the_issues_example_gives_three_conditions() -> None:
    assert parse('member and language = "hu" and joined < 2025-01-01') == And(
        (
            Comparison(Field.MEMBER, Operator.EQUAL, (True,)),
            Comparison(Field.LANGUAGE, Operator.EQUAL, ("hu",)),
            Comparison(Field.JOINED, Operator.LESS, (date(2025, 1, 1),)),
        )
    )


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    member = Comparison(Field.MEMBER, Operator.EQUAL, (True,))
    named = Comparison(Field.NAME, Operator.EQUAL, ("x",))
    assert parse('member or not member and name = "x"') == Or((member, And((Not(member), named))))
    assert parse('(member OR NOT member) AND name = "x"') == And((Or((member, Not(member))), named))


def test_unequal_is_exactly_not_equal() -> None:
    assert parse('language != "hu"') == Not(Comparison(Field.LANGUAGE, Operator.EQUAL, ("hu",)))
    assert parse('language not in ("hu", "de")') == Not(Comparison(Field.LANGUAGE, Operator.IN, ("hu", "de")))


def test_own_fields_are_known_by_bare_name_or_with_prefix() -> None:
    expected = Comparison(Own("dues"), Operator.GREATER_EQUAL, (Number("20"),))
    assert parse("dues >= 20", own_fields=lambda: ["dues"]) == expected
    assert parse("fields.dues >= 20", own_fields=lambda: ["dues"]) == expected
    assert parse("fields.dues >= 20") == expected


def test_texts_take_either_quotes_and_escapes() -> None:
    assert parse(r"""name = "a\"b" """) == Comparison(Field.NAME, Operator.EQUAL, ('a"b',))
    assert parse("name = 'O\\'Neill'") == Comparison(Field.NAME, Operator.EQUAL, ("O'Neill",))
    assert parse("name = „Bálint“") == Comparison(Field.NAME, Operator.EQUAL, ("Bálint",))


@pytest.mark.parametrize(
    ("text", "position", "hint"),
    [
        ('langage = "hu"', 1, "Nearest: language"),
        ('member and frist_name = "x"', 12, "Nearest: first_name"),
        ('city = "x"', 1, "Nearest: cty"),
        ("language = hu", 12, 'Write: "hu"'),
        ("language = 7", 12, 'Write: "7"'),
        ('joined < "2025-01-01"', 10, ""),
        ("joined < 2025-02-30", 10, ""),
        ("joined < 0001-01-01", 10, ""),
        ("joined < 9999-12-31", 10, ""),
        ("(member", 8, ""),
        ("member)", 7, ""),
        ("member and", 11, ""),
        ("and member", 1, ""),
        ('name "x"', 6, ""),
        ('name = "x', 8, ""),
        ("name = ", 8, ""),
        ('list = "newsleter"', 8, "Nearest: newsletter"),
        ('list < "newsletter"', 1, ""),
        ("member = 1", 10, ""),
        ("name contains 3", 15, 'Write: "3"'),
        ("language in ()", 14, ""),
        ("language in", 12, ""),
        ("id = 1.5", 6, ""),
        ("", 1, ""),
        ("   ", 1, ""),
        ("member; member", 7, ""),
    ],
)
def test_error_names_position_and_nearest_name(text: str, position: int, hint: str) -> None:
    with pytest.raises(FilterError) as wrong:
        parse(text, own_fields=lambda: ["cty"], lists=lambda: ["newsletter"])
    assert wrong.value.position == position
    assert f"character {position}" in wrong.value.message
    assert wrong.value.hint.startswith(hint)


@pytest.mark.parametrize(
    "text",
    [
        "' OR 1=1--",
        "name = '' OR 1=1--",
        "name = 'x'; DROP TABLE people",
        "WITH x AS (DELETE FROM people RETURNING *) SELECT 1",
        "people.name = 'x'",
        "name = name",
        "erased_at = 2025-01-01",
        'name = "x" ORDER BY id',
    ],
)
def test_sql_in_a_filter_is_refused_F1_F4_F5_F6_F7(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        " or ".join(["member"] * 10_000),
        " or ".join(["member"] * 300),
        "(" * 31 + "member" + ")" * 31,
        "not " * 31 + "member",
        f"language in ({', '.join(['1'] * 500)})",
    ],
)
def test_filter_that_is_too_long_or_too_deep_is_refused_F8(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


@pytest.mark.parametrize("digits", ["9" * 16, "-" + "9" * 40, "9" * 15 + ".5"])
def test_number_that_no_database_holds_is_refused_F9(digits: str) -> None:
    with pytest.raises(FilterError):
        parse(f"id = {digits}")


@pytest.mark.parametrize("letter", ["\0", "\n", "\ud800", "\u2028", "\x1b"])
def test_text_with_control_characters_is_refused_F10(letter: str) -> None:
    with pytest.raises(FilterError):
        parse(f'name = "a{letter}b"')
