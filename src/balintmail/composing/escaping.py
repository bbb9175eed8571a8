"""Make one person's value safe for the place it stands in: HTML, text, the address of a link, a header.

It never raises for any text. Control characters and line separators become a space, characters that turn the order
of the rest round and byte order marks disappear, lone surrogates become U+FFFD (standards.md 3.3, group A). Joiners
stay, because names and emoji need them.
"""

import re
from enum import StrEnum
from urllib.parse import quote

# Cc (with CR, LF, NEL, VT, FF, NUL), U+2028 and U+2029.
_SPACED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# U+202A-U+202E and U+2066-U+2069 would turn round what follows them; U+FEFF is a byte order mark.
_DROPPED = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff]+")
_BROKEN = re.compile("[\ud800-\udfff\ufffe\uffff]")
_SPACES = re.compile(r"\s+")
_HTML_SPECIAL = re.compile("[&<>\"']")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}
_WHOLE_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s<>\"\\]+", re.IGNORECASE)
_KEPT_IN_ADDRESS = ":/?#[]@!$&()*+,;=%~-._"  # RFC 3986 section 2.2, without the apostrophe


class Context(StrEnum):
    """Where a value stands."""

    HTML = "html"
    TEXT = "text"
    HTML_ADDRESS = "html-address"  # the beginning of a link's address, or all of it
    TEXT_ADDRESS = "text-address"
    HTML_ADDRESS_PART = "html-part"  # further on in a link's address
    TEXT_ADDRESS_PART = "text-part"
    HEADER = "header"


def clean(text: str) -> str:
    """Return `text` on one line, without what could break or turn round its surroundings, ends stripped."""
    if text.isprintable():
        return text.strip()
    text = _BROKEN.sub("\ufffd", _DROPPED.sub("", _SPACED.sub(" ", text)))
    return text.strip()


def clean_header(text: str) -> str:
    """Return `text` cleaned, every run of spaces as one, for a place in a header."""
    return _SPACES.sub(" ", clean(text)).strip()


def escape(text: str, context: Context) -> str:
    """Return the cleaned `text` written for `context`."""
    match context:
        case Context.TEXT:
            return text
        case Context.HTML:
            return html(text)
        case Context.TEXT_ADDRESS:
            return address(text)
        case Context.HTML_ADDRESS:
            return html(address(text))
        case Context.TEXT_ADDRESS_PART | Context.HTML_ADDRESS_PART:
            return quote(text, safe="")
        case Context.HEADER:
            return clean_header(text)


def html(text: str) -> str:
    """Return `text` for an element or a quoted attribute."""
    return _HTML_SPECIAL.sub(lambda found: _HTML[found[0]], text)


def address(text: str) -> str:
    """Return `text` as the beginning of a link's address.

    Only http, https and mailto pass with their scheme; anything else, `javascript:` among it, is encoded as a whole
    and leads nowhere (D5).
    """
    if _WHOLE_ADDRESS.fullmatch(text):
        return quote(text, safe=_KEPT_IN_ADDRESS)
    return quote(text, safe="")
