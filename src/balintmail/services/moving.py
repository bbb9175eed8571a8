"""Change the address that mail reaches somebody at: the new one confirms, the old one is told.

It is asked for from the person's own page alone, whose link went to the old address, so whoever found a letter can
change nothing (GHSA-65p7-pjj8-ggmr). The link to the new address works once. The page: web/preferences.py.
"""

from dataclasses import dataclass
from datetime import timedelta

from balintmail.db import addresses, audit, mailed_links, people, throttles
from balintmail.db.mailed_links import MailedLinkRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain.address import Address
from balintmail.domain.masking import masked
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.services import fresh_links, leaving, notices, rounds
from balintmail.services.context import Context
from balintmail.services.fresh_links import Errand
from balintmail.services.leaving import THEMSELVES, LinkBroken
from balintmail.services.notices import To, Waiting
from balintmail.services.people import erased
from balintmail.services.preferences import address_of, whose

MOST_ASKED = 5  # changes that one person may ask for within a day
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Move:
    """A change of address that waits for its button, or has just been made; `old` is masked."""

    new: str
    old: str
    language: str | None


def ask(ctx: Context, secret: str, new: Address) -> None:
    """Mail the question to the new address; one address is asked once a day, whoever asks.

    The answer is the same whether or not anybody has that address. Raises LinkOver or LinkBroken for the page's link.
    """
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        row, _ = whose(ctx, tx, secret)
        held = addresses.of_person(tx, row.id)
        counter = ctx.keyring.address_hash(f"asked to confirm {new.key}")
        asked_before = throttles.taken(tx, counter, _DAY, now=now)
        throttles.add(tx, counter, now=now)
        too_often = mailed_links.made_since(tx, row.id, Errand.ADDRESS.value, now - _DAY) >= MOST_ASKED
        if not held or asked_before or too_often or erased(ctx, tx, new.key, row.name):
            return
        payload = {"new": new.text, "old": held[0].key}
        made, link = fresh_links.make(ctx, tx, row.id, Errand.ADDRESS, payload=payload)
        facts: dict[str, Fact] = {
            "confirm_url": address_of(ctx, f"/manage/address/{made}"),
            "old_address": masked(held[0].email),
            "asked_at": now,
            "expires_at": link.expires_at,
        }
        to = To(address=new, person=row.id, language=row.language or "")
        key = f"address_confirm {row.id}"
        notices.put(ctx, tx, Waiting(template="address_confirm", to=to, ground=Ground.REQUESTED, facts=facts, key=key))


def view(ctx: Context, secret: str) -> Move:
    """Return what the page of the link says; raise LinkOver or LinkBroken. It changes nothing (D8)."""
    with ctx.db.read() as tx:
        row, link = _asker(ctx, tx, secret)
        return _move(tx, row, link)


def confirm(ctx: Context, secret: str) -> Move:
    """Let mail go to the new address from now on, and tell the old one, which is no longer theirs here.

    Raises LinkOver, also for a second try, or LinkBroken; Conflict when the new address was erased since (D7).
    """
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        row, link = _asker(ctx, tx, secret)
        move = _move(tx, row, link)
        new = parsing.parse(move.new)
        mailed_links.use(tx, link.id, now=now)
        if erased(ctx, tx, new.key, row.name):
            raise LinkBroken
        old = next((each for each in addresses.of_person(tx, row.id) if each.key == link.payload.get("old")), None)
        number = addresses.ensure(tx, new, now=now)
        addresses.link(tx, row.id, number)
        addresses.prefer(tx, row.id, number)
        if old is not None and old.key != new.key:
            told: dict[str, Fact] = {"new_address": masked(new.text), "changed_at": now}
            to = To(address=parsing.parse(old.email), person=row.id, language=row.language or "")
            notices.put(ctx, tx, Waiting(template="address_changed", to=to, ground=Ground.REQUESTED, facts=told))
            addresses.unlink(tx, row.id, old.id)
        mailed_links.use_all(tx, row.id, [errand.value for errand in Errand], now=now)
        detail = {"changed": ["preferred address"]}
        audit.note_person(tx, row.id, "edited", actor=THEMSELVES, now=now, detail=detail)
        rounds.corrected(ctx, tx, row.id)
        return move


def _asker(ctx: Context, tx: Tx, secret: str) -> tuple[PersonRow, MailedLinkRow]:
    link = fresh_links.find(ctx, tx, secret, Errand.ADDRESS)
    row = leaving.living(tx, link.person_id)
    if row is None:
        raise LinkBroken
    return row, link


def _move(tx: Tx, row: PersonRow, link: MailedLinkRow) -> Move:
    held = {each.key: each.email for each in addresses.of_person(tx, row.id)}
    old = held.get(link.payload.get("old", ""), "")
    return Move(str(link.payload.get("new", "")), masked(old) if old else "", row.language)
