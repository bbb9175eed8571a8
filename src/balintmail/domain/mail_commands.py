"""What may be asked for by mail, and whether a reply to a question of ours says yes.

Pure. Words of four languages; a text is compared without accents and case, because phones leave both out. That a mail
asks for something proves nothing of who sent it: services/mail_commands.py sees to that.
"""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What a mail asks for."""

    JOIN = "join"
    LEAVE = "leave"
    CONFIRM = "confirm"
    HELP = "help"
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Command:
    """One command as a mail gives it.

    `argument` is what it names: a list, a number or LIST/NUMBER, a token, or "". `language` is that of its words.
    `says_more` tells that the mail holds more than the command, which somebody has to read.
    """

    act: Act
    argument: str = ""
    language: str = "en"
    says_more: bool = False


def folded(text: str) -> str:
    """Return `text` in small letters without accents, so that `Leiratkozás` and `LEIRATKOZAS` are one."""
    apart = unicodedata.normalize("NFKD", text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).casefold()
