"""Make a list's List-Id and check its slug; once a list is there, neither ever changes (RFC 2919 section 3, S8)."""

import re
from contextlib import suppress
from urllib.parse import urlsplit

from balintmail.domain import address as addresses
from balintmail.domain.hygiene import TextRefused

_HOST_NAME = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*")
# RFC 2919 section 3: dot-atoms; section 6: at most 255 octets.
_LIST_ID = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+", re.IGNORECASE)
_SLUG = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def slug(text: str) -> str:
    """Return a list's short name as it stands in commands and web addresses; raise TextRefused otherwise."""
    if not _SLUG.fullmatch(text):
        reason = "it is made of small letters a to z, digits and hyphens, at most 40, with a letter in it"
        raise TextRefused("the list's short name", reason)
    return text


def list_id(slug: str, url: str, secretary: str) -> str:
    """Return the List-Id of list `slug`, below the site's domain or else that of the Secretary's address."""
    host = urlsplit(url).hostname or "" if url else ""
    with suppress(addresses.AddressRefused):
        domain = addresses.parse(f"x@{host}").domain
        if _HOST_NAME.fullmatch(domain):
            return f"{slug}.{domain}"
    return f"{slug}.{addresses.parse(secretary).domain}"


def checked(text: str) -> str:
    """Return a List-Id that a list had elsewhere, without its angle brackets; raise TextRefused otherwise."""
    bare = text.removeprefix("<").removesuffix(">")
    if len(bare) > 255 or not bare.isascii() or not _LIST_ID.fullmatch(bare):
        raise TextRefused("the List-Id", 'it is written like "newsletter.balint.example.org"')
    return bare
