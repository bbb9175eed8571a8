"""`balintmail orders` as the Secretary and the Treasurer use it."""

from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.support.command import founded
from tests.support.instance import Instance

BUYER = ("--name", "=Bálint Mihály", "--address", "buyer@example.org", "--country", "GB",
         "--street", "1 Example Road", "--city", "London", "--postcode", "NW1 6XE")  # fmt: skip


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i", "--url", "https://balint.example.org")
    found = Instance(tmp_path / "i")
    with (tmp_path / "i" / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write('\n[orders.postage.home]\ncountries = ["GB"]\nfirst = "2.50"\nmore = "1.00"\n')
    assert found("journal", "add", "2025", "--published", "2025-09-15").status == 0
    assert found("journal", "stock", "2025", "--printed", "9").status == 0
    return found


def test_order_from_its_coming_to_the_years_end(society: Instance, tmp_path: Path) -> None:
    assert society("orders", "list").said.strip() == "No order waits."
    made = society("orders", "add", "2025:3", *BUYER, "--json").json
    assert (made["state"], made["total"], made["postage"]) == ("open", 1950, 450)
    name = made["reference"]
    assert society("dispatch").status == 0
    assert len(society.letters()) == 1
    assert society("orders", "paid", name, "--amount", "10.00").status == 1  # off a terminal that is a no
    paid = society("orders", "paid", name, "--how", "cheque", "--json").json
    assert [one["number"].rpartition("-")[2] for one in paid["papers"]] == ["0001", "0001"]
    assert society("orders", "posted", name).status == 0
    back = society("orders", "refund", name, "--amount", "5.00", "--reason", "One copy was damp.", "--json").json
    assert (back["state"], back["received"]) == ("posted", 1450)
    pdf, sheet = tmp_path / "invoice.pdf", tmp_path / "year.xlsx"
    assert society("orders", "paper", name, "--out", str(pdf)).status == 0
    assert pdf.read_bytes().startswith(b"%PDF-")
    year = made["came_at"][:4]
    total = society("orders", "statement", year, "--out", str(sheet), "--json").json["totals"]
    assert total == [{"currency": "GBP", "copies": 1000, "postage": 450, "refunds": -500, "dues": 0, "together": 1450}]
    book = load_workbook(sheet)
    assert [cell.data_type for row in book["Orders"].iter_rows() for cell in row].count("f") == 0  # G1
    assert book["Orders"]["C2"].value == "=Bálint Mihály"
    assert society("orders", "show", name).said.splitlines()[0] == f"Order {name}"
    assert society("orders", "forget", name).status == 0
    assert [one["name"] for one in society("orders", "list", "--all", "--json").json] == [""]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("orders", "add", "2025:-1", *BUYER), 2),
        (("orders", "add", "2025:10", *BUYER), 1),
        (("orders", "add", "1066:1", *BUYER), 1),
        (("orders", "add", "2025", "--name", "A", "--country", "Narnia"), 1),
        (("orders", "paid", "J00009X"), 1),
        (("orders", "paid", "1", "--amount", "0.005"), 1),
        (("orders", "paid", "1", "--amount", "-5"), 1),
        (("orders", "paid", "1", "--on", "29 February"), 2),
        (("orders", "paid", "1", "--line", "3", "--amount", "5"), 2),
        (("orders", "paid", "1", "--line", "3"), 1),
        (("orders", "posted", "1"), 1),
        (("orders", "refund", "1"), 1),
        (("orders", "paper", "1", "--kind", "receipt"), 1),
        (("orders", "statement",), 2),
        (("orders", "statement", "--from", "2026-12-31", "--to", "2026-01-01"), 2),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_one_line_and_changes_nothing(
    society: Instance, words: tuple[str, ...], status: int
) -> None:
    society("orders", "add", "2025", *BUYER)
    done = society(*words)
    assert done.status == status, done.said
    assert "Traceback" not in done.said
    (left,) = society("orders", "list", "--all", "--json").json
    assert (left["state"], left["papers"]) == ("open", [])
