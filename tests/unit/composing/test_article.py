"""What the archive shows of a letter: everybody's words, nobody's data (S49)."""

import re
from pathlib import Path

from balintmail.composing.article import pictures_of, title_of, words_of
from tests.support.composing import FRONT, compiled

PICTURES = Path(__file__).parents[3] / "examples"
BODY = """
Dear {{ person.first_name | default("colleague") }},

{% if person.member %}
Members meet on Monday.
{% else %}
Everybody meets on Tuesday.
{% endif %}

Write to us as {{ person.name }}, or [leave]({{ urls.unsubscribe }}), or [choose]({{ urls.preferences }}).

| who | pays |
|-----|-----:|
| all | £5   |
"""


def words(body: str = BODY, **more: object) -> str:
    return words_of(compiled(body, **more), lambda identity: f"/pictures/{identity}")  # type: ignore[arg-type]


def test_words_are_for_nobody_in_particular_S49() -> None:
    found = words()
    assert "Dear colleague," in found
    assert "Everybody meets on Tuesday." in found
    assert "Members meet" not in found


def test_no_personal_address_and_no_token_is_left_S49() -> None:
    found = words(url="https://balint.example.org")
    assert "or leave, or choose." in found
    assert "href" not in found
    assert not re.search(r"[a-z2-7]{30,}", found)
    assert "/leave/" not in found
    assert "/preferences/" not in found


def test_markup_typed_into_a_letter_stays_text_D1() -> None:
    found = words("<script>alert(1)</script> & <b>x</b>")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;x&lt;/b&gt;" in found


def test_columns_keep_their_side_without_a_style() -> None:
    found = words()
    assert '<td class="right">£5</td>' in found
    assert "style=" not in found


def test_pictures_come_from_the_frozen_letter() -> None:
    (picture,) = (PICTURES / "pictures").glob("*.png")
    letter = compiled(f"![A ring of chairs](pictures/{picture.name})", folder=PICTURES)
    (identity,) = pictures_of(letter)
    kind, content = pictures_of(letter)[identity]
    assert kind == "image/png"
    assert content == picture.read_bytes()
    assert f'src="/pictures/{identity}"' in words_of(letter, lambda one: f"/pictures/{one}")


def test_title_with_a_name_in_it_is_for_nobody_S49() -> None:
    front = FRONT.replace(FRONT.splitlines()[0], "title: 'News for {{ person.first_name | default(\"all\") }}'")
    assert title_of(compiled("Hello.", front=front)) == "News for all"


def test_letter_frozen_before_there_was_an_archive_has_no_words() -> None:
    old = compiled(BODY)
    assert words_of(type(old).load(old.dump().replace(b'"article":', b'"other":')), str) == ""
