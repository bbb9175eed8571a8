"""The one door to the record of who agreed to or withdrew what (S42): entries are added to the end of a hash chain.

Single events come as `record`, an import's by the hundred thousand as `writing`. It never changes an entry: erasure
empties the words and keeps their seal, and merging moves the entry but not whom it was about. How the chain is read
and checked: db/consent_log.py; why it is so: docs/decisions/consent-chain.md.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import aliased

from balintmail.db import meta, people
from balintmail.db.mentions import Mentions
from balintmail.db.models import ConsentEvent, ConsentLink, MailingList, Meta
from balintmail.db.session import Tx
from balintmail.domain import consent as chain
from balintmail.domain.consent import Facts, Said
from balintmail.domain.states import ConsentAction, Ground

HEAD = "consent_head"  # the fact of db/meta.py that tells the chain's end: link, last entry, digest
_BATCH = 2_000  # entries a round trip

_COLUMNS = (
    "id, person_id, subject_id, list_id, at, action, ground, words, how, actor, collected_on, address, evidence,"
    " restates, salt, digest"
)
_ERASED: dict[str, Any] = {
    "words": "", "how": "", "actor": "", "collected_on": None, "address": "", "evidence": {}, "salt": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody said and how it is known; `how` is "command", "import" and the like, `actor` who recorded it.

    `evidence` holds what else proves it, texts and whole numbers: the form and its version, the zone of the place.
    """

    words: str
    how: str
    actor: str
    at: datetime
    address: str = ""
    ground: Ground = Ground.CONSENT
    collected_on: date | None = None
    evidence: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One recorded event; `slug` is None when it is about no list in particular, `erased` when its words are gone."""

    at: datetime
    action: ConsentAction
    slug: str | None
    ground: Ground
    words: str
    how: str
    actor: str
    address: str
    collected_on: date | None
    id: int = 0
    person_id: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    erased: bool = False
    digest: bytes = b""


class Entry(NamedTuple):
    """One entry as it enters the log; `evidence` is canonical JSON (domain/consent.py)."""

    person_id: int
    list_id: int | None
    at: datetime
    action: str
    ground: str
    words: str
    how: str
    actor: str
    collected_on: date | str | None
    address: str
    evidence: str
    subject_id: int
    restates: int | None = None


class Head(NamedTuple):
    """The chain's end: the number of its last link, of its last entry, and the link's digest."""

    link: int
    entry: int
    digest: bytes


def record(tx: Tx, person_id: int, list_id: int | None, action: ConsentAction, consent: Consent) -> None:
    """Add one event, as a link of its own."""
    entry = Entry(
        person_id, list_id, consent.at, action.value, consent.ground.value, consent.words, consent.how, consent.actor,
        consent.collected_on, consent.address, chain.canonical(consent.evidence), person_id,
    )  # fmt: skip
    with writing(tx) as add:
        add([entry])


@contextmanager
def writing(tx: Tx) -> Iterator[Callable[[Iterable[Entry]], None]]:
    """Yield the function that adds entries at the log's end; all of one block become one link, none of them no link.

    Whoever writes waits here for whoever else does, until the transaction ends.
    """
    before = _hold(tx)
    root, last = sha256(), before.entry

    def add(entries: Iterable[Entry]) -> None:
        nonlocal last
        source = iter(entries)
        while batch := list(islice(source, _BATCH)):
            rows = _sealed(tx, batch, last)
            root.update(b"".join([row[-1] for row in rows]))
            _insert(tx, rows)
            last += len(rows)

    yield add
    if last > before.entry:
        digest = chain.link(before.link + 1, before.digest, last, root.digest())
        values = {"id": before.link + 1, "last_event": last, "root": root.digest(), "digest": digest}
        tx.execute(sa.insert(ConsentLink).values(**values))
        meta.put(tx, HEAD, f"{before.link + 1} {last} {digest.hex()}")


def head(tx: Tx) -> Head | None:
    """Return the chain's end as it was last written down; None when that is missing or cannot be read."""
    return _head(meta.fact(tx, HEAD))


def history(tx: Tx, person_id: int) -> list[ConsentRow]:
    """Return a person's events, the oldest first; one that another restates is left out."""
    later = aliased(ConsentEvent)
    root = sa.func.coalesce(ConsentEvent.restates, ConsentEvent.id)
    restated = select(later.id).where(later.person_id == person_id, later.restates == root, later.id > ConsentEvent.id)
    rows = tx.execute(
        rows_query()
        .where(ConsentEvent.person_id == person_id, ~restated.correlate(ConsentEvent).exists())
        .order_by(ConsentEvent.at, root)
    )
    return [ConsentRow(*row) for row in rows]


def rows_query() -> sa.Select[Any]:
    """Return the select of all columns of ConsentRow."""
    query: Any = select(
        ConsentEvent.at,
        ConsentEvent.action,
        MailingList.slug,
        ConsentEvent.ground,
        ConsentEvent.words,
        ConsentEvent.how,
        ConsentEvent.actor,
        ConsentEvent.address,
        ConsentEvent.collected_on,
        ConsentEvent.id,
        ConsentEvent.person_id,
        ConsentEvent.evidence,
        ConsentEvent.salt.is_(None),
        ConsentEvent.digest,
    )
    rows: sa.Select[Any] = query.outerjoin(MailingList, MailingList.id == ConsentEvent.list_id)
    return rows


def move(tx: Tx, from_person: int, to_person: int) -> None:
    """Give one person's events to another, as merging does; whom they were about when written stays on record."""
    tx.execute(sa.update(ConsentEvent).where(ConsentEvent.person_id == from_person).values(person_id=to_person))


def erase(tx: Tx, persons: Sequence[int]) -> None:
    """Empty what was said in all events of these people, salts too; the seals keep the chain whole (S45)."""
    mine = ConsentEvent.person_id.in_(persons) & ConsentEvent.salt.is_not(None)
    _empty(tx, list(tx.scalars(select(ConsentEvent.id).where(mine).order_by(ConsentEvent.id))))


def restate(tx: Tx, sought: Mentions) -> int:
    """Say anew, without what is sought, every entry that mentions it; return how many.

    The old entry is emptied as by erasure, and a new one at the log's end stands for it. Who entered it keeps a name:
    it is proof of somebody else's consent (S42).
    """
    texts = (ConsentEvent.words, ConsentEvent.how, ConsentEvent.address, ConsentEvent.evidence)
    event = sa.inspect(ConsentEvent).columns
    possible = sa.or_(*(sought.possible(text) for text in (*texts, ConsentEvent.actor)))
    addresses = sought.of_addresses()
    found = []
    for row in tx.execute(select(*event).where(possible).order_by(ConsentEvent.id)).mappings().all():
        said = {name: sought.blotted(row[name]) for name in ("words", "how", "address")}
        said["actor"] = addresses.blotted(row["actor"])
        evidence = sought.blotted(row["evidence"])
        if evidence == row["evidence"] and all(said[name] == row[name] for name in said):
            continue
        found.append((row["id"], Entry(
            row["person_id"], row["list_id"], row["at"], row["action"].value, row["ground"].value, said["words"],
            said["how"], said["actor"], row["collected_on"], said["address"], chain.canonical(evidence),
            row["subject_id"], row["restates"] or row["id"],
        )))  # fmt: skip
    if found:
        with writing(tx) as add:
            add([entry for _, entry in found])
        _empty(tx, [number for number, _ in found])
    return len(found)


def facts_of(row: Mapping[Any, Any]) -> Facts:
    """Return an entry's bare facts in the spelling of the digest, from a row by column name."""
    return Facts(
        row["id"], row["subject_id"], row["list_id"], chain.moment(row["at"]), row["action"], row["ground"],
        row["restates"],
    )  # fmt: skip


def said_of(row: Mapping[Any, Any]) -> Said:
    """Return what an entry says in the spelling of the digest, from a row by column name."""
    evidence = row["evidence"]
    try:
        evidence = json.loads(evidence) if isinstance(evidence, str) else evidence
        text: object = chain.canonical(evidence)
    except (TypeError, ValueError):
        text = f"unreadable {evidence}"
    return Said(row["words"], row["how"], row["actor"], chain.day(row["collected_on"]), row["address"], text)


def _hold(tx: Tx) -> Head:
    """Keep other writers from the chain's end until the transaction ends, and return where it is."""
    if tx.dialect.name == "postgresql":
        people.lock(tx)  # first, so that two writers never wait for each other crosswise
        nothing = postgresql.insert(Meta).values(key=HEAD, value="")
        tx.execute(nothing.on_conflict_do_nothing())
        found = tx.scalar(select(Meta.value).where(Meta.key == HEAD).with_for_update())
    else:
        found = meta.fact(tx, HEAD)
    # A head that somebody spoilt must not keep people from leaving: the chain goes on, and `consent verify` tells.
    return _head(found) or _last_link(tx)


def _head(text: str | None) -> Head | None:
    found = re.fullmatch(r"([0-9]{1,18}) ([0-9]{1,18}) ([0-9a-f]{64})", text or "")
    return Head(int(found[1]), int(found[2]), bytes.fromhex(found[3])) if found else None


def _last_link(tx: Tx) -> Head:
    link = tx.execute(select(ConsentLink.id, ConsentLink.digest).order_by(ConsentLink.id.desc()).limit(1)).first()
    last: int = tx.scalar(select(sa.func.coalesce(sa.func.max(ConsentEvent.id), 0))) or 0
    return Head(link[0], last, link[1]) if link else Head(0, last, chain.GENESIS)


def _sealed(tx: Tx, entries: Sequence[Entry], last: int) -> list[tuple[Any, ...]]:
    """Return the rows of `_COLUMNS` for entries that follow entry `last`."""
    sqlite = tx.dialect.name == "sqlite"
    salts = os.urandom(chain.SALT_OCTETS * len(entries))
    rows = []
    at_before, moment = None, None
    for place, entry in enumerate(entries):
        (person, list_id, at, action, ground, words, how, actor, collected, address, evidence, subject, restates) = (
            entry
        )
        salt = salts[place * chain.SALT_OCTETS : (place + 1) * chain.SALT_OCTETS]
        if at is not at_before:
            at_before, moment = at, chain.moment(at)
        day = chain.day(collected)
        number = last + 1 + place
        sealed = chain.seal(salt, Said(words, how, actor, day, address, evidence))
        digest = chain.digest(Facts(number, subject, list_id, moment, action, ground, restates), sealed)
        rows.append((
            number, person, subject, list_id, moment if sqlite else at, action, ground, words, how, actor, day,
            address, evidence, restates, salt, digest,
        ))  # fmt: skip
    return rows


def _insert(tx: Tx, rows: list[tuple[Any, ...]]) -> None:
    if tx.dialect.name == "sqlite":
        marks = ", ".join("?" * len(rows[0]))
        tx.exec_driver_sql(f"INSERT INTO consent_events ({_COLUMNS}) VALUES ({marks})", rows)  # noqa: S608
        return
    connection: Any = tx.connection.dbapi_connection
    with connection.cursor() as cursor, cursor.copy(f"COPY consent_events ({_COLUMNS}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _empty(tx: Tx, events: Sequence[int]) -> None:
    """Put the seal in the place of the words and the salt."""
    columns = sa.inspect(ConsentEvent).columns
    for start in range(0, len(events), _BATCH):
        wanted = select(*columns).where(ConsentEvent.id.in_(events[start : start + _BATCH]))
        for row in tx.execute(wanted).mappings().all():
            sealed = chain.seal(row["salt"], said_of(row))
            tx.execute(sa.update(ConsentEvent).where(ConsentEvent.id == row["id"]).values(**_ERASED, seal=sealed))
