"""Workbooks: what is read of them, and every hostile archive that is refused before it is unpacked."""

import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from balintmail.domain.imports import ImportRow
from balintmail.ops.importers import workbook
from balintmail.ops.importers.reading import Corrections, open_people
from balintmail.ops.importers.table import FileRefused, Limits


def a_book(folder: Path, rows: list[list[Any]], change: Callable[[Workbook], None] | None = None) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    if change:
        change(book)
    file = folder / "people.xlsx"
    book.save(file)
    return file


def read(file: Path, limits: Limits | None = None) -> list[ImportRow]:
    return list(open_people(file, Corrections(), limits or Limits()).rows)


def repacked(file: Path, replace: dict[str, bytes], add: list[tuple[zipfile.ZipInfo, bytes]] | None = None) -> Path:
    """Write the workbook anew with parts exchanged and added."""
    out = file.with_name("changed.xlsx")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            target.writestr(part.filename, replace.get(part.filename, source.read(part)))
        for info, content in add or []:
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, content)
    return out


def test_cells_are_read_as_their_reader_sees_them(tmp_path: Path) -> None:
    file = a_book(
        tmp_path,
        [
            ["Name", "E-Mail", "Collected", "Member", "Room", "Note"],
            ["Szőke Ödön", "odon@example.org", datetime(2025, 3, 21), True, 12, "a\nb"],  # noqa: DTZ001
            [None, None, None, None, None, None],
            ["Bo", "bo@example.org", "2025-03-22", "no", 1.5, None],
        ],
    )
    first, second = read(file)
    assert (first.line, first.name, str(first.collected), first.member) == (2, "Szőke Ödön", "2025-03-21", True)
    assert first.fields == {"room": "12", "note": "a\nb"}
    assert (second.line, second.member, second.fields) == (4, False, {"room": "1.5"})


def test_a_workbook_that_is_called_csv_is_read_all_the_same(tmp_path: Path) -> None:
    book = a_book(tmp_path, [["E-Mail", "Name"], ["anna@example.org", "Anna"]])
    (row,) = read(book.rename(tmp_path / "people.csv"))
    assert (row.shown, row.name) == ("anna@example.org", "Anna")


def test_formulas_stay_text_and_are_not_calculated_G1(tmp_path: Path) -> None:
    rows = [["name", "email", "sum"], ["=cmd|' /C calc'!A0", "a@example.org", "=1+1"]]
    (row,) = read(a_book(tmp_path, rows))
    assert row.name == "=cmd|' /C calc'!A0"
    assert row.fields == {"sum": "=1+1"}


def test_the_first_visible_sheet_is_taken_and_named(tmp_path: Path) -> None:
    def change(book: Workbook) -> None:
        book.active.sheet_state = "hidden"  # type: ignore[union-attr]
        book.create_sheet("People").append(["email"])
        book["People"].append(["b@example.org"])

    file = a_book(tmp_path, [["email"], ["a@example.org"]], change)
    reading = open_people(file, Corrections())
    assert "People" in reading.shape
    assert [row.shown for row in reading.rows] == ["b@example.org"]


def test_a_zip_bomb_is_refused_before_it_is_unpacked_G7(tmp_path: Path) -> None:
    file = a_book(tmp_path, [["email"], ["a@example.org"]])
    bomb = b"<worksheet>" + b" " * 30_000_000
    with pytest.raises(FileRefused, match="would unpack"):
        read(repacked(file, {"xl/worksheets/sheet1.xml": bomb}))


def test_a_workbook_over_the_limits_is_refused_G7(tmp_path: Path) -> None:
    file = a_book(tmp_path, [["email"], ["a@example.org"]])
    with pytest.raises(FileRefused, match="would unpack"):
        read(file, Limits(unpacked=1000))


@pytest.mark.parametrize("name", ["../outside.xml", "/etc/passwd.xml", "xl/../../x.xml", "..\\outside.xml"])
def test_parts_that_reach_outside_are_refused_G7(tmp_path: Path, name: str) -> None:
    file = a_book(tmp_path, [["email"], ["a@example.org"]])
    with pytest.raises(FileRefused, match="outside"):
        read(repacked(file, {}, [(zipfile.ZipInfo(name), b"<x/>")]))


def test_symbolic_links_are_refused_G7(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("xl/link.xml")
    link.create_system = 3
    link.external_attr = 0o120777 << 16
    with pytest.raises(FileRefused, match="symbolic link"):
        read(repacked(a_book(tmp_path, [["email"]]), {}, [(link, b"/etc/passwd")]))


@pytest.mark.parametrize(
    ("name", "content"), [("xl/more.zip", b"x"), ("xl/media/picture.png", b"PK\x03\x04 and so on")]
)
def test_archives_in_the_archive_are_refused_G7(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(FileRefused, match="another archive"):
        read(repacked(a_book(tmp_path, [["email"]]), {}, [(zipfile.ZipInfo(name), content)]))


def test_locked_workbooks_are_refused_G7(tmp_path: Path) -> None:
    file = a_book(tmp_path, [["email"], ["a@example.org"]])
    content = bytearray(file.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    content[6] |= 1
    file.write_bytes(content)
    with pytest.raises(FileRefused, match="password"):
        read(file)
    file.write_bytes(workbook.OLE_MARK + b"\0" * 600)
    with pytest.raises(FileRefused, match="password"):
        read(file)


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        "<!-- " + "x" * 200_000 + ' --><!DOCTYPE x SYSTEM "http://example.net/x.dtd">',
    ],
)
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_G8(tmp_path: Path, prolog: str, part: str, encoding: str) -> None:
    file = a_book(tmp_path, [["email"], ["a@example.org"]])
    xml = f'<?xml version="1.0" encoding="{encoding}"?>{prolog}<x/>'
    with pytest.raises(FileRefused, match="entities"):
        read(repacked(file, {part: xml.encode(encoding)}, None), Limits(ratio=10**9))


def test_an_archive_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "people.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("people.csv", "email\na@example.org\n")
    with pytest.raises(FileRefused, match="not a workbook") as refused:
        read(file)
    assert refused.value.hint == "Unpack it first."


@pytest.mark.parametrize("damage", ["cut", "xml", "flip"])
def test_damaged_workbooks_are_refused(tmp_path: Path, damage: str) -> None:
    file = a_book(tmp_path, [["email"], ["a@example.org"]])
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-300])
    elif damage == "xml":
        file = repacked(file, {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row r='x'"})
    else:
        content = bytearray(file.read_bytes())
        content[200:260] = b"\xff" * 60
        file.write_bytes(content)
    with pytest.raises(FileRefused):
        read(file)


def test_a_sheet_that_lies_about_its_rows_is_refused(tmp_path: Path) -> None:
    file = a_book(tmp_path, [["email"], ["a@example.org"]])
    sheet = (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>email</t></is></c></row>'
        b'<row r="99999999"><c r="A99999999" t="inlineStr"><is><t>a@example.org</t></is></c></row>'
        b"</sheetData></worksheet>"
    )
    with pytest.raises(FileRefused):
        read(repacked(file, {"xl/worksheets/sheet1.xml": sheet}))
