"""Turn the LaTeX of a bibliography into plain text: accents, letters, dashes; what has no letter is left out.

Pure. It knows a table and nothing else: an unknown command goes, and what stands in its braces stays.
"""

import re
import unicodedata

LONGEST = 100_000  # characters of one value that are looked at
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "c": "\u0327", "k": "\u0328", "r": "\u030a", "d": "\u0323",
    "b": "\u0331",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "SS": "ẞ", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø",
    "l": "ł", "L": "Ł", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "ng": "ŋ", "NG": "Ŋ",
    "textendash": "–", "textemdash": "—", "textquoteright": "’", "textquoteleft": "‘", "textquotedblleft": "“",
    "textquotedblright": "”", "ldots": "…", "dots": "…", "textellipsis": "…", "copyright": "©", "S": "§", "P": "¶",
    "pounds": "£", "euro": "€", "textasciitilde": "~", "textbackslash": "\\", "textunderscore": "_",
    "textasciicircum": "^",
    "LaTeX": "LaTeX", "TeX": "TeX", "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "mu": "μ", "times": "×",
    "textbar": "|", "textless": "<", "textgreater": ">", "guillemotleft": "«", "guillemotright": "»",
    "textperiodcentered": "·", "cdot": "·", "newline": " ", "linebreak": " ", "quad": " ", "par": "\n",
}  # fmt: skip
_TOKEN = re.compile(r"\\([A-Za-z]+)\s*|\\(.)|(---?|``|''|~|[{}$])|([^\\{}$~`'-]+|.)", re.DOTALL)
_PLAIN = {"---": "—", "--": "–", "``": "“", "''": "”", "~": "\u00a0", "{": "", "}": "", "$": ""}
_BLANKS = re.compile(r"[ \t\r\n]+")


def plain(text: str) -> str:
    """Return `text` as people read it, in one line."""
    if not any(sign in text for sign in "\\{}$~-`'"):
        return _BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip()
    out: list[str] = []
    accent = ""
    for found in _TOKEN.finditer(text[:LONGEST]):
        command, sign, plain_sign, other = found.groups()
        if (command or sign) in _ACCENTS:
            accent = _ACCENTS[command or sign]
            continue
        piece = _piece(command, sign, plain_sign, other)
        if accent and piece.strip():
            first = {"ı": "i", "ȷ": "j"}.get(piece[0], piece[0])
            piece, accent = unicodedata.normalize("NFC", first + accent) + piece[1:], ""
        out.append(piece)
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", "".join(out))).replace("\u00a0", " ").strip()


def _piece(command: str | None, sign: str | None, plain_sign: str | None, other: str | None) -> str:
    if command is not None:
        return _LETTERS.get(command, "")
    if sign is not None:
        return " " if sign in {" ", "\n", "\\", ","} else "" if sign in {"-", "/", "(", ")", "[", "]"} else sign
    if plain_sign is not None:
        return _PLAIN[plain_sign]
    return other or ""
