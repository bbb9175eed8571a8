"""Prove once for each shape of a letter that its messages may go over the wire as they are (S23, S32, S50).

A message is constants and values joined. The constants of one shape are looked over whole, with stand-ins where the
values stand: the longest that a value may be, and none. A value is looked over when it is made. So no message has to
be read through again before it leaves; sending/wire.py does that for bytes of any other origin. It changes nothing.
"""

import re
from collections.abc import Sequence

from balintmail.domain.tokens import LONGEST
from balintmail.domain.wireform import begins_a_line_with_a_dot, fault_of_lines

TOKEN = b"x" * LONGEST  # letters and digits only
LINES = b"x" * 76 + b"\r\n"  # whole lines of quoted-printable, or of a header
_LINES = re.compile(rb"(?:(?!\.)[\t -~]{0,76}\r\n)*+")
_FIELD = re.compile(rb"[!-9;-~]{1,60}: [\t -~]*+(?:\r\n [\t -~]*+)*\r\n")


def are_whole_lines(value: bytes) -> bool:
    """Return whether a merged value is what the stand-in `LINES` stood for: printable ASCII, no dot in front."""
    return _LINES.fullmatch(value) is not None


def is_one_field(field: bytes) -> bool:
    """Return whether `field` is one header field of printable ASCII, folded or not, of lines that are not too long."""
    return _FIELD.fullmatch(field) is not None and (len(field) < 900 or not fault_of_lines(field))


def may_leave(parts: Sequence[bytes], stand_ins: dict[int, bytes]) -> bool:
    """Return whether every message of `parts` is fit for the wire, whatever the values at `stand_ins` are."""
    filled, empty = list(parts), list(parts)
    for position, stand_in in stand_ins.items():
        filled[position] = stand_in
        empty[position] = b"" if stand_in is LINES else stand_in
    return all(_is_fit(b"".join(each)) for each in (filled, empty))


def _is_fit(data: bytes) -> bool:
    return data.isascii() and not fault_of_lines(data) and not begins_a_line_with_a_dot(data)
