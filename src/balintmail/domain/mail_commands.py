"""What may be asked for by mail, and whether a reply to a question of ours says yes.

Pure. Words of four languages; a text is compared without accents and case, because phones leave both out. That a mail
asks for something proves nothing of who sent it: services/mail_commands.py sees to that.
"""

import re
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


_YES_WORDS = (
    "yes yep sure ok okay agreed confirm confirmed confirming approve ja jawohl gerne klar bestatige bestatigt "
    "bestatigen oui d'accord daccord confirme confirmer igen rendben megerositem jovahagyom"
)
_NO_WORDS = (
    "no not don't dont didn't didnt never nor wrong spam mistake stop leave unsubscribe remove delete decline nein "
    "nicht kein keine keinen nie niemals falsch irrtum abmelden loschen non pas jamais aucun aucune erreur desabonner "
    "nem ne soha nincs sem tevedes tiltakozom leiratkozas leiratkozom"
)
_YES, _NO = frozenset(_YES_WORDS.split()), frozenset(_NO_WORDS.split())
_WORD = re.compile(r"[\w'-]+")
# Addresses behind which a program reads; whoever answers them talks to a wall or starts a loop (RFC 3834 section 2).
_ROBOTS = re.compile(
    r"(?:mailer-daemon|postmaster|daemon|(?:do)?[-_.]?not?[-_.]?reply|no-?response|nobody|null|bounces?|owner|listserv|"
    r"majordomo|mailman|abuse|root|www-data)(?:[-+=._].*)?|.*-(?:request|owner|bounces?|errors|daemon)|owner-.*",
)


def says_no(text: str) -> bool:
    """Say whether a reply to "was it you?" denies it. An empty reply does not: sending it is the yes (H23).

    A first word of yes settles it, because "yes, no need to ask" has both; otherwise any no does.
    """
    words = _WORD.findall(folded(text[:2000]))
    return bool(words) and words[0] not in _YES and any(word in _NO for word in words)


def says_yes(text: str) -> bool:
    """Say whether a reply to "would you like it, for that price?" begins with a yes; silence is none."""
    words = _WORD.findall(folded(text[:2000]))
    return bool(words) and words[0] in _YES


def may_be_answered(address: str) -> bool:
    """Say whether a person may read at an address, as far as its name tells."""
    local = address.rpartition("@")[0].casefold()
    return bool(local) and _ROBOTS.fullmatch(local) is None
