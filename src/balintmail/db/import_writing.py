"""Write what the staged rows say into the register, set by set, in the caller's one transaction.

It decides nothing: `db/import_matching.py` has given every row its verdict in the same transaction. Refused and
unchanged rows write nothing.
"""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from balintmail.db import audit, consent, postal
from balintmail.db.consent import Entry
from balintmail.db.import_matching import NEW_SUPPRESSION, PERSON_CHANGES
from balintmail.db.import_members import OF_THE_CHANGED, OF_THE_NEW
from balintmail.db.import_report import Counts
from balintmail.db.models import UtcTime
from balintmail.db.session import Tx
from balintmail.db.stops import stop_address, stop_subscriber
from balintmail.domain.states import SkipReason


@dataclass(frozen=True, slots=True)
class Provenance:
    """When, by whom and from which file: what consent and audit rows say of an import."""

    at: datetime
    actor: str
    file: str
    left_words: str  # the words of a withdrawal that the file reports
    zone: str = "UTC"  # where the society is
    today: date = date.min  # there


_WRITES = "i.verdict IN ('new', 'changed')"

_NUMBER_SQLITE = """
UPDATE import_people SET person = found.id
FROM (SELECT n, (SELECT COALESCE(MAX(id), 0) FROM people) + ROW_NUMBER() OVER (ORDER BY n) AS id
      FROM import_people WHERE verdict = 'new') AS found
WHERE import_people.n = found.n
"""
_NUMBER_POSTGRESQL = """
UPDATE import_people SET person = found.id
FROM (SELECT n, nextval(pg_get_serial_sequence('people', 'id')) AS id
      FROM (SELECT n FROM import_people WHERE verdict = 'new' ORDER BY n) AS ordered) AS found
WHERE import_people.n = found.n
"""

_PEOPLE = """
INSERT INTO people (id, name, first_name, language, member, fields, journal_format, joined_at, updated_at)
SELECT person, name, COALESCE(NULLIF(first_name, ''), first_guess), NULLIF(language, ''),
       COALESCE(member, FALSE), COALESCE(fields, '{}'), NULLIF(journal, ''), COALESCE(joined, :now),
       :now
FROM import_people WHERE verdict = 'new' ORDER BY n
"""

_EDITS = f"""
UPDATE people SET name = found.name, first_name = found.first_name, language = found.language,
    member = found.member, fields = found.fields, journal_format = found.journal, updated_at = :now
FROM (SELECT i.person AS person, COALESCE(NULLIF(i.name, ''), p.name) AS name,
             COALESCE(NULLIF(i.first_name, ''), NULLIF(p.first_name, ''),
                      CASE WHEN p.name = '' THEN i.first_guess END, '') AS first_name,
             COALESCE(NULLIF(i.language, ''), p.language) AS language, COALESCE(i.member, p.member) AS member,
             COALESCE(i.merged, p.fields) AS fields, COALESCE(NULLIF(i.journal, ''), p.journal_format) AS journal
      FROM import_people i JOIN people p ON p.id = i.person
      WHERE i.verdict = 'changed' AND ({PERSON_CHANGES})) AS found
WHERE people.id = found.person
"""  # noqa: S608

_ADDRESSES = f"""
INSERT INTO addresses (email, envelope, key, domain, health, created_at)
SELECT a.email, a.envelope, a.key, a.domain, 'ok', :now
FROM import_people i JOIN import_addresses a ON a.n = i.n
WHERE {_WRITES} AND NOT EXISTS (SELECT 1 FROM addresses x WHERE x.key = a.key)
ORDER BY a.n, a.rank ON CONFLICT (key) DO NOTHING
"""  # noqa: S608

# Only a row that names a person by id may say which of their addresses is preferred.
_UNPREFER = """
UPDATE person_addresses SET preferred = FALSE
FROM import_people i JOIN import_addresses a ON a.n = i.n AND a.rank = 0 JOIN addresses x ON x.key = a.key
WHERE i.verdict = 'changed' AND i.by_id AND person_addresses.person_id = i.person
  AND person_addresses.address_id <> x.id AND person_addresses.preferred
"""
_LINK = f"""
INSERT INTO person_addresses (person_id, address_id, preferred)
SELECT i.person, x.id, a.rank = 0 AND NOT EXISTS
       (SELECT 1 FROM person_addresses l WHERE l.person_id = i.person AND l.preferred)
FROM import_people i JOIN import_addresses a ON a.n = i.n JOIN addresses x ON x.key = a.key
WHERE {_WRITES} ORDER BY a.n, a.rank ON CONFLICT (person_id, address_id) DO NOTHING
"""  # noqa: S608
_PREFER = """
UPDATE person_addresses SET preferred = TRUE
FROM import_people i JOIN import_addresses a ON a.n = i.n AND a.rank = 0 JOIN addresses x ON x.key = a.key
WHERE i.verdict = 'changed' AND i.by_id AND person_addresses.person_id = i.person
  AND person_addresses.address_id = x.id AND NOT person_addresses.preferred
"""

_NO_SUBSCRIPTION = "NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.person_id = i.person AND s.list_id = t.list)"
# The rows of a stretch of the file, as db/consent.py wants them: it alone writes the log.
_AGREED = sa.text(f"""
SELECT i.person, t.list, i.ground, i.consent, i.collected, COALESCE(a.email, ''), i.line
FROM import_people i JOIN import_states t ON t.n = i.n LEFT JOIN import_addresses a ON a.n = i.n AND a.rank = 0
WHERE i.n > :after AND i.n <= :upto AND {_WRITES} AND t.state <> 'unsubscribed' AND {_NO_SUBSCRIPTION}
ORDER BY i.n, t.list
""")  # noqa: S608
_WITHDREW = sa.text(f"""
SELECT i.person, t.list, COALESCE(s.ground, i.ground), CAST(:left_words AS TEXT), NULL, COALESCE(a.email, ''), i.line
FROM import_people i JOIN import_states t ON t.n = i.n LEFT JOIN import_addresses a ON a.n = i.n AND a.rank = 0
LEFT JOIN subscriptions s ON s.person_id = i.person AND s.list_id = t.list
WHERE i.n > :after AND i.n <= :upto AND {_WRITES} AND t.state = 'unsubscribed'
  AND (s.state IS NULL OR s.state <> 'unsubscribed')
ORDER BY i.n, t.list
""")  # noqa: S608
_LAST = sa.text("SELECT COALESCE(MAX(n), 0) FROM import_people")
_STRETCH = 5_000  # rows of the file whose consent is in memory at a time

_CHANGE_STATE = """
UPDATE subscriptions SET state = t.state, paused_until = NULL,
    ended_at = CASE WHEN t.state = 'unsubscribed' THEN :now END
FROM import_people i JOIN import_states t ON t.n = i.n
WHERE i.verdict = 'changed' AND subscriptions.person_id = i.person AND subscriptions.list_id = t.list
  AND ((t.state = 'unsubscribed' AND subscriptions.state <> 'unsubscribed')
    OR (t.state = 'paused' AND subscriptions.state = 'subscribed'))
"""
_SUBSCRIBE = f"""
INSERT INTO subscriptions (person_id, list_id, state, ground, since, ended_at)
SELECT i.person, t.list, t.state, i.ground, :now, CASE WHEN t.state = 'unsubscribed' THEN :now END
FROM import_people i JOIN import_states t ON t.n = i.n
WHERE {_WRITES} AND {_NO_SUBSCRIPTION} ORDER BY i.n
"""  # noqa: S608

_HEALTH = f"""
UPDATE addresses SET health = 'bounced', bounced_at = :now
FROM import_people i JOIN import_addresses a ON a.n = i.n
WHERE {_WRITES} AND a.key = addresses.key AND a.suppress IN ('bounced', 'cleaned') AND addresses.health = 'ok'
"""  # noqa: S608
_SUPPRESS = f"""
INSERT INTO suppressions (address_hash, address_key, reason, note, at, actor)
SELECT a.hash, a.key, a.suppress, :left_words, :now, :actor
FROM import_people i JOIN import_addresses a ON a.n = i.n
WHERE {_WRITES} AND {NEW_SUPPRESSION} ORDER BY a.n ON CONFLICT (address_hash) DO NOTHING
"""  # noqa: S608

# Who is on the register already and says no by this file: their open deliveries stop in this transaction (D4).
_LEAVERS = sa.text("""
SELECT i.person, t.list FROM import_people i JOIN import_states t ON t.n = i.n
JOIN subscriptions s ON s.person_id = i.person AND s.list_id = t.list
WHERE i.verdict = 'changed' AND ((t.state = 'unsubscribed' AND s.state <> 'unsubscribed')
  OR (t.state = 'paused' AND s.state = 'subscribed'))
""")
_DEAD = sa.text(f"""
SELECT a.key FROM import_people i JOIN import_addresses a ON a.n = i.n JOIN addresses x ON x.key = a.key
WHERE {_WRITES} AND {NEW_SUPPRESSION}
""")  # noqa: S608


_POST = sa.text("""
SELECT i.person, i.post FROM import_people i
WHERE i.post IS NOT NULL AND (i.verdict = 'new' OR (i.verdict = 'changed' AND i.moved)) ORDER BY i.n
""")

_JOINED = sa.text(f"""
SELECT l.slug, i.person FROM import_people i JOIN import_states t ON t.n = i.n
JOIN subscriptions s ON s.person_id = i.person AND s.list_id = t.list JOIN lists l ON l.id = t.list
WHERE {_WRITES} AND s.state = 'subscribed' AND s.since = :now ORDER BY l.slug, i.n
""")  # noqa: S608


def write(tx: Tx, provenance: Provenance, counts: Counts) -> None:
    """Carry out the verdicts of all staged rows."""
    dialect = tx.dialect.name
    run = _Runner(tx, provenance)
    _stop_open_deliveries(tx, provenance.at)
    tx.exec_driver_sql(_NUMBER_SQLITE if dialect == "sqlite" else _NUMBER_POSTGRESQL)
    for statement in (*OF_THE_CHANGED, _PEOPLE, *OF_THE_NEW, _EDITS, _ADDRESSES, _UNPREFER, _LINK, _PREFER):
        run(statement)
    _write_post(tx, provenance)
    _record_consent(tx, provenance)
    # The health comes last: a bounced address counts as known, and would get no suppression of its own.
    for statement in (_CHANGE_STATE, _SUBSCRIBE, _SUPPRESS, _HEALTH):
        run(statement)
    detail = {
        "file": provenance.file,
        "new": counts.new,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "refused": counts.refused,
    }
    audit.note(tx, "people.import", actor=provenance.actor, now=provenance.at, detail=detail)


def _record_consent(tx: Tx, provenance: Provenance) -> None:
    """Add who agreed and who left to the consent log, as one link of its chain."""
    file, zone = json.dumps(provenance.file, ensure_ascii=False), json.dumps(provenance.zone)
    last: int = tx.scalar(_LAST) or 0
    with consent.writing(tx) as add:
        for query, action in (
            (_AGREED, "agreed"),
            (_WITHDREW.bindparams(left_words=provenance.left_words), "withdrew"),
        ):
            for after in range(0, last, _STRETCH):
                found = tx.execute(query, {"after": after, "upto": after + _STRETCH})
                add(
                    Entry(
                        person, list_id, provenance.at, action, ground, words, "import", provenance.actor, collected,
                        address, f'{{"file":{file},"line":{line},"zone":{zone}}}', person,
                    )
                    for person, list_id, ground, words, collected, address, line in found.all()
                )  # fmt: skip


def _write_post(tx: Tx, provenance: Provenance) -> None:
    for person, post in tx.execute(_POST).all():
        parts = json.loads(post) if isinstance(post, str) else post
        postal.correct(tx, person, parts, today=provenance.today, now=provenance.at)


def _stop_open_deliveries(tx: Tx, now: datetime) -> None:
    for person, list_id in tx.execute(_LEAVERS).all():
        stop_subscriber(tx, person, list_id, SkipReason.NOT_SUBSCRIBED, now=now)
    for key in tx.scalars(_DEAD).all():
        stop_address(tx, key, SkipReason.SUPPRESSED, now=now)


def joined(tx: Tx, at: datetime) -> list[tuple[str, int]]:
    """Return list and person of everybody whom the import written at `at` subscribed, while its rows are staged."""
    found = tx.execute(_JOINED.bindparams(sa.bindparam("now", type_=UtcTime())), {"now": at}).all()
    return [(slug, person) for slug, person in found]


class _Runner:
    """Runs one statement with those of the import's values that it names."""

    def __init__(self, tx: Tx, provenance: Provenance) -> None:
        self._tx = tx
        self._values: dict[str, Any] = {
            "now": provenance.at,
            "actor": provenance.actor,
            "file": provenance.file,
            "left_words": provenance.left_words,
            "today": provenance.today,
        }

    def __call__(self, statement: str) -> None:
        clause = sa.text(statement)
        named = {name: value for name, value in self._values.items() if re.search(rf"(?<!:):{name}\b", statement)}
        if "now" in named:
            clause = clause.bindparams(sa.bindparam("now", type_=UtcTime()))
        if "today" in named:
            clause = clause.bindparams(sa.bindparam("today", type_=sa.Date()))
        self._tx.execute(clause, named)
