"""Understand an officer's answer to a question of ours: yes, no, or no with a reason; in four languages.

Pure. What is not plainly one of these is None, and nothing happens: a decision that was not meant is worse than a
question that is asked twice. Only what follows "because" may be shown to whoever asked; other words stay with us.
"""

import re
from dataclasses import dataclass

from balintmail.domain.mail_commands import folded
from balintmail.domain.requests import Act

LONGEST_REASON = 1000  # characters, as on the page

_YES = (
    "ok|okay|okey|o\\.k\\.?|k|oke|oki|yes|yes,? ok|yep|yeah|y|sure|fine|agreed|approved?|accept(?:ed)?|granted|"
    "ja|jo|jawohl|einverstanden|genehmigt|zugestimmt|zustimmen|ich stimme zu|angenommen|annehmen|aufnehmen|"
    "in ordnung|passt|geht klar|freigegeben|gerne?|"
    "oui|d'accord|accord|accepte[er]?|approuve[er]?|entendu|c'est bon|va pour moi|"
    "igen|rendben(?: van)?|jo|jovahagyom|jovahagyva|elfogadom|elfogadva|felveheto|mehet|hozzajarulok"
)
_NO = (
    "no|nope|n|decline[ds]?|reject(?:ed)?|refuse[ds]?|denied|"
    "nein|ne|nee|ablehnen|abgelehnt|lehne ab|ich lehne ab|"
    "non|refuse[er]?|decline[er]?|rejete[er]?|"
    "nem|elutasitom|elutasitva|elutasitas|nem fogadom el"
)
_BECAUSE = (
    "because|as|since|reason|for the reason that|weil|da|denn|grund|begrundung|parce que?|parce qu'|car|puisque?|motif|"
    "raison|mert|mivel|ugyanis|ok|indok|indoklas"
)
_COURTESY = (
    "thanks?(?: you)?(?: very much| a lot| so much)?|thx|many thanks|please|from me|with me|by me|for me|of course|"
    "danke(?: schon| sehr| dir| ihnen)?|vielen dank|bitte|von mir(?: aus)?|fur mich|"
    "merci(?: beaucoup| bien)?|s'il vous plait|pour moi|de ma part|"
    "koszonom(?: szepen)?|koszi|kerem|reszemrol|tolem"
)
# Words after a yes or a no that make it something else, wherever in the answer they stand.
_HEDGE = re.compile(
    r"\b(?:but|however|unless|if|when|wait|until|first|later|not yet|not now|maybe|perhaps|idea|problem|objections?|"
    r"doubt|ask|asked|unsure|aber|jedoch|falls|wenn|warte[nt]?|erst|zuerst|spater|noch nicht|vielleicht|ahnung|"
    r"einwande?|bedenken|frag(?:e|en)?|mais|cependant|sauf|si|attend(?:s|ez|re|ons)|d'abord|pas encore|peut-etre|idee|"
    r"probleme|demande[rz]?|de|azonban|ha|varj(?:on|unk|atok)?|varni|elobb|eloszor|kesobb|meg nem|talan|otlet|kerdes|"
    r"kerdezz[eu]?k?|gond|akadaly|kifogas(?:om)?)\b"
)
_EDGE = r"(?=$|[\s,.;:!\-–—])"
_GAP = r"[\s,.;:!\-–—]*"
_WHO = "(?:(?:i|we|ich|wir|je|nous) |j')?"
_IS_YES = re.compile(rf"{_WHO}(?:{_YES}){_EDGE}{_GAP}(?:(?:{_YES}|{_COURTESY}){_EDGE}{_GAP})*")
_IS_NO = re.compile(rf"{_WHO}(?:{_NO}){_EDGE}{_GAP}(?:(?:{_NO}|{_COURTESY}){_EDGE}{_GAP})*")
_REASON = re.compile(rf"^{_GAP}(?:{_BECAUSE})(?=[\s:,'])[\s:,]*", re.IGNORECASE)
_GREETING = re.compile(
    r"(?:hi|hello|dear|hallo|liebe[rs]?|guten tag|bonjour|chere?|szia|kedves|udv(?:ozlom)?)\b.{0,60}"
)
_NAME = r"[^\W\d_a-z][\w.'-]{0,40}"
_SIGNED = re.compile(rf"([.!])[ \t]{{0,9}}\r?\n[ \t]{{0,9}}{_NAME}(?:[ \t]{{1,9}}{_NAME}){{0,2}}$")  # below a sentence
_MOST_PARAGRAPHS = 4  # beyond an answer of a line: a letter


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an officer says: `reason` is for whoever asked, `note` for the record alone."""

    act: Act
    reason: str = ""
    note: str = ""


def verdict(text: str) -> Verdict | None:
    """Return what the new words of an answer decide, or None where that is not plain."""
    paragraphs = _paragraphs(text)
    if not paragraphs or len(paragraphs) > _MOST_PARAGRAPHS or "?" in text:
        return None
    first, rest = paragraphs[0], paragraphs[1:]
    plain = _aligned(first)
    if _IS_YES.fullmatch(plain):
        return Verdict(Act.APPROVE) if not any(_HEDGE.search(folded(one)) for one in rest) else None
    found = _IS_NO.match(plain)
    if found is None:
        return None
    said = first[found.end() :].strip()
    if said and not _because(said) and not re.search(r"[,.;:!\-–—]\s*$", found[0]):
        return None  # "no problem", "nem tudom"
    if not said and rest and _REASON.match(folded(rest[0])):
        said, rest = rest[0], rest[1:]
    return _declined(said, rest)


def _declined(said: str, rest: list[str]) -> Verdict | None:
    """Return a no, with what followed it in its paragraph."""
    because = _because(said)
    if because:
        return Verdict(Act.DECLINE, reason=because)
    if any(_HEDGE.search(folded(one)) for one in (said, *rest)):
        return None
    return Verdict(Act.DECLINE, note=said[:LONGEST_REASON])


def _because(said: str) -> str:
    """Return the reason in what follows a no, as a sentence of its own; "" where none is given."""
    found = _REASON.match(_aligned(said))
    if found is None:
        return ""
    reason = said[found.end() :].strip()[:LONGEST_REASON]
    if reason[:3].lower() == "of ":
        return f"Because {reason}"
    return reason[:1].upper() + reason[1:]


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of an answer, each on one line, without a greeting at the beginning."""
    above, _, below = text.strip().partition("\n")
    if below.strip() and _is_greeting(above):  # "Dear all," and the answer on the next line
        text = below
    text = _SIGNED.sub(r"\1", text.strip())
    blocks = [" ".join(block.split()) for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    if blocks and "\n" in text:  # "ok" on a line of its own, and a name below it
        lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
        alone = folded(lines[0])
        if _IS_YES.fullmatch(alone) or _IS_NO.fullmatch(alone):
            own = blocks[0][len(lines[0]) :].strip() if blocks[0].startswith(lines[0]) else ""
            blocks = [lines[0], *([own] if own else []), *blocks[1:]]
    return blocks


def _is_greeting(line: str) -> bool:
    """Say whether a line greets and says no more: "Hi, no" is an answer."""
    plain = folded(line.strip())
    words = re.split(r"[\s,.;:!]+", plain)
    return bool(_GREETING.fullmatch(plain)) and not any(
        _IS_YES.fullmatch(one) or _IS_NO.fullmatch(one) for one in words
    )


def _aligned(text: str) -> str:
    """Return `text` folded letter by letter, so that a place in one is the same place in the other."""
    return "".join(folded(letter)[:1] or " " for letter in text)
