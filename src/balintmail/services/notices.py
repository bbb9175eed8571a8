"""Put a service letter to one person or a few into the ledger: a mailing of kind notice, sent like any other.

The letter is a template, `templates/emails/NAME/letter.md`, the instance's own before the shipped one. It chooses
nobody: whoever asks for a notice names the people, and the ledger still refuses whoever may not be mailed (D6). It
sends nothing; dispatch does, at once or when cron comes.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from balintmail.composing.compile import compile_letter
from balintmail.composing.letter import Letter, decode, parse_letter
from balintmail.db import addresses, people, subscriptions
from balintmail.db.ledger import Addressee
from balintmail.db.lists import MailingListRow
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.address import parse
from balintmail.domain.grounds import Standing, may_mail
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import AddressHealth, MailingKind
from balintmail.errors import NotFound
from balintmail.services import lists, surroundings
from balintmail.services.context import Context
from balintmail.services.one_off import Frozen, release_to

WELCOME = "welcome"


def welcome(ctx: Context, list_slug: str, persons: Sequence[int]) -> MailingRow | None:
    """Release the welcome letter of a list to people who have just joined it; None when none of them may be mailed."""
    return notice(ctx, WELCOME, list_slug, persons)


def notice(ctx: Context, template: str, list_slug: str, persons: Sequence[int]) -> MailingRow | None:
    """Release the letter of `template` to subscribers of a list, on the ground of their subscription."""
    letter = letter_of(surroundings.template_folders(ctx), template)
    with ctx.db.write() as tx:
        mailing_list = lists.named(tx, list_slug)
        around = surroundings.gather(ctx, tx, mailing_list, kind=MailingKind.NOTICE)
        compiled = compile_letter(letter, replace(around, template=template))
        found = [_addressee(tx, mailing_list, person) for person in dict.fromkeys(persons)]
        chosen = [one for one in found if one is not None]
        if not chosen:
            return None
        raw, content = compiled.dump(), compiled.content_hash
        frozen = Frozen(mailing_list.id, MailingKind.NOTICE, letter.title, letter.source, raw, content)
        return release_to(ctx, tx, frozen, chosen)


def letter_of(folders: Sequence[Path], template: str) -> Letter:
    """Return the letter of a template, from the first folder that has one; raise NotFound otherwise."""
    for folder in folders:
        path = folder / "emails" / template / "letter.md"
        if path.is_file():
            text = decode(path.read_bytes(), path.name)
            return parse_letter(text, path.parent, path.name, kind=MailingKind.NOTICE)
    raise NotFound(f"There is no template emails/{template}/letter.md.", hint="See docs/templates.md.")


def _addressee(tx: Tx, mailing_list: MailingListRow, person: int) -> Addressee | None:
    """Return the row of one subscriber at their preferred address, or None when they may not be mailed."""
    row, standing = people.get(tx, person), subscriptions.get(tx, person, mailing_list.id)
    held = addresses.of_person(tx, person)
    if row is None or standing is None or not held:
        return None
    first = held[0]
    facts = Standing(
        standing.ground,
        standing.state,
        erased=row.erased_at is not None,
        suppressed=first.barred,
        bounced=first.health is AddressHealth.BOUNCED,
    )
    if may_mail(facts) is not None:
        return None
    address = parse(first.email)
    data = PersonData(row.name, row.first_name, row.language or mailing_list.language, row.member, row.fields)
    return Addressee(person, address.text, address.envelope, address.key, standing.ground, encode(data))
