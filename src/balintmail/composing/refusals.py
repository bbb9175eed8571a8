"""What composing refuses: a letter that the Secretary can mend, or one person's impossible data.

It decides nothing. A `LetterError` stops the whole letter before anybody is mailed and names file and line; a
`ContentRefused` concerns one person and nobody else.
"""

from balintmail.errors import BalintmailError


class ComposingError(BalintmailError):
    """A letter cannot be composed."""

    code = "composing"


class LetterError(ComposingError):
    """Something in a newsletter file, or in what it names, is wrong.

    `line` counts from 1 (0: the file as a whole), `problem` is the sentence without file and line, `others` are
    further faults that were found in the same reading, in the order of their lines.
    """

    code = "letter"

    def __init__(self, file: str, line: int, problem: str, *, hint: str = "") -> None:
        where = f"{file}, line {line}" if line else file
        super().__init__(f"{where}: {problem}", hint=hint)
        self.file = file
        self.line = line
        self.problem = problem
        self.others: tuple[LetterError, ...] = ()


class FileUnreadable(LetterError):
    """The file is missing, too large, or not text."""

    code = "unreadable"


class FrontMatterRefused(LetterError):
    """The lines between the two `---` are wrong."""

    code = "front_matter"


class TitleMissing(FrontMatterRefused):
    """There is no title, and so no subject."""

    code = "no_title"


class NumberMissing(FrontMatterRefused):
    """There is neither a number nor a slug, and so no identity on the list."""

    code = "no_number"


class SyntaxRefused(LetterError):
    """A `{{ … }}` or `{% … %}` is not one of the few forms that a letter may use."""

    code = "syntax"


class FieldUnknown(LetterError):
    """A merge field has a name that nobody knows."""

    code = "unknown_field"


class LinkRefused(LetterError):
    """A link or picture has an address that must not be mailed."""

    code = "bad_link"


class PictureRefused(LetterError):
    """A local picture is missing, lies elsewhere, or is not a picture."""

    code = "picture"


class AttachmentRefused(LetterError):
    """An attachment is missing, lies elsewhere, or is too large to freeze."""

    code = "attachment"


class LeaveLinkMissing(LetterError):
    """The composed letter has no visible way to leave in its text or in its HTML (S7)."""

    code = "no_leave_link"


class AddressUnusable(ComposingError):
    """A sender, reply or bounce address of the list or the society cannot stand in a header."""

    code = "sender_address"


class ContentRefused(ComposingError):
    """One person's own data makes their letter impossible; `reason` is a sentence without their address."""

    code = "content"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def raise_first(problems: list[LetterError]) -> None:
    """Raise the first of `problems` by line with the rest attached; return when there is none."""
    if not problems:
        return
    first, *rest = sorted(problems, key=lambda problem: problem.line)
    first.others = tuple(rest)
    raise first
