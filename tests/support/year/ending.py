"""December: the last newsletter, and every count of every report beside the others and beside the books."""

from tests.support.year.books import Books
from tests.support.year.parish import Parish
from tests.support.year.spring import held
from tests.support.year.winter import OWE, newsletter


def last_newsletter(parish: Parish, books: Books) -> None:
    parish.until(2027, 12, 6)
    newsletter(parish, books, 86)


def all_counts_agree(parish: Parish, books: Books) -> None:
    parish.until(2027, 12, 18)
    reminded = [len(parish.letters(one.address, "dues")) for one in OWE]
    assert reminded == [2, 2, 2, 2, 1, 1], "whoever paid for this year is asked for the next"
    parish.until(2027, 12, 31)
    held(parish, books)
    _people(parish, books)
    _mailings(parish, books)
    _journal(parish, books)
    _money(parish, books)


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
