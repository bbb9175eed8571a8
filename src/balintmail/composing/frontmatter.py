"""Read the YAML between the two `---` lines: plain scalars and one list, each with its line.

Nothing but texts is ever built from it (YAML's `no`, `012` and dates stay as written), aliases, anchors and tags are
refused, and so is anything larger or deeper than a letter needs.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from balintmail.composing.refusals import FrontMatterRefused, LetterError

LARGEST = 16_000  # characters
_FENCE = re.compile(r"---[ \t]*")
_END = re.compile(r"(?:---|\.\.\.)[ \t]*")
# `from: "A name" <a@example.org>` is what people write; YAML wants it in quotation marks.
_MAILBOX = re.compile(r"^(from|reply_to):[ \t]*(\"[^\"]*\"[ \t]*<[^<>]*>)[ \t]*$")
_NOTHING = {"", "~", "null", "Null", "NULL"}
_HINT = "See docs/newsletter-format.md; a text with a colon in it stands in quotation marks."

_PROBLEMS = {  # YAML's words: what is wrong, what to do
    "mapping values are not allowed": ("there is a colon inside a text.", "Put the text in quotation marks."),
    "cannot start any token": (
        "a line begins with a tab, or a text with @, ` or %.",
        "Put the text in quotation marks, and nothing before the name of the setting.",
    ),
    "found unexpected end of stream": ("a quotation mark is never closed.", "Close it at the end of the text."),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One key's value: a text, or a list of texts with their lines."""

    line: int
    text: str | None = None
    items: list[tuple[str, int]] | None = None


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The entries, the Markdown after them, and the faults that do not hide the rest."""

    entries: dict[str, Entry]
    body: str
    body_line: int
    problems: tuple[LetterError, ...]


def read_front_matter(source: str, file: str, keys: Sequence[str]) -> FrontMatter:
    """Return the front matter of `source`, whose lines end in LF; `keys` are the ones it may have.

    Raises FrontMatterRefused when it cannot be read at all; wrong keys are returned as problems.
    """
    lines = source.split("\n")
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if not _FENCE.fullmatch(lines[start]):
        raise FrontMatterRefused(
            file, start + 1, "there is no front matter.", hint="Begin the file with a line of ---."
        )
    end = next((number for number in range(start + 1, len(lines)) if _END.fullmatch(lines[number])), 0)
    if not end:
        raise FrontMatterRefused(file, start + 1, "the front matter has no end.", hint="End it with a line of ---.")
    text = "\n".join(_MAILBOX.sub(_quoted, line) for line in lines[start + 1 : end])
    if len(text) > LARGEST:
        raise FrontMatterRefused(file, start + 1, f"the front matter is longer than {LARGEST} characters.", hint=_HINT)
    entries: dict[str, Entry] = {}
    problems: list[LetterError] = []
    for key, entry in _entries(text, file, start + 1):
        if key in entries:
            problems.append(FrontMatterRefused(file, entry.line, f'"{key}" is there twice.', hint="Keep one of them."))
        elif key not in keys:
            near = difflib.get_close_matches(key.lower().replace("-", "_"), keys, n=1, cutoff=0.5)
            hint = f"Nearest: {near[0]}." if near else f"Known: {', '.join(keys)}."
            problems.append(FrontMatterRefused(file, entry.line, f'there is no key "{key:.40}".', hint=hint))
        elif entry.items is not None or (entry.text is not None and entry.text.strip()):
            entries[key] = entry
    return FrontMatter(entries, "\n".join(lines[end + 1 :]), end + 2, tuple(problems))


def _quoted(found: re.Match[str]) -> str:
    escaped = found[2].replace("'", "''")
    return f"{found[1]}: '{escaped}'"


def _entries(text: str, file: str, offset: int) -> Iterator[tuple[str, Entry]]:
    """Yield each key with its value; `offset` is the number of lines before `text`."""
    root = _compose(text, file, offset)
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise FrontMatterRefused(file, offset + 1, "the front matter is not a list of keys.", hint="Write title: …")
    for key, value in root.value:
        line = key.start_mark.line + offset + 1
        if not isinstance(key, yaml.ScalarNode):
            raise FrontMatterRefused(file, line, "a key must be one word.", hint=_HINT)
        name = str(key.value)
        if isinstance(value, yaml.ScalarNode):
            yield name, Entry(line, _text(value))
        elif isinstance(value, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in value.value):
            items = [(_text(item), item.start_mark.line + offset + 1) for item in value.value]
            yield name, Entry(line, items=items)
        else:
            raise FrontMatterRefused(file, line, f'"{name:.40}" holds more than a text or a list of texts.', hint=_HINT)


def _text(node: yaml.ScalarNode) -> str:
    return "" if node.style is None and node.value in _NOTHING else str(node.value)


def _compose(text: str, file: str, offset: int) -> yaml.Node | None:
    """Return YAML's node tree, after its events have shown nothing but scalars, lists and keys."""
    try:
        for count, event in enumerate(yaml.parse(text, Loader=yaml.BaseLoader)):
            line = (event.start_mark.line if event.start_mark else 0) + offset + 1
            anchored = getattr(event, "anchor", None) is not None
            tagged = getattr(event, "tag", None) not in {None, "!"}
            if anchored or tagged or count > 500:
                raise FrontMatterRefused(
                    file, line, "aliases, anchors, tags and long structures are not read here.", hint=_HINT
                )
        return yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = (mark.line if mark else 0) + offset + 1
        words = f"{exc.problem or exc.context}"
        for sign, (problem, hint) in _PROBLEMS.items():
            if sign in words:
                raise FrontMatterRefused(file, line, problem, hint=hint) from exc
        raise FrontMatterRefused(file, line, f"it cannot be read: {words}.", hint=_HINT) from exc
    except (yaml.YAMLError, RecursionError, ValueError) as exc:
        raise FrontMatterRefused(
            file, offset, "the front matter holds characters that YAML does not know.", hint=_HINT
        ) from exc
