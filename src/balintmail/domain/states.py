"""The states and kinds of everything that has one, each written once.

The values are what the database, the JSON and the documents show. A status is never compared as a bare string.
"""

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where one delivery stands. The order of changes is in docs/flow.md."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    AT_RISK = "at_risk"  # the closing dot may have left
    ACCEPTED = "accepted"  # a 250 was read; never called "delivered"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # the dot left and no answer is known
    WRITTEN_OFF = "written_off"
    SKIPPED = "skipped"


FINAL = frozenset({DeliveryState.ACCEPTED, DeliveryState.REFUSED, DeliveryState.SKIPPED, DeliveryState.WRITTEN_OFF})


class MailingState(StrEnum):
    """Where one mailing stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class MailingKind(StrEnum):
    """What a mailing is."""

    NEWSLETTER = "newsletter"
    JOURNAL = "journal"
    NOTICE = "notice"
    TEST = "test"


class Policy(StrEnum):
    """How a list lets people in."""

    OPEN = "open"
    CONFIRM = "confirm"
    APPROVE = "approve"
    CLOSED = "closed"


class Visibility(StrEnum):
    """Who may read a mailing in the archive."""

    PUBLIC = "public"
    MEMBERS = "members"
    NONE = "none"


class SubscriptionState(StrEnum):
    """A person's standing on one list."""

    SUBSCRIBED = "subscribed"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"


class AddressHealth(StrEnum):
    """What is known of an address itself; suppression is kept apart, by key."""

    OK = "ok"
    BOUNCED = "bounced"


class Ground(StrEnum):
    """Why somebody may be mailed (D6)."""

    CONSENT = "consent"
    MEMBERSHIP = "membership"
    SOFT_OPT_IN = "soft_opt_in"
    REQUESTED = "requested"
    OFFICER = "officer"
    TEST = "test"


class RequestState(StrEnum):
    """Where a join request stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    DECLINED = "declined"
    EXPIRED = "expired"


class CopyState(StrEnum):
    """Where a request for a past newsletter or Journal stands."""

    PENDING = "pending"  # the address has yet to confirm that it asked
    WAITING = "waiting"  # for the Secretary
    QUOTED = "quoted"
    ANSWERED = "answered"
    DECLINED = "declined"
    EXPIRED = "expired"


class InboundState(StrEnum):
    """Where a message that came in stands."""

    NEW = "new"  # stored, not yet read
    DONE = "done"  # read and acted on, or put aside by a person
    WAITING = "waiting"  # a letter that somebody has to answer
    SET_ASIDE = "set_aside"  # nothing could read it


class ConsentAction(StrEnum):
    """What a consent event says."""

    AGREED = "agreed"
    WITHDREW = "withdrew"


class SuppressionReason(StrEnum):
    """Why an address must not be mailed."""

    ERASED = "erased"
    BOUNCED = "bounced"
    COMPLAINT = "complaint"
    CLEANED = "cleaned"
    MANUAL = "manual"


class SkipReason(StrEnum):
    """Why a delivery was skipped. The words shown to people are in `domain/grounds.py`."""

    NOT_SUBSCRIBED = "not_subscribed"
    PAUSED = "paused"
    BOUNCED = "bounced"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    NO_ADDRESS = "no_address"
    NO_GROUND = "no_ground"
    CANCELLED = "cancelled"
    CONTENT = "content"  # this person's own data made the message impossible


class JournalFormat(StrEnum):
    """How a member wants the Journal."""

    PAPER = "paper"
    PDF = "pdf"
    BOTH = "both"


class Role(StrEnum):
    """An office a person may hold."""

    SECRETARY = "secretary"
    EDITOR = "editor"
    TREASURER = "treasurer"
    READER = "reader"
    AUDITOR = "auditor"
