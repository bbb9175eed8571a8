"""Markdown with merge fields and conditions: all the forms of the issue, nothing torn, nothing harmful."""

import re

import pytest

from balintmail.composing.refusals import LinkRefused, SyntaxRefused
from tests.support.composing import merger, reader


def html(body: str, **data: object) -> str:
    """Return the letter's own HTML with the styles taken out."""
    whole = merger(body).html(reader(**data))  # type: ignore[arg-type]
    inner = whole[whole.index("</h1>") + 5 : whole.index('class="side card foot')]
    return re.sub(r' style="[^"]*"', "", inner)


def test_every_form_of_the_issue_is_read() -> None:
    found = html(
        "| a | b |\n|:--|--:|\n| 1 | 2 |\n\nTerm\n: Meaning\n\n~~gone~~ note[^1] [w](https://x.example.org){.button}\n\n"
        "{.lead}\nA paragraph.\n\n## Head {#h .c}\n\n[^1]: The note.\n"
    )
    for piece in (
        '<table class="facts">',
        "<dl>",
        "<dt>Term</dt>",
        "<s>gone</s>",
        'class="footnote-ref"',
        "The note.",
        "A paragraph.",
        'id="h"',
    ):
        assert piece in found, piece
    assert 'class="lead"' in found
    assert 'class="button"' in found


def test_raw_html_is_shown_and_never_markup_D1() -> None:
    found = html('<script>alert(1)</script>\n\n<div onclick="x()">\n\na <b>b</b> <!-- c --> <img src=x onerror=y>')
    for tag in ("<script", "<div onclick", "<b>", "<!-- c", "<img src=x"):
        assert tag not in found
    assert "&lt;script&gt;" in found


def test_template_syntax_of_other_languages_is_text_D4() -> None:
    assert "${7+7} &lt;%= 7+7 %&gt; #{7+7}" in html("${7+7} <%= 7+7 %> #{7+7}")


@pytest.mark.parametrize(
    "link",
    [
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](&#106;avascript:alert(1))",
        "[a](&#x6A;avascript&colon;alert(1))",
        "[a](java&Tab;script:alert(1))",
        "[a](<java\u200bscript:alert(1)>)",
        "[a](vbscript:x)",
        "[a](data:text/html,x)",
        "[a](file:///etc/passwd)",
        "<javascript:alert(1)>",
        "[a][r]\n\n[r]: javascript:alert(1)",
        "![a](javascript:alert(1))",
        "![a](data:image/svg+xml;base64,x)",
        "![a](file:///etc/passwd)",
        "- > [a](javascript:x)",
        "| a |\n|---|\n| [a](javascript:x) |",
        "x[^1]\n\n[^1]: [a](javascript:x)",
        "[![x](https://x.example.org/a.png)](javascript:x)",
    ],
)
def test_dangerous_address_is_refused_with_its_line_D5(link: str) -> None:
    with pytest.raises(LinkRefused) as caught:
        merger(f"Hello.\n\n{link}\n")
    assert caught.value.line >= 8


@pytest.mark.parametrize(
    "attribute", ['{onclick="x()"}', '{style="background:url(javascript:x)"}', '{href="javascript:x"}', '{src="x"}']
)
def test_attribute_list_cannot_carry_script_or_style_D2_D5(attribute: str) -> None:
    found = merger(f"[a](https://x.example.org){attribute}\n\n{attribute}\nParagraph.").html(reader())
    for harm in ("onclick", "javascript", 'src="x"'):
        assert harm not in found


def test_good_addresses_pass() -> None:
    body = (
        "[a](https://x.example.org) [b](http://x.example.org) [c](mailto:a@example.org) [d](tel:+441234) [e](#x) [f]()"
    )
    assert html(body).count("<a ") == 6


def test_field_in_every_place_of_markdown() -> None:
    body = (
        "# {{ person.note }}\n\n*{{ person.note }}* **{{ person.note }}**, `{{ person.note }}`\n\n"
        "> {{ person.note }}\n\n- {{ person.note }}\n\n| {{ person.note }} |\n|---|\n| {{ person.note }} |\n\n"
        '[{{ person.note }}](https://x.example.org/{{ person.note }} "{{ person.note }}")\n\nTerm {{ person.note }}\n'
        ": {{ person.note }}\n\nx[^1]\n\n[^1]: {{ person.note }}\n\n    {{ person.note }}\n\n"
        "```\n{{ person.note }}\n```\n"
    )
    letter = merger(body)
    shown = letter.html(reader(fields={"note": "QQ<Q"}))
    assert shown.count("QQ&lt;Q") == 15
    assert "https://x.example.org/QQ%3CQ" in shown
    assert "<Q" not in shown
    assert letter.text(reader(fields={"note": "QQ<Q"})).count("QQ<Q") == 14


def test_value_is_never_read_as_markdown() -> None:
    odd = "# *a* [b](javascript:x) | c |"
    found = html("{{ person.note }}\n", fields={"note": odd})
    assert f"<p>{odd}</p>" in found


def test_condition_round_rows_of_a_table_keeps_the_table_whole() -> None:
    rows = "{% if person.member %}\n| 2 | y |\n{% else %}\n| 3 | z |\n{% endif %}\n"
    body = f"| a | b |\n|---|---|\n| 1 | x |\n{rows}| 4 | w |\n"
    for member, row, other in ((True, "2", "3"), (False, "3", "2")):
        found = html(body, member=member)
        assert found.count('<table class="facts"') == 1
        assert found.count("<tr>") >= 4
        assert f">{other}</td>" not in found
        assert found.index(">1</td>") < found.index(f">{row}</td>") < found.index(">4</td>")


def test_condition_after_a_table_is_not_drawn_into_it() -> None:
    found = html("| a |\n|---|\n| 1 |\n{% if person.member %}\nWords.\n{% endif %}\n", member=True)
    assert "<p>Words.</p>" in found


def test_condition_in_a_link_a_list_and_a_quotation() -> None:
    body = (
        "> {% if person.member %}\n> quoted\n> {% endif %}\n\n- a{% if person.member %} b{% endif %}\n"
        "- c\n\n[x](https://x.example.org/{% if person.member %}m{% else %}n{% endif %})\n"
    )
    assert "quoted" in html(body, member=True)
    assert "<li>a b</li>" in html(body, member=True)
    assert "<li>a</li>" in html(body, member=False)
    assert "https://x.example.org/m" in html(body, member=True)
    assert "https://x.example.org/n" in html(body, member=False)


def test_paragraph_that_is_all_conditional_leaves_no_empty_one() -> None:
    body = "One.\n\n{% if person.town %}Two in {{ person.town }}.{% endif %}\n\nThree.\n"
    assert "<p></p>" not in html(body)
    assert "\n\n\n" not in merger(body).text(reader())
    assert "<p>Two in Leeds.</p>" in html(body, fields={"town": "Leeds"})


def test_members_part_stands_in_a_box_that_says_so() -> None:
    letter = merger("One.\n\n{% if person.member %}\nTwo.\n\nThree.\n{% else %}\nFour.\n{% endif %}\n")
    assert letter.html(reader(member=True)).count('class="tint"') == 1
    assert "[For members]" in letter.text(reader(member=True))
    assert 'class="tint"' not in letter.html(reader(member=False))
    assert "Four." in letter.text(reader(member=False))


@pytest.mark.parametrize(
    "body",
    [
        "**a {% if person.member %}b** c{% endif %}",
        "a {% if person.member %}b\n\nc{% endif %}",
        "- a\n  {% if person.member %}\n\nb\n{% endif %}",
        "> {% if person.member %}\n\nb\n\n{% endif %}",
        "[a{% if person.member %}](https://x.example.org) b{% endif %}",
        "[a](https://x.example.org/{% if person.member %}) b{% endif %}",
        "| a |\n|---|\n| {% if person.member %}1 |\n| {% endif %}2 |",
        "{% if person.member %}a{% else %}\n\nb{% endif %}",
        "| a |\n|---|\n| 1 | {% if person.member %} |\n| 2 | {% endif %} |",
        "| a |\n|---|\n| {% if not person.member %}1 | {% else %} |\n| 2{% endif %} |",
        "```{% if person.member %}\nx\n```\n{% endif %}",
        "[^u]: {% if person.member %}\n\nx\n\n[^v]: {% endif %}",
        "[r]: https://x.example.org/{% if person.member %}\n\nx\n\n[s]: https://x.example.org/{% endif %}",
        "![{% if person.member %}a](https://x.example.org/a.png){% endif %}",
        '[a](https://x.example.org "{% if person.member %}"){% endif %}',
    ],
)
def test_condition_that_tears_an_element_apart_is_refused(body: str) -> None:
    with pytest.raises(SyntaxRefused, match="does not end in the same"):
        merger(f"Hello.\n\n{body}\n")


def test_footnote_of_a_members_part_goes_with_it_and_numbers_stay() -> None:
    body = "{% if person.member %}\na[^m]\n{% endif %}\n\nb[^n]\n\n[^m]: Members' note\n[^n]: Everybody's note\n"
    letter = merger(body)
    other = letter.text(reader(member=False))
    assert "Members' note" not in other
    assert "[2] Everybody's note" in other
    assert 'value="2"' in letter.html(reader(member=False))
    assert "Members" not in letter.html(reader(member=False)).partition("</h1>")[2]
    assert "Members' note" in letter.text(reader(member=True))


def test_footnote_named_outside_too_is_for_everybody() -> None:
    body = "{% if person.member %}\na[^m]\n{% endif %}\n\nb[^m]\n\n[^m]: A note\n"
    assert "A note" in merger(body).text(reader(member=False))


def test_preview_line_never_comes_from_a_members_part() -> None:
    hidden = "This long paragraph is a riddle that only the members may ever read."
    body = f"Hi.\n\n{{% if person.member %}}\n{hidden}\n{{% endif %}}\n"
    assert b"riddle" not in merger(body).compose(reader(member=False)).data


def test_no_address_outside_the_letter_appears_in_it() -> None:
    found = merger("Hello.").html(reader())
    hosts = set(re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//([^/"')]+)""", found))
    assert hosts <= {"balint.example.org"}
