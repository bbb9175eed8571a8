"""September and October: a Journal of 120 pages goes to four hundred people by post and by mail, and one comes back."""

import csv
from collections import Counter
from typing import Any

from tests.support.year import pdf
from tests.support.year.books import AUTHOR, LATE_BUYER, MOVES, NEVER_PAYS, NEW_STREET, PAYS, TAKES_BACK, Books
from tests.support.year.browser import press
from tests.support.year.cast import EVERYBODY, member
from tests.support.year.parish import Parish

PAGES, PRINTED = 120, 340


def journal(parish: Parish, books: Books) -> None:
    """It is printed and comes out on 15 September; its papers are open to everybody from 15 November on."""
    parish.until(2027, 9, 1)
    file = parish.file("journal-2027.pdf", pdf.journal("The Journal 2027", PAGES))
    parish("journal", "edit", "2027", "--published", "2027-09-15", "--embargo", "2027-11-15", "--pdf", file)
    parish("journal", "edit", "2027", "--print-run", str(PRINTED))
    parish("journal", "articles", "edit", "2027", "1", "--pdf", parish.folder.parent / "paper.pdf")
    parish("journal", "stock", "2027", "--printed", str(PRINTED), "--note", "from the printer")
    books.shelf += PRINTED


def orders(parish: Parish, books: Books) -> None:
    """Three strangers order, one on the site: one pays, one pays and takes the money back, one never pays."""
    parish.until(2027, 9, 15)
    parish.visit("/journal/order", _order_on_the_site)
    parish.dispatch()
    (ordered,) = parish.json("orders", "list")
    assert (ordered["address"], parish.count(PAYS)) == (PAYS, 1)
    assert ordered["reference"] in parish.visit(
        parish.link(PAYS, "/order/[a-z2-7]+"), lambda page: page.inner_text("main")
    )
    made = {
        PAYS: ordered,
        **{address: _order(parish, address, many) for address, many in ((TAKES_BACK, 2), (NEVER_PAYS, 1))},
    }
    assert [one["total"] for one in made.values()] == [500 + 250, 1000 + 350, 500 + 250]
    assert parish.json("journal", "stock", "2027")["free"] == books.shelf - 4
    parish.dispatch()
    statement = ["Date;Amount;Name;Reference"]
    statement += [f"2027-09-15;{one['total'] / 100:.2f};A BUYER;{one['reference']}" for one in list(made.values())[:2]]
    parish("dues", "import", parish.file("september.csv", "\n".join(statement) + "\n"))
    for address in (PAYS, TAKES_BACK):
        if parish.json("orders", "show", made[address]["reference"])["state"] == "open":
            (line,) = (one for one in parish.json("dues", "doubtful") if one["reference"] == made[address]["reference"])
            parish("orders", "paid", made[address]["reference"], "--line", str(line["id"]))
    parish.dispatch()
    parish("orders", "refund", made[TAKES_BACK]["reference"], "--reason", "Ordered twice.")
    assert parish.json("journal", "stock", "2027")["free"] == books.shelf - 2
    books.ordered = 750
    parish.dispatch()
    assert [parish.count(address) for address in made] == [2, 3, 1]  # pro-forma, receipt, credit note


def _order(parish: Parish, address: str, many: int) -> Any:
    where = ["--country", "GB", "--street", "7 Example Road", "--city", "London", "--postcode", "NW1 6XE"]
    return parish.json("orders", "add", f"2027:{many}", "--name", "Some Buyer", "--address", address, *where)


def _order_on_the_site(page: Any) -> None:
    page.fill("#f-buyer", "Some Buyer")
    page.fill("#f-address", PAYS)
    page.fill("#f-street_address", "7 Example Road")
    page.fill("#f-city", "London")
    page.fill("#f-postal_code", "NW1 6XE")
    assert PAYS in press(page)


def late_order(parish: Parish, books: Books) -> None:
    """After the despatch: an order is posted by hand, and the one that nobody paid is over."""
    parish.until(2027, 10, 8)
    late = _order(parish, LATE_BUYER, 1)
    parish("orders", "paid", late["reference"], "--how", "cheque")
    parish("orders", "posted", late["reference"])
    books.shelf -= 1
    books.ordered += 750
    states = {one["address"]: one["state"] for one in parish.json("orders", "list", "--all")}
    assert states == {PAYS: "posted", TAKES_BACK: "refunded", NEVER_PAYS: "expired", LATE_BUYER: "posted"}
    stock = parish.json("journal", "stock", "2027")
    assert (stock["on_shelf"], stock["reserved"]) == (books.shelf, 0)


def owed(books: Books) -> Counter[str]:
    """Return how many copies are owed by each way, and to how many people."""
    formats = {one.address: one.format or "paper" for one in EVERYBODY}
    ways = Counter(formats[address] for address in books.members)
    paper, email = ways["paper"] + ways["both"], ways["pdf"] + ways["both"] + 1  # the author has no postal address
    paper += 1  # the order that was paid
    return Counter(paper=paper, email=email, owed=paper + email, people=len(books.members) + 2)


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
    each = parish.json("journal", "despatch", "report", "2027", "--copies")["each"]
    assert [one["name"] for one in each if NEW_STREET in one["address"]] == [member(12).name], "dated ahead in May"
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
