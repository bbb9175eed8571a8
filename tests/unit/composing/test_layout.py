"""The layout: structure, both schemes, nothing from elsewhere, tokens untouched."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balintmail.composing.layout import MEMBERS_CLOSE, MEMBERS_OPEN, LayoutValues, render_html
from balintmail.composing.lint_page import read_page
from balintmail.composing.look import TemplateError, read_look, read_words
from balintmail.domain.colour import READABLE, Colour, contrast, parse
from balintmail.resources import templates_folder
from tests.support.markdown import reader

SHIPPED = (templates_folder(),)
BODY = reader().render(
    """Dear qabcdefv0001z,

Three new groups begin in January, and the spring weekend has found its house.

## Meetings

| When | What qabcdefv0002z |
|------|-----:|
| 14 January | Open qabcdefv0003z evening |

[Book the weekend](https://balint.example.org/oxford?x=1&y=2){.button}

![Nine chairs](cid:chairs)

> “The doctor himself.”[^1]

- one
- two

Term
:   Meaning

[^1]: The book.
"""
)


def values(**changed: object) -> LayoutValues:
    known: dict[str, object] = {
        "templates": SHIPPED,
        "title": "Groups & a weekend <in> “Oxford”",
        "society": "The Example Balint Society",
        "language": "en-GB",
        "list_name": "Newsletter",
        "number": "84",
        "date": datetime(2026, 11, 21, tzinfo=UTC),
        "address": "1 Example Street, London N1 1AA",
        "contact": "secretary@example.org",
        "browser_url": "https://balint.example.org/newsletters/newsletter/84",
        "leave_url": "https://balint.example.org/leave/qabcdefu0004z",
        "preferences_url": "https://balint.example.org/preferences/qabcdefu0005z",
        "archive_url": "https://balint.example.org/newsletters",
        "preheader": "What is in it",
    }
    return LayoutValues(**(known | changed))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def page_html() -> str:
    return render_html(BODY, values())


def test_document_has_language_title_and_colour_schemes_S28_S29(page_html: str) -> None:
    assert '<html lang="en-GB" dir="ltr"' in page_html
    assert "<title>Groups &amp; a weekend &lt;in&gt; “Oxford”</title>" in page_html
    assert '<meta name="color-scheme" content="light dark">' in page_html
    assert '<meta name="supported-color-schemes" content="light dark">' in page_html
    assert "@media (prefers-color-scheme: dark)" in page_html


def test_document_stays_a_whole_one_S27(page_html: str) -> None:
    assert page_html.lower().startswith("<!doctype html>")
    assert page_html.count("<html") == page_html.count("<body") == page_html.count("</html>") == 1


def test_ghost_tables_for_outlook_survive_the_inliner(page_html: str) -> None:
    assert page_html.count("<!--[if ") == page_html.count("<![endif]-->")
    assert '<!--[if mso | IE]><table border="0"' in page_html


def test_first_line_offers_browser_and_leaving_before_the_title_S7(page_html: str) -> None:
    leave = page_html.index("https://balint.example.org/leave/qabcdefu0004z")
    assert page_html.index("Read in the browser") < leave < page_html.index("<h1")
    assert leave < 90_000


def test_foot_says_why_and_offers_three_ways(page_html: str) -> None:
    foot = page_html[page_html.index("You get this because") :]
    for words in ("Leave this list", "Change what we send", "Past newsletters", "1 Example Street, London N1 1AA"):
        assert words in foot
    assert "mailto:secretary@example.org" in foot


def test_without_web_addresses_only_the_mailto_is_offered() -> None:
    way = "mailto:bounce@example.org?subject=leave%20qabcdefu0004z"
    html = render_html(BODY, values(browser_url="", preferences_url="", archive_url="", leave_url=way))
    assert "Read in the browser" not in html
    assert "Change what we send" not in html
    assert "Past newsletters" not in html
    assert html.count(way) == 2


def test_masthead_is_words_and_names_the_edition(page_html: str) -> None:
    assert "The Example Balint Society</div>" in page_html
    assert "Newsletter 84 · November 2026" in page_html


@pytest.mark.parametrize(
    ("language", "number", "expected"),
    [
        ("en", "84", "Newsletter 84 · November 2026"),
        ("de", "84", "Newsletter 84 · November 2026"),
        ("hu", "84", "Newsletter 84 · 2026. november"),
        ("en", "spring-weekend", "Newsletter · November 2026"),
        ("x-klingon", "84", "Newsletter 84 · November 2026"),
    ],
)
def test_edition_names_number_and_month(language: str, number: str, expected: str) -> None:
    assert values(language=language, number=number).edition == expected


def test_edition_without_a_date_is_the_list_alone() -> None:
    assert values(date=None, number="").edition == "Newsletter"


def test_layout_tables_say_so_and_data_tables_do_not_S28(page_html: str) -> None:
    for table in read_page(page_html).tables:
        assert table.presentation != bool(table.headers)
    assert '<th scope="col"' in page_html


def test_title_is_the_only_h1_and_comes_first_S28(page_html: str) -> None:
    assert [heading.level for heading in read_page(page_html).headings] == [1, 2]


def test_preheader_is_hidden_and_comes_first(page_html: str) -> None:
    body = page_html[page_html.index("<body") :]
    assert body.index("What is in it") < body.index("Read in the browser")
    assert "display: none" in body[: body.index("What is in it")]


def test_preheader_defaults_to_the_first_words_that_are_the_same_for_everybody() -> None:
    html = render_html(BODY, values(preheader=""))
    assert html.index("Three new groups begin in January") < html.index("Read in the browser")


def test_preheader_by_default_holds_nothing_that_is_for_one_person() -> None:
    body = f"<p>{'long ' * 20} qabcdefv0001z</p><p>{'the same for everybody ' * 4}</p>"
    html = render_html(body, values(preheader=""))
    assert html.count("qabcdefv0001z") == 1
    assert html.index("the same for everybody") < html.index("Read in the browser")


def test_button_is_a_painted_cell_with_its_link(page_html: str) -> None:
    found = re.search(r'<table class="button"[^>]*>.*?</table>', page_html, re.DOTALL)
    assert found
    assert 'role="presentation"' in found[0]
    assert 'href="https://balint.example.org/oxford?x=1&amp;y=2"' in found[0]
    assert "background-color: #0b5563" in found[0]


def test_members_part_stands_in_a_tinted_box_that_says_so() -> None:
    html = render_html(f"<p>Before</p>\n{MEMBERS_OPEN}\n<p>Only you</p>\n{MEMBERS_CLOSE}\n<p>After</p>", values())
    box = html[html.index('class="tint"') : html.index("</td></tr></tbody></table>", html.index("Only you"))]
    assert "For members" in box
    assert "background-color: #e3eef0" in box
    assert "After" not in box


def test_picture_is_no_wider_than_the_column_in_outlook() -> None:
    assert '<img width="536" ' in render_html(BODY, values(pictures={"cid:chairs": 1072})).replace("  ", " ")
    assert 'width="90"' in render_html(BODY, values(pictures={"cid:chairs": 90}))


def test_logo_stands_on_a_plate_of_its_own_and_adds_no_words_S29() -> None:
    html = render_html(BODY, values(logo="cid:logo"))
    picture = re.search(r'<img [^>]*src="cid:logo"[^>]*>', html)
    assert picture
    assert 'alt=""' in picture[0]
    assert "background-color: #ffffff" in picture[0]
    assert ".logo" not in html[html.index("prefers-color-scheme") : html.index("</style>", html.index("prefers-color"))]


def test_short_first_cells_do_not_wrap(page_html: str) -> None:
    cell = page_html[page_html.index('<td class="short"') :]
    assert cell[: cell.index(">14 January")].count("white-space: nowrap") == 1
    assert "<td style" in cell[: cell.index("evening")]


def test_no_foreign_host_is_asked_for_anything(page_html: str) -> None:
    wanted = re.findall(r"""(?:src|background|poster|srcset)\s*=\s*["']([^"']*)["']""", page_html)
    wanted += re.findall(r"url\(([^)]*)\)|@import\s*([^;]*)", page_html)
    assert wanted == ["cid:chairs"]
    assert "<link" not in page_html
    assert "<script" not in page_html
    hosts = set(re.findall(r"//([\w.-]+)", page_html)) - {"www.w3.org"}  # names of XML's own vocabularies
    assert hosts == {"balint.example.org"}


def test_every_text_is_readable_in_both_schemes_S29(page_html: str) -> None:
    look = read_look(SHIPPED)
    night = {look.light[name]: look.dark[name] for name in ("ground", "card", "ink", "muted", "accent", "soft")}
    texts = read_page(page_html, night).texts
    assert len(texts) > 40
    assert [text for text in texts if contrast(text.ink, text.ground) < READABLE] == []


def test_every_text_is_readable_inverted_S29(page_html: str) -> None:
    def inverted(colour: Colour) -> Colour:
        return Colour(255 - colour.red, 255 - colour.green, 255 - colour.blue)

    for text in read_page(page_html).texts:
        assert contrast(inverted(text.ink), inverted(text.ground)) >= READABLE, text


def test_every_text_has_its_own_ink_and_ground_S29(page_html: str) -> None:
    for name in ("firstline", "society", "edition", "letter", "footline"):
        cell = page_html.index(f'class="{name}"')
        assert re.match(r'[^>]*><div style="[^"]*color:#', page_html[cell:])
    assert page_html.count("background-color:#ffffff") >= 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tokens_of_the_look_reach_their_contrast_S28(scheme: str) -> None:
    look = read_look(SHIPPED)
    colours = {name: parse(value) for name, value in getattr(look, scheme).items()}
    for ink in ("ink", "muted", "accent"):
        for ground in ("ground", "paper", "card", "soft"):
            one, other = colours[ink], colours[ground]
            assert one
            assert other
            assert contrast(one, other) >= READABLE, (scheme, ink, ground)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_any_accent_of_a_society_stays_readable(parts: tuple[int, int, int]) -> None:
    look = read_look(SHIPPED, str(Colour(*parts)))
    for scheme in (look.light, look.dark):
        colours = {name: parse(value) or Colour(0, 0, 0) for name, value in scheme.items()}
        assert contrast(colours["accent"], colours["card"]) >= READABLE
        assert contrast(colours["accent"], colours["ground"]) >= READABLE
        assert contrast(colours["on_accent"], colours["accent"]) >= READABLE
        assert contrast(colours["ink"], colours["soft"]) >= READABLE


_TOKEN = st.from_regex(r"q[a-z2-7]{6}[vu][0-9]{4}z", fullmatch=True)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_TOKEN, min_size=1, max_size=12, unique=True))
def test_tokens_pass_untouched_in_text_cells_and_addresses(tokens: list[str]) -> None:
    rows = "".join(
        f'<tr><td>{t}</td><td style="text-align:right"><a href="https://x.example.org/{t}?a={t}&amp;b">{t}</a></td></tr>'
        for t in tokens
    )
    first = tokens[0]
    table = f"<table><thead><tr><th>{first}</th></tr></thead><tbody>{rows}</tbody></table>"
    body = f'{table}<img src="cid:{first}" alt="{first}">'
    html = render_html(body, values(title=f"{first} and more", preheader=first, pictures={}))
    for token in tokens:
        assert html.count(token) >= 4
        assert f"https://x.example.org/{token}?a={token}&amp;b" in html
    assert f'src="cid:{first}"' in html


def test_instance_overrides_a_template_of_the_same_name(tmp_path: Path) -> None:
    folder = tmp_path / "emails" / "frame"
    folder.mkdir(parents=True)
    (folder / "masthead.mjml").write_text(
        "<mj-section><mj-column><mj-text>Ours: {{ society }}</mj-text></mj-column></mj-section>", "utf-8"
    )
    html = render_html(BODY, values(templates=(tmp_path, *SHIPPED)))
    assert "Ours: The Example Balint Society" in html
    assert "Newsletter 84" not in html


def test_instance_overrides_single_words_and_adds_a_language(tmp_path: Path) -> None:
    folder = tmp_path / "emails" / "words"
    folder.mkdir(parents=True)
    (folder / "en.toml").write_text('leave = "Say goodbye"', "utf-8")
    (folder / "mi.toml").write_text('leave = "Haere"', "utf-8")
    both = (tmp_path, *SHIPPED)
    assert read_words(both, "en-GB")["leave"] == "Say goodbye"
    assert read_words(both, "en")["past"] == "Past newsletters"
    assert read_words(both, "mi")["leave"] == "Haere"
    assert read_words(both, "mi")["past"] == "Past newsletters"


@pytest.mark.parametrize("language", ["de", "fr", "hu"])
def test_every_language_says_everything(language: str) -> None:
    english, other = read_words(SHIPPED, "en"), read_words(SHIPPED, language)
    same = {key for key in english if english[key] == other[key]}
    assert same <= ({"footnotes"} if language == "fr" else set())
    assert set(re.findall(r"\{\w+\}", english["why"])) == set(re.findall(r"\{\w+\}", other["why"]))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{% if %}", "layout.mjml, line 1"),
        ("<mjml><mj-body>{{ slot_body }}{{ nothing }}</mj-body></mjml>", "nothing"),
        ("<mjml><mj-body><mj-section></mj-body></mjml>", "not valid MJML"),
        ("<mjml><mj-body></mj-body></mjml>", "0 places"),
    ],
)
def test_wrong_template_is_named_with_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    folder = tmp_path / "emails" / "newsletter"
    folder.mkdir(parents=True)
    (folder / "layout.mjml").write_text(text, "utf-8")
    with pytest.raises(TemplateError, match=re.escape(told)):
        render_html(BODY, values(templates=(tmp_path, *SHIPPED)))


def test_template_cannot_walk_out_of_its_sandbox_E1(tmp_path: Path) -> None:
    folder = tmp_path / "emails" / "newsletter"
    folder.mkdir(parents=True)
    (folder / "layout.mjml").write_text("{{ ''.__class__.__mro__ }}", "utf-8")
    with pytest.raises(TemplateError):
        render_html(BODY, values(templates=(tmp_path, *SHIPPED)))


def test_values_are_escaped_D1() -> None:
    html = render_html(BODY, values(title='"><script>x</script>', society="A & B <i>", footer="<b>{{ x }}"))
    assert "x</script>" not in re.sub(r'aria-label="[^"]*"', "", html)
    assert 'aria-label="&quot;>' in html  # the attribute holds it all: no quotation mark gets out
    assert "A &amp; B &lt;i&gt;" in html
    assert "&lt;b&gt;{{ x }}" in html


def test_right_to_left_languages_are_set_so() -> None:
    assert '<html lang="he" dir="rtl"' in render_html(BODY, values(language="he"))
