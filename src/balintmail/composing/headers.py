"""Write the header fields of a letter ourselves, each folded, ASCII, and impossible to split by input (S50).

Encoded words (RFC 2047) stand only in unstructured text and in display names, never in an id, an address or a list
field (S26; traps T1 and T3 of standards.md), file names follow RFC 2231. It uses nothing of the `email` package: that
costs milliseconds per letter and has folded list fields into nonsense (python/cpython#85725).
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from balintmail.composing.escaping import clean_header

FOLD_AT = 78  # RFC 5322 section 2.1.1
LONGEST_NAME = 256  # characters of a display name; what is longer is cut, the address says who is meant
_LONGEST_WORD = 75  # RFC 2047 section 2
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOT_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_DOT_ATOM}@{_LABEL}(?:\.{_LABEL})*")
_UNSAFE_IN_ADDRESS = re.compile("[\u0080-\u00a0\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Characters that may stand bare in the Q encoding of a phrase (RFC 2047 section 5, rule 3).
_BARE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = tuple("_" if octet == 32 else chr(octet) if chr(octet) in _BARE else f"={octet:02X}" for octet in range(256))


def usable_address(envelope: str) -> bool:
    """Return whether `envelope` can stand in a header and an SMTP command as it is: no quotes, routes or controls."""
    if _ADDRESS.fullmatch(envelope) is None:
        return False
    return envelope.isascii() or not _UNSAFE_IN_ADDRESS.search(envelope)


def unstructured(field: str, text: str) -> str:
    """Return the whole field `Field: text` with its line end; `text` is cleaned and may be any Unicode."""
    text = clean_header(text)
    if not text.isascii() or "=?" in text or any(len(word) > FOLD_AT - 2 for word in text.split(" ")):
        words = encoded_words(text, first_room=FOLD_AT - len(field) - 2)
        return f"{field}: " + "\r\n ".join(words) + "\r\n"
    return folded(field, text.split(" "))


def mailbox(field: str, name: str, envelope: str) -> str:
    """Return the whole field `Field: name <envelope>` with its line end; the address is written as it is."""
    phrase, last = _phrase(name, len(field) + 2)
    if not phrase:
        return f"{field}: {envelope}\r\n"
    gap = " " if last + len(envelope) + 3 <= FOLD_AT else "\r\n "
    return f"{field}: {phrase}{gap}<{envelope}>\r\n"


@lru_cache(maxsize=8192)  # readers share names, and the list's own stands in every letter
def _phrase(name: str, before: int) -> tuple[str, int]:
    """Return `name` as a phrase that has `before` characters before it, and where its last line ends."""
    phrase = display_name(clean_header(name), room=FOLD_AT - before)
    return phrase, len(phrase) - phrase.rfind("\n") - 1 + (0 if "\n" in phrase else before)


def display_name(name: str, *, room: int = FOLD_AT) -> str:
    """Return `name` as a phrase of RFC 5322: bare atoms, a quoted string, or encoded words; "" for an empty one."""
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1].rstrip() + "…"
    if name.isascii() and "=?" not in name and len(name) + 2 <= room:
        if not name or _ATOMS.fullmatch(name):
            return name
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if len(quoted) <= room:
            return quoted
    return "\r\n ".join(encoded_words(name, first_room=room))


def encoded_words(text: str, *, first_room: int) -> list[str]:
    """Return `text` as encoded words of at most 75 characters, no character split between two (RFC 2047 section 5).

    `first_room` is what the first line has left for its word.
    """
    whole = text.encode("utf-8", "replace")
    quoted = sum([len(_Q[octet]) for octet in whole])
    shortest = (len(whole) + 2) // 3 * 4
    binary = quoted > shortest + 4
    words: list[str] = []
    piece = b""
    size = 0
    room = min(_LONGEST_WORD, max(first_room, 40)) - len("=?utf-8?q??=")
    if text and (shortest if binary else quoted) <= room:
        return [_word(whole, binary=binary)]
    for letter in text:
        octets = letter.encode("utf-8", "replace")
        wide = (len(piece) + len(octets) + 2) // 3 * 4 if binary else size + sum(len(_Q[octet]) for octet in octets)
        if piece and wide > room:
            words.append(_word(piece, binary=binary))
            piece, size, room = b"", 0, _LONGEST_WORD - len("=?utf-8?q??=")
        piece += octets
        size += sum(len(_Q[octet]) for octet in octets)
    if piece:
        words.append(_word(piece, binary=binary))
    return words


def folded(field: str, pieces: Sequence[str]) -> str:
    """Return the whole field with `pieces` parted by one blank, folded before a piece that would pass column 78."""
    lines = [f"{field}:"]
    for index, piece in enumerate(pieces):
        if index and len(lines[-1]) + 1 + len(piece) > FOLD_AT:
            lines.append(f" {piece}")
        else:
            lines[-1] += f" {piece}"
    return "\r\n".join(lines) + "\r\n"


def date_time(moment: datetime) -> str:
    """Return RFC 5322's date-time, always in English."""
    if moment.tzinfo is None:
        raise ValueError("a letter's date needs a zone")
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02d} {month} {moment.year:04d} {moment:%H:%M:%S} {moment:%z}"[:31]


def list_id(identifier: str, name: str) -> str:
    """Return the List-Id field (RFC 2919); a name that would need an encoded word is left out."""
    name = clean_header(name)
    if not name or not name.isascii() or "=?" in name or len(name) > 60:
        return f"List-Id: <{identifier}>\r\n"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return folded("List-Id", [f'"{quoted}"', f"<{identifier}>"])


def file_name(parameter: str, name: str) -> str:
    """Return `; parameter=…` for a file name: quoted where it is plain ASCII, else by RFC 2231, in sections if long."""
    name = clean_header(name).replace("/", "_").replace("\\", "_") or "file"
    if name.isascii() and '"' not in name and "=?" not in name and len(name) <= 60:
        return f';\r\n {parameter}="{name}"'
    encoded = quote(name, safe="")
    if len(encoded) <= 60:
        return f";\r\n {parameter}*=utf-8''{encoded}"
    sections: list[str] = []
    units = re.findall(r"(?:%[0-9A-F]{2}|[^%])", encoded)
    while units:
        section = ""
        while units and len(section) + len(units[0]) <= 55:
            section += units.pop(0)
        sections.append(section)
    marks = ("utf-8''", *[""] * (len(sections) - 1))
    return "".join(f";\r\n {parameter}*{at}*={marks[at]}{section}" for at, section in enumerate(sections))


def _word(piece: bytes, *, binary: bool) -> str:
    if binary:
        return f"=?utf-8?b?{b64encode(piece).decode('ascii')}?="
    return f"=?utf-8?q?{''.join(_Q[octet] for octet in piece)}?="
