"""Read the design tokens and the layout's own words from the template folders.

The instance's folder comes before the shipped one. A society's accent replaces the shipped one in both schemes, and
its tints are worked out so that they stay readable. It renders nothing.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balintmail.domain.colour import BLACK, Colour, mix, nearest_readable, parse
from balintmail.errors import BalintmailError

TOKENS = "emails/tokens.toml"
COMFORTABLE = 7.0  # contrast of an accent in the dark scheme, as the shipped one has on its card


class TemplateError(BalintmailError):
    """A template or a file of its folder is missing or wrong; the message names file and line."""

    code = "template"


@dataclass(frozen=True, slots=True)
class Look:
    """The tokens in force: two colour schemes, the faces, the measures in pixels."""

    light: dict[str, str]
    dark: dict[str, str]
    faces: dict[str, str]
    measures: dict[str, int]


def read_look(templates: tuple[Path, ...], accent: str = "") -> Look:
    """Return the tokens of the first of `templates` that has them, with the society's `accent` put in."""
    data = _read(TOKENS, templates)
    try:
        light, dark = dict(data["light"]), dict(data["dark"])
        look = Look(light, dark, dict(data["faces"]), dict(data["measures"]))
        if (own := parse(accent)) is not None:
            _dress(look, own)
    except (KeyError, TypeError, ValueError) as exc:
        raise TemplateError(f"{TOKENS} lacks {exc}.", hint="Compare it with the shipped file.") from exc
    return look


def _dress(look: Look, accent: Colour) -> None:
    """Put the society's accent and its tints in place."""
    card, ground = _colour(look.light["card"]), _colour(look.light["ground"])
    shown = nearest_readable(accent, ground)  # the ground is darker than the card, so the card is served too
    look.light.update(accent=str(shown), soft=str(mix(card, shown, 0.11)))
    look.light["on_accent"] = str(nearest_readable(card, shown))
    night = _colour(look.dark["card"])
    bright = nearest_readable(accent, night, wanted=COMFORTABLE)
    look.dark.update(accent=str(bright), soft=str(mix(night, bright, 0.14)))
    look.dark["on_accent"] = str(mix(bright, BLACK, 0.88))


def _colour(text: str) -> Colour:
    found = parse(text)
    if found is None:
        raise ValueError(f'a colour where it says "{text}"')
    return found


def read_words(templates: tuple[Path, ...], language: str) -> dict[str, str]:
    """Return what the layout says in `language` (BCP 47); a missing file or key is taken from English."""
    words: dict[str, str] = {}
    for tag in ("en", language.partition("-")[0].lower(), language.lower()):
        if tag.replace("-", "").isalnum():
            # The shipped folder comes last in `templates`, and the instance's words go over it key by key.
            for folder in reversed(templates):
                path = folder / "emails" / "words" / f"{tag}.toml"
                if path.is_file():
                    words.update({key: str(value) for key, value in _parse(path).items()})
    return words


def _read(name: str, templates: tuple[Path, ...]) -> dict[str, Any]:
    for folder in templates:
        if (folder / name).is_file():
            return _parse(folder / name)
    raise TemplateError(f"There is no {name} in any template folder.", hint="Install balintmail again.")


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise TemplateError(f"{path} cannot be read: {exc}.", hint="Mend that line.") from exc
