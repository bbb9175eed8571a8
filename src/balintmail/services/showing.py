"""Make a message's HTML stand alone in a browser: its embedded pictures become part of the page.

For previews and screenshots only; what is sent is never touched. It fetches nothing.
"""

import re
from base64 import b64encode
from email import message_from_bytes
from email.policy import default

_EMBEDDED = re.compile(r"cid:([^\"'\s)>]+)")


def standing_alone(message: bytes, html: str) -> str:
    """Return `html` with every `cid:` address replaced by the picture that `message` carries under it."""
    pictures: dict[str, str] = {}
    for part in message_from_bytes(message, policy=default).walk():
        name = str(part.get("Content-ID", "")).strip().strip("<>")
        content = part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            pictures[name] = f"data:{part.get_content_type()};base64,{b64encode(content).decode('ascii')}"
    return _EMBEDDED.sub(lambda found: pictures.get(found[1], found[0]), html)
