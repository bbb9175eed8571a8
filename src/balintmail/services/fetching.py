"""Read the mailboxes of the settings: each folder in turn, one process at a time, whatever one of them does.

A mailbox that fails stops no other; what is wrong is kept for `balintmail doctor`, and the Secretary is told once. What
was stored is understood afterwards, by services/inbox.py.
"""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from balintmail.config import ConfigError
from balintmail.db import inbox as messages
from balintmail.db import mailboxes, meta
from balintmail.db.session import Tx
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.receiving.imap import Account, Credential, Session
from balintmail.receiving.mailbox import LoginRefused, MailboxError, MailboxRefused
from balintmail.receiving.maildir import Maildir
from balintmail.receiving.oauth import Grant, Tokens
from balintmail.receiving.process import Reader
from balintmail.services import drafts, inbox, notices
from balintmail.services.context import Context
from balintmail.services.imap_fetching import Dial, FolderRun, Source
from balintmail.services.lock import DispatchLock
from balintmail.services.maildir_fetching import MaildirRun
from balintmail.services.notices import Waiting
from balintmail.setting_inbox import Auth, Inbox, InboxKind

TOKENS_FOLDER = "oauth"
TOLD = "mailbox_told "  # the fact that keeps since when a mailbox failed as the Secretary was told, before its name
TOLD_AFTER = timedelta(hours=1)
LOOK_AGAIN = 0.05  # seconds between two tries for the lock


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run got out of one folder, and what went wrong with it."""

    name: str
    folder: str
    stored: int
    error: MailboxError | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What a run over the mailboxes did. `busy`: another process reads them, and nothing was done."""

    fetched: tuple[Fetched, ...] = ()
    read: int = 0
    set_aside: int = 0
    busy: bool = False


def fetch(ctx: Context, names: Sequence[str] = (), *, patience: float, seconds: float) -> Round:
    """Read the mailboxes `names`, or all, then act on what came.

    Waits up to `patience` seconds for another process that does the same, and begins nothing new after `seconds`.
    Raises ConfigError for a name that the settings do not have.
    """
    for name in names:
        box(ctx, name)
    with alone(ctx, patience=patience) as held:
        if not held:
            return Round(busy=True)
        ends_at = ctx.clock.monotonic() + seconds
        wanted = [(name, one) for name, one in ctx.settings.inbox.items() if not names or name in names]
        done = tuple(_folder(ctx, name, folder, ends_at=ends_at) for name, one in wanted for folder in folders(one))
        processed = _process(ctx)
    return Round(done, processed.read, processed.set_aside)


def process(ctx: Context, *, patience: float) -> bool:
    """Act on what is stored, unless another process is at it for longer than `patience` seconds, who then does."""
    with alone(ctx, patience=patience) as held:
        if held:
            _process(ctx)
        return held


def tried(ctx: Context, name: str) -> dict[str, str]:
    """Return for each folder of a mailbox why it cannot be opened now, or ""; nothing is changed there."""
    box = ctx.settings.inbox[name]
    found = dict.fromkeys(folders(box), "")
    for folder in found:
        try:
            if box.kind is InboxKind.MAILDIR:
                Maildir(ctx.folder / Path(box.path).expanduser(), folder)
                continue
            with opened(ctx, name) as connected:
                connected.open(folder, readonly=True)
        except MailboxError as exc:
            found[folder] = f"{exc.message} {exc.hint}".strip()
    return found


def box(ctx: Context, name: str) -> Inbox:
    """Return a mailbox of the settings; raise ConfigError when there is none of that name."""
    if name not in ctx.settings.inbox:
        known = ", ".join(ctx.settings.inbox) or "none"
        raise ConfigError(f"There is no mailbox [inbox.{name}].", hint=f"Known: {known}.")
    return ctx.settings.inbox[name]


def folders(box: Inbox) -> tuple[str, ...]:
    """Return the folders of a mailbox that are read, each once."""
    return tuple(dict.fromkeys(box.folder))


def session(ctx: Context, name: str) -> Session:
    """Return a session with an IMAP mailbox of the settings, not opened yet; raise MailboxError without a token."""
    box = ctx.settings.inbox[name]
    account = Account(
        name=name,
        host=box.host,
        port=box.port,
        security=box.security,
        username=box.username,
        ca_file=ctx.folder / Path(box.ca_file).expanduser() if box.ca_file else None,
    )
    if box.auth is Auth.PASSWORD:
        return Session(account, Credential(box.password.get_secret_value()))
    return Session(account, Credential(tokens(ctx, name).access(ctx.clock.now()), is_token=True))


def tokens(ctx: Context, name: str) -> Tokens:
    """Return where the access tokens of a mailbox come from."""
    return Tokens(grant(ctx, name), ctx.folder / TOKENS_FOLDER / f"{name}.json")


def grant(ctx: Context, name: str) -> Grant:
    """Return what the tokens of a mailbox are asked for with."""
    oauth = ctx.settings.inbox[name].oauth
    return Grant(
        name=name,
        provider=oauth.provider,
        tenant=oauth.tenant,
        client_id=oauth.client_id,
        client_secret=oauth.client_secret.get_secret_value(),
        refresh_token=oauth.refresh_token.get_secret_value(),
        token_url=oauth.token_url,
        scope=oauth.scope,
    )


@contextlib.contextmanager
def alone(ctx: Context, *, patience: float) -> Iterator[bool]:
    """Hold what only one process may do at a time; yields False when it could not be had within `patience` seconds."""
    ends_at = time.monotonic() + patience
    with inbox_lock(ctx) as lock:
        while not lock.take():
            if time.monotonic() >= ends_at:
                yield False
                return
            time.sleep(LOOK_AGAIN)
        with messages.alone(ctx.db) as held:
            yield held


def inbox_lock(ctx: Context) -> DispatchLock:
    """Return the lock of reading, beside that of sending."""
    database = ctx.db.url.database
    if ctx.db.is_sqlite and database:
        real = Path(database).resolve()
        return DispatchLock(real.with_name(f"{real.name}.inbox.lock"))
    return DispatchLock(ctx.folder / "inbox.lock")


def _process(ctx: Context) -> inbox.Processed:
    """Act on what is stored; then the drafts in it are checked and answered, which takes longer."""
    with ctx.db.read() as tx:
        anything = messages.anything_new(tx)
    processed = inbox.Processed()
    if anything:
        with Reader() as reader:
            processed = inbox.process(ctx, reader)
    drafts.answer_waiting(ctx)
    return processed


def _folder(ctx: Context, name: str, folder: str, *, ends_at: float) -> Fetched:
    """Read one folder and put down how that went."""
    box = ctx.settings.inbox[name]
    run: FolderRun | MaildirRun
    if box.kind is InboxKind.MAILDIR:
        run = MaildirRun(ctx, name, folder, ends_at=ends_at)
    else:
        run = FolderRun(ctx, Source(name, box, folder, _dialler(ctx, name)), ends_at=ends_at)
    try:
        run.run()
    except MailboxError as exc:
        _failed(ctx, name, folder, exc)
        return Fetched(name, folder, run.stored, exc)
    with ctx.db.write() as tx:
        mailboxes.succeeded(tx, name, folder, now=ctx.clock.now())
    return Fetched(name, folder, run.stored)


def _dialler(ctx: Context, name: str) -> Dial:
    return lambda: opened(ctx, name)


@contextlib.contextmanager
def opened(ctx: Context, name: str) -> Iterator[Session]:
    """Yield a session with a mailbox; an access token that the server refuses is asked for anew, once."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(session(ctx, name))
        except LoginRefused:
            if ctx.settings.inbox[name].auth is not Auth.XOAUTH2:
                raise
            tokens(ctx, name).access(ctx.clock.now(), fresh=True)
            found = stack.enter_context(session(ctx, name))
        yield found


def _failed(ctx: Context, name: str, folder: str, exc: MailboxError) -> None:
    """Keep what went wrong; tell the Secretary once, and of a server that was only away not before an hour has gone."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        since = mailboxes.failed(tx, name, folder, error=f"{exc.message} {exc.hint}".strip(), now=now)
        if isinstance(exc, MailboxRefused) or now - since >= TOLD_AFTER:
            _tell_once(ctx, tx, f"{name}/{folder}", exc, since)


def _tell_once(ctx: Context, tx: Tx, which: str, exc: MailboxError, since: datetime) -> None:
    key = f"{TOLD}{which}"
    to = notices.to_secretary(tx)
    if to is None or meta.fact(tx, key) == since.isoformat():
        return
    facts: dict[str, Fact] = {"mailbox": which, "since": since, "reason": exc.message, "hint": exc.hint}
    notices.put(ctx, tx, Waiting(template="mailbox", to=to, ground=Ground.OFFICER, facts=facts, key=f"mailbox {which}"))
    meta.put(tx, key, since.isoformat())
