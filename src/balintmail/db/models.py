"""The spine of the schema on one page; tables of single parts lie in `models_PART.py` (schema.py names them all).

Rows are the entities; decisions about them are in `domain/`. Times are UTC. Every change here has a migration in
`alembic/versions/`, and a test holds the two together. Queries never leave this room.
"""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from balintmail.domain.states import (
    AddressHealth,
    ConsentAction,
    CopyState,
    DeliveryState,
    Ground,
    InboundState,
    MailingKind,
    MailingState,
    Policy,
    RequestState,
    Role,
    SkipReason,
    SubscriptionState,
    SuppressionReason,
    Visibility,
)


class UtcTime(TypeDecorator[datetime]):
    """An aware moment: `timestamptz` on PostgreSQL, text that sorts in order on SQLite."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone may not enter the database")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class FileHash(TypeDecorator[str]):
    """The SHA-256, in hexadecimal, of a file in the instance's `files/`; a file goes when no such column names it."""

    impl = sa.String
    cache_ok = True


def _enum(kind: type[StrEnum]) -> sa.Enum:
    """Store the enum's values as text with a CHECK, alike on both databases."""
    return sa.Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        validate_strings=True,
        length=20,
        name=f"{kind.__name__.lower()}_known",
        values_callable=lambda members: [member.value for member in members],
    )


def _only_set(name: str, column: str) -> Index:
    """Index the few rows in which a column is set, at no cost to all others."""
    return Index(
        name, column, sqlite_where=text(f"{column} IS NOT NULL"), postgresql_where=text(f"{column} IS NOT NULL")
    )


Json = sa.JSON().with_variant(JSONB(), "postgresql")
# SQLite numbers rows by itself only when the key is spelled INTEGER.
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class Base(DeclarativeBase):
    """The base of every table; constraints get stable names so that migrations can name them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcTime(), dict[str, Any]: Json, int: sa.Integer()}  # noqa: RUF012


class Meta(Base):
    """Facts about this instance: `instance_id`, `sending_blocked` (why; absent: not), and the like."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Person(Base):
    """Somebody on the register. Never deleted: erased or merged people stay as empty rows for the ledger's counts."""

    __tablename__ = "people"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(server_default="")  # as they write it, in their own order
    first_name: Mapped[str] = mapped_column(server_default="")  # how a letter addresses them
    language: Mapped[str | None]  # BCP 47; none: the list's
    member: Mapped[bool] = mapped_column(server_default=sa.false())  # follows from memberships (db/members.py)
    fields: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # the society's own fields
    joined_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    merged_into: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    journal_format: Mapped[str | None]  # "paper", "pdf" or "both"; none: they were never asked
    died_on: Mapped[date | None]  # nothing is mailed to them from then on
    __table_args__ = (Index("ix_people_name", "name"),)


class Address(Base):
    """An email address with its own health. Two people may share one."""

    __tablename__ = "addresses"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str]  # as people see it
    envelope: Mapped[str]  # as the wire gets it
    key: Mapped[str] = mapped_column(unique=True)  # domain/address.py: what two spellings share
    domain: Mapped[str] = mapped_column(index=True)
    health: Mapped[AddressHealth] = mapped_column(_enum(AddressHealth), server_default="ok")
    created_at: Mapped[datetime]
    bounced_at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(server_default="")  # domain.returns.Reason: why it is not mailed
    probes: Mapped[int] = mapped_column(server_default="0")  # letters that tried it since it was paused
    probe_at: Mapped[datetime | None]  # the next of them
    # Paused: a probe is on its way, and what has not come back by then was taken. Else: one more failure pauses it.
    trial_until: Mapped[datetime | None]
    trusted_at: Mapped[datetime | None]  # letters that left before it count no more when they come back
    handled_at: Mapped[datetime | None]  # when the Secretary struck it off the list of dead addresses
    handled_by: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (
        _only_set("ix_addresses_probe_at", "probe_at"),
        _only_set("ix_addresses_trial_until", "trial_until"),
    )


class PersonAddress(Base):
    """Whose address it is; a person has at most one preferred."""

    __tablename__ = "person_addresses"
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), primary_key=True)
    address_id: Mapped[int] = mapped_column(Id, ForeignKey("addresses.id"), primary_key=True, index=True)
    preferred: Mapped[bool] = mapped_column(server_default=sa.true())
    __table_args__ = (
        Index(
            "uq_person_addresses_preferred",
            "person_id",
            unique=True,
            sqlite_where=text("preferred"),
            postgresql_where=text("preferred"),
        ),
    )


class PostalAddress(Base):
    """Where the post reaches a person, from a day on and until another; its parts are those its country uses."""

    __tablename__ = "postal_addresses"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    country_code: Mapped[str]  # ISO 3166-1 alpha-2
    name: Mapped[str] = mapped_column(server_default="")  # none: the person's
    company_name: Mapped[str] = mapped_column(server_default="")
    street_address: Mapped[str] = mapped_column(server_default="")  # lines
    city_area: Mapped[str] = mapped_column(server_default="")
    city: Mapped[str] = mapped_column(server_default="")
    country_area: Mapped[str] = mapped_column(server_default="")
    postal_code: Mapped[str] = mapped_column(server_default="")
    sorting_code: Mapped[str] = mapped_column(server_default="")
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]
    created_at: Mapped[datetime]


class Officer(Base):
    """Who holds which office, and since when."""

    __tablename__ = "officers"
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), primary_key=True)
    role: Mapped[Role] = mapped_column(_enum(Role), primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class MailingList(Base):
    """A mailing list with its join policy and its manners."""

    __tablename__ = "lists"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    list_id: Mapped[str] = mapped_column(unique=True)  # RFC 2919, without the angle brackets; never changes
    purpose: Mapped[str] = mapped_column(server_default="")
    policy: Mapped[Policy] = mapped_column(_enum(Policy), server_default="approve")
    language: Mapped[str] = mapped_column(server_default="en")
    from_name: Mapped[str] = mapped_column(server_default="")
    from_address: Mapped[str] = mapped_column(server_default="")  # empty: the Secretary's
    reply_to: Mapped[str] = mapped_column(server_default="")
    footer: Mapped[str] = mapped_column(server_default="")
    standing_words: Mapped[str] = mapped_column(server_default="asked the Secretary to join")
    is_default: Mapped[bool] = mapped_column(server_default=sa.false())
    relay: Mapped[str] = mapped_column(server_default="")  # the relay its letters try first; empty: the settings' order
    questions: Mapped[list[Any]] = mapped_column(Json, server_default=text("'[]'"))  # of the form; domain/questions.py
    sends_latest: Mapped[bool] = mapped_column(server_default=sa.false())  # the latest number with the welcome
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class Wording(Base):
    """The exact words that a form asks consent to, by version. Only ever added to (S42)."""

    __tablename__ = "wordings"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(Id, ForeignKey("lists.id"))
    language: Mapped[str]
    version: Mapped[int]
    words: Mapped[str]
    since: Mapped[datetime]
    __table_args__ = (UniqueConstraint("list_id", "language", "version"),)


class Subscription(Base):
    """Person x list. There is none without a ground."""

    __tablename__ = "subscriptions"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    list_id: Mapped[int] = mapped_column(Id, ForeignKey("lists.id"))
    state: Mapped[SubscriptionState] = mapped_column(_enum(SubscriptionState))
    ground: Mapped[Ground] = mapped_column(_enum(Ground))
    since: Mapped[datetime]
    paused_until: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    answers: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # to the list's questions
    __table_args__ = (
        UniqueConstraint("person_id", "list_id"),
        Index("ix_subscriptions_list_state", "list_id", "state", "person_id"),
    )


class JoinRequest(Base):
    """Somebody asks to join a list; they become a person only when the request is approved (S46)."""

    __tablename__ = "join_requests"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int] = mapped_column(Id, ForeignKey("lists.id"))
    email: Mapped[str]  # as people see it
    address_key: Mapped[str]
    name: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str | None]
    words: Mapped[str]
    how: Mapped[str]
    actor: Mapped[str]
    state: Mapped[RequestState] = mapped_column(_enum(RequestState))
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")
    envelope: Mapped[str] = mapped_column(server_default="")
    person_id: Mapped[int | None] = mapped_column(Id)  # whom the address meant when it was asked for
    batch: Mapped[int | None] = mapped_column(Id)  # the first request of one form, where it asked for several lists
    answers: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # to the list's questions
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # form, version of the words, network
    held: Mapped[str] = mapped_column(server_default="")  # why it waits for the Secretary without a confirmation
    confirmed_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]  # where it stands now ends by itself
    reminded_at: Mapped[datetime | None]  # when the Secretary was told last
    reason: Mapped[str] = mapped_column(server_default="")  # of the decision, for the applicant
    note: Mapped[str] = mapped_column(server_default="")  # of the decision, for the Secretary alone
    __table_args__ = (
        Index("ix_join_requests_address_key", "address_key"),
        Index("ix_join_requests_batch", "batch"),
        Index(
            "ix_join_requests_open",
            "state",
            "expires_at",
            sqlite_where=text("state IN ('pending', 'confirmed')"),
            postgresql_where=text("state IN ('pending', 'confirmed')"),
        ),
        Index(
            "uq_join_requests_open",
            "list_id",
            "address_key",
            "name",
            unique=True,
            sqlite_where=text("state IN ('pending', 'confirmed')"),
            postgresql_where=text("state IN ('pending', 'confirmed')"),
        ),
    )


class Notice(Base):
    """A system mail to one person that waits to be written; dispatch makes mailings of them and deletes them here.

    `facts` are what its template may say besides the person. A second one with the same `key` replaces the first.
    """

    __tablename__ = "notices"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    template: Mapped[str]  # the folder below templates/emails/
    key: Mapped[str | None] = mapped_column(unique=True)
    list_id: Mapped[int | None] = mapped_column(Id, ForeignKey("lists.id"))
    language: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    address: Mapped[str]
    envelope: Mapped[str]
    address_key: Mapped[str] = mapped_column(index=True)
    ground: Mapped[Ground] = mapped_column(_enum(Ground))
    facts: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    due_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]


class MailedLink(Base):
    """A link that was mailed to somebody, works for a while and once; only the hash of its secret is kept."""

    __tablename__ = "mailed_links"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    purpose: Mapped[str]
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    payload: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))  # such as the new address
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class Throttle(Base):
    """How often something was asked for in one slot of a window: by an address, a network, or everybody.

    `key` is a keyed hash, so that a copy of the table names nobody; `slot` is the slot's number since 1970.
    """

    __tablename__ = "throttles"
    key: Mapped[bytes] = mapped_column(primary_key=True)
    span: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True, autoincrement=False)
    taken: Mapped[int]


class ConsentEvent(Base):
    """Who agreed to or withdrew what, when, how, from where, in which words (S42). Only ever added to.

    A link of a hash chain over `consent_links`; what erasure takes away lies behind a salted seal
    (docs/decisions/consent-chain.md). `db/consent.py` is the only door.
    """

    __tablename__ = "consent_events"
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)  # its place in the chain, without gaps
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)  # whose it is since a merge
    subject_id: Mapped[int] = mapped_column(Id)  # whose it was when it was written; the digest covers this one
    list_id: Mapped[int | None] = mapped_column(Id, ForeignKey("lists.id"))
    at: Mapped[datetime]
    action: Mapped[ConsentAction] = mapped_column(_enum(ConsentAction))
    ground: Mapped[Ground] = mapped_column(_enum(Ground))
    words: Mapped[str]
    how: Mapped[str]  # "command", "import", later "form", "mail", "paper"
    actor: Mapped[str]  # who did it: --by, or the person
    collected_on: Mapped[date | None]
    address: Mapped[str] = mapped_column(server_default="")  # the address it was about; emptied by erasure
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    restates: Mapped[int | None] = mapped_column(Id)  # the entry it stands for, whose words named somebody now erased
    salt: Mapped[bytes | None]  # none once erased
    seal: Mapped[bytes | None]  # kept once erased, in place of words and salt
    digest: Mapped[bytes]


class ConsentLink(Base):
    """One link of the consent log's chain: the entries of one transaction, up to `last_event`. Only ever added to."""

    __tablename__ = "consent_links"
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)  # 1, 2, 3 …
    last_event: Mapped[int] = mapped_column(Id)
    root: Mapped[bytes]  # SHA-256 over the digests of its entries
    digest: Mapped[bytes]  # over the link before it, its number, `last_event` and `root`


class Suppression(Base):
    """An address, or a whole domain, that must not be mailed; `address_hash` is keyed (HMAC-SHA-256).

    A domain has the key "@example.org", which no address can have. An erased address keeps nothing but the hash.
    """

    __tablename__ = "suppressions"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    address_hash: Mapped[bytes] = mapped_column(unique=True)
    address_key: Mapped[str | None] = mapped_column(index=True)  # none once erased
    reason: Mapped[SuppressionReason] = mapped_column(_enum(SuppressionReason))
    note: Mapped[str] = mapped_column(server_default="")
    at: Mapped[datetime]
    actor: Mapped[str]


class Mailing(Base):
    """One thing sent to many or one. `content_hash` is SHA-256 over all that decides the letters."""

    __tablename__ = "mailings"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int | None] = mapped_column(Id, ForeignKey("lists.id"))
    kind: Mapped[MailingKind] = mapped_column(_enum(MailingKind))
    number: Mapped[str | None]  # number or slug; none for tests, notices and second copies
    again_of: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"))
    title: Mapped[str]
    state: Mapped[MailingState] = mapped_column(_enum(MailingState))
    state_reason: Mapped[str] = mapped_column(server_default="")  # why it is paused
    visibility: Mapped[Visibility] = mapped_column(_enum(Visibility), server_default="public")
    content_hash: Mapped[str]
    audience_filter: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    audience: Mapped[int] = mapped_column(server_default="0")
    released_by: Mapped[str] = mapped_column(server_default="")
    signed_with: Mapped[str] = mapped_column(server_default="")  # domain and selectors of its DKIM keys (S48)
    redirected_to: Mapped[str] = mapped_column(server_default="")  # the one address that gets it all in a sandbox
    created_at: Mapped[datetime]
    start_at: Mapped[datetime | None]  # the end of the hold, or --at
    deadline_at: Mapped[datetime | None]  # nobody is tried after it
    frozen_at: Mapped[datetime | None]  # when the audience was enrolled
    finished_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("list_id", "number"), Index("ix_mailings_state", "state"))


class MailingContent(Base):
    """What a mailing froze: its source as written and the compiled letter (P6)."""

    __tablename__ = "mailing_contents"
    mailing_id: Mapped[int] = mapped_column(Id, ForeignKey("mailings.id"), primary_key=True)
    source: Mapped[str]
    compiled: Mapped[bytes]


class Delivery(Base):
    """The ledger: one row per person per mailing (D1). `person_id` is missing only for tests to strangers."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailing_id: Mapped[int] = mapped_column(Id, ForeignKey("mailings.id"))
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    address: Mapped[str]  # as people see it; emptied by erasure
    envelope: Mapped[str]  # as the wire gets it; emptied by erasure
    address_key: Mapped[str]
    ground: Mapped[Ground] = mapped_column(_enum(Ground))
    data: Mapped[str | None]  # the person's merge values at the freeze, a JSON array; none once erased
    state: Mapped[DeliveryState] = mapped_column(_enum(DeliveryState))
    skip_reason: Mapped[SkipReason | None] = mapped_column(_enum(SkipReason))
    attempts: Mapped[int] = mapped_column(server_default="0")
    claim: Mapped[str | None]  # the worker that holds it
    first_tried_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    at: Mapped[datetime]  # of the last change of state
    relay: Mapped[str] = mapped_column(server_default="")
    stage: Mapped[str] = mapped_column(server_default="")
    code: Mapped[int] = mapped_column(server_default="0")
    enhanced: Mapped[str] = mapped_column(server_default="")
    reply: Mapped[str] = mapped_column(server_default="")
    bounced_at: Mapped[datetime | None]
    complained_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("mailing_id", "person_id"),
        CheckConstraint("(state = 'skipped') = (skip_reason IS NOT NULL)", name="skipped_says_why"),
        # Partial, so that the final rows of a million-reader mailing cost these indexes nothing.
        Index(
            "ix_deliveries_queued",
            "mailing_id",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_deliveries_held",
            "claim",
            sqlite_where=text("state IN ('claimed', 'at_risk')"),
            postgresql_where=text("state IN ('claimed', 'at_risk')"),
        ),
        Index(
            "ix_deliveries_deferred",
            "next_try_at",
            sqlite_where=text("state = 'deferred'"),
            postgresql_where=text("state = 'deferred'"),
        ),
        Index(
            "ix_deliveries_unknown",
            "mailing_id",
            sqlite_where=text("state = 'unknown'"),
            postgresql_where=text("state = 'unknown'"),
        ),
        Index("ix_deliveries_person", "person_id"),
    )


class Worker(Base):
    """A process that dispatches. On PostgreSQL its claims lapse when `seen_at` is older than the lease."""

    __tablename__ = "workers"
    id: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class RelayState(Base):
    """What is known of a relay beside its settings: since when it serves us, and until when it is left in peace."""

    __tablename__ = "relays"
    name: Mapped[str] = mapped_column(primary_key=True)
    first_used_at: Mapped[datetime | None]  # where its warm-up began
    resting_until: Mapped[datetime | None]
    rests: Mapped[int] = mapped_column(server_default="0")  # in a row, without a message taken between them
    reason: Mapped[str] = mapped_column(server_default="")


class RelayUsage(Base):
    """How many messages were let go to a relay in one slot of a window (D5).

    `span` is the window's length in seconds, `slot` the slot's number since 1970; `domain` is the recipients', or empty
    for all of them.
    """

    __tablename__ = "relay_usage"
    relay: Mapped[str] = mapped_column(primary_key=True)
    domain: Mapped[str] = mapped_column(primary_key=True)
    span: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot: Mapped[int] = mapped_column(sa.BigInteger(), primary_key=True, autoincrement=False)
    taken: Mapped[int]


class InboundMessage(Base):
    """A message that came in: stored before anything else happens to it, read once, acted on once.

    Two with the same octets are one (UIDVALIDITY, a second fetch). `kind` is a `domain.returns.Kind`, or "" before it
    was read.
    """

    __tablename__ = "inbound_messages"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailbox: Mapped[str]  # the NAME of [inbox.NAME], or "pipe"
    place: Mapped[str] = mapped_column(server_default="")  # folder, UIDVALIDITY and UID, or the Maildir name
    digest: Mapped[bytes] = mapped_column(unique=True)  # SHA-256 of its octets
    raw: Mapped[bytes | None]  # none once it was erased, or kept long enough
    size: Mapped[int]  # octets, as it came
    received_at: Mapped[datetime]
    state: Mapped[InboundState] = mapped_column(_enum(InboundState), server_default="new")
    kind: Mapped[str] = mapped_column(server_default="")
    attempts: Mapped[int] = mapped_column(server_default="0")  # to read it; one that breaks the reader is set aside
    remark: Mapped[str] = mapped_column(server_default="")  # what was done, or why it was set aside
    sender: Mapped[str] = mapped_column(server_default="")  # emptied by erasure
    sender_key: Mapped[str] = mapped_column(server_default="", index=True)
    subject: Mapped[str] = mapped_column(server_default="")
    message_id: Mapped[str] = mapped_column(server_default="")
    robot: Mapped[bool] = mapped_column(server_default=sa.false())  # nothing may answer it (S9)
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(Id)  # whose token it carries
    assigned_to: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"))
    forwarded_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (
        Index(
            "ix_inbound_messages_open",
            "state",
            "id",
            sqlite_where=text("state IN ('new', 'waiting', 'set_aside')"),
            postgresql_where=text("state IN ('new', 'waiting', 'set_aside')"),
        ),
        Index("ix_inbound_messages_received_at", "received_at"),
    )


class ReturnEvent(Base):
    """What one message said of one address: a bounce or a complaint, what proved it, and what was done about it."""

    __tablename__ = "return_events"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    message_id: Mapped[int] = mapped_column(Id, ForeignKey("inbound_messages.id"))
    address: Mapped[str] = mapped_column(server_default="")  # as the report has it; emptied by erasure
    address_key: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    delivery_id: Mapped[int | None] = mapped_column(Id)
    mailing_id: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"))
    sentence: Mapped[str]  # domain.returns.Sentence
    reason: Mapped[str]  # domain.returns.Reason
    status: Mapped[str] = mapped_column(server_default="")  # RFC 3463
    evidence: Mapped[str] = mapped_column(server_default="")  # the mail system's own words
    proven: Mapped[bool]  # a token of ours says that it is about this delivery
    weight: Mapped[int] = mapped_column(server_default="0")  # what it adds to the address's score
    outcome: Mapped[str] = mapped_column(server_default="")  # what was done
    at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("message_id", "address_key"),
        Index("ix_return_events_address", "address_key", "at"),
        Index("ix_return_events_at", "at"),
    )


class Mailbox(Base):
    """How far a folder of a mailbox was read, and what went wrong with it last."""

    __tablename__ = "mailboxes"
    name: Mapped[str] = mapped_column(primary_key=True)
    folder: Mapped[str] = mapped_column(primary_key=True)
    uidvalidity: Mapped[int | None] = mapped_column(sa.BigInteger())
    last_uid: Mapped[int | None] = mapped_column(sa.BigInteger())
    read_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(server_default="")


class CopyRequest(Base):
    """Somebody asks for a past newsletter, by mail, form or command; whoever may have it gets it at once."""

    __tablename__ = "copy_requests"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    wanted: Mapped[str]  # as they wrote it
    mailing_id: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"))  # what it names, where it names one
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    email: Mapped[str]  # as people see it; emptied by erasure
    envelope: Mapped[str]
    address_key: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str | None]
    door: Mapped[str]  # "mail", "form" or "command"
    inbound_id: Mapped[int | None] = mapped_column(Id, ForeignKey("inbound_messages.id"))
    state: Mapped[CopyState] = mapped_column(_enum(CopyState))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")  # for whoever asked
    note: Mapped[str] = mapped_column(server_default="")  # for the Secretary alone
    __table_args__ = (
        Index(
            "ix_copy_requests_open",
            "state",
            sqlite_where=text("state IN ('pending', 'waiting', 'quoted')"),
            postgresql_where=text("state IN ('pending', 'waiting', 'quoted')"),
        ),
    )


class AwaitedReply(Base):
    """A letter to which a plain reply stands for the link that was in it; what its token says, never the token."""

    __tablename__ = "awaited_replies"
    delivery_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    purpose: Mapped[int]  # domain.tokens.Purpose
    person_id: Mapped[int] = mapped_column(Id)  # the officer who was asked; 0: nobody on the register
    stamp: Mapped[int] = mapped_column(sa.BigInteger())
    number: Mapped[int] = mapped_column(Id)  # of the request
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Draft(Base):
    """A newsletter that an officer mailed in; nothing of it is sent before it is released on a page."""

    __tablename__ = "drafts"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    list_id: Mapped[int | None] = mapped_column(Id, ForeignKey("lists.id"))
    officer_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"))
    inbound_id: Mapped[int | None] = mapped_column(Id, ForeignKey("inbound_messages.id"))
    source: Mapped[str]  # Markdown with its front matter
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    mailing_id: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"))  # what it became
    closed_at: Mapped[datetime | None]


class AuditEvent(Base):
    """Who did what, when. Only ever added to; `detail` names people by id, never by address."""

    __tablename__ = "audit_events"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    mailing_id: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"))
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
