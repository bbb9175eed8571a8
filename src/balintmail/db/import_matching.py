"""Find out, for all staged rows at once, whom each one means and what it would change.

Set by set in SQL; only the rows whose names or fields are not plainly equal pass through Python, in batches. It writes
to the staged tables alone (`db/imports.py`); the register is changed by `db/import_writing.py`. Running it again, in
the transaction that writes, gives the same answer for the register of that moment.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from balintmail.db import postal
from balintmail.db.session import Tx
from balintmail.domain.imports import Candidate, choose, merged_fields

BATCH = 2_000

_LIVING = "p.erased_at IS NULL AND p.merged_into IS NULL"
_LINKS = (
    "import_addresses a ON a.n = i.n JOIN addresses x ON x.key = a.key JOIN person_addresses l ON l.address_id = x.id"
    " JOIN people p ON p.id = l.person_id"
)

_ANY_LINK = "import_addresses a JOIN addresses x ON x.key = a.key JOIN person_addresses l ON l.address_id = x.id"

_RESET = """
UPDATE import_people SET reason = stated, person = NULL, by_id = FALSE, merged = NULL, moved = FALSE, verdict = ''
"""

_BY_ID = """
UPDATE import_people SET person = found.id, by_id = TRUE,
    reason = CASE WHEN found.erased THEN 'this person was erased at their own wish' ELSE '' END
FROM (SELECT i.n AS n, p.id AS id, p.erased_at IS NOT NULL AS erased
      FROM import_people i JOIN people p ON p.id = i.given WHERE i.reason = '') AS found
WHERE import_people.n = found.n
"""

# A column "id" may be another tool's. Unless the file says whose numbers they are, something else has to agree.
_SOMEBODY_ELSE = f"""
UPDATE import_people AS i SET reason = 'person ' || i.given || ' is somebody else here: neither name nor address agrees'
WHERE i.by_id AND NOT i.sure AND i.reason = '' AND i.main_key <> ''
  AND NOT EXISTS (SELECT 1 FROM people p WHERE p.id = i.person AND p.name = i.name AND i.name <> '')
  AND NOT EXISTS (SELECT 1 FROM {_ANY_LINK} WHERE a.n = i.n AND l.person_id = i.person)
"""  # noqa: S608

# Whoever was merged is the person they were merged into, however many steps on.
_MERGED = """
UPDATE import_people SET person = p.merged_into,
    reason = CASE WHEN q.erased_at IS NOT NULL THEN 'this person was erased at their own wish' ELSE '' END
FROM people p JOIN people q ON q.id = p.merged_into WHERE p.id = import_people.person AND import_people.reason = ''
"""

_BY_ADDRESS_AND_NAME = f"""
UPDATE import_people SET person = found.person
FROM (SELECT i.n AS n, MIN(p.id) AS person
      FROM import_people i JOIN {_LINKS}
      WHERE i.person IS NULL AND i.reason = '' AND i.name <> '' AND p.name = i.name AND {_LIVING}
      GROUP BY i.n HAVING COUNT(DISTINCT p.id) = 1) AS found
WHERE import_people.n = found.n
"""  # noqa: S608

_CANDIDATES = f"""
SELECT DISTINCT i.n, i.name_key, p.id, p.name
FROM import_people i JOIN {_LINKS}
WHERE i.person IS NULL AND i.reason = '' AND {_LIVING} AND i.n > :after
ORDER BY i.n, p.id
"""  # noqa: S608

# A second row for the same person: the first one counts, whatever the case of its address (G9).
_TWICE_BY_PERSON = """
UPDATE import_people SET reason = 'the same person stands on line ' || found.first || ' already'
FROM (SELECT n, line, FIRST_VALUE(line) OVER (PARTITION BY person ORDER BY n) AS first,
             ROW_NUMBER() OVER (PARTITION BY person ORDER BY n) AS place
      FROM import_people WHERE person IS NOT NULL AND reason = '') AS found
WHERE import_people.n = found.n AND found.place > 1
"""

_TWICE_BY_ADDRESS = """
UPDATE import_people SET reason = 'the same person stands on line ' || found.first || ' already'
FROM (SELECT n, line, FIRST_VALUE(line) OVER (PARTITION BY main_key, name_key ORDER BY n) AS first,
             ROW_NUMBER() OVER (PARTITION BY main_key, name_key ORDER BY n) AS place
      FROM import_people WHERE person IS NULL AND reason = '' AND main_key <> '') AS found
WHERE import_people.n = found.n AND found.place > 1
"""

_TWICE_NAMELESS = """
UPDATE import_people SET reason = 'the same address stands with a name on line ' || found.other
FROM (SELECT n, name_key,
             MIN(CASE WHEN name_key <> '' THEN line END) OVER (PARTITION BY main_key) AS other
      FROM import_people WHERE reason = '' AND main_key <> '') AS found
WHERE import_people.n = found.n AND found.name_key = '' AND found.other IS NOT NULL AND import_people.person IS NULL
"""

_LEFT = """
UPDATE import_people SET reason = 'left the list ' || found.slug || ' on ' || found.day || ' and stays out'
FROM (SELECT t.n AS n, MIN(m.slug) AS slug, MIN({day}) AS day
      FROM import_people i JOIN import_states t ON t.n = i.n
      JOIN subscriptions s ON s.person_id = i.person AND s.list_id = t.list JOIN lists m ON m.id = s.list_id
      WHERE i.reason = '' AND s.state = 'unsubscribed' AND t.state <> 'unsubscribed' GROUP BY t.n) AS found
WHERE import_people.n = found.n
"""
_DAY = {
    "sqlite": "substr(COALESCE(s.ended_at, s.since), 1, 10)",
    "postgresql": "to_char(COALESCE(s.ended_at, s.since), 'YYYY-MM-DD')",
}

_NEWLY = (
    "EXISTS (SELECT 1 FROM import_states t WHERE t.n = i.n AND t.state <> 'unsubscribed' AND NOT EXISTS"
    " (SELECT 1 FROM subscriptions s WHERE s.person_id = i.person AND s.list_id = t.list))"
)
NOT_THEIRS = (
    "NOT EXISTS (SELECT 1 FROM addresses x JOIN person_addresses l ON l.address_id = x.id"
    " WHERE x.key = a.key AND l.person_id = i.person)"
)

# Nothing brings an erased address back (D7, G11); a suppressed one keeps a new person out, not one who is there.
_SUPPRESSED = f"""
UPDATE import_people SET reason = found.reason
FROM (SELECT i.n AS n, MIN(CASE WHEN u.reason = 'erased' THEN 'this address was erased at its owner''s wish'
                                ELSE 'this address is suppressed (' || u.reason || ')' END) AS reason
      FROM import_people i JOIN import_addresses a ON a.n = i.n JOIN suppressions u ON u.address_hash = a.hash
      WHERE i.reason = '' AND ((u.reason = 'erased' AND {NOT_THEIRS})
            OR (a.suppress = '' AND {_NEWLY} AND (a.rank = 0 OR {NOT_THEIRS})))
      GROUP BY i.n) AS found
WHERE import_people.n = found.n
"""  # noqa: S608

# The same for a whole domain, which has no erasure; run only where there is such a suppression.
_DOMAINS = "SELECT COUNT(*) FROM suppressions WHERE substr(address_key, 1, 1) = '@'"
_DOMAIN_SUPPRESSED = f"""
UPDATE import_people SET reason = found.reason
FROM (SELECT i.n AS n, MIN('this address''s whole domain is suppressed (' || u.reason || ')') AS reason
      FROM import_people i JOIN import_addresses a ON a.n = i.n JOIN suppressions u ON u.address_key = '@' || a.domain
      WHERE i.reason = '' AND a.suppress = '' AND {_NEWLY} AND (a.rank = 0 OR {NOT_THEIRS})
      GROUP BY i.n) AS found
WHERE import_people.n = found.n
"""  # noqa: S608

NO_GROUND = "nothing says that they agreed: the words of consent and the day they were collected are missing"
NO_WORDS = "nothing says to what they agreed: the words of consent are missing"
NO_DAY = "nothing says when they agreed: the day of the consent is missing"
_GROUNDLESS = f"""
UPDATE import_people AS i SET reason = CASE
    WHEN i.consent <> '' THEN '{NO_DAY}' WHEN i.collected IS NOT NULL THEN '{NO_WORDS}' ELSE '{NO_GROUND}' END
WHERE i.reason = '' AND (i.consent = '' OR i.collected IS NULL) AND {_NEWLY}
"""  # noqa: S608

_OTHER_FIELDS = """
SELECT i.n, i.fields, p.fields FROM import_people i JOIN people p ON p.id = i.person
WHERE i.reason = '' AND i.fields IS NOT NULL AND i.n > :after AND {differ} ORDER BY i.n
"""
_DIED = f"""
UPDATE import_people SET reason = 'this person has died'
FROM (SELECT i.n AS n FROM import_people i JOIN people p ON p.id = i.person
      WHERE i.reason = '' AND p.died_on IS NOT NULL AND ({_NEWLY} OR (i.member AND NOT p.member))) AS found
WHERE import_people.n = found.n
"""  # noqa: S608

_DIFFER = {
    "sqlite": "json_patch(p.fields, i.fields) <> json(p.fields)",
    "postgresql": "NOT p.fields @> i.fields",
}

# Whoever has several addresses for the post has them one after another; the row is about the one that holds today.
_POST = """
SELECT i.n, i.post, {parts} FROM import_people i LEFT JOIN postal_addresses o ON o.person_id = i.person
 AND (o.valid_from IS NULL OR o.valid_from <= '{today}') AND (o.valid_until IS NULL OR o.valid_until >= '{today}')
WHERE i.reason = '' AND i.post IS NOT NULL AND i.person IS NOT NULL AND i.n > :after ORDER BY i.n, o.id
"""

# What makes a row "changed"; each test is also the condition of one statement of db/import_writing.py.
PERSON_CHANGES = (
    "(i.name <> '' AND i.name <> p.name) OR (i.first_name <> '' AND i.first_name <> p.first_name)"
    " OR (i.language <> '' AND i.language <> COALESCE(p.language, ''))"
    " OR (i.member IS NOT NULL AND i.member <> p.member) OR i.merged IS NOT NULL"
    " OR (i.journal <> '' AND i.journal <> COALESCE(p.journal_format, ''))"
)
OTHER_PREFERRED = (
    "i.by_id AND EXISTS (SELECT 1 FROM import_addresses a JOIN addresses x ON x.key = a.key"
    " JOIN person_addresses l ON l.address_id = x.id AND l.person_id = i.person"
    " WHERE a.n = i.n AND a.rank = 0 AND NOT l.preferred)"
)
NEW_SUPPRESSION = (
    "a.suppress <> '' AND NOT EXISTS (SELECT 1 FROM suppressions u WHERE u.address_hash = a.hash)"
    " AND NOT (a.suppress = 'bounced' AND EXISTS"
    " (SELECT 1 FROM addresses x WHERE x.key = a.key AND x.health = 'bounced'))"
)
LIST_CHANGES = (
    "NOT EXISTS (SELECT 1 FROM subscriptions s WHERE s.person_id = i.person AND s.list_id = t.list"
    " AND (s.state = t.state OR (s.state = 'paused' AND t.state = 'subscribed')))"
)
_VERDICT = f"""
UPDATE import_people AS i SET verdict = CASE
    WHEN i.reason <> '' THEN 'refused'
    WHEN i.person IS NULL THEN 'new'
    WHEN i.moved OR EXISTS (SELECT 1 FROM people p WHERE p.id = i.person AND ({PERSON_CHANGES}))
      OR EXISTS (SELECT 1 FROM import_addresses a WHERE a.n = i.n AND ({NOT_THEIRS} OR ({NEW_SUPPRESSION})))
      OR ({OTHER_PREFERRED})
      OR EXISTS (SELECT 1 FROM import_states t WHERE t.n = i.n AND {LIST_CHANGES}) THEN 'changed'
    ELSE 'unchanged' END
"""  # noqa: S608


def settle(tx: Tx, today: date, *, on_step: Callable[[], None] = lambda: None) -> None:
    """Give every staged row its person and its verdict: new, changed, unchanged, or refused with a reason.

    `today` is the society's; `on_step` is called between the steps, so that a caller can show that time passes.
    """
    dialect = tx.dialect.name
    tx.exec_driver_sql(_RESET)
    tx.exec_driver_sql(_BY_ID)
    while tx.exec_driver_sql(_MERGED).rowcount:
        pass
    tx.exec_driver_sql(_SOMEBODY_ELSE)
    tx.exec_driver_sql(_BY_ADDRESS_AND_NAME)
    on_step()
    _choose_among_candidates(tx)
    for step in (_TWICE_BY_PERSON, _TWICE_NAMELESS, _TWICE_BY_ADDRESS, _LEFT.format(day=_DAY[dialect])):
        tx.exec_driver_sql(step)
        on_step()
    tx.exec_driver_sql(_SUPPRESSED)
    if tx.exec_driver_sql(_DOMAINS).scalar():
        tx.exec_driver_sql(_DOMAIN_SUPPRESSED)
    tx.exec_driver_sql(_DIED)
    tx.exec_driver_sql(_GROUNDLESS)
    _compare_fields(tx)
    _compare_post(tx, today)
    on_step()
    tx.exec_driver_sql(_VERDICT)


def _choose_among_candidates(tx: Tx) -> None:
    """Decide the rows whose address is known but whose name is not written exactly as the register has it."""
    for batch in _batches(tx, _CANDIDATES):
        found = []
        for n, rows in groupby(batch, key=lambda row: row[0]):
            people = list(rows)
            choice = choose(people[0][1], [Candidate(row[2], row[3]) for row in people])
            if choice.person is not None or choice.refused:
                found.append((choice.person, choice.refused, n))
        _set(tx, "person = {0}, reason = {1}", found)


def _compare_fields(tx: Tx) -> None:
    for batch in _batches(tx, _OTHER_FIELDS.format(differ=_DIFFER[tx.dialect.name])):
        found = []
        for n, given, held in batch:
            merged = merged_fields(_object(held), _object(given))
            if merged is not None:
                found.append((json.dumps(merged), n))
        _set(tx, "merged = {0}", found)


def _compare_post(tx: Tx, today: date) -> None:
    """Mark the rows whose postal address is not the one that holds today, as far as they tell its parts."""
    query = _POST.format(today=today.isoformat(), parts=", ".join(f"o.{part}" for part in postal.PARTS))
    for batch in _batches(tx, query):
        held = {n: dict(zip(postal.PARTS, parts, strict=True)) for n, _, *parts in batch}  # the newest comes last
        given = {n: _object(post) for n, post, *_ in batch}
        moved = [(n,) for n, parts in given.items() if any(held[n][name] != text for name, text in parts.items())]
        _set(tx, "moved = TRUE", moved)


def _object(value: object) -> dict[str, object]:
    parsed = json.loads(value) if isinstance(value, str) else value
    return parsed if isinstance(parsed, dict) else {}


def _batches(tx: Tx, query: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of `query` by rising n, whole groups of one n, a few thousand at a time."""
    after = 0
    while True:
        statement = sa.text(f"{query} LIMIT {BATCH}")
        rows = [tuple(row) for row in tx.execute(statement, {"after": after})]
        if not rows:
            return
        if len(rows) == BATCH:
            # The last group may be cut; leave it for the next turn unless it is the only one.
            last = rows[-1][0]
            whole = [row for row in rows if row[0] != last]
            if not whole:
                rest = sa.text(query.replace("i.n > :after", "i.n = :after"))
                whole = [tuple(row) for row in tx.execute(rest, {"after": last})]
            rows = whole
        yield rows
        after = rows[-1][0]


def _set(tx: Tx, assignments: str, rows: Sequence[tuple[object, ...]]) -> None:
    if not rows:
        return
    sqlite = tx.dialect.name == "sqlite"
    marks = ["?" if sqlite else "%s"] * 2
    json_mark = "?" if sqlite else "%s::jsonb"
    filled = assignments.format(json_mark) if assignments.startswith("merged") else assignments.format(*marks)
    mark = "?" if sqlite else "%s"
    tx.exec_driver_sql(f"UPDATE import_people SET {filled} WHERE n = {mark}", rows)  # noqa: S608
