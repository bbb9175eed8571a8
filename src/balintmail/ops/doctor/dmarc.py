"""Say what DMARC makes of our letters: the record in force, what is wrong with it, and whether we are aligned (S17).

RFC 9989, and RFC 9990 for reports that go to somebody else's domain. The tree walk is in dmarc_walk.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from balintmail.ops.doctor import dmarc_walk
from balintmail.ops.doctor.dmarc_walk import DmarcRecord, TreeWalk
from balintmail.ops.doctor.finding import Duty, Finding, good, note, stop, unasked, warn
from balintmail.ops.lookup import Lookup, LookupFailed

POLICIES = ("none", "quarantine", "reject")
_REMOVED = {  # RFC 9989 appendix A.6 and what takes their place
    "pct": "t=y says what pct=0 said",
    "rf": "it said how failure reports look",
    "ri": "it said how often reports come",
}
_KNOWN = frozenset({"v", "p", "sp", "np", "psd", "t", "rua", "ruf", "adkim", "aspf", "fo", *_REMOVED})
_VERBS = {"quarantine": "put away", "reject": "turn down"}
_SIGN = "Sign them: balintmail dkim new"
_URI = re.compile(r"mailto:[^\s@,]+@([^\s,!]+)(?:![0-9]+[kmgt]?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sender:
    """The domains of a letter: its From, its envelope, and those whose keys sign it (none: we do not sign)."""

    author: str
    envelope: str
    signing: Sequence[str]


def findings(lookup: Lookup, sender: Sender) -> list[Finding]:
    """Return what is right and wrong with DMARC for letters of this sender."""
    try:
        walk = dmarc_walk.walk(lookup, sender.author)
        exists = lookup.exists(sender.author)
    except LookupFailed as exc:
        return [unasked("dmarc_unknown", f"the DMARC record of {sender.author}. {exc.message}")]
    found = [_several(name) for name in walk.several]
    record = walk.applied
    policy = _policy(walk, exists=exists)
    if record is None or policy is None:
        if not walk.several:
            found.append(_missing(sender.author, record))
    else:
        found += [_in_force(walk, record, policy, exists=exists), *_tags(record), *_reports(lookup, record)]
    return [*found, *_alignment(lookup, sender, record, policy or "none")]


def _missing(domain: str, record: DmarcRecord | None) -> Finding:
    hint = (
        f'Publish a TXT record at _dmarc.{domain}: "v=DMARC1; p=none; rua=mailto:…" and read the reports for a while.'
    )
    if record is None:
        return warn("dmarc_missing", f"There is no DMARC record for {domain}, neither its own nor one above it.", hint)
    message = f"The DMARC record at _dmarc.{record.domain} has no policy that can be read: it does not count."
    return warn("dmarc_policy", message, "Write p=none, p=quarantine or p=reject into it.")


def _several(name: str) -> Finding:
    message = f"There are several DMARC records at _dmarc.{name}: receivers pass over all of them."
    return warn("dmarc_several", message, "Leave one.")


def _policy(walk: TreeWalk, *, exists: bool) -> str | None:
    """Return the policy for a From at the start of the walk; None when the record does not count.

    A missing `p` is `none` (section 4.7); one that cannot be read is so only where reports are asked for (4.10.1).
    """
    record = walk.applied
    if record is None:
        return None
    reports = bool(_URI.search(record.tag("rua")))
    for name in ("p", "sp", "np"):
        if name in record.tags and record.tag(name) not in POLICIES:
            return "none" if reports else None
    order = ("p",) if record.domain == walk.start else ("sp", "p") if exists else ("np", "sp", "p")
    return next((record.tag(name) for name in order if name in record.tags), "none")


def _in_force(walk: TreeWalk, record: DmarcRecord, policy: str, *, exists: bool) -> Finding:
    where = f"_dmarc.{record.domain}"
    if not exists:
        message = f"The From domain {walk.start} does not exist in the DNS: {where} asks for {policy}, by its np."
        return warn("dmarc_np", message, "Send from a domain that exists: many receivers turn such letters down.")
    message = f"DMARC of {walk.start}: {policy}, by {where}; its organisation is {walk.organisation}."
    return note("dmarc_record", f"{message} It only watches.") if policy == "none" else good("dmarc_record", message)


def _tags(record: DmarcRecord) -> list[Finding]:
    where, found = f"_dmarc.{record.domain}", []
    removed = [name for name in _REMOVED if name in record.tags]
    if removed:
        words = "; ".join(f"{name} ({_REMOVED[name]})" for name in removed)
        message = f"The record at {where} has tags that RFC 9989 took out: {words}."
        found.append(warn("dmarc_removed_tags", message, f"Take out {', '.join(removed)}."))
    unknown = [name for name in record.tags if name not in _KNOWN]
    if unknown:
        found.append(note("dmarc_unknown_tags", f"The record at {where} has tags nobody knows: {', '.join(unknown)}."))
    if "p" not in record.tags:
        message = f"The record at {where} has no p: receivers read p=none, and older ones pass over it."
        found.append(warn("dmarc_policy", message, "Write p=none, p=quarantine or p=reject into it."))
    wrong = [name for name in ("p", "sp", "np") if name in record.tags and record.tag(name) not in POLICIES]
    if wrong:
        message = f"The record at {where} says {', '.join(f'{name}={record.tags[name]}' for name in wrong)}."
        found.append(warn("dmarc_policy", message, "Write none, quarantine or reject."))
    if record.tag("t") == "y":
        message = f"The record at {where} says t=y, testing: receivers do less than its policy asks."
        found.append(note("dmarc_testing", message))
    weakest = record.tag("np") or record.tag("sp") or record.tag("p")
    if weakest == "none" and record.tag("p") in POLICIES[1:]:
        message = f"The record at {where} lets names below {record.domain} that do not exist pass unhindered."
        found.append(note("dmarc_np_missing", message, "Add np=reject."))
    return found


def _reports(lookup: Lookup, record: DmarcRecord) -> list[Finding]:
    """Say whether somebody reads the reports, and whether those elsewhere said they would (RFC 9990)."""
    domains = sorted({found.lower() for found in _URI.findall(record.tags.get("rua", ""))})
    if not domains:
        message = f"Nobody reads DMARC's reports on {record.domain}: there is no rua."
        return [note("dmarc_reports", message, "Add rua=mailto: and an address for reports.")]
    found = []
    for domain in domains:
        name = f"{record.domain}._report._dmarc.{domain}"
        try:
            if dmarc_walk.same_organisation(lookup, domain, record.domain):
                continue
            if not any(dmarc_walk.read(text) is not None for text in lookup.texts(name)):
                message = f"Reports on {record.domain} go to {domain}, which does not say that it wants them."
                hint = f'It has to publish "v=DMARC1" as a TXT record at {name}.'
                found.append(warn("dmarc_reports", message, hint, Duty.PROVIDER))
        except LookupFailed:
            found.append(unasked("dmarc_reports_unknown", f"whether {domain} wants reports on {record.domain}."))
    return found or [good("dmarc_reports", f"Reports on {record.domain} go to {', '.join(domains)}.")]


def _alignment(lookup: Lookup, sender: Sender, record: DmarcRecord | None, policy: str) -> list[Finding]:
    """Say whether the From stands behind what signs the letter and where its bounces go (section 4.4)."""
    author, tag = sender.author, record.tag if record is not None else (lambda _name: "")
    try:
        by_key = [one for one in sender.signing if _aligned(lookup, author, one, strict=tag("adkim") == "s")]
        by_envelope = _aligned(lookup, author, sender.envelope, strict=tag("aspf") == "s")
    except LookupFailed as exc:
        return [unasked("dmarc_alignment_unknown", f"whether letters from {author} are aligned. {exc.message}")]
    found = []
    if by_key:
        found.append(good("dmarc_dkim_aligned", f"The signature of {by_key[0]} speaks for From {author}."))
    elif sender.signing:
        message = f"Letters are signed for {sender.signing[0]}, which does not speak for From {author}."
        found.append(warn("dmarc_dkim_aligned", message, f"Make keys: balintmail dkim new --domain {author}"))
    if by_envelope:
        found.append(good("dmarc_spf_aligned", f"The envelope of {sender.envelope} speaks for From {author}."))
    else:
        message = f"Bounces go to {sender.envelope}, so SPF does not speak for From {author}."
        found.append((note if by_key else warn)("dmarc_spf_aligned", message, f"Set [bounces] address at {author}."))
    if not by_key and not by_envelope:
        message = f"Nothing of ours speaks for From {author}, so letters fail DMARC unless the relay signs for it."
        hint = f"Sign for it: balintmail dkim new --domain {author}"
        strong = policy != "none"
        if strong:
            message += f" Its policy asks receivers to {_VERBS[policy]} them."
        found.append((stop if strong else warn)("dmarc_alignment", message, hint))
    elif not sender.signing:
        message = f"Letters from {author} can pass DMARC by SPF alone, which does not survive being forwarded."
        if policy != "none":
            message += f" The policy asks receivers to {_VERBS[policy]} whatever does not pass."
        found.append((warn if policy != "none" else note)("dmarc_alignment", message, _SIGN))
    else:
        found.append(good("dmarc_alignment", f"Letters from {author} are aligned."))
    return found


def _aligned(lookup: Lookup, author: str, other: str, *, strict: bool) -> bool:
    return author == other if strict else dmarc_walk.same_organisation(lookup, author, other)
