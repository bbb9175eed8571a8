"""The settings of one instance: typed, frozen, loaded once per process and passed on; there is no global.

Environment over `secrets.toml` over `balintmail.toml` (docs/settings.md lists every key). A typo is refused with the
file, the line and the nearest known key. This module never writes a file and never shows a secret.
"""

import difflib
import os
import re
import stat
import tomllib
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from balintmail.domain import public_address
from balintmail.domain.dkim import read_domain, read_selector
from balintmail.domain.health import Rules
from balintmail.domain.hours import read_hours, read_weekdays
from balintmail.domain.networks import read_field_name, read_networks
from balintmail.domain.times import read_span
from balintmail.errors import BalintmailError
from balintmail.setting_base import Section
from balintmail.setting_base import Security as Security  # noqa: PLC0414  (everybody looks for it here)
from balintmail.setting_copies import Copies
from balintmail.setting_inbox import Inbox
from balintmail.setting_journal import JournalSettings
from balintmail.setting_members import Members
from balintmail.setting_orders import Orders
from balintmail.setting_papers import Papers
from balintmail.setting_places import known_keys, line_of
from balintmail.setting_values import read_accent, read_address, read_per_domain, read_zone
from balintmail.setting_words import IN_OUR_WORDS

SETTINGS_FILE = "balintmail.toml"
SECRETS_FILE = "secrets.toml"
ENVIRONMENT = "environment"  # the origin of a value that a variable gave
ENV_PREFIX = "BALINTMAIL_"


class ConfigError(BalintmailError):
    """A setting is missing, unknown or impossible."""

    code = "settings"


class TransportKind(StrEnum):
    """Where messages go."""

    OUTBOX = "outbox"
    SMTP = "smtp"


class UnknownPolicy(StrEnum):
    """What happens to deliveries whose fate is unknown (P4)."""

    HOLD = "hold"
    RESEND = "resend"


class BounceStyle(StrEnum):
    """How bounces find their delivery."""

    PLUS = "plus"
    CATCHALL = "catchall"
    PLAIN = "plain"


Duration = Annotated[timedelta, BeforeValidator(read_span)]


class Society(Section):
    """Whose newsletters they are."""

    name: str = "The Society"
    url: Annotated[str, AfterValidator(public_address.read)] = ""
    timezone: Annotated[str, AfterValidator(read_zone)] = "Europe/London"
    languages: tuple[str, ...] = ("en",)
    address: str = ""  # the postal address in the foot of every letter
    accent: Annotated[str, AfterValidator(read_accent)] = ""
    logo: str = ""


class DatabaseSettings(Section):
    """Where the register and the ledger live."""

    url: str = "sqlite:///balintmail.db"


class Send(Section):
    """How mailings leave."""

    transport: TransportKind | None = None
    hold: Duration = timedelta(minutes=2)
    unknown: UnknownPolicy = UnknownPolicy.HOLD
    hours: Annotated[str, AfterValidator(read_hours)] = ""
    weekdays: Annotated[str, AfterValidator(read_weekdays)] = ""
    give_up_after: Duration = timedelta(days=4)
    most_refused: int = Field(default=25, ge=1, le=100)
    report: bool = True
    redirect_all_to: Annotated[str, AfterValidator(read_address)] = ""
    dry: bool = False
    max_html_bytes: int = Field(default=102_000, gt=0)
    max_attachment_bytes: int = Field(default=10_000_000, gt=0)


class Relay(Section):
    """One SMTP relay; a missing limit is none."""

    host: str = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Security = Security.STARTTLS
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: str = ""
    max_connections: int = Field(default=4, ge=1, le=500)
    per_second: int | None = Field(default=None, ge=1)
    per_minute: int | None = Field(default=None, ge=1)
    per_hour: int | None = Field(default=None, ge=1)
    per_day: int | None = Field(default=None, ge=1)
    messages_per_connection: int | None = Field(default=None, ge=1)
    warm_up: int | None = Field(default=None, ge=1)
    per_domain: Annotated[int | dict[str, int] | None, BeforeValidator(read_per_domain)] = None


class Bounces(Section):
    """Where bounces come back to (without an address: the Secretary's), and what follows from them."""

    address: Annotated[str, AfterValidator(read_address)] = ""
    style: BounceStyle = BounceStyle.PLAIN
    threshold: int = Field(default=3, ge=1, le=99)
    window: Duration = timedelta(days=120)
    probe_after: Duration = timedelta(days=7)
    probe_quiet: Duration = timedelta(days=5)
    probes: int = Field(default=3, ge=0, le=10)

    @property
    def rules(self) -> Rules:
        """What domain/health.py decides by."""
        return Rules(self.threshold, self.window, self.probe_after, self.probe_quiet, self.probes)


class Dkim(Section):
    """The keys that letters are signed with: their selectors; without any, letters are not signed."""

    domain: Annotated[str, AfterValidator(read_domain)] = ""
    rsa: Annotated[str, AfterValidator(read_selector)] = ""
    ed25519: Annotated[str, AfterValidator(read_selector)] = ""

    @property
    def selectors(self) -> tuple[str, ...]:
        """The selectors in force, in the order of their signatures."""
        return tuple(one for one in (self.rsa, self.ed25519) if one)

    @model_validator(mode="after")
    def _holds_together(self) -> "Dkim":
        if self.selectors and not self.domain:
            raise ValueError("a selector needs dkim.domain, the domain that signs")
        if self.rsa and self.rsa == self.ed25519:
            raise ValueError("rsa and ed25519 are two keys, each with a selector of its own")
        return self


class Telling(StrEnum):
    """How the Secretary hears of join requests."""

    EACH = "each"
    DAILY = "daily"


class Joining(Section):
    """Join requests: how long they wait, how the Secretary hears of them, and what keeps floods out."""

    confirm_within: Duration = timedelta(days=7)
    decide_within: Duration = timedelta(days=60)
    remind_after: Duration = timedelta(days=7)
    keep_decided: Duration = timedelta(days=366)
    tell: Telling = Telling.EACH
    per_network: int = Field(default=20, ge=1)
    per_hour: int = Field(default=200, ge=1)
    keep_network: bool = False


class Letters(Section):
    """What is done with letters to the society, and how long a message is kept once it was dealt with; 0 is for ever.

    Each mailbox says for itself whether its letters are sent on; what was piped in has no mailbox.
    """

    keep: Duration = timedelta(days=366)
    forward_piped: bool = False


class Web(Section):
    """Which proxies stand before `serve`; without any, no forwarded header is believed."""

    proxies: Annotated[tuple[str, ...], AfterValidator(read_networks)] = ()
    client_header: Annotated[str, AfterValidator(read_field_name)] = "X-Forwarded-For"


class Keys(Section):
    """Secrets that `init` makes, 64 hexadecimal digits each.

    `previous` still verifies old links; `erasure` never changes.
    """

    tokens: SecretStr = SecretStr("")
    previous: tuple[SecretStr, ...] = ()
    erasure: SecretStr = SecretStr("")


class Settings(BaseSettings):
    """Everything `balintmail.toml`, `secrets.toml` and the environment say."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=ENV_PREFIX, env_nested_delimiter="__", validate_default=True
    )
    society: Society = Society()
    database: DatabaseSettings = DatabaseSettings()
    send: Send = Send()
    relays: dict[str, Relay] = {}
    bounces: Bounces = Bounces()
    dkim: Dkim = Dkim()
    joining: Joining = Joining()
    members: Members = Members()
    journal: JournalSettings = JournalSettings()
    copies: Copies = Copies()
    papers: Papers = Papers()
    orders: Orders = Orders()
    web: Web = Web()
    letters: Letters = Letters()
    inbox: dict[str, Inbox] = {}
    keys: Keys = Keys()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.society.timezone)

    @property
    def transport(self) -> TransportKind:
        """The transport in force: what is set, else smtp once a relay has a host."""
        if self.send.transport is not None:
            return self.send.transport
        return TransportKind.SMTP if any(relay.host for relay in self.relays.values()) else TransportKind.OUTBOX

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `load` has merged, so that the order of sources stands in one place."""
        return (init_settings,)


class Loaded:
    """Settings with the source of each value: `origin["send.hold"]` is a file name or `environment`."""

    def __init__(self, settings: Settings, origin: dict[str, str]) -> None:
        self.settings = settings
        self.origin = origin


def load(folder: Path) -> Loaded:
    """Return the settings of the instance in `folder`; raise ConfigError naming key, file and line."""
    merged: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for name in (SETTINGS_FILE, SECRETS_FILE):
        path = folder / name
        if not path.exists():
            continue
        data = _read_toml(path)
        if name == SECRETS_FILE or _holds_secret(data):
            _require_private(path)
        _merge(merged, data, origin, source=name)
    _merge(merged, _environment(), origin, source=ENVIRONMENT)
    try:
        return Loaded(Settings(**merged), origin)
    except ValidationError as exc:
        raise _explain(exc, folder, origin) from None


def is_secret(name: str) -> bool:
    """Say whether the setting `name`, such as `relays.main.password`, is never shown."""
    return name.startswith("keys.") or name.endswith((".password", ".client_secret", ".refresh_token"))


def variable(name: str) -> str:
    """Return the environment variable that sets `name`: `send.hold` is `BALINTMAIL_SEND__HOLD`."""
    return ENV_PREFIX + name.replace(".", "__").upper()


def _environment() -> dict[str, Any]:
    """Return what the environment sets; a variable with our prefix that sets nothing is a typing mistake."""
    for name in os.environ:
        section = name.removeprefix(ENV_PREFIX).partition("__")[0].lower()
        if name.startswith(ENV_PREFIX) and section not in Settings.model_fields:
            near = difflib.get_close_matches(section, Settings.model_fields, n=1, cutoff=0.5)
            hint = f"Nearest: {ENV_PREFIX}{near[0].upper()}__…" if near else "docs/settings.md lists every setting."
            raise ConfigError(f'{ENVIRONMENT}: there is no setting for the variable "{name}".', hint=hint)
    try:
        return EnvSettingsSource(Settings)()
    except SettingsError as exc:
        section = re.sub(r'.*field "(\w+)".*', r"\1", str(exc))
        raise ConfigError(
            f"{ENVIRONMENT}: a variable {ENV_PREFIX}{section.upper()}__… cannot be read.",
            hint='A list is written like ["en", "hu"]; docs/settings.md shows what each takes.',
        ) from exc


def _holds_secret(data: dict[str, Any], at: str = "") -> bool:
    for key, value in data.items():
        name = f"{at}{key}"
        if isinstance(value, dict):
            if _holds_secret(value, f"{name}."):
                return True
        elif is_secret(name) or (name == "database.url" and re.match(r"[^/]+://[^/@:]*:[^@]+@", str(value))):
            return True
    return False


def _require_private(path: Path) -> None:
    """Refuse secrets that others on the machine can read (J9)."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigError(
            f"{path.name} can be read by others (mode {mode:o}); it holds passwords or keys.",
            hint=f"Run: chmod 600 {path}",
        )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as exc:  # what is no TOML, no UTF-8, or a number of 5,000 digits
        hint = "Mend that line; a text stands in quotation marks."
        raise ConfigError(f"{path.name} cannot be read: {exc}.", hint=hint) from exc
    except OSError as exc:
        raise ConfigError(f"{path.name} cannot be opened: {os.strerror(exc.errno or 0)}.") from exc


def _merge(into: dict[str, Any], data: dict[str, Any], origin: dict[str, str], *, source: str, at: str = "") -> None:
    for key, value in data.items():
        name = f"{at}{key}"
        if isinstance(value, dict):
            inner = into.setdefault(key, {})
            if isinstance(inner, dict):
                _merge(inner, value, origin, source=source, at=f"{name}.")
                continue
        into[key] = value
        origin[name] = source


def _explain(exc: ValidationError, folder: Path, origin: dict[str, str]) -> ConfigError:
    """Turn pydantic's first finding into one sentence with key, file, line and the nearest known key."""
    first = exc.errors(include_url=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path)
    source = origin.get(name) or next((o for key, o in origin.items() if key.startswith(f"{name}.")), SETTINGS_FILE)
    where = (
        f"{ENVIRONMENT}, {variable(name)}"
        if source == ENVIRONMENT
        else f"{source}, line {line_of(folder / source, path)}"
    )
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(path[-1], known_keys(Settings, path[:-1]), n=1, cutoff=0.5)
        hint = f"Nearest: {'.'.join([*path[:-1], near[0]])}" if near else "docs/settings.md lists every setting."
        return ConfigError(f'{where}: there is no setting "{name}".', hint=hint)
    message = IN_OUR_WORDS.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ")
    message = message.replace("Input should be", "it takes").replace("{section}", _section(path[0]))
    return ConfigError(f'{where}: "{name}" is not right: {message}.', hint="docs/settings.md shows what it takes.")


def _section(name: str) -> str:
    """Return a section as it is written; of those like [relays.main] everybody chooses the second half."""
    return f"{name}.NAME" if isinstance(Settings.model_fields[name].default, dict) else name
