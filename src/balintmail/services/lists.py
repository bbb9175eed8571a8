"""Make, change and archive mailing lists. A list's slug and List-Id never change; nothing a list has sent is lost.

Every text that will stand in a header is cleaned or refused here, at the door (group A of the bad inputs).
"""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from balintmail.db import audit, lists, mailings, officers
from balintmail.db.lists import MailingListRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain import hygiene, list_id
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.states import MailingState, Policy
from balintmail.errors import Conflict, NotFound
from balintmail.services.context import Context


@dataclass(frozen=True, slots=True)
class Manners:
    """What can be said of a list; None leaves it as it is, or as usual."""

    name: str | None = None
    purpose: str | None = None
    policy: Policy | None = None
    language: str | None = None
    from_name: str | None = None
    from_address: str | None = None
    reply_to: str | None = None
    footer: str | None = None
    standing_words: str | None = None
    is_default: bool | None = None
    relay: str | None = None  # "" for the order of the settings
    sends_latest: bool | None = None


def named(tx: Tx, slug: str = "") -> MailingListRow:
    """Return the living list of that slug, the default list for ""; raise NotFound or Conflict otherwise."""
    row = known(tx, slug)
    if row.archived_at is not None:
        hint = f"Bring it back: balintmail lists archive {row.slug} --undo"
        raise Conflict(f'The list "{row.slug}" is archived.', hint=hint)
    return row


def known(tx: Tx, slug: str = "") -> MailingListRow:
    """Return the list of that slug, archived or not, the default list for ""; raise NotFound otherwise."""
    row = lists.default_list(tx) if not slug else None
    if slug and slug.isprintable():  # no database can be asked for half a character (A16)
        row = lists.by_slug(tx, slug)
    if row is None:
        if not slug:
            raise NotFound("There is no default list.", hint="Make one: balintmail lists edit SLUG --default")
        near = difflib.get_close_matches(slug, [found.slug for found in lists.every(tx)], n=1, cutoff=0.5)
        hint = f"Nearest: {near[0]}" if near else "See: balintmail lists list"
        raise NotFound(f'There is no list "{slug[:60]}".', hint=hint)
    return row


def sender(text: str) -> tuple[str, str]:
    """Return the name and the address in `Name <address>`, `address` or ""; neither is checked yet."""
    before, mark, inside = text.strip().rpartition("<")
    if mark and inside.endswith(">"):
        return before.strip().strip('"').strip(), inside[:-1]
    return "", text.strip()


def add(ctx: Context, slug: str, manners: Manners, identity: str = "") -> MailingListRow:
    """Make a list; raise Conflict when the slug is taken, TextRefused for what no header can hold.

    `identity` is the List-Id it had elsewhere; without one it is made from the site's address.
    """
    values = _values(manners)
    _require_relay(ctx, manners)
    slug = list_id.slug(slug)
    identity = list_id.checked(identity) if identity else ""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        if lists.by_slug(tx, slug) is not None:
            raise Conflict(f'There is a list "{slug}" already.', hint="See: balintmail lists list")
        secretary = officers.secretary(tx)
        if secretary is None:
            raise NotFound(
                "There is no Secretary, so the list would have no sender.", hint="See: balintmail people list"
            )
        identity = identity or list_id.list_id(slug, ctx.settings.society.url, secretary.address)
        if any(row.list_id == identity for row in lists.every(tx)):
            raise Conflict(f"There is a list with the List-Id {identity} already.")
        values.setdefault("name", slug.replace("-", " ").capitalize())
        wants_default = bool(values.pop("is_default", False)) or lists.default_list(tx) is None
        number = lists.insert(tx, {**values, "slug": slug, "list_id": identity, "created_at": now})
        if wants_default:
            lists.update(tx, number, {"is_default": True})
        audit.note(tx, "list added", actor=ctx.actor, now=now, detail={"list": slug})
        return named(tx, slug)


def edit(ctx: Context, slug: str, manners: Manners) -> list[str]:
    """Change a list's manners and return the names of what changed."""
    values = _values(manners)
    _require_relay(ctx, manners)
    with ctx.db.write() as tx:
        row = named(tx, slug)
        changed = {column: value for column, value in values.items() if getattr(row, column) != value}
        if changed.get("is_default") is False:
            raise Conflict(
                "One list is always the default.", hint="Make another the default: lists edit SLUG --default"
            )
        if changed:
            lists.update(tx, row.id, changed)
            detail = {"list": row.slug, "changed": sorted(changed)}
            audit.note(tx, "list edited", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
    return [column.replace("_", " ") for column in changed]


def archive(ctx: Context, slug: str) -> bool:
    """Close a list for everything new; its subscriptions and mailings stay. Return False when it was archived."""
    with ctx.db.write() as tx:
        found = lists.by_slug(tx, slug)
        if found is not None and found.archived_at is not None:
            return False
        row = named(tx, slug)
        if row.is_default:
            hint = "Make another the default first: balintmail lists edit SLUG --default"
            raise Conflict(f'"{row.slug}" is the default list and cannot be archived.', hint=hint)
        for mailing in mailings.in_state(tx, MailingState.SCHEDULED, MailingState.SENDING, MailingState.PAUSED):
            if mailing.list_id == row.id:
                hint = f"Let it finish, or: balintmail mailings cancel {mailing.id}"
                raise Conflict(f'Mailing {mailing.id} of "{row.slug}" is not finished.', hint=hint)
        lists.update(tx, row.id, {"archived_at": ctx.clock.now()})
        audit.note(tx, "list archived", actor=ctx.actor, now=ctx.clock.now(), detail={"list": row.slug})
    return True


def unarchive(ctx: Context, slug: str) -> bool:
    """Open an archived list again; return False when it was open."""
    with ctx.db.write() as tx:
        row = lists.by_slug(tx, slug)
        if row is None or row.archived_at is None:
            named(tx, slug)
            return False
        lists.update(tx, row.id, {"archived_at": None})
        audit.note(tx, "list opened again", actor=ctx.actor, now=ctx.clock.now(), detail={"list": row.slug})
    return True


def _values(manners: Manners) -> dict[str, object]:
    """Return the columns that `manners` sets, each clean."""
    given = {each.name: getattr(manners, each.name) for each in fields(manners)}
    return {name: _CLEAN[name](value) for name, value in given.items() if value is not None}


def _require_relay(ctx: Context, manners: Manners) -> None:
    """Refuse a relay that the settings do not know."""
    relays = ctx.settings.relays
    if manners.relay and manners.relay not in relays:
        near = difflib.get_close_matches(manners.relay, relays, n=1, cutoff=0.5)
        hint = f"Nearest: {near[0]}" if near else "Relays are the sections [relays.NAME] of balintmail.toml."
        raise NotFound(f'There is no relay "{manners.relay[:60]}".', hint=hint)


def _line(what: str, longest: int, *, empty: str = "") -> Callable[[str], str]:
    def clean(text: str) -> str:
        line = hygiene.one_line(text, what=what, longest=longest)
        if empty and not line:
            raise TextRefused(what, empty)
        return line

    return clean


def _sender(what: str) -> Callable[[str], str]:
    def clean(text: str) -> str:
        if not text.strip():
            return ""
        try:
            address = parsing.parse(text)
        except parsing.AddressRefused as exc:
            raise TextRefused(what, exc.reason) from exc
        if address.needs_smtputf8:
            raise TextRefused(what, "many mail systems could not answer to it (letters beyond ASCII before the @-sign)")
        return address.text

    return clean


_CLEAN: dict[str, Callable[[Any], object]] = {
    "name": _line("the list's name", 100, empty="it is empty"),
    "purpose": _line("the list's purpose", 300),
    "policy": Policy,
    "language": hygiene.language,
    "from_name": _line("the sender's name", 100),
    "from_address": _sender("the sender's address"),
    "reply_to": _sender("the address for replies"),
    "footer": lambda text: hygiene.paragraphs(text, what="the footer", longest=2000),
    "standing_words": _line("the standing words", 500, empty="it is empty"),
    "is_default": bool,
    "sends_latest": bool,
    "relay": _line("the relay's name", 100),
}
