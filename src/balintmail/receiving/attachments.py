"""Find the files that a mail carries, and name them so that they can be kept; none is opened, unpacked or run.

A name comes from Content-Disposition or Content-Type (RFC 2183, RFC 2231); what stands there is a stranger's, so it is
made safe (domain/file_names.py). What is shown as the letter's text is no file.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from balintmail.domain.file_names import another_name, safe_name
from balintmail.receiving.mail import Headers, Mail, Part

MOST = 100  # files of one mail
LONGEST_KIND = 100
_PARAMETER = re.compile(r";\s*([\w-]+)(\*\d{1,3})?(\*)?\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^\s;]+))", re.DOTALL)
_SHOWN = frozenset({"", "text/plain", "text/html"})
_ENCRYPTED = ("multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a mail. `said` is what it was called, `name` what it may be called; `size` is in octets."""

    name: str
    said: str
    kind: str
    size: int


def attachments(mail: Mail) -> list[tuple[Attachment, Part]]:
    """Return the files of a mail, at most MOST, each under a name of its own."""
    found: list[tuple[Attachment, Part]] = []
    taken: set[str] = set()
    for part in mail.parts:
        said = file_name(part.headers)
        if _is_text_of_the_letter(part, said):
            continue
        name = another_name(safe_name(said, part.kind), taken)
        taken.add(name.casefold())
        kind = (part.kind or "application/octet-stream")[:LONGEST_KIND]
        found.append((Attachment(name, said[:300], kind, len(part.octets)), part))
        if len(found) >= MOST:
            break
    return found


def is_encrypted(mail: Mail) -> bool:
    """Say whether nothing of the letter can be read here (RFC 8551, RFC 3156)."""
    return mail.kind in _ENCRYPTED or any(part.kind in _ENCRYPTED for part in mail.parts[:3])


def file_name(headers: Headers) -> str:
    """Return what a part says that its file is called, or ""."""
    for field, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        if said := _parameter(headers.get(field), parameter):
            return said
    return ""


def _is_text_of_the_letter(part: Part, said: str) -> bool:
    disposition = part.headers.get("content-disposition").partition(";")[0].strip().lower()
    return part.kind in _SHOWN and disposition != "attachment" and not said


def _parameter(value: str, wanted: str) -> str:
    """Return a parameter's value, its pieces joined and its octets decoded (RFC 2231)."""
    pieces: dict[int, tuple[str, bool]] = {}
    for found in _PARAMETER.finditer(value):
        if found[1].lower() == wanted:
            # Windows programs write paths without escaping them, so a stroke before anything else stays.
            text = re.sub(r"\\([\\\"])", r"\1", found[4]) if found[4] is not None else found[5]
            pieces.setdefault(int(found[2][1:]) if found[2] else 0, (text, bool(found[3])))
    if not pieces:
        return ""
    ordered = [pieces[number] for number in sorted(pieces)]
    charset, mark, rest = ordered[0][0].partition("'")
    if not ordered[0][1] or not mark:
        return "".join(text for text, _ in ordered)
    ordered[0] = (rest.partition("'")[2], True)
    raw = b"".join(unquote_to_bytes(text) if escaped else text.encode("utf-8", "replace") for text, escaped in ordered)
    try:
        return raw.decode(charset or "utf-8", "replace")
    except (LookupError, ValueError):
        return raw.decode("latin-1")
