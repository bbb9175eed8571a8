"""`balintmail inbox list`, `show`, `assign`, `done`, `retry`, `forward`: what waits, and what is done about it.

What a stranger wrote is shown with its control characters made visible, and opened in a process of its own; HTML is
written harmless or not at all, and files get safe names. It decides nothing; services/correspondence.py does.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.output import Tone, cut
from balintmail.domain.states import InboundState
from balintmail.errors import BalintmailError, NotFound

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from balintmail.db.correspondence import MessageRow
    from balintmail.receiving.opening import Opened

_KINDS = ("bounce", "complaint", "auto_reply", "command", "letter", "broken")
_WAITING = (InboundState.NEW, InboundState.WAITING, InboundState.SET_ASIDE)
_STATE_WORDS = {
    InboundState.NEW: "not read yet",
    InboundState.DONE: "done",
    InboundState.WAITING: "waits",
    InboundState.SET_ASIDE: "set aside",
}
_CELL = 60  # columns of a subject or remark in the table; `inbox show` and --json have all of it
_NUMBER = click.argument("number", metavar="N", type=click.IntRange(1))


class CannotOpen(BalintmailError):
    """The process that opens letters broke over one."""

    code = "cannot_open"


@click.command("list", cls=Command)
@click.option("--all", "everything", is_flag=True, help="Also what was done, by a person or by the program.")
@click.option("--kind", type=click.Choice(_KINDS), multiple=True, help="Of one kind (can be repeated).")
@click.option("--person", "who", metavar="PERSON", default="", help="Filed under one person.")
@click.option("--for", "officer", metavar="PERSON", default="", help="Taken on by one officer.")
@click.option("--mailbox", metavar="NAME", default="", help='From one mailbox; "pipe" is standard input.')
@click.option("--last", "most", metavar="NUMBER", type=click.IntRange(1), default=1000, help="The newest (1000).")
@pass_app
def list_messages(app: App, /, everything: bool, kind: tuple[str, ...], most: int, **named: str) -> None:
    """Show the messages that wait for a person, the oldest first, and those that were set aside with the reason."""
    from balintmail.db import correspondence, people  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.db.correspondence import Wanted  # noqa: PLC0415
    from balintmail.domain.times import table_form  # noqa: PLC0415
    from balintmail.services.people import find, find_one  # noqa: PLC0415

    with app.context() as ctx, ctx.db.read() as tx:
        zone = ctx.settings.zone
        known = {"pipe", *ctx.settings.inbox, *correspondence.mailboxes(tx)}
        if (box := named["mailbox"]) and box not in known:
            raise NotFound(f'There is no mailbox "{box}".', hint=f"Known: {', '.join(sorted(known))}.")
        filed = [row.id for row in find(tx, named["who"])] if named["who"] else []
        filed += [number for one in filed for number in people.absorbed(tx, one)]
        taker = find_one(tx, named["officer"]).id if named["officer"] else None
        states = () if everything else _WAITING
        found = correspondence.listed(tx, Wanted(states, kind, filed, taker, named["mailbox"], most))
        documents = [document(row, zone) for row in found]
    app.out.json(documents)
    if not found:
        app.out.line("No message waits. What was done: balintmail inbox list --all")
        return
    rows = [
        (
            row.id,
            table_form(row.received_at, zone),
            row.kind.replace("_", " ") or "-",
            _STATE_WORDS[row.state] + (f", {row.assigned_name or row.assigned}" if row.assigned else ""),
            row.sender,
            cut(row.subject, _CELL),
            cut(row.remark, _CELL),
        )
        for row in found
    ]
    app.out.table(("message", "came", "kind", "state", "says it is from", "subject", "remark"), rows)


@click.command(cls=Command)
@_NUMBER
@click.option("--raw", "as_it_came", is_flag=True, help="Write the message as it came, octet for octet.")
@click.option("--html", "page", metavar="FILE", default="", help="Write its HTML, made harmless, as a page of its own.")
@click.option("--save", "folder", metavar="DIR", default="", help="Write its files into a folder, under safe names.")
@pass_app
def show(app: App, number: int, as_it_came: bool, page: str, folder: str) -> None:
    """Show one message: who it says it is from, its words, its files, and what became of it.

    Nothing in it is opened, unpacked or run, and no picture is fetched.
    """
    from balintmail.receiving.opening import Opened, Opener  # noqa: PLC0415  (only here)
    from balintmail.services import correspondence  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        with ctx.db.read() as tx:
            row = correspondence.shown(tx, number)
            raw = correspondence.raw(tx, number) if as_it_came or page or folder or row.kept else b""
        zone = ctx.settings.zone
    if as_it_came:
        app.out.octets(raw)
        return
    with Opener() as opener:
        letter = opener.open(raw) if row.kept else Opened({}, "", "", (), why="its text is kept no longer")
        saved = _save(opener, raw, Path(folder)) if folder else []
    if page:
        _write_page(app, row, letter, Path(page))
    app.out.json(document(row, zone) | _contents(letter) | {"saved": saved})
    _describe(app, row, letter, zone)
    for path in saved:
        app.out.line(f"  saved: {path}")


@click.command(cls=Command)
@_NUMBER
@click.argument("who", metavar="[OFFICER]", default="")
@click.option("--nobody", is_flag=True, help="Take it from whoever has it.")
@pass_app
def assign(app: App, number: int, who: str, nobody: bool) -> None:
    """Give a message to an officer, named by office ("treasurer"), number or address."""
    from balintmail.services import correspondence  # noqa: PLC0415  (loads SQLAlchemy)

    if bool(who) == nobody:
        raise click.UsageError("Name an officer, or say --nobody.")
    with app.context() as ctx:
        row, name = correspondence.assign(ctx, number, who)
    app.out.json({"id": row.id, "assigned": name or None})
    app.out.line(f"Message {row.id} is {name}'s now." if name else f"Message {row.id} is nobody's now.")


@click.command(cls=Command)
@click.argument("numbers", metavar="N...", nargs=-1, required=True, type=click.IntRange(1))
@click.option("--undo", is_flag=True, help="Let them wait again.")
@pass_app
def done(app: App, numbers: tuple[int, ...], undo: bool) -> None:
    """Put messages away as dealt with; they stay on record, and their text as long as [letters] keep says."""
    from balintmail.services import correspondence  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        act = correspondence.reopen if undo else correspondence.close
        results = [(number, act(ctx, number)) for number in dict.fromkeys(numbers)]
    word, state = ("waits", "waiting") if undo else ("is done", "done")
    app.out.json([{"id": number, "state": state, "changed": changed} for number, changed in results])
    for number, changed in results:
        app.out.line(f"Message {number} {word}{'' if changed else ' already'}.")


@click.command(cls=Command)
@click.argument("numbers", metavar="N...", nargs=-1, required=True, type=click.IntRange(1))
@pass_app
def retry(app: App, numbers: tuple[int, ...]) -> None:
    """Let messages that were set aside be read once more, as after an update; the next fetch does it."""
    from balintmail.services import correspondence  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        for number in dict.fromkeys(numbers):
            correspondence.read_again(ctx, number)
    app.out.json([{"id": number, "state": "new"} for number in dict.fromkeys(numbers)])
    app.out.line("They are read again by the next: balintmail inbox fetch")


@click.command(cls=Command)
@_NUMBER
@click.option("--to", "who", metavar="OFFICER", default="", help="An office, or the number or address of an officer.")
@pass_app
def forward(app: App, number: int, who: str) -> None:
    """Send a message's words on by mail: to --to, else to whoever has it, else to the Secretary."""
    from balintmail.receiving.opening import Opener  # noqa: PLC0415  (only here)
    from balintmail.services import correspondence  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        with ctx.db.read() as tx:
            raw = correspondence.raw(tx, number)
        with Opener() as opener:
            letter = opener.open(raw)
        if letter.why:
            raise CannotOpen(f"Message {number} cannot be opened: {letter.why}.")
        sent = correspondence.forward(ctx, number, letter.text, who=who)
    app.out.json({"id": sent.message, "person": sent.person, "address": sent.address})
    app.out.line(f"Message {sent.message} goes to {sent.name or sent.address} with the next look of dispatch.")


def document(row: "MessageRow", zone: "ZoneInfo") -> dict[str, Any]:
    """Return a message as JSON has it."""
    from balintmail.domain.times import rfc3339  # noqa: PLC0415  (loaded already)

    return {
        "id": row.id,
        "mailbox": row.mailbox,
        "received_at": rfc3339(row.received_at, zone),
        "state": row.state.value,
        "kind": row.kind,
        "remark": row.remark,
        "says_from": row.sender,
        "person": row.person or None,
        "person_name": row.person_name,
        "subject": row.subject,
        "machine": row.robot,
        "size": row.size,
        "kept": row.kept,
        "assigned": row.assigned or None,
        "assigned_name": row.assigned_name,
        "forwarded_at": rfc3339(row.forwarded_at, zone) if row.forwarded_at else None,
        "done_at": rfc3339(row.closed_at, zone) if row.closed_at else None,
        "done_by": row.closed_by,
    }


def _contents(letter: "Opened") -> dict[str, Any]:
    return {
        "headers": {name: _text(value) for name, value in letter.headers.items()},
        "text": _text(letter.text),
        "files": [
            {"name": one.name, "said": _text(one.said), "kind": _text(one.kind), "size": one.size}
            for one in letter.attachments
        ],
        "encrypted": letter.encrypted,
        "cut": letter.cut,
        "why": letter.why,
    }


def _describe(app: App, row: "MessageRow", letter: "Opened", zone: "ZoneInfo") -> None:
    from balintmail.domain.times import long_form  # noqa: PLC0415  (loaded already)

    filed = f"{row.person_name or 'no name'}, person {row.person}" if row.person else ""
    facts = [
        ("message", f"{row.id}, {row.kind.replace('_', ' ') or 'not read yet'}, {row.size:,} octets"),
        ("came", f"{long_form(row.received_at, zone)}, by {row.mailbox}"),
        ("state", _STATE_WORDS[row.state] + (f", {row.assigned_name} has it" if row.assigned else "")),
        ("remark", row.remark),
        ("done", f"{long_form(row.closed_at, zone)}, by {row.closed_by}" if row.closed_at else ""),
        ("sent on", long_form(row.forwarded_at, zone) if row.forwarded_at else ""),
        ("says from", letter.headers.get("from") or row.sender),
        ("filed", filed),
        ("answer to", letter.headers.get("reply-to", "")),
        ("to", letter.headers.get("to", "")),
        ("cc", letter.headers.get("cc", "")),
        ("dated", letter.headers.get("date", "")),
        ("subject", letter.headers.get("subject") or row.subject),
    ]
    for name, text in facts:
        if text:
            app.out.line(f"{name:<10}{' '.join(text.split())}")
    for one in letter.attachments:
        app.out.line(f"{'file':<10}{one.name}  {one.kind}, {one.size:,} octets")
    app.out.line()
    if letter.why:
        app.out.line(f"It cannot be shown: {letter.why}.", Tone.WARN)
    elif letter.encrypted:
        app.out.line("It is encrypted and can be read only with the key of whoever it was written to.", Tone.WARN)
    app.out.line(letter.text.strip())
    if letter.cut:
        app.out.line(f"It goes on. All of it: balintmail inbox show {row.id} --raw", Tone.MUTED)


def _save(opener: Any, raw: bytes, folder: Path) -> list[str]:
    """Write the files of a letter, none over another, readable by us alone and never to be run."""
    from balintmail.domain.file_names import another_name  # noqa: PLC0415
    from balintmail.receiving.child import ChildGone  # noqa: PLC0415

    try:
        files = opener.files(raw)
    except ChildGone as gone:
        raise CannotOpen(f"Its files cannot be taken out: {gone}.") from gone
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    saved = []
    for one, content in files:
        taken = {path.name.casefold() for path in folder.iterdir()}
        path = folder / another_name(one.name, taken)
        _write(path, content)
        saved.append(str(path))
    return saved


def _write_page(app: App, row: "MessageRow", letter: "Opened", path: Path) -> None:
    from balintmail.receiving.sanitise import page  # noqa: PLC0415  (loads nh3)

    if not letter.html:
        raise CannotOpen(f"Message {row.id} has no HTML.", hint=f"Its words: balintmail inbox show {row.id}")
    facts = [("Says from", letter.headers.get("from", row.sender)), ("Date", letter.headers.get("date", ""))]
    text = page(letter.headers.get("subject") or f"Message {row.id}", facts, letter.html)
    try:
        _write(path, text.encode("utf-8", "backslashreplace"))
    except FileExistsError:
        raise CannotOpen(f"{path} is there already.", hint="Name a file that is not.") from None
    app.out.line(f"Written: {path}")


def _write(path: Path, content: bytes) -> None:
    """Write a new file; a link that lies there already is not followed."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _text(text: str) -> str:
    """Return `text` as any output can carry it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


COMMANDS = (list_messages, show, assign, done, retry, forward)
