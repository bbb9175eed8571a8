"""One sample that fails each rule of `check`, and a letter that fails none (S28)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.composing.layout import LayoutValues, render_html
from balintmail.composing.lint import Finding, Level, Rendered, in_order, lint, size_finding
from balintmail.composing.lint_page import read_page
from balintmail.composing.look import read_look
from balintmail.composing.plaintext import render_text
from balintmail.resources import templates_folder
from tests.support.markdown import reader

SHIPPED = (templates_folder(),)
LEAVE = "https://balint.example.org/leave/abcdef"
VALUES = LayoutValues(
    templates=SHIPPED,
    title="Groups this winter",
    society="The Example Balint Society",
    list_name="Newsletter",
    number="84",
    leave_url=LEAVE,
    browser_url="https://balint.example.org/newsletters/newsletter/84",
)
GOOD = """Dear reader,

Three new groups begin in January, and the spring weekend has found its house.

## Meetings

| When | What |
|------|------|
| May  | Tea  |

### Smaller

[The page of the weekend](https://balint.example.org/weekend), [write to us](mailto:secretary@example.org).

![Nine chairs](cid:chairs)[^1]

[^1]: Drawn here. [Leave](https://balint.example.org/leave/abcdef), [leave](https://balint.example.org/leave/abcdef).
"""


def letter(markdown: str, **changed: object) -> Rendered:
    tokens = reader().parse(markdown)
    look = read_look(SHIPPED)
    known: dict[str, object] = {
        "html": render_html(reader().render(markdown), VALUES),
        "text": render_text(tokens, VALUES),
        "source": markdown,
        "leave": LEAVE.rpartition("/")[2],
        "own": (VALUES.browser_url,),
        "night": {look.light[name]: look.dark[name] for name in ("ground", "card", "ink", "muted", "accent", "soft")},
    }
    return Rendered(**(known | changed))  # type: ignore[arg-type]


def codes(markdown: str, **changed: object) -> list[str]:
    return [finding.code for finding in lint(letter(markdown, **changed))]


def test_good_letter_has_no_finding() -> None:
    assert lint(letter(GOOD)) == []


@pytest.mark.parametrize(
    ("wrong", "code", "level", "line", "told"),
    [
        ("\n![](cid:x)", "picture_alt", Level.WARN, 19, "without alternative text"),
        ("\n<img src='cid:x'>", "picture_alt", Level.WARN, 19, "without alternative text"),
        ("\n![x](https://far.example.net/a.png)", "picture_remote", Level.WARN, 19, "far.example.net"),
        ("\n[](https://x.example.org/e)", "link_empty", Level.WARN, 19, "has no words"),
        ("\n[![](cid:x)](https://x.example.org/p)", "link_empty", Level.WARN, 19, "has no words"),
        ("\n[nowhere at all]()", "link_empty", Level.WARN, 19, "leads nowhere"),
        ("\n[here](https://x.example.org/h)", "link_vague", Level.NOTE, 19, "does not say where"),
        ("\n[a](https://x.example.org/d) [b](https://x.example.org/d)", "link_duplicate", Level.WARN, 19, "twice"),
        ("\n[a](https://x.example.org/1) [a](https://x.example.org/2)", "link_duplicate", Level.WARN, 19, "lead to 2"),
        ("\n[old](http://x.example.org/)", "link_insecure", Level.WARN, 19, "without https"),
        ("\n[old](ftp://x.example.org/)", "link_insecure", Level.WARN, 19, "every reader"),
        ("\n[half](www.example.org)", "link_insecure", Level.WARN, 19, "leads nowhere"),
        (
            '\n<a href="https://x.example.org/c" style="text-decoration:none">pale</a>',
            "link_colour_alone",
            Level.WARN,
            19,
            "colour alone",
        ),
        ("\n##### Deep", "heading_level", Level.WARN, 19, "jumps from level 3 to 5"),
        ("\n# Again", "heading_level", Level.WARN, 19, "second title"),
        ("\n## ", "heading_empty", Level.WARN, 19, "without words"),
        ("\n<table><tr><td>x</td></tr></table>", "table_role", Level.WARN, 0, "header row"),
        ('\n<p style="color:#bbbbbb">Pale words</p>', "contrast", Level.WARN, 19, "1.9"),
        ('\n<p style="background-color:#ffff99;color:white">On yellow</p>', "contrast", Level.WARN, 0, "On yellow"),
    ],
)
def test_sample_fails_its_rule_S28(wrong: str, code: str, level: Level, line: int, told: str) -> None:
    found = [finding for finding in lint(letter(GOOD + wrong)) if finding.code == code]
    assert found, lint(letter(GOOD + wrong))
    assert found[0].level is level
    assert told in " ".join(finding.message for finding in found)
    if line:
        assert found[0].line == line


def test_letter_without_a_way_out_stops_S7() -> None:
    html, text = letter(GOOD).html, letter(GOOD).text
    assert codes(GOOD, html=html.replace(LEAVE, "https://x.example.org/q"))[0] == "no_leave_link"
    assert codes(GOOD, text=text.replace(LEAVE, "")) == ["no_leave_link"]
    assert codes(GOOD, leave="other").count("no_leave_link") == 2


def test_leaving_by_mail_counts_as_a_way_out_S7() -> None:
    way = "mailto:bounces@example.org?subject=leave%20abcdef"
    html, text = letter(GOOD).html, letter(GOOD).text
    ok = codes(GOOD, html=html.replace(LEAVE, way), text=text.replace(LEAVE, way))
    assert "no_leave_link" not in ok


def test_letter_without_language_or_title_S28() -> None:
    html = letter(GOOD).html
    assert codes(GOOD, html=html.replace('lang="en"', "")) == ["no_language"]
    assert codes(GOOD, html=html.replace("<title>Groups this winter</title>", "<title></title>")) == [
        "no_document_title"
    ]


def test_links_without_an_address_are_empty_and_not_duplicates_S28() -> None:
    assert codes(GOOD + "\n[p]() and [q]()\n") == ["link_empty", "link_empty"]


def test_letter_with_an_empty_text_part_S28() -> None:
    assert codes(GOOD, text=LEAVE) == ["text_part"]


@pytest.mark.parametrize(
    ("size", "limit", "code"),
    [
        (90_000, 102_000, None),
        (90_001, 102_000, "html_large"),
        (102_000, 102_000, "html_large"),
        (102_001, 102_000, "html_too_large"),
        (60_000, 50_000, "html_too_large"),
        (150_000, 200_000, "html_large"),
    ],
)
def test_size_warns_at_90000_and_stops_above_the_limit_S27(size: int, limit: int, code: str | None) -> None:
    found = size_finding(size, limit)
    assert (found.code if found else None) == code


def test_size_is_that_of_the_rendered_html_S27() -> None:
    assert "html_too_large" in codes(GOOD + "\n" + "word " * 20_000)


def test_colour_that_fails_only_in_the_dark_is_named_with_its_scheme_S29() -> None:
    found = [f for f in lint(letter(GOOD + '\n<p style="color:#14191b">Nearly black</p>')) if f.code == "contrast"]
    assert len(found) == 1
    assert "in the dark scheme" in found[0].message
    assert "nearest: #" in found[0].message


def test_findings_come_stops_first_then_by_line() -> None:
    late = Finding("a", Level.WARN, 9, "x")
    early = Finding("b", Level.WARN, 2, "x")
    note = Finding("c", Level.NOTE, 1, "x")
    stop = Finding("d", Level.STOP, 30, "x")
    assert in_order([late, note, stop, early, late]) == [stop, early, late, note]


_TAGS = (
    "<a href=''>|</a>|<table>|<td>|</table>|<h3>|</h1>|<img>|x|<!--|-->|<p style='color:'>|&#0;|<|</|<style>|]]>|<a>"
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_TAGS.split("|")), max_size=30).map("".join))
def test_no_html_makes_the_reader_raise(html: str) -> None:
    read_page(html)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_the_reader_raise(html: str) -> None:
    read_page("<p>" + html)
