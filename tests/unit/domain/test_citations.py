"""Citations: what BibTeX and RIS say is read again as it was, whatever signs are in it."""

from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain import bibtex
from balintmail.domain.citations import Cited, key, reference, ris
from balintmail.domain.citations import bibtex as written
from balintmail.domain.latex import plain
from balintmail.domain.reading import Name, names

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z", "M"]) | st.just(" "), max_size=60).map(
    lambda text: " ".join(text.split())
)
PAPER = Cited(
    title="The Doctor as a Drug", authors=("Balint, Michael", "Balint, Enid"), journal="The Journal", year=2026,
    published="2026-09-15", volume="53", number="1", first_page="3", last_page="12",
)  # fmt: skip


@given(TEXT, TEXT, TEXT)
def test_bibtex_is_read_again_as_it_was_whatever_signs_it_holds(title: str, journal: str, abstract: str) -> None:
    of = Cited(title=title, authors=("Tavistock and Co",), journal=journal, year=2026, abstract=abstract)
    (entry,) = bibtex.parse(written(of))
    assert plain(entry.fields.get("title", "")) == plain_spaces(title)
    assert plain(entry.fields.get("journal", "")) == plain_spaces(journal)
    assert plain(entry.fields.get("abstract", "")) == plain_spaces(abstract)
    assert names(entry.fields["author"]) == ((Name("Tavistock and Co"),), False)


def plain_spaces(text: str) -> str:
    """Return what one normal form of Unicode makes of a text."""
    import unicodedata

    return unicodedata.normalize("NFC", text)


@given(st.text(max_size=200))
def test_ris_has_one_line_for_each_value_A1_A2_A3(text: str) -> None:
    lines = ris(Cited(title=text, authors=(text,), journal="J", year=2026)).split("\r\n")
    assert all(line == "" or line[2:6] == "  - " for line in lines)
    assert lines[0] == "TY  - JOUR"
    assert lines[-2:] == ["ER  - ", ""]


def test_reference_is_a_sentence_for_one_two_many_and_no_authors() -> None:
    assert reference(PAPER) == "Balint, M., & Balint, E. (2026). The Doctor as a Drug. The Journal, 53(1), 3–12."
    one = Cited(title="Why?", authors=("李 明",), journal="J", year=1999, doi="10.1/x")
    assert reference(one) == "李 明 (1999). Why? J. https://doi.org/10.1/x"
    assert reference(Cited(title="Editorial", authors=(), journal="J", year=1999)) == "Editorial. (1999). J."
    many = Cited(title="T", authors=tuple(f"Name{n}, A" for n in range(30)), journal="J", year=1999)
    assert "Name18, A., … Name29, A." in reference(many)


def test_key_is_ascii_and_never_empty() -> None:
    assert key(PAPER) == "balint2026doctor"
    assert key(Cited(title="团体", authors=("李 明",), journal="期刊", year=1999)) == "paper1999"
