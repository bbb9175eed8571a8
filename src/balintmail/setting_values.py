"""Read the values of single settings, each with a sentence for whoever mistyped one; config.py says which is which.

Every function returns the value as it is kept, or raises ValueError with the words that stand behind the key's name.
"""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from balintmail.domain import colour
from balintmail.domain.address import AddressRefused, domain_of, parse


def read_zone(value: str) -> str:
    """Return the name of a time zone that this machine knows."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise ValueError(f'there is no time zone "{value}"; write one such as "Europe/London"') from exc
    return value


def read_accent(value: str) -> str:
    """Refuse a colour that nobody could read on the card of a letter, naming the nearest that passes."""
    if not value:
        return ""
    found = colour.parse(value)
    if found is None:
        raise ValueError('a colour is written like "#0b5563"')
    nearest = colour.nearest_readable(found, colour.WHITE)
    if nearest != found:
        reached = colour.contrast(found, colour.WHITE)
        raise ValueError(
            f"its contrast on white is {reached:.1f}, not {colour.READABLE}; the nearest that passes is {nearest}"
        )
    return str(found)


def read_address(value: str) -> str:
    """Return an address as the wire gets it; nothing stays nothing."""
    if not value:
        return ""
    try:
        return parse(value).envelope
    except AddressRefused as exc:
        raise ValueError(f"that is not an address: {exc.reason}") from exc


def read_per_domain(value: object) -> object:
    """Read messages an hour to any one recipient domain, or a table of domains, where `*` is any other."""
    numbers = list(value.values()) if isinstance(value, dict) else [value]
    if value is None or all(type(number) is int and number > 0 for number in numbers):
        return {domain_of(name): number for name, number in value.items()} if isinstance(value, dict) else value
    raise ValueError('write messages an hour, such as 100, or for each domain: { "example.org" = 50, "*" = 100 }')


def read_names(value: object) -> object:
    """Read one name or a list of names; nothing else is changed."""
    return (value,) if isinstance(value, str) else value


def read_https(value: str) -> str:
    """Return an address that secrets are sent to: https, or a server on this machine; nothing stays nothing."""
    parts = urlsplit(value)
    local = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if value and not (parts.hostname and (parts.scheme == "https" or local)):
        raise ValueError("secrets are sent there: it begins with https://")
    return value
