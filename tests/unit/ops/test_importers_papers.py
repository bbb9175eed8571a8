"""Lists of past papers: BibTeX with LaTeX in it, tables in four languages, and PDFs that no path leads out of."""

from dataclasses import replace
from pathlib import Path

import pytest

from balintmail.ops.importers import papers
from balintmail.ops.importers.papers import Shelf
from balintmail.ops.importers.table import FileRefused

BIB = r"""
@string{jbs = "Journal"}
@article{balint1957, author = {Balint, Michael and {\'A}gnes B{\'a}lint}, title = {The {Doctor} \& his \emph{Drug}},
  journal = jbs, year = 1957, volume = 4, number = {2}, pages = {3--12}, month = mar, langid = {english},
  abstract = {One \input{/etc/passwd} two.}, file = {:old/Balint 1957.pdf:PDF}, doi = {10.1234/A\_b}}
@book{other, title = {A book}, year = 1957}
@comment{nothing}
@article{empty, year = 1958}
"""


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_bibtex_with_latex_becomes_plain_words_and_runs_nothing(tmp_path: Path) -> None:
    found = papers.read(write(tmp_path, "all.bib", BIB))
    first, empty = found.records
    assert first.title == "The Doctor & his Drug"
    assert first.authors == (("Michael Balint", "Balint, Michael"), ("Ágnes Bálint", "Bálint, Ágnes"))
    assert (first.year, first.volume, first.number, first.pages) == ("1957", "4", "2", "3–12")
    assert (first.published, first.language, first.doi) == ("3", "en", "10.1234/A_b")
    assert first.abstract == "One /etc/passwd two."
    assert first.file == "old/Balint 1957.pdf"
    assert empty.title == ""
    assert [one.reason for one in found.refused] == ["@book is no paper of a journal"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.bib", "@article{x, title = {never closed"), ("a.bib", "no entry"), ("a.bib", b"@article\0{}"),
     ("a.bib", "@article{x, title = " + "{" * 60 + "}" * 60 + "}"), ("a.csv", "Name,Address\nA,B\n"),
     ("a.csv", b"PK\x03\x04 no workbook"), ("a.txt", "Title,Year\nA,1957\n")],
)  # fmt: skip
def test_file_that_is_no_list_is_refused_with_one_clear_error(tmp_path: Path, name: str, content: str | bytes) -> None:
    with pytest.raises(FileRefused):
        papers.read(write(tmp_path, name, content))


@pytest.mark.parametrize(
    "head",
    ["Title,Authors,Year,Volume,Issue,Pages,File", "Titel;Autoren;Jahr;Band;Heft;Seiten;Datei",
     "Titre;Auteurs;Année;Volume;Numéro;Pages;Fichier", "Cím;Szerzők;Év;Kötet;Szám;Oldalak;Fájl"],
)  # fmt: skip
def test_columns_of_a_table_are_known_in_four_languages(tmp_path: Path, head: str) -> None:
    sign = ";" if ";" in head else ","
    line = sign.join(["Six Minutes", "Enid Balint & Jack Norell", "1973", "1", "2", "3-9", "six.pdf"])
    (record,) = papers.read(write(tmp_path, "a.csv", f"{head}\n{line}\n")).records
    assert (record.title, record.year, record.volume, record.number) == ("Six Minutes", "1973", "1", "2")
    assert (record.pages, record.file) == ("3-9", "six.pdf")
    assert [printed for printed, _ in record.authors] == ["Enid Balint", "Jack Norell"]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("Balint, M.; Norell, J. S.", ["Balint, M.", "Norell, J. S."]), ("Balint, Michael", ["Balint, Michael"]),
        ("Michael Balint, Enid Balint", ["Balint, Michael", "Balint, Enid"]), ("李 明", ["李 明"]), ("", []),
        ("van der Berg, Jan Willem", ["van der Berg, Jan Willem"]), (" ; ,", []),
        ("A Jones and B Smith and C Brown", ["Jones, A", "Smith, B", "Brown, C"]),
    ],
)  # fmt: skip
def test_authors_of_a_cell_are_parted(cell: str, names: list[str]) -> None:
    assert [sorted_as for _, sorted_as in papers.people(cell)] == names


def test_pdfs_are_found_within_the_folder_and_no_path_leads_out_of_it_D9(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for name in ("old/Balint 1957.pdf", "a/same.pdf", "b/same.pdf", ".hidden.pdf", "smith1970.pdf"):
        write(folder, name, b"%PDF")
    write(tmp_path, "secret.pdf", b"%PDF")
    (folder / "link.pdf").symlink_to(tmp_path / "secret.pdf")
    write(folder, "a.csv", "Title,Year,File\nA,1957,x.pdf\n")
    found = papers.read(folder)
    assert sorted(found.pdfs) == ["a/same.pdf", "b/same.pdf", "old/Balint 1957.pdf", "smith1970.pdf"]
    shelf, record = Shelf(found.pdfs), found.records[0]

    def find(**said: str) -> str | None:
        return shelf.find(replace(record, file=said.get("file", ""), key=said.get("key", "")))

    assert find(file="C:/Users/enid/Papers/balint 1957.PDF") == "old/Balint 1957.pdf"
    assert find(file="a/same.pdf") == "a/same.pdf"
    assert find(key="smith1970") == "smith1970.pdf"
    for odd in ("../secret.pdf", "/etc/passwd", "link.pdf", ".hidden.pdf", "same.pdf", "..", "old\0/x.pdf"):
        assert find(file=odd) is None, odd


def test_folder_with_one_broken_list_among_several_tells_it_and_reads_the_others(tmp_path: Path) -> None:
    write(tmp_path, "good.csv", "Title,Year\nA,1957\n")
    write(tmp_path, "bad.bib", "@article{x, title = {never closed")
    found = papers.read(tmp_path)
    assert len(found.records) == 1
    assert [one.origin for one in found.refused] == ["bad.bib"]
    with pytest.raises(FileRefused, match="no list"):
        papers.read(write(tmp_path / "pdfs", "a.pdf", b"%PDF").parent)
