"""Take a raw message apart: headers, leaves and what was returned inside, whatever state it arrived in.

Line ends are made equal first, so CRLF, LF and bare CR give the same answer. Nothing here raises for content: a broken
boundary, an unknown charset or base64 garbage yields what can be read. All loops are bounded by the limits below.
The standard library's parser is not used, because it recurses with the nesting and loses the raw text of the
delivery-status parts. Forms: RFC 5322, RFC 2045-2047, RFC 2231 in part.
"""

import base64
import binascii
import codecs
import html
import quopri
import re
from dataclasses import dataclass, field

from balintmail.receiving.event import LARGEST

DEEPEST = 20  # parts inside parts
MOST_PARTS = 200
MOST_HEADERS = 1000
LONGEST_HEADER = 20_000  # characters of one field
LONGEST_TEXT = LARGEST  # characters of one leaf
LONGEST_MARKUP = 200_000  # characters of HTML that are made plain

_FIELD = re.compile(r"([!-9;-~]{1,200})[ \t]*:[ \t]*(.*)", re.DOTALL)
_PARAMETER = re.compile(r";\s*([\w.*-]+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|([^\s;]+))", re.DOTALL)
_WELL_KNOWN = re.compile(
    r"^(?:return-path|received|from|to|cc|subject|date|message-id|mime-version|content-type|content-transfer-encoding|"
    r"delivered-to|reply-to|sender|in-reply-to|references|auto-submitted|dkim-signature|x-[\w-]{1,60}):",
    re.IGNORECASE | re.MULTILINE,
)
_BOUNDARY = re.compile(
    r"^--([^\s-]\S{0,100}|-{1,60}[^\s-]\S{0,100})[ \t]*\ncontent-[\w-]{1,40}:", re.IGNORECASE | re.MULTILINE
)
_PREAMBLE = 200  # characters before the first boundary, where nothing says that there is one
_RUBBISH = 20_000  # characters in which a header or a boundary must begin
_ENCODED_WORD = re.compile(r"=\?([\w.:+-]+)(?:\*[\w-]+)?\?([bqBQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(=\?)")
_NEWLINES = re.compile(rb"\r+\n|\r")
_HIDDEN = (("<style", "</style"), ("<script", "</script"), ("<head>", "</head"), ("<!--", "--"))
# Codecs that are no charset of a mail, or take time that grows faster than the text.
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
# What mails say, and the wider charset that their writers mean.
_CHARSETS = {
    "gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "x-sjis": "cp932",
    "shift_jis": "cp932", "shift-jis": "cp932", "windows-31j": "cp932", "iso-2022-jp": "iso2022_jp_ext",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "x-windows-949": "cp949", "us-ascii": "utf-8", "ascii": "utf-8",
    "unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8", "x-mac-roman": "mac_roman", "x-big5": "big5hkscs",
    "big5": "big5hkscs", "iso-8859-1": "cp1252", "latin1": "cp1252", "x-euc-jp": "euc_jp", "x-user-defined": "",
}  # fmt: skip
_ESCAPES = (b"\x1b$B", b"\x1b$@")  # ISO-2022-JP, which many forget to name
_BREAKS = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d|/?table|/?blockquote)\b[^>]{0,2000}>", re.IGNORECASE)
_TAG = re.compile(r"<(?=[a-zA-Z/!])(?![^<>@\s]+@)[^<>]{0,5000}>")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one header section, in their order; names in small letters, values unfolded and decoded."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """Return the first field of that name, or ""."""
        return next((value for key, value in self.fields if key == name), "")

    def every(self, *names: str) -> list[str]:
        """Return all fields of these names."""
        return [value for key, value in self.fields if key in names]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that holds no others. `returned` says that it lies inside a message that came back."""

    kind: str  # such as "text/plain"
    text: str
    headers: Headers
    returned: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A part as it came: what is no multipart and lies in nothing that was returned. It may be a file."""

    kind: str
    headers: Headers
    encoded: str = field(repr=False)

    @property
    def octets(self) -> bytes:
        """What the part holds, its transfer encoding undone; a line's end is one LF in what was not encoded."""
        return _octets(self.headers, self.encoded)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message: its own headers, its leaves in order, and the header sections of messages it encloses."""

    headers: Headers
    kind: str
    report_type: str
    leaves: tuple[Leaf, ...]
    enclosed: tuple[Headers, ...]
    parts: tuple[Part, ...]
    text: str = field(repr=False)  # all of it as one text, undecoded, for what is too broken to be taken apart

    def of_kind(self, *kinds: str) -> list[Leaf]:
        """Return the leaves of these kinds outside returned messages."""
        return [leaf for leaf in self.leaves if leaf.kind in kinds and not leaf.returned]

    @property
    def words(self) -> str:
        """What the message says to a reader: its plain text, or its HTML made plain, without what it encloses."""
        plain = "\n".join(leaf.text for leaf in self.of_kind("text/plain", ""))
        if plain.strip():
            return plain
        return self.marked_up

    @property
    def marked_up(self) -> str:
        """What its HTML says, made plain."""
        return "\n".join(as_plain(leaf.text) for leaf in self.of_kind("text/html"))


def take_apart(raw: bytes, *, largest: int = LARGEST) -> Mail:
    """Return the parts of `raw`, of its first `largest` octets."""
    text = _NEWLINES.sub(b"\n", raw[:largest]).decode("utf-8", "surrogateescape")
    text = text.lstrip("\ufeff\n")
    if text.startswith(("From ", ">From ")):  # an mbox's own line
        text = text.partition("\n")[2]
    headers, body = _split(text)
    if not headers.fields and (begin := _WELL_KNOWN.search(text[:_RUBBISH])) is not None:
        headers, body = _split(text[begin.start() :])  # something else stands before the header
    walk = _Walk()
    walk.part(headers, body, 0, returned=False)
    kind, parameters = _content_type(headers)
    report_type = parameters.get("report-type", "").lower()
    return Mail(headers, kind, report_type, tuple(walk.leaves), tuple(walk.enclosed), tuple(walk.parts), text)


def read_headers(text: str) -> Headers:
    """Return the fields at the start of `text`, up to the first empty line."""
    return _split(text)[0]


def as_plain(markup: str) -> str:
    """Return HTML as plain text: blocks on lines of their own, addresses in angle brackets kept."""
    text = _BREAKS.sub("\n", _without_hidden(markup[:LONGEST_MARKUP]))
    return html.unescape(_TAG.sub("", text)).replace("\xa0", " ")


def _without_hidden(markup: str) -> str:
    """Return `markup` without what no reader sees; a part that never ends is left as it is."""
    for begin, end in _HIDDEN:
        small = markup.lower()
        if len(small) != len(markup):  # some letters change their length with their case
            return markup
        kept, at = [], 0
        while (start := small.find(begin, at)) >= 0 and (stop := small.find(end, start)) >= 0:
            kept.append(markup[at:start])
            stop = small.find(">", stop)
            at = len(markup) if stop < 0 else stop + 1
        markup = "".join([*kept, markup[at:]])
    return markup


def decode_words(value: str) -> str:
    """Return a header's value with its encoded words decoded (RFC 2047), as far as they can be."""
    if "=?" not in value:
        return value
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1\2", value))


class _Walk:
    """Collects the leaves of a message; what is too deep or too many stays one leaf of text."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.enclosed: list[Headers] = []
        self.parts: list[Part] = []
        self._parts = 0

    def part(self, headers: Headers, body: str, depth: int, *, returned: bool) -> None:
        self._parts += 1
        kind, parameters = _content_type(headers)
        boundary = parameters.get("boundary", "")
        if self._parts > MOST_PARTS or depth >= DEEPEST:
            self.leaves.append(Leaf("", body[:LONGEST_TEXT], headers, returned))
        elif (kind.startswith("multipart/") or not headers.get("content-type")) and (
            pieces := _pieces(body, boundary) or _pieces(body, _guessed(body, _RUBBISH if kind else _PREAMBLE))
        ):
            default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
            for piece in pieces:
                inner, rest = _split(piece, default)
                self.part(inner, rest, depth + 1, returned=returned)
            return
        elif kind in {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}:
            inner, rest = _split(_decoded(headers, body).lstrip("\n"))
            self.enclosed.append(inner)
            if kind.startswith("message/"):
                self.part(inner, rest, depth + 1, returned=True)
        else:
            self.leaves.append(Leaf(kind, _decoded(headers, body), headers, returned))
        if not returned:
            self.parts.append(Part(kind, headers, body))


def _split(text: str, default: str = "") -> tuple[Headers, str]:
    """Return the header section at the start of `text` and what follows it; a text without one is all body."""
    fields: list[tuple[str, str]] = []
    at = 0
    name, lines = "", [""]
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end]
        if not line.strip(" \t"):
            at = end + 1
            break
        found = _FIELD.match(line) if line[0] not in " \t" else None
        if found is not None:
            _keep(fields, name, lines)
            name, lines = found[1].lower(), [found[2]]
        elif line[0] in " \t" and name:
            lines.append(line)
        elif name and _WELL_KNOWN.match(text, end + 1):
            pass  # one damaged line among good ones
        elif not name:
            return Headers((("content-type", default),)) if default else Headers(), text
        else:  # a body that begins without an empty line
            break
        at = end + 1
        if len(fields) >= MOST_HEADERS:
            end = text.find("\n\n", at)
            at = len(text) if end < 0 else end + 2
            break
    _keep(fields, name, lines)
    return Headers(tuple(fields)), text[at:]


def _keep(fields: list[tuple[str, str]], name: str, lines: list[str]) -> None:
    if name:
        value = " ".join(line.strip() for line in lines)[:LONGEST_HEADER].strip()
        if "\x1b$" in value:  # Japanese that says nothing of its charset
            value = _in_charset(value.encode("utf-8", "surrogateescape"), "")
        fields.append((name, decode_words(value)))


def _content_type(headers: Headers) -> tuple[str, dict[str, str]]:
    value = headers.get("content-type")
    kind = value.partition(";")[0].strip().lower()
    parameters: dict[str, str] = {}
    for found in _PARAMETER.finditer(value[:LONGEST_HEADER]):
        name, _, piece = found[1].lower().rstrip("*").partition("*")
        text = (found[2] if found[2] is not None else found[3]).strip()
        if piece.isdecimal() and piece.strip("0"):  # RFC 2231 section 3: the value goes on
            parameters[name] = parameters.get(name, "")[:LONGEST_HEADER] + text
        else:
            parameters.setdefault(name, text)
    return kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else "", parameters


def _pieces(body: str, boundary: str) -> list[str]:
    """Return what stands between the lines of `boundary`; a missing last line ends with the body."""
    if not boundary or len(boundary) > 1000:
        return []
    mark = re.compile(r"^--" + re.escape(boundary) + r"(--)?[ \t]*$", re.MULTILINE)
    pieces: list[str] = []
    start = None
    for found in mark.finditer(body):
        if start is not None:
            pieces.append(body[start : max(start, found.start() - 1)])
        if found[1] or len(pieces) >= MOST_PARTS:
            return pieces
        start = found.end() + 1
    if start is not None:
        pieces.append(body[start:])
    return pieces


def _guessed(body: str, within: int) -> str:
    """Return the boundary that a body seems to have, where its header names none or another."""
    found = _BOUNDARY.search(body[:within])
    return found[1] if found else ""


def _decoded(headers: Headers, body: str) -> str:
    """Return a leaf's text with its transfer encoding and charset undone."""
    charset = _content_type(headers)[1].get("charset", "")
    text = _in_charset(_octets(headers, body), charset)
    return _NEWLINES.sub(b"\n", text.encode("utf-8", "replace")).decode("utf-8")[:LONGEST_TEXT]


def _octets(headers: Headers, body: str) -> bytes:
    raw = body.encode("utf-8", "surrogateescape")
    encoding = headers.get("content-transfer-encoding").strip().lower()
    if encoding == "base64":
        return _base64(raw)
    if encoding == "quoted-printable":
        return quopri.decodestring(raw)
    return b"" if encoding in {"x-uuencode", "uuencode", "x-uue"} else raw


def _base64(raw: bytes) -> bytes:
    clean = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    try:
        return base64.b64decode(clean + b"=" * (-len(clean) % 4))
    except (binascii.Error, ValueError):
        return b""


def _in_charset(raw: bytes, charset: str) -> str:
    """Return `raw` as text: in its charset, else as UTF-8, else byte for byte."""
    charset = charset.strip("'\" ")[:40].lower()
    if any(escape in raw for escape in _ESCAPES):
        charset = "iso-2022-jp"
    named = _CHARSETS.get(charset, charset)
    for name in (named, charset, "utf-8"):
        try:
            if name and codecs.lookup(name).name not in _NO_CHARSETS:
                return raw.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    if named != charset:  # of several octets a letter, with one of them damaged
        return raw.decode(named or "latin-1", "replace")
    text = raw.decode("utf-8", "replace")
    beyond = len(raw) - len(raw.decode("ascii", "ignore"))
    # A letter cut in two, or an octet that was damaged, makes no other charset of the rest.
    return text if text.count("\ufffd") * 8 <= beyond else raw.decode("latin-1")


def _decode_word(found: re.Match[str]) -> str:
    charset, form, data = found[1], found[2].lower(), found[3]
    raw = data.encode("utf-8", "surrogateescape")
    raw = _base64(raw) if form == "b" else quopri.decodestring(raw, header=True)
    return " ".join(_in_charset(raw, charset).split("\n"))
