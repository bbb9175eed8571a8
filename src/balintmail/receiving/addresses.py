"""Find addresses in what mail systems write, in fields and in free text; decides nothing about them."""

import re
from collections.abc import Iterator

LONGEST = 320  # RFC 5321 section 4.5.3.1: 64 before the sign, 255 behind it

# Wider than what we let in: reports carry what somebody once mistyped.
_LOCAL = r"[\w!#$%&*+/=?^`{|}~'-](?:[\w.!#$%&*+/=?^`{|}~'-]{0,127})"
_HOST = r"(?:\[[0-9.]{7,15}\]|[^\W_](?:[\w-]{0,62})(?:\.[\w-]{1,63}){0,10})"
ADDRESS = re.compile(rf"(?:\"[^\"\s@<>\0-\x1f\x7f]{{1,64}}\"|{_LOCAL})@{_HOST}")
# In a sentence of a script that sets no blanks between words, its letters are no part of an address.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1100-\u11ff\u2e80-\u9fff\ua000-\ua4cf\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
_LABEL = re.compile(r"^(?:to|rcpt|recipient|for|addr|address|user|e-?mail|orcpt|smtp|rfc822)=(?=.)", re.I)
_SUFFIX = re.compile(r"(?<=[a-z])-[^.@]*$", re.I)  # Hungarian and German join words to an address: "…example.org-ra"
_NEXT_SENTENCE = re.compile(r"(?<=[a-z])\.[A-Z][a-z]+$")
_TYPE = re.compile(r"^\s*(?:[\w-]+\s*)?;\s*")  # "rfc822;", and what some write in its place
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_IN_X400 = re.compile(r"rfc-?822=([^/;\s]+)\(a\)([^/;\s()]+)", re.I)
_IN_EXCHANGE = re.compile(r"^IMCEA(?:SMTP|INVALID)-(.+)@[^@]*$", re.I)  # Exchange's wrapping of what it cannot place
_HEXED = re.compile(r"\+([0-9A-Fa-f]{2})")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


def every(text: str) -> Iterator[re.Match[str]]:
    """Yield the addresses in `text`, in order, each where it stands."""
    return ADDRESS.finditer(_UNSPACED.sub(" ", text))


def of_field(value: str) -> str:
    """Return the address of a report's field such as `rfc822; user@example.org`, or "" (RFC 3464 section 2.3)."""
    text = _UNITEXT.sub(lambda found: _letter(found[1]), _TYPE.sub("", value[:2000]))
    if gateway := _IN_X400.search(text):
        text = f"{gateway[1]}@{gateway[2]}"
    found = ADDRESS.search(text)
    address = clean(found[0]) if found else ""
    return "" if address.startswith("IMCEA") else address  # Exchange's own name for somebody is no address


def without_xtext(address: str) -> str:
    """Return an address with its xtext undone (RFC 3461 section 4): `a+2Bb` is `a+b`."""
    return _XTEXT.sub(lambda found: _letter(found[1]), address)


def clean(text: str) -> str:
    """Return an address without what stood round it."""
    text = text.strip()
    quoted = re.fullmatch(r"\"[^\"]+\"@[^\"]+", text) is not None
    text = text.strip("<>()[]{},;:'`*|~" + ("" if quoted else '"')).removeprefix("mailto:")
    text = re.sub(r"^.*?smtp[=:]", "", text, flags=re.I)  # X.400 and Exchange write "dda:SMTP=user@example.org"
    text = _LABEL.sub("", re.sub(r"^=?(?:3[DC])(?=\w)", "", text) if text.startswith(("3D", "3C", "=3")) else text)
    local, _, host = text.partition("@")
    last = host.rpartition(".")[2]
    if host.count(".") and "-" in last and not last.lower().startswith("xn--"):
        text = f"{local}@{_SUFFIX.sub('', host)}"
    if host.count(".") > 1 and host.islower() is False:
        text = f"{local}@{_NEXT_SENTENCE.sub('', text.partition('@')[2])}"
    if wrapped := _IN_EXCHANGE.match(text):
        inner = _HEXED.sub(lambda found: _letter(found[1]), wrapped[1])
        text = inner if ADDRESS.fullmatch(inner) else text
    return text.rstrip(".-")[:LONGEST]


def key(address: str) -> str:
    """Return what two spellings of one address share, as far as a report needs it."""
    return address.strip().strip("<>").rstrip(".").casefold()


def _letter(digits: str) -> str:
    number = int(digits, 16)
    return chr(number) if 32 < number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else ""
