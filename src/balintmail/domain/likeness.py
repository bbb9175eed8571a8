"""Say whether two names, or two addresses, may well be one person's: for hints to the Secretary, never for deciding.

Titles, order, accents, initials and capitals do not count in a name; plus tags and dots do not in an address. Two
addresses that look alike stay two everywhere else (domain/address.py).
"""

import unicodedata

from balintmail.domain.names import is_title

_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe"})


def words_of_name(name: str) -> frozenset[str]:
    """Return what is compared of a name: its words without titles, accents and punctuation."""
    bare = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    letters = "".join(letter if letter.isalnum() else " " for letter in bare if not unicodedata.combining(letter))
    words = [word for word in letters.split() if len(word) == 1 or not is_title(word)]
    return frozenset(words or letters.split())


def names_alike(first: str, second: str) -> bool:
    """Say whether two names are the same but for order, accents, titles, initials, and words that one leaves out."""
    one, other = words_of_name(first), words_of_name(second)
    if not one or not other:
        return False
    if one == other:
        return True
    shared = {word for word in one & other if len(word) > 1}
    if not shared:
        return False
    rest_one, rest_other = one - other, other - one
    if not rest_one or not rest_other:  # the shorter stands whole in the longer
        return len(one & other) > 1
    return _initials_fit(rest_one, rest_other) or _initials_fit(rest_other, rest_one)


def address_root(key: str) -> str:
    """Return what the keys of addresses that a provider may treat as one share: no plus tag, no dots before the @."""
    local, at, domain = key.rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}{at}{domain}"


def _initials_fit(short: frozenset[str], long: frozenset[str]) -> bool:
    """Say whether every word of `short` is the initial of one of `long`."""
    return all(len(word) == 1 and any(full.startswith(word) for full in long) for word in short)


def name_patterns(name: str) -> list[str]:
    """Return LIKE patterns (escaped with a backslash) that find the names which may be alike; vowels are left open.

    Databases do not know that Balint and Bálint may be one; every letter that is written with an accent somewhere
    becomes the sign for any letter, and `names_alike` decides among what is found.
    """
    patterns = []
    for word in sorted(words_of_name(name), key=len, reverse=True):
        if len(word) > 1:
            patterns.append("%" + "".join("_" if letter in _ACCENTED else letter for letter in word) + "%")
    return [pattern for pattern in patterns if pattern.strip("%_")][:4]


_ACCENTED = frozenset("aeiouycnsz")
