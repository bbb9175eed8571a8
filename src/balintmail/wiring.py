"""Settings become ready objects, once per process. Heavy parts are imported inside the factories that need them."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from balintmail.clock import Clock, SystemClock
from balintmail.config import SECRETS_FILE, SETTINGS_FILE, ConfigError, Loaded, Relay, Settings, TransportKind, load
from balintmail.db.session import Database, sqlite_file
from balintmail.domain.keys import Keyring
from balintmail.errors import NotFound
from balintmail.services.context import Context

if TYPE_CHECKING:
    from balintmail.sending.connect import RelayTarget
    from balintmail.sending.smtp import RelayTerms
    from balintmail.sending.transport import Transport

THE_SECRETARY = "the Secretary"
OUTBOX_FOLDER = "outbox"


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance, opened."""

    folder: Path
    loaded: Loaded
    clock: Clock
    database: Database
    keyring: Keyring

    @property
    def settings(self) -> Settings:
        return self.loaded.settings

    def context(self, *, actor: str = "") -> Context:
        """Return what a use-case needs, done by `actor` (default: the Secretary)."""
        return Context(self.database, self.clock, self.keyring, self.settings, actor or THE_SECRETARY, self.folder)

    def close(self) -> None:
        self.database.close()


def find_instance(start: Path) -> Path:
    """Return the nearest folder from `start` upward that holds balintmail.toml; raise NotFound otherwise."""
    if not start.is_dir():  # upward from a mistyped name would be another society's folder
        raise NotFound(f"There is no folder {start}.", hint="Is it written right? To begin one: balintmail init")
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / SETTINGS_FILE).is_file():
            return folder
    raise NotFound(
        f"There is no {SETTINGS_FILE} in {start} or above it.",
        hint="Go to your society's folder (cd), name it (-C DIR), or begin one: balintmail init",
    )


def open_instance(folder: Path, *, clock: Clock | None = None) -> Instance:
    """Return the instance in `folder`; its database is not touched yet."""
    loaded = load(folder)
    url = sqlite_file(Database.parse(loaded.settings.database.url), folder)
    return Instance(folder, loaded, clock or SystemClock(), Database(url), _keyring(loaded.settings))


def transport(instance: Instance) -> "Transport":
    """Return where this instance's messages go; raise ConfigError when `smtp` is set and no relay has a host.

    Several relays stand in the order of the file; the next one is taken while one cannot be had.
    """
    settings = instance.settings
    if settings.transport is TransportKind.OUTBOX:
        from balintmail.sending.outbox import OutboxTransport  # noqa: PLC0415

        return OutboxTransport(instance.folder / OUTBOX_FOLDER)
    from balintmail.sending.smtp import SmtpTransport  # noqa: PLC0415  (aiosmtplib and ssl: the outbox needs neither)

    relays = [_relay_terms(name, relay, instance.folder) for name, relay in settings.relays.items() if relay.host]
    if not relays:
        raise ConfigError(
            'The transport is "smtp", but no relay has a host.',
            hint="Set host under [relays.main] in balintmail.toml; docs/settings.md shows how.",
        )
    return SmtpTransport(relays)


def relay_targets(instance: Instance) -> "list[RelayTarget]":
    """Return the relays that have a host, in the order of the file, whatever the transport in force."""
    relays = instance.settings.relays
    return [_target(name, relay, instance.folder) for name, relay in relays.items() if relay.host]


def _relay_terms(name: str, relay: Relay, folder: Path) -> "RelayTerms":
    from balintmail.sending.smtp import RelayTerms  # noqa: PLC0415

    return RelayTerms(_target(name, relay, folder), relay.max_connections, relay.messages_per_connection)


def _target(name: str, relay: Relay, folder: Path) -> "RelayTarget":
    from balintmail.sending.connect import RelayTarget  # noqa: PLC0415

    return RelayTarget(
        name=name,
        host=relay.host,
        port=relay.port,
        security=relay.security,
        username=relay.username,
        password=relay.password.get_secret_value(),
        ca_file=folder / Path(relay.ca_file).expanduser() if relay.ca_file else None,
    )


def _keyring(settings: Settings) -> Keyring:
    try:
        keys = settings.keys
        tokens = bytes.fromhex(keys.tokens.get_secret_value())
        erasure = bytes.fromhex(keys.erasure.get_secret_value())
        previous = tuple(bytes.fromhex(key.get_secret_value()) for key in keys.previous)
    except ValueError as exc:
        raise ConfigError(f"A key in {SECRETS_FILE} is damaged.", hint="Put it back from a backup.") from exc
    if len(tokens) < 32 or len(erasure) < 32:
        raise ConfigError(
            f"{SECRETS_FILE} is missing or holds no keys; without them no link can be signed.",
            hint="Put the file back from a backup: new keys would break every link that was ever mailed.",
        )
    return Keyring(tokens, erasure, previous)
