"""Say what each relay lets us do: whether it can be used, its TLS and certificate (S30), and what it offers.

It only judges what dial.py heard. Sources: RFC 8314, 3207, 2920 (PIPELINING), 1870 (SIZE), 3461 (DSN), 6531 (SMTPUTF8).
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from balintmail.config import Security
from balintmail.domain.outcome import Stage, Verdict
from balintmail.ops.doctor.dial import Heard
from balintmail.ops.doctor.finding import Duty, Finding, Level, good, note, stop, unasked, warn, without_addresses

DAYS_TO_WARN = 14  # authorities renew at 30 days left; at 14 somebody has overlooked it
SMALL = 1_000_000  # octets; a newsletter with a picture or two has them
_WE_USE = ("pipelining", "size", "8bitmime", "smtputf8", "dsn", "starttls", "auth", "limits", "requiretls")


def findings(heard: Sequence[Heard], *, largest: int, now: datetime) -> list[Finding]:
    """Return what is right and wrong with the relays; `largest` is the size in octets that a letter may have."""
    found = [_of_one(one, largest=largest, now=now) for one in heard]
    usable = any(one.offer is not None for one in heard)
    softer = [[_softer(finding) for finding in group] if usable else group for group in found]
    return [finding for group in softer for finding in group]


def _is_near(heard: Heard) -> bool:
    """Say whether the relay that answered is this machine, or one whose address is not public."""
    try:
        return not ipaddress.ip_address(heard.address).is_global
    except ValueError:
        return False


def _softer(finding: Finding) -> Finding:
    """Let a relay that cannot be used only warn while another one can."""
    if finding.code != "relay" or finding.level is not Level.STOP:
        return finding
    return replace(finding, level=Level.WARN, message=f"{finding.message} Another relay can be used.")


def _of_one(heard: Heard, *, largest: int, now: datetime) -> list[Finding]:
    target = heard.target
    if heard.down is not None:
        return _down(heard, now)
    if heard.offer is None:
        return [unasked("relay_unknown", f"what the relay {target.name} ({target.where}) offers: it did not answer.")]
    found = [good("relay", f"The relay {target.name} ({target.where}) takes us as a sender.", Duty.RELAY)]
    if target.security is Security.NONE:
        found += _clear(heard)
    else:
        found += _sealed(heard, now)
    return [*found, *_login(heard), *_offer(heard, largest)]


def _down(heard: Heard, now: datetime) -> list[Finding]:
    target, exc = heard.target, heard.down
    if exc is None:
        return []
    outcome = exc.outcome
    lasting = outcome.verdict is Verdict.REFUSED or outcome.stage in {Stage.CONNECT, Stage.LOCAL}
    duty = Duty.RELAY if outcome.stage is Stage.GREETING else Duty.YOU
    message = without_addresses(exc.message)
    found = [(stop if lasting else warn)("relay", message, exc.hint, duty)]
    shown = heard.certificate
    if shown is not None:
        names = ", ".join(shown.names) or "nobody"
        days = shown.days_left(now)
        until = f"it expired {-days} days ago" if days < 0 else f"it is valid for {days} days more"
        message = f"{target.host} showed a certificate for {names}, made by {shown.issuer}; {until}."
        found.append(note("relay_certificate", message, duty=Duty.RELAY))
    return found


def _clear(heard: Heard) -> list[Finding]:
    """Judge a connection without TLS, which is fit for a relay on this machine and for no other."""
    target, offer = heard.target, heard.offer
    if _is_near(heard):
        return [note("relay_tls", f"Letters reach the relay {target.name} in the clear; it is near.")]
    hint = f'Set security = "tls" or "starttls" in [relays.{target.name}].'
    if offer is not None and "starttls" in offer.keywords:
        hint = f'It offers STARTTLS: set security = "starttls" in [relays.{target.name}].'
    return [stop("relay_tls", f"Letters and addresses travel to the relay {target.name} in the clear.", hint)]


def _sealed(heard: Heard, now: datetime) -> list[Finding]:
    target, shown = heard.target, heard.certificate
    by = "STARTTLS" if target.security is Security.STARTTLS else "TLS from the start"
    trusted = f"the authorities of {target.ca_file.name}" if target.ca_file else "this machine's authorities"
    found = [
        good("relay_tls", f"The relay {target.name} uses {heard.tls or 'TLS'} ({by}), and no letter goes without.")
    ]
    if shown is None:
        return found
    days = shown.days_left(now)
    message = (
        f"The certificate of {target.host} is made by {shown.issuer}, trusted by {trusted}, and valid {days} days more."
    )
    if days < DAYS_TO_WARN:
        hint = "When it expires nothing can be sent: ask whoever runs the relay to renew it."
        return [*found, warn("relay_certificate", message, hint, Duty.RELAY)]
    return [*found, good("relay_certificate", message, Duty.RELAY)]


def _login(heard: Heard) -> list[Finding]:
    target = heard.target
    if target.username and target.security is Security.NONE:
        message = f"The relay {target.name} has a username, which is never said in the clear."
        return [warn("relay_auth", message, f"Set security in [relays.{target.name}], or take the username out.")]
    if target.username:
        return [good("relay_auth", f"The relay {target.name} accepts our username and password.")]
    message = f"The relay {target.name} takes letters without a password."
    return [note("relay_auth", message, "Right where it knows this machine by its address.")]


def _offer(heard: Heard, largest: int) -> list[Finding]:
    """Name what the relay offers of what we use, and what its absence costs."""
    target, offer = heard.target, heard.offer
    if offer is None:
        return []
    said = {**offer.keywords}
    if heard.target.security is Security.STARTTLS:
        said["starttls"] = ""
    shown = [f"{word.upper()} {said[word]}".strip() for word in _WE_USE if word in said]
    words = ", ".join(shown) or "nothing beyond plain SMTP"
    found = [good("relay_offer", f"The relay {target.name} offers {words}.", Duty.RELAY)]
    costs = {
        "pipelining": "every command waits for its answer, and a mailing takes about four times as long",
        "dsn": "bounces do not name the delivery in a field of their own",
        "smtputf8": "people whose address has letters beyond ASCII before the @ cannot be mailed",
    }
    for word, cost in costs.items():
        if word not in said:
            found.append(note(f"relay_{word}", f"Without {word.upper()} {cost}.", duty=Duty.RELAY))
    if offer.size and offer.size < largest:
        message = f"The relay {target.name} takes at most {offer.size:,} octets; your settings allow {largest:,}."
        hint = "Larger letters are refused by it; [send] max_attachment_bytes sets your own limit."
        found.append((warn if offer.size < SMALL else note)("relay_size", message, hint, Duty.RELAY))
    return found
