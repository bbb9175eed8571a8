"""Read the words of a PDF in a process of its own, within limits of time and memory: page by page, with its title.

`PdfWords` is the parent's side, the child `python -m balintmail.receiving.pdf`. It shows nothing, follows no link and
runs nothing that is in the file. What comes back is a state and words, never an exception (ISO 32000-2).
"""

import json
import re
import sys
from dataclasses import dataclass
from datetime import date

from balintmail.domain.archive import TextState
from balintmail.receiving.child import Child, ChildGone, serve

SECONDS = 120.0  # for one PDF; a volume of 300 pages takes 20
MEMORY = 1536 << 20  # octets
LARGEST = 200_000_000  # octets of a PDF
MOST_PAGES = 3000
LONGEST = 6_000_000  # characters of all pages
_SPARSE = 12  # letters a page below which it is a picture: a number and a running head are not its words
_HYPHEN = re.compile(r"(\w)[-\u2010\xad]\n(?=[a-zà-öø-ÿőű])")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_DATE = re.compile(r"D:(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class Pdf:
    """What a PDF says. Pages of `words` are parted by a form feed; `made_on` is its own claim."""

    state: TextState
    words: str = ""
    pages: int = 0
    title: str = ""
    made_on: date | None = None
    remark: str = ""


class PdfWords(Child):
    """Reads PDFs, one by one."""

    module = "balintmail.receiving.pdf"

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        super().__init__(seconds=seconds, memory=memory)

    def read(self, raw: bytes) -> Pdf:
        """Return what a PDF says; one over which the child dies is broken, with the reason."""
        if len(raw) > LARGEST:
            return Pdf(TextState.BROKEN, remark=f"it is larger than {LARGEST // 1_000_000} MB")
        try:
            found = json.loads(self._answer(raw))
        except ChildGone as gone:
            return Pdf(TextState.BROKEN, remark=str(gone))
        made_on = date.fromisoformat(found["made_on"]) if found["made_on"] else None
        return Pdf(TextState(found["state"]), found["words"], found["pages"], found["title"], made_on, found["remark"])


def words_of(raw: bytes) -> Pdf:
    """Return what a PDF says, in this process."""
    import io  # noqa: PLC0415  (only the child reads)
    import logging  # noqa: PLC0415

    from pypdf import PdfReader  # noqa: PLC0415  (200 ms, and only the child needs it)

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    if b"%PDF-" not in raw[:1024]:
        return Pdf(TextState.BROKEN, remark="it is no PDF")
    try:
        reader = PdfReader(io.BytesIO(raw), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            return Pdf(TextState.LOCKED, remark="it is encrypted with a password")
        count = len(reader.pages)
        kept, room = [], LONGEST
        for page in reader.pages[:MOST_PAGES]:
            text = _page(page)[:room]
            room -= len(text)
            kept.append(text)
        title, made_on = _told(reader)
    except MemoryError:
        return Pdf(TextState.BROKEN, remark="it needs too much memory")
    except Exception:  # whatever a damaged file makes of the reader
        return Pdf(TextState.BROKEN, remark="it is damaged and cannot be read")
    letters = sum(len(re.findall(r"\w", text)) for text in kept)
    if not count or letters < _SPARSE * len(kept):
        remark = "its pages are pictures without words" if count else "it has no pages"
        return Pdf(TextState.SCAN if count else TextState.BROKEN, "", count, title, made_on, remark)
    return Pdf(TextState.READ, "\f".join(kept), count, title, made_on)


def tidy(text: str) -> str:
    """Return a page's words with what a line's end parted joined again."""
    text = _NO_TEXT.sub(" ", text).replace("\f", "\n").replace("\r\n", "\n")
    return re.sub(r"[ \t]+", " ", _HYPHEN.sub(r"\1", text)).strip()


def _page(page: object) -> str:
    try:
        return tidy(str(page.extract_text()))  # type: ignore[attr-defined]
    except MemoryError:
        raise
    except Exception:  # one page that is damaged; the others may be whole
        return ""


def _told(reader: object) -> tuple[str, date | None]:
    """Return the title and the day that the PDF's own header gives."""
    try:
        info = reader.metadata or {}  # type: ignore[attr-defined]
        title = " ".join(_NO_TEXT.sub(" ", str(info.get("/Title") or "")).split())[:500]
        found = _DATE.match(str(info.get("/CreationDate") or ""))
        return title, date(*map(int, found.groups())) if found else None
    except Exception:  # it says nothing of itself that can be read
        return "", None


def _answer(raw: bytes) -> bytes:
    found = words_of(raw)
    document = {
        "state": found.state.value,
        "words": found.words,
        "pages": found.pages,
        "title": found.title,
        "made_on": found.made_on.isoformat() if found.made_on else "",
        "remark": found.remark,
    }
    return json.dumps(document, ensure_ascii=True).encode("ascii")


if __name__ == "__main__":
    serve(int(sys.argv[1]), _answer)
