"""May and June: everybody looks at what is held of them; somebody has died, and somebody wishes to be forgotten."""

from typing import Any

from tests.support.year.books import ANSWERS, DIES, ERASED, GONE, MOVES, NEW_STREET, RINGS, Books
from tests.support.year.browser import press
from tests.support.year.parish import Parish
from tests.support.year.spring import held


def details_round(parish: Parish, books: Books) -> None:
    """One confirms by a button, one corrects ahead of a day, one rings; the others are listed, with the next way."""
    parish.until(2027, 5, 10)
    started = parish.json("members", "round", "start", "--due", "2027-06-20", "--yes")
    asked = len(books.members)
    assert (started["asked"], len(started["missing"])) == (asked, asked)
    by_post = [one for one in started["missing"] if one["next"] == "post"]
    assert len(by_post) == len(books.unreached & books.members) == 1
    parish.dispatch(2)
    written = books.members - books.unreached
    assert all(parish.count(address, "still right") == 1 for address in written)
    own = parish.link(ANSWERS, "/manage/[A-Za-z0-9_-]+")
    assert parish.json("members", "round", "status")["counts"]["waiting"] == asked
    parish.visit(own, lambda page: press(page, "right"))
    parish.visit(f"{parish.link(MOVES, '/manage/[A-Za-z0-9_-]+')}/post?country=GB", _moves)
    parish("members", "round", "answer", RINGS, "--note", "rang her")
    found = parish.json("members", "round", "status")
    assert found["counts"] == {"confirmed": 2, "corrected": 1, "waiting": asked - 3}
    closed = parish.json("members", "round", "close")
    assert (closed["counts"], len(closed["missing"])) == (found["counts"], asked - 3)
    books.answered = {"confirmed": 2, "corrected": 1, "waiting": asked - 3}
    assert GONE in books.unreached


def _moves(page: Any) -> None:
    """Enter a postal address that holds from 1 October on: after the Journal is posted."""
    page.fill("#f-street_address", NEW_STREET)
    page.fill("#f-city", "London")
    page.fill("#f-postal_code", "NW1 6XE")
    page.fill("#f-first_day", "2027-10-01")
    with page.expect_navigation():
        page.click("button[value=save]")


def death_and_erasure(parish: Parish, books: Books) -> None:
    """Neither is mailed again on any ground; whoever was erased is on no record, and cannot come in again."""
    parish.until(2027, 6, 7)
    parish("members", "died", DIES, "--on", "2027-06-01", "--yes")
    parish("people", "erase", ERASED, "--yes")
    books.members -= {DIES, ERASED}
    books.readers -= {DIES, ERASED}
    books.people -= 1
    books.answered["waiting"] -= 2  # neither had answered
    held(parish, books)
    for address in (DIES, ERASED):
        assert parish("subscribe", address, "--json", status=1).json[0]["result"] == "refused"
    assert ERASED not in parish("people", "list").out
    assert parish.json("consent", "verify")["ok"]
