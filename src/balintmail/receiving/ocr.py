"""Read the words in pictures of pages, by ocrmypdf where it is installed; without it nothing is missing but the words.

The program runs within limits (outside.py) and what it makes of the PDF is thrown away: only the words are kept, page
by page. It knows no database. Manual: ocrmypdf.readthedocs.io, "sidecar".
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from balintmail.domain.archive import TextState
from balintmail.receiving.outside import run
from balintmail.receiving.pdf import LONGEST, Pdf, tidy

SECONDS = 3600  # for one PDF; a page takes two, a volume has 300
# As tesseract calls them (ISO 639-2/T), by the language tags of a society.
_CALLED = {
    "en": "eng", "de": "deu", "fr": "fra", "hu": "hun", "es": "spa", "it": "ita", "nl": "nld", "pt": "por", "pl": "pol",
    "sv": "swe", "da": "dan", "fi": "fin", "cs": "ces", "ro": "ron", "el": "ell", "ru": "rus", "zh": "chi_sim",
}  # fmt: skip
_LIST_SECONDS = 20


def installed() -> bool:
    """Say whether there is a program that reads pictures."""
    return shutil.which("ocrmypdf") is not None and shutil.which("tesseract") is not None


def recognise(path: Path, languages: Sequence[str]) -> Pdf:
    """Return the words in the pictures of a PDF, or that it stays a scan, with the reason.

    `languages` are tags such as `en` or `hu`; those whose letters are not installed are left out.
    """
    program = shutil.which("ocrmypdf")
    if program is None:
        return Pdf(TextState.SCAN, remark="its pages are pictures without words, and ocrmypdf is not installed")
    with tempfile.TemporaryDirectory(prefix="balintmail-ocr-") as name:
        folder = Path(name)
        source, words = folder / "in.pdf", folder / "words.txt"
        shutil.copyfile(path, source)
        tongues = _tongues(languages)
        wanted = ["--quiet", "--force-ocr", "--output-type", "pdf", "--optimize", "0", "--sidecar", str(words)]
        named = ["-l", "+".join(tongues)] if tongues else []
        done = run([program, *wanted, *named, str(source), str(folder / "out.pdf")], folder, seconds=SECONDS)
        text = words.read_text("utf-8", "replace")[:LONGEST] if done and words.is_file() else ""
    pages = [tidy(page) for page in text.split("\f")]
    if not any(pages):
        return Pdf(TextState.SCAN, remark="its pages are pictures, and ocrmypdf found no words in them")
    return Pdf(TextState.RECOGNISED, "\f".join(pages).rstrip("\f"), len(pages) - (not pages[-1]))


def _tongues(languages: Sequence[str]) -> list[str]:
    """Return those of the languages whose letters tesseract has learnt here, as it calls them."""
    program = shutil.which("tesseract")
    if program is None:
        return []
    try:
        said = subprocess.run(  # noqa: S603  (no shell, nothing of a user's)
            [program, "--list-langs"], capture_output=True, timeout=_LIST_SECONDS, check=False, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    known = set(said.stdout.split())
    wanted = [_CALLED.get(one.partition("-")[0].lower(), "") for one in languages]
    return [one for one in dict.fromkeys(wanted) if one in known]
