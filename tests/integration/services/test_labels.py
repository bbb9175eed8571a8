"""The addresses of a run: in the order of the post, once, and never a formula."""

import csv
from io import BytesIO, StringIO

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from balintmail.composing.labels import Sheet
from balintmail.domain.despatches import CopyStanding, StockReason
from balintmail.services import despatches, journal_issues, labels
from balintmail.services.context import Context
from balintmail.services.journal_issues import IssueChanges
from tests.support import society
from tests.support.readers import GB, HU, dies, reader

Y = "2026"


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    journal_issues.add(context, Y, IssueChanges())
    journal_issues.change_stock(context, Y, StockReason.PRINTED, 100)
    return context


def frozen(ctx: Context) -> labels.Addressed:
    despatches.plan(ctx, Y)
    despatches.freeze(ctx, Y)
    return labels.addressed(ctx, Y)


def test_they_stand_in_the_order_of_country_and_postcode(ctx: Context) -> None:
    for name, post in (
        ("Hungary", HU),
        ("Leeds", {**GB, "city": "Leeds", "postal_code": "LS1 4AP"}),
        ("London", GB),
        ("Aberdeen", {**GB, "city": "Aberdeen", "postal_code": "AB10 1AB"}),
    ):
        reader(ctx, name, wanted="paper", post=post)
    assert [copy.name for copy in frozen(ctx).copies] == ["Aberdeen", "London", "Leeds", "Hungary"]


def test_the_country_stands_in_capitals_where_the_post_leaves_it(ctx: Context) -> None:
    reader(ctx, "Anna", wanted="paper", post=GB)
    reader(ctx, "Győző", wanted="paper", post=HU)
    text = PdfReader(BytesIO(labels.as_pdf(ctx, frozen(ctx), Sheet.L7160).pdf)).pages[0].extract_text()
    assert "HUNGARY" in text
    assert "UNITED KINGDOM" not in text
    assert "Győző" in text


def test_what_is_printed_is_not_printed_again_unless_asked(ctx: Context) -> None:
    person = reader(ctx, "Anna", wanted="paper", post=GB)
    of = frozen(ctx)
    assert labels.printed(ctx, of).tally.standing[CopyStanding.LABELLED] == 1
    assert labels.printed(ctx, of).changed == 0
    assert labels.addressed(ctx, Y).copies == ()
    assert len(labels.addressed(ctx, Y, again=True).copies) == 1
    dies(ctx, person)
    assert labels.addressed(ctx, Y, again=True).copies == ()


def test_what_could_not_be_printed_goes_on_waiting(ctx: Context) -> None:
    reader(ctx, "Anna", wanted="paper", post=GB)
    reader(ctx, "W" * 90, wanted="paper", post=HU)
    of = frozen(ctx)
    done = labels.as_pdf(ctx, of, Sheet.AVERY_5160)
    assert [one.index for one in done.left_out] == [1]
    labels.printed(ctx, of, [one.index for one in done.left_out])
    assert [copy.name for copy in labels.addressed(ctx, Y).copies] == ["W" * 90]


def test_no_cell_of_a_mail_houses_list_is_a_formula_G1(ctx: Context) -> None:
    wicked = '=HYPERLINK("https://example.org","Anna")'
    reader(ctx, wicked, wanted="paper", post={**GB, "street_address": "+1 High Street\n@home"})
    of = frozen(ctx)
    (head, row) = list(csv.reader(StringIO(labels.as_csv(ctx, of).decode("utf-8-sig"))))
    assert head[:3] == ["number", "name", "line1"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)
    sheet = load_workbook(BytesIO(labels.as_xlsx(ctx, of))).active
    assert sheet is not None
    cells = next(iter(sheet.iter_rows(min_row=2)))
    assert {cell.data_type for cell in cells if cell.value} == {"s"}
    assert cells[1].value == wicked


def test_postcodes_keep_their_noughts(ctx: Context) -> None:
    german = {"country_code": "DE", "street_address": "Weg 1", "city": "Dresden", "postal_code": "01067"}
    reader(ctx, "Anna", wanted="paper", post=german)
    of = frozen(ctx)
    sheet = load_workbook(BytesIO(labels.as_xlsx(ctx, of))).active
    assert sheet is not None
    assert [cell.value for cell in next(iter(sheet.iter_rows(min_row=2)))][-4:] == ["01067", "DE", "Germany", "1"]
    assert "01067,DE,Germany,1" in labels.as_csv(ctx, of).decode("utf-8-sig")
