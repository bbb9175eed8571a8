"""What tests of answered letters share: the letters as they would leave, and the messages that come back."""

import hashlib
import re
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from balintmail.composing.compiled import Compiled
from balintmail.composing.merge import Merger
from balintmail.config import Bounces, BounceStyle
from balintmail.db import inbox as messages
from balintmail.db import mailings
from balintmail.db.inbox import Arrival
from balintmail.db.models import Delivery, InboundMessage
from balintmail.domain.recipient import Recipient, decode
from balintmail.receiving.process import Reader
from balintmail.services.context import Context
from balintmail.services.inbox import process
from tests.support import society


def with_bounces(context: Context, style: BounceStyle, address: str = "bounces@example.org") -> Context:
    bounces = Bounces(address=address, style=style)
    return replace(context, settings=context.settings.model_copy(update={"bounces": bounces}))


def letters(ctx: Context, address: str = society.SECRETARY) -> list[str]:
    """Return every letter that waits in the ledger for an address, as it would leave."""
    found = []
    with ctx.db.read() as tx:
        mine = (Delivery.address == address) & (Delivery.data.is_not(None))
        for row in tx.execute(sa.select(Delivery.__table__).where(mine).order_by(Delivery.id)).all():
            compiled = Compiled.load(mailings.compiled(tx, row.mailing_id))
            who = Recipient(row.id, row.person_id or 0, 0, row.address, row.envelope, decode(row.data))
            found.append(Merger(compiled, ctx.keyring).compose(who).data.decode("ascii"))
    return found


def field(letter: str, name: str) -> str:
    found = re.search(rf"(?m)^{name}: (.*?)\r$", letter)
    return found[1] if found else ""


def token_of(ctx: Context, letter: str) -> str:
    """Return the token that comes back with a reply: of the reply address, else of our Message-ID."""
    plain = ctx.settings.bounces.style is BounceStyle.PLAIN
    found = re.search(r"[a-z2-7]{30,}", field(letter, "Message-ID" if plain else "Reply-To"))
    assert found is not None
    return found[0]


def reply(letter: str, text: str, *, sender: str = society.SECRETARY, **more: str) -> bytes:
    """Return an answer to a letter as a mail program makes it, with the letter quoted below; `more` are fields."""
    to = field(letter, "Reply-To") or field(letter, "From")
    message_id = field(letter, "Message-ID")
    fields = {
        "From": f"Enid Example <{sender}>",
        "To": to,
        "Subject": "Re: a request",
        "In-Reply-To": message_id,
        "References": message_id,
        "Message-ID": f"<{abs(hash((text, message_id)))}@example.org>",
        "Content-Type": "text/plain; charset=utf-8",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    quoted = "\r\n".join(f"> {line}" for line in letter.split("\r\n")[:10])
    body = f"{text}\r\n\r\nOn Monday the Society wrote:\r\n{quoted}\r\n"
    return f"{head}\r\n{body}".encode()


def arrives(ctx: Context, raw: bytes, *, mailbox: str = "pipe") -> Any:
    """Let a message come in and be acted on; return its row."""
    with ctx.db.write() as tx:
        arrival = Arrival(mailbox=mailbox, place="", raw=raw, size=len(raw), received_at=ctx.clock.now())
        messages.store(tx, arrival)
    with Reader() as reader:
        process(ctx, reader)
    with ctx.db.read() as tx:
        return tx.execute(
            sa.select(InboundMessage.__table__).where(InboundMessage.digest == hashlib.sha256(raw).digest())
        ).one()
