"""Text files of people: encodings, delimiters, quotes, ragged rows, limits, and files without a header."""

import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.domain.imports import ImportRow
from balintmail.errors import NotFound, UsageRefused
from balintmail.ops.importers.columns import Meaning
from balintmail.ops.importers.reading import Corrections, Reading, open_people
from balintmail.ops.importers.table import FileRefused, Limits
from balintmail.ops.importers.text import guess_encoding

HUNGARIAN = "név;e-mail cím;város\nSzőke Ödön;odon@example.org;Győr\nŰr Ágnes;agnes@example.org;Tűzér\n"
GERMAN = "Name;E-Mail;Ort\nJürgen Groß;juergen@example.org;Köln\nZoë Weiß;zoe@example.org;Düren\n"
FRENCH = "Nom,Prénom,Courriel\nLefèvre,Hélène,helene@example.org\nMuñoz,José,jose@example.org\n"


def opened(folder: Path, content: str | bytes, corrections: Corrections | None = None, **limits: int) -> Reading:
    file = folder / "people.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_people(file, corrections or Corrections(), Limits(**limits))


def read(folder: Path, content: str | bytes, corrections: Corrections | None = None, **limits: int) -> list[ImportRow]:
    return list(opened(folder, content, corrections, **limits).rows)


def names(found: list[ImportRow]) -> list[str]:
    return [row.name for row in found]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (HUNGARIAN, "utf-8"),
        (HUNGARIAN, "utf-8-sig"),
        (HUNGARIAN, "utf-16"),
        (HUNGARIAN, "utf-16-le"),
        (HUNGARIAN, "utf-16-be"),
        (HUNGARIAN, "utf-32"),
        (HUNGARIAN, "cp1250"),
        (HUNGARIAN, "iso8859_2"),
        (HUNGARIAN, "cp852"),
        (GERMAN, "cp1252"),
        (GERMAN, "latin-1"),
        (FRENCH, "cp1252"),
        (FRENCH, "latin-1"),
        (FRENCH, "utf-16"),
    ],
)
def test_encodings_are_guessed_G3(tmp_path: Path, text: str, encoding: str) -> None:
    plain = names(read(tmp_path, text))
    assert names(read(tmp_path, text.encode(encoding))) == plain
    assert all("\N{REPLACEMENT CHARACTER}" not in name for name in plain)


def test_one_name_decides_between_windows_1250_and_1252_G3(tmp_path: Path) -> None:
    assert names(read(tmp_path, "name,email\nSzőke,a@example.org\n".encode("cp1250"))) == ["Szőke"]
    assert names(read(tmp_path, "name,email\nBüßer – Söhne,a@example.org\n".encode("cp1252"))) == ["Büßer – Söhne"]


def test_an_encoding_can_be_named_and_is_held_to(tmp_path: Path) -> None:
    assert names(read(tmp_path, "name,email\nŐ,a@example.org\n".encode("cp852"), Corrections(encoding="cp852"))) == [
        "Ő"
    ]
    with pytest.raises(FileRefused, match="not in UTF-8"):
        read(tmp_path, "name,email\nÉ,a@example.org\n".encode("cp1252"), Corrections(encoding="utf-8"))
    with pytest.raises(FileRefused, match='no encoding "klingon"'):
        read(tmp_path, "email\na@example.org\n", Corrections(encoding="klingon"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_guessed(tmp_path: Path, delimiter: str) -> None:
    text = 'name,email,city\n"Kiss, Anna; dr | x",a@example.org,Pécs\nBo,b@example.org,\n'.replace(
        ",email", f"{delimiter}email"
    )
    lines = [
        delimiter.join(["name", "email", "city"]),
        delimiter.join(['"Kiss, Anna; dr | x"', "a@example.org", "Pécs"]),
        delimiter.join(["Bo", "b@example.org", ""]),
    ]
    assert text
    assert names(read(tmp_path, "\r\n".join(lines))) == ["Kiss, Anna; dr | x", "Bo"]


def test_excels_sep_line_is_obeyed(tmp_path: Path) -> None:
    assert names(read(tmp_path, "sep=;\nname;email\nA, B;a@example.org\n")) == ["A, B"]


def test_quotes_and_newlines_in_cells_G2(tmp_path: Path) -> None:
    text = 'name,email,address line\n"Anna ""Panni"" Kiss",a@example.org,"1 Street\nTown"\nBo,b@example.org,x\n'
    first, second = read(tmp_path, text.replace("address line", "home"))
    assert first.name == 'Anna "Panni" Kiss'
    assert first.fields == {"home": "1 Street\nTown"}
    assert (first.line, second.line) == (2, 4)


def test_ragged_rows_G4(tmp_path: Path) -> None:
    short, empty, more, long = read(
        tmp_path, "name,email,city\nA,a@example.org\nB,b@example.org,,,\nC,c@example.org,x,y\n\nD\n"
    )
    assert (short.refused, short.fields) == ("", None)
    assert empty.refused == ""
    assert more.refused == "it has 4 cells where the header has 3"
    assert long.refused == "it has no address"


def test_the_rows_and_the_columns_of_a_file_are_limited_G5(tmp_path: Path) -> None:
    text = "email\n" + "".join(f"a{n}@example.org\n" for n in range(50))
    assert len(read(tmp_path, text, rows=51)) == 50
    with pytest.raises(FileRefused, match="more than 50 rows"):
        read(tmp_path, text, rows=50)
    with pytest.raises(FileRefused, match="columns"):
        read(tmp_path, "email,name\n" + "a," * 20 + "\n", columns=10)


def test_a_huge_cell_fails_its_row_and_a_huger_one_the_file_G6(tmp_path: Path) -> None:
    rows = read(tmp_path, f"name,email\n{'x' * 200},a@example.org\nBo,b@example.org\n", cell=100, row=1000)
    assert [bool(row.refused) for row in rows] == [True, False]
    assert "200 characters" in rows[0].refused
    with pytest.raises(FileRefused, match="1,000 characters"):
        read(tmp_path, f"name,email\n{'x' * 2000},a@example.org\n", row=1000)
    with pytest.raises(FileRefused, match="1,000 characters"):
        read(tmp_path, 'name,email\n"x,a@example.org\n' + "y\n" * 2000, row=1000)


def test_a_file_without_a_header_is_known_by_its_content_G12(tmp_path: Path) -> None:
    reading = opened(tmp_path, "Kiss Anna,a@example.org,12\nNagy Béla,b@example.org,13\n")
    assert not reading.header
    assert [column.meaning for column in reading.columns] == [Meaning.NAME, Meaning.ADDRESS, Meaning.LEFT_OUT]
    assert names(list(reading.rows)) == ["Kiss Anna", "Nagy Béla"]


def test_a_file_without_addresses_is_refused_with_the_way_out_G12(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="holds addresses") as refused:
        read(tmp_path, "name,city\nAnna,Pécs\n")
    assert "--map COLUMN=address" in refused.value.hint


def test_columns_can_be_corrected(tmp_path: Path) -> None:
    text = "Wer,Kontakt,Ort,Note\nAnna,a@example.org,Köln,geheim\n"
    maps = {"wer": "name", "Kontakt": "address", "3": "field:town", "Note": "-"}
    (row,) = read(tmp_path, text, Corrections(columns=maps))
    assert (row.name, row.fields) == ("Anna", {"town": "Köln"})
    with pytest.raises(UsageRefused, match='no column "Kontaktt"') as refused:
        read(tmp_path, text, Corrections(columns={"Kontaktt": "address"}))
    assert refused.value.hint == 'Nearest: "Kontakt".'
    with pytest.raises(UsageRefused, match='no field "adress"') as refused:
        read(tmp_path, text, Corrections(columns={"Kontakt": "adress"}))
    assert "Nearest: address" in refused.value.hint


@pytest.mark.parametrize(
    ("header", "meanings"),
    [
        ("First name,Last name,E-mail address", "first_name last_name address"),
        ("Vorname;Name;E-Mail-Adresse;Mitglied;Sprache", "first_name last_name address member language"),
        ("Name;E-Mail;Einwilligung;Einwilligung am", "name address consent collected"),
        ("Nom,Prénom,Courriel,Langue", "last_name first_name address language"),
        ("Nom,Adresse électronique", "name address"),
        ("Vezetéknév;Keresztnév;E-mail cím;Nyelv;Tag", "last_name first_name address language member"),
        ("Név;Email;Hozzájárulás", "name address consent"),
    ],
)
def test_columns_in_four_languages(tmp_path: Path, header: str, meanings: str) -> None:
    width = len(meanings.split())
    sign = ";" if ";" in header else ","
    reading = opened(tmp_path, f"{header}\n{sign.join(['x'] * width)}\n")
    assert [column.meaning.value for column in reading.columns] == meanings.split()


def test_names_are_put_together_in_their_own_order(tmp_path: Path) -> None:
    assert names(read(tmp_path, "first name,last name,email\nMihály,Bálint,a@example.org\n")) == ["Mihály Bálint"]
    assert names(read(tmp_path, "Keresztnév,Vezetéknév,email\nMihály,Bálint,a@example.org\n")) == ["Bálint Mihály"]


@pytest.mark.parametrize(
    ("cell", "field"),
    [
        ("member", "maybe"),
        ("language", "not a language"),
        ("collected", "04/05/2025"),
        ("collected", "31.2.2025"),
        ("state", "whatever"),
        ("ground", "because"),
        ("id", "x17"),
    ],
)
def test_odd_values_refuse_their_row_and_name_the_value(tmp_path: Path, cell: str, field: str) -> None:
    bad, good = read(tmp_path, f"email,{cell}\na@example.org,{field}\nb@example.org,\n")
    assert bad.refused
    assert field[:5].lower() in bad.refused.lower() or "language" in bad.refused
    assert not good.refused


@pytest.mark.parametrize("content", [b"", b"   \n", b"\x00\x01\x02\x03" * 100, b"\xff\xfe"])
def test_files_that_are_no_sheet_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(FileRefused):
        read(tmp_path, content)


def test_a_file_of_any_bytes_is_no_sheet(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="not a text file"):
        opened(tmp_path, random.Random(3).randbytes(3000))


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no file"):
        open_people(tmp_path / "none.csv", Corrections())
    with pytest.raises(NotFound, match="a folder"):
        open_people(tmp_path, Corrections())


B_CASES = {
    "B1": "a@example.org b@example.org",
    "B2": "a@example.org,c@example.org",
    "B3": "a@b>c.example.org",
    "B5": "a@example.org\r\nRCPT TO:<x@example.org>",
    "B6": "a@example.org\0.example.net",
    "B10": "x@y.example.org)z@w.example.org",
    "B12": "@example.org",
    "B13": "a@",
    "B14": "a@b",
    "B15": "a@[127.0.0.1]",
    "B16": "a@localhost",
    "B17": f"{'a' * 65}@example.org",
    "B18": f"a@{'b' * 60}.{'b' * 60}.{'b' * 60}.{'b' * 60}.{'b' * 60}.example.org",
    "B19": "a..b@example.org",
    "B20": ".a@example.org",
    "B28": "@x.example.org:a@example.org",
    "B63": "a@xn--\N{SNOWMAN}.example.org",
}


@pytest.mark.parametrize("case", B_CASES)
def test_odd_addresses_in_a_cell_fail_their_row_alone_B(tmp_path: Path, case: str) -> None:
    quoted = B_CASES[case].replace('"', '""')
    bad, good = read(tmp_path, f'email,name\n"{quoted}",X\ngood@example.org,Y\n')
    assert bad.refused
    assert bad.addresses == ()
    assert good.addresses


def test_named_addresses_are_taken_apart_B4(tmp_path: Path) -> None:
    (row,) = read(tmp_path, 'email,city\n"Kiss Anna <anna@example.org>",x\n')
    assert (row.name, row.addresses[0].address.text) == ("Kiss Anna", "anna@example.org")


def test_dash_first_addresses_stay_addresses_B11(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "email\n-oQ@example.org\n")
    assert row.addresses[0].address.text == "-oQ@example.org"


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_no_file_makes_the_reader_fall(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.csv"
    file.write_bytes(content)
    found: list[ImportRow] = []
    with suppress(FileRefused):
        found = list(open_people(file, Corrections()).rows)
    assert all(row.refused or row.addresses or row.person for row in found)


def test_plain_ascii_is_utf8(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"email\na@example.org\n")
    assert guess_encoding(tmp_path / "x.csv") == "utf-8"


def test_a_plain_list_may_hold_commas_in_names(tmp_path: Path) -> None:
    found = read(tmp_path, "Kiss, Anna <a@example.org>\nNagy, Béla <b@example.org>\nc@example.org\n")
    assert names(found) == ["Kiss, Anna", "Nagy, Béla", ""]


def test_a_single_quoted_column_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, '"email"\n"a@example.org"\n"b@example.org"\n')
    assert [row.shown for row in found] == ["a@example.org", "b@example.org"]


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_every_line_end_is_read(tmp_path: Path, end: str) -> None:
    found = read(tmp_path, end.join(["name,email", "Anna,a@example.org", "Bo,b@example.org", ""]))
    assert names(found) == ["Anna", "Bo"]
