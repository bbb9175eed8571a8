"""Read the public address of the society's site, which stands in headers and at the beginning of every link.

It is written in ASCII throughout, a host of other letters as A-labels (RFC 5891), so that a List-Unsubscribe field can
hold it (S1, S25). It never asks whether anybody answers there.
"""

import re
from urllib.parse import quote

from balintmail.domain.address import domain_of

_PARTS = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(?P<port>:\d{1,5})?(?P<path>/[^\s?#\"<>\\^`{|}]*)?"
)
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\]")
_LONGEST = 200  # characters: the field of a token's link stays far below the 998 octets of a line
_KEPT = "/%-._~!$&'()*+;=:@"  # RFC 3986 section 3.3, without the comma, which parts the addresses of a list field


def read(text: str) -> str:
    """Return the address that `text` is, without a slash at its end, "" for none; raise ValueError otherwise."""
    trimmed = text.strip()
    if not trimmed:
        return ""
    found = _PARTS.fullmatch(trimmed)
    host = domain_of(found["host"]) if found else ""
    if found is None or not _HOST.fullmatch(host) or int((found["port"] or ":1")[1:]) not in range(1, 65536):
        raise ValueError('a public address is written like "https://balint.example.org"')
    whole = f"{found['scheme']}://{host}{found['port'] or ''}{quote(found['path'] or '', safe=_KEPT)}".rstrip("/")
    if len(whole) > _LONGEST or not text.isprintable():
        raise ValueError(f"a public address has at most {_LONGEST} characters, all of them visible")
    return whole
