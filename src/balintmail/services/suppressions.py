"""Keep addresses and whole domains from being mailed, and let them be mailed again; an erased one never (D7).

It works on addresses, not on people: whoever shares one is kept or let go with it. A domain means the addresses that
end with it exactly, not those of its subdomains.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from balintmail.db import addresses, audit, people, stops, suppressions
from balintmail.db.session import Tx
from balintmail.db.suppressions import SuppressionRow
from balintmail.domain import address as parsing
from balintmail.domain import hygiene
from balintmail.domain.states import AddressHealth, SkipReason, SuppressionReason
from balintmail.errors import Conflict, UsageRefused
from balintmail.services.context import Context
from balintmail.services.people import parsed

LONGEST_NOTE = 500  # characters


@dataclass(frozen=True, slots=True)
class Subject:
    """What is suppressed: one address, or a whole domain, whose key begins with the @-sign."""

    shown: str
    key: str
    domain: str

    @property
    def whole_domain(self) -> bool:
        return self.key.startswith("@")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line of a file that is neither an address nor a domain."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's lines."""

    added: int
    already: int
    refusals: tuple[Refusal, ...]


def subject(text: str) -> Subject:
    """Return the address, or the domain ("example.org" or "@example.org"), that somebody typed; raise UsageRefused."""
    name = text.strip()
    if "@" in name[1:]:
        address = parsed(name)
        return Subject(address.text, address.key, address.domain)
    try:
        domain = parsing.parse(f"postmaster@{name.removeprefix('@')}").domain
    except parsing.AddressRefused as exc:
        raise UsageRefused(
            "That is neither an address nor a domain.", hint="Write a@example.org or example.org."
        ) from exc
    return Subject(domain, f"@{domain}", domain)


def suppress(ctx: Context, text: str, note: str = "", reason: SuppressionReason = SuppressionReason.MANUAL) -> bool:
    """Keep an address, known or not, or a domain from being mailed; return False when it was suppressed already."""
    whom, why = subject(text), _why(ctx, note, reason)
    with ctx.db.write() as tx:
        people.lock(tx)
        return _add(ctx, tx, whom, why)


def suppress_all(ctx: Context, lines: Iterable[str], note: str, reason: SuppressionReason) -> Imported:
    """Suppress what the lines of a file name, in one transaction; empty lines and those that begin with # are none."""
    why = _why(ctx, note, reason)
    added = already = 0
    refusals = []
    with ctx.db.write() as tx:
        people.lock(tx)
        for number, line in enumerate(lines, start=1):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            try:
                done = _add(ctx, tx, subject(text), why)
            except UsageRefused as exc:
                refusals.append(Refusal(number, text, exc.message))
                continue
            added, already = added + done, already + (not done)
    return Imported(added, already, tuple(refusals))


def allow(ctx: Context, text: str) -> bool:
    """Let an address, or a domain, be mailed again, on a person's word; return False when nothing kept it from that.

    Raises Conflict for an address that was erased, which nothing brings back (D7), and for one whose whole domain is
    suppressed.
    """
    whom, now = subject(text), ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        hashed = ctx.keyring.address_hash(whom.key)
        found = suppressions.of_hash(tx, hashed)
        if found is not None and found.reason is SuppressionReason.ERASED:
            raise Conflict("That address was erased at its owner's wish and stays unmailable.")
        if not whom.whole_domain and suppressions.of_domain(tx, whom.domain) is not None:
            hint = f"To let all its addresses be mailed: balintmail suppress remove {whom.domain}"
            raise Conflict(f"The whole domain {whom.domain} is suppressed.", hint=hint)
        done = suppressions.lift(tx, hashed)
        if whom.whole_domain:
            _note(ctx, tx, whom, "domain allowed again")
            return done
        for person in people.at_address(tx, whom.key):
            row = next(row for row in addresses.of_person(tx, person.id) if row.key == whom.key)
            done = done or row.health is not AddressHealth.OK
            addresses.healed(tx, row.id, now=now)
            if done:
                audit.note_person(tx, person.id, "address allowed again", actor=ctx.actor, now=now)
    return done


def every(ctx: Context) -> list[SuppressionRow]:
    """Return all suppressions, the oldest first; an erased one has no key."""
    with ctx.db.read() as tx:
        return suppressions.every(tx)


def _why(ctx: Context, note: str, reason: SuppressionReason) -> SuppressionRow:
    if reason is SuppressionReason.ERASED:
        raise UsageRefused("An address is erased with its person.", hint="Run: balintmail people erase")
    line = hygiene.one_line(note, what="the note", longest=LONGEST_NOTE)
    return SuppressionRow(reason, line, ctx.clock.now(), ctx.actor)


def _add(ctx: Context, tx: Tx, whom: Subject, why: SuppressionRow) -> bool:
    hashed = ctx.keyring.address_hash(whom.key)
    if suppressions.of_hash(tx, hashed) is not None:
        return False
    suppressions.add(tx, hashed, whom.key, why)
    if whom.whole_domain:
        stops.stop_domain(tx, whom.domain, SkipReason.SUPPRESSED, now=why.at)
        _note(ctx, tx, whom, "domain suppressed")
        return True
    stops.stop_address(tx, whom.key, SkipReason.SUPPRESSED, now=why.at)
    for person in people.at_address(tx, whom.key):
        audit.note_person(tx, person.id, "address suppressed", actor=ctx.actor, now=why.at)
    return True


def _note(ctx: Context, tx: Tx, whom: Subject, action: str) -> None:
    audit.note(tx, action, actor=ctx.actor, now=ctx.clock.now(), detail={"domain": whom.domain})
