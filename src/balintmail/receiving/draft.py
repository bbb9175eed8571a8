"""Find the newsletter in a mail: a `.md` file, else its text, else its HTML turned into Markdown, and the files beside.

It happens in a process of its own (child.py), since anybody may write to the address for drafts. `DraftReader` is the
parent's side, the child `python -m balintmail.receiving.draft`. It checks no letter and keeps no file.
"""

import base64
import json
import re
import sys
from dataclasses import dataclass

from balintmail.receiving.attachments import Attachment, attachments, is_encrypted
from balintmail.receiving.child import Child, ChildGone, serve
from balintmail.receiving.mail import Leaf, Mail, Part, take_apart
from balintmail.receiving.markup import is_formatted, to_markdown

LARGEST = 30_000_000  # octets of a mail; what large providers take
LONGEST = 2_000_000  # characters, as of a newsletter's file
MOST_OCTETS = 20_000_000  # of all files beside the letter
_MARKDOWN = (".md", ".markdown", ".mdown")
_PREFIX = re.compile(r"^\s*(?:(?:fwd?|re|wg|aw|tr|rv|i|továbbítva|válasz|vs|vl)\s*:\s*)+", re.IGNORECASE)
_SIGNATURE = re.compile(r"(?m)^-- ?$")
_FRONT = re.compile(r"---[ \t]*\n")
_PGP = "-----BEGIN PGP MESSAGE-----"
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Mailed:
    """A newsletter as it was mailed in. `files` are name and octets; `why` says what kept it from being read."""

    text: str = ""
    subject: str = ""
    files: tuple[tuple[str, bytes], ...] = ()
    why: str = ""

    @property
    def has_front_matter(self) -> bool:
        """Whether the text begins with settings of its own."""
        return bool(_FRONT.match(self.text))


class DraftReader(Child):
    """Finds newsletters in mails, one by one."""

    module = "balintmail.receiving.draft"

    def read(self, raw: bytes) -> Mailed:
        """Return the newsletter in a mail; one that breaks the child is empty and says so."""
        try:
            found = json.loads(self._answer(raw))
        except ChildGone as gone:
            return Mailed(why=str(gone))
        files = tuple((name, base64.b64decode(content)) for name, content in found["files"])
        return Mailed(found["text"], found["subject"], files, found["why"])


def mailed(raw: bytes) -> Mailed:
    """Return the newsletter in a mail, in this process."""
    mail = take_apart(raw, largest=LARGEST)
    subject = _NO_TEXT.sub(" ", _PREFIX.sub("", mail.headers.get("subject")))[:500].strip()
    if is_encrypted(mail):
        return Mailed(subject=subject, why="it is encrypted")
    beside = attachments(mail)
    written = next((part for one, part in beside if _is_markdown(one)), None)
    if written is not None:
        text = _decoded(written.octets)
        beside = [(one, part) for one, part in beside if part is not written]
    else:
        text = _letter(mail, _pictures(beside))
    text = _NO_TEXT.sub("", text).replace("\r\n", "\n").lstrip("\ufeff\n ")[:LONGEST]
    if text.startswith(_PGP):
        return Mailed(subject=subject, why="it is encrypted")
    empty = "there is no text in it; of files only those in Markdown are read, whose names end in .md"
    return Mailed(text, subject, tuple(_within(beside)), "" if text.strip() else empty)


def _letter(mail: Mail, pictures: dict[str, str]) -> str:
    """Return the mail's own words: its text, or its HTML where that says more."""
    plain = "\n".join(leaf.text for leaf in _shown(mail.of_kind("text/plain", "")))
    markup = "\n".join(leaf.text for leaf in _shown(mail.of_kind("text/html")))
    plain = plain.lstrip("\ufeff\n ")
    if _FRONT.match(plain) or (plain.strip() and not (markup and is_formatted(markup))):
        return _SIGNATURE.split(plain, maxsplit=1)[0].rstrip() + "\n"
    return to_markdown(markup, pictures) + "\n"


def _shown(leaves: list[Leaf]) -> list[Leaf]:
    return [one for one in leaves if not one.headers.get("content-disposition").lower().startswith("attachment")]


def _is_markdown(one: Attachment) -> bool:
    return one.kind in {"text/markdown", "text/x-markdown"} or one.name.lower().endswith(_MARKDOWN)


def _pictures(beside: list[tuple[Attachment, Part]]) -> dict[str, str]:
    """Return the names of the files that the HTML shows, by Content-ID (RFC 2392)."""
    named = ((part.headers.get("content-id").strip().strip("<>"), one.name) for one, part in beside)
    return {number: name for number, name in named if number}


def _within(beside: list[tuple[Attachment, Part]]) -> list[tuple[str, bytes]]:
    """Return the files with what they hold, as many as there is room for."""
    kept, room = [], MOST_OCTETS
    for one, part in beside:
        octets = part.octets
        if len(octets) <= room:
            room -= len(octets)
            kept.append((one.name, octets))
    return kept


def _decoded(octets: bytes) -> str:
    """Return a file's text: UTF-8, UTF-16 with its mark, or else as western Windows writes it."""
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")):
        return octets.decode("utf-16", "replace")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return octets.decode("cp1252", "replace")


def _answer(raw: bytes) -> bytes:
    found = mailed(raw)
    files = [(name, base64.b64encode(octets).decode("ascii")) for name, octets in found.files]
    document = {"text": found.text, "subject": found.subject, "files": files, "why": found.why}
    return json.dumps(document, ensure_ascii=True).encode("ascii")


if __name__ == "__main__":
    serve(int(sys.argv[1]), _answer)
