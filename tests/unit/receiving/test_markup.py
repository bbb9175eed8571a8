"""The HTML of mail programs as a newsletter's Markdown; D1 to D5, E10, H1."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.receiving.markup import is_formatted, to_markdown

CASES = {
    "<p>Dear reader,</p><p>all is <b>well</b>.</p>": "Dear reader,\n\nall is **well**.",
    "<div>One</div><div>two</div><div><br></div><div>three</div>": "One\\\ntwo\n\nthree",
    "a<br>b<br><br>c": "a\\\nb\n\nc",
    "<b> bold </b>and<i>italic </i>.": "**bold** and*italic* .",
    '<span style="font-weight:700">x</span>': "**x**",
    '<a href="https://www.example.org/a b">Book</a>': "[Book](https://www.example.org/a%20b)",
    '<a href="javascript:alert(1)">Book</a>': "Book",
    '<a href="data:text/html,x">x</a><a href="//evil.example">y</a>': "xy",
    "<h1>News</h1><h3>More</h3>": "## News\n\n### More",
    "<ul><li>a<li>b<ul><li>c</li></ul></ul>": "- a\n- b\n  - c",
    "<ol><li>a</li><li><p>b</p><p>c</p></li></ol>": "1. a\n2. b\n\n   c",
    "<blockquote>Said<br>she</blockquote>": "> Said\\\n> she",
    "<table><tr><th>When<th>What<tr><td>1 May<td>a|b</table>": "| When | What |\n| --- | --- |\n| 1 May | a\\|b |",
    "<table><tr><td><p>only</p></td></tr></table>": "only",
    "<table><tr><td>left</td><td>right</td></tr></table>": "left\n\nright",
    "one<hr>two": "one\n\n* * *\n\ntwo",
    "<pre>a\n  *b*</pre>": "~~~\na\n  *b*\n~~~",
    "1. not a list * nor _this_ <b></b>": "1\\. not a list \\* nor \\_this\\_",
    "# no heading": "\\# no heading",
    "- no item": "\\- no item",
    "Dear {{ person.first_name | default(&quot;reader&quot;) }},": 'Dear {{ person.first_name | default("reader") }},',
    "<div>{% if person.member %}</div><div>For you</div><div>{% endif %}</div>": (
        "{% if person.member %}\nFor you\n{% endif %}"
    ),
    "<style>p{}</style><script>alert(1)</script><p>x</p><!-- y --><form><button>z</button></form>": "x",
    '<p style="display:none">preheader</p>seen': "seen",
    'Bye<div class="gmail_signature">Enid<br>0123</div>': "Bye",
    '<img src="cid:abc@x" alt="A room"><img src="https://t.example.net/p.gif" width="1" height="1">': (
        "![A room](room.png)"
    ),
    "<svg onload=x><text>t</text></svg>end": "end",
    "&lt;script&gt;": "\\<script\\>",
    "<p>a</b></p></div>b": "a\n\nb",
    "": "",
}


@pytest.mark.parametrize("markup", CASES)
def test_html_becomes_markdown(markup: str) -> None:
    assert to_markdown(markup, {"abc@x": "room.png"}) == CASES[markup]


@pytest.mark.parametrize(
    ("markup", "more"),
    [
        ("<div>Dear reader</div><div>well</div>", False),
        ('<p><a href="https://example.org/">https://example.org</a></p>', False),
        ('<a href="https://example.org/">here</a>', True),
        ("<p><b>x</b></p>", True),
        ("<ul><li>x</ul>", True),
    ],
)
def test_formatted_is_what_plain_text_cannot_say(markup: str, more: bool) -> None:
    assert is_formatted(markup) is more


@given(st.text(alphabet=st.sampled_from("<>/abpdivtrulola\"'= !-{}%\n&;#*[]|"), max_size=400))
def test_no_markup_makes_it_raise(markup: str) -> None:
    to_markdown(markup)
    is_formatted(markup)


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000,
        "<b>" * 50_000 + "x",
        "<ul><li>" * 50_000,
        "<table><tr><td>" * 30_000,
        "<blockquote>" * 50_000 + "x" + "</blockquote>" * 50_000,
        "<a href='" + "x" * 500_000,
        "{{" * 100_000,
        "<p>" + "* " * 200_000,
        "</div>" * 100_000,
        "<!--" * 50_000,
        "&" * 300_000,
        "<a " * 50_000,
        "<!x" * 50_000,
        "<?" * 50_000,
        "</" * 50_000,
        "<a x='" * 30_000,
    ],
    ids=lambda markup: markup[:12],
)
def test_hostile_markup_costs_no_more_than_its_length_H1(markup: str) -> None:
    began = time.process_time()
    to_markdown(markup)
    assert time.process_time() - began < 8
