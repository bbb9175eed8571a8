"""A page of the society's own: its settings, its words made harmless, its faults with their line."""

import pytest

from balintmail.composing import site_page
from balintmail.composing.refusals import LetterError
from balintmail.composing.site_page import PageText
from balintmail.domain.states import Visibility


def read(source: str) -> PageText:
    return site_page.read(source, "about.md", link=lambda to: f"/base{to}", picture=lambda name: f"/pictures/{name}")


def test_read_takes_the_settings_and_sets_headings_below_the_title() -> None:
    page = read(
        "---\ntitle: About us\norder: 7\nvisibility: members\nmenu: no\nlead: Who we are.\n---\n# One\n\n## Two\n"
    )
    assert (page.title, page.place, page.visibility, page.in_menu) == ("About us", 7, Visibility.MEMBERS, False)
    assert page.lead == "Who we are."
    assert "<h2>One</h2>" in page.html
    assert "<h3>Two</h3>" in page.html


def test_read_gives_local_links_and_pictures_their_addresses_on_the_site() -> None:
    page = read(
        "---\ntitle: T\n---\n[join](/join) [out](https://example.org/) [here](#x)\n\n![Chairs](pictures/nine.png)\n"
    )
    assert 'href="/base/join"' in page.html
    assert 'href="https://example.org/"' in page.html
    assert 'href="#x"' in page.html
    assert 'src="/pictures/pictures/nine.png"' in page.html


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '<img src=x onerror="x">', "<style>*{}</style>", '"><svg onload=x>']
)
def test_markup_is_shown_and_never_obeyed_D1(hostile: str) -> None:
    html = read(f"---\ntitle: T\n---\n{hostile}\n").html
    assert "<script" not in html
    assert "<img" not in html
    assert "<s" not in html


def test_template_syntax_stays_text_D4() -> None:
    page = read("---\ntitle: T {{ x }}\n---\n{{ 7*7 }} {% include 'x' %} {{ person.name }}\n")
    assert "{{ 7*7 }}" in page.html
    assert page.title == "T {{ x }}"


def test_no_style_attribute_is_left_for_the_policy_to_refuse() -> None:
    html = read("---\ntitle: T\n---\n| a | b |\n|:-:|--:|\n| 1 | 2 |\n").html
    assert "style=" not in html
    assert 'class="right"' in html


@pytest.mark.parametrize(
    ("source", "line", "why"),
    [
        ("Words\n", 1, "no front matter"),
        ("---\norder: 1\n---\n", 1, "no title"),
        ("---\ntitle: T\norder: first\n---\n", 3, "order is a number"),
        ("---\ntitle: T\norder: -1\n---\n", 3, "order is a number"),
        ("---\ntitle: T\nvisibility: secret\n---\n", 3, "public, members or none"),
        ("---\ntitle: T\nmenu: maybe\n---\n", 3, "yes or no"),
        ("---\ntitle: T\ntitel: x\n---\n", 3, 'no key "titel"'),
        ("---\ntitle: T\n---\n\n[x](javascript:alert(1))\n", 5, "must not be"),
        ("---\ntitle: T\n---\n\n\n![x](https://elsewhere.example/x.png)\n", 6, "lies on another site"),
        ("---\ntitle: T\n---\n![x](//elsewhere.example/x.png)\n", 4, "lies on another site"),
    ],
)
def test_faults_are_told_with_file_and_line(source: str, line: int, why: str) -> None:
    with pytest.raises(LetterError, match=why) as found:
        read(source)
    assert (found.value.file, found.value.line) == ("about.md", line)
