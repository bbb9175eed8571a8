"""Everything beside the letter itself that decides a mailing: the society, the list, the senders, the templates.

It is a value that services fill from settings and database; it looks nothing up.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from balintmail.config import BounceStyle
from balintmail.domain.states import MailingKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFacts:
    """The list a mailing goes to. `list_id` is RFC 2919's, without the angle brackets."""

    id: int
    slug: str
    name: str
    list_id: str
    language: str = "en"
    purpose: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What `compile_letter` is told.

    `url` is the society's public address ("": there are no web links). `date` becomes the Date of every letter.
    `templates` are the folders that hold `emails/`, the instance's before the shipped one. `person_fields` are the
    names of the society's own fields of people. `key_id` is `Keyring.token_id` of the keys that sign its tokens.
    `template` is the folder below `templates/emails/`. `facts` are the further names that a system mail's letter may
    use, such as `notice.confirm_url`; their values come with each person. `leavable` says that the readers are on the
    list, so that the letter offers to leave it, `answerable` that a reply goes to the program and names its delivery.
    """

    society: str
    from_address: str
    bounce_address: str
    owner_address: str
    date: datetime
    zone: ZoneInfo
    templates: tuple[Path, ...]
    key_id: str
    list: ListFacts | None = None
    url: str = ""
    postal_address: str = ""
    accent: str = ""
    logo: Path | None = None
    from_name: str = ""
    reply_to: str = ""
    bounce_style: BounceStyle = BounceStyle.PLAIN
    kind: MailingKind = MailingKind.NEWSLETTER
    template: str = "newsletter"
    person_fields: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    leavable: bool = True
    answerable: bool = False
    constants: tuple[tuple[str, str], ...] = ()
