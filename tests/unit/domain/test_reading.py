"""A reading list from BibTeX and from CSL-JSON: works with their names, links that are web links, groups in order."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.reading import Name, ReadingRefused, grouped, names, read

SHIPPED = Path(__file__).parents[3] / "templates" / "pages" / "reading-list.bib"
# society.md: authors, and year
LIST = [
    ("Balint", 1957), ("Balint", 1993), ("Balint", 1993), ("Elder", 1987), ("Salinsky", 2000), ("Otten", 2018),
    ("Sanders", 2006), ("Wilson", 2013), ("Shoenberg", 2014), ("Mayes", 2017),
]  # fmt: skip


def test_shipped_list_has_every_title_of_the_society() -> None:
    works = read(SHIPPED.read_text("utf-8"), csl=False)
    assert sorted((one.authors[0].family, int(one.year)) for one in works) == sorted(LIST)
    first = next(one for one in works if one.key == "balint1993doctor")
    assert [name.short for name in first.authors] == [
        "Balint, E.", "Courtenay, M.", "Elder, A.", "Hull, S.", "Julian, P.",
    ]  # fmt: skip
    assert first.imprint == "Tavistock/Routledge, London/New York"
    assert [group.title for group in grouped(works)] == [
        "Where it began", "Groups and the consultation", "Emotions in medicine",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("Balint, Michael and Balint, Enid", (Name("Balint", "Michael"), Name("Balint", "Enid"))),
        ("Enid Balint", (Name("Balint", "Enid"),)),
        ("Ludwig van Beethoven", (Name("van Beethoven", "Ludwig"),)),
        ("van Gogh, Vincent", (Name("van Gogh", "Vincent"),)),
        ("King, Jr, Martin Luther", (Name("King, Jr", "Martin Luther"),)),
        ("{The Balint Society and Friends}", (Name("The Balint Society and Friends"),)),
        (r"B{\'a}lint Mih{\'a}ly", (Name("Mihály", "Bálint"),)),
        ("李明", (Name("李明"),)),
        ("  ", ()),
    ],
)
def test_names_are_divided_as_bibtex_does(field: str, expected: tuple[Name, ...]) -> None:
    assert names(field) == (expected, False)


def test_names_that_end_in_others_say_so() -> None:
    assert names("Elder, A. and others") == ((Name("Elder", "A."),), True)


def test_csl_json_gives_the_same_works() -> None:
    item = {
        "id": "x", "type": "article-journal", "title": "Groups", "author": [{"family": "Elder", "given": "Andrew"}],
        "issued": {"date-parts": [[1999, 3]]}, "container-title": "The Journal", "volume": 12, "issue": "3",
        "page": "45-52", "DOI": "10.1000/xyz", "keyword": "research, groups", "note": "Short.",
    }  # fmt: skip
    (work,) = read(json.dumps([item]), csl=True)
    assert (work.year, work.imprint, work.link) == ("1999", "The Journal 12 (3), 45–52", "https://doi.org/10.1000/xyz")
    assert (work.authors[0].short, work.group, work.note) == ("Elder, A.", "research", "Short.")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//evil.example",
        "https://user@evil.example/",
        'https://a.example/" onx="',
        "data:,x",
        "https:///x",
    ],
)
def test_address_that_is_no_web_address_is_left_out_C20(url: str) -> None:
    (work,) = read("@book{a, title = {T}, url = {" + url + "}}", csl=False)
    assert work.link == ""


def test_characters_that_turn_or_hide_text_are_taken_out_A17() -> None:
    (work,) = read("@book{a, title = {A\u202eB\u200b\x07C}}", csl=False)
    assert work.title == "A B C"


@pytest.mark.parametrize(
    ("text", "csl", "why"),
    [
        ("@book{a, year = 3}", False, "line 1: the entry a has no title"),
        ("{", True, "no JSON"),
        ('{"a": 1}', True, "list of works"),
        ("[1]", True, "list of works"),
        ('[{"id": "x"}]', True, "work 1 has no title"),
        ("[" * 100_000, True, "no JSON"),
    ],
)
def test_read_refuses_with_its_reason(text: str, csl: bool, why: str) -> None:
    with pytest.raises(ReadingRefused, match=why):
        read(text, csl=csl)


KEYS = st.sampled_from(["title", "author", "issued", "date-parts", "family", "DOI", "URL", "edition"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3))
def test_read_never_raises_anything_else_D24(document: object) -> None:
    with contextlib.suppress(ReadingRefused):
        grouped(read(json.dumps(document), csl=True))
