"""A letter as everybody may read it on a page: its words without layout, and its pictures (S49).

Nobody reads it in particular: names are empty, so that defaults stand in their place, conditions hold as for a reader
of whom nothing is known, and personal addresses are gone with the links round them. It needs no key, since no token
is in it, and escapes nothing anew: what stands in the frozen letter was escaped when it was compiled.
"""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from email import message_from_bytes
from email.message import Message

from balintmail.composing.compiled import Compiled
from balintmail.composing.merge import Merger
from balintmail.domain.keys import Keyring
from balintmail.domain.recipient import PersonData, Recipient

_NO_KEY = Keyring(bytes(32), bytes(32))
_PERSONAL_LINK = re.compile(r'<a href="">(.*?)</a>', re.DOTALL)
_PICTURE = re.compile(r'src="cid:([^"]+)"')
_BLOCK_END = re.compile(r"</(?:p|li|h[1-6]|td|th|tr|dt|dd|blockquote|pre|figcaption)>|<(?:br|hr)\b[^>]*>")
_TAG = re.compile(r"<[^>]*>")
_ALIGNED = re.compile(r' style="text-align:(left|right|center)"')


def words_of(compiled: Compiled, picture: Callable[[str], str], reader: PersonData | None = None) -> str:
    """Return the letter's words as HTML; `picture` gives the address of a picture from its Content-ID.

    They are as `reader` gets them, where somebody looks at a letter before it is sent.
    """
    html = _merger(compiled).article(_nobody(compiled, reader))
    html = _PERSONAL_LINK.sub(r"\1", html)
    html = _ALIGNED.sub(r' class="\1"', html)  # pages carry no style of their own
    return _PICTURE.sub(lambda found: f'src="{picture(found[1])}"', html)


def text_of(compiled: Compiled, reader: PersonData | None = None) -> str:
    """Return the letter's words as plain text, for the search and a glance: paragraphs on lines of their own."""
    bare = _TAG.sub("", _BLOCK_END.sub("\n", words_of(compiled, lambda _: "", reader)))
    return re.sub(r"[ \t]*\n\s*", "\n", html.unescape(bare)).strip()


def message_text_of(compiled: Compiled, reader: PersonData) -> str:
    """Return the plain text of the whole letter as `reader` gets it, but for its links: their tokens open nothing."""
    return _merger(compiled).text(_nobody(compiled, reader))


def title_of(compiled: Compiled, reader: PersonData | None = None) -> str:
    """Return the letter's title as `reader` gets it, else for somebody of whom nothing is known."""
    return _merger(compiled).subject(_nobody(compiled, reader))


def pictures_of(compiled: Compiled) -> dict[str, tuple[str, bytes]]:
    """Return the letter's pictures by their Content-ID, each with its type."""
    whole = message_from_bytes(_merger(compiled).compose(_nobody(compiled)).data)
    return {
        identity: (part.get_content_type(), _content(part))
        for part in whole.walk()
        if part.get_content_maintype() == "image" and (identity := str(part.get("Content-ID", "")).strip("<> "))
    }


def _content(part: Message) -> bytes:
    found = part.get_payload(decode=True)
    return found if isinstance(found, bytes) else b""


def _nobody(compiled: Compiled, reader: PersonData | None = None) -> Recipient:
    address = "nobody@example.org"  # never shown: the words hold no address, and of the message only pictures are taken
    return Recipient(0, 0, 0, address, address, reader or PersonData(language=compiled.language))


def _merger(compiled: Compiled) -> Merger:
    return Merger(replace(compiled, key_id=_NO_KEY.token_id), _NO_KEY)
