"""Import people: stage the rows, show what would happen, and write it in one transaction or not at all.

It never reads a file (`ops/importers` does and hands typed rows in), subscribes nobody without a ground, brings
nobody back who left, and no address back that was erased (D6, D7). Matching: `db/import_matching.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from balintmail.db import import_matching, import_report, import_writing, imports, lists, meta, people, suppressions
from balintmail.db.import_report import ChangedRow, Counts, RefusedRow
from balintmail.db.import_writing import Provenance
from balintmail.db.imports import StagedAddress, StagedRow, StagedState, Staging
from balintmail.db.session import Tx
from balintmail.domain import names
from balintmail.domain.imports import (
    POSTAL_COLUMNS,
    SUPPRESSES,
    FileState,
    ImportRow,
    ground_refusal,
    key_of_name,
)
from balintmail.domain.keys import Keyring
from balintmail.domain.states import SubscriptionState
from balintmail.errors import BalintmailError, NotFound, UsageRefused
from balintmail.services import postal
from balintmail.services.context import Context

REGISTER_LETTERS = 8  # of the instance's id, beside each person's number in an export
MOST_SHOWN = 50_000  # refusals and changes, each; a file with more is not looked through row by row


class ImportRefused(BalintmailError):
    """The import as a whole cannot be carried out; nothing was written."""

    code = "import"


@dataclass(frozen=True, slots=True)
class Terms:
    """What is said for every row of the file that does not say it itself.

    `list_slug` is the list of rows that name none ("": the default list); `tool` is whose export the file is, for the
    record; `consent_in_file` says that the file has columns for the words and for the day.
    """

    file: str
    tool: str = ""
    list_slug: str = ""
    consent: str = ""
    collected: date | None = None
    consent_in_file: bool = False

    @property
    def tell_consent(self) -> bool:
        """Whether the options or the file's columns say what people agreed to and when."""
        return self.consent_in_file or bool(self.consent and self.collected)


@dataclass(frozen=True, slots=True)
class Report:
    """What an import does, or did once `written`."""

    counts: Counts
    refusals: tuple[RefusedRow, ...]
    changes: tuple[ChangedRow, ...] = ()
    written: bool = False

    @property
    def lacks_consent(self) -> bool:
        """Whether people were refused only because nothing says that they agreed."""
        return self.counts.groundless > 0


class Import:
    """One import, staged: look at it as often as you like, then write it once."""

    def __init__(self, ctx: Context, staged: Staging, terms: Terms) -> None:
        self._ctx = ctx
        self._staged = staged
        self._terms = terms
        self._settled_at: int | None = None
        self._written_at: datetime | None = None

    def dry_run(self) -> Report:
        """Return what would happen now; the register is only read."""
        with self._staged.looking() as tx:
            import_matching.settle(tx, self._today())
            self._settled_at = self._staged.mark()
            return _report(tx)

    def write(self) -> Report:
        """Carry it out and return what happened; raise and change nothing when nobody says what people agreed to."""
        ctx, terms = self._ctx, self._terms
        with self._staged.writing() as tx:
            people.lock(tx)
            if not self._staged.unchanged_since(self._settled_at):
                import_matching.settle(tx, self._today())
            found = _report(tx)
            if found.lacks_consent and not terms.tell_consent:
                raise UsageRefused(
                    f"Nothing was written: the file does not say that {found.counts.groundless} people agreed.",
                    hint="Add --consent TEXT (the words they agreed to) and --collected DATE (when).",
                )
            origin = f"an export of {terms.tool}" if terms.tool else f"the file {terms.file}"
            zone = str(ctx.settings.zone)
            left = f"left, by {origin}"
            provenance = Provenance(ctx.clock.now(), ctx.actor, terms.file, left, zone, self._today())
            import_writing.write(tx, provenance, found.counts)
            self._settled_at = None
            self._written_at = provenance.at
        return replace(found, written=True)

    def _today(self) -> date:
        return self._ctx.clock.now().astimezone(self._ctx.settings.zone).date()

    def joined(self) -> dict[str, list[int]]:
        """Return whom the writing has put on which list, by the list's slug; nobody before it."""
        people_of: dict[str, list[int]] = {}
        if self._written_at is not None:
            with self._staged.looking() as tx:
                for slug, person in import_writing.joined(tx, self._written_at):
                    people_of.setdefault(slug, []).append(person)
        return people_of


@contextmanager
def staged(ctx: Context, rows: Iterable[ImportRow], terms: Terms) -> Iterator[Import]:
    """Stage `rows` as they come and yield the import; nothing of it is left when the block ends.

    Raises NotFound or ImportRefused when the list of `terms` is not there or is archived.
    """
    with imports.staging(ctx.db) as place:
        with place.looking() as tx:
            shelf = _Lists.read(tx, terms.list_slug)
            register = (meta.fact(tx, meta.INSTANCE_ID) or "")[:REGISTER_LETTERS]
            hashes = _Hashes(ctx.keyring, suppressions.erased_hashes(tx))
        stager = _Stager(shelf, terms, hashes, register, ctx.clock.now().astimezone(ctx.settings.zone).date())
        place.load(map(stager.stage, rows))
        yield Import(ctx, place, terms)


def _report(tx: Tx) -> Report:
    refused, changed = import_report.refusals(tx, most=MOST_SHOWN), import_report.changes(tx, most=MOST_SHOWN)
    return Report(import_report.count(tx), tuple(refused), tuple(changed))


@dataclass(frozen=True, slots=True)
class _Lists:
    """The lists that an import may touch: their numbers by slug, and the one for rows that name none."""

    open: dict[str, int]
    archived: frozenset[str]
    fallback: int | None

    @classmethod
    def read(cls, tx: Tx, slug: str) -> "_Lists":
        found = lists.every(tx)
        usable = {row.slug: row.id for row in found if row.archived_at is None}
        archived = frozenset(row.slug for row in found if row.archived_at is not None)
        if slug in archived:
            raise ImportRefused(
                f'The list "{slug}" is archived; nobody is put on it.', hint="See: balintmail lists list"
            )
        if slug and slug not in usable:
            raise NotFound(f'There is no list "{slug}".', hint="See: balintmail lists list")
        default = lists.default_list(tx)
        return cls(usable, archived, usable[slug] if slug else default.id if default else None)


@dataclass(frozen=True, slots=True)
class _Hashes:
    """The keyed hashes of addresses, and those of people who were erased from an address that others share (D7)."""

    keyring: Keyring
    erased: frozenset[bytes]

    def leaves_out(self, row: ImportRow, name_key: str) -> bool:
        """Return whether the person of that name was erased from one of the row's addresses."""
        if not self.erased or not name_key:
            return False
        return any(self.keyring.person_hash(address.key, name_key) in self.erased for address, _ in row.addresses)


class _Stager:
    """Turns understood rows into staged ones: lists into numbers, states into subscriptions and suppressions."""

    def __init__(self, shelf: _Lists, terms: Terms, hashes: _Hashes, register: str, today: date) -> None:
        self._lists = shelf
        self._terms = terms
        self._hashes = hashes
        self._hash = hashes.keyring.address_hash
        self._register = register
        self._today = today

    def stage(self, row: ImportRow) -> StagedRow:
        reason = row.refused
        states: tuple[StagedState, ...] = ()
        if not reason:
            states, reason = self._states(row)
        consent, collected = row.consent or self._terms.consent, row.collected or self._terms.collected
        if not reason and (row.collected is not None or row.ground != "consent"):
            reason = ground_refusal(row._replace(collected=collected), self._today)
        post: dict[str, str] | None = None
        if not reason and row.post is not None:
            post, reason = _post(row.post)
        name_key = key_of_name(row.name)
        if not reason and self._hashes.leaves_out(row, name_key):
            reason = "this person was erased at their own wish"
        if reason:
            return StagedRow(row.line, _visible(row.shown), _visible(reason))
        whole = SUPPRESSES.get(row.state)
        addresses = []
        for position, (address, suppress) in enumerate(row.addresses):
            why = suppress or (whole if position == 0 else None)
            text, envelope, key, domain = address.text, address.envelope, address.key, address.domain
            addresses.append(StagedAddress(text, envelope, key, domain, self._hash(key), why or ""))
        fields = dict(row.fields) if row.fields else None
        guess = "" if row.first_name else names.first_name(row.name, row.language)
        # Another instance numbers its people otherwise; its numbers mean nothing here.
        person = row.person if row.register in {"", self._register} else None
        return StagedRow(
            row.line, _visible(row.shown), "", person, row.name, name_key, row.first_name, row.language,
            row.member, fields, guess, row.joined, consent, collected, row.ground.value,
            addresses, states, row.prefers, bool(row.register), row.journal, post,
        )  # fmt: skip

    def _states(self, row: ImportRow) -> tuple[tuple[StagedState, ...], str]:
        """Return what the row says of each list, and the reason why it cannot be used, if any."""
        # A row of our own export whose cell of lists is empty is on none, unless somebody named a list for such rows.
        if row.lists is None or (not row.lists and self._terms.list_slug):
            if (state := _SUBSCRIPTION.get(row.state)) is None:
                return (), _NOT_JOINED.get(row.state, "")
            if self._lists.fallback is None:
                return (), "the row names no list and there is no default list; say --list"
            return (StagedState(self._lists.fallback, state),), ""
        found: dict[int, str] = {}
        for slug, file_state in row.lists:
            list_id = self._lists.open.get(slug)
            if list_id is None:
                known = "is archived" if slug in self._lists.archived else "is not known"
                return (), f'the list "{slug}" {known}'
            if (state := _SUBSCRIPTION.get(file_state)) is not None:
                found[list_id] = state
        return tuple(StagedState(list_id, state) for list_id, state in found.items()), ""


def _post(given: Mapping[str, str]) -> tuple[dict[str, str] | None, str]:
    """Return a postal address as its country writes it, or why it cannot be taken."""
    try:
        return postal.checked(given), ""
    except postal.PostalRefused as exc:
        words = {"required": "is missing", "invalid": "cannot be right", "unprintable": "holds what no label can"}
        said = [f"{POSTAL_COLUMNS.get(part, part)} {words[wrong]}" for part, wrong in sorted(exc.wrong.items())]
        return None, f"the postal address: {', '.join(said)}"


def _visible(text: str) -> str:
    """Return text of a file's as every database and terminal can hold it."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


_SUBSCRIPTION = {
    FileState.SUBSCRIBED: SubscriptionState.SUBSCRIBED.value,
    FileState.PAUSED: SubscriptionState.PAUSED.value,
    FileState.UNSUBSCRIBED: SubscriptionState.UNSUBSCRIBED.value,
    FileState.COMPLAINED: SubscriptionState.UNSUBSCRIBED.value,  # whoever complains has left
    FileState.BLOCKED: SubscriptionState.UNSUBSCRIBED.value,
}
_NOT_JOINED = {FileState.PENDING: "they asked to join and never confirmed it"}
