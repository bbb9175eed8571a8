"""Make and read the links that open somebody's own page: random, short-lived, known here by their hash alone (3.1).

A footer's link goes on for ever and may have been forwarded; what edits, exports or erases needs one of these, mailed
to the person's own address. Looking at one never uses it up (D8). The rows: db/mailed_links.py.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from balintmail.db import mailed_links
from balintmail.db.mailed_links import MailedLinkRow
from balintmail.db.session import Tx
from balintmail.services.context import Context
from balintmail.services.leaving import LinkBroken

SECRET_BYTES = 32
KEPT = timedelta(days=30)  # after its end, so that an old link gets a kind page
_SPELLED = re.compile(r"[A-Za-z0-9_-]{43}")  # what 32 bytes are in base64url (RFC 4648 section 5), and nothing else


class Errand(StrEnum):
    """What a link is for; it does nothing else."""

    MANAGE = "manage"  # a person's own page
    ADDRESS = "address"  # confirms the new address that it was mailed to
    ROUND = "round"  # a person's own page, for as long as a round of details runs; it neither exports nor erases


# A relay with an hourly limit, or a host that wants to be asked twice, may take hours to pass the mail on.
LASTS = {Errand.MANAGE: timedelta(hours=6), Errand.ADDRESS: timedelta(days=2)}
_BESIDE = frozenset({Errand.ROUND})  # a reminder's link does not end the first letter's


class LinkOver(LinkBroken):
    """A link that was good once: its time has run out, or it was used up."""

    code = "link_over"

    def __init__(self, row: MailedLinkRow) -> None:
        super().__init__()
        self.message, self.hint = "This link has run out.", "Ask for a new one."
        self.row = row


def make(
    ctx: Context,
    tx: Tx,
    person_id: int,
    errand: Errand,
    *,
    payload: Mapping[str, str] | None = None,
    lasts: timedelta | None = None,
) -> tuple[str, MailedLinkRow]:
    """Enter a link for a person and return its secret and its row; older ones for the same errand end.

    It lasts as long as its errand's do, unless `lasts` says otherwise. Those of a round stand beside each other.
    """
    now = ctx.clock.now()
    if errand not in _BESIDE:
        mailed_links.use_all(tx, person_id, [errand.value], now=now)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = MailedLinkRow(0, errand.value, person_id, dict(payload or {}), now, now + (lasts or LASTS[errand]), None)
    mailed_links.add(tx, row, _hash(secret))
    return secret, row


def find(ctx: Context, tx: Tx, secret: str, *errands: Errand) -> MailedLinkRow:
    """Return the link with that secret for one of these errands.

    Raises LinkOver when its time has run out, LinkBroken when there is none.
    """
    if not _SPELLED.fullmatch(secret):
        raise LinkBroken
    row = mailed_links.of_hash(tx, _hash(secret))
    if row is None or row.purpose not in {errand.value for errand in errands}:
        raise LinkBroken
    if row.used_at is not None or row.expires_at <= ctx.clock.now():
        raise LinkOver(row)
    return row


def tidy(ctx: Context) -> int:
    """Forget links that ran out long ago; return how many."""
    before = ctx.clock.now() - KEPT
    with ctx.db.read() as tx:
        if not mailed_links.any_expired(tx, before):
            return 0
    with ctx.db.write() as tx:
        return mailed_links.tidy(tx, expired_before=before)


def forget_sent(ctx: Context) -> int:
    """Take the secrets of links that have left out of the ledger, which is done with them; return how many."""
    since = ctx.clock.now() - max(LASTS.values())
    with ctx.db.read() as tx:
        if not mailed_links.forget_sent(tx, finished_since=since, write=False):
            return 0
    with ctx.db.write() as tx:
        return mailed_links.forget_sent(tx, finished_since=since, write=True)


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash: nobody can try them through.
    return hashlib.sha256(secret.encode("ascii")).digest()
