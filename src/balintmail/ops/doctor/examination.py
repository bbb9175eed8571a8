"""Look over a whole instance: read what it knows, ask the DNS and the relays side by side, and write one page.

It reads only, for a bounded time; whatever did not answer until then stands on the page as not known. What was asked
is judged in the subjects' own files; cli/doctor.py prints the page.
"""

import contextlib
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from balintmail.config import TransportKind
from balintmail.db import health, inbox, limits, mailings, meta, officers, receipts
from balintmail.db import mailboxes as mailbox_rows
from balintmail.domain.address import domain_of
from balintmail.domain.hours import hours_of
from balintmail.domain.inbox import PIPE
from balintmail.domain.states import MailingState
from balintmail.ops.doctor import (
    dmarc,
    house,
    mailboxes,
    pointer,
    providers,
    quota,
    reachable,
    relay,
    returns,
    signing,
    spf,
    store,
)
from balintmail.ops.doctor.dial import Heard, call_all
from balintmail.ops.doctor.finding import Finding, Level, Subject, note, softened, stop, unasked
from balintmail.ops.doctor.spf import Door
from balintmail.ops.lookup import Lookup, LookupFailed
from balintmail.sending.connect import RelayTarget
from balintmail.services import dkim, fetching, permits
from balintmail.services.context import Context
from balintmail.services.dispatch import LAST_RUN, anything_due
from balintmail.services.lock import dispatch_lock
from balintmail.services.notice_mailings import STUCK as NOTICES_STUCK
from balintmail.services.reconcile import why_blocked

SECONDS = 20.0  # for all that is asked outside, together
QUESTION_SECONDS = 4.0  # for one question to the DNS
_BASE64 = 1.37  # an attachment grows by 78/57
_NOT_YET = "Nothing leaves this machine yet: the transport is the outbox."
_MOUNTS = Path("/proc/self/mounts")

Page = Mapping[Subject, Sequence[Finding]]
_Job = Callable[[], list[Finding]]


@dataclass(frozen=True, slots=True)
class Means:
    """Whom an examination asks; a test hands in its own."""

    lookup: Lookup
    call: Callable[[Sequence[RelayTarget], float], list[Heard]] = call_all
    clock_is_kept: Callable[[], bool | None] = house.clock_is_kept
    seconds: float = SECONDS


@dataclass(frozen=True, slots=True)
class _Names:
    """The domains that stand in our letters."""

    authors: Sequence[str]
    envelope: str


def is_ok(page: Page) -> bool:
    """Say whether nothing on the page has to be mended."""
    return not any(one.level is Level.STOP for found in page.values() for one in found)


def examine(ctx: Context, targets: Sequence[RelayTarget], means: Means) -> Page:
    """Return everything that was found, by subject."""
    views = dkim.keys(ctx)
    names = _names(ctx)
    answers = _ask(_jobs(ctx, targets, means, names, views), means.seconds)
    named = [finding for subject, finding in answers if subject is Subject.NAMES]
    relayed = [finding for subject, finding in answers if subject is Subject.RELAY]
    relayed = [*_no_relay(ctx, targets), *relayed, *_quotas(ctx)]
    ruled = providers.findings([*named, *relayed], _readers(ctx), url=ctx.settings.society.url)
    if ctx.settings.transport is TransportKind.OUTBOX:
        named, relayed, ruled = (softened(found, _NOT_YET) for found in (named, relayed, ruled))
    return {
        Subject.HOUSE: _house(ctx, means, names),
        Subject.STORE: _store(ctx),
        Subject.NAMES: named,
        Subject.RELAY: relayed,
        Subject.RETURNS: [*[one for subject, one in answers if subject is Subject.RETURNS], *_inbox(ctx)],
        Subject.PROVIDERS: ruled,
    }


def _names(ctx: Context) -> _Names | None:
    """Return the domains of From and envelope, or None when there is nobody to answer for a letter."""
    with ctx.db.read() as tx:
        secretary = officers.secretary(tx)
    if secretary is None:
        return None
    envelope = ctx.settings.bounces.address or secretary.address
    return _Names(dkim.from_domains(ctx), domain_of(envelope.rpartition("@")[2]))


def _jobs(
    ctx: Context, targets: Sequence[RelayTarget], means: Means, names: _Names | None, views: Sequence[dkim.KeyView]
) -> list[tuple[Subject, str, _Job]]:
    """Return what has to be asked outside: the subject, what it is about, and how."""
    lookup, now = means.lookup, ctx.clock.now()
    settings = ctx.settings
    largest = int(settings.send.max_attachment_bytes * _BASE64) + settings.send.max_html_bytes
    jobs: list[tuple[Subject, str, _Job]] = []
    if names is not None:
        signing_domains = [settings.dkim.domain] if settings.dkim.selectors else []
        jobs.append((Subject.NAMES, "SPF", lambda: _spf(lookup, names.envelope, targets)))
        jobs.append((Subject.NAMES, "DKIM", lambda: signing.findings(views, lookup, now=now)))
        for author in names.authors:
            sender = dmarc.Sender(author, names.envelope, signing_domains)
            jobs.append((Subject.NAMES, "DMARC", lambda sender=sender: dmarc.findings(lookup, sender)))  # type: ignore[misc]
        jobs.append((Subject.NAMES, "bounces", lambda: returns.findings(lookup, names.envelope)))
    if targets:
        patience = means.seconds * 0.9
        jobs.append(
            (
                Subject.RELAY,
                "the relays",
                lambda: relay.findings(means.call(targets, patience), largest=largest, now=now),
            )
        )
        jobs.append((Subject.RELAY, "PTR", lambda: _pointers(lookup, targets)))
    for name in settings.inbox:
        jobs.append((Subject.RETURNS, f"the mailbox {name}", lambda name=name: _mailbox(ctx, name)))  # type: ignore[misc]
    return jobs


def _ask(jobs: Sequence[tuple[Subject, str, _Job]], seconds: float) -> list[tuple[Subject, Finding]]:
    """Do every job at once and return what they found in their order; who is late is not known."""
    executor = ThreadPoolExecutor(max_workers=max(1, len(jobs)), thread_name_prefix="doctor")
    futures: list[Future[list[Finding]]] = [executor.submit(job) for _, _, job in jobs]
    wait(futures, timeout=seconds)
    executor.shutdown(wait=False, cancel_futures=True)
    found: list[tuple[Subject, Finding]] = []
    for (subject, what, _), future in zip(jobs, futures, strict=True):
        if future.done():
            found += [(subject, one) for one in future.result()]
        else:
            found.append((subject, unasked("late", f"{what}: no answer within {seconds:.0f} seconds.")))
    return found


def _spf(lookup: Lookup, domain: str, targets: Sequence[RelayTarget]) -> list[Finding]:
    return spf.findings(lookup, domain, [_door(lookup, target) for target in targets])


def _pointers(lookup: Lookup, targets: Sequence[RelayTarget]) -> list[Finding]:
    return [finding for target in targets for finding in pointer.findings(lookup, _door(lookup, target))]


def _door(lookup: Lookup, target: RelayTarget) -> Door:
    """Return a relay with its addresses; none where nobody could be asked."""
    with contextlib.suppress(ValueError):
        return Door(target.name, target.host, (str(ipaddress.ip_address(target.host)),))
    if target.host.rstrip(".").lower() == "localhost":
        return Door(target.name, target.host, ("127.0.0.1",))
    try:
        return Door(target.name, target.host, tuple(lookup.addresses(target.host)))
    except LookupFailed:
        return Door(target.name, target.host, ())


def _no_relay(ctx: Context, targets: Sequence[RelayTarget]) -> list[Finding]:
    if targets:
        return []
    if ctx.settings.transport is TransportKind.SMTP:
        return [stop("relay_none", "No relay has a host.", "Set host under [relays.main]; docs/settings.md shows how.")]
    return [note("relay_none", "No relay is set: letters go to the folder outbox on this machine.")]


def _quotas(ctx: Context) -> list[Finding]:
    """Return how the relays stand with their limits, by what was counted here."""
    with ctx.db.read() as tx:
        known = limits.relays(tx)
        given = [
            quota.Given(name, terms, limits.usage(tx, name, None) if terms.limited else {}, known.get(name))
            for name, terms in permits.terms_of(ctx.settings).items()
        ]
    return quota.findings(given, now=ctx.clock.now(), zone=ctx.settings.zone)


def _readers(ctx: Context) -> providers.Readers:
    with ctx.db.read() as tx:
        counts = [health.addresses_at(tx, one) for one in (providers.GMAIL, providers.YAHOO, providers.MICROSOFT)]
    return providers.Readers(*counts)


def _house(ctx: Context, means: Means, names: _Names | None) -> list[Finding]:
    now = ctx.clock.now()
    zone = ctx.settings.zone
    with ctx.db.read() as tx:
        unknown = len(receipts.unknown(tx))
        paused = [(row.label, row.state_reason) for row in mailings.in_state(tx, MailingState.PAUSED)]
        of_database = health.clock(tx)
        working = health.is_dispatching(tx, of_database or now)
        last_run = _moment(meta.fact(tx, LAST_RUN))
        stuck = meta.fact(tx, NOTICES_STUCK) or ""
        unreached = reachable.findings(tx)
    beat = house.Beat(dispatch_lock(ctx).last_beat(), working, anything_due(ctx))
    times = house.Times(now, last_run, of_database)
    return [
        *house.sending(why_blocked(ctx)),
        *house.sandbox(ctx.settings.send),
        *([] if names else [_nobody()]),
        *unreached,
        *house.cron(beat, now=now, zone=zone),
        *quota.hours(hours_of(ctx.settings.send.hours, ctx.settings.send.weekdays, zone), now=now),
        *house.system_mails(stuck),
        *house.waiting(unknown, paused, ctx.settings.send.unknown),
        *house.clock(times, is_kept=means.clock_is_kept(), zone=zone),
    ]


def _nobody() -> Finding:
    message = "There is no Secretary with an address, and every letter needs somebody who answers."
    return stop("secretary", message, "Give the Secretary an address: balintmail people edit ID --add-address ADDRESS")


def _mailbox(ctx: Context, name: str) -> list[Finding]:
    """Open each folder of a mailbox, change nothing there, and return how it stands."""
    troubles = fetching.tried(ctx, name)
    with ctx.db.read() as tx:
        rows = {folder: mailbox_rows.get(tx, name, folder) for folder in troubles}
    boxes = [mailboxes.Box(name, folder, rows[folder], trouble) for folder, trouble in troubles.items()]
    return mailboxes.boxes(boxes, now=ctx.clock.now(), zone=ctx.settings.zone)


def _inbox(ctx: Context) -> list[Finding]:
    with ctx.db.read() as tx:
        counts, piped = inbox.open_counts(tx), inbox.any_from(tx, PIPE)
    bounces = "the bounce address" if ctx.settings.bounces.address else "the Secretary's address"
    unset = [] if ctx.settings.inbox else mailboxes.none(piped=piped, bounces=bounces)
    if ctx.settings.transport is TransportKind.OUTBOX:
        unset = [replace(one, level=Level.NOTE) if one.level is Level.WARN else one for one in unset]
    return [*unset, *mailboxes.waiting(counts)]


def _store(ctx: Context) -> list[Finding]:
    with ctx.db.read() as tx:
        kept = health.durability(tx)
        backed_up = _moment(meta.fact(tx, meta.LAST_BACKUP))
    database = Path(str(ctx.db.url.database)) if ctx.db.is_sqlite else None
    folders = {"the instance": ctx.folder}
    found = store.durability(kept)
    if database is not None:
        folders["the database"] = database.parent
        found += store.place(database.resolve(), _MOUNTS.read_text("utf-8") if _MOUNTS.is_file() else "")
    return [
        *found,
        *store.room(folders),
        *store.backup(backed_up, now=ctx.clock.now()),
        *store.modes(ctx.folder, database),
    ]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
