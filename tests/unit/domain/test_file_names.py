"""What a stranger calls a file never leaves its folder, hides its kind or names a device (D9, D10, A1-A26)."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.file_names import LONGEST, another_name, safe_name

ODD = {
    "A1 CRLF": ("a\r\nb.pdf", "ab.pdf"),
    "A4 LF and space": ("a\n b.pdf", "a b.pdf"),
    "A5": ("a%0d%0ab.pdf", "ab.pdf"),
    "A9-A12": ("a\x0b\x0c\x1c\x85b.pdf", "ab.pdf"),
    "A13 A14": ("a\u2028b\u2029c.pdf", "a b c.pdf"),
    "A15 NUL": ("a\0b.pdf", "ab.pdf"),
    "A16 lone surrogate": ("a\ud800b.pdf", "ab.pdf"),
    "A17 right to left": ("invoice\u202efdp.exe", "invoicefdp.exe.txt"),
    "A18 joiners": ("a\u200d\u200bb.pdf", "ab.pdf"),
    "A21 spaces": ("   ", "attachment"),
    "A23 empty": ("", "attachment"),
    "A26 BOM": ("\ufeffa.pdf", "a.pdf"),
    "D6 drawing with a script": ("logo.svg", "logo.svg.txt"),
    "host in a name": ("www.example.com.pdf", "www.example.com.pdf"),
    "D9 up": ("../../etc/passwd", "passwd"),
    "D9 hidden": ("..%2f..%2Fetc%2fpasswd", "passwd"),
    "D9 hidden twice": ("%252e%252e%252fpasswd", "passwd"),
    "D9 dots": ("%2e%2e", "attachment"),
    "D9 absolute": ("/etc/shadow", "shadow"),
    "D9 Windows": ("C:\\Windows\\system.ini", "system.ini"),
    "D9 UNC": ("\\\\server\\share\\a.pdf", "a.pdf"),
    "D9 full-width stroke": ("..\uff0fa.pdf", "a.pdf"),
    "D10 device": ("CON", "file-CON"),
    "D10 device with an end": ("nul.pdf", "file-nul.pdf"),
    "D10 device and blank": ("com1 .pdf", "file-com1 .pdf"),
    "stream": ("a.pdf::$DATA", "a.pdf_DATA"),
    "dash first": ("-rf", "rf"),
    "hidden file": (".bashrc", "bashrc"),
    "ends in dots": ("a.exe. . .", "a.exe.txt"),
    "shell": ("a;$(rm -rf).pdf", "a_(rm -rf).pdf"),
    "home": ("~root", "root"),
    "program": ("photo.jpg.EXE", "photo.jpg.EXE.txt"),
    "plain": ("Jahresbericht 2026 (Entwurf).odt", "Jahresbericht 2026 (Entwurf).odt"),
    "letters with marks": ("Meghi\u0301vo\u0301.pdf", "Meghívó.pdf"),
}


@pytest.mark.parametrize(("name", "expected"), ODD.values(), ids=ODD.keys())
def test_name_is_one_harmless_part_of_a_path_D9_D10(name: str, expected: str) -> None:
    assert safe_name(name) == expected


def test_name_of_300_characters_keeps_its_end_D10() -> None:
    found = safe_name("ő" * 300 + ".pdf")
    assert found.endswith("ő.pdf")
    assert len(found.encode()) <= LONGEST
    assert len(safe_name("x." + "y" * 300).encode()) <= LONGEST


def test_file_without_a_name_is_called_by_its_kind() -> None:
    assert safe_name("", "message/rfc822") == "message.eml"
    assert safe_name("..", "image/png") == "attachment"


def test_second_file_of_a_name_gets_another_whatever_its_capitals() -> None:
    assert another_name("a.pdf", set()) == "a.pdf"
    assert another_name("A.pdf", {"a.pdf"}) == "A-2.pdf"
    assert another_name("notes", {"notes", "notes-2"}) == "notes-3"
    long = safe_name("x" * 300 + ".pdf")
    assert len(another_name(long, {long.casefold()}).encode()) <= LONGEST


@given(st.text(max_size=300))
def test_any_name_is_one_printable_part_and_stays_what_it_is(name: str) -> None:
    found = safe_name(name)
    assert found.strip(" .") == found != ""
    assert not set(found) & set('/\\:\0*?"<>|\r\n')
    assert not any(unicodedata.category(one)[0] == "C" for one in found)
    assert len(found.encode()) <= LONGEST + len(".txt")
    assert safe_name(found) == found
