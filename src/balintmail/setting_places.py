"""Find a setting's place: the keys known beside it, and the line of the file on which it is set.

It reads a file for the reader's eye alone; what the settings mean is config.py's.
"""

import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel


def known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the keys known below `path`; the NAME in `relays.NAME` is free, what is below it is not."""
    known: Any = model
    for part in path:
        if isinstance(known, type) and issubclass(known, BaseModel):
            field = known.model_fields.get(part)
            known = field.annotation if field else None
        else:
            known = get_args(known)[1] if get_args(known) else None
    return list(known.model_fields) if isinstance(known, type) and issubclass(known, BaseModel) else []


def line_of(file: Path, path: list[str]) -> int:
    """Return the line on which `path` is set, for the reader's eye: tomllib tells none."""
    section: list[str] = []
    best = 1
    for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), start=1):
        if found := re.match(r"\s*\[+\s*([^\]]+?)\s*\]", line):
            section = [part.strip().strip("\"'") for part in found[1].split(".")]
            if section[: len(path)] == path:
                return number
            if section == path[: len(section)]:
                best = number
        elif found := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            key = [*section, *(part.strip("\"'") for part in found[1].split("."))]
            if key == path or key == path[: len(key)]:
                return number
    return best
