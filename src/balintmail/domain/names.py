"""Clean people's names and work out how a letter addresses them, when they have not said so themselves.

A first name that somebody gave always wins over this. It never changes the spelling or the order of a name: people
write theirs as they do (family name first in Hungary, China, Japan, Korea and Vietnam).
"""

import re

from balintmail.domain import hygiene

LONGEST = 200  # characters; a longer one is not a name


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TITLES = _words(
    """
    dr doktor doctor prof professor professzor prof.dr univ-prof univ.-prof mr mrs ms miss mx sir dame lord lady
    rev reverend fr sr herr frau hr m mme mlle monsieur madame med habil priv-doz pd doz mag dipl-psych dipl-med
    ing phdr mudr özv ifj id dra sra drs drin associate assoc emeritus
    """
)
_AFTER = _words(
    """
    phd md mbbs frcgp fracgp frnzcgp frcpsych mrcgp mrcpsych msc bsc ma ba jr sr ii iii obe mbe cbe rn facp
    """
)
_FAMILY_FIRST = frozenset({"hu", "zh", "ja", "ko", "yue", "wuu"})
# Family names of two signs; every other Chinese family name has one.
_TWO_SIGNS = _words(
    """
    欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 司徒 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 慕容 令狐 夏侯 端木
    """
)
# With no language on record, these given names (Hungarian spelling only) and family names tell a Hungarian order.
_HUNGARIAN_GIVEN = _words(
    """
    ágnes ákos andrás andrea antal anikó aranka árpád attila balázs bálint béla beáta bence benedek botond csaba
    csilla csongor dániel dávid dénes dezső dóra edit éva elemér emese endre enikő ernő erzsébet eszter ferenc
    fruzsina gábor gergely gergő géza gizella györgy gyöngyi gyula györgyi hajnalka henrietta ibolya ildikó ilona
    imre istván iván jános józsef judit júlia katalin kálmán károly klára kinga kristóf krisztina krisztián lajos
    lászló levente lívia magdolna mária márta márton máté mátyás melinda mihály miklós mónika nándor noémi nóra
    orsolya ottó pál péter piroska réka rita róbert rozália rózsa sándor sára szabolcs szilárd szilvia tamás teréz
    tibor tímea tünde vilmos viktória virág zita zoltán zoé zsigmond zsófia zsolt zsuzsa zsuzsanna gitta
    """
)
# Those of them that are common family names, too: first in a name they leave its order open.
_GIVEN_OR_FAMILY = _words(
    """
    antal balázs bálint benedek dénes gergely imre kálmán lászló márton máté mihály pál péter sándor tamás
    """
)
_HUNGARIAN_FAMILY = _words(
    """
    nagy kovács tóth szabó horváth varga kiss kis molnár németh farkas balogh papp takács juhász mészáros oláh
    szűcs fekete szilágyi török fehér gál rácz kocsis orosz fodor hegedűs veres székely
    """
)
_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_HANGUL = re.compile(r"[\uac00-\ud7a3]+")
_INITIAL = re.compile(r"(\w\.?){1,3}")


def clean(text: str) -> str:
    """Return a person's name as one clean line, "" when there is none; raise hygiene.TextRefused otherwise."""
    return hygiene.one_line(text, what="the name", longest=LONGEST)


def is_title(word: str) -> bool:
    """Say whether a word of a name is a title or a degree, such as Dr, Frau or MRCGP."""
    return _bare(word) in _TITLES or _bare(word) in _AFTER


def first_name(name: str, language: str | None = None) -> str:
    """Return how a letter addresses the bearer of `name`, "" when the name does not tell.

    `language` is the person's, a BCP 47 tag; with none, the name's own letters decide.
    """
    spoken = (language or "").partition("-")[0].lower()
    family, comma, given = name.partition(",")
    if comma and (words := _without_titles(given)) and not all(_bare(word) in _AFTER for word in words):
        return _first(words)
    words = _without_titles(family)
    if not words:
        return ""
    if all(_HAN.fullmatch(word) for word in words):
        return _from_signs(words)
    if all(_HANGUL.fullmatch(word) for word in words):
        return words[-1] if len(words) > 1 else words[0][1:] if len(words[0]) > 2 else words[0]
    if len(words) == 1:
        return words[0]
    shouted = [word for word in words if len(word) > 2 and word.isupper()]
    if shouted and len(shouted) < len(words):  # DUPONT Marie: capitals mark the family name
        return _first([word for word in words if word not in shouted])
    if spoken == "vi":
        return words[-1]
    if spoken in _FAMILY_FIRST or (not spoken and _looks_hungarian(words)):
        return _first(_after_family(words))
    return _first(words)


def _without_titles(text: str) -> list[str]:
    words = text.replace(".-", "-").split()
    while words and _bare(words[0]) in _TITLES and len(words) > 1:
        words.pop(0)
    if len(words) == 1 and _bare(words[0]) in _TITLES:
        return []
    while len(words) > 1 and _bare(words[-1]) in _AFTER | {"dr", "prof"} and not _is_name(words[-1]):
        words.pop()
    return [word for word in words if _bare(word) not in {"dr", "prof"}] or words


def _is_name(word: str) -> bool:
    """Return whether a word that is also a degree is written as a name: `Ma` is one, `MA` is not."""
    return "." not in word and word[:1].isupper() and word[1:].islower() and len(word) == 2


def _bare(word: str) -> str:
    return word.strip(".,").lower()


def _from_signs(words: list[str]) -> str:
    """Return the given name out of a Chinese or Japanese name; the family name stands first."""
    if len(words) > 1:
        return words[-1]
    whole = words[0]
    if len(whole) > 2 and whole[:2] in _TWO_SIGNS:
        return whole[2:]
    return whole[1:] if 1 < len(whole) <= 4 else whole


def _looks_hungarian(words: list[str]) -> bool:
    """Say whether the family name seems to stand first: Bálint Mária, and not Mária Bálint."""
    if words[-1].lower() in _HUNGARIAN_GIVEN:
        first = words[0].lower()
        return first not in _HUNGARIAN_GIVEN or first in _GIVEN_OR_FAMILY
    return words[0].lower() in _HUNGARIAN_FAMILY and words[-1].lower() not in _HUNGARIAN_FAMILY


def _after_family(words: list[str]) -> list[str]:
    """Return the given names where the family name stands first; a married name in -né has one of its own after it."""
    if len(words) > 2 and words[0].lower().endswith("né"):
        return words[-1:]
    return words[1:]


def _first(words: list[str]) -> str:
    """Return the first word that is more than an initial."""
    full = [word for word in words if not _initials(word)]
    return full[0].strip(",") if full and (len(words) == 1 or full[0] is not words[-1] or full[0] is words[0]) else ""


def _initials(word: str) -> bool:
    dotted = word.endswith(".") and bool(_INITIAL.fullmatch(word))
    return dotted or (len(word) == 1 and word.isalpha() and word.isascii())
