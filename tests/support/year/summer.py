"""June: somebody has died, and somebody wishes to be forgotten."""

from tests.support.year.books import DIES, ERASED, Books
from tests.support.year.parish import Parish
from tests.support.year.spring import held


def death_and_erasure(parish: Parish, books: Books) -> None:
    """Neither is mailed again on any ground; whoever was erased is on no record, and cannot come in again."""
    parish.until(2027, 6, 7)
    parish("members", "died", DIES, "--on", "2027-06-01", "--yes")
    parish("people", "erase", ERASED, "--yes")
    books.members -= {DIES, ERASED}
    books.readers -= {DIES, ERASED}
    books.people -= 1
    held(parish, books)
    for address in (DIES, ERASED):
        assert parish("subscribe", address, "--json", status=1).json[0]["result"] == "refused"
    assert ERASED not in parish("people", "list").out
    assert parish.json("consent", "verify")["ok"]
