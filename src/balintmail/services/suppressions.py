"""Keep an address from being mailed, and let it be mailed again; an erased one never comes back (D7).

It works on addresses, not on people: whoever shares one is kept or let go with it.
"""

from balintmail.db import addresses, audit, people, stops, suppressions
from balintmail.domain import hygiene
from balintmail.domain.states import AddressHealth, SkipReason, SuppressionReason
from balintmail.errors import Conflict
from balintmail.services.context import Context
from balintmail.services.people import parsed


def suppress(ctx: Context, text: str, note: str = "") -> bool:
    """Keep an address, known or not, from being mailed; return False when it was suppressed already."""
    address, now = parsed(text), ctx.clock.now()
    why = suppressions.SuppressionRow(
        SuppressionReason.MANUAL, hygiene.one_line(note, what="the note", longest=500), now, ctx.actor
    )
    with ctx.db.write() as tx:
        people.lock(tx)
        hashed = ctx.keyring.address_hash(address.key)
        if suppressions.of_hash(tx, hashed) is not None:
            return False
        suppressions.add(tx, hashed, address.key, why)
        stops.stop_address(tx, address.key, SkipReason.SUPPRESSED, now=now)
        for person in people.at_address(tx, address.key):
            audit.note_person(tx, person.id, "address suppressed", actor=ctx.actor, now=now)
    return True


def allow(ctx: Context, text: str) -> bool:
    """Let an address be mailed again, on a person's word; return False when nothing kept it from that.

    Raises Conflict for an address that was erased: nothing brings that back (D7).
    """
    address, now = parsed(text), ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        hashed = ctx.keyring.address_hash(address.key)
        found = suppressions.of_hash(tx, hashed)
        if found is not None and found.reason is SuppressionReason.ERASED:
            raise Conflict("That address was erased at its owner's wish and stays unmailable.")
        done = suppressions.lift(tx, hashed)
        for person in people.at_address(tx, address.key):
            row = next(row for row in addresses.of_person(tx, person.id) if row.key == address.key)
            done = done or row.health is not AddressHealth.OK
            addresses.healed(tx, row.id)
            if done:
                audit.note_person(tx, person.id, "address allowed again", actor=ctx.actor, now=now)
    return done
