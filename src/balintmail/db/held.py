"""What else the tables hold of one person, for whoever asks for everything (UK GDPR Art. 15); it changes nothing.

People, addresses, consent, postal addresses and acts have rooms of their own; this file reads the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import false, func, or_, select

from balintmail.db.models import (
    Address,
    CopyRequest,
    Delivery,
    Draft,
    InboundMessage,
    JoinRequest,
    Mailing,
    MailingList,
    Notice,
    Officer,
    Subscription,
)
from balintmail.db.models_archive import CopyTerms, ReadingLink
from balintmail.db.session import Tx
from balintmail.domain import money
from balintmail.domain.archive import ReadingKind
from balintmail.domain.returns import Kind
from balintmail.domain.states import (
    CopyState,
    DeliveryState,
    Ground,
    MailingKind,
    RequestState,
    Role,
    SkipReason,
    SubscriptionState,
)


@dataclass(frozen=True, slots=True)
class HeldSubscription:
    """One list that somebody is or was on."""

    slug: str
    name: str
    state: SubscriptionState
    ground: Ground
    since: datetime
    paused_until: datetime | None
    ended_at: datetime | None
    answers: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """One join request, whatever became of it."""

    slug: str
    email: str
    name: str
    language: str | None
    words: str
    how: str
    answers: dict[str, Any]
    evidence: dict[str, Any]
    state: RequestState
    created_at: datetime
    confirmed_at: datetime | None
    decided_at: datetime | None
    decided_by: str
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class HeldLetter:
    """One row of the ledger; `data` is what the letter knew of them, as JSON."""

    mailing: int
    slug: str | None
    number: str | None
    title: str
    kind: MailingKind
    address: str
    ground: Ground
    state: DeliveryState
    skip_reason: SkipReason | None
    reply: str
    at: datetime
    bounced_at: datetime | None
    complained_at: datetime | None
    data: str | None


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """A system mail that waits."""

    template: str
    address: str
    created_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message that came in with their address as its From; `raw` is the message itself, "" once that is gone."""

    number: int
    at: datetime
    sender: str
    subject: str
    kind: str
    remark: str
    raw: str


@dataclass(frozen=True, slots=True)
class HeldCopy:
    """A request for a copy, with what was said of paper and price."""

    wanted: str
    email: str
    name: str
    door: str
    state: CopyState
    created_at: datetime
    decided_at: datetime | None
    decided_by: str
    reason: str
    note: str
    paper: bool
    post: str
    price_pence: int | None
    currency: str | None
    words: str
    agreed_at: datetime | None

    @property
    def price(self) -> str:
        """What it was to cost, as letters write it; "" for nothing."""
        return money.written(self.price_pence, self.currency) if self.price_pence and self.currency else ""


@dataclass(frozen=True, slots=True)
class HeldReadingLink:
    """A link to something that is not open to all, and how often it was used."""

    kind: ReadingKind
    created_at: datetime
    expires_at: datetime
    uses: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldDraft:
    """A newsletter that they mailed in."""

    number: int
    created_at: datetime
    closed_at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class HeldOffice:
    """An office that somebody holds or held."""

    role: Role
    since: datetime
    until: datetime | None


def subscriptions(tx: Tx, person_id: int) -> list[HeldSubscription]:
    """Return every subscription of a person, ended ones too."""
    s = Subscription
    query = (
        select(MailingList.slug, MailingList.name, s.state, s.ground, s.since, s.paused_until, s.ended_at, s.answers)
        .join(MailingList, MailingList.id == s.list_id)
        .where(s.person_id == person_id)
        .order_by(s.list_id)
    )
    return [HeldSubscription(*row) for row in tx.execute(query)]


def requests(tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> list[HeldRequest]:
    """Return the join requests that came from these people, or from addresses that are theirs alone."""
    r = JoinRequest
    query: Any = (
        select(
            MailingList.slug, r.email, r.name, r.language, r.words, r.how, r.answers, r.evidence, r.state, r.created_at,
            r.confirmed_at, r.decided_at, r.decided_by, r.reason, r.note,
        )
        .join(MailingList, MailingList.id == r.list_id)
        .where(or_(r.person_id.in_(people), r.address_key.in_(address_keys)))
        .order_by(r.id)
    )  # fmt: skip
    return [HeldRequest(*row) for row in tx.execute(query)]


def letters(tx: Tx, people: Sequence[int]) -> list[HeldLetter]:
    """Return every row of the ledger that is theirs, the oldest first."""
    d, m = Delivery, Mailing
    query: Any = (
        select(
            m.id, MailingList.slug, m.number, m.title, m.kind, d.address, d.ground, d.state, d.skip_reason, d.reply,
            d.at, d.bounced_at, d.complained_at, d.data,
        )
        .join(m, m.id == d.mailing_id)
        .outerjoin(MailingList, MailingList.id == m.list_id)
        .where(d.person_id.in_(people))
        .order_by(d.at, d.id)
    )  # fmt: skip
    return [HeldLetter(*row) for row in tx.execute(query)]


def notices(tx: Tx, people: Sequence[int]) -> list[HeldNotice]:
    """Return the system mails that wait to be written to them."""
    n = Notice
    query = select(n.template, n.address, n.created_at, n.due_at).where(n.person_id.in_(people)).order_by(n.id)
    return [HeldNotice(*row) for row in tx.execute(query)]


def messages(tx: Tx, people: Sequence[int]) -> list[HeldMessage]:
    """Return the messages that came from them, the oldest first; reports about their addresses are no letters."""
    m = InboundMessage
    reports = (Kind.BOUNCE.value, Kind.COMPLAINT.value)
    query = (
        select(m.id, m.received_at, m.sender, m.subject, m.kind, m.remark, m.raw)
        .where(m.person_id.in_(people), m.kind.not_in(reports))
        .order_by(m.id)
    )
    return [HeldMessage(*row[:6], raw=_text(row.raw)) for row in tx.execute(query)]


def reading_links(tx: Tx, people: Sequence[int]) -> list[HeldReadingLink]:
    """Return the links to read by that were made for them, the oldest first."""
    r = ReadingLink
    query = select(r.kind, r.created_at, r.expires_at, r.uses, r.last_used_at)
    return [HeldReadingLink(*row) for row in tx.execute(query.where(r.person_id.in_(people)).order_by(r.id))]


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def copies(tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> list[HeldCopy]:
    """Return the requests for copies that came from them, or from addresses that are theirs alone."""
    c, t = CopyRequest, CopyTerms
    query: Any = (
        select(
            c.wanted, c.email, c.name, c.door, c.state, c.created_at, c.decided_at, c.decided_by, c.reason, c.note,
            func.coalesce(t.paper, false()), func.coalesce(t.post, ""), t.price_pence, t.currency,
            func.coalesce(t.words, ""), t.agreed_at,
        )
        .outerjoin(t, t.request_id == c.id)
        .where(or_(c.person_id.in_(people), c.address_key.in_(address_keys)))
        .order_by(c.id)
    )  # fmt: skip
    return [HeldCopy(*row) for row in tx.execute(query)]


def drafts(tx: Tx, people: Sequence[int]) -> list[HeldDraft]:
    """Return the newsletters that they mailed in as officers."""
    d = Draft
    query = select(d.id, d.created_at, d.closed_at, d.source).where(d.officer_id.in_(people)).order_by(d.id)
    return [HeldDraft(*row) for row in tx.execute(query)]


def offices(tx: Tx, person_id: int) -> list[HeldOffice]:
    """Return the offices of a person, those that have ended too."""
    o = Officer
    query = select(o.role, o.since, o.until).where(o.person_id == person_id).order_by(o.since)
    return [HeldOffice(*row) for row in tx.execute(query)]


def bounced_at(tx: Tx, address_key: str) -> datetime | None:
    """Return when mail to an address came back for good, or None."""
    found: datetime | None = tx.scalar(select(Address.bounced_at).where(Address.key == address_key))
    return found
