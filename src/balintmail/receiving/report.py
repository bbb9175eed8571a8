"""Read delivery status notifications by their fields (RFC 3464, RFC 6533), as they are written in practice.

Groups that run into each other, fields in the text part, missing actions and codes with remarks are understood. What is
no failure (delayed, delivered, relayed, expanded) is said to be none (S40).
"""

import re
from collections.abc import Iterator

from balintmail.domain.judging import judge
from balintmail.domain.returns import Judged, Reason, Sentence
from balintmail.receiving import addresses
from balintmail.receiving.event import Found
from balintmail.receiving.mail import Headers, Leaf, Mail, read_headers

_KINDS = ("message/delivery-status", "message/global-delivery-status")
_ACTION = re.compile(r"[a-z]+")
_NO_FAILURE = frozenset({"delivered", "relayed", "expanded", "delivery"})
_WRAPPED = re.compile(r"\n(?![!-9;-~]{1,80}[ \t]*:|[ \t]|$)")  # a field's next line, not set in as it should be
_RECIPIENTS = ("original-recipient", "final-recipient", "x-actual-recipient")
_DIAGNOSTICS = ("diagnostic-code", "x-diagnostic-code", "x-supplementary-info")
MOST_RECIPIENTS = 20_000  # one report may speak of a whole list (H18)


def read_report(mail: Mail) -> list[Found]:
    """Return what the fields of a report say, one for each recipient; nothing where there are no such fields."""
    found: dict[str, Found] = {}
    text = mail.words[:20_000]
    told = text, text.casefold()
    for leaf in _status_leaves(mail):
        for fields in groups(_told_in(leaf)):
            one = _read_group(fields, told)
            if one is not None:
                before = found.get(addresses.key(one.address))
                if before is None or before.judged.sentence is Sentence.IGNORE:
                    found[addresses.key(one.address)] = one
            if len(found) >= MOST_RECIPIENTS:
                return list(found.values())
    return list(found.values())


def _told_in(leaf: Leaf) -> str:
    """Return the fields of a part; where the empty line before them was lost, they stand in its header."""
    if not leaf.headers.every(*_RECIPIENTS):
        return leaf.text
    return "".join(f"{name}: {value}\n" for name, value in leaf.headers.fields) + leaf.text


def groups(text: str) -> Iterator[Headers]:
    """Yield the groups of fields in a delivery-status part: between empty lines, or where a recipient comes again."""
    pending: Headers | None = None
    for group in _blocks(text):
        lacks = pending is not None and pending.every(*_RECIPIENTS) and not pending.every("action", "status")
        if pending is not None and lacks and not group.every(*_RECIPIENTS):
            pending = Headers(pending.fields + group.fields)  # an empty line came between a recipient and its fate
            continue
        if pending is not None:
            yield pending
        pending = group
    if pending is not None:
        yield pending


def _blocks(text: str) -> Iterator[Headers]:
    for block in re.split(r"\n[ \t]*\n", text):
        fields = read_headers(_WRAPPED.sub("\n ", block.lstrip("\n"))).fields
        start, seen = 0, set[str]()
        for at, (name, _) in enumerate(fields):
            if name in seen and name in _RECIPIENTS:
                # The recipient's own fields may stand before this one, such as Original- before Final-Recipient.
                yield Headers(fields[start:at])
                start, seen = at, set()
            seen.add(name)
        if fields[start:]:
            yield Headers(fields[start:])


def _status_leaves(mail: Mail) -> list[Leaf]:
    """Return the parts that hold the fields; where a report lost its form, whatever text holds them."""
    proper = [leaf for leaf in mail.leaves if leaf.kind in _KINDS and not leaf.returned]
    if proper:
        return proper
    return [leaf for leaf in mail.leaves if re.search(r"^(?:final|original)-recipient:", leaf.text, re.I | re.M)][:5]


def _read_group(fields: Headers, told: tuple[str, str]) -> Found | None:
    address = _recipient(fields)
    if not address or "..." in address or "redacted" in address.lower():
        return None
    action_found = _ACTION.search(fields.get("action").lower())
    action = action_found[0] if action_found else ""
    status, diagnostic = fields.get("status"), "; ".join(fields.every(*_DIAGNOSTICS))
    if action in _NO_FAILURE or (not action and status.startswith("2")):
        return Found(address, Judged(Sentence.IGNORE, Reason.OTHER, status[:9]), f"Action: {action}")
    words = _without_type(diagnostic) or _words_about(address, *told)
    if action.startswith("delay"):
        judged = judge(words, status, lasting=False)
    else:
        judged = judge(words, status, lasting=True if action.startswith("fail") else None)
        if judged.reason is Reason.OTHER:
            # A field that says nothing may stand beside a text that says much.
            more = judge(_words_about(address, *told), judged.status or status, lasting=True)
            judged = more if more.reason is not Reason.OTHER else judged
    shown = " ".join(part for part in (f"Action: {action}" if action else "", f"Status: {status}", words) if part)
    return Found(address, judged, shown[:500])


def _recipient(fields: Headers) -> str:
    """Return whom we wrote to: the original recipient where the report names one that is an address."""
    original = addresses.of_field(fields.get("original-recipient"))
    final = addresses.of_field(fields.get("final-recipient"))
    if original and final and addresses.key(addresses.without_xtext(original)) == addresses.key(final):
        return final
    if original and "@" in original:
        plain = addresses.without_xtext(original)
        return plain if plain.count("@") == 1 else original
    return final or addresses.of_field(fields.get("x-actual-recipient"))


def _without_type(diagnostic: str) -> str:
    return re.sub(
        r"^\s*(?:smtp|x-\w[\w.-]*|unix|lmtp|local|text|exim|ibm-domino|notes)\s*;\s*", "", diagnostic, flags=re.I
    )


def _words_about(address: str, text: str, folded: str) -> str:
    """Return what the text says of an address: from where it stands, a few lines; or the text's beginning."""
    at = folded.find(address.casefold())
    if at < 0:
        return text[:1500]
    return text[max(0, at - 80) : at + 700]
