"""Hand out a kept PDF: in ranges, under a safe name, as a PDF and nothing else.

The path comes from a hash that a row holds, never from a visitor; the fields of web/headers.py keep a browser from
guessing another type or running anything.
"""

from pathlib import Path

from starlette.responses import FileResponse

from balintmail.domain.file_names import safe_name

KIND = "application/pdf"


def handed_out(path: Path, name: str) -> FileResponse:
    """Return the file at `path` as a PDF that is called `name`; a Range (RFC 9110 section 14) is answered."""
    stem = safe_name(name).removesuffix(".txt").removesuffix(".pdf") or "file"
    return FileResponse(path, media_type=KIND, filename=f"{stem}.pdf", content_disposition_type="inline")
