"""Hand out a kept PDF: in ranges, under a safe name, as a PDF and nothing else.

The path comes from a hash that a row holds, never from a visitor. It is kept to be saved, not opened on the site; the
fields of web/headers.py keep a browser from guessing another type or running anything. Ranges: RFC 9110 section 14.
"""

import re
from pathlib import Path

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from balintmail.domain.file_names import safe_name
from balintmail.web.headers import PDF

_PART = r"(?:\d{1,18}-\d{0,18}|-\d{1,18})"
_RANGE = re.compile(rf"bytes=\s*{_PART}(?:\s*,\s*{_PART}){{0,9}}\s*", re.IGNORECASE)
_BACKWARDS = re.compile(r"(\d+)-(\d+)")


class _Kept(FileResponse):
    """A kept file; a Range that is not written as the RFC says is not there (section 14.2)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = [(name, value) for name, value in scope["headers"] if name != b"range" or _is_range(value)]
        await super().__call__({**scope, "headers": kept}, receive, send)


def handed_out(path: Path, name: str) -> FileResponse:
    """Return the file at `path`, whose name there is its hash, as a PDF that is called `name`."""
    stem = safe_name(name).removesuffix(".txt").removesuffix(".pdf") or "file"
    return _Kept(path, media_type=PDF, filename=f"{stem}.pdf", headers={"etag": f'"{path.name}"'})


def _is_range(value: bytes) -> bool:
    text = value.decode("latin-1")
    backwards = any(int(first) > int(last) for first, last in _BACKWARDS.findall(text))
    return _RANGE.fullmatch(text) is not None and not backwards
