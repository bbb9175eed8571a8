"""Every column in which somebody may be spoken of is known to erasure, or known to hold no such words (S45)."""

import sqlalchemy as sa

from balintmail.db import free_texts
from balintmail.db.models import Base

# Emptied with the person's own rows, written by the program alone (names of things, states, codes, hashes), the
# society's own words to everybody, or what went out and stays as it was sent. A new column belongs here or there.
ELSEWHERE = {
    "addresses": "email envelope key domain trouble",
    "audit_events": "action",
    "bank_lines": "currency",
    "consent_events": "words how actor address evidence",
    "copy_requests": "email envelope address_key name language door",
    "copy_terms": "currency",
    "deliveries": "address envelope address_key data claim relay stage enhanced",
    "despatch_copies": "name address_lines country_code postal_code",
    "document_versions": "kind",
    "documents": "slug language",
    "duty_dates": "draft",
    "inbound_messages": "mailbox kind sender_key",
    "join_requests": "email address_key name language how envelope held",
    "journal_articles": "slug kind first_page last_page doi language",
    "journal_authors": "name sort_name",
    "journal_issues": "label volume number issn language",
    "lists": "slug name list_id purpose language from_name from_address reply_to footer standing_words relay questions",
    "mailboxes": "name folder error",
    "mailed_links": "purpose",
    "mailing_contents": "source",
    "mailings": "number content_hash signed_with redirected_to",
    "member_classes": "slug name currency",
    "meta": "key value",
    "notices": "template key language address envelope address_key",
    "page_versions": "name",
    "paper_events": "action",
    "paper_files": "kind",
    "papers": "number name email envelope address_key language door",
    "past_newsletters": "digest",
    "payments": "currency",
    "pdf_texts": "digest remark words",
    "people": "name first_name language journal_format",
    "postal_addresses": "country_code name company_name street_address city_area city country_area postal_code "
    "sorting_code",
    "relay_usage": "relay domain",
    "relays": "name",
    "return_events": "address address_key sentence reason status",
    "search_entries": "fingerprint language title authors summary body head words",
    "suppressions": "address_key",
    "wordings": "language words",
    "workers": "id host",
}
OWN_CARE = "balintmail.db.models_orders"  # db/order_traces.py


def test_every_column_of_words_is_blotted_or_needs_no_blotting_S45() -> None:
    blotted = {(table.__tablename__, name) for table, names in (*free_texts.TEXTS, *free_texts.NAMED) for name in names}
    known = blotted | {(table, name) for table, names in ELSEWHERE.items() for name in names.split()}
    tables = [one.class_.__table__ for one in Base.registry.mappers if one.class_.__module__ != OWN_CARE]
    words = {
        (table.name, column.name)
        for table in tables
        for column in table.columns
        if type(column.type) in {sa.String, sa.Text, sa.JSON}
    }
    assert words - known == set()
    assert not {name for name in blotted if name in {(t, n) for t, names in ELSEWHERE.items() for n in names.split()}}


def test_blotted_tables_have_one_number_each() -> None:
    for table, _ in (*free_texts.TEXTS, *free_texts.NAMED):
        assert len(sa.inspect(table).primary_key) == 1, table.__tablename__
