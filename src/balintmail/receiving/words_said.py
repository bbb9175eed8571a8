"""Take out of a person's mail what they wrote themselves: without quotes, headers of quotes, and signatures.

Plain text comes first; where there is none, HTML is made plain without the quotes that mail programs mark in it. It is
one pass over the lines or tags, so a hostile mail costs no more than its length. It judges nothing.
Forms: RFC 3676 sections 4.3 (the line before a signature) and 4.5 (quotes), and the habits of mail programs.
"""

import re
from collections.abc import Iterable

from balintmail.receiving.mail import LONGEST_MARKUP, Leaf, Mail, as_plain

LONGEST = 20_000  # characters; nobody writes the Secretary more than that by hand
_LONGEST_LINE = 2000

# "On Monday Jane wrote:", in the order of the words that each language has. It may go over three lines.
_BEFORE_A_QUOTE = re.compile(
    r"^(?:on|am|le|il|el|op|den|em|dne)\b.{0,300}\b(?:wrote|schrieb|a écrit|ha scritto|escribió|schreef|skrev|"
    r"escreveu|napsal\(?a?\)?)\b.{0,80}:?\s*$|"
    r"^.{1,200}\b(?:wrote|schrieb|a écrit|ezt írta|írta)\b.{0,100}:\s*$",
    re.IGNORECASE | re.DOTALL,
)
_OPENS_A_QUOTE = re.compile(
    r"^(?:on|am|le)\s.{0,120}\d{4}.{0,160}$|^.{0,160}<[^<>@\s]+@[^<>\s]+>.{0,60}$", re.IGNORECASE
)
# What follows one of these is somebody else's mail, to the end.
_CUT = re.compile(
    r"^[-_=* ]{2,}\s*(?:original(?:e|al)? (?:message|mail|appointment)|forwarded (?:message|mail)(?: from .{0,80})?|"
    r"ursprüngliche (?:nachricht|e-?mail)|weitergeleitete nachricht|originalnachricht|"
    r"message (?:d'origine|d\N{RIGHT SINGLE QUOTATION MARK}origine|original|transféré|transmis)|"
    r"(?:eredeti|továbbított) üzenet|messaggio (?:originale|inoltrato)|mensaje original|oorspronkelijk bericht)"
    r"\s*[-_=* ]*$|^(?:begin forwarded message|anfang der weitergeleiteten nachricht|début du message (?:réexpédié|"
    r"transféré)|továbbított levél kezdete)\s*:?\s*$",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"^[*\s]{0,3}(from|von|de|feladó|da|van|sent|gesendet|envoyé|küldve|date|datum|dátum|to|an|à|címzett|subject|"
    r"betreff|objet|tárgy|cc|kopie)[* ]{0,3}:[* ]",
    re.IGNORECASE,
)
_FIRST_HEADING = re.compile(r"^[*\s]{0,3}(?:from|von|de|feladó|da|van)[* ]{0,3}:[* ]", re.IGNORECASE)
_RULE = re.compile(r"^[_\-=]{10,}\s*$")
_SIGNATURE = re.compile(r"^--[ \t]*$")
_DEVICE = re.compile(
    r"^(?:sent from (?:my|mail|outlook|yahoo|proton|samsung|the|a)\b.{0,80}|get outlook for .{0,40}|"
    r"(?:von (?:meinem|unterwegs)\b.{0,60}(?:gesendet|gesandt)?|gesendet (?:von|mit)\b.{0,60}|"
    r"diese nachricht wurde von .{0,60} gesendet)|"
    r"envoyé (?:de|depuis|à partir)\b.{0,60}|provenance\s?: courrier .{0,40}|"
    r".{0,40}\b(?:iphone-?omról|ipad-?emről|telefonomról|készülékemről)\b.{0,30}küldve|küldve a? ?.{0,40}-?(?:ról|ről)|"
    r"inviato da .{0,40}|enviado desde .{0,40})\.?\s*$",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})\b([^<>]{0,5000})>")
_VOID = frozenset({"br", "hr", "img", "meta", "input", "link", "col", "area", "base", "wbr"})
_QUOTED_ELEMENT = re.compile(
    r"(?:class|id)\s*=\s*[\"']?[^\"'<>]{0,200}(?:gmail_quote|gmail_signature|gmail_attr|yahoo_quoted|moz-cite-prefix|"
    r"moz-signature|protonmail_quote|protonmail_signature|tutanota_quote|zmail_extra|ms-outlook-mobile-signature|"
    r"cite-prefix|quoted-text|signature_block|apple-mail-signature|applemailsignature)|type\s*=\s*[\"']?cite",
    re.IGNORECASE,
)
_QUOTED_REST = re.compile(
    r"(?:class|id)\s*=\s*[\"']?(?:divrplyfwdmsg|appendonsend|olk_src_body_section|stopspelling|"
    r"mail-editor-reference-message-container|ms-outlook-mobile-reference|x_divrplyfwdmsg)|"
    r"border-top\s*:\s*solid\s+#(?:e1e1e1|b5c4df)",
    re.IGNORECASE,
)
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
_EMPTY_LINES = re.compile(r"\n{3,}")


def words_said(mail: Mail) -> str:
    """Return the new words of a mail, at most LONGEST characters; "" when it only quotes, or says nothing."""
    plain = "\n".join(leaf.text for leaf in _own(mail.of_kind("text/plain", "")))
    if plain.strip():
        return new_words(plain)
    return new_words("\n".join(as_plain(without_quotes(leaf.text)) for leaf in _own(mail.of_kind("text/html"))))


def new_words(text: str) -> str:
    """Return `text` without quoted lines, what introduces them, forwarded mails and the signature."""
    kept: list[str] = []
    lines = [line[:_LONGEST_LINE] for line in text[: 10 * LONGEST].split("\n")]
    for at, line in enumerate(lines):
        bare = line.strip()
        if _is_quoted(bare):
            _drop_introduction(kept)
            continue
        if _CUT.match(bare) or _begins_headings(lines, at):
            _drop_rule(kept)
            break
        if _SIGNATURE.match(line):
            if _quote_follows(lines, at):
                continue
            break
        if _DEVICE.match(bare):
            continue
        kept.append(line.rstrip())
    _drop_introduction(kept)
    body = _EMPTY_LINES.sub("\n\n", "\n".join(kept))
    return _NO_TEXT.sub("", body).strip()[:LONGEST].strip()


def without_quotes(markup: str) -> str:
    """Return HTML without the elements in which mail programs put quotes and signatures; linear in its length."""
    markup = markup[:LONGEST_MARKUP]
    kept: list[str] = []
    at, inside, depth = 0, "", 0
    for found in _TAG.finditer(markup):
        closing, name, rest = found[1], found[2].lower(), found[3]
        if inside:
            if name == inside and not rest.endswith("/"):
                depth += -1 if closing else 1
            if not depth:
                at, inside = found.end(), ""
            continue
        if closing:
            continue
        if _QUOTED_REST.search(rest):
            return "".join([*kept, markup[at : found.start()]])
        if name == "blockquote" or (name not in _VOID and _QUOTED_ELEMENT.search(rest)):
            kept += [markup[at : found.start()], "<br>"]
            at, inside, depth = found.end(), name, 1
    # One that never ends quotes all that follows.
    return "".join(kept if inside else [*kept, markup[at:]])


def _own(leaves: Iterable[Leaf]) -> list[Leaf]:
    """Return the leaves that are the letter itself and no file beside it."""
    return [leaf for leaf in leaves if not leaf.headers.get("content-disposition").lower().startswith("attachment")]


def _is_quoted(line: str) -> bool:
    return line.startswith((">", "|", "\N{FULLWIDTH GREATER-THAN SIGN}"))


def _quote_follows(lines: list[str], at: int) -> bool:
    """Say whether two dashes stand above a quote, as some programs put them, with the answer below it."""
    following = next((line.strip() for line in lines[at + 1 : at + 4] if line.strip()), "")
    return _is_quoted(following)


def _begins_headings(lines: list[str], at: int) -> bool:
    """Say whether the headings of a quoted mail begin here: From, Sent, To, Subject, in one of several languages."""
    if not _FIRST_HEADING.match(lines[at]):
        return False
    near = [line for line in lines[at : at + 8] if line.strip()][:6]
    return sum(1 for line in near if _HEADING.match(line)) >= 3


def _drop_rule(kept: list[str]) -> None:
    while kept and (not kept[-1].strip() or _RULE.match(kept[-1].strip())):
        kept.pop()


def _drop_introduction(kept: list[str]) -> None:
    """Drop the lines at the end of `kept` that say who wrote what is quoted next."""
    _drop_rule(kept)
    for many in (3, 2, 1):
        lines = [line.strip() for line in kept[-many:]]
        if len(lines) < many or not all(lines):
            continue
        begins = many == 1 or (_OPENS_A_QUOTE.match(lines[0]) and not lines[0].endswith((".", "!", "?")))
        if begins and _BEFORE_A_QUOTE.match(" ".join(lines)):
            del kept[-many:]
            _drop_rule(kept)
            return
