"""Who a mailing is from, where its bounces go and where its links lead: one value, checked before anything is composed.

It knows no person; tokens are put in by merge.py. Sources: contract.md (web addresses, bounce styles), RFC 5321
section 4.5.3.1.1 (local parts), RFC 6068 (mailto).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from balintmail.composing.escaping import clean_header
from balintmail.composing.letter import Letter
from balintmail.composing.refusals import AddressUnusable
from balintmail.composing.splitting import LinkPattern
from balintmail.composing.surroundings import Surroundings
from balintmail.config import BounceStyle
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.states import MailingKind, Visibility

LONGEST_LOCAL = 64  # octets: RFC 5321 section 4.5.3.1.1
_LONGEST_TOKEN = 44  # characters of a bounce token for the largest delivery id


@dataclass(frozen=True, slots=True)
class Identity:
    """Addresses in the form the wire gets. `sender` is what stands round the token in the envelope's sender."""

    from_name: str
    from_address: str
    reply_to: str
    reply_name: str
    owner: str
    bounce: str
    sender: tuple[str, ...]
    domain: str
    browser_url: str
    archive_url: str
    links: Mapping[str, LinkPattern]
    one_click: bool  # the address for leaving is https (RFC 8058 asks for it)


def identify(letter: Letter, surroundings: Surroundings) -> Identity:
    """Return the identity of `letter`'s mailing; raise AddressUnusable naming the address that cannot be used."""
    sender = letter.sender
    from_address = sender.envelope if sender else _usable(surroundings.from_address, "From")
    bounce = _usable(surroundings.bounce_address, "bounce")
    reply = surroundings.reply_to
    url = surroundings.url.rstrip("/")
    facts = surroundings.list
    pages = f"{url}/newsletters/{quote(facts.slug, safe='')}" if url and facts else ""
    readable = letter.number and letter.visibility is not Visibility.NONE
    is_notice = surroundings.kind is MailingKind.NOTICE
    return Identity(
        from_name=clean_header((sender.name if sender else "") or surroundings.from_name or surroundings.society),
        from_address=from_address,
        reply_to=letter.reply_to.envelope if letter.reply_to else _usable(reply, "Reply-To") if reply else "",
        reply_name=letter.reply_to.name if letter.reply_to else "",
        owner=_usable(surroundings.owner_address, "Secretary's"),
        bounce=bounce,
        sender=_sender(bounce, surroundings.bounce_style),
        domain=from_address.rpartition("@")[2].lower(),
        browser_url=f"{pages}/{quote(letter.number, safe='')}" if pages and readable and not is_notice else "",
        archive_url=pages if surroundings.leavable else "",
        links=_links(url, bounce) if facts and surroundings.leavable else {},
        one_click=url.startswith("https://"),
    )


def leave_by_mail(bounce: str) -> str:
    """Return the beginning of the mailto address for leaving; the token follows it."""
    return f"mailto:{quote(bounce, safe='@+')}?subject=leave%20"


def _links(url: str, bounce: str) -> dict[str, LinkPattern]:
    """Return the personal addresses; without a site there is only leaving, by mail."""
    if not url:
        return {"urls.unsubscribe": LinkPattern(leave_by_mail(bounce), "token.leave")}
    return {
        "urls.unsubscribe": LinkPattern(f"{url}/leave/", "token.leave"),
        "urls.preferences": LinkPattern(f"{url}/preferences/", "token.preferences"),
    }


def _usable(text: str, what: str) -> str:
    try:
        address = parse(text)
    except AddressRefused as exc:
        raise AddressUnusable(
            f"The {what} address cannot be used: {exc.reason}.", hint="See: balintmail lists"
        ) from exc
    if address.needs_smtputf8:
        raise AddressUnusable(
            f"The {what} address has letters before the @ that not every mail system takes.",
            hint="Use an address whose part before the @ is plain ASCII.",
        )
    return address.envelope


def _sender(bounce: str, style: BounceStyle) -> tuple[str, ...]:
    local, _, domain = bounce.rpartition("@")
    if style is BounceStyle.PLAIN:
        return (bounce,)
    if style is BounceStyle.CATCHALL:
        return ("", f"@{domain}")
    if len(local) + 1 + _LONGEST_TOKEN > LONGEST_LOCAL:
        raise AddressUnusable(
            "The bounce address is too long to take a token after a plus.",
            hint='Take a shorter one, or set [bounces] style = "plain".',
        )
    return (f"{local}+", f"@{domain}")
