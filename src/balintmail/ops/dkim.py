"""Hold the DKIM keys against what the DNS says, and say whose duty what is.

It publishes nothing. The resolver is handed in, so that a test, or somebody who has just published a record, asks a
server of their own choice. The record's judge is sending/dkim_record.py.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from balintmail.domain.dkim import Algorithm, is_aligned, record_name
from balintmail.ops.lookup import LookupFailed
from balintmail.sending.dkim_record import Finding, Level, judge
from balintmail.services.dkim import KeyView


class TextLookup(Protocol):
    """Whoever answers for TXT records; ops/lookup.py does."""

    def texts(self, name: str) -> list[str]:
        """Return the TXT records at `name`, each with its strings joined; none is no error. Raises LookupFailed."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One key and what was found about it; `asked` is false where its record does not matter any more."""

    view: KeyView
    findings: tuple[Finding, ...]
    asked: bool


def check(views: Sequence[KeyView], lookup: TextLookup, *, now: datetime, named: Collection[str] = ()) -> list[Checked]:
    """Return what is right and wrong with each key and its record.

    A key that waits to be put in force only warns, unless it is `named`: then somebody wants to know whether it is
    ready.
    """
    found = []
    for view in views:
        if view.need.is_over(now):
            note = f"The key {view.selector} is not needed any more: its record and dkim/{view.selector}.pem may go."
            found.append(Checked(view, (_finding(Level.NOTE, "over", view, note),), asked=False))
            continue
        findings = _of_one(view, lookup)
        if view.is_waiting and view.selector not in named:
            findings = [_softened(one) for one in findings]
        found.append(Checked(view, tuple(findings), asked=view.key is not None))
    return found


def doubts(views: Sequence[KeyView], from_domains: Sequence[str]) -> list[Finding]:
    """Return what is doubtful about the keys in force as a set; `from_domains` are those of the lists' From."""
    in_force = [view for view in views if view.need.in_force]
    if not in_force:
        message = "No key is in force: letters leave without a DKIM signature. "
        if any(view.is_waiting and view.key for view in views):
            message += "When its record is in order, name the new key in balintmail.toml, under [dkim]."
        else:
            message += "Begin with: balintmail dkim new"
        return [Finding(Level.WARN, "unsigned", "", "", message)]
    found = []
    if all(view.key and view.key.algorithm is Algorithm.ED25519 for view in in_force):
        message = "No RSA key is in force: many providers cannot check Ed25519 and take the letters as unsigned."
        found.append(Finding(Level.WARN, "no_rsa", "", "", message))
    signing = in_force[0].domain
    for domain in sorted(set(from_domains)):
        if not is_aligned(domain, signing):
            message = f"Letters are signed for {signing}, and come From {domain}: DMARC does not count that signature."
            found.append(Finding(Level.WARN, "not_aligned", "", "", message))
    return found


def _of_one(view: KeyView, lookup: TextLookup) -> list[Finding]:
    if view.key is None:
        why = f"{view.refused.message} {view.refused.hint}".rstrip() if view.refused else ""
        return [_finding(Level.STOP, "key_file", view, why)]
    name = record_name(view.selector, view.domain)
    try:
        texts = lookup.texts(name)
        findings = judge(view.key, view.domain, texts)
        # Many forms add the domain to the name by themselves, and people type it as well.
        if not texts and lookup.texts(doubled := f"{name}.{view.domain}"):
            words = f"There is no TXT record at {name}, but one at {doubled}: type the name without the domain."
            findings = [_finding(Level.STOP, "doubled_name", view, words)]
    except LookupFailed as exc:
        return [_finding(Level.STOP, exc.code, view, f"{exc.message} Try again later.")]
    return findings


def _finding(level: Level, code: str, view: KeyView, message: str) -> Finding:
    return Finding(level, code, view.selector, record_name(view.selector, view.domain), message)


def _softened(found: Finding) -> Finding:
    if found.level is not Level.STOP:
        return found
    message = f"{found.message} (Not in force yet: no letter is signed with it.)"
    return Finding(Level.WARN, found.code, found.selector, found.name, message)
