"""Write the header of every letter of a mailing: fixed fields, and slots for what differs from person to person.

Fields and their sources: From, To, Message-ID, Date (RFC 5322 section 3.6, S11, S12), List-* (RFC 2369, 2919, S8),
one-click leaving (RFC 8058, S1, S2), Feedback-ID (S10), Auto-Submitted (RFC 3834 section 5, S9). It signs nothing.
"""

import re
from urllib.parse import quote

from balintmail.composing import headers
from balintmail.composing.expressions import Field
from balintmail.composing.identity import Identity, leave_by_mail
from balintmail.composing.letter import Letter
from balintmail.composing.program import RAW, Program
from balintmail.composing.refusals import AddressUnusable
from balintmail.composing.splitting import Splitter
from balintmail.composing.surroundings import ListFacts, Surroundings
from balintmail.domain.states import MailingKind

FEEDBACK_SENDER = "balintmail"  # the last, constant part (Gmail wants 5 to 15 characters)
ONE_CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"  # RFC 8058 section 3.1, to the letter
_NOT_IN_FEEDBACK = re.compile(r"[^A-Za-z0-9_.-]+")
_LIST_ID = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")  # RFC 2919 section 3


def heading(
    letter: Letter, surroundings: Surroundings, identity: Identity, splitter: Splitter, subject: Program | None
) -> Program:
    """Return the header up to MIME's own fields; `subject` is constant, None when it differs among people."""
    program: Program = [
        headers.mailbox("From", identity.from_name, identity.from_address),
        splitter.slot(Field("header.to"), RAW),
        headers.unstructured("Subject", "".join(map(str, subject)))
        if subject is not None
        else splitter.slot(Field("header.subject"), RAW),
        splitter.slot(Field("header.date"), RAW),
        "Message-ID: <",
        splitter.slot(Field("token.message"), RAW),
        f"@{identity.domain}>\r\n",
    ]
    if surroundings.answerable:
        program += _reply_to(identity, splitter)
    elif identity.reply_to:
        program.append(headers.mailbox("Reply-To", identity.reply_name, identity.reply_to))
    if surroundings.kind is MailingKind.NOTICE:
        program.append("Auto-Submitted: auto-generated\r\n")
    elif surroundings.list is not None:
        program += _list_fields(letter, surroundings.kind, surroundings.list, identity, splitter)
    program.append("MIME-Version: 1.0\r\n")
    return program


def _reply_to(identity: Identity, splitter: Splitter) -> Program:
    """Return the address at which we read what is answered; the token in it names the delivery.

    Where the host takes no such addresses, In-Reply-To names it by our Message-ID.
    """
    if len(identity.sender) == 1:
        return [] if identity.bounce == identity.from_address else [f"Reply-To: {identity.bounce}\r\n"]
    before, after = identity.sender
    return [f"Reply-To: {before}", splitter.slot(Field("token.reply"), RAW), f"{after}\r\n"]


def _list_fields(
    letter: Letter, kind: MailingKind, facts: ListFacts, identity: Identity, splitter: Splitter
) -> Program:
    """Return the fields of list mail. None of them ever holds an encoded word (S26, trap T1)."""
    if not _LIST_ID.fullmatch(facts.list_id) or len(facts.list_id) > 255:
        raise AddressUnusable("The list's List-Id is not one.", hint="It reads like newsletter.balint.example.org.")
    leave = splitter.slot(Field("token.leave"), RAW)
    mail = f"<{leave_by_mail(identity.bounce)}"
    owner = f"mailto:{quote(identity.owner, safe='@+')}"
    feedback = ":".join(_feedback(part) for part in (letter.number, facts.slug, kind.value, FEEDBACK_SENDER))
    fields: Program = [headers.list_id(facts.list_id, facts.name)]
    if identity.one_click:
        web = identity.links["urls.unsubscribe"].before
        fields += [f"List-Unsubscribe: <{web}", leave, f">,\r\n {mail}", leave, f">\r\n{ONE_CLICK}"]
    else:
        fields += [f"List-Unsubscribe: {mail}", leave, ">\r\n"]
    fields.append(headers.folded("List-Help", [f"<{owner}?subject=help>"]))
    fields.append(headers.folded("List-Owner", [f"<{owner}>"]))
    if identity.archive_url:
        fields.append(headers.folded("List-Archive", [f"<{identity.archive_url}>"]))
    fields.append("List-Post: NO\r\n")
    fields.append(headers.folded("Feedback-ID", [feedback]))
    return fields


def _feedback(part: str) -> str:
    return _NOT_IN_FEEDBACK.sub("-", part)[:60] or "none"
