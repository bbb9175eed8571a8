"""Lists of members: whom a row means, what it changes, what is refused; an export comes back unchanged."""

import io
from datetime import date
from pathlib import Path

import pytest

from balintmail.db import members as rows
from balintmail.db import people, postal
from balintmail.db.people import PersonRow
from balintmail.domain.members import reference
from balintmail.ops.importers.memberlist import open_members
from balintmail.ops.importers.reading import Corrections
from balintmail.ops.importers.table import FileRefused
from balintmail.services import erasure, members_import, memberships
from balintmail.services.context import Context
from balintmail.services.members_import import Report
from balintmail.services.memberships import Facts, Wanted
from tests.support import society

TODAY = date(2026, 11, 21)


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


def a_person(ctx: Context, name: str, *addresses: str) -> int:
    with ctx.db.write() as tx:
        return society.enter(ctx, tx, name, *addresses)


def take(ctx: Context, text: str | bytes, *, write: bool = True, maps: dict[str, str] | None = None) -> Report:
    path = ctx.folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = open_members(path, Corrections(columns=maps or {}))
    return members_import.take_in(ctx, found.rows, path.name, write=write)


def reasons(report: Report) -> dict[int, str]:
    return {each.line: each.reason for each in report.refusals}


def whole(ctx: Context, name: str) -> tuple[PersonRow, rows.MembershipRow]:
    with ctx.db.read() as tx:
        (person,) = people.called(tx, name)
        (row,) = rows.of_person(tx, person.id)
    return person, row


GERMAN = (
    "Name;E-Mail;Mitgliedsart;Mitglied seit;Bezahlt bis;Straße;PLZ;Ort;Land\n"
    "Bálint Mihály;anna@example.org;Student member;01.10.2020;30.09.2027;Kossuth u. 1;1037;Budapest;HU\n"
    "李 明;;full;2021-01-01;31.12.2026;;;;\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso8859_2"])
def test_a_sheet_in_any_encoding_enters_members_on_no_list_G3(ctx: Context, encoding: str) -> None:
    text = GERMAN if encoding != "iso8859_2" else GERMAN.partition("李")[0]
    assert take(ctx, text.encode(encoding), write=False).new == text.count("\n") - 1
    with ctx.db.read() as tx:
        assert people.called(tx, "Bálint Mihály") == []
    report = take(ctx, text.encode(encoding))
    assert reasons(report) == {}
    person, row = whole(ctx, "Bálint Mihály")
    assert (row.of.slug, row.since, row.paid_until) == ("student", date(2020, 10, 1), date(2027, 9, 30))
    assert person.member
    with ctx.db.read() as tx:
        label = postal.at(tx, person.id, TODAY)
        assert label is not None
        assert (label.city, label.country_code) == ("Budapest", "HU")
        assert [entry.lists for entry in people.entries(tx) if entry.person.id == person.id] == [{}]
    again = take(ctx, text.encode(encoding))
    assert (again.new, again.changed, again.unchanged) == (0, 0, text.count("\n") - 1)


def test_each_row_that_cannot_be_is_refused_with_its_line_and_the_others_are_taken(ctx: Context) -> None:
    a_person(ctx, "Anna Example", "shared@example.org")
    a_person(ctx, "Bela Example", "shared@example.org")
    gone, dead = a_person(ctx, "Gone", "gone@example.org"), a_person(ctx, "Dead", "dead@example.org")
    for person in (gone, dead):
        memberships.add(ctx, person, Facts())
    memberships.resign(ctx, gone)
    memberships.died(ctx, dead)
    erasure.erase(ctx, a_person(ctx, "Forgotten", "forgotten@example.org"))
    report = take(ctx, (
        "name,email,class,since,paid until,street,postcode,city,country\n"
        "Fine,fine@example.org,full,2026-01-01,2026-12-31,,,,\n"
        ",shared@example.org,full,,,,,,\n"
        "Gone,gone@example.org,full,,,,,,\n"
        "Dead,dead@example.org,full,,,,,,\n"
        "Forgotten,forgotten@example.org,full,,,,,,\n"
        "Odd,odd@example.org,emperor,,,,,,\n"
        "Odd,odd@example.org,full,01/02/2027,,,,,\n"
        "Odd,odd@example.org,full,2027-01-01,2026-01-01,,,,\n"
        "Odd,odd@example.org,full,1066-10-14,,,,,\n"
        "Odd,a@b@c,full,,,,,,\n"
        "Odd,odd@example.org,full,,,1 High Street,xx,London,GB\n"
        "Odd,odd@example.org,full,,,1 High Street,,London,\n"
        "Fine,fine@example.org,full,,,,,,\n"
        ",,full,,,,,,\n"
        "Odd,odd@example.org,full,,,,,,,,more\n"
    ))  # fmt: skip
    said = reasons(report)
    for line, words in {
        3: "may be any of these people: 2, 3", 4: "resigned since", 5: "has died", 6: "was erased",
        7: 'no class "emperor"', 8: "day and month cannot be told apart",
        9: "paid until 2026-01-01, and begins on 2027-01-01", 10: "1066",
        11: "the address", 12: "postal_postcode does not fit", 13: "postal_country is missing", 14: "as in line 2",
        15: "names nobody", 16: "11 cells",
    }.items():  # fmt: skip
        assert words in said.get(line, ""), (line, said.get(line))
    assert report.new == 1
    with ctx.db.read() as tx:
        assert people.called(tx, "Odd") == []


def test_members_are_found_by_number_reference_address_and_name(ctx: Context) -> None:
    anna, bela = a_person(ctx, "Anna Example"), a_person(ctx, "Bela Example", "bela@example.org")
    cili = a_person(ctx, "Cili Example")
    report = take(ctx, f"person,reference,name,email,class\n,{reference(anna)},,,student\n,,,bela@example.org,student\n"
                       f",,CILI  example,,student\n{anna},,,,full\n")  # fmt: skip
    assert [each.person for each in report.changes] == [anna, bela, cili]
    assert reasons(report) == {5: "it is the same person as in line 2"}


def test_the_export_is_safe_in_a_spreadsheet_and_comes_back_unchanged_G1(ctx: Context) -> None:
    take(
        ctx,
        "name,email,class,since,remark\n'=cmd|x,odd@example.org,full,2020-02-29,'@later\nAnna,a@example.org,honorary,,\n",
    )
    out = io.StringIO(newline="")
    assert members_import.export(ctx, Wanted(), out) == 2
    text = out.getvalue()
    assert ",'=cmd|x," in text
    assert ",'@later," in text
    assert "2020-02-29" in text
    report = take(ctx, text)
    assert (report.new, report.changed, report.unchanged, report.refusals) == (0, 0, 2, [])


def test_a_list_of_another_register_is_not_matched_by_its_numbers(ctx: Context) -> None:
    anna = a_person(ctx, "Anna Example")
    report = take(ctx, f"person,register,name,class\n{anna},feedbeef,Somebody Else,full\n")
    assert [each.person for each in report.changes] != [anna]


def test_columns_are_corrected_by_map_and_a_file_that_names_nobody_is_refused(ctx: Context) -> None:
    assert take(ctx, "Wer,Art\nAnna,student\n", maps={"Wer": "name", "Art": "class"}).new == 1
    with pytest.raises(FileRefused, match="who the members are"):
        take(ctx, "a,b\n1,2\n")
    with pytest.raises(FileRefused, match="empty"):
        take(ctx, "")
    assert Path(ctx.folder / "list.csv").exists()
