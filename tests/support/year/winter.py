"""January and February: the society is founded anew from a spreadsheet, dues come in, the first newsletter, joins."""

from functools import partial
from typing import Any

from tests.support.servers.town import BOUNCES
from tests.support.year.books import BY_MAIL, DECLINED, GONE, JOINS, NEVER, Books
from tests.support.year.browser import press
from tests.support.year.cast import EVERYBODY, member, sheet
from tests.support.year.parish import SECRETARY, Parish

OWE = tuple(member(number) for number in (30, 31, 32, 33, 34, 35))  # paid until the end of the year before
PAYS_LATE, LAPSES = OWE[4], OWE[5]
LETTER = """---
title: "{title}"
number: {number}
visibility: public
---

Dear {{{{ person.name | default("reader") }}}},

{body}
"""


def founded(parish: Parish, books: Books) -> None:
    found = parish.json("people", "import", parish.file("members.csv", sheet()), "--yes")
    assert found["new"] == len(EVERYBODY)
    books.people = len(EVERYBODY) + 1  # and the Secretary
    books.members = {one.address for one in EVERYBODY}
    books.readers = {one.address for one in EVERYBODY if one.reads}
    parish("members", "class", "edit", "full", "--fee", "30.00")
    for one in OWE:
        parish("members", "edit", one.address, "--since", "2020-01-01", "--paid-until", "2026-12-31")
    standings = [row["standing"] for row in parish.json("members", "list")]
    assert (standings.count("grace"), len(standings)) == (len(OWE), len(books.members))
    old = parish.folder.parent / "old"
    old.mkdir()
    for number in (81, 82, 83):
        (old / f"newsletter-{number}.md").write_text(
            f"---\ntitle: News of 2026, part {number - 80}\nnumber: {number}\ndate: 2026-0{number - 80}-01\n"
            "visibility: public\n---\n\nThe groups met, and listened.\n",
            "utf-8",
        )
    assert parish.json("archive", "import", old, "--yes")["new"] == 3


def bank(parish: Parish, books: Books) -> None:
    """Those who owe are reminded, and four pay; a line that is nobody's dues waits and is put away."""
    parish.until(2027, 1, 15)
    assert [parish.count(one.address, "dues") for one in OWE] == [1] * len(OWE)
    parish.until(2027, 1, 31)
    lines = ["Date;Amount;Name;Reference"]
    for one in OWE[:4]:
        reference = parish.json("members", "show", one.address)["reference"]
        lines.append(f"2027-01-20;30.00;{one.name};{reference}")
    lines.append("2027-01-22;5.00;A STRANGER;A JOURNAL")
    statement = parish.file("january.csv", "\n".join(lines) + "\n")
    found = parish.json("dues", "import", statement)
    assert [line["state"] for line in found["lines"]] == ["matched"] * 4 + ["doubtful"]
    again = parish.json("dues", "import", statement)
    assert (again["lines"], len(again["imported_before"])) == ([], 5), "a line counts once"
    books.pence += 4 * 3000
    (doubtful,) = parish.json("dues", "doubtful")
    parish("dues", "settle", str(doubtful["id"]), "--ignore")
    assert sum(row["amount"] for row in parish.json("dues", "list")) == books.pence


def newsletter(parish: Parish, books: Books, number: int = 84) -> None:
    """The newsletter goes to every reader once; whoever has no mailbox any more comes back and is not mailed again."""
    file = parish.file(
        "newsletter.md", LETTER.format(title=f"News {number}", number=number, body="We met. It was good.")
    )
    report = parish("send", file, "--yes", "--json").json
    reached = len(books.readers)
    found = {state: many for state, many in report["counts"].items() if many}
    assert found == {"accepted": reached} | ({"skipped": len(books.unreached)} if books.unreached else {})
    assert report["audience"] == reached + len(books.unreached)
    books.letters[str(number)] = reached
    parish.arrived()
    for address in books.readers - {GONE}:
        assert parish.count(address, f"News {number}") == 1, address
    parish.dispatch()
    if GONE in books.readers:
        assert [row["address"] for row in parish.json("returns", "dead")] == [GONE]
        books.readers.discard(GONE)
        books.unreached.add(GONE)
    assert "already" in parish("send", file, "--yes").said


def joins(parish: Parish, books: Books) -> None:
    """One is approved, one declined, one never confirms; one asks by mail and answers by mail."""
    parish.clock.until(2027, 2, 10)
    for address in (JOINS, DECLINED, NEVER):
        parish.visit("/join", partial(_ask, address))
    parish.dispatch()
    for address in (JOINS, DECLINED):
        parish.visit(parish.link(address, "/confirm/[a-z2-7]+"), press)
        parish.dispatch()
    approve = parish.link(SECRETARY, "/decide/[a-z2-7]+/approve", JOINS)
    assert "on the list" in parish.visit(approve, press)
    decline = parish.link(SECRETARY, "/decide/[a-z2-7]+/decline", DECLINED)
    assert "Declined" in parish.visit(decline, press)
    parish.mail(BY_MAIL, BOUNCES, "join")
    parish.visit(parish.link(BY_MAIL, "/confirm/[a-z2-7]+"), press)
    parish.dispatch()
    (waits,) = (one for one in parish.json("requests", "list") if one["address"] == BY_MAIL)
    parish("requests", "approve", str(waits["id"]))
    parish.until(2027, 2, 20)  # whoever never confirmed is forgotten
    assert parish.json("requests", "list") == []
    assert [parish.count(one, "Welcome") for one in (JOINS, DECLINED, NEVER, BY_MAIL)] == [1, 0, 0, 1]
    books.readers |= {JOINS, BY_MAIL}
    books.people += 2


def _ask(address: str, page: Any) -> None:
    page.fill("#f-name", "Somebody New")
    page.fill("#f-address", address)
    page.check("#f-agree")
    assert address in press(page)
