"""December: the last newsletter, and every count of every report beside the others and beside the books."""

from functools import partial

import httpx

from tests.support.year.books import READER, Books
from tests.support.year.browser import fetched, press
from tests.support.year.parish import SECRETARY, Parish
from tests.support.year.spring import TITLE, held
from tests.support.year.winter import OWE, newsletter


def embargo(parish: Parish, books: Books) -> None:
    """A paper shows its abstract until its day, and opens for everybody on it."""
    where = "/journal/2027/on-listening-twice"
    parish.until(2027, 11, 14)
    said = parish.visit(where, lambda page: page.inner_text("main"))
    assert "listens again" in said
    assert "15 November 2027" in said
    assert httpx.get(f"{parish.url}{where}.pdf", timeout=30).status_code in {403, 404}
    parish.visit(where, lambda page: (page.fill("#f-address", READER), press(page)))
    parish.dispatch()
    own = parish.link(READER, "/copies/[A-Za-z0-9_-]+")
    assert parish.visit(own, partial(fetched, parish.folder.parent / "mine.pdf"))[:5] == b"%PDF-"
    parish.until(2027, 11, 15)
    assert "15 November 2027" not in parish.visit(where, lambda page: page.inner_text("main"))
    given = httpx.get(f"{parish.url}{where}.pdf", timeout=30)
    assert (given.status_code, given.content[:5]) == (200, b"%PDF-")
    found = parish.visit("/search?q=listening", lambda page: page.inner_text("main"))
    assert TITLE in found


def last_newsletter(parish: Parish, books: Books) -> None:
    parish.until(2027, 12, 6)
    newsletter(parish, books, 86)


def all_counts_agree(parish: Parish, books: Books) -> None:
    parish.until(2027, 12, 18)
    reminded = [parish.count(one.address, "dues") for one in OWE]
    assert reminded == [2, 2, 2, 2, 1, 1], "whoever paid for this year is asked for the next"
    parish.until(2027, 12, 31)
    held(parish, books)
    _people(parish, books)
    _mailings(parish, books)
    _journal(parish, books)
    _money(parish, books)
    _round(parish, books)


def _people(parish: Parish, books: Books) -> None:
    everybody = parish.json("people", "list")
    assert len(everybody) == books.people
    on = {one["addresses"][0]["address"] for one in everybody if one["lists"].get("newsletter") == "subscribed"}
    assert on >= books.readers
    consent = parish.json("consent", "verify")
    assert consent["ok"]
    requests = parish.json("requests", "list", "--all")
    states = [one["state"] for one in requests]
    assert (states.count("approved"), states.count("declined")) == (2, 1)


def _mailings(parish: Parish, books: Books) -> None:
    listed = parish.json("mailings", "list")
    for row in listed:
        assert row["state"] == "sent"
        assert sum(row["counts"].values()) == row["audience"]
    newsletters = {row["number"]: row["counts"]["accepted"] for row in listed if row["number"] in books.letters}
    assert newsletters == books.letters
    accepted = sum(row["counts"]["accepted"] for row in parish.json("mailings", "list", "--all"))
    arrived = sum(parish.count(one) for one in [*Books.mailboxes(), SECRETARY])
    assert accepted == arrived + len(books.unreached), (
        "the relay took every letter that lies in a mailbox, and no other"
    )
    shelf = parish.json("newsletters", "list")
    assert {row["newsletter"] for row in shelf} == {f"newsletter/{n}" for n in (81, 82, 83, *books.letters)}


def _journal(parish: Parish, books: Books) -> None:
    report = parish.json("journal", "despatch", "report", "2027", "--copies")
    copies, each = report["copies"], report["each"]
    assert copies["paper"] + copies["email"] + copies["nobody"] == copies["owed"] == len(each) == books.owed["owed"]
    assert (report["posted"], report["returned"]) == (books.posted, 1)
    assert sum(one["posted_times"] for one in each) == books.posted
    assert sum(one["mailing"] is not None for one in each) == books.owed["email"]
    stock = parish.json("journal", "stock", "2027")
    assert stock["on_shelf"] == sum(move["on_shelf"] for move in stock["moves"]) == books.shelf
    assert report["on_shelf"] == books.shelf


def _money(parish: Parish, books: Books) -> None:
    assert sum(row["amount"] for row in parish.json("dues", "list")) == books.pence
    paid = sum(payment["amount"] for order in parish.json("orders", "list", "--all") for payment in order["payments"])
    assert paid == books.ordered
    sheet = parish.folder.parent / "treasurer.xlsx"
    statement = parish.json("orders", "statement", "2027", "--out", sheet)
    (total,) = statement["totals"]
    assert (total["dues"], total["together"]) == (books.pence, books.pence + books.ordered)
    assert sum(month["together"] for month in statement["months"]) == total["together"]
    numbers = [paper["number"] for order in parish.json("orders", "list", "--all") for paper in order["papers"]]
    series: dict[str, list[int]] = {}
    for number in numbers:
        kind, _, place = number.rpartition("-")
        series.setdefault(kind, []).append(int(place))
    assert sorted(map(len, series.values())) == [1, 3, 3], "credit notes, invoices and receipts"
    assert all(sorted(places) == list(range(1, len(places) + 1)) for places in series.values()), "without a gap"


def _round(parish: Parish, books: Books) -> None:
    found = parish.json("members", "round", "status", "2027")
    assert found["counts"] == books.answered
    assert sum(found["counts"].values()) == found["asked"]
