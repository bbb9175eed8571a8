"""Begin a newsletter and look at it: the starter file, and a preview as one person would get it.

Neither changes the register or the ledger. Whether a letter may be sent is checking.py's, sending it release.py's.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from balintmail.composing.compile import compile_letter
from balintmail.composing.letter import Letter, parse_letter, read_letter
from balintmail.composing.merge import Merger
from balintmail.composing.refusals import LetterError
from balintmail.db import addresses, mailings, officers
from balintmail.db.lists import MailingListRow
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.address import parse
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.domain.states import MailingKind
from balintmail.errors import Conflict, NotFound
from balintmail.services import lists, surroundings
from balintmail.services import people as register
from balintmail.services.context import Context

NEWSLETTER_FILE = "newsletter.md"
_KEPT = ("list", "from", "reply_to", "visibility", "language")  # last time's settings that the next number takes over


@dataclass(frozen=True, slots=True)
class Preview:
    """A letter as one person would get it: both parts, and the whole message as its bytes leave."""

    name: str  # a stem for file names, such as `newsletter-84`
    subject: str
    to: str
    html: str
    text: str
    message: bytes


def preview(ctx: Context, path: Path, who: str = "", *, person: int | None = None) -> Preview:
    """Return the newsletter in `path` as the person named by `who` would get it; without one, as the Secretary.

    `who` is an address or a person's number, `person` decides where an address is shared. Raises LetterError with
    its line, NotFound, SharedAddress, or ContentRefused when that person's own data makes the letter impossible.
    """
    letter = read_letter(path)
    with ctx.db.read() as tx:
        mailing_list = lists.named(tx, letter.list)
        around = surroundings.gather(ctx, tx, mailing_list)
        recipient = reader(tx, mailing_list, who, person)
    merger = Merger(compile_letter(letter, around), ctx.keyring)
    return Preview(
        name=f"{mailing_list.slug}-{letter.number}",
        subject=merger.subject(recipient),
        to=recipient.address,
        html=merger.html(recipient),
        text=merger.text(recipient),
        message=merger.compose(recipient).data,
    )


def reader(tx: Tx, mailing_list: MailingListRow, who: str = "", person: int | None = None) -> Recipient:
    """Return the person as the ledger would enrol them, at the address that was named or the preferred one.

    Without a name it is the Secretary. Raises NotFound or SharedAddress.
    """
    if not who and person is None:
        secretary = officers.secretary(tx)
        if secretary is None:
            raise NotFound("There is no Secretary to preview for.", hint="Name somebody: --as ADDRESS")
        found = register.by_id(tx, secretary.person_id)
    else:
        found = register.find_one(tx, who, person=person) if who else register.by_id(tx, person or 0)
    held = addresses.of_person(tx, found.id)
    if not held:
        raise NotFound(
            f"Person {found.id} has no address.", hint="Give them one, or choose somebody else: --as ADDRESS"
        )
    address = next((row for row in held if who and row.email.casefold() == who.strip().casefold()), held[0])
    language = found.language or mailing_list.language
    data = PersonData(found.name, found.first_name, language, found.member, found.fields)
    return Recipient(0, found.id, mailing_list.id, address.email, parse(address.email).envelope, data)


@dataclass(frozen=True, slots=True)
class Started:
    """A starter file that was written."""

    path: Path
    list: str
    number: int
    after: str  # the label of the mailing whose settings it took over, or ""


def start(ctx: Context, path: Path, list_slug: str = "") -> Started:
    """Write a starter newsletter with the next number and last time's settings; never overwrites a file.

    Raises Conflict when the file is there already, NotFound when there is no such list.
    """
    with ctx.db.read() as tx:
        sent = [row for row in mailings.every(tx) if row.kind is MailingKind.NEWSLETTER and row.number]
        last = next((row for row in sent if not list_slug or row.list == list_slug), None)
        mailing_list = lists.named(tx, list_slug or (last.list if last else ""))
        number = next_number(row for row in sent if row.list == mailing_list.slug)
        kept = _last_settings(tx, last) if last and last.list == mailing_list.slug else {}
        after = last.label if kept and last else ""
    if not mailing_list.is_default:
        kept["list"] = mailing_list.slug
    else:
        kept.pop("list", None)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_starter(mailing_list, number, kept))
    except FileExistsError as exc:
        raise Conflict(
            f"There is a {path.name} already; it was left as it is.",
            hint=f"Write the next one beside it: balintmail new {path.stem}-{number}.md",
        ) from exc
    return Started(path, mailing_list.slug, number, after)


def next_number(sent: Iterable[MailingRow]) -> int:
    """Return the number after the highest of these mailings."""
    numbers = [int(row.number) for row in sent if row.number and row.number.isdigit()]
    return max(numbers, default=0) + 1


def _last_settings(tx: Tx, last: MailingRow) -> dict[str, str]:
    """Return the front matter of a mailing that its successor keeps."""
    if not last.content_hash:  # what only the journal knew has no letter
        return {}
    try:
        letter = parse_letter(mailings.source(tx, last.id), Path(), NEWSLETTER_FILE)
    except LetterError:
        return {}
    kept = {
        "list": letter.list,
        "from": _mailbox(letter, "from"),
        "reply_to": _mailbox(letter, "reply_to"),
        "visibility": letter.visibility.value,
        "language": letter.language,
    }
    return {key: kept[key] for key in _KEPT if kept[key] and letter.line_of(key)}


def _mailbox(letter: Letter, key: str) -> str:
    found = letter.sender if key == "from" else letter.reply_to
    if found is None:
        return ""
    return f"{found.name} <{found.address}>" if found.name else found.address


def _starter(mailing_list: MailingListRow, number: int, kept: dict[str, str]) -> str:
    settings = {"title": f"{mailing_list.name} {number}", "number": number, **kept}
    lines = [front_line(key, value) for key, value in settings.items()]
    return _STARTER.replace("SETTINGS", "\n".join(lines))


def front_line(key: str, value: object) -> str:
    """Return one line of front matter, quoted as YAML wants it."""
    if isinstance(value, int):
        return f"{key}: {value}"
    text = yaml.safe_dump(str(value), allow_unicode=True, width=10_000, default_style='"').strip()
    return f"{key}: {text if re.search(r'[^A-Za-z0-9-]', str(value)) else value}"


_STARTER = """---
SETTINGS
preheader: ""
# attachments: [programme.pdf]
---

{# The title above is the subject, the preheader the line that mail programs show beside it. Lines like this one are
   for you alone: readers never see them. docs/newsletter-format.md shows all that a letter can hold. #}

Dear {{ person.first_name | default("reader") }},

{# Begin with the news. What else a letter can hold:

## A heading

| When       | What                         | Where                  |
|------------|------------------------------|------------------------|
| 14 January | Case discussion, open to all | Online, 19:30 (London) |

[Book the weekend](https://www.example.org/weekend){.button}

![What the picture shows](pictures/name.png)

{% if person.member %}
What stands here is for members alone and gets a tinted box.
{% endif %}

   Then: balintmail check, balintmail preview, balintmail send. #}

With all good wishes,

The Secretary
"""
