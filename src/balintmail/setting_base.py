"""What the sections of the settings share: frozen, no key that is not known, and how a connection is protected."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """One section of balintmail.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Security(StrEnum):
    """How the connection to a server is protected (RFC 8314)."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"
