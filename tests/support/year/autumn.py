"""September and October: a Journal of 120 pages goes to four hundred people by post and by mail, and one comes back."""

import csv
from collections import Counter
from typing import Any

from tests.support.year import pdf
from tests.support.year.books import AUTHOR, MOVES, Books
from tests.support.year.cast import EVERYBODY
from tests.support.year.parish import Parish

PAGES, PRINTED = 120, 340


def journal(parish: Parish, books: Books) -> None:
    """It is printed and comes out on 15 September; its papers are open to everybody from 15 November on."""
    parish.until(2027, 9, 1)
    file = parish.file("journal-2027.pdf", pdf.journal("The Journal 2027", PAGES))
    parish("journal", "edit", "2027", "--published", "2027-09-15", "--embargo", "2027-11-15", "--pdf", file)
    parish("journal", "edit", "2027", "--print-run", str(PRINTED))
    parish("journal", "stock", "2027", "--printed", str(PRINTED), "--note", "from the printer")
    books.shelf += PRINTED


def owed(books: Books) -> Counter[str]:
    """Return how many copies are owed by each way, and to how many people."""
    formats = {one.address: one.format or "paper" for one in EVERYBODY}
    ways = Counter(formats[address] for address in books.members)
    paper, email = ways["paper"] + ways["both"], ways["pdf"] + ways["both"] + 1  # the author has no postal address
    return Counter(paper=paper, email=email, owed=paper + email, people=len(books.members) + 1)


def despatch(parish: Parish, books: Books) -> None:
    """Everybody who is owed a copy gets it once, and every report says the same."""
    parish.until(2027, 9, 16)
    expected = owed(books)
    assert expected["people"] == 400
    planned = parish.json("journal", "despatch", "plan", "2027", "--on", "2027-09-01")
    assert planned["copies"] == {**{way: expected[way] for way in ("owed", "paper", "email")}, "nobody": 0}
    assert planned["people"]["owed"] == expected["people"]
    parish("journal", "despatch", "freeze", "2027", "--yes")
    _labels(parish, expected["paper"])
    posted = parish.json("journal", "despatch", "post", "2027", "--on", "2027-09-16")
    books.shelf -= expected["paper"]
    assert (posted["posted"], posted["on_shelf"]) == (expected["paper"], books.shelf)
    sent = parish.json("journal", "despatch", "send", "2027", "--yes")
    assert sent["links"] == expected["email"]
    parish.dispatch(2)
    mailed = [parish.json("mailings", "show", str(one)) for one in sent["mailings"]]
    assert sum(one["counts"]["accepted"] for one in mailed) == expected["email"]
    _open_e_copies(parish, books, expected["email"])
    books.owed, books.posted = expected, expected["paper"]


def _labels(parish: Parish, number: int) -> None:
    sheet, house = parish.folder.parent / "labels.pdf", parish.folder.parent / "house.csv"
    done = parish.json("journal", "despatch", "labels", "2027", "--out", sheet)
    assert (done["labels"], done["left_out"]) == (number, [])
    parish("journal", "despatch", "labels", "2027", "--again", "--out", house)
    with house.open(encoding="utf-8-sig", newline="") as file:
        assert sum(1 for _ in csv.DictReader(file)) == number
    _count_pages(sheet, -(-number // 21))


def _count_pages(file: Any, number: int) -> None:
    from pypdf import PdfReader

    assert len(PdfReader(file).pages) == number


def _open_e_copies(parish: Parish, books: Books, number: int) -> None:
    """Two open theirs; everybody's mailbox holds one link, and no two are the same."""
    formats = {one.address: one.format for one in EVERYBODY}
    wanted = [AUTHOR, *sorted(one for one in books.members if formats[one] in {"pdf", "both"})]
    links = {address: parish.link(address, "/ecopy/[a-z2-7]+") for address in wanted}
    assert len(set(links.values())) == number

    def fetch(page: Any) -> int:
        with page.expect_download() as under_way:
            page.locator("main button").click()
        _count_pages(under_way.value.path(), PAGES)
        return 1

    opened = sum(parish.visit(links[address], fetch) for address in wanted[:2])
    each = parish.json("journal", "despatch", "report", "2027", "--copies")["each"]
    assert sum(copy["opened_times"] for copy in each) == opened


def envelope_comes_back(parish: Parish, books: Books) -> None:
    """The copy goes back on the shelf, and out again to the address that holds now."""
    parish.until(2027, 10, 4)
    found = parish.json("journal", "despatch", "returned", "2027", MOVES)
    books.shelf += 1
    assert (found["returned"], found["on_shelf"]) == (1, books.shelf)
    parish("journal", "despatch", "reissue", "2027", MOVES)
    again = parish.json("journal", "despatch", "labels", "2027", "--out", parish.folder.parent / "again.pdf")
    assert again["labels"] == 1
    found = parish.json("journal", "despatch", "post", "2027")
    books.shelf -= 1
    books.posted += 1
    assert (found["posted"], found["on_shelf"], found["copies"]["owed"]) == (
        books.posted,
        books.shelf,
        books.owed["owed"],
    )
