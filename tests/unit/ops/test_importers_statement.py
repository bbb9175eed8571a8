"""Statements of several banks: columns, days and amounts found, and what may be read in two ways refused."""

from datetime import date
from pathlib import Path

import pytest

from balintmail.errors import UsageRefused
from balintmail.ops.importers.statement import read
from balintmail.ops.importers.table import FileRefused


def statement(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "statement.csv"
    file.write_bytes(text.encode(encoding))
    return file


def test_british_statement_with_paid_in_and_paid_out(tmp_path: Path) -> None:
    file = statement(
        tmp_path,
        "Account,12345678\n\nDate,Description,Paid in,Paid out,Balance\n"
        '13/11/2026,SMITH J M0003D,"1,030.00",,5.00\n02/11/2026,PRINTER,,400.00,1.00\n',
    )
    found = read(file, "GBP")
    assert found.columns == {"day": "Date", "reference": "Description", "in": "Paid in", "out": "Paid out"}
    assert [(each.line, each.paid_on, each.money.amount) for each in found.entries] == [
        (4, date(2026, 11, 13), 103000),
        (5, date(2026, 11, 2), -40000),
    ]


def test_german_statement_with_commas_points_and_umlauts(tmp_path: Path) -> None:
    text = "Buchungstag;Betrag;Währung;Auftraggeber;Verwendungszweck\n02.11.2026;1.234,56;EUR;Müller, Hans;Beitrag\n"
    (entry,) = read(statement(tmp_path, text, "cp1252"), "GBP").entries
    assert (str(entry.money), entry.paid_on, entry.payer) == ("€1,234.56", date(2026, 11, 2), "Müller, Hans")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("2026-11-01,0.005,Anna", "more than 2 decimals"),
        ("2026-02-29,30.00,Anna", "day"),
        ("soon,30.00,Anna", "is no day"),
        ("2026-11-01,thirty,Anna", "not a number"),
        ("2026-11-01,,Anna", "not a number"),
        ("03/04/2026,30.00,Anna", "cannot be told apart"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_the_others_are_taken(tmp_path: Path, line: str, why: str) -> None:
    found = read(statement(tmp_path, f"Date,Amount,Name\n{line}\n2026-11-02,30.00,Bea\n"), "GBP")
    assert [each.payer for each in found.entries] == ["Bea"]
    assert [(each.line, why in each.reason) for each in found.refused] == [(2, True)]


@pytest.mark.parametrize(
    "text",
    [
        'Date,Amount,Name\n2026-11-01,1.50,A\n2026-11-02,"1,50",B\n',
        "Date,Amount,Name\n13/11/2026,1.50,A\n11/14/2026,1.50,B\n",
        "When,How much\n2026-11-01,1.50\n",
    ],
)
def test_a_file_that_contradicts_itself_is_refused_as_a_whole(tmp_path: Path, text: str) -> None:
    with pytest.raises(FileRefused):
        read(statement(tmp_path, text), "GBP")


def test_american_days_are_told_by_one_that_can_be_nothing_else(tmp_path: Path) -> None:
    found = read(statement(tmp_path, "Date,Amount,Name\n11/02/2026,1.50,A\n11/14/2026,2.50,B\n"), "USD")
    assert [each.paid_on for each in found.entries] == [date(2026, 11, 2), date(2026, 11, 14)]


def test_columns_are_corrected_by_their_titles(tmp_path: Path) -> None:
    text = "Posted on,Sum,Date,Who\n2026-11-01,30.00,2026-10-31,Anna\n"
    found = read(statement(tmp_path, text), "GBP", {"posted ON": "day", "Sum": "amount", "Who": "payer"})
    assert found.columns == {"day": "Posted on", "amount": "Sum", "payer": "Who"}
    assert [(each.paid_on, each.payer) for each in found.entries] == [(date(2026, 11, 1), "Anna")]
    with pytest.raises(FileRefused, match="these titles"):
        read(statement(tmp_path, text), "GBP", {"Posted": "day"})
    with pytest.raises(UsageRefused, match='no "when"'):
        read(statement(tmp_path, text), "GBP", {"Posted on": "when"})


@pytest.mark.parametrize(("cells", "pence"), [
    (("1.234,50", "30,00"), [123450, 3000]), (("1,234.50", "30.00"), [123450, 3000]),
    (("1.234", "30.00"), [3000]), (("1,234", "30,00"), [3000]),  # a thousand, or one and a bit: refused, never guessed
])  # fmt: skip
def test_swapped_separators_are_told_by_the_whole_file_or_refused(
    tmp_path: Path, cells: tuple[str, ...], pence: list[int]
) -> None:
    rows = "".join(f"2026-11-0{number};{cell};Anna\n" for number, cell in enumerate(cells, start=1))
    found = read(statement(tmp_path, f"Date;Amount;Name\n{rows}"), "GBP")
    assert [each.money.amount for each in found.entries] == pence
    assert len(found.entries) + len(found.refused) == 2
