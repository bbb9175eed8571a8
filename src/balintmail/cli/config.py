"""`balintmail config`: the settings in force, where each comes from, and whether they hold together.

It never shows a secret and never writes a file.
"""

import ipaddress
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.output import Tone
from balintmail.config import BounceStyle, Loaded, Security, Settings, is_secret, load
from balintmail.db.session import Database
from balintmail.errors import BalintmailError
from balintmail.setting_inbox import Auth, Inbox, InboxKind
from balintmail.wiring import find_instance, open_instance

_LEVELS = {"stop": Tone.STOP, "warn": Tone.WARN}


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as people see it. `source`: a file's name, `environment` or `default`."""

    key: str
    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the settings that stops or warns."""

    level: str
    code: str
    message: str


@click.group(cls=Group)
def config() -> None:
    """Show and check the settings."""


@config.command()
@pass_app
def show(app: App, /) -> None:
    """Show the settings in force and where each comes from; secrets stay hidden."""
    folder = find_instance(app.instance_start)
    rows = shown(load(folder))
    app.out.json(
        {
            "folder": str(folder),
            "settings": [{"key": row.key, "value": row.value, "source": row.source} for row in rows],
        }
    )
    app.out.line(f"Settings of {folder}")
    app.out.table(("key", "value", "from"), [(row.key, _as_text(row.value), row.source) for row in rows])


@config.command()
@pass_app
def check(app: App, /) -> int:
    """Say whether the settings, the secrets and the database are fit for use."""
    folder = find_instance(app.instance_start)
    findings: list[Finding] = []
    try:
        instance = open_instance(folder)
    except BalintmailError as exc:
        findings.append(Finding("stop", exc.code, f"{exc.message} {exc.hint}".rstrip()))
    else:
        try:
            findings += doubts(instance.settings)
            instance.database.require_private()
            instance.database.require_schema()
        except BalintmailError as exc:
            findings.append(Finding("stop", exc.code, f"{exc.message} {exc.hint}".rstrip()))
        finally:
            instance.close()
    stopped = any(finding.level == "stop" for finding in findings)
    app.out.json(
        {
            "ok": not stopped,
            "findings": [{"code": one.code, "level": one.level, "message": one.message} for one in findings],
        }
    )
    for finding in findings:
        app.out.line(f"{finding.level}: {finding.message}", _LEVELS[finding.level])
    if not findings:
        app.out.line(f"The settings of {folder} are in order.")
    elif not stopped:
        app.out.line("Nothing of this stops a send.")
    return 1 if stopped else 0


def shown(loaded: Loaded) -> list[Shown]:
    """Return every setting in force with its source, secrets replaced by whether they are set."""
    rows: list[Shown] = []

    def walk(value: Any, name: str) -> None:
        if isinstance(value, BaseModel):
            for field in type(value).model_fields:
                walk(getattr(value, field), f"{name}.{field}" if name else field)
        elif isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, f"{name}.{key}")
        else:
            rows.append(Shown(name, _plain(name, value), loaded.origin.get(name, "default")))

    walk(loaded.settings, "")
    return [
        Shown(row.key, loaded.settings.transport.value, "follows from the relays")
        if row.key == "send.transport" and row.value is None
        else row
        for row in rows
    ]


def doubts(settings: Settings) -> list[Finding]:
    """Return what the settings allow and experience warns of."""
    found: list[Finding] = []
    if not settings.society.url:
        message = "society.url is missing: letters carry no web links, and people leave by mail alone."
        found.append(Finding("warn", "no_url", message))
    elif settings.society.url.startswith("http://") and not _on_this_machine(settings.society.url[7:]):
        found.append(Finding("warn", "plain_http", "society.url is without https: links can be read on the way."))
    for name, relay in settings.relays.items():
        password = bool(relay.password.get_secret_value())
        if relay.host and relay.security is Security.NONE and not _on_this_machine(relay.host):
            message = f'relays.{name}: security is "none": letters cross the network in the clear.'
            found.append(Finding("warn", "no_tls", message))
        if bool(relay.username) != password:
            missing = f"relays.{name}.{'password' if relay.username else 'username'}"
            found.append(Finding("warn", "half_login", f"{missing} is missing: the relay will not know you."))
        if not relay.host:
            found.append(Finding("warn", "no_host", f"relays.{name}.host is missing: this relay is not used."))
    found += [doubt for name, box in settings.inbox.items() for doubt in _of_mailbox(name, box)]
    if settings.bounces.style is not BounceStyle.PLAIN and not settings.bounces.address:
        found.append(Finding("warn", "no_bounce_address", "bounces.address is missing: bounces.style has no effect."))
    return found


def _of_mailbox(name: str, box: Inbox) -> list[Finding]:
    """Return what keeps a mailbox from being read, as far as its settings tell."""
    if box.kind is InboxKind.MAILDIR:
        return []
    found: list[Finding] = []
    if box.security is Security.NONE and not _on_this_machine(box.host):
        message = f'inbox.{name}: security is "none": no password is sent in the clear, so it cannot be read.'
        found.append(Finding("warn", "no_tls", message))
    if not box.username:
        found.append(Finding("warn", "half_login", f"inbox.{name}.username is missing: it cannot be read."))
    if box.auth is Auth.XOAUTH2 and not box.oauth.client_id:
        found.append(Finding("warn", "half_login", f"inbox.{name}.oauth.client_id is missing: it cannot be read."))
    if box.auth is Auth.PASSWORD and not box.password.get_secret_value():
        message = f"inbox.{name}.password is missing: it belongs into secrets.toml, under [inbox.{name}]."
        found.append(Finding("warn", "half_login", message))
    return found


def _plain(name: str, value: Any) -> Any:
    """Return a setting's value as JSON can hold it, without any secret."""
    if isinstance(value, SecretStr) or is_secret(name):
        secret = value if isinstance(value, SecretStr) else "".join(item.get_secret_value() for item in value)
        held = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        return "(hidden)" if held else "(not set)"
    if name == "database.url":
        return Database.parse(str(value)).render_as_string(hide_password=True)
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, str | int | float | dict | list) else str(value)


def _span(value: timedelta) -> str:
    """Return a time span as the settings write it: `2m`, `90s`, `4d`."""
    seconds = int(value.total_seconds())
    for letter, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{letter}"
    return f"{seconds}s"


def _as_text(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _on_this_machine(host: str) -> bool:
    name = host.partition("/")[0].rpartition(":")[0] if host.count(":") == 1 else host.partition("/")[0]
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
