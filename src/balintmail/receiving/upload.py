"""Say what kind of file somebody sent in, by its content, and refuse what could do harm when it is opened.

A name or a content type proves nothing. Taken are documents without macros (DOCX, ODT, PDF, plain text and Markdown),
slides (PPTX, ODP) and pictures; packed ones are looked at within limits and never unpacked to a disk. It opens no
document and keeps nothing. DOCX, PPTX: ECMA-376; ODT, ODP: OASIS OpenDocument 1.3; PDF: ISO 32000-2.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

MOST_MEMBERS = 3000  # files in a packed document
LARGEST_UNPACKED = 300_000_000  # octets, of all of them
MOST_TIMES = 200  # as large as packed, for a member over a megabyte; prose shrinks to a tenth
LARGEST_READ = 2_000_000  # octets of one member that are looked at
LARGEST_SIDE = 20_000  # pixels of a picture
LARGEST_TEXT = 5_000_000  # octets
_MEGABYTE = 1_000_000


class Kind(Enum):
    """What a file is: its media type, and the endings that a name of it may have."""

    PDF = ("application/pdf", ("pdf",))
    DOCX = ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ("docx",))
    PPTX = ("application/vnd.openxmlformats-officedocument.presentationml.presentation", ("pptx",))
    ODT = ("application/vnd.oasis.opendocument.text", ("odt",))
    ODP = ("application/vnd.oasis.opendocument.presentation", ("odp",))
    MARKDOWN = ("text/markdown", ("md", "markdown"))
    TEXT = ("text/plain", ("txt",))
    PNG = ("image/png", ("png",))
    JPEG = ("image/jpeg", ("jpg", "jpeg"))
    TIFF = ("image/tiff", ("tif", "tiff"))

    def __init__(self, media_type: str, endings: tuple[str, ...]) -> None:
        self.media_type = media_type
        self.endings = endings


PAPERS = frozenset(set(Kind) - {Kind.PPTX, Kind.ODP})
WORDS = frozenset({Kind.PDF, Kind.DOCX, Kind.ODT, Kind.MARKDOWN, Kind.TEXT})  # what a paper itself can be
DOCUMENTS = frozenset(Kind)


class Why(Enum):
    """Why a file is refused; the value is the sentence for a terminal, `{name}` in it."""

    EMPTY = "{name} is empty."
    UNKNOWN = "{name} is none of the kinds that are taken."
    NAME = "{name} is not the kind of file that its name says."
    OLD = "{name} is of an older kind: save it as .docx, .odt or PDF."
    MACROS = "{name} holds macros or a program: save it without them."
    ELSEWHERE = "{name} fetches something from elsewhere when it is opened: save it without its template or link."
    LOCKED = "{name} is locked with a password."
    BROKEN = "{name} is damaged and cannot be read."
    TOO_LARGE = "{name} is too large, or unpacks to more than is taken."
    PICTURE = "{name} has more than 20,000 pixels on a side."


class UploadRefused(Exception):
    """A file is not taken."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.name)
        self.why = why


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed document that holds together: its members' names, and how to look at one."""

    file: zipfile.ZipFile
    names: frozenset[str]

    def look(self, name: str) -> bytes:
        """Return the beginning of a member, b"" where there is none."""
        if name not in self.names:
            return b""
        try:
            with self.file.open(name) as member:
                return member.read(LARGEST_READ)
        except (
            OSError,
            ValueError,
            EOFError,
            zlib.error,
            zipfile.BadZipFile,
            NotImplementedError,
            RuntimeError,
        ) as exc:
            raise UploadRefused(Why.BROKEN) from exc


def examine(name: str, content: bytes, taken: frozenset[Kind] = PAPERS) -> Kind:
    """Return what `content` is; raise UploadRefused when it is none of `taken`, not what `name` says, or harmful."""
    if not content:
        raise UploadRefused(Why.EMPTY)
    kind = _kind(name, content)
    if kind not in taken:
        raise UploadRefused(Why.UNKNOWN)
    if name.rpartition(".")[2].strip().lower() not in kind.endings:
        raise UploadRefused(Why.NAME)
    return kind


def _kind(name: str, content: bytes) -> Kind:
    if b"%PDF-" in content[:1024]:
        return _pdf(content)
    if content.startswith(b"PK\x03\x04"):
        return _packed_kind(content)
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _picture(Kind.PNG, content)
    if content.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if content[:4] in {b"II*\0", b"MM\0*"}:
        return Kind.TIFF
    if content.startswith((b"\xd0\xcf\x11\xe0", b"{\\rtf")):
        raise UploadRefused(Why.OLD)
    return _text(name, content)


def _pdf(content: bytes) -> Kind:
    if not content.startswith(b"%PDF-") or b"%%EOF" not in content[-2048:]:
        raise UploadRefused(Why.BROKEN)
    if re.search(rb"/Encrypt\s*(?:\d+\s+\d+\s+R|<<)", content):
        raise UploadRefused(Why.LOCKED)
    if re.search(rb"/(?:JavaScript|JS|Launch|EmbeddedFile|RichMedia|XFA)\b", content):
        raise UploadRefused(Why.MACROS)
    return Kind.PDF


def _packed_kind(content: bytes) -> Kind:
    if content.count(b"PK\x01\x02") > 2 * MOST_MEMBERS:  # before a list of them all is made
        raise UploadRefused(Why.TOO_LARGE)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            packed = _held_together(file, len(content))
            return _document(packed)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, RuntimeError, NotImplementedError, struct.error) as exc:
        raise UploadRefused(Why.BROKEN) from exc


def _held_together(file: zipfile.ZipFile, size: int) -> Packed:
    """Return the document's members; refuse one that is a bomb, locked, doubled, or leads out of its folder (G7)."""
    members = file.infolist()
    if len(members) > MOST_MEMBERS or sum(one.file_size for one in members) > LARGEST_UNPACKED:
        raise UploadRefused(Why.TOO_LARGE)
    if sum(one.compress_size for one in members) > size:  # members that lie over each other
        raise UploadRefused(Why.TOO_LARGE)
    names = [one.filename for one in members]
    for one in members:
        if one.flag_bits & 1:
            raise UploadRefused(Why.LOCKED)
        if one.file_size > max(one.compress_size, 1) * MOST_TIMES and one.file_size > _MEGABYTE:
            raise UploadRefused(Why.TOO_LARGE)
        parts = one.filename.replace("\\", "/").split("/")
        link = (one.external_attr >> 16) & 0o170000 == 0o120000
        if link or ".." in parts or one.filename.startswith(("/", "\\")) or ":" in parts[0] or "\0" in one.filename:
            raise UploadRefused(Why.BROKEN)
    if len(set(names)) != len(names):  # two programs would read two different documents
        raise UploadRefused(Why.BROKEN)
    return Packed(file, frozenset(names))


def _document(packed: Packed) -> Kind:
    if "[Content_Types].xml" in packed.names:
        return _office(packed)
    said = packed.look("mimetype").strip().decode("ascii", "replace")
    kinds: Mapping[str, Kind] = {Kind.ODT.media_type: Kind.ODT, Kind.ODP.media_type: Kind.ODP}
    if said not in kinds:
        raise UploadRefused(Why.UNKNOWN)
    if any(name.startswith(("Basic/", "Scripts/")) and not name.endswith("/") for name in packed.names):
        raise UploadRefused(Why.MACROS)
    manifest = packed.look("META-INF/manifest.xml")
    if b"encryption-data" in manifest:
        raise UploadRefused(Why.LOCKED)
    if "content.xml" not in packed.names:
        raise UploadRefused(Why.BROKEN)
    _refuse_entities(packed, "content.xml", "META-INF/manifest.xml", "styles.xml", "meta.xml")
    return kinds[said]


def _office(packed: Packed) -> Kind:
    types = packed.look("[Content_Types].xml")
    small = {name.lower() for name in packed.names}
    programs = ("vbaproject", "activex", "macrosheets", "oleobject")
    if b"macroenabled" in types.lower() or any(word in name for name in small for word in programs):
        raise UploadRefused(Why.MACROS)
    for name in packed.names:
        if name.endswith(".rels") and _leads_elsewhere(packed.look(name)):
            raise UploadRefused(Why.ELSEWHERE)
    kinds = {"word/document.xml": Kind.DOCX, "ppt/presentation.xml": Kind.PPTX}
    found = next((kind for part, kind in kinds.items() if part in packed.names), None)
    if found is None:
        raise UploadRefused(Why.UNKNOWN)
    _refuse_entities(packed, "[Content_Types].xml", "word/document.xml", "ppt/presentation.xml", "docProps/core.xml")
    return found


def _leads_elsewhere(relations: bytes) -> bool:
    """Say whether a document fetches something when it is opened; links that somebody clicks are none of it."""
    for found in re.finditer(rb"<[^<>]{0,4000}>", relations):
        said = found[0].lower()
        if b'targetmode="external"' in said.replace(b"'", b'"').replace(b" ", b"") and b"/hyperlink" not in said:
            return True
    return False


def _refuse_entities(packed: Packed, *names: str) -> None:
    """Refuse XML that defines entities (G8): no office program writes any."""
    for name in names:
        text = packed.look(name)
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"<\0!\0" in text:
            raise UploadRefused(Why.BROKEN)


def _picture(kind: Kind, content: bytes) -> Kind:
    if len(content) < 33 or content[12:16] != b"IHDR":
        raise UploadRefused(Why.BROKEN)
    width, height = struct.unpack(">II", content[16:24])
    if max(width, height) > LARGEST_SIDE:
        raise UploadRefused(Why.PICTURE)
    return kind


def _text(name: str, content: bytes) -> Kind:
    """Return the kind of plain text that a name says; what is no text at all is of no kind."""
    ending = name.rpartition(".")[2].strip().lower()
    if ending not in (*Kind.MARKDOWN.endings, *Kind.TEXT.endings):
        raise UploadRefused(Why.NAME if any(ending in kind.endings for kind in Kind) else Why.UNKNOWN)
    if len(content) > LARGEST_TEXT:
        raise UploadRefused(Why.TOO_LARGE)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UploadRefused(Why.NAME) from exc
    if any(letter < " " and letter not in "\t\n\r\f" for letter in text):
        raise UploadRefused(Why.NAME)
    return Kind.MARKDOWN if ending in Kind.MARKDOWN.endings else Kind.TEXT
