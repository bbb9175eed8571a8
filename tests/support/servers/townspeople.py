"""Who lives in the town (town.py), and what they send back that no mail server writes by itself.

The names of readers say what becomes of their letter: `gone` has no mailbox, `full` no room, `away` answers by machine,
`spam` reports it as such, `leave` leaves by the letter's own mailto; everybody else just has it.
"""

import email
import re
from email.message import EmailMessage
from email.policy import SMTP, default
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.servers.town import BOUNCES, Town
from tests.support.servers.town_settings import DOVECOT_DOMAINS, EXIM_DOMAIN

ALPHA, BETA, GAMMA = DOVECOT_DOMAINS
DELTA = EXIM_DOMAIN
_ORDINARY = 500  # readers of each domain
_KINDS: dict[str, dict[str, int]] = {
    "gone": {ALPHA: 25, BETA: 25, GAMMA: 25, DELTA: 25},
    "full": {ALPHA: 14, BETA: 13, GAMMA: 13, DELTA: 10},
    "away": {GAMMA: 10, DELTA: 10},
    "spam": {ALPHA: 10},
    "leave": {BETA: 10},
}
OUT_OF_OFFICE = """\
Guten Tag,

ich bin bis Montag nicht im Büro. In dringenden Fällen: Zimmer 550, 5.1.1 im Plan. User unknown to switchboard? 0!
"""


def people(kind: str) -> list[str]:
    """Return the addresses of one kind."""
    return [f"{kind}{number}@{domain}" for domain, many in _KINDS[kind].items() for number in range(1, many + 1)]


def everybody() -> list[str]:
    """Return the two thousand."""
    found = [one for kind in _KINDS for one in people(kind)]
    for domain in (*DOVECOT_DOMAINS, EXIM_DOMAIN):
        here = sum(1 for one in found if one.endswith(f"@{domain}"))
        found += [f"reader{number}@{domain}" for number in range(1, _ORDINARY - here + 1)]
    return found


def housed() -> list[str]:
    """Return those who have a mailbox."""
    return [one for one in everybody() if not one.startswith("gone")]


def answer(town: Town) -> int:
    """Send what people and their programs send back; return how many mails that are."""
    for number, reader in enumerate(people("spam")):
        [letter] = town.letters_of(reader)
        town.submit("", BOUNCES, _complaint(reader, letter, redacted=number >= 7))
    for number, reader in enumerate(people("leave")):
        [letter] = town.letters_of(reader)
        to, subject = mailto(letter)
        town.submit(reader, to, _note(reader, to, f"Re: {subject}" if number >= 5 else subject, ""))
    scripted = [one for one in people("away") if one.endswith(f"@{GAMMA}")]
    for reader in scripted:
        [letter] = town.letters_of(reader)
        town.submit(
            "", sender_of(letter), _note(reader, sender_of(letter), "Automatische Antwort: News", OUT_OF_OFFICE)
        )
    return len(people("spam")) + len(people("leave")) + len(scripted)


def forgeries() -> list[bytes]:
    """Return reports and commands about living readers that carry no token of ours."""
    reader = f"reader1@{ALPHA}"
    report = (
        f"From: MAILER-DAEMON@{ALPHA}\nTo: {BOUNCES}\nSubject: Undelivered Mail Returned to Sender\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nUser unknown\n\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; {ALPHA}\n\nFinal-Recipient: rfc822; {reader}\nAction: failed\nStatus: 5.1.1\n\n--b--\n"
    ).encode()
    guessed = report.replace(BOUNCES.encode(), BOUNCES.replace("@", f"+{'a' * 52}@").encode())
    letter = f"From: {reader}\nTo: {BOUNCES}\nMessage-ID: <guessed@{ALPHA}>\nSubject: News\n\nWords\n".encode()
    return [report, guessed, _complaint(reader, letter), _note(reader, BOUNCES, "leave " + "a" * 52, "")]


def mailto(letter: bytes) -> tuple[str, str]:
    """Return address and subject of a letter's own way to leave by mail (RFC 2369)."""
    field = str(email.message_from_bytes(letter, policy=default)["List-Unsubscribe"])
    [link] = re.findall(r"<(mailto:[^>]+)>", re.sub(r"\s+", "", field))
    parts = urlsplit(link)
    return unquote(parts.path), parse_qs(parts.query)["subject"][0]


def sender_of(letter: bytes) -> str:
    """Return the envelope's sender of a letter that lies in a mailbox."""
    return str(email.message_from_bytes(letter, policy=default)["Return-Path"]).strip("<>")


def _note(sender: str, recipient: str, subject: str, text: str) -> bytes:
    note = EmailMessage(policy=SMTP)
    note["From"], note["To"], note["Subject"] = sender, recipient, subject
    if text:
        note["X-Auto-Response-Suppress"] = "All"
        note["Auto-Submitted"] = "auto-generated"
    note.set_content(text)
    return note.as_bytes()


def _complaint(reader: str, letter: bytes, *, redacted: bool = False) -> bytes:
    """Return a report of abuse (RFC 5965); a redacted one names nobody, as many providers' do (RFC 6590)."""
    of = "" if redacted else f"Original-Rcpt-To: <{reader}>\n"
    fields = f"Feedback-Type: abuse\nUser-Agent: Example-FBL/1.0\nVersion: 1\n{of}Source-IP: 192.0.2.1\n"
    shown = letter.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    if redacted:
        shown = re.sub(r"(?im)^(delivered-to|return-path|x-original-to): .*(\n[ \t].*)*\n", "", shown)
        shown = shown.replace(reader, "redacted@example.invalid")
    head = (
        f"From: <feedback@{reader.partition('@')[2]}>\nTo: {BOUNCES}\nSubject: FW: News\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="arf"\n\n'
        "--arf\nContent-Type: text/plain\n\nThis is an email abuse report.\n\n"
        f"--arf\nContent-Type: message/feedback-report\n\n{fields}\n"
        f"--arf\nContent-Type: message/rfc822\n\n{shown}\n--arf--\n"
    )
    return head.encode("utf-8", "surrogateescape")
