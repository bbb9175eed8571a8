"""The society's DKIM keys: make the next pair, tell which are needed and until when, and sign a mailing with its own.

Rotation without a gap (S48): `new_keys` makes a pair and changes nothing else; the settings put it in force; every
mailing goes on with the keys it froze; the old ones stay until the last letter signed with them has arrived.
It never deletes a key. Neighbours: db/dkim.py remembers, sending/dkim.py signs, ops/dkim.py asks the DNS.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from balintmail.db import audit, lists, officers
from balintmail.db import dkim as rows
from balintmail.db.session import Tx
from balintmail.domain import dkim
from balintmail.domain.address import domain_of
from balintmail.domain.dkim import Algorithm, Need, SignedWith
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.sending import dkim_keys
from balintmail.sending.dkim import Signer, open_signer
from balintmail.sending.dkim_keys import DkimKey, KeyRefused
from balintmail.sending.dkim_record import Record, record_of
from balintmail.services.context import Context


@dataclass(frozen=True, slots=True)
class KeyView:
    """One key under one domain. `key` is None when its file is not fit for use, and `refused` says why."""

    selector: str
    domain: str
    key: DkimKey | None
    need: Need
    refused: KeyRefused | None = None

    @property
    def record(self) -> Record | None:
        """What the DNS has to hold for it."""
        return record_of(self.key, self.domain) if self.key else None

    @property
    def is_waiting(self) -> bool:
        """Whether it has never signed anything and is not about to."""
        return not (self.need.in_force or self.need.was_used)


def new_keys(ctx: Context, algorithms: Sequence[Algorithm], *, domain: str = "", name: str = "") -> list[KeyView]:
    """Make one key per algorithm for `domain` (default: that of the settings) and return them.

    `name` is the selector of a single key, and its beginning where there are two. Raises Conflict when it was used
    before, UsageRefused when domain or name cannot be one.
    """
    domain = _domain(domain) or ctx.settings.dkim.domain
    if not domain:
        raise NotFound(
            "There is no domain to sign for.",
            hint="Name what stands after the @-sign of your From: balintmail dkim new --domain example.org",
        )
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        taken = {*dkim_keys.selectors(ctx.folder), *(one for use in rows.uses(tx) for one in use.signed_with.selectors)}
    chosen = [_selector(algorithm, name, taken, now=now, alone=len(algorithms) == 1) for algorithm in algorithms]
    for selector in chosen:
        if selector in taken:
            raise Conflict(
                f'The selector "{selector}" has been used before.', hint="Resolvers remember the old key: name another."
            )
    made = [
        dkim_keys.make(ctx.folder, selector, algorithm, domain=domain, now=now)
        for selector, algorithm in zip(chosen, algorithms, strict=True)
    ]
    with ctx.db.write() as tx:
        audit.note(tx, "dkim_new", actor=ctx.actor, now=now, detail={"domain": domain, "selectors": chosen})
    unused = dkim.need(in_force=False, open_mailings=0, was_used=False, last_end=None)
    return [KeyView(key.selector, domain, key, unused) for key in made]


def keys(ctx: Context, only: Collection[str] = ()) -> list[KeyView]:
    """Return every key that is there or ought to be, those in force first; `only` these selectors where some are named.

    Raises NotFound for a selector that nobody has heard of.
    """
    with ctx.db.read() as tx:
        uses = rows.uses(tx)
    settings = ctx.settings.dkim
    pairs = {(one, settings.domain) for one in settings.selectors}
    pairs |= {(one, use.signed_with.domain) for use in uses for one in use.signed_with.selectors}
    known = {selector for selector, _ in pairs}
    for selector in set(dkim_keys.selectors(ctx.folder)) - known:
        key = _load(ctx, selector)
        pairs.add((selector, (key.domain if isinstance(key, DkimKey) else "") or settings.domain))
    for selector in only:
        if selector not in {found for found, _ in pairs}:
            raise NotFound(f'There is no DKIM key "{selector}".', hint="Run: balintmail dkim show")
    views = [_view(ctx, selector, domain, uses) for selector, domain in pairs if not only or selector in only]
    return sorted(
        views, key=lambda view: (not view.need.in_force, view.is_waiting, _age(view), _kind(view), view.selector)
    )


def freeze(ctx: Context, tx: Tx, mailing_id: int) -> None:
    """Let a mailing remember the keys in force; call it in the transaction that freezes the mailing.

    The keys are read once, so that a missing file is told now and not at the first letter. Raises KeyRefused.
    """
    settings = ctx.settings.dkim
    signed_with = SignedWith(settings.domain, settings.selectors) if settings.selectors else None
    if signed_with:
        open_signer(ctx.folder, signed_with, signed_at=ctx.clock.now())
    rows.remember(tx, mailing_id, signed_with)


def signer_of(ctx: Context, tx: Tx, mailing_id: int) -> Signer | None:
    """Return what signs the letters of a mailing, or None when it was frozen without keys. Raises KeyRefused."""
    found = rows.frozen(tx, mailing_id)
    return open_signer(ctx.folder, found.signed_with, signed_at=found.signed_at) if found else None


def from_domains(ctx: Context) -> list[str]:
    """Return the domains of all From addresses that the lists send with, in A-labels."""
    with ctx.db.read() as tx:
        secretary = officers.secretary(tx)
        addresses = [one.from_address for one in lists.every(tx) if one.archived_at is None]
    written = [one or (secretary.address if secretary else "") for one in addresses]
    return sorted({domain_of(one.rpartition("@")[2]) for one in written if "@" in one})


def _selector(algorithm: Algorithm, name: str, taken: Collection[str], *, now: datetime, alone: bool) -> str:
    if not name:
        return dkim.next_selector(algorithm, now.year, taken)
    try:
        return dkim.read_selector(name if alone else f"{name}-{algorithm.key_type}")
    except ValueError as exc:
        raise UsageRefused(f'"{name}" cannot be a selector: {exc}.') from exc


def _domain(text: str) -> str:
    try:
        return dkim.read_domain(text)
    except ValueError as exc:
        raise UsageRefused(f'"{text}" is no domain: {exc}.') from exc


def _view(ctx: Context, selector: str, domain: str, uses: Sequence[rows.Use]) -> KeyView:
    settings = ctx.settings.dkim
    mine = [use for use in uses if use.signed_with.domain == domain and selector in use.signed_with.selectors]
    need = dkim.need(
        in_force=domain == settings.domain and selector in settings.selectors,
        open_mailings=sum(use.open_mailings for use in mine),
        was_used=bool(mine),
        last_end=max((use.last_end for use in mine if use.last_end), default=None),
    )
    found = _load(ctx, selector)
    if isinstance(found, DkimKey):
        return KeyView(selector, domain, found, need)
    return KeyView(selector, domain, None, need, refused=found)


def _load(ctx: Context, selector: str) -> DkimKey | KeyRefused:
    try:
        return dkim_keys.load(ctx.folder, selector)
    except KeyRefused as exc:
        return exc


def _age(view: KeyView) -> float:
    return -view.key.made_at.timestamp() if view.key and view.key.made_at else 0.0


def _kind(view: KeyView) -> int:
    """Let the RSA key of a pair stand first, as its signature does."""
    return list(Algorithm).index(view.key.algorithm) if view.key else 0
