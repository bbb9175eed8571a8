"""Clean, or refuse with a reason, a text that somebody typed and that will stand in headers, letters and lists.

One rule everywhere, so that no door lets in what another refuses: blanks of any kind become one blank, invisible
formatting is taken out, line breaks, control characters and broken Unicode are refused. It never shortens a text.
"""

import re
import unicodedata

from balintmail.errors import BalintmailError

JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are written with them
_BLANKS = re.compile(r"[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000 ]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_FIELD_NAME = re.compile(r"[^\W\d]\w{0,39}")
LONGEST_VALUE = 1000  # characters of one of the society's own fields: a postal address fits


class TextRefused(BalintmailError):
    """A text cannot be taken; `reason` says why in plain words."""

    code = "text_refused"

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]} cannot be taken: {reason}.")
        self.reason = reason


def one_line(text: str, *, what: str, longest: int = 200) -> str:
    """Return `text` as one clean line of at most `longest` characters, possibly empty; raise TextRefused otherwise.

    `what` names it in the refusal, such as "the name".
    """
    line = _BLANKS.sub(" ", _visible(text, what=what, allowed="\t")).strip()
    if len(line) > longest:
        raise TextRefused(what, f"it is longer than {longest:,} characters")
    return line


def paragraphs(text: str, *, what: str, longest: int = 4000) -> str:
    """Return `text` with plain line ends and no control characters; raise TextRefused otherwise."""
    body = _visible(text.replace("\r\n", "\n"), what=what, allowed="\t\n").strip()
    if len(body) > longest:
        raise TextRefused(what, f"it is longer than {longest:,} characters")
    return body


def language(text: str) -> str:
    """Return a language tag such as `hu` or `en-NZ` (BCP 47) in its usual spelling; raise TextRefused otherwise."""
    tag = one_line(text, what="the language")
    if not _LANGUAGE.fullmatch(tag):
        raise TextRefused("the language", 'it is written like "hu" or "en-NZ"')
    first, *rest = tag.split("-")
    spelled = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part.lower() for part in rest]
    return "-".join([first.lower(), *spelled])


def own_field(name: str, value: str) -> tuple[str, str]:
    """Return one of the society's own fields, name and value clean; raise TextRefused otherwise.

    A name is made of letters, digits and underscores, so that letters and filters can use it.
    """
    key = re.sub(r"[\s\-]+", "_", one_line(name, what="the field's name")).lower()
    if not _FIELD_NAME.fullmatch(key) or key.startswith("_"):
        raise TextRefused("the field's name", "it is made of letters, digits and underscores, and begins with a letter")
    return key, paragraphs(value, what=f'the field "{key}"', longest=LONGEST_VALUE)


def _visible(text: str, *, what: str, allowed: str) -> str:
    """Return `text` in NFC without invisible formatting; refuse what can break a line or is no character."""
    if text.isprintable():  # none of what is looked for below, in the interpreter's own loop
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    kept: list[str] = []
    for letter in text:
        category = unicodedata.category(letter)
        if letter in allowed or letter in JOINERS:
            kept.append(letter)
        elif category in {"Cc", "Zl", "Zp"}:
            raise TextRefused(what, "it holds a line break or a control character")
        elif category == "Cs":
            raise TextRefused(what, "it holds a broken character (half of a pair)")
        elif category != "Cf":
            kept.append(letter)
    return unicodedata.normalize("NFC", "".join(kept))
