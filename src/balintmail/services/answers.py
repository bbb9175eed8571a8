"""Know what a plain reply to one of our mails stands for: the link that was in it.

A mail that asks something carries a token in its reply address; where the host takes no such addresses, our Message-ID
in In-Reply-To is the token, and as whoever we write to may show that to others, the From has to fit besides. What it
was about is kept beside the ledger, whose letters forget what they were filled with. It carries nothing out.
"""

from collections.abc import Sequence
from datetime import timedelta

from balintmail.config import BounceStyle
from balintmail.db import addresses, awaited_replies
from balintmail.db import inbox as messages
from balintmail.db.awaited_replies import Awaited
from balintmail.db.ledger import Addressee
from balintmail.db.session import Tx
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.inbox import Proof
from balintmail.domain.tokens import Purpose, TokenClaims, make, read
from balintmail.services.context import Context

KEPT = timedelta(days=100)  # longer than any request waits by default
_LINKS = (
    Purpose.CONFIRM, Purpose.DECIDE, Purpose.COPY, Purpose.COPY_WISH, Purpose.COPY_QUOTE, Purpose.LEAVE,
)  # fmt: skip


def possible(ctx: Context) -> bool:
    """Say whether what is answered comes to the program at all: somewhere it reads mail, or bounces have an address."""
    return bool(ctx.settings.bounces.address or ctx.settings.inbox)


def expect(ctx: Context, tx: Tx, mailing_id: int, asked: Sequence[tuple[Addressee, str]]) -> None:
    """Note for the letters of a mailing which token a reply to each stands for."""
    awaited = [Awaited(who, claims) for who, token in asked if (claims := _claims(ctx, token)) is not None]
    if awaited:
        awaited_replies.enter(tx, mailing_id, awaited, expires_at=ctx.clock.now() + KEPT)


def meant(ctx: Context, tx: Tx, proof: Proof, sender: str) -> str:
    """Return the token of the link that a message answers, "" where it answers none of ours.

    `sender` is what its From says.
    """
    found = {claims for claims in _answered(ctx, tx, proof, sender) if claims is not None}
    if len(found) != 1:  # one that answers several at once is for a person to read
        return ""
    return make(found.pop(), ctx.keyring.tokens)


def tidy(ctx: Context) -> None:
    """Forget letters that nobody answered in time."""
    with ctx.db.read() as tx:
        if not awaited_replies.any_expired(tx, ctx.clock.now()):
            return
    with ctx.db.write() as tx:
        awaited_replies.forget(tx, ctx.clock.now())


def _answered(ctx: Context, tx: Tx, proof: Proof, sender: str) -> list[TokenClaims | None]:
    """Return what the letters that a message names stand for; a reply address says more than a Message-ID."""
    now = ctx.clock.now()
    replies = [one.claims.delivery for one in proof.ours if one.claims.purpose is Purpose.REPLY]
    if replies:
        return [awaited_replies.of_delivery(tx, number, now=now) for number in replies]
    bounces = ctx.settings.bounces
    if bounces.address and bounces.style is not BounceStyle.PLAIN:
        return []
    named = [one.claims.delivery for one in proof.ours if one.claims.purpose is Purpose.MESSAGE_ID]
    key = _key(sender)
    return [awaited_replies.of_delivery(tx, number, now=now) for number in named if key in _keys(tx, number)]


def _keys(tx: Tx, delivery: int) -> set[str]:
    """Return the addresses from which whoever got a letter may answer it: where it went, and their others."""
    letter = messages.about(tx, delivery)
    if letter is None or not letter.address_key:
        return set()
    return {letter.address_key, *(one.key for one in addresses.of_person(tx, letter.person) if letter.person)}


def _claims(ctx: Context, token: str) -> TokenClaims | None:
    found = (read(token, purpose, ctx.keyring.verifying) for purpose in _LINKS)
    return next((claims for claims in found if claims is not None), None)


def _key(address: str) -> str:
    try:
        return parse(address).key
    except AddressRefused:
        return ""
