"""March to May: two lapse and one pays after all; three leave, each by another door; a paper comes and is accepted."""

import re
from typing import Any

import httpx

from tests.support.servers.town import BOUNCES
from tests.support.servers.townspeople import mailto
from tests.support.year import pdf
from tests.support.year.books import AUTHOR, JOINS, LEAVES, READER, RESIGNS, Books
from tests.support.year.browser import press, take_away
from tests.support.year.parish import SECRETARY, Parish
from tests.support.year.winter import LAPSES, OWE, PAYS_LATE

TITLE = "On listening twice"


def lapses(parish: Parish, books: Books) -> None:
    """When the grace is over, whoever has not paid is no member; a late payment begins a new membership."""
    parish.until(2027, 3, 3)
    gone = {PAYS_LATE.address, LAPSES.address}
    books.members -= gone
    held(parish, books)
    parish("dues", "record", PAYS_LATE.address, "30.00", "--on", "2027-03-03", "--how", "cheque")
    books.pence += 3000
    books.members.add(PAYS_LATE.address)
    parish("members", "resign", RESIGNS, "--on", "2027-03-04")
    parish.until(2027, 3, 5)
    books.members.discard(RESIGNS)
    held(parish, books)
    paid = parish.json("dues", "list")
    assert (len(paid), sum(row["amount"] for row in paid)) == (len(OWE) - 1, books.pence)


def held(parish: Parish, books: Books) -> None:
    """The register's members are those of the books, by two ways of asking."""
    listed = parish.json("people", "list", "--member")
    assert {one["addresses"][0]["address"] for one in listed} == books.members
    good = [row for row in parish.json("members", "list") if row["standing"] in {"paid", "free", "unknown", "grace"}]
    assert len(good) == len(books.members)


def leaves(parish: Parish, books: Books) -> None:
    """One leaves by the button of their mail program, one by the page, one by mail."""
    by_button, by_page, by_mail = LEAVES
    url = parish.link(by_button, "/leave/[a-z2-7]+")  # the header names it over https alone (RFC 8058)
    for _ in range(2):  # a mail program may press twice
        assert httpx.post(url, data={"List-Unsubscribe": "One-Click"}, timeout=30).status_code == 200
    parish.visit(parish.link(by_page, "/leave/[a-z2-7]+"), lambda page: press(page, "^(Leave|Stop)"))
    to, subject = mailto(parish.town.letters_of(by_mail)[0])
    parish.mail(by_mail, to, subject)
    parish.dispatch()
    books.readers -= set(LEAVES)
    on = parish.json("people", "list", "--list", "newsletter")
    assert {one["addresses"][0]["address"] for one in on} >= books.readers
    assert not {one["addresses"][0]["address"] for one in on} & set(LEAVES)


def copies(parish: Parish, books: Books) -> None:
    """Who joined after a newsletter asks for it by mail and has it at once; it counts as nobody's first."""
    parish.mail(JOINS, BOUNCES, "copy 84")
    parish.dispatch()
    assert parish.count(JOINS, "News 84") == 1
    assert parish.json("mailings", "show", "newsletter/84")["counts"]["accepted"] == books.letters["84"]


def paper(parish: Parish, books: Books) -> None:
    """A paper is sent in on the site, read by a member, accepted, and goes into the Journal."""
    parish.clock.until(2027, 4, 12)
    content = pdf.journal(TITLE, 9)
    file = parish.file("paper.pdf", content)

    def send(page: Any) -> str:
        page.fill("#f-title", TITLE)
        page.fill("#f-name", "Dr Jane Author")
        page.fill("#f-address", AUTHOR)
        page.fill("#f-abstract", "A doctor listens, and listens again.")
        page.set_input_files("#f-files", str(file))
        page.check("#f-agree")
        return press(page)

    said = parish.visit("/contribute/send", send)
    number = re.search(r"2027-\d+", said)
    assert number is not None, said
    parish.dispatch()
    assert [parish.count(AUTHOR), parish.count(SECRETARY, number[0])] == [1, 1]
    parish("papers", "assign", number[0], READER)
    parish.dispatch()
    reading = parish.link(READER, "/papers/[a-z2-7]+")
    assert (
        parish.visit(reading, lambda page: take_away(page, "main ul a", parish.folder.parent / "read.pdf")) == content
    )
    parish.visit(reading, lambda page: (page.fill("#f-advice", "Take it."), press(page)))
    parish.dispatch()
    accept = parish.link(SECRETARY, "/papers/decide/[a-z2-7]+/accept")
    assert "Accepted" in parish.visit(accept, lambda page: (page.fill("#f-reason", "It is good."), press(page))[1])
    parish.dispatch()
    assert "It is good." in parish.letters(AUTHOR, "accepted")[0].get_body(("plain",)).get_content()
    parish("journal", "add", "2027", "--volume", "54", "--number", "1", "--issn", "2049-3630")
    parish("papers", "decide", number[0], "journal", "2027")
    books.people += 1  # the author is on the register now, on no list
    assert parish.json("papers", "list", "--all")[0]["state"] == "in_journal"
