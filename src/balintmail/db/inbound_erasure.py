"""Empty what came in of a person who is erased: their letters, the reports about them, and what they asked for (S45).

A message by them or about one of their letters loses its octets and its header; one of somebody else's keeps all but
their addresses, in whatever spelling mail systems give these. Called by db/erasure.py, which knows what is looked for.
"""

import base64
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.mentions import orders
from balintmail.db.models import AwaitedReply, CopyRequest, Delivery, Draft, InboundMessage, ReturnEvent
from balintmail.db.models_archive import CopyTerms, ReadingLink
from balintmail.db.session import Tx
from balintmail.domain.states import InboundState

_BATCH = 200  # messages held in memory while a full inbox streams by
# The sign as itself; and quoted-printable, in a URL, in xtext (RFC 3461), in an envelope (owner-maria=example.org).
_PLAIN = (rb"(?<![\w.+-])", rb"@")
_OTHERWISE = (rb"(?<![A-Za-z0-9])", rb"(?:=40|%40|\+40|=)")
_GONE: dict[str, Any] = {"raw": None, "sender": "", "sender_key": "", "subject": "", "message_id": "", "remark": ""}


def empty(
    tx: Tx, people: Sequence[int], keys: Sequence[str], spellings: Sequence[str], names: Sequence[str] = ()
) -> None:
    """Take people with these numbers, address keys, spellings of addresses and whole names out of all that came in."""
    theirs = select(Delivery.id).where(Delivery.person_id.in_(people) | Delivery.address_key.in_(keys))
    _messages(tx, people, keys, theirs)
    _mentions(tx, spellings, names)
    about = ReturnEvent.person_id.in_(people) | ReturnEvent.address_key.in_(keys)
    tx.execute(sa.delete(ReturnEvent).where(about | ReturnEvent.delivery_id.in_(theirs)))
    asked = CopyRequest.person_id.in_(people) | CopyRequest.address_key.in_(keys)
    requests = select(CopyRequest.id).where(asked)
    links = ReadingLink.person_id.in_(people) | ReadingLink.request_id.in_(requests)
    tx.execute(sa.delete(ReadingLink).where(links))
    tx.execute(sa.delete(CopyTerms).where(CopyTerms.request_id.in_(requests)))
    tx.execute(sa.delete(CopyRequest).where(asked))
    awaited = AwaitedReply.person_id.in_(people) | AwaitedReply.delivery_id.in_(theirs)
    tx.execute(sa.delete(AwaitedReply).where(awaited))
    tx.execute(sa.delete(Draft).where(Draft.officer_id.in_(people)))


def _messages(tx: Tx, people: Sequence[int], keys: Sequence[str], theirs: "sa.Select[int]") -> None:
    """Empty the messages that are by these people or about letters to them; what waits of them waits no more."""
    m = InboundMessage
    about = ReturnEvent.person_id.in_(people) | ReturnEvent.address_key.in_(keys)
    told = select(ReturnEvent.message_id).where(about)
    mine = m.person_id.in_(people) | m.sender_key.in_(keys) | m.delivery_id.in_(theirs) | m.id.in_(told)
    tx.execute(sa.update(m).where(mine & (m.state != InboundState.NEW)).values(**_GONE, state=InboundState.DONE))


def _mentions(tx: Tx, spellings: Sequence[str], names: Sequence[str]) -> None:
    """Take these addresses and names out of the octets of all other messages; where they stand in base64, these go."""
    if not spellings and not names:
        return
    patterns = [_pattern(spelling, *how) for spelling in spellings for how in (_PLAIN, _OTHERWISE)]
    patterns += [_pattern_of_name(words) for name in names for words in orders(name)]
    whole = [" ".join(words) for name in names for words in orders(name)]
    encoded = [fragment for text in (*spellings, *whole) for fragment in _encoded(text)]
    m = InboundMessage
    last = 0
    while batch := tx.execute(
        select(m.id, m.raw, m.state).where(m.id > last, m.raw.is_not(None)).order_by(m.id).limit(_BATCH)
    ).all():
        for number, raw, state in batch:
            blotted = _blotted(raw or b"", patterns, encoded)
            if blotted != raw:
                unread = state is InboundState.NEW  # nobody knows yet whose it is; it is theirs, or about them
                values = {**_GONE, "state": InboundState.DONE} if unread else {"raw": blotted}
                tx.execute(sa.update(m).where(m.id == number).values(values))
        last = batch[-1][0]


def _blotted(raw: bytes, patterns: Sequence[re.Pattern[bytes]], encoded: Sequence[bytes]) -> bytes | None:
    if b"base64" in raw.lower():
        joined = re.sub(rb"\s", b"", raw)
        if any(fragment in joined for fragment in encoded):
            return None
    for pattern in patterns:
        raw = pattern.sub(b"(erased)", raw)
    return raw


def _pattern(spelling: str, before: bytes, sign: bytes) -> re.Pattern[bytes]:
    local, _, domain = spelling.rpartition("@")
    names = re.escape(local.encode()) + sign + re.escape(domain.encode())
    return re.compile(before + names + rb"(?![\w-])", re.IGNORECASE)


def _pattern_of_name(words: Sequence[str]) -> re.Pattern[bytes]:
    """Find a name in UTF-8 or Latin-1, plain, quoted-printable, or in an encoded word (RFC 2045, RFC 2047)."""
    between = rb"(?:,|=2C)?(?:[\s_]|=20|=\r?\n|\?=\s*=\?[^?\s]+\?[Qq]\?)+"
    soft_break = rb"(?:=\r?\n)?"  # quoted-printable may end a line anywhere
    found = between.join(soft_break.join(map(_letter, word)) for word in words)
    return re.compile(rb"(?<![A-Za-z0-9])" + found + rb"(?![A-Za-z0-9])", re.IGNORECASE)


def _letter(letter: str) -> bytes:
    if letter.isascii():
        return re.escape(letter.encode())
    spelled: set[bytes] = set()
    for charset in ("utf-8", "iso-8859-1", "iso-8859-2"):
        with suppress(UnicodeEncodeError):
            octets = letter.encode(charset)
            spelled |= {re.escape(octets), b"".join(b"=%02X" % octet for octet in octets)}
    return b"(?:" + b"|".join(sorted(spelled)) + b")"


def _encoded(spelling: str) -> Iterator[bytes]:
    """Yield what base64 makes of an address at each of the three places where it may begin (RFC 4648 section 4)."""
    for text in {spelling, spelling.lower()}:
        raw = text.encode()
        for shift in range(3):
            whole = base64.b64encode(b"\0" * shift + raw)
            begin = -(-shift * 4 // 3)  # the first sign that shares no bit with what stands before
            end = (shift + len(raw)) * 8 // 6
            yield whole[begin:end]
