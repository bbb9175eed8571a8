"""Put the parts of a letter together: alternative inside related inside mixed (RFC 2046 section 5.1, S22).

The plain text comes first and the HTML last; `related` and `mixed` appear only where there are pictures and
attachments. Everything is 7-bit. It writes constants round the two bodies and knows nothing of people.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from balintmail.composing.enclosures import Attachment, Picture
from balintmail.composing.headers import file_name
from balintmail.composing.program import Choice, Program

_QUOTED = "Content-Transfer-Encoding: quoted-printable\r\n\r\n"


@dataclass(frozen=True, slots=True)
class PlacedPicture:
    """A picture, and the number of the condition under which it is needed (None: always)."""

    picture: Picture
    condition: int | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands before the text, between text and HTML, and after the HTML."""

    before: str
    between: str
    after: Program


def frame(pictures: Sequence[PlacedPicture], attachments: Sequence[Attachment], *, seed: str) -> Frame:
    """Return the frame; `seed` is anything that differs from letter to letter.

    A boundary holds `=_`, which quoted-printable and base64 never do, so none can occur in a body.
    """
    mark = hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:24]
    alternative, related, mixed = f"=_a_{mark}", f"=_r_{mark}", f"=_m_{mark}"
    before = f'Content-Type: multipart/alternative;\r\n boundary="{alternative}"\r\n\r\n'
    after: Program = [f"\r\n--{alternative}--\r\n"]
    if pictures:
        head = f'Content-Type: multipart/related; type="multipart/alternative";\r\n boundary="{related}"\r\n\r\n'
        before = f"{head}--{related}\r\n{before}"
        after += [_picture(placed, related) for placed in pictures]
        after.append(f"\r\n--{related}--\r\n")
    if attachments:
        before = f'Content-Type: multipart/mixed;\r\n boundary="{mixed}"\r\n\r\n--{mixed}\r\n{before}'
        after += [_attachment(attachment, mixed) for attachment in attachments]
        after.append(f"\r\n--{mixed}--\r\n")
    before += f"--{alternative}\r\nContent-Type: text/plain; charset=utf-8\r\n{_QUOTED}"
    between = f"\r\n--{alternative}\r\nContent-Type: text/html; charset=utf-8\r\n{_QUOTED}"
    return Frame(before, between, after)


def _picture(placed: PlacedPicture, boundary: str) -> str | Choice:
    picture = placed.picture
    part = (
        f"\r\n--{boundary}\r\n"
        f"Content-Type: {picture.media_type}{file_name('name', picture.name)}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-ID: <{picture.content_id}>\r\n"
        f"Content-Disposition: inline{file_name('filename', picture.name)}\r\n\r\n"
        f"{picture.encoded}"
    )
    return part if placed.condition is None else Choice(placed.condition, [[part], []])


def _attachment(attachment: Attachment, boundary: str) -> str:
    return (
        f"\r\n--{boundary}\r\n"
        f"Content-Type: {attachment.media_type}{file_name('name', attachment.name)}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment{file_name('filename', attachment.name)}\r\n\r\n"
        f"{attachment.encoded}"
    )
