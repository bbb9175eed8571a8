"""Name a file that a stranger sent so that any system can keep it, and none runs it by a click.

Pure. What is left of a name is one part of a path: no folder, no device, no invisible or turning letter, at most 120
octets. Sources of the lists: Microsoft's "Naming Files, Paths, and Namespaces"; what mail programs block.
"""

import re
import unicodedata
from collections.abc import Container
from urllib.parse import unquote

LONGEST = 120  # octets of UTF-8; the least that a file system in use allows is 143 (eCryptfs)
_LONGEST_END = 16  # characters after the last dot that are worth keeping
_DEVICES = frozenset({"con", "prn", "aux", "nul", "clock$", "conin$", "conout$"}) | {
    f"{name}{digit}" for name in ("com", "lpt") for digit in "0123456789¹²³"
}
_FORBIDDEN = re.compile(r'[<>:"|?*`$;&!%{}\[\]~^#\']+')
_RUNS = frozenset(
    re.findall(
        r"\S+",
        "ade adp app appimage application appref-ms bat bash chm cmd com command cpl deb desktop dll dmg docm "
        "dotm exe gadget hta htm html img inf iso jar js jse ksh library-ms lnk mht mhtml mjs msc msi msix msp "
        "mst ocx one pif pkg potm ppam ppsm pptm ps1 psc1 psd1 psm1 py pyc pyw rb reg rpm scf scpt scr search-ms "
        "settingcontent-ms sh shb shs shtml sldm svg svgz sys terminal tool url vb vbe vbs vhd vhdx webloc "
        "workflow ws wsc wsf wsh xhtml xht xlam xll xlsm xltm xml xsl xslt zsh",
    )
)
_CALLED_BY_KIND = {"message/rfc822": "message.eml", "text/plain": "text.txt", "text/calendar": "invitation.ics"}


def safe_name(name: str, kind: str = "") -> str:
    """Return `name` as a file may be called; what would run or open as a page gets `.txt` at its end.

    `kind` is the part's content type, which names a file that has no name.
    """
    text = unquote(unquote(name[:2000]))  # %2e%2e%2f, once or twice hidden
    text = "".join(" " if unicodedata.category(one)[0] == "Z" else one for one in unicodedata.normalize("NFC", text))
    text = "".join(one for one in text if unicodedata.category(one)[0] != "C")
    text = re.split(r"[/\\\u2044\u2215\u29f8\uff0f\uff3c]", text)[-1]
    text = re.sub(r"\s+", " ", _FORBIDDEN.sub("_", text)).strip(" .-_")
    if not any(one.isalnum() for one in text):
        text = _CALLED_BY_KIND.get(kind, "attachment")
    if text.partition(".")[0].strip().casefold() in _DEVICES:
        text = f"file-{text}"
    if text.rpartition(".")[2].strip().casefold() in _RUNS and "." in text:
        text = f"{text}.txt"
    return _shortened(text)


def another_name(name: str, taken: Container[str]) -> str:
    """Return `name`, or the first of `NAME-2`, `NAME-3` … that is not taken; capitals make no difference."""
    stem, dot, end = name.rpartition(".")
    stem, end = (stem, dot + end) if stem else (name, "")
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{_cut(stem, LONGEST - 8 - len(end.encode()))}-{number}{end}"
    return found


def _shortened(name: str) -> str:
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, end = name.rpartition(".")
    if not stem or len(end) > _LONGEST_END:
        return _cut(name, LONGEST)
    return _cut(stem, LONGEST - len((dot + end).encode())) + dot + end


def _cut(text: str, octets: int) -> str:
    return text.encode()[:octets].decode("utf-8", "ignore").rstrip(" .")
