"""The pages and the reading list that a new instance begins with; the society changes them as it likes.

They are the shipped `templates/pages/`. It never writes into a folder that has pages already.
"""

import hashlib
import os
from datetime import datetime
from pathlib import Path

from balintmail.db import pages as rows
from balintmail.db.session import Tx
from balintmail.resources import templates_folder

FOLDER = "pages"
SHIPPED = {  # the titles of the shipped pages, which the site knows in every language
    "about": "Balint groups",
    "contribute": "Write for the Journal",
    "cpd": "Continuing professional development",
    "resources": "Resources",
}


def starting(folder: Path) -> dict[str, str]:
    """Return the files that a new instance in `folder` gets, each with its text; none where there are some."""
    there = folder / FOLDER
    if there.is_dir() and any(there.iterdir()):
        return {}
    shipped = sorted(path for path in (templates_folder() / FOLDER).iterdir() if path.suffix in {".md", ".bib"})
    return {path.name: path.read_text("utf-8") for path in shipped}


def enter(tx: Tx, pages: dict[str, str], *, actor: str, now: datetime) -> None:
    """Begin the history of the pages."""
    for name, text in pages.items():
        if name.endswith(".md"):
            rows.add(tx, name, text, hashlib.sha256(text.encode()).digest(), actor=actor, now=now)


def write(folder: Path, pages: dict[str, str], placed: list[Path]) -> None:
    """Write the files, and add each to `placed` before it can be half there."""
    for name, text in pages.items():
        path = folder / FOLDER / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        placed.append(path)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
