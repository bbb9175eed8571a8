"""Importing how the Journal comes and where the post goes, and what an import says of whom it changes."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from balintmail.db import people, postal
from balintmail.ops.importers.reading import Corrections, open_people
from balintmail.services import importing
from balintmail.services.context import Context
from balintmail.services.importing import Report, Terms
from tests.support.register import NOW, a_list, a_person, on_list

LONDON = {"country_code": "GB", "street_address": "1 Example Street", "city": "London", "postal_code": "N1 1AA"}
HEADER = "id,name,address,journal_format,postal_street,postal_city,postal_postcode,postal_country\n"
TODAY = NOW.date()


@pytest.fixture(autouse=True)
def _lists(context: Context) -> None:
    with context.db.write() as tx:
        a_list(tx, "newsletter")
        a_list(tx, "journal")


def run(ctx: Context, folder: Path, text: str, *, write: bool = True, list_slug: str = "") -> Report:
    file = folder / "people.csv"
    file.write_text(text, encoding="utf-8")
    reading = open_people(file, Corrections())
    terms = Terms(file.name, reading.tool, list_slug, "I want it", date(2025, 3, 21))
    with importing.staged(ctx, reading.rows, terms) as found:
        return found.write() if write else found.dry_run()


def post_of(ctx: Context, person: int) -> list[tuple[dict[str, str], date | None, date | None]]:
    with ctx.db.read() as tx:
        return [(row.parts, row.valid_from, row.valid_until) for row in postal.of_people(tx, [person])]


def test_new_person_comes_with_post_and_journal(context: Context, tmp_path: Path) -> None:
    report = run(context, tmp_path, HEADER + ",Anna,anna@example.org,Papier,1 Example Street,London,n11aa,gb\n")
    assert report.counts.new == 1
    with context.db.read() as tx:
        (anna,) = people.at_address(tx, "anna@example.org")
    assert anna.journal_format == "paper"
    assert post_of(context, anna.id) == [(LONDON, None, None)]


def test_other_post_takes_the_place_of_todays_and_leaves_the_next_alone(context: Context, tmp_path: Path) -> None:
    moves = TODAY + timedelta(days=90)
    with context.db.write() as tx:
        anna = a_person(tx, "anna@example.org", name="Anna")
        on_list(tx, anna, 1)
        postal.put(tx, anna, LONDON | {"company_name": "The Practice"}, first_day=None, now=NOW)
        postal.put(tx, anna, LONDON | {"city": "Leeds"}, first_day=moves, now=NOW)
    same = run(context, tmp_path, HEADER + f"{anna},Anna,,,1 Example Street,London,N1 1AA,GB\n")
    assert same.counts.unchanged == 1  # what the row does not tell stays
    report = run(context, tmp_path, HEADER + f"{anna},Anna,,pdf,2 Example Street,London,N1 1AA,GB\n")
    assert [(each.person, each.what) for each in report.changes] == [(anna, ("Journal", "postal address"))]
    assert post_of(context, anna) == [
        (LONDON | {"street_address": "2 Example Street"}, None, moves - timedelta(days=1)),
        (LONDON | {"city": "Leeds"}, moves, None),
    ]


def test_first_post_ends_where_the_next_begins(context: Context, tmp_path: Path) -> None:
    moves = TODAY + timedelta(days=1)
    with context.db.write() as tx:
        anna = a_person(tx, "anna@example.org", name="Anna")
        on_list(tx, anna, 1)
        postal.put(tx, anna, LONDON, first_day=moves, now=NOW)
    run(context, tmp_path, HEADER + f"{anna},Anna,,,2 Example Street,London,N1 1AA,GB\n")
    assert [(begins, ends) for _, begins, ends in post_of(context, anna)] == [(None, TODAY), (moves, None)]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (",1 Example Street,London,N1 1AA,", "the postal address: postal_country is missing"),
        (",1 Example Street,London,N1 1AA,XX", "the postal address: postal_country cannot be right"),
        (",,London,12345,GB", "the postal address: postal_postcode cannot be right, postal_street is missing"),
        ("pigeon,,,,", 'the journal format "pigeon" is not known: paper, pdf or both'),
    ],
)
def test_post_that_cannot_be_refuses_its_row_alone(context: Context, tmp_path: Path, cells: str, reason: str) -> None:
    report = run(context, tmp_path, HEADER + f",Anna,anna@example.org,{cells}\n,Bea,bea@example.org,,,,,\n")
    assert [(each.line, each.reason) for each in report.refusals] == [(2, reason)]
    assert report.counts.new == 1


def test_street_without_a_country_stays_a_field_of_ones_own(context: Context, tmp_path: Path) -> None:
    run(context, tmp_path, "name,email,Street,Postal Code\nAnna,anna@example.org,1 Example Street,N1 1AA\n")
    with context.db.read() as tx:
        (anna,) = people.at_address(tx, "anna@example.org")
    assert anna.fields == {"street": "1 Example Street", "postal_code": "N1 1AA"}


def test_import_says_who_changes_and_in_what_before_and_after_it_is_written(context: Context, tmp_path: Path) -> None:
    with context.db.write() as tx:
        anna = a_person(tx, "anna@example.org", name="Anna", first_name="Anna")
        bea = a_person(tx, "bea@example.org", name="Bea")
        same = a_person(tx, "same@example.org", name="Same")
        for person in (anna, bea, same):
            on_list(tx, person, 1)
    text = (
        "id,name,first_name,email,language,member,lists,city,other_addresses\n"
        f"{anna},Anna,Panni,anna@example.org,hu,yes,journal:subscribed,Győr,anna2@example.org\n"
        f"{bea},,,bea3@example.org,,,newsletter:unsubscribed,,bea@example.org:bounced\n"
        f"{same},Same,,same@example.org,,,newsletter:subscribed,,\n"
        ",New,,new@example.org,,,newsletter:subscribed,,\n"
    )
    named = ("first name", "language")
    expected = [
        (2, "anna@example.org", anna, (*named, "member", "own fields", "address added", "joins journal")),
        (3, "bea3@example.org", bea, ("address added", "preferred address", "address suppressed", "leaves newsletter")),
    ]  # fmt: skip
    for write in (False, True):
        report = run(context, tmp_path, text, write=write)
        assert [(each.line, each.address, each.person, each.what) for each in report.changes] == expected
        assert report.counts.changed == 2
    assert run(context, tmp_path, text).changes == ()


def test_row_by_number_that_names_another_of_their_addresses_changes_the_preferred_one(
    context: Context, tmp_path: Path
) -> None:
    with context.db.write() as tx:
        anna = a_person(tx, "anna@example.org", name="Anna")
        on_list(tx, anna, 1)
    run(context, tmp_path, f"id,email,other_addresses,lists\n{anna},anna@example.org,anna2@example.org,\n")
    report = run(context, tmp_path, f"id,email,other_addresses,lists\n{anna},anna2@example.org,anna@example.org,\n")
    assert [each.what for each in report.changes] == [("preferred address",)]
