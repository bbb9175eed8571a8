"""The facts of a system mail, written in four languages, and lists unrolled."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from balintmail.composing.facts import Reader, names_of, shape_of, unrolled, written
from balintmail.composing.look import read_words
from balintmail.composing.refusals import SyntaxRefused
from balintmail.domain.notices import Fact, NoticeKind, Plain, Word
from balintmail.resources import templates_folder

MOMENT = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)  # past midnight in London
SAMPLE: dict[str, Plain] = {"name": "Jane", "at": MOMENT}
LISTED = NoticeKind(facts={"count": 1, "rows": (SAMPLE,)})


def say(language: str, zone: str = "Europe/London", **facts: Fact) -> dict[str, str]:
    words = read_words((templates_folder(),), language)
    return {
        name.removeprefix("notice."): text
        for name, text in written(facts, Reader(language, ZoneInfo(zone), words)).items()
    }


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "2 July 2026, 00:30 (London)"),
        ("de", "2. Juli 2026, 00:30 (London)"),
        ("fr", "2 juillet 2026, 00:30 (Londres)"),
        ("hu", "2026. július 2., 00:30 (London)"),
        ("xx", "2 July 2026, 00:30 (London)"),
    ],
)
def test_moment_is_written_in_the_society_s_zone_and_the_reader_s_language(language: str, expected: str) -> None:
    assert say(language, at=MOMENT)["at"] == expected
    assert say(language, at=MOMENT)["at.day"] == expected.rpartition(", ")[0]
    assert say(language, on=date(2026, 7, 2))["on"] == expected.rpartition(", ")[0]


@pytest.mark.parametrize(
    ("language", "number", "form", "text"),
    [
        ("en", 0, "other", "0"),
        ("en", 1, "one", "1"),
        ("fr", 0, "one", "0"),
        ("fr", 1_000_000, "many", "1\u202f000\u202f000"),
        ("de", 12_345, "other", "12.345"),
        ("hu", 1, "one", "1"),
        ("pl", 3, "few", "3"),
    ],
)
def test_number_brings_its_plural_form_by_the_language_s_rules(
    language: str, number: int, form: str, text: str
) -> None:
    found = say(language, count=number)
    assert (found["count"], found["count.plural"]) == (text, form)


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", "“News”, “Groups” and “Weekends”"),
        ("de", "„News“, „Groups“ und „Weekends“"),
        ("fr", "«\u00a0News\u00a0», «\u00a0Groups\u00a0» et «\u00a0Weekends\u00a0»"),
        ("hu", "„News”, „Groups” és „Weekends”"),
    ],
)
def test_texts_are_quoted_and_joined_as_the_language_does(language: str, expected: str) -> None:
    assert say(language, lists=["News", "Groups", "Weekends"])["lists"] == expected
    assert say(language, lists=[])["lists"] == ""


@pytest.mark.parametrize(
    ("span", "english", "hungarian"),
    [
        (timedelta(0), "0 seconds", "0 másodperc"),
        (timedelta(seconds=119), "119 seconds", "119 másodperc"),
        (timedelta(seconds=120), "2 minutes", "2 perc"),
        (timedelta(hours=1), "1 hour", "1 óra"),
        (timedelta(hours=30, minutes=5), "30 hours and 5 minutes", "30 óra és 5 perc"),
    ],
)
def test_span_is_written_in_hours_and_minutes(span: timedelta, english: str, hungarian: str) -> None:
    assert say("en", took=span)["took"] == english
    assert say("hu", took=span)["took"] == hungarian


def test_word_is_read_in_the_reader_s_language_and_a_yes_stays_a_yes() -> None:
    assert say("de", why=Word("skip_bounced"), yes=True, no=False) == {"why": "unzustellbar", "yes": "yes", "no": ""}


def test_lists_of_rows_have_a_shape_and_names_of_their_own() -> None:
    facts: dict[str, Fact] = {"count": 2, "rows": [{**SAMPLE, "name": "A"}, {**SAMPLE, "name": "B"}]}
    assert shape_of(LISTED, facts) == (("rows", 2),)
    assert shape_of(LISTED, {}) == (("rows", 0),)
    known = names_of(LISTED, (("rows", 2),))
    assert set(written(facts, Reader("en", ZoneInfo("UTC"), {}))) == known
    assert "notice.rows.row2.at.day" in known
    assert not any("row1" in name for name in names_of(LISTED, (("rows", 0),)))


BODY = """Before one.name

{% for one in notice.rows %}
- {{ one.name }}{% if one.at %}, {{ one.at.day }}{% endif %}, one.name, {{ someone.name }}
{% endfor %}

After
"""


def test_unrolled_repeats_what_stands_between_for_each_row_and_nothing_else() -> None:
    line = "- {{ notice.rows.rowN.name }}{% if notice.rows.rowN.at %}, {{ notice.rows.rowN.at.day }}{% endif %}"
    tail = ", one.name, {{ someone.name }}\n"
    whole = "".join(line.replace("rowN", f"row{number}") + tail for number in (1, 2))
    assert unrolled(BODY, (("rows", 2),)) == f"Before one.name\n\n{whole}\nAfter\n"
    assert unrolled(BODY, (("rows", 0),)) == "Before one.name\n\n\nAfter\n"


def test_unrolled_refuses_a_list_that_there_is_none_of_by_its_line() -> None:
    with pytest.raises(SyntaxRefused, match=r'no list "notice\.rows"') as refused:
        unrolled(BODY, ())
    assert refused.value.line == 3
