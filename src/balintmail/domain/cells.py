"""Write text into a spreadsheet's cell so that it is never taken for a formula, and read it back unchanged (G1).

An apostrophe in front says "text" to every spreadsheet. It knows no file format.
"""

import re

# What Excel, LibreOffice and Google Sheets take for the start of a formula, the full-width forms among them.
_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
_NEEDS = re.compile(f"'*{_FORMULA}")
_HAS = re.compile(f"'+{_FORMULA}")


def safe_cell(text: str) -> str:
    """Return `text` as a cell that no spreadsheet calculates; `plain_cell` gives it back."""
    return f"'{text}" if _NEEDS.match(text) else text


def plain_cell(cell: str) -> str:
    """Return the text that `safe_cell` wrote; a name such as 't Hooft keeps its own apostrophe."""
    return cell[1:] if cell.startswith("'") and _HAS.match(cell) else cell
