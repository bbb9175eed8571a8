"""Read SMTP replies: strictly, within bounds, from bytes in pieces of any size.

It never guesses: what is not a reply becomes a `fault`, and the replies that were whole before it still count.
Sources: RFC 5321 sections 4.2 and 4.2.1 (form and multi-line replies), RFC 2034 and 3463 (enhanced codes).
Fed by sending/smtp_lane.py; what a reply means is decided in sending/outcomes.py.
"""

import re
import unicodedata

from balintmail.domain.hot import hot

LONGEST_LINE = 8192  # octets. RFC 5321 section 4.5.3.1.5 allows 512; relays exceed it in refusals that quote a policy.
MOST_LINES = 1000  # of one reply: a real EHLO has about twenty, and memory must have an end
KEPT_OCTETS = 8192  # of the text of one reply; the rest is counted and dropped
KEPT_LINE = 512  # octets of a line that is taken whole without further thought
SHOWN_CHARACTERS = 1000
_CODES = {b"%d" % code: code for code in range(200, 600)}  # RFC 5321 section 4.2.1: the first digit is 2 to 5
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")  # RFC 3463 section 2


@hot(frozen=True, slots=True)
class Reply:
    """One whole reply: its code, and its text with the lines joined by a blank."""

    code: int
    raw: bytes

    @property
    def kind(self) -> int:
        """The first digit, which alone decides (RFC 5321 section 4.2.1)."""
        return self.code // 100

    @property
    def text(self) -> str:
        """The text for people: controls escaped, at most 1,000 characters."""
        return shown(self.raw.decode("utf-8", "backslashreplace"))

    @property
    def enhanced(self) -> str:
        """The enhanced code such as `5.1.1`, or "" where there is none or its class is unlike the reply's (I7)."""
        return enhanced_code(self.raw[:32].decode("ascii", "replace"), self.code)


class ReplyReader:
    """Turns what a relay sends into replies.

    `fault` is "" until something came that is no reply; from then on nothing more is read.
    """

    __slots__ = ("_code", "_kept", "_lines", "_partial", "_text", "fault")

    def __init__(self) -> None:
        self.fault = ""
        self._partial = b""
        self._code = b""
        self._lines = 0
        self._kept = 0
        self._text: list[bytes] = []

    @property
    def midway(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._partial or self._code)

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that `data` completes; look at `fault` afterwards."""
        if self.fault:
            return []
        replies: list[Reply] = []
        lines = (self._partial + data).split(b"\n")
        self._partial = lines.pop()
        for line in lines:
            # Nearly all replies are one line that ends as it should; the rest is looked at more closely.
            if line[3:4] == b" " and not self._code and line[-1:] == b"\r" and len(line) <= KEPT_LINE:
                code = _CODES.get(line[:3])
                if code is not None:
                    replies.append(Reply(code, line[4:].strip()))
                    continue
            self._line(line, replies)
            if self.fault:
                self._partial = b""
                return replies
        if len(self._partial) > LONGEST_LINE:
            self.fault = "a reply line without an end"
            self._partial = b""
        return replies

    def _line(self, line: bytes, replies: list[Reply]) -> None:
        line = line.removesuffix(b"\r")
        code = line[:3]
        if code not in _CODES:
            self.fault = f"no reply code in {_quoted(line)}"
            return
        if len(line) > LONGEST_LINE:
            self.fault = "a reply line above the limit"
            return
        mark = line[3:4]
        if self._code and code != self._code:
            self.fault = f"two codes in one reply, {_quoted(self._code)} and {_quoted(code)}"
        elif mark == b"-":
            self._code = code
            self._keep(line[4:])
            if self._lines > MOST_LINES:
                self.fault = "a reply without an end"
        elif mark in {b"", b" "}:  # a bare code is a whole reply, too (RFC 5321 section 4.2.1)
            self._keep(line[4:])
            replies.append(Reply(_CODES[code], b" ".join(self._text)))
            self._code = b""
            self._lines = self._kept = 0
            self._text = []
        else:
            self.fault = f"no reply in {_quoted(line)}"

    def _keep(self, text: bytes) -> None:
        self._lines += 1
        if self._kept < KEPT_OCTETS:
            self._text.append(text.strip())
            self._kept += len(text)


def enhanced_code(text: str, code: int) -> str:
    """Return the enhanced code at the start of `text` when its class is that of `code`, else "" (S36, RFC 2034)."""
    found = _ENHANCED.match(text)
    return found[0] if found is not None and int(found[1]) == code // 100 else ""


def shown(text: str) -> str:
    """Return `text` as it may be shown and stored: controls and invisible characters escaped, cut at the limit."""
    text = text[:SHOWN_CHARACTERS]
    if text.isascii() and text.isprintable():
        return text
    escaped = "".join(letter if letter.isprintable() else _written_out(letter) for letter in text)
    return escaped[:SHOWN_CHARACTERS]


def _written_out(letter: str) -> str:
    return " " if unicodedata.category(letter) == "Zs" else letter.encode("unicode_escape").decode("ascii")


def _quoted(line: bytes) -> str:
    return '"' + shown(line[:60].decode("utf-8", "backslashreplace")) + '"'
