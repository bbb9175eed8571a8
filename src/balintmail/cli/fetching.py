"""`balintmail inbox fetch` and `pipe`: how mail comes in."""

import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app

if TYPE_CHECKING:
    from types import FrameType

    from balintmail.services.context import Context
    from balintmail.services.fetching import Fetched, Round

TEMPFAIL = 75  # sysexits.h: a mail server that gets it keeps the message and tries again
_SECONDS = 600.0  # for one fetch; what is left then comes with the next
_PATIENCE = 60.0  # seconds to wait for another process that reads
_PIPE_PATIENCE = 20.0
_LARGEST = 30_000_000  # octets kept of what comes on standard input; of more, the beginning
_MBOX = re.compile(rb">?From [^\n]*\n")  # the line that some mail servers put before a message
_ENVELOPE = ("ORIGINAL_RECIPIENT", "RECIPIENT")  # what Postfix sets for a command in an alias


@click.command(cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--watch", is_flag=True, help="Stay in the foreground and read whatever comes as it comes.")
@pass_app
def fetch(app: App, names: tuple[str, ...], watch: bool) -> int:
    """Read the mailboxes of the settings, or those NAMEd, and act on what came.

    Each message is stored here first and only then marked there; twice is harmless. `dispatch` does the same from
    cron. Exit 1 when a mailbox could not be read.
    """
    from balintmail.config import ConfigError  # noqa: PLC0415
    from balintmail.services import fetching  # noqa: PLC0415

    with app.instance() as instance:
        ctx = instance.context(actor=app.options.by or "inbox")
        if not ctx.settings.inbox:
            raise ConfigError("No mailbox is set.", hint="Describe one under [inbox.NAME]; docs/inbox.md shows how.")
        if watch:
            return _watch(app, ctx, names)
        return _tell(app, fetching.fetch(ctx, names, patience=_PATIENCE, seconds=_SECONDS))


@click.command(cls=Command)
@click.option("--to", "recipient", metavar="ADDRESS", default="", help="The envelope's recipient, where it is known.")
@pass_app
def pipe(app: App, recipient: str) -> int:
    """Take one message on standard input, from a mail server's alias or a .forward file, and act on it.

    Exit 75 when it could not be stored, so that the mail server keeps it and tries again.
    """
    stored = False
    try:
        with app.instance() as instance:
            ctx = instance.context(actor=app.options.by or "inbox")
            _store(ctx, recipient)
            stored = True
            from balintmail.services import fetching  # noqa: PLC0415  (heavy: only once the message is safe)

            fetching.process(ctx, patience=_PIPE_PATIENCE)
    except Exception as exc:
        from balintmail.cli.failure import explained  # noqa: PLC0415

        # What is stored is ours: a second copy from the mail server would be a second message.
        app.out.note(f"{'Stored, but not acted on yet' if stored else 'The message was not taken'}: {explained(exc)}")
    return 0 if stored else TEMPFAIL


@click.command(cls=Command)
@click.argument("name", metavar="NAME")
@pass_app
def authorise(app: App, name: str) -> None:
    """Let a mailbox at Microsoft or Google be read: open an address, agree there, paste where the browser ended.

    The tokens are kept in oauth/NAME.json, which only this user of the machine can read.
    """
    from balintmail.receiving import oauth  # noqa: PLC0415
    from balintmail.services import fetching  # noqa: PLC0415

    with app.context() as ctx:
        box = fetching.box(ctx, name)
        question = oauth.ask(fetching.grant(ctx, name), box.username)
        app.out.note(f"Open this address as {box.username or 'the owner of the mailbox'} and agree:")
        app.out.note(question.url)
        app.out.note(
            "The browser ends at an address that begins with http://localhost and cannot be reached. Paste it:"
        )
        fetching.tokens(ctx, name).begin(question, sys.stdin.readline(20_000), ctx.clock.now())
        app.out.line(f"The mailbox {name} can be read. Try it: balintmail inbox fetch {name}")
        app.out.json({"mailbox": name, "authorised": True})


COMMANDS = (fetch, pipe, authorise)


def _watch(app: App, ctx: "Context", names: tuple[str, ...]) -> int:
    from balintmail.services.watching import Watch  # noqa: PLC0415

    watch = Watch(ctx, names)

    def stop(_number: int, _frame: "FrameType | None") -> None:
        watch.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    app.out.line("Watching. Ctrl-C stops it.")
    sys.stdout.flush()
    said: dict[str, str] = {}

    def tell(round_: "Round") -> None:
        if any(one.stored for one in round_.fetched) or round_.read:
            app.out.line(_summary(round_))
        for one in round_.fetched:
            which, error = f"{one.name}/{one.folder}", _error(one)
            if error and said.get(which) != error:
                app.out.note(f"{which}: {error}")
            said[which] = error
        sys.stdout.flush()

    watch.run(tell)
    return 0


def _tell(app: App, round_: "Round") -> int:
    if round_.busy:
        app.out.line("Another process reads the mailboxes; there is nothing to do here.")
    rows = [(one.name, one.folder, one.stored, _error(one)) for one in round_.fetched]
    if rows:
        app.out.table(("mailbox", "folder", "new", "trouble"), rows)
        app.out.line(_summary(round_))
    app.out.json(
        {
            "mailboxes": [
                {"mailbox": name, "folder": folder, "stored": stored, "error": error}
                for name, folder, stored, error in rows
            ],
            "read": round_.read,
            "set_aside": round_.set_aside,
            "busy": round_.busy,
        }
    )
    return 1 if round_.busy or any(one.error for one in round_.fetched) else 0


def _summary(round_: "Round") -> str:
    words = f"{round_.read} read" if round_.read else "Nothing new."
    return f"{words}, {round_.set_aside} set aside: balintmail inbox list" if round_.set_aside else words


def _error(one: "Fetched") -> str:
    return f"{one.error.message} {one.error.hint}".strip() if one.error is not None else ""


def _store(ctx: "Context", recipient: str) -> None:
    from balintmail.db import inbox  # noqa: PLC0415
    from balintmail.domain.inbox import PIPE  # noqa: PLC0415

    raw = sys.stdin.buffer.read(_LARGEST)
    size = len(raw)
    while more := sys.stdin.buffer.read(1 << 20):
        size += len(more)
    if not raw.strip():
        return
    remark = f"larger than {_LARGEST:,} octets: the beginning is kept here" if size > len(raw) else ""
    known = recipient or next((os.environ[name] for name in _ENVELOPE if os.environ.get(name)), "")
    head = _delivered_to(known)
    first, raw = (raw[: raw.index(b"\n") + 1], raw[raw.index(b"\n") + 1 :]) if _MBOX.match(raw) else (b"", raw)
    whole = first + head + raw
    arrival = inbox.Arrival(
        mailbox=PIPE, place="", raw=whole, size=len(head) + size, received_at=ctx.clock.now(), remark=remark
    )
    with ctx.db.write() as tx:
        inbox.store(tx, arrival)


def _delivered_to(recipient: str) -> bytes:
    """Return a header that keeps the envelope's recipient, who holds our token; nothing for what is no address."""
    text = recipient.strip()
    if "@" not in text or len(text) > 320 or not text.isprintable() or " " in text:
        return b""
    return f"X-Original-To: {text}\n".encode()
