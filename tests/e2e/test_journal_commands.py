"""`balintmail journal` as the Secretary types it."""

from pathlib import Path

import pytest

from tests.support.command import founded
from tests.support.instance import Instance
from tests.support.volumes import pdf


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i", "--url", "https://balint.example.org")
    return Instance(tmp_path / "i")


def test_a_journal_issue_with_its_papers_and_stock(society: Instance) -> None:
    assert "no issue of the Journal yet" in society("journal", "list").said
    said = ("--volume", "53", "--number", "1", "--issn", "2049-3630", "--title", "Sixty Years", "--print-run", "450")
    assert society("journal", "add", "2026", *said).status == 0
    (society.folder / "abstract.txt").write_text("What a doctor is as a drug.\n", "utf-8")
    paper = (
        "--title",
        "The Doctor as a Drug",
        "--author",
        "Michael Balint",
        "--author",
        "Bálint Enid",
        "--pages",
        "3-12",
    )
    abstract = ("--abstract-file", society.folder / "abstract.txt", "--doi", "10.1234/jbs.1")
    assert society("journal", "articles", "add", "2026", *paper, *abstract).status == 0
    assert society("journal", "articles", "add", "2026", "--title", "Editorial", "--position", "1").status == 0
    shown = society("journal", "show", "2026", "--json").json
    assert (shown["volume"], shown["issn"], shown["print_run"]) == ("53", "2049-3630", 450)
    assert [one["title"] for one in shown["contents"]] == ["Editorial", "The Doctor as a Drug"]
    assert shown["contents"][1]["abstract"] == "What a doctor is as a drug."
    assert shown["contents"][1]["authors"][0]["sorted_as"] == "Balint, Michael"
    plain = society("journal", "show", "2026").said
    assert "Sixty Years" in plain
    assert "3–12" in plain
    assert society("journal", "articles", "edit", "2026", "2", "--kind", "article").status == 0
    assert society("journal", "articles", "remove", "2026", "editorial").status == 0
    assert society("journal", "edit", "2026", "--published", "2026-09-15").status == 0
    (listed,) = society("journal", "list", "--json").json
    assert (listed["published_on"], listed["papers"]) == ("2026-09-15", 1)
    assert "2026-09-15" in society("journal", "list").said


def test_stock_by_hand(society: Instance) -> None:
    society("journal", "add", "2026")
    assert society("journal", "stock", "2026", "--printed", "450", "--note", "from the printer").status == 0
    found = society("--by", "Rose", "journal", "stock", "2026", "--lost", "3", "--json").json
    assert (found["on_shelf"], found["free"], len(found["moves"])) == (447, 447, 2)
    assert found["moves"][1]["by"] == "Rose"
    refused = society("journal", "stock", "2026", "--given", "448")
    assert refused.status == 1
    assert "447 are on the shelf" in refused.said
    assert society("journal", "stock", "2026", "--given", "0").status == 2
    assert society("journal", "stock", "2026", "--given", "1", "--lost", "1").status == 2
    assert "447 on the shelf" in society("journal", "stock", "2026").said


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("add", "26"), 1, "names no issue"),
        (("show", "2031"), 1, "journal add 2031"),
        (("edit", "2026"), 2, "Nothing to change"),
        (("articles", "add", "2026"), 1, "needs a title"),
        (("articles", "add", "2026", "--title", "x", "--abstract", "a", "--abstract-file", "b"), 2, "same thing"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    society: Instance, arguments: tuple[str, ...], status: int, words: str
) -> None:
    found = society("journal", *arguments)
    assert (found.status, "Traceback" in found.said) == (status, False)
    assert words in found.said


def member(society: Instance, name: str, wanted: str, *, city: str = "London") -> None:
    """Add a member with a postal address in London, through the door of files."""
    row = f"{name.lower()}@example.org,{name},yes,{wanted},GB,1 High Street,{city},EC1A 1BB"
    head = "address,name,member,journal_format,postal_country,postal_street,postal_city,postal_postcode"
    file = society.folder / "people.csv"
    file.write_text(f"{head}\n{row}\n", "utf-8")
    done = society("people", "import", file, "--consent", "asked", "--collected", "2026-01-01", "--yes")
    assert done.status == 0, done.said


def test_a_run_from_plan_to_report(society: Instance) -> None:
    society("journal", "add", "2026")
    society("journal", "stock", "2026", "--printed", "10")
    assert "not planned yet" in society("journal", "despatch", "report", "2026").said
    for name, wanted in (("Anna", "paper"), ("Bea", "pdf"), ("Cili", "both")):
        member(society, name, wanted)
    planned = society("journal", "despatch", "plan", "2026", "--json").json
    assert planned["copies"] == {"owed": 4, "paper": 2, "email": 2, "nobody": 0}
    assert planned["people"] == {"owed": 3, "paper": 1, "email": 1, "both": 1, "nobody": 0}
    assert society("journal", "despatch", "plan", "2026", "--json").json["changed"] == 0
    assert society("journal", "despatch", "freeze", "2026").status == 1  # nobody said yes
    frozen = society("journal", "despatch", "freeze", "2026", "--yes", "--json")
    assert (frozen.status, frozen.json["state"]) == (0, "frozen")
    assert "frozen already" in society("journal", "despatch", "freeze", "2026").said
    assert society("journal", "despatch", "plan", "2026").status == 1
    done = society("journal", "despatch", "post", "2026", "anna@example.org", "--json").json
    assert (done["changed"], done["posted"], done["on_shelf"]) == (1, 1, 9)
    assert society("journal", "despatch", "returned", "2026", "anna@example.org").status == 0
    assert society("journal", "despatch", "reissue", "2026", "anna@example.org").status == 0
    assert society("journal", "despatch", "withdraw", "2026", "cili@example.org").status == 0
    assert society("journal", "despatch", "add", "2026", "bea@example.org", "--note", "review").status == 0
    report = society("journal", "despatch", "report", "2026", "--copies", "--json").json
    copies = report["copies"]
    assert copies["paper"] + copies["email"] + copies["nobody"] == copies["owed"] == len(report["each"]) == 5
    said = society("journal", "despatch", "report", "2026").said
    assert "5 copies" in said
    assert "withdrawn" in said


def test_labels_and_a_mail_houses_list(society: Instance, tmp_path: Path) -> None:
    society("journal", "add", "2026")
    society("journal", "stock", "2026", "--printed", "10")
    for name in ("Anna", "Bea"):
        member(society, name, "paper")
    society("journal", "despatch", "plan", "2026")
    assert society("journal", "despatch", "labels", "2026").status == 1  # nothing is frozen
    society("journal", "despatch", "freeze", "2026", "--yes")
    listed = tmp_path / "house.xlsx"
    done = society("journal", "despatch", "labels", "2026", "--out", listed, "--json")
    assert (done.status, done.json["labels"], listed.read_bytes()[:2]) == (0, 2, b"PK")
    assert "No copy waits for a label" in society("journal", "despatch", "labels", "2026").said
    sheet = tmp_path / "labels.pdf"
    again = ("journal", "despatch", "labels", "2026", "--again", "--sheet", "L7163", "--out", sheet)
    done = society(*again, "--json")
    assert (done.json["labels"], done.json["pages"], sheet.read_bytes()[:5]) == (2, 1, b"%PDF-")
    assert sheet.stat().st_mode & 0o077 == 0
    assert society(*again).status == 1  # it is there already
    assert society(*again, "--yes").status == 0
    assert society(*again, "--format", "csv").status == 2
    assert society(*again, "--yes", "--start", "15").status == 2
    assert society("journal", "despatch", "post", "2026", "--json").json["posted"] == 2


def test_past_papers_come_in_from_a_folder_once_and_can_be_searched(society: Instance, tmp_path: Path) -> None:
    folder = tmp_path / "past"
    folder.mkdir()
    (folder / "balint1973.pdf").write_bytes(pdf("The flash, as the group called it, came in the sixth minute."))
    (folder / "scan.pdf").write_bytes(pdf(""))
    (folder / "all.csv").write_text(
        "Title;Authors;Year;Volume;Pages;File\nSix Minutes;Enid Balint & Jack Norell;1973;1;3-9;balint1973.pdf\n"
        "On Scans;Jane Example;1974;2;1-4;scan.pdf\nLost;A B;1974;2;5;../../secrets.toml\n;;;;;\nNo year;A B;x;1;1;\n",
        "utf-8",
    )
    dry = society("journal", "import", folder, "--dry-run", "--json").json
    assert (dry["new"], dry["refused"], dry["written"]) == (3, 1, False)
    assert society("journal", "list", "--json").json == []
    assert society("journal", "import", folder).status == 1  # nobody said yes
    done = society("journal", "import", folder, "--yes")
    assert done.status == 0
    assert "1 are scans without a text layer" in done.said
    assert "ocrmypdf is not installed" in done.said
    assert 'its file "../../secrets.toml" is not in the folder' in done.said
    assert society("journal", "import", folder, "--yes", "--json").json["unchanged"] == 3
    read = society("archive", "read", "--json").json
    assert (read["read"], read["scan"]) == (1, 1)
    refused = society("journal", "import", tmp_path / "nothing.bib")
    assert (refused.status, "There is no" in refused.said) == (1, True)


def test_links_to_e_copies(society: Instance) -> None:
    society("journal", "add", "2026")
    member(society, "Bea", "pdf")
    society("journal", "despatch", "plan", "2026")
    society("journal", "despatch", "freeze", "2026", "--yes")
    refused = society("journal", "despatch", "send", "2026", "--yes")
    assert refused.status == 1
    assert "journal edit 2026 --pdf FILE" in refused.said
    file = society.folder / "journal.pdf"
    file.write_bytes(b"%PDF-1.7\n%%EOF\n")
    assert society("journal", "edit", "2026", "--pdf", file).status == 0
    assert society("journal", "despatch", "send", "2026").status == 1  # nobody said yes
    done = society("journal", "despatch", "send", "2026", "--yes", "--json").json
    assert (done["links"], done["state"], len(done["mailings"])) == (1, "done", 1)
    assert society("dispatch").status == 0
    shown = society("mailings", "show", str(done["mailings"][0]), "--json").json
    assert (shown["state"], shown["counts"]["accepted"]) == ("sent", 1)
    assert "No link waits" in society("journal", "despatch", "send", "2026").said
