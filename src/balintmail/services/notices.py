"""Put a system mail into the queue: it waits there until dispatch writes it (services/notice_mailings.py).

Whoever changes something calls `put` in the transaction that changes it, so a page answers in the same time whether or
not a mail follows, and a change that did not happen mails nobody. Which mails there are and what each may say:
domain/notices.py. It writes no letter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from balintmail.db import addresses, lists, people
from balintmail.db import notices as rows
from balintmail.db.notices import NewNotice
from balintmail.db.officers import secretary
from balintmail.db.session import Tx
from balintmail.domain.address import Address, parse
from balintmail.domain.notices import NOTICES, Fact, to_stored
from balintmail.domain.states import Ground
from balintmail.services.context import Context

WELCOME = "welcome"
NAME, FIRST_NAME = "person.name", "person.first_name"  # of somebody who is on no register, among the stored facts
ANSWER = "reply.means"  # the token that a reply stands for, there too


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """Whom a notice goes to. `person` is none for somebody who is on no register yet; then the names are said here."""

    address: Address
    person: int | None = None
    name: str = ""
    first_name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One system mail to one person.

    `template` is a name of domain/notices.py and `facts` are what it lists there: texts, numbers, moments, lists; they
    are written in the reader's language when the mail is. `language` "" is the person's own, else the list's, else the
    society's first. `key` names the mail: a second one with the same key takes the place of one that still waits.
    `due_at` none is now. `answer` is the token of a link that a reply to this mail stands for (services/answers.py),
    where domain/notices.py calls it answerable.
    """

    template: str
    to: To
    ground: Ground
    language: str = ""
    list_id: int | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    key: str | None = None
    due_at: datetime | None = None
    answer: str = ""


def put(ctx: Context, tx: Tx, waiting: Waiting) -> None:
    """Let a mail wait until dispatch writes it; whether its reader may be mailed is asked then, and before the dot.

    Raises ValueError for a mail or a fact that domain/notices.py does not know: that is a bug.
    """
    kind = NOTICES.get(waiting.template)
    if kind is None:
        raise ValueError(f"there is no system mail {waiting.template}")
    if strange := waiting.facts.keys() - kind.facts.keys():
        raise ValueError(f"the mail {waiting.template} has no fact {', '.join(sorted(strange))}")
    to, now = waiting.to, ctx.clock.now()
    facts = to_stored(waiting.facts)
    if to.person is None and not kind.strangers:
        facts |= {NAME: to.name, FIRST_NAME: to.first_name}
    if waiting.answer and kind.answerable:
        facts |= {ANSWER: waiting.answer}
    new = NewNotice(
        template=waiting.template,
        language=waiting.language or to.language or _language_of(ctx, tx, waiting.list_id),
        person=to.person,
        address=to.address.text,
        envelope=to.address.envelope,
        address_key=to.address.key,
        ground=waiting.ground,
        due_at=waiting.due_at or now,
        list_id=waiting.list_id,
        facts=facts,
        key=waiting.key,
    )
    rows.put(tx, new, now=now)


def to_person(tx: Tx, person_id: int) -> To | None:
    """Return a person at their preferred address; None for who is erased, has died, or has no address."""
    row, held = people.get(tx, person_id), addresses.of_person(tx, person_id)
    if row is None or row.erased_at is not None or row.died_on is not None or not held:
        return None
    address = parse(held[0].email)
    return To(address=address, person=person_id, language=row.language or "")


def to_secretary(tx: Tx) -> To | None:
    """Return the Secretary in office, for mails on the ground OFFICER; None where there is none with an address."""
    found = secretary(tx)
    return to_person(tx, found.person_id) if found is not None else None


def _language_of(ctx: Context, tx: Tx, list_id: int | None) -> str:
    mailing_list = lists.by_id(tx, list_id) if list_id is not None else None
    return mailing_list.language if mailing_list else ctx.settings.society.languages[0]
