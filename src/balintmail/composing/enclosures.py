"""Read the pictures and attachments a letter names, from its own folder and from nowhere else (D9).

A name that is absolute, climbs out of the folder, leads out of it through a link, or is no plain file is refused, and
so is a picture that is not what it says (D6-D8). Nothing is fetched from the web. The result is frozen content.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from balintmail.composing.refusals import AttachmentRefused, LetterError, PictureRefused

LARGEST = 25_000_000  # octets of one file; most relays refuse less
_TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "csv": "text/csv",
    "ics": "text/calendar",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "epub": "application/epub+zip",
    "zip": "application/zip",
    "mp3": "audio/mpeg",
}
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """An inline picture. `content_id` comes from its content; `width` is its natural width in pixels, 0 if unknown."""

    content_id: str
    name: str
    media_type: str
    encoded: str  # base64 in lines of 76 characters, each ended by CRLF
    width: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attached file, encoded."""

    name: str
    media_type: str
    encoded: str
    octets: int


def read_picture(folder: Path, name: str, *, domain: str, refuse: Callable[[str], LetterError]) -> Picture:
    """Return the picture `name` (as written in Markdown) below `folder`; `domain` ends its Content-ID.

    Raises what `refuse` makes of the reason.
    """
    content = _read(folder, unquote(name), refuse)
    media_type = _kind(content)
    if not media_type:
        raise refuse("is not a PNG, JPEG, GIF or WebP picture, whatever its name says")
    content_id = f"{hashlib.sha256(content).hexdigest()[:32]}@{domain}"
    return Picture(
        content_id, PurePosixPath(unquote(name)).name, media_type, _encode(content), _width(content, media_type)
    )


def read_attachment(folder: Path, name: str, *, refuse: Callable[[str], LetterError]) -> Attachment:
    """Return the attachment `name` below `folder`; raises what `refuse` makes of the reason."""
    content = _read(folder, name, refuse)
    shown = PurePosixPath(name).name
    media_type = _TYPES.get(shown.rpartition(".")[2].lower(), "application/octet-stream")
    return Attachment(shown, media_type, _encode(content), len(content))


def picture_refusal(file: str, line: int, name: str) -> Callable[[str], LetterError]:
    """Return what makes a PictureRefused of a reason such as "is missing"."""
    return lambda reason: PictureRefused(
        file, line, f'the picture "{name:.80}" {reason}.', hint="Pictures lie beside the letter or in a folder there."
    )


def attachment_refusal(file: str, line: int, name: str) -> Callable[[str], LetterError]:
    """Return what makes an AttachmentRefused of a reason."""
    return lambda reason: AttachmentRefused(
        file,
        line,
        f'the attachment "{name:.80}" {reason}.',
        hint="Attachments lie beside the letter or in a folder there.",
    )


def _read(folder: Path, name: str, refuse: Callable[[str], LetterError]) -> bytes:
    pure = PurePosixPath(name)
    if not name.isprintable() or "\\" in name or pure.is_absolute() or ".." in pure.parts or name.startswith("~"):
        raise refuse("has a name that leads out of the letter's folder")
    root = folder.resolve()
    try:
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise refuse("leads out of the letter's folder")
        if not path.exists():
            raise refuse("is missing")
        if not path.is_file():
            raise refuse("is not a file")
        if path.stat().st_size > LARGEST:
            raise refuse(f"is larger than {LARGEST // 1_000_000} MB")
        return path.read_bytes()
    except (OSError, RuntimeError, ValueError) as exc:
        raise refuse("cannot be read") from exc


def _encode(content: bytes) -> str:
    text = b64encode(content).decode("ascii")
    return "".join(f"{text[at : at + 76]}\r\n" for at in range(0, len(text), 76))


def _kind(content: bytes) -> str:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC if content.startswith(magic)), "")


def _width(content: bytes, media_type: str) -> int:
    """Return the natural width in pixels from the file's own header, 0 when it is not where it should be."""
    if media_type == "image/png":
        return int.from_bytes(content[16:20], "big")
    if media_type == "image/gif":
        return int.from_bytes(content[6:8], "little")
    if media_type == "image/jpeg":
        return _jpeg_width(content)
    if content[12:16] == b"VP8X":
        return int.from_bytes(content[24:27], "little") + 1
    if content[12:16] == b"VP8 ":
        return int.from_bytes(content[26:28], "little") & 0x3FFF
    return (int.from_bytes(content[21:23], "little") & 0x3FFF) + 1 if content[12:16] == b"VP8L" else 0


def _jpeg_width(content: bytes) -> int:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(content[at + 7 : at + 9], "big")
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return 0
