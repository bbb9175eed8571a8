"""Importing an export changes nothing, for every register that the rules let come about, in every layout."""

import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balintmail.db import meta
from balintmail.db.models import (
    Address,
    AuditEvent,
    Base,
    ConsentEvent,
    MailingList,
    Person,
    PersonAddress,
    PostalAddress,
    Subscription,
    Suppression,
)
from balintmail.db.session import Tx
from balintmail.domain import address as addresses
from balintmail.domain import hygiene, names
from balintmail.domain.cells import plain_cell, safe_cell
from balintmail.domain.states import AddressHealth, Ground, SubscriptionState, SuppressionReason
from balintmail.ops.importers.reading import Corrections, open_people
from balintmail.services import exporting, importing, postal
from balintmail.services.context import Context
from balintmail.services.exporting import Layout
from balintmail.services.importing import Terms
from balintmail.services.people import Wanted
from tests.support.register import NOW, a_list

NASTY = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-x",
    "@a",
    "'t Hooft",
    "'=1",
    "''=1",
    '"quoted"',
    "a;b,c|d",
    "李 明",
    "O'Neill",
    "ű\u0308",
]

POSTS = [
    postal.checked(parts)
    for parts in (
        {"country_code": "GB", "name": "Flat 3", "street_address": "=1 Example Street\nTop floor", "city": "London",
         "postal_code": "n1 1aa"},
        {"country_code": "HU", "street_address": "Példa u. 1., 'B'", "city": "Győr", "postal_code": "9021"},
        {"country_code": "US", "street_address": "1 Example Street", "city": "Boston", "country_area": "MA",
         "postal_code": "02108"},
        {"country_code": "FR", "company_name": "Cabinet; \"Exemple\"", "street_address": "+1 rue Exemple",
         "city": "CEDEX", "postal_code": "75001", "sorting_code": "CEDEX 01"},
        {"country_code": "JP", "street_address": "例町1番地", "city": "千代田区", "country_area": "東京都",
         "postal_code": "100-0001"},
    )
]  # fmt: skip
DAYS = [(None, None), (None, date(2026, 1, 31)), (date(2026, 2, 1), None), (date(2027, 3, 1), None)]


def _kept(clean: Any) -> Any:
    """Return only texts that the register would keep as they are."""

    def same(text: str) -> bool:
        try:
            return bool(clean(text) == text)
        except hygiene.TextRefused:
            return False

    return same


_texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=20))
_names = _texts.filter(_kept(names.clean))
_values = st.one_of(
    st.one_of(_texts, st.sampled_from(["a\nb", "=1\n2", "5", "true", "null"])).filter(
        _kept(lambda text: hygiene.paragraphs(text, what="x", longest=1000))
    ),
    st.integers(-(10**9), 10**9),
    st.booleans(),
)
_emails = st.sampled_from(
    ["a@example.org", "B.C@example.net", "=x@example.org", "-oq@example.org", "+p@example.org", "ő@példa.example.org"]
)
_people = st.fixed_dictionaries(
    {
        "name": _names,
        "first_name": _names,
        "language": st.sampled_from([None, "hu", "en-NZ"]),
        "member": st.booleans(),
        "fields": st.dictionaries(st.sampled_from(["city", "email", "régió", "x9"]), _values, max_size=3),
        "emails": st.lists(_emails, max_size=3, unique=True),
        "preferred": st.booleans(),
        "joined": st.integers(0, 10**9),
        "states": st.dictionaries(st.sampled_from(["newsletter", "journal"]), st.sampled_from(SubscriptionState)),
        "gone": st.sampled_from(["", "", "", "erased", "merged"]),
        "journal_format": st.sampled_from([None, "paper", "pdf", "both"]),
        "post": st.lists(st.tuples(st.sampled_from(POSTS), st.sampled_from(DAYS)), max_size=2),
    }
)
_marks = st.dictionaries(_emails, st.sampled_from(["bounced", *SuppressionReason]), max_size=3)


def _wipe(tx: Tx) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        tx.execute(table.delete())


def _enter(ctx: Context, tx: Tx, register: list[dict[str, Any]], marks: dict[str, Any]) -> None:
    meta.put(tx, meta.INSTANCE_ID, "0123456789abcdef")
    lists = {slug: a_list(tx, slug) for slug in ("newsletter", "journal")}
    known: dict[str, int] = {}
    before: int | None = None
    for person in register:
        told = ("name", "first_name", "language", "member", "fields", "journal_format")
        columns = {key: person[key] for key in told}
        joined = NOW - timedelta(seconds=person["joined"])
        merged = before if person["gone"] == "merged" else None
        number: int = tx.execute(
            sa.insert(Person)
            .values(
                **columns,
                joined_at=joined,
                updated_at=NOW,
                erased_at=NOW if person["gone"] == "erased" else None,
                merged_into=merged,
            )
            .returning(Person.id)
        ).scalar_one()
        if person["gone"] == "erased" or merged is not None:
            continue
        before = number
        for place, email in enumerate(person["emails"]):
            parsed = addresses.parse(email)
            if email not in known:
                row = {"email": parsed.text, "envelope": parsed.envelope, "key": parsed.key, "domain": parsed.domain}
                bounced = AddressHealth.BOUNCED if marks.get(email) == "bounced" else AddressHealth.OK
                known[email] = tx.execute(
                    sa.insert(Address).values(**row, health=bounced, created_at=NOW).returning(Address.id)
                ).scalar_one()
            link = {"person_id": number, "address_id": known[email], "preferred": place == 0 and person["preferred"]}
            tx.execute(sa.insert(PersonAddress).values(link))
        for parts, (begins, ends) in person["post"]:
            days = {"valid_from": begins, "valid_until": ends}
            tx.execute(sa.insert(PostalAddress).values(person_id=number, created_at=NOW, **days, **parts))
        for slug, state in person["states"].items():
            tx.execute(
                sa.insert(Subscription).values(
                    person_id=number, list_id=lists[slug], state=state, ground=Ground.CONSENT, since=NOW
                )
            )
    for email, mark in marks.items():
        key = addresses.parse(email).key
        tx.execute(
            sa.insert(Suppression).values(
                address_hash=ctx.keyring.address_hash(key),
                address_key=None if mark == "erased" else key,
                reason=SuppressionReason(mark),
                at=NOW,
                actor="x",
            )
        ) if mark != "bounced" or len(email) % 2 else None


def _everything(ctx: Context) -> list[Any]:
    with ctx.db.read() as tx:
        tables = (
            Person, Address, PersonAddress, PostalAddress, MailingList, Subscription, ConsentEvent, Suppression
        )  # fmt: skip
        return [
            [tuple(row) for row in tx.execute(sa.select(table.__table__).order_by(*table.__table__.primary_key))]
            for table in tables
        ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_people, max_size=5), _marks, st.sampled_from(Layout))
def test_importing_an_export_changes_nothing_G1(
    context: Context, tmp_path: Path, register: list[dict[str, Any]], marks: dict[str, Any], layout: Layout
) -> None:
    with context.db.write() as tx:
        _wipe(tx)
        _enter(context, tx, register, marks)
    out = io.StringIO(newline="")
    people = exporting.export(context, Wanted(), layout, out)
    before = _everything(context)
    file = tmp_path / f"people.{layout.value}"
    file.write_text(out.getvalue(), encoding="utf-8", newline="")
    reading = open_people(file, Corrections())
    with importing.staged(context, reading.rows, Terms(file.name, reading.tool)) as found:
        report = found.write()
    assert [(refusal.line, refusal.reason) for refusal in report.refusals] == []
    assert (report.counts.unchanged, report.counts.new, report.counts.changed) == (people, 0, 0)
    assert _everything(context) == before
    again = io.StringIO(newline="")
    exporting.export(context, Wanted(), layout, again)
    assert again.getvalue() == out.getvalue()
    with context.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(AuditEvent)) == 3


@given(st.one_of(st.text(), st.builds(lambda quotes, text: "'" * quotes + text, st.integers(0, 3), _texts)))
def test_safe_cells_come_back_and_are_no_formulas_G1(text: str) -> None:
    cell = safe_cell(text)
    assert plain_cell(cell) == text
    assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
