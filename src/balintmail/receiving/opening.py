"""Open a letter for a person to read: who it says it is from, its words, its HTML made harmless, its files.

It happens in a process of its own (child.py), for a letter is a stranger's as much as a report is. `Opener` is the
parent's side, the child `python -m balintmail.receiving.opening`. Nothing is rendered, unpacked or run.
"""

import base64
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

from balintmail.receiving.attachments import Attachment, attachments, is_encrypted
from balintmail.receiving.child import Child, ChildGone, serve
from balintmail.receiving.mail import Mail, as_plain, take_apart
from balintmail.receiving.sanitise import clean

LARGEST = 40 << 20  # octets that are looked at: what providers let through, with its base64
LONGEST_TEXT = 200_000  # characters
LONGEST_FIELD = 1000
_SHOWN = ("from", "reply-to", "to", "cc", "date", "subject", "message-id")
_LOOK, _FILES = b"l", b"f"


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter as it may be shown. `headers` are those of _SHOWN that it has; `why` says what kept it from being read.

    `html` is cleaned and "" where the letter has none. `cut` says that not all of it was looked at.
    """

    headers: dict[str, str]
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    encrypted: bool = False
    cut: bool = False
    why: str = ""


class Opener(Child):
    """Opens letters, one by one."""

    module = "balintmail.receiving.opening"

    def open(self, raw: bytes) -> Opened:
        """Return the letter; what breaks the child is an empty one that says so."""
        try:
            found = json.loads(self._answer(_LOOK + raw))
        except ChildGone as gone:
            return Opened({}, "", "", (), why=str(gone))
        files = tuple(Attachment(**one) for one in found.pop("attachments"))
        return Opened(**found, attachments=files)

    def files(self, raw: bytes) -> list[tuple[Attachment, bytes]]:
        """Return the letter's files with what they hold; raise ChildGone where it cannot be opened."""
        found = json.loads(self._answer(_FILES + raw))
        return [(Attachment(**one), base64.b64decode(content)) for one, content in found]


def opened(raw: bytes) -> Opened:
    """Return the letter, in this process."""
    mail = take_apart(raw, largest=LARGEST)
    headers = {name: value[:LONGEST_FIELD] for name in _SHOWN if (value := mail.headers.get(name))}
    markup = "\n<hr>\n".join(leaf.text for leaf in mail.of_kind("text/html"))
    files = tuple(one for one, _ in attachments(mail))
    text = _words(mail, markup)
    cut = len(raw) > LARGEST or len(text) > LONGEST_TEXT
    return Opened(headers, text[:LONGEST_TEXT], clean(markup) if markup else "", files, is_encrypted(mail), cut)


def _words(mail: Mail, markup: str) -> str:
    """Return what the letter says: its plain text, without files that are text; else its HTML made plain."""
    plain = "\n".join(leaf.text for leaf in mail.of_kind("text/plain", "") if not _is_file(leaf.headers.get))
    return plain if plain.strip() else as_plain(markup)


def _is_file(header: Any) -> bool:
    return bool(header("content-disposition").lower().startswith("attachment"))


def _answer(asked: bytes) -> bytes:
    what, raw = asked[:1], asked[1:]
    if what == _LOOK:
        document: Any = asdict(opened(raw))
    else:
        files = attachments(take_apart(raw, largest=LARGEST))
        document = [(asdict(one), base64.b64encode(part.octets).decode("ascii")) for one, part in files]
    return json.dumps(document, ensure_ascii=True).encode("ascii")


if __name__ == "__main__":
    serve(int(sys.argv[1]), _answer)
