"""The few forms a letter may use: everything else is refused with its line, its text and the nearest name."""

from pathlib import Path

import pytest

from balintmail.composing.inert import Vocabulary, new_table
from balintmail.composing.letter import parse_letter
from balintmail.composing.refusals import FieldUnknown, LetterError, SyntaxRefused
from balintmail.composing.subset import weave
from tests.support.composing import merger, reader, source

NAMES = Vocabulary(frozenset({"town", "Home town"}), {"list.name": "News", "mailing.number": "84"})


def problems(text: str) -> list[LetterError]:
    table = new_table(NAMES, text)
    weave(text, table)
    return table.problems


def test_unknown_field_says_line_text_and_nearest_name_E8() -> None:
    with pytest.raises(FieldUnknown) as caught:
        merger("Hello.\n\nDear {{ person.fistname }},\n", front="title: T\nnumber: 1")
    assert caught.value.message == 'newsletter.md, line 7: there is no field "person.fistname".'
    assert caught.value.hint == "Nearest: person.first_name."
    assert (caught.value.file, caught.value.line) == ("newsletter.md", 7)


def test_every_fault_of_a_letter_is_found_in_one_reading() -> None:
    with pytest.raises(LetterError) as caught:
        merger("{{ person.nme }}\n{{ list.nme }}\n{% for x in y %}\n[a](javascript:x)")
    found = [caught.value, *caught.value.others]
    assert [problem.line for problem in found] == [6, 7, 8, 9]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("person.firstname", "person.first_name"),
        ("Person.name", "person.name"),
        ("persn.name", "person.name"),
        ("person.twon", "person.town"),
        ("mailing.nummer", "mailing.number"),
        ("urls.unsubscibe", "urls.unsubscribe"),
        ("url.unsubscribe", "urls.unsubscribe"),
    ],
)
def test_nearest_name_is_the_one_that_was_meant(wrong: str, right: str) -> None:
    assert NAMES.nearest(wrong) == right


def test_field_of_people_that_nobody_has_is_unknown() -> None:
    assert problems("{{ person.town }} {{ person['Home town'] }}") == []
    assert isinstance(problems("{{ person.village }}")[0], FieldUnknown)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ person.__class__ }}",
        "{{ person.name.__class__ }}",
        "{{ config }}",
        "{{ config.items() }}",
        "{{ request.application }}",
        "{{ self }}",
        "{{ self.__init__ }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum() }}",
        "{{ person|attr('name') }}",
        "{{ '%s'|format(person) }}",
        "{{ '{0.__class__}'.format(person) }}",
        "{{ range(10**9) }}",
        "{{ range(10**9)|list }}",
        "{{ 'a'*10**9 }}",
        "{{ 10**10**10 }}",
        "{% macro f() %}{{ f() }}{% endmacro %}",
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% set x = 1 %}",
        "{% for x in person %}{% endfor %}",
        "{% raw %}x{% endraw %}",
        "{% call x() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% block x %}{% endblock %}",
        "{{ person.name|upper }}",
        "{{ person.name if person.member else '' }}",
        "{{ person.name ~ person.name }}",
        "{{ person.name, person.town }}",
        "{{ [person.name] }}",
        "{{ person.name() }}",
        "{{ person[0] }}",
        "{{ person.name[0] }}",
        "{{ person.name|default }}",
        "{{ person.name|default(range(9)) }}",
        "{{ }}",
        "{{ person.name",
        "{{ person.name }",
        "{% if person.member %}",
        "{% endif %}",
        "{% else %}",
        "{% elif person.member %}",
        "{% if person.member %}{% else %}{% else %}{% endif %}",
        "{% if person.member is defined %}{% endif %}",
        "{% if person.name in 'abc' %}{% endif %}",
        "{% if person.name < 'b' %}{% endif %}",
        "{% if person.name == person.town %}{% endif %}",
        "{% if %}{% endif %}",
        "{% if person.member %}{% endif person %}",
        "{% if range(9) %}{% endif %}",
        "{{ " + "(" * 200 + "1" + ")" * 200 + " }}",
        "{% if " + "not " * 200 + "person.member %}{% endif %}",
        "{{ " + "9" * 5000 + " }}",
        "{% if person.member %}" * 20 + "{% endif %}" * 20,
        "{# never closed",
    ],
)
def test_whatever_is_not_in_the_subset_is_refused_E1_to_E7(text: str) -> None:
    found = problems(f"Hello.\n{text}\n")
    assert found
    assert all(problem.line == 2 for problem in found), [problem.message for problem in found]
    assert all(problem.hint for problem in found)


@pytest.mark.parametrize(
    "text",
    [
        "{{ person.name }}",
        "{{person.name}}",
        "{{- person.name -}}",
        '{{ person.name|default("x") }}',
        '{{ person.name|default("x", true) }}',
        '{{ person.name|d("}}") }}',
        '{{ "{{" }}',
        "{{ list.name }}",
        "{{ urls.unsubscribe }} {{ urls.preferences }}",
        "{% if person.member %}x{% endif %}",
        "{%- if person.member -%}x{%- else -%}y{%- endif -%}",
        "{% if not person.member and (person.town == 'Leeds' or 'hu' == person.language) %}x{% endif %}",
        "{% if person.member == true %}x{% elif person.town != none %}y{% endif %}",
        "{# a comment {{ nothing.here }} #}",
        "a } b }} c %} d",
    ],
)
def test_forms_of_the_subset_pass(text: str) -> None:
    assert problems(text) == []


def test_tokens_are_inert_words_and_nobody_can_forge_them() -> None:
    table = new_table(NAMES, "x")
    token = weave("{{ person.name }}", table).text
    assert token.isalnum()
    assert token == token.lower()
    again = new_table(NAMES, "x", token)
    assert again.prefix not in token


def test_same_letter_gives_the_same_tokens() -> None:
    assert new_table(NAMES, "a", "b").prefix == new_table(NAMES, "a", "b").prefix


def test_lines_are_kept_through_comments_and_long_tags() -> None:
    text = "one\n{# a\ncomment\n#}\ntwo {{\nperson.name\n}}\n{{ person.nme }}\n"
    table = new_table(NAMES, text)
    woven = weave(text, table, first_line=10)
    assert table.problems[0].line == 17
    assert woven.text.startswith("one\ntwo ")
    assert woven.lines[:2] == (10, 14)


def test_attribute_list_with_an_identifier_is_no_comment() -> None:
    table = new_table(NAMES, "x")
    assert weave("{#intro}\nText [a](b){#c .d}", table).text == "{#intro}\nText [a](b){#c .d}"
    assert table.problems == []


def test_literal_braces_can_be_written() -> None:
    assert "Write {{ so }}." in merger('Write {{ "{{" }} so }}.').text(reader())


def test_name_that_is_a_constant_reads_as_it_is() -> None:
    letter = merger("{{ list.name }} {{ mailing.number }} {{ mailing.date }} {{ mailing.title }} {{ list.purpose }}")
    assert "Newsletter 84 21 November 2026 Groups this winter News of the groups" in " ".join(
        letter.text(reader()).split()
    )


def test_title_with_a_field_reads_right_wherever_it_is_named() -> None:
    front = "title: 'For {{ person.first_name|default(\"you\") }}{% if person.member %} <too>{% endif %}'\nslug: t-1"
    letter = merger("Title: {{ mailing.title }}.", front=front)
    assert letter.subject(reader(member=True)) == "For Anna <too>"
    assert "Title: For Anna <too>." in letter.text(reader(member=True))
    assert "Title: For Anna &lt;too&gt;." in letter.html(reader(member=True))
    assert letter.subject(reader(first_name="")) == "For you"


def test_syntax_fault_in_the_title_names_its_line() -> None:
    with pytest.raises(FieldUnknown) as caught:
        merger("Hello.", front="number: 1\ntitle: 'For {{ person.nme }}'")
    assert caught.value.line == 3


def test_title_cannot_name_itself() -> None:
    with pytest.raises(FieldUnknown):
        merger("Hello.", front="number: 1\ntitle: 'For {{ mailing.title }}'")


def test_thousands_of_fields_are_read_and_more_are_refused() -> None:
    assert problems("{{ person.name }}\n" * 3000) == []
    assert isinstance(problems("{{ person.name }}\n" * 4001)[0], SyntaxRefused)


def test_letter_is_read_before_anything_is_compiled() -> None:
    letter = parse_letter(source("{{ person.nme }}"), Path(), "x.md")
    assert letter.body == "{{ person.nme }}"
