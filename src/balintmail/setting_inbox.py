"""The settings of [inbox.NAME]: one mailbox that is read, and what becomes there of what was read.

It decides nothing; services/fetching.py reads the mailboxes, docs/inbox.md explains them.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from balintmail.setting_base import Section, Security
from balintmail.setting_values import read_address, read_https, read_names

LARGEST = 30_000_000  # octets: what large providers take, with its base64


class InboxKind(StrEnum):
    """How a mailbox is reached."""

    IMAP = "imap"
    MAILDIR = "maildir"


class Auth(StrEnum):
    """How we say who we are."""

    PASSWORD = "password"  # noqa: S105  (a way, no password)
    XOAUTH2 = "xoauth2"


class Provider(StrEnum):
    """Whose tokens they are."""

    MICROSOFT = "microsoft"
    GOOGLE = "google"
    OTHER = "other"


class After(StrEnum):
    """What becomes of a message in its mailbox once it is stored here."""

    KEEP = "keep"
    SEEN = "seen"
    MOVE = "move"
    DELETE = "delete"


class Oauth(Section):
    """What a token is asked for with; the secrets belong into secrets.toml."""

    provider: Provider = Provider.MICROSOFT
    tenant: str = "common"
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr = SecretStr("")
    token_url: Annotated[str, AfterValidator(read_https)] = ""
    scope: str = ""


class Inbox(Section):
    """One mailbox that is read."""

    kind: InboxKind = InboxKind.IMAP
    host: str = ""
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Security = Security.TLS
    ca_file: str = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    auth: Auth = Auth.PASSWORD
    folder: Annotated[tuple[str, ...], BeforeValidator(read_names)] = ("INBOX",)
    path: str = ""
    after: After = After.SEEN
    move_to: str = ""
    since: date | None = None
    largest: int = Field(default=LARGEST, ge=100_000, le=500_000_000)
    drafts: Annotated[str, AfterValidator(read_address)] = ""
    forward: bool = False
    oauth: Oauth = Oauth()

    @model_validator(mode="after")
    def _holds_together(self) -> "Inbox":
        if self.kind is InboxKind.MAILDIR and not self.path:
            raise ValueError("a Maildir needs its path")
        if self.kind is InboxKind.IMAP and not self.host:
            raise ValueError("a mailbox needs its host")
        if self.after is After.MOVE and not self.move_to:
            raise ValueError('after = "move" needs move_to, the folder they go to')
        return self
