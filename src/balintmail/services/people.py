"""Find people, show what is known of them, list them, and change what they are called and where mail reaches them.

It puts nobody on a list and takes nobody off (services/subscriptions.py); erasing and merging have rooms of their own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from balintmail.db import addresses, audit, consent, correspondence, people, postal, returns, suppressions, timeline
from balintmail.db.filters import condition, parse_where
from balintmail.db.models import Person
from balintmail.db.people import PersonEntry, PersonRow
from balintmail.db.postal import PostalRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain import hygiene, names
from balintmail.domain.imports import key_of_name
from balintmail.domain.returns import REASON_WORDS, Sentence
from balintmail.domain.states import ConsentAction, SuppressionReason
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services.context import Context
from balintmail.services.lists import named

LARGEST_ID = 2**63 - 1  # of a row in either database (F9)


class SharedAddress(Conflict):
    """Several people share the address that was given, and the command is about one of them."""

    code = "shared_address"

    def __init__(self, found: Sequence[PersonRow]) -> None:
        listed = "; ".join(f"{person.id} {person.name or '(no name)'}" for person in found)
        super().__init__(
            f"{len(found)} people share this address: {listed}.",
            hint="Name one by number, or say --person ID or --all.",
        )
        self.people = tuple(found)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people to list; None and "" leave that question open."""

    list_slug: str = ""
    member: bool | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a person, in words."""

    at: datetime
    what: str
    by: str = ""
    message: int = 0  # the message that says so: `inbox show NUMBER --raw`


@dataclass(frozen=True, slots=True)
class Portrait:
    """All that is known of one person; `post` is where the post reaches them, in the order in which it holds."""

    entry: PersonEntry
    shared: dict[str, tuple[int, ...]]
    timeline: tuple[Moment, ...]
    post: tuple[PostalRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change of a person; None leaves it alone, an empty text empties it. A field's None removes the field."""

    name: str | None = None
    first_name: str | None = None
    language: str | None = None
    member: bool | None = None
    fields: dict[str, str | None] = field(default_factory=dict)
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    prefer: str | None = None


def find(tx: Tx, who: str) -> list[PersonRow]:
    """Return whoever an id or an address names, several where an address is shared; raise NotFound for nobody."""
    text = who.strip()
    if text.isascii() and text.isdigit():
        if len(text) > len(str(LARGEST_ID)):
            raise NotFound("There is no person of that number.", hint="See: balintmail people list")
        return [by_id(tx, int(text))]
    try:
        key = parsing.parse(text).key
    except parsing.AddressRefused as exc:
        raise NotFound(f"That is neither a person's number nor an address: {exc.reason}.") from exc
    found = people.at_address(tx, key)
    if not found:
        raise NotFound("Nobody on the register has that address.", hint="See: balintmail people list")
    return found


def find_one(tx: Tx, who: str, *, person: int | None = None) -> PersonRow:
    """Return the one person that an id or address names, `person` deciding where an address is shared."""
    found = find(tx, who)
    if person is not None:
        found = [row for row in found if row.id == person]
        if not found:
            raise NotFound(f"Person {person} does not have that address.")
    if len(found) > 1:
        raise SharedAddress(found)
    return found[0]


def by_id(tx: Tx, person_id: int) -> PersonRow:
    """Return the living person of that number, or whoever they were merged into; raise NotFound otherwise."""
    row = people.get(tx, person_id) if 0 < person_id <= LARGEST_ID else None
    while row is not None and row.merged_into is not None:
        row = people.get(tx, row.merged_into)
    if row is None:
        raise NotFound(f"There is no person {person_id}.", hint="See: balintmail people list")
    if row.erased_at is not None:
        raise NotFound(f"Person {person_id} was erased; nothing is known of them any more.")
    return row


def entries(tx: Tx, wanted: Wanted, ctx: Context) -> Iterator[PersonEntry]:
    """Yield the people that are wanted, by rising number; raise FilterError or NotFound before the first."""
    conditions = []
    if wanted.list_slug:
        conditions.append(people.on_list(named(tx, wanted.list_slug).slug))
    if wanted.member is not None:
        conditions.append(Person.member.is_(wanted.member))
    if wanted.where:
        conditions.append(condition(parse_where(tx, wanted.where), zone=ctx.settings.zone))
    return people.entries(tx, conditions)


def portrait(tx: Tx, person_id: int) -> Portrait:
    """Return all that is known of a living person."""
    entry = people.entry(tx, person_id)
    if entry is None:
        raise NotFound(f"There is no person {person_id}.")
    numbers = [person_id, *people.absorbed(tx, person_id)]
    moments = [
        *_consents(tx, person_id),
        *_acts(tx, numbers),
        *_letters(tx, numbers),
        *_returned(tx, numbers),
        *_wrote(tx, numbers),
    ]
    shared = {row.email: tuple(addresses.shared_with(tx, row.id, person_id)) for row in entry.addresses}
    shared = {email: others for email, others in shared.items() if others}
    post = tuple(postal.of_people(tx, [person_id]))
    return Portrait(entry, shared, tuple(sorted(moments, key=lambda moment: moment.at)), post)


def edit(ctx: Context, person_id: int, changes: Changes) -> list[str]:
    """Carry out `changes` in one transaction and return what changed, in words; raise and change nothing otherwise."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        row = by_id(tx, person_id)
        values = _new_values(row, changes)
        if "member" in values:
            _declare(ctx, tx, row.id, is_member=bool(values["member"]))
        if own := {column: value for column, value in values.items() if column != "member"}:
            people.update(tx, row.id, own, now=now)
        done = [_WORDS[column] for column in values if column != "first_name" or changes.first_name is not None]
        done += _change_addresses(ctx, tx, row.id, changes)
        if done:
            audit.note_person(tx, row.id, "edited", actor=ctx.actor, now=now, detail={"changed": done})
    return done


def _declare(ctx: Context, tx: Tx, person_id: int, *, is_member: bool) -> None:
    from balintmail.services import members  # noqa: PLC0415  (the tables of members; few commands need them)

    members.declare(ctx, tx, person_id, is_member=is_member)


def check(changes: Changes) -> None:
    """Raise TextRefused for a name or a language that `edit` would refuse, whoever it is about."""
    names.clean(changes.name or "")
    names.clean(changes.first_name or "")
    if changes.language and changes.language.strip():
        hygiene.language(changes.language)


_TOLD_BY_CONSENT = {"subscribed", "unsubscribed"}  # the consent event says the same with its words
_WORDS = {
    "name": "name",
    "first_name": "first name",
    "language": "language",
    "member": "member",
    "fields": "own fields",
}


def _new_values(row: PersonRow, changes: Changes) -> dict[str, object]:
    """Return the columns that become different; the first name follows the name unless somebody gave it."""
    new: dict[str, object] = {}
    if changes.name is not None:
        new["name"] = names.clean(changes.name)
    if changes.language is not None:
        new["language"] = hygiene.language(changes.language) if changes.language.strip() else None
    if changes.first_name is not None:
        new["first_name"] = names.clean(changes.first_name)
    elif row.first_name == names.first_name(row.name, row.language):
        name, language = new.get("name", row.name), new.get("language", row.language)
        new["first_name"] = names.first_name(str(name), str(language) if language else None)
    if changes.member is not None:
        new["member"] = changes.member
    if changes.fields:
        new["fields"] = _merged(row.fields, changes.fields)
    return {column: value for column, value in new.items() if getattr(row, column) != value}


def _merged(held: dict[str, object], changes: dict[str, str | None]) -> dict[str, object]:
    merged = dict(held)
    for given, value in changes.items():
        name, clean = hygiene.own_field(given, value or "")
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = clean
    return merged


def _change_addresses(ctx: Context, tx: Tx, person_id: int, changes: Changes) -> list[str]:
    done: list[str] = []
    held = {row.key: row.id for row in addresses.of_person(tx, person_id)}
    for text in changes.add:
        address = parsed(text)
        if address.key not in held:
            refuse_erased(ctx, tx, address.key, people.get(tx, person_id))
            held[address.key] = addresses.ensure(tx, address, now=ctx.clock.now())
            addresses.link(tx, person_id, held[address.key])
            done.append("address added")
    if changes.prefer is not None:
        address = parsed(changes.prefer)
        if address.key not in held:
            hint = "Add it: --add-address ADDRESS"
            raise NotFound("The address to be preferred is none of this person's.", hint=hint)
        addresses.prefer(tx, person_id, held[address.key])
        done.append("preferred address")
    for text in changes.remove:
        address = parsed(text)
        if address.key not in held:
            raise NotFound("The address to be removed is none of this person's.")
        if len(held) == 1:
            raise Conflict(
                "That is this person's only address.",
                hint="To end the mails: balintmail unsubscribe. To forget the person: balintmail people erase.",
            )
        addresses.unlink(tx, person_id, held.pop(address.key))
        done.append("address removed")
    return done


def refuse_erased(ctx: Context, tx: Tx, key: str, person: PersonRow | None) -> None:
    """Raise Conflict when this address, or this person at it, was erased (D7)."""
    if erased(ctx, tx, key, person.name if person else ""):
        raise Conflict("That address was erased at its owner's wish and stays unmailable.")


def erased(ctx: Context, tx: Tx, key: str, name: str) -> bool:
    """Return whether an address, or the person of that name at a shared one, was erased (D7)."""
    hashes = [ctx.keyring.address_hash(key), *([person_hash(ctx, key, name)] if name else [])]
    found = [suppressions.of_hash(tx, hashed) for hashed in hashes]
    return any(row is not None and row.reason is SuppressionReason.ERASED for row in found)


def person_hash(ctx: Context, key: str, name: str) -> bytes:
    """Return the keyed hash of one person at an address that others share; it outlives that person's erasure."""
    return ctx.keyring.person_hash(key, key_of_name(name))


def parsed(text: str) -> parsing.Address:
    """Return the address that somebody typed; raise UsageRefused with the reason when it is none."""
    try:
        return parsing.parse(text)
    except parsing.AddressRefused as exc:
        raise UsageRefused(f"That is not an address that mail can reach: {exc.reason}.") from exc


def _consents(tx: Tx, person_id: int) -> Iterator[Moment]:
    for row in consent.history(tx, person_id):
        verb = "joined" if row.action is ConsentAction.AGREED else "left"
        day = f", collected {row.collected_on}" if row.collected_on else ""
        yield Moment(row.at, f'{verb} {row.slug or "the register"}: "{row.words}" ({row.how}{day})', row.actor)


def _acts(tx: Tx, numbers: Sequence[int]) -> Iterator[Moment]:
    for row in audit.of_people(tx, numbers):
        if row.action in _TOLD_BY_CONSENT:
            continue
        changed = row.detail.get("changed")
        more = f": {', '.join(map(str, changed))}" if isinstance(changed, list) else ""
        yield Moment(row.at, f"{row.action}{more}", row.actor)


def _letters(tx: Tx, numbers: Sequence[int]) -> Iterator[Moment]:
    for row in timeline.letters(tx, numbers):
        named = f"{row.slug}/{row.number}" if row.number else f"mailing {row.mailing}"
        said = f" {row.reply}" if row.reply else ""
        yield Moment(row.at, f'{named} "{row.title}": {row.skipped or row.state.value}{said}')


def _returned(tx: Tx, numbers: Sequence[int]) -> Iterator[Moment]:
    for row in reversed(returns.every(tx, returns.Wanted(people=tuple(numbers)))):
        what = "complaint" if row.sentence is Sentence.COMPLAINT else "came back"
        about = f"mailing {row.label} " if row.label.isdigit() else f"{row.label} " if row.label else ""
        said = row.outcome.removeprefix("complaint: ") if row.proven else f"{REASON_WORDS[row.reason]}, {row.outcome}"
        yield Moment(row.at, f"{about}{what}: {said} (message {row.message})", message=row.message)


def _wrote(tx: Tx, numbers: Sequence[int]) -> Iterator[Moment]:
    for row in correspondence.of_people(tx, numbers):
        subject = f' "{row.subject}"' if row.subject else ""
        remark = f": {row.remark}" if row.remark else ""
        yield Moment(row.received_at, f"message {row.id}{subject}, {row.kind.replace('_', ' ')}{remark}", row.sender)
