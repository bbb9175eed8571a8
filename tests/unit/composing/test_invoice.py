"""Invoices as PDF: every word in an embedded typeface, the same words give the same octets, nothing runs off."""

from dataclasses import replace
from io import BytesIO
from typing import Any

from pypdf import PdfReader

from balintmail.composing.invoice import Paper, Row, set_paper

PAPER = Paper(
    title="Számla",
    seller=("The Example Balint Society", "London"),
    buyer=("Bálint Mihály", "Δρ. Ελένη", "Magyarország"),
    facts=(("Szám", "INV-2026-0001"),),
    head=Row("Megnevezés", "Példány", "Egységár", "Összeg"),
    rows=(Row("Journal, 2026", "2", "£5.00", "£10.00"),),
    total=("Végösszeg", "£10.00"),
    paragraphs=("one\ntwo",),
    foot=("Registered charity",),
    instead="(in {script} script)",
    language="hu",
)


def read(paper: Paper) -> PdfReader:
    return PdfReader(BytesIO(set_paper(paper)))


def test_every_word_is_printed_in_an_embedded_typeface() -> None:
    (page,) = read(PAPER).pages
    text = page.extract_text()
    for said in ("Számla", "Bálint Mihály", "Δρ. Ελένη", "INV-2026-0001", "£10.00", "Registered charity", "two"):
        assert said in text
    resources: Any = page["/Resources"]
    fonts = [font.get_object() for font in resources["/Font"].values()]
    used = [font for font in fonts if font["/BaseFont"] != "/Helvetica"]  # reportlab names it and draws nothing in it
    assert used
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in used)


def test_same_words_give_the_same_octets() -> None:
    assert set_paper(PAPER) == set_paper(PAPER)


def test_line_in_a_script_without_a_typeface_gives_way_to_words_that_say_so() -> None:
    text = read(replace(PAPER, buyer=("عمر",))).pages[0].extract_text()
    assert "(in Arabic script)" in text


def test_what_is_too_long_is_wrapped_and_goes_on_overleaf_A19_A20() -> None:
    long = Row("W" * 300, "1", "£1.00", "£1.00")
    found = read(replace(PAPER, rows=(long,) * 20, buyer=("x" * 998, "m " * 400)))
    assert 1 < len(found.pages) < 9
    assert "Végösszeg" in found.pages[-1].extract_text()
    widest: list[float] = []
    for page in found.pages:
        page.extract_text(visitor_text=lambda _t, _c, matrix, _f, _s: widest.append(matrix[4]))
    assert max(widest) < 190 / 25.4 * 72
