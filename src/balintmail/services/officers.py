"""Hand an office to somebody and take it back, on record; it never decides what an office may do.

There is one Secretary: whoever is appointed follows the one before, in the same transaction. The other offices may be
held by several.
"""

from dataclasses import dataclass

from balintmail.db import addresses, audit, officers, people
from balintmail.db.officers import Holder
from balintmail.db.session import Tx
from balintmail.domain.states import Role
from balintmail.errors import Conflict
from balintmail.services.context import Context
from balintmail.services.people import find_one


@dataclass(frozen=True, slots=True)
class Appointed:
    """Who holds the office now, whether they did already, and whose it was until now."""

    person: int
    name: str
    already: bool
    before: tuple[int, ...] = ()


def every(ctx: Context) -> list[Holder]:
    """Return everybody who holds an office, by office, the newest first."""
    with ctx.db.read() as tx:
        return officers.every(tx)


def appoint(ctx: Context, role: Role, who: str, *, person: int | None = None) -> Appointed:
    """Give an office to somebody on the register; raise NotFound or SharedAddress for who, Conflict without address."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        row = find_one(tx, who, person=person)
        if not addresses.of_person(tx, row.id):
            hint = f"Give them one first: balintmail people edit {row.id} --add-address ADDRESS"
            raise Conflict(f"Person {row.id} has no address, and an officer is written to.", hint=hint)
        before = [one.person_id for one in officers.every(tx) if one.role is role]
        if row.id in before:
            return Appointed(row.id, row.name, already=True)
        officers.appoint(tx, row.id, role, now=now)
        audit.note_person(tx, row.id, f"appointed {role.value}", actor=ctx.actor, now=now)
        ended = before if role is Role.SECRETARY else []
        for one in ended:
            _end(ctx, tx, one, role)
        return Appointed(row.id, row.name, already=False, before=tuple(ended))


def end(ctx: Context, role: Role, who: str, *, person: int | None = None) -> tuple[int, bool]:
    """Take an office from somebody; return their number and whether they held it. The Secretary's is handed on only."""
    if role is Role.SECRETARY:
        hint = "Appoint the next one: balintmail officers appoint secretary WHO"
        raise Conflict("There is always a Secretary: somebody answers for every letter.", hint=hint)
    with ctx.db.write() as tx:
        row = find_one(tx, who, person=person)
        if role not in officers.roles(tx, row.id):
            return row.id, False
        _end(ctx, tx, row.id, role)
        return row.id, True


def _end(ctx: Context, tx: Tx, person_id: int, role: Role) -> None:
    now = ctx.clock.now()
    officers.end(tx, person_id, role, now=now)
    audit.note_person(tx, person_id, f"{role.value} no more", actor=ctx.actor, now=now)
