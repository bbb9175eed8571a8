"""Make a picture of a document's first page or slide, where the programs for it are installed.

LibreOffice turns slides and texts into PDF, poppler's pdftoppm a PDF's first page into a picture. Each runs as a
process of its own, in a folder of its own, without a shell, within a time and a size. Without them, or where one fails,
there is no picture, and nothing else is missing. The picture is small and says nothing that the document does not.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from balintmail.receiving.outside import run
from balintmail.receiving.upload import Kind

SECONDS = 90  # LibreOffice's first start takes ten
WIDEST = 480  # pixels
LARGEST = 400_000  # octets of the picture
_OFFICE = frozenset({Kind.DOCX.media_type, Kind.ODT.media_type, Kind.PPTX.media_type, Kind.ODP.media_type})


@dataclass(frozen=True, slots=True)
class Preview:
    """A PNG, or why there is none."""

    picture: bytes = b""
    why: str = ""


def make(path: Path, kind: str) -> Preview:
    """Return a picture of the document at `path`, whose media type is `kind`."""
    if kind not in _OFFICE and kind != Kind.PDF.media_type:
        return Preview(why="there are preview pictures of PDF, Word, OpenDocument and slides only")
    painter, office = shutil.which("pdftoppm"), shutil.which("soffice") or shutil.which("libreoffice")
    if painter is None:
        return Preview(why="for a preview picture install poppler (Debian: poppler-utils)")
    if kind in _OFFICE and office is None:
        return Preview(why="for a preview picture of this kind install LibreOffice")
    with tempfile.TemporaryDirectory(prefix="balintmail-preview-") as name:
        folder = Path(name)
        pdf = path if kind == Kind.PDF.media_type else _as_pdf(office or "", path, kind, folder)
        picture = _painted(painter, pdf, folder) if pdf is not None else b""
    return Preview(picture) if picture else Preview(why="the first page could not be drawn")


def _as_pdf(office: str, path: Path, kind: str, folder: Path) -> Path | None:
    """Return the PDF that LibreOffice makes of a document; its settings are its own, and gone afterwards."""
    ending = next(one.endings[0] for one in Kind if one.media_type == kind)
    source = folder / f"document.{ending}"
    shutil.copyfile(path, source)
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    wanted = ["--headless", "--norestore", "--convert-to", "pdf", "--outdir", str(folder), str(source)]
    made = folder / "document.pdf"
    return made if run([office, profile, *wanted], folder, seconds=SECONDS) and made.is_file() else None


def _painted(painter: str, pdf: Path, folder: Path) -> bytes:
    target = folder / "page"
    wanted = ["-png", "-f", "1", "-l", "1", "-singlefile", "-scale-to", str(WIDEST), str(pdf), str(target)]
    made = folder / "page.png"
    if not run([painter, *wanted], folder, seconds=SECONDS) or not made.is_file() or made.stat().st_size > LARGEST:
        return b""
    return made.read_bytes()
