"""Read the bounces that are no reports: the notes that qmail, Exim, Sendmail, Exchange and many others write in prose.

First it is asked whether the message is such a note at all; then what it says is parted from what it returns; then the
addresses in it are weighed by where they stand. An address that is ours, the sender's or an office's is no recipient.
"""

import re
from dataclasses import dataclass
from itertools import islice

from balintmail.domain.judging import judge
from balintmail.domain.returns import Sentence
from balintmail.receiving import addresses
from balintmail.receiving.event import Found
from balintmail.receiving.mail import Headers, Mail, read_headers
from balintmail.receiving.note_words import (
    BEGINNINGS,
    BEHIND_A_NAME,
    DAEMONS,
    OFFICES,
    PASSING,
    PERHAPS_DAEMONS,
    REFUSED,
    RETURNED,
    SUBJECTS,
    TURN_TO,
    WEAK_SUBJECTS,
    WRITER,
)

LONGEST_NOTE = 30_000  # characters; what a system says stands before what it returns
MOST = 500  # recipients of one note
MOST_WEIGHED = 600  # addresses looked at
_BESIDE = 200  # characters of the line before and behind it
_AROUND = 700  # characters after an address that speak of it
_TRANSCRIPT = re.compile(r"^\s*(?:>{1,3} ?|c: ?|<-+ ?)?RCPT TO: ?<?([^<>\s]+@[^<>\s]+?)>?(?:\s|$)", re.I | re.M)
_VERP = re.compile(r"[+-]([\w.+-]{1,64})=([\w-]{1,63}(?:\.[\w-]{1,63})+)@", re.I)
_TO_WHOM = (("to", "x-original-to"), ("x-envelope-to", "x-rcpt-to", "envelope-to", "resent-to"))
_SUMMARY = re.compile(r"^[ \t]*(?:subject|sent|size)\b.{0,20}:", re.I | re.M)
_LABEL = re.compile(r"(?:^|\n)[^\n:\uff1a@]{1,40}[:\uff1a]\s*[<\"']?$")
_DIALOGUE = re.compile(r"\s*(?:>>>|<<<|-+>|<-+)(?!\w)")
_OF_THE_SYSTEM = re.compile(r"[>\s]*\n\s*original address:", re.I)
_NOBODY = frozenset({"<>", "<MAILER-DAEMON>"})  # senders of the envelope
_EXPANDED = re.compile(r"\(expanded from\s*<?$", re.I)
_RECEIVED_FOR = re.compile(r"\bfor <?([^<>\s;]+@[^<>\s;]+?)>?;", re.I)


@dataclass(frozen=True, slots=True)
class _Weighed:
    address: str
    weight: int
    start: int
    end: int


def is_refusal(mail: Mail) -> bool:
    """Say whether a message is a mail system's note about mail that it could not pass on."""
    headers = mail.headers
    if headers.every("x-failed-recipients", "x-failed-recipient") or mail.report_type == "delivery-status":
        return True
    title = headers.get("subject")
    subject = bool(SUBJECTS.search(title))
    words = _note(mail)[:4000]
    begins = bool(BEGINNINGS.search(words))
    refused = bool(REFUSED.search(words))
    if is_from_a_daemon(headers):
        return subject or begins or refused or headers.get("return-path").strip() == "<>"
    firm = subject and not WEAK_SUBJECTS.search(title)
    path = headers.get("return-path").strip()
    if path in _NOBODY or PERHAPS_DAEMONS.search(headers.get("from")):
        return firm or (begins and (subject or refused))
    if path and "@" in path:  # somebody who can be answered: all must speak for it
        return subject and begins and refused
    return (begins and (subject or refused)) or (firm and refused)


def can_be_answered(mail: Mail) -> bool:
    """Say whether a message has an envelope sender and is from no system."""
    path = mail.headers.get("return-path").strip()
    return "@" in path and path not in _NOBODY and not is_from_a_daemon(mail.headers)


def is_from_a_daemon(headers: Headers) -> bool:
    """Say whether the sender is one that writes notes and nothing else; an empty From is such a one's."""
    sender = headers.get("from")
    if DAEMONS.search(sender) or DAEMONS.search(headers.get("sender")):
        return True
    return sender.strip() in {"<>", "<@>"}


def read_refusal(mail: Mail) -> list[Found]:
    """Return the recipients that a note names, with what it says of each; nothing where it names none."""
    for note in (_note(mail), _until_returned(mail.marked_up)):
        if note.strip() and (found := _read_note(note, mail)):
            return found
    return []


def _read_note(note: str, mail: Mail) -> list[Found]:
    ours = _ours(mail.headers)
    chosen = _of_headers(mail, ours) or _of_those_written_to(_best(_weigh(note, ours)), mail)
    chosen = chosen or _of_transcript(mail, ours)
    chosen = chosen or _best(_weigh(mail.headers.get("subject"), ours)) or _of_returned(mail, ours, note)
    chosen = chosen or _of_the_way(mail) or _best(_weigh(note, ours - _senders(mail.headers)))
    chosen = chosen or _only(note, ours, mail.headers)
    return [_found(one, chosen, note, mail) for one in chosen[:MOST]]


def _note(mail: Mail) -> str:
    """Return what the system says, without what it returns."""
    words = mail.words
    if not words.strip():
        words = "\n".join(leaf.text for leaf in mail.leaves if leaf.kind.startswith("text/"))
    return _until_returned(words)


def _until_returned(words: str) -> str:
    words = words[:LONGEST_NOTE]
    end = RETURNED.search(words)
    # A note that begins with a separator has its words behind it.
    if end is not None and words[: end.start()].strip():
        return words[: end.start()]
    return words


def _ours(headers: Headers) -> set[str]:
    """Return the addresses that stand in the message's own header: the one it was sent to, and its sender."""
    fields = headers.every("to", "cc", "from", "reply-to", "delivered-to", "envelope-to", "sender")
    return {addresses.key(found[0]) for field in fields for found in addresses.every(field[:5000])}


def _of_headers(mail: Mail, ours: set[str]) -> list[_Weighed]:
    found = []
    for field in mail.headers.every("x-failed-recipients", "x-failed-recipient"):
        for one in addresses.every(field):
            address = addresses.clean(one[0])
            if addresses.key(address) not in ours:
                found.append(_Weighed(address, 9, -1, -1))
    return found


def _weigh(note: str, ours: set[str]) -> list[_Weighed]:
    """Return every address of a note with what speaks for its being the recipient."""
    weighed = []
    for found in islice(addresses.every(note), MOST_WEIGHED):
        address = addresses.clean(found[0])
        local = address.partition("@")[0].lower()
        if (
            addresses.key(address) in ours
            or OFFICES.fullmatch(local)
            or "@" not in address
            or local.startswith("imcea")
        ):
            continue
        if "..." in address or ("." not in address.partition("@")[2] and note.startswith("...", found.end())):
            continue  # what a list left of an address
        line_start = note.rfind("\n", 0, found.start()) + 1
        line_end = note.find("\n", found.end())
        line_end = len(note) if line_end < 0 else line_end
        before = note[max(line_start, found.start() - _BESIDE) : found.start()]
        after = note[found.end() : min(line_end, found.end() + _BESIDE)]
        near = note[max(0, found.start() - 160) : found.start()]
        behind = note[found.end() : found.end() + 300]
        weight = _weight(before, after, near, behind)
        if "." not in address.partition("@")[2] or _OF_THE_SYSTEM.match(behind) or _EXPANDED.search(near):
            weight = min(weight, 2)  # what a system calls somebody within, such as user@ims-ms-daemon
        elif _DIALOGUE.match(before):
            weight = max(1, weight - 3)
        if weight > 0:
            weighed.append(_Weighed(address, weight, found.start(), found.end()))
    return weighed


def _weight(before: str, after: str, near: str, behind: str) -> int:
    """Return how much speaks for an address: where it stands in its line, and the words round it."""
    if _is_another(before, near):
        return 0
    summary = _SUMMARY.search(behind) or re.search(
        r"^[ \t]*(?:mail |message-)?(?:from|date|id|subject|sent):.{0,200}\n[ \t]*to:\s*$", near, re.I | re.M
    )
    if re.search(r"^[ \t]*to:\s*$", before, re.I) and summary:
        return 1  # Exchange's or James's summary of the letter, whose recipient may be a list
    left, right = before.strip(" \t>*-|\u2022\"'<([:"), after.strip(" \t>)]\"'.,;:|")
    weight = 1
    if not left and not right:
        weight += 5  # alone in its line
    elif not left:
        weight += 4  # the line begins with it
    elif re.search(
        r"(?:^|\s)(?:to|for|recipient|address(?:ed)?|rcpt|user(?:id)?|mailbox|an|à|a|címzett|para|per)\W*$", left, re.I
    ):
        weight += 3
    elif not right and _LABEL.search(before) and (REFUSED.search(near) or REFUSED.search(behind)):
        weight += 2  # "some word in some language: address"
    if re.match(
        r"[>\"')\]]*\s*(?::|\.\.\.|\(|-|–|,? ?(?:on|because|said|failed|could|was|is|did|does|has)\b)", after
    ) or REFUSED.search(after):
        weight += 2
    if REFUSED.search(before) or REFUSED.search(near):
        weight += 2
    elif REFUSED.search(behind):
        weight += 1
    return weight


def _is_another(before: str, near: str) -> bool:
    """Say whether what stands before an address makes it somebody to ask, the writer, or part of a link."""
    if BEHIND_A_NAME.search(before[-60:]) or TURN_TO.search(near) or WRITER.match(before):
        return True
    return re.search(r"(?:mailto|https?|ftp):\S*$", before) is not None


def _best(weighed: list[_Weighed]) -> list[_Weighed]:
    """Return those that weigh most, each once, in the order of the note."""
    if not weighed:
        return []
    most = max(one.weight for one in weighed)
    if most < 3:
        return []
    best: dict[str, _Weighed] = {}
    for one in weighed:
        if one.weight >= max(4, most - 2) or one.weight == most:
            best.setdefault(addresses.key(one.address), one)
    return list(best.values())


def _of_those_written_to(chosen: list[_Weighed], mail: Mail) -> list[_Weighed]:
    """Return those of several that the returned letter was to, and those for whom no less speaks."""
    if len(chosen) < 2:
        return chosen
    letters = mail.enclosed[:1] or _quoted_headers(mail.words)
    fields = [field[:5000] for headers in letters for field in headers.every("to", "cc")]
    to = {addresses.key(one[0]) for field in fields for one in addresses.every(field)}
    least = min((one.weight for one in chosen if addresses.key(one.address) in to), default=0)
    return [one for one in chosen if one.weight >= least or addresses.key(one.address) in to]


def _only(note: str, ours: set[str], headers: Headers) -> list[_Weighed]:
    """Return the one address of a note that names no other, but for those of our own house, little as speaks for it."""
    weighed = {addresses.key(one.address): one for one in _weigh(note, ours)}
    homes = tuple("@" + addresses.key(one[0]).rpartition("@")[2] for one in addresses.every(headers.get("to")[:2000]))
    away = [one for key, one in weighed.items() if not key.endswith(homes)]
    if len(away) == 1:
        return away
    return list(weighed.values()) if len(weighed) == 1 else []


def _of_transcript(mail: Mail, ours: set[str]) -> list[_Weighed]:
    """Return whom a transcript of the dialogue names at RCPT."""
    found: dict[str, _Weighed] = {}
    for one in _TRANSCRIPT.finditer(mail.words[:LONGEST_NOTE]):
        address = addresses.clean(one[1])
        if addresses.key(address) not in ours:
            found.setdefault(addresses.key(address), _Weighed(address, 3, one.start(1), one.end(1)))
    return list(found.values())


def _of_returned(mail: Mail, ours: set[str], note: str) -> list[_Weighed]:
    """Return the one person that the returned letter was to; of several, the one whose name the note holds."""
    for headers in mail.enclosed or _quoted_headers(mail.words):
        nobody = _not_persons(headers)
        for fields in _TO_WHOM:
            to = [one[0] for field in headers.every(*fields) for one in addresses.every(field[:5000])]
            distinct = {addresses.key(one): addresses.clean(one) for one in to if "..." not in one}
            persons = [one for key, one in distinct.items() if key not in nobody and key not in ours]
            if 1 < len(persons) <= 50:
                persons = [one for one in persons if re.search(rf"\b{re.escape(one.partition('@')[0])}\b", note, re.I)]
            if len(persons) == 1:
                return [_Weighed(persons[0], 2, -1, -1)]
        received = [one[1] for field in headers.every("received")[:5] for one in _RECEIVED_FOR.finditer(field)]
        known = {addresses.key(one): one for one in received if addresses.key(one) not in ours and "..." not in one}
        if len(known) == 1:
            return [_Weighed(addresses.clean(next(iter(known.values()))), 2, -1, -1)]
    return []


def _of_the_way(mail: Mail) -> list[_Weighed]:
    """Return whom the address names that the note was sent to: `list-bounces+ada=example.org@…`, as list servers do."""
    for field in mail.headers.every("to", "delivered-to", "x-original-to", "envelope-to"):
        if found := _VERP.search(field[:1000]):
            return [_Weighed(f"{found[1]}@{found[2]}", 2, -1, -1)]
    return []


def _senders(headers: Headers) -> set[str]:
    """Return who the note is from, where that is no system: some write in the name of whom they could not reach."""
    found = {addresses.key(one[0]) for one in addresses.every(headers.get("from")[:2000])}
    return {one for one in found if not OFFICES.fullmatch(one.partition("@")[0]) and not DAEMONS.search(one)}


def _quoted_headers(words: str) -> tuple[Headers, ...]:
    """Return the header section that stands in the text behind the words of the note."""
    end = RETURNED.search(words[:LONGEST_NOTE])
    rest = words[end.start() : end.end() + 20_000] if end is not None else ""
    at = re.search(r"^(?:received|return-path|to|from|date|message-id|subject|x-[\w-]+):", rest, re.I | re.M)
    return (read_headers(rest[at.start() :]),) if at is not None else ()


def _not_persons(headers: Headers) -> set[str]:
    """Return the addresses of a letter's header that are its sender's or a mailing list's own."""
    fields = headers.every("from", "sender", "reply-to", "return-path", "list-post", "x-beenthere", "errors-to")
    return {addresses.key(one[0]) for field in fields for one in addresses.every(field)}


def _found(one: _Weighed, among: list[_Weighed], note: str, mail: Mail) -> Found:
    """Return an address with what the note says of it: up to the next address, or in the whole note."""
    start = one.start if one.start >= 0 else note.casefold().find(one.address.casefold())
    words = note
    if start >= 0:
        later = [other.start for other in among if other.start > start]
        stop = min([*later, start + _AROUND])
        line = note.rfind("\n", 0, start) + 1
        words = note[line:stop]
    passing = bool(PASSING.search(f"{mail.headers.get('subject')}\n{note[:3000]}"))
    judged = judge(words, lasting=False if passing else None)
    if judged.reason.value == "other":
        judged = judge(note[:4000], lasting=False if passing else None)
    if judged.sentence is Sentence.IGNORE and not passing:
        judged = judge(words)
    return Found(one.address, judged, " ".join(words.split())[:500])
