"""Find a domain's DMARC record and its organisation by walking up the DNS (RFC 9989 section 4.10).

It judges no record; dmarc.py does. No list of public suffixes is used: the records themselves say where one
organisation ends (`psd`), else the highest one that is found.
"""

import re
from dataclasses import dataclass

from balintmail.ops.lookup import Lookup

_LONGEST = 8  # labels; a longer name is asked itself and then from its last seven on (section 4.10)
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A record, where it was found (without `_dmarc.`), and its tags in their order."""

    domain: str
    text: str
    tags: dict[str, str]

    def tag(self, name: str, default: str = "") -> str:
        """Return a tag's value in small letters."""
        return self.tags.get(name, default).lower()


@dataclass(frozen=True, slots=True)
class TreeWalk:
    """The records from the name itself upward, and the names that hold several, which count as none."""

    start: str
    records: tuple[DmarcRecord, ...]
    several: tuple[str, ...] = ()

    @property
    def organisation(self) -> str:
        """The organisational domain: one below psd=y, else the highest record, where psd=n has ended the walk."""
        for record in self.records:
            if record.tag("psd") == "y" and record.domain != self.start:
                below = self.start.removesuffix(f".{record.domain}").rpartition(".")[2]
                return f"{below}.{record.domain}"
        return self.records[-1].domain if self.records else self.start

    @property
    def applied(self) -> DmarcRecord | None:
        """The record that is applied to a From at the start: its own, its organisation's, the public suffix's."""
        by_domain = {record.domain: record for record in self.records}
        if self.start in by_domain:
            return by_domain[self.start]
        if self.organisation in by_domain:
            return by_domain[self.organisation]
        return next((record for record in self.records if record.tag("psd") == "y"), None)


def read(text: str) -> dict[str, str] | None:
    """Return the tags of a DMARC record; None when the text is none, and is passed over (section 4.8)."""
    if not re.match(r"v\s*=\s*DMARC1\s*(;|$)", text):
        return None
    tags: dict[str, str] = {}
    for part in text.split(";"):
        found = _TAG.fullmatch(part)
        if found:
            tags.setdefault(found[1].lower(), found[2])
    return tags


def walk(lookup: Lookup, domain: str) -> TreeWalk:
    """Return what stands at `domain` and above it; raise LookupFailed when somewhere nobody answers."""
    records: list[DmarcRecord] = []
    several: list[str] = []
    for name in _names(domain):
        texts = [(text, tags) for text in lookup.texts(f"_dmarc.{name}") if (tags := read(text)) is not None]
        if len(texts) > 1:
            several.append(name)
        elif texts:
            record = DmarcRecord(name, *texts[0])
            records.append(record)
            if record.tag("psd") == "n" or (record.tag("psd") == "y" and name != domain):
                break
    return TreeWalk(domain, tuple(records), tuple(several))


def organisation(lookup: Lookup, domain: str) -> str:
    """Return the organisational domain of `domain`; raise LookupFailed."""
    return walk(lookup, domain).organisation


def same_organisation(lookup: Lookup, one: str, other: str) -> bool:
    """Say whether two domains belong to one organisation, as relaxed alignment asks; raise LookupFailed."""
    return one == other or organisation(lookup, one) == organisation(lookup, other)


def _names(domain: str) -> list[str]:
    """Return the names to ask, the domain itself first, down to its last label."""
    labels = domain.split(".")
    first = 1 if len(labels) < _LONGEST else len(labels) - (_LONGEST - 1)
    return [domain, *(".".join(labels[at:]) for at in range(first, len(labels)))]
