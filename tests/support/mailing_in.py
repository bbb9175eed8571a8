"""What tests of newsletters that come by mail share: the mails, the society that they come to, the links in answer."""

from dataclasses import replace
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from balintmail.db import officers
from balintmail.db.models import Draft, Mailing
from balintmail.domain.states import Role
from balintmail.services import drafts
from balintmail.services.context import Context
from balintmail.services.subscriptions import Joining, subscribe
from balintmail.setting_inbox import Inbox
from tests.support import joining, society
from tests.support.answering import arrives

EXAMPLES = Path(__file__).parents[2] / "examples"
TO = "newsletter-draft@example.org"
EDITOR = "editor@example.org"
BODY = 'Dear {{ person.first_name | default("reader") }},\n\nthree new groups begin in January.\n'
_NUMBER = count(1)


def with_drafts(ctx: Context, address: str = TO) -> Context:
    """Return the context with an address for drafts in its settings."""
    boxes = {"office": Inbox(host="imap.example.org", drafts=address)}
    return replace(ctx, settings=ctx.settings.model_copy(update={"inbox": boxes}))


def a_society(ctx: Context, readers: int = 2) -> Context:
    """Enter the Secretary, an editor and some readers; return the context with an address for drafts."""
    society.found(ctx)
    return joined(ctx, readers)


def joined(ctx: Context, readers: int = 2) -> Context:
    """Enter an editor and some readers of a society that was founded; return it with an address for drafts."""
    with ctx.db.write() as tx:
        editor = society.enter(ctx, tx, "Bálint Mihály", EDITOR)
        officers.appoint(tx, editor, Role.EDITOR, now=ctx.clock.now())
    for number in range(readers):
        subscribe(ctx, [f"reader{number}@example.net"], Joining(name=f"Reader {number}"))
    return with_drafts(ctx)


def mail(text: str = BODY, *, html: str = "", files: dict[str, bytes] | None = None, **fields: str) -> bytes:
    """Return a mail to the address for drafts; `fields` are of its header."""
    message = EmailMessage()
    usual = {"From": f"Enid Example <{society.SECRETARY}>", "To": TO, "Subject": "Groups this winter"}
    for name, value in {**usual, "Message-ID": f"<{next(_NUMBER)}@example.org>", **fields}.items():
        message[name.replace("_", "-")] = value
    if text:
        message.set_content(text)
    if html:
        (message.add_alternative if text else message.set_content)(html, subtype="html")
    for name, octets in (files or {}).items():
        kind = ("image", "png") if name.endswith(".png") else ("application", "octet-stream")
        message.add_attachment(octets, maintype=kind[0], subtype=kind[1], filename=name)
    return message.as_bytes()


def example(sender: str = society.SECRETARY) -> bytes:
    """Return a mail that brings the newsletter of the examples as a file, with its pictures, without its number."""
    lines = (EXAMPLES / "newsletter.md").read_text("utf-8").split("\n")
    letter = "\n".join(line for line in lines if not line.startswith("number:"))
    beside = [*sorted((EXAMPLES / "pictures").iterdir()), EXAMPLES / "oxford-weekend-2027.ics"]
    files = {one.name: one.read_bytes() for one in beside}
    return mail("The next one.\n", files={"newsletter.md": letter.encode(), **files}, From=sender)


def comes(ctx: Context, raw: bytes | None = None) -> Any:
    """Let a newsletter come in by mail and be checked; return its row."""
    arrives(ctx, mail() if raw is None else raw)
    drafts.answer_waiting(ctx)
    return rows(ctx)[-1] if rows(ctx) else None


def rows(ctx: Context) -> list[Any]:
    with ctx.db.read() as tx:
        return list(tx.execute(sa.select(Draft.__table__).order_by(Draft.id)))


def mailings(ctx: Context) -> list[Any]:
    """Return every mailing that is no notice."""
    with ctx.db.read() as tx:
        query = sa.select(Mailing.__table__).where(Mailing.kind != "notice").order_by(Mailing.id)
        return list(tx.execute(query))


def told(ctx: Context) -> list[dict[str, Any]]:
    """Return the mails about drafts that wait, each with its facts and whom it goes to."""
    return [dict(one) for one in joining.waiting(ctx, "draft")]


def path(ctx: Context) -> str:
    """Return the path of the link in the newest mail to the Secretary about a draft."""
    found = [one["facts"]["release_url"] for one in told(ctx) if one["facts"].get("release_url")]
    return urlsplit(str(found[-1])).path


def token(ctx: Context) -> str:
    return path(ctx).rpartition("/")[2]
