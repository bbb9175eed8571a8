"""Gather what decides a mailing beside its letter: settings, list, Secretary, templates.

It reads and decides nothing more; check, preview and send see the same surroundings because they all come from here.
"""

from datetime import datetime
from pathlib import Path

from balintmail.composing.surroundings import ListFacts, Surroundings
from balintmail.config import BounceStyle
from balintmail.db import filters, officers
from balintmail.db.lists import MailingListRow
from balintmail.db.session import Tx
from balintmail.domain.states import MailingKind
from balintmail.errors import NotFound
from balintmail.resources import templates_folder
from balintmail.services.context import Context


def gather(
    ctx: Context, tx: Tx, mailing_list: MailingListRow | None, *, kind: MailingKind = MailingKind.NEWSLETTER
) -> Surroundings:
    """Return the surroundings of a mailing of `kind` to `mailing_list` (none: a notice about no list), dated now.

    Raises NotFound when there is no Secretary with an address: every letter needs somebody who answers.
    """
    secretary = officers.secretary(tx)
    if secretary is None:
        raise NotFound(
            "There is no Secretary with an address, and every letter needs somebody who answers.",
            hint="Give the Secretary an address: balintmail people edit ID --add-address ADDRESS",
        )
    society, bounces = ctx.settings.society, ctx.settings.bounces
    logo = ctx.folder / society.logo if society.logo else None
    return Surroundings(
        society=society.name,
        url=society.url,
        postal_address=society.address,
        accent=society.accent,
        logo=logo,
        from_name=(mailing_list.from_name if mailing_list else "") or society.name,
        from_address=(mailing_list.from_address if mailing_list else "") or secretary.address,
        reply_to=mailing_list.reply_to if mailing_list else "",
        owner_address=secretary.address,
        # Without a mailbox of their own bounces come back to the Secretary, whose host need not know plus addresses.
        bounce_address=bounces.address or secretary.address,
        bounce_style=bounces.style if bounces.address else BounceStyle.PLAIN,
        date=_whole_seconds(ctx.clock.now()),
        zone=ctx.settings.zone,
        templates=template_folders(ctx),
        key_id=ctx.keyring.token_id,
        list=_facts_of(mailing_list) if mailing_list else None,
        kind=kind,
        person_fields=frozenset(filters.own_fields(tx)),
    )


def _facts_of(mailing_list: MailingListRow) -> ListFacts:
    return ListFacts(
        id=mailing_list.id,
        slug=mailing_list.slug,
        name=mailing_list.name,
        list_id=mailing_list.list_id,
        language=mailing_list.language,
        purpose=mailing_list.purpose,
        footer=mailing_list.footer,
    )


def template_folders(ctx: Context) -> tuple[Path, ...]:
    """Return where templates are looked for: the instance's folder, then the shipped one."""
    return (ctx.folder / "templates", templates_folder())


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
