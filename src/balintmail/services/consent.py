"""Show, check and write out the record of consent (S42): what an auditor, or somebody who asks, is given.

It changes nobody's consent. `verify` recomputes every digest and link and tells what was altered, what is missing,
what was added, and what was erased as it should be.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, TextIO

from balintmail.db import audit, consent, consent_log
from balintmail.db.consent import ConsentRow
from balintmail.db.consent_log import Link, People
from balintmail.domain import consent as chain
from balintmail.domain.cells import safe_cell
from balintmail.domain.times import rfc3339
from balintmail.services.context import Context

MOST_FINDINGS = 1_000  # told one by one; all are counted
COLUMNS = (
    "id", "person", "at", "action", "list", "ground", "words", "how", "by", "collected", "address", "evidence",
    "erased", "digest",
)  # fmt: skip


class Kind(StrEnum):
    """What is wrong with a place in the log."""

    ALTERED = "altered"
    MISSING = "missing"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `entry` is the first entry it is about, None when it is a link or the chain's end."""

    kind: Kind
    entry: int | None
    message: str


@dataclass
class Verdict:
    """What the check found. `head` is the digest of the last link, to be kept elsewhere and held against later."""

    entries: int = 0
    links: int = 0
    erased: int = 0
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    findings: list[Finding] = field(default_factory=list)
    head: str = ""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.counts.values())

    def found(self, kind: Kind, entry: int | None, message: str, number: int = 1) -> None:
        """Count what is wrong with `number` places, and keep its words while there are not too many."""
        self.counts[kind] += number
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(kind, entry, message))


class Layout(StrEnum):
    """How the log is written out."""

    CSV = "csv"
    JSON = "json"


def verify(ctx: Context, known_head: str = "") -> Verdict:
    """Recompute the whole chain and return what is wrong with it; `known_head` must be one of its links."""
    with ctx.db.read() as tx:
        consent_log.one_moment(tx)
        end = consent.head(tx)
        check = _Check(consent_log.people(tx), consent_log.restated(tx), known_head.strip().lower())
        check.run(consent_log.links(tx), consent_log.events(tx))
        return check.close(end)


def export(ctx: Context, layout: Layout, out: TextIO) -> int:
    """Write every entry to `out`, in the log's order and in flat memory; return how many.

    CSV is safe in a spreadsheet. `out` must keep line ends as they are written.
    """
    with ctx.db.read() as tx:
        documents = (document(row, ctx) for row in consent_log.rows(tx))
        count = _csv(documents, out) if layout is Layout.CSV else _json(documents, out)
    with ctx.db.write() as tx:
        audit.note(tx, "consent.export", actor=ctx.actor, now=ctx.clock.now(), detail={"events": count})
    return count


def shown(ctx: Context, person_id: int) -> list[dict[str, Any]]:
    """Return a person's events, the oldest first, as the documents of --json."""
    with ctx.db.read() as tx:
        return [document(row, ctx) for row in consent.history(tx, person_id)]


def document(row: ConsentRow, ctx: Context) -> dict[str, Any]:
    """Return an event by the names of COLUMNS; times carry the offset of the society's zone."""
    return {
        "id": row.id,
        "person": row.person_id,
        "at": rfc3339(row.at, ctx.settings.zone),
        "action": row.action.value,
        "list": row.slug,
        "ground": row.ground.value,
        "words": row.words,
        "how": row.how,
        "by": row.actor,
        "collected": row.collected_on.isoformat() if row.collected_on else None,
        "address": row.address,
        "evidence": dict(row.evidence),
        "erased": row.erased,
        "digest": row.digest.hex(),
    }


class _Check:
    """One walk along the chain, links and entries side by side."""

    def __init__(self, people: People, restated: Mapping[int, int], known_head: str) -> None:
        self._people = people
        self._restated = restated
        self._known = known_head
        self._verdict = Verdict()
        self._last = Link(0, 0, b"", chain.GENESIS)
        self._seen = 0  # the number of the last entry that came by
        self._waiting: Mapping[Any, Any] | None = None

    def run(self, links: Iterator[Link], events: Iterator[Mapping[Any, Any]]) -> None:
        for link in links:
            self._link(link, events)
        for row in self._until(None, events):
            self._entry(row)
            self._verdict.found(Kind.ADDED, row["id"], f"entry {row['id']} stands behind the chain's end")

    def close(self, end: consent.Head | None) -> Verdict:
        verdict, last = self._verdict, self._last
        if end is None and (last.id or verdict.entries):
            verdict.found(Kind.MISSING, None, "what tells the chain's end is missing or cannot be read")
        elif end is not None and end.link > last.id:
            verdict.found(Kind.MISSING, None, f"the chain ends with link {last.id}, and there were {end.link}")
        elif end is not None and (end.link, end.entry, end.digest) != (last.id, last.last_event, last.digest):
            verdict.found(Kind.ALTERED, None, "the chain does not end with the link that was written last")
        if self._known:
            verdict.found(Kind.MISSING, None, "the digest that you gave is that of no link of this chain")
        verdict.head = last.digest.hex() if last.id else ""
        return verdict

    def _link(self, link: Link, events: Iterator[Mapping[Any, Any]]) -> None:
        verdict, last = self._verdict, self._last
        verdict.links += 1
        if link.id != last.id + 1:
            verdict.found(
                Kind.MISSING, None, f"links {last.id + 1} to {link.id - 1} are missing", link.id - last.id - 1
            )
        before, root = sum(verdict.counts.values()), sha256()
        for row in self._until(link.last_event, events):
            root.update(bytes(row["digest"]))
            self._entry(row)
        if link.last_event > self._seen:
            self._gap(link.last_event + 1)
            self._seen = link.last_event
        if root.digest() != bytes(link.root) and before == sum(verdict.counts.values()):
            span = f"entries {last.last_event + 1} to {link.last_event}"
            verdict.found(Kind.ALTERED, last.last_event + 1, f"{span} are not those that link {link.id} was made over")
        made = chain.link(link.id, bytes(last.digest), link.last_event, bytes(link.root))
        if made != bytes(link.digest) and link.id == last.id + 1:
            verdict.found(Kind.ALTERED, None, f"link {link.id} does not hold on to the one before it")
        if bytes(link.digest).hex() == self._known:
            self._known = ""
        self._last = link

    def _until(self, last: int | None, events: Iterator[Mapping[Any, Any]]) -> Iterator[Mapping[Any, Any]]:
        """Yield the entries up to `last`, all when it is None; the next one waits."""
        while (row := self._waiting or next(events, None)) is not None:
            if last is not None and row["id"] > last:
                self._waiting = row
                return
            self._waiting = None
            if row["id"] <= self._seen:
                self._verdict.found(Kind.ADDED, row["id"], f"entry {row['id']} stands before the chain's beginning")
            else:
                self._gap(row["id"])
                self._seen = row["id"]
            yield row

    def _gap(self, before: int) -> None:
        if (number := before - self._seen - 1) > 0:
            span = f"entry {before - 1} is" if number == 1 else f"entries {self._seen + 1} to {before - 1} are"
            self._verdict.found(Kind.MISSING, self._seen + 1, f"{span} missing", number)

    def _entry(self, row: Mapping[Any, Any]) -> None:
        self._verdict.entries += 1
        self._verdict.erased += row["seal"] is not None
        if wrong := self._wrong(row):
            self._verdict.found(Kind.ALTERED, row["id"], f"entry {row['id']} {wrong}")

    def _wrong(self, row: Mapping[Any, Any]) -> str:
        """Return what is wrong with one entry, or ""."""
        said = consent.said_of(row)
        if (row["salt"] is None) == (row["seal"] is None):
            return "has lost its salt, or has one beside its seal"
        sealed = bytes(row["seal"]) if row["salt"] is None else chain.seal(bytes(row["salt"]), said)
        if chain.digest(consent.facts_of(row), sealed) != bytes(row["digest"]):
            return "is not what was written"
        if row["salt"] is None and said != chain.NOTHING_SAID:
            return "was erased and says something again"
        now = self._people.now(row["subject_id"])
        if row["person_id"] != now:
            return "stands under a person that it is not about"
        if row["salt"] is None and now not in self._people.erased and not self._stood_for(row):
            return "was emptied although its person was not erased"
        return ""

    def _stood_for(self, row: Mapping[Any, Any]) -> bool:
        first: int = row["restates"] or row["id"]
        return self._restated.get(first, 0) > int(row["id"])


def _csv(documents: Iterator[dict[str, Any]], out: TextIO) -> int:
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    count = 0
    for each in documents:
        count += 1
        cells = {**each, "evidence": chain.canonical(each["evidence"]), "erased": "yes" if each["erased"] else "no"}
        writer.writerow([safe_cell("" if cells[name] is None else str(cells[name])) for name in COLUMNS])
    return count


def _json(documents: Iterator[dict[str, Any]], out: TextIO) -> int:
    count = 0
    out.write("[\n")
    for count, each in enumerate(documents, start=1):
        out.write((",\n" if count > 1 else "") + json.dumps(each, ensure_ascii=False))
    out.write("\n]\n" if count else "]\n")
    return count
