"""Labels: to the tenth of a millimetre where the makers have them, in every script there is a typeface for."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from balintmail.composing.labels import LAYOUTS, MM, Label, Sheet, set_labels
from balintmail.composing.typefaces import Typefaces

ENID = Label(("Enid Example", "1 High Street", "London", "EC1A 1BB"), "17")


def marks(pdf: bytes, page: int = 0) -> list[tuple[str, float, float]]:
    """Return the texts of a page with the place of each in millimetres from the upper left corner."""
    found: list[tuple[str, float, float]] = []
    read = PdfReader(BytesIO(pdf)).pages[page]
    height = float(read.mediabox.height)

    def visit(text: str, _cm: Any, tm: Any, *_: Any) -> None:
        if text.strip():
            found.append((text.strip(), tm[4] / MM, (height - tm[5]) / MM))

    read.extract_text(visitor_text=visit)
    return found


@pytest.mark.parametrize(
    ("sheet", "page", "first", "second", "below"),
    [
        # Corners of labels 1, 2 and the first of row 2, by the makers' data sheets, from the upper left in mm.
        (Sheet.L7160, (210.0, 297.0), (7.25, 15.15), (73.25, 15.15), (7.25, 53.25)),
        (Sheet.L7163, (210.0, 297.0), (4.65, 15.15), (106.25, 15.15), (4.65, 53.25)),
        (Sheet.AVERY_5160, (215.9, 279.4), (4.7625, 12.7), (74.6125, 12.7), (4.7625, 38.1)),
    ],
)
def test_labels_lie_where_the_maker_cut_them(
    sheet: Sheet, page: tuple[float, float], first: Any, second: Any, below: Any
) -> None:
    layout = LAYOUTS[sheet]
    printed = set_labels([Label((f"L{number:03}",)) for number in range(layout.on_a_page)], sheet)
    read = PdfReader(BytesIO(printed.pdf))
    assert printed.pages == len(read.pages) == 1
    box = read.pages[0].mediabox
    assert (float(box.width) / MM, float(box.height) / MM) == pytest.approx(page, abs=0.01)
    found = {text: (x, y) for text, x, y in marks(printed.pdf)}
    assert len(found) == layout.on_a_page
    for number, corner in ((0, first), (1, second), (layout.columns, below)):
        x, y = found[f"L{number:03}"]
        assert x == pytest.approx(corner[0] + layout.inner, abs=0.1)
        assert corner[1] < y < corner[1] + layout.label[1]
    last = found[f"L{layout.on_a_page - 1:03}"]
    assert last[0] + layout.label[0] - layout.inner <= page[0]
    assert last[1] <= page[1] - layout.top


@pytest.mark.parametrize(("sheet", "page"), [(Sheet.C5, (229, 162)), (Sheet.DL, (220, 110))])
def test_envelopes_are_a_page_each_and_keep_the_franking_zone_free(sheet: Sheet, page: tuple[int, int]) -> None:
    printed = set_labels([ENID, ENID], sheet, sender=["The Example Balint Society"])
    assert printed.pages == 2
    found = {text: (x, y) for text, x, y in marks(printed.pdf)}
    x, y = found["Enid Example"]
    assert x > page[0] * 0.4
    assert y > 40
    assert found["The Example Balint Society"][1] < 20
    assert max(y for _, y in found.values()) < page[1] - 5


def test_a_sheet_begun_before_goes_on_at_its_next_label() -> None:
    layout = LAYOUTS[Sheet.L7160]
    printed = set_labels([Label((f"L{number}",)) for number in range(3)], Sheet.L7160, start=21)
    assert printed.pages == 2
    ((text, x, _),) = marks(printed.pdf)
    assert (text, round(x, 2)) == ("L0", round(layout.left + 2 * layout.step[0] + layout.inner, 2))
    assert [text for text, _, _ in marks(printed.pdf, 1)] == ["L1", "L2"]
    with pytest.raises(ValueError, match="no place 22"):
        set_labels([ENID], Sheet.L7160, start=22)


def test_every_line_stays_inside_its_label() -> None:
    names = ["Wolfeschlegelsteinhausenbergerdorff, Adolph Blaine Charles", "W" * 28, "Short"]
    labels = [Label((name, *(f"line {number}" for number in range(6)))) for name in names]
    for sheet in (Sheet.L7160, Sheet.L7163):
        layout = LAYOUTS[sheet]
        printed = set_labels(labels, sheet)
        faces = Typefaces(names)
        for text, x, _ in marks(printed.pdf):
            assert x + faces.width(text, 7.0) / MM <= layout.left + layout.step[0] * layout.columns


def test_what_fits_at_no_size_is_left_out_and_named() -> None:
    printed = set_labels([ENID, Label(("W" * 100,)), Label(tuple("abcdefghijklmnop"))], Sheet.AVERY_5160)
    assert printed.labels == 1
    assert [(one.index, one.why) for one in printed.left_out] == [(1, "it does not fit"), (2, "it does not fit")]
    assert set_labels([Label(("W" * 100,))], Sheet.AVERY_5160).pdf == b""


def test_hungarian_and_greek_need_no_typeface_of_the_system() -> None:
    texts = ["Példányi Győző, Fő út 1. űrőÜ", "Μιχαήλ Μπάλιντ, Οδός Ερμού", "Иван Пример", "Łódź Şişli Ňěž"]
    faces = Typefaces(texts, system=())
    assert [faces.missing(text) for text in texts] == [[], [], [], []]
    printed = set_labels([Label(tuple(texts))], Sheet.L7160)
    assert [text for text, _, _ in marks(printed.pdf)] == texts


def test_chinese_is_set_from_the_system_and_embedded() -> None:
    if not any(Path("/usr/share/fonts").rglob("NotoSansCJK-Regular.ttc")):
        pytest.skip("no Chinese typeface here: apt install fonts-noto-cjk")
    assert [part for _, part in Typefaces(["李 明"]).runs("李\u3000明")] == ["李", " ", "明"]  # the blank is our own
    printed = set_labels([Label(("李 明", "北京市朝阳区", "Enid"))], Sheet.L7160)
    assert printed.left_out == ()
    text = PdfReader(BytesIO(printed.pdf)).pages[0].extract_text()
    assert "李" in text
    assert "北京市朝阳区" in text
    fonts: Any = PdfReader(BytesIO(printed.pdf)).pages[0]["/Resources"]["/Font"]  # type: ignore[index]
    kinds = [font.get_object() for font in fonts.values()]
    assert all("/FontFile2" in font["/FontDescriptor"].get_object() for font in kinds if "/FontDescriptor" in font)


@pytest.mark.parametrize(
    ("text", "scripts"), [("علي", ["Arabic"]), ("מיכאל", ["Hebrew"]), ("मीरा", ["Devanagari"]), ("李", ["Cjk"])]
)
def test_a_script_without_a_typeface_is_said_in_a_clear_line(text: str, scripts: list[str]) -> None:
    assert Typefaces([text], system=()).missing(text) == scripts


def test_a_label_in_such_a_script_is_left_out_with_its_reason() -> None:
    printed = set_labels([ENID, Label(("علي", "Cairo"))], Sheet.L7163)
    assert [(one.index, one.why) for one in printed.left_out] == [(1, "no typeface for Arabic")]


def test_a_damaged_typeface_of_the_system_is_as_good_as_none(tmp_path: Path) -> None:
    damaged = tmp_path / "DejaVuSans.ttf"
    damaged.write_bytes(b"\0\1\0\0 not a typeface")
    assert Typefaces(["李"], system=(damaged,)).missing("李") == ["Cjk"]


def test_the_same_labels_give_the_same_octets() -> None:
    assert set_labels([ENID] * 40, Sheet.L7160).pdf == set_labels([ENID] * 40, Sheet.L7160).pdf
