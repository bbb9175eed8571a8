"""Read an SPF record (RFC 7208 sections 4.5, 4.6, 5 and 7). It asks nobody and matches nothing; spf_walk.py does."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ASKS = frozenset({"include", "a", "mx", "ptr", "exists"})  # the mechanisms that count as look-ups (section 4.6.4)
_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9._-]*)([:=/].*)?", re.IGNORECASE)
_LENGTHS = re.compile(r"(.*?)(?:/(\d{1,2}))?(?://(\d{1,3}))?", re.DOTALL)
_MACRO = re.compile(r"%(?:\{([a-z])(\d*)(r?)([.\-+,/_=]*)\}|([%_-]))", re.IGNORECASE)
_SPEC = re.compile(r"(?:[!-$&-~]|%\{[a-z]\d*r?[.\-+,/_=]*\}|%[%_-])+", re.IGNORECASE)


class SpfSyntax(ValueError):
    """A record breaks the grammar, so that every receiver answers "permerror"; the text names the term."""


@dataclass(frozen=True, slots=True)
class Term:
    """One mechanism as it was written. `target` is its domain, macros and all, or ""."""

    text: str
    qualifier: str
    name: str
    target: str = ""
    network: Network | None = None
    lengths: tuple[int, int] = (32, 128)


@dataclass(frozen=True, slots=True)
class Record:
    """The mechanisms of a record in order, and where it goes on."""

    terms: tuple[Term, ...]
    redirect: str = ""

    @property
    def catch_all(self) -> Term | None:
        """The mechanism `all`, if there is one."""
        return next((term for term in self.terms if term.name == "all"), None)


def is_spf(text: str) -> bool:
    """Say whether a TXT record is an SPF record at all (section 4.5)."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def parse(text: str) -> Record:
    """Return the record; raise SpfSyntax for what no receiver can read."""
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in text[len("v=spf1") :].split(" "):
        if not word:
            continue
        found = _TERM.fullmatch(word)
        if not found:
            raise SpfSyntax(word)
        qualifier, name, rest = found[1] or "+", found[2].lower(), found[3] or ""
        if rest.startswith("="):
            _take_modifier(word, name, rest[1:], modifiers, alone=not found[1])
        else:
            terms.append(_mechanism(word, qualifier, name, rest))
    return Record(tuple(terms), modifiers.get("redirect", ""))


def macros(spec: str) -> set[str]:
    """Return the letters of the macros in a domain, in small letters."""
    return {found[1].lower() for found in _MACRO.finditer(spec) if found[1]}


def expand(spec: str, values: Mapping[str, str]) -> str:
    """Return `spec` with its macros replaced by `values` (section 7.3); every letter in it must be among them."""

    def one(found: re.Match[str]) -> str:
        if found[5]:
            return {"%": "%", "_": " ", "-": "%20"}[found[5]]
        parts = re.split(f"[{re.escape(found[4] or '.')}]", values[found[1].lower()])
        if found[3]:
            parts.reverse()
        return ".".join(parts[-int(found[2]) :] if found[2] and int(found[2]) else parts)

    return _MACRO.sub(one, spec)


def _take_modifier(word: str, name: str, value: str, into: dict[str, str], *, alone: bool) -> None:
    """Keep a modifier; two of one kind, or one without a value, break the record (section 6)."""
    if not alone:
        raise SpfSyntax(word)
    if name not in {"redirect", "exp"}:
        return  # unknown modifiers are passed over
    if name in into or not _SPEC.fullmatch(value):
        raise SpfSyntax(word)
    into[name] = value


def _mechanism(word: str, qualifier: str, name: str, rest: str) -> Term:
    if name in {"ip4", "ip6"}:
        try:
            network = ipaddress.ip_network(rest.removeprefix(":"), strict=False)
        except ValueError as exc:
            raise SpfSyntax(word) from exc
        if not rest.startswith(":") or network.version != int(name[2]):
            raise SpfSyntax(word)
        return Term(word, qualifier, name, network=network)
    if name == "all":
        if rest:
            raise SpfSyntax(word)
        return Term(word, qualifier, name)
    if name not in ASKS:
        raise SpfSyntax(word)
    target, lengths = _target(word, rest) if name in {"a", "mx"} else (rest.removeprefix(":"), (32, 128))
    needed = name in {"include", "exists"}
    if (needed and not target) or (rest.startswith(":") and not target) or (target and not _SPEC.fullmatch(target)):
        raise SpfSyntax(word)
    return Term(word, qualifier, name, target, lengths=lengths)


def _target(word: str, rest: str) -> tuple[str, tuple[int, int]]:
    found = _LENGTHS.fullmatch(rest)
    if not found or (found[1] and not found[1].startswith(":")):
        raise SpfSyntax(word)
    four, six = int(found[2] or 32), int(found[3] or 128)
    if four > 32 or six > 128:
        raise SpfSyntax(word)
    return found[1].removeprefix(":"), (four, six)
