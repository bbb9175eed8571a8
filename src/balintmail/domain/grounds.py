"""Decide whether a person may be mailed, and on what ground (D6).

There is no way round it: the ledger enrols and marks with the same rules in SQL, and a test holds the two together
for every combination. It never looks anything up; the facts are passed in.
"""

from dataclasses import dataclass
from datetime import date

from balintmail.domain.states import Ground, SkipReason, SubscriptionState

# What the Secretary reads. One wording for the terminal, the receipt and later the console.
SKIP_WORDS: dict[SkipReason, str] = {
    SkipReason.NOT_SUBSCRIBED: "not subscribed",
    SkipReason.PAUSED: "paused",
    SkipReason.BOUNCED: "bounced",
    SkipReason.SUPPRESSED: "suppressed",
    SkipReason.ERASED: "erased",
    SkipReason.NO_ADDRESS: "without an address",
    SkipReason.NO_GROUND: "without a ground",
    SkipReason.CANCELLED: "cancelled",
    SkipReason.CONTENT: "their own data made the letter impossible",
}


# The charity soft opt-in (PECR regulation 22(3A)) is in force from this day and not for contacts made before (S43).
SOFT_OPT_IN_FROM = date(2026, 2, 5)


@dataclass(frozen=True, slots=True)
class Basis:
    """On what ground somebody joins, and what is known of how it came about."""

    ground: Ground = Ground.CONSENT
    collected: date | None = None  # the day on which they agreed, or gave their address
    opt_out_offered: bool = False
    member: bool = False


def does_not_hold(basis: Basis, today: date) -> str:
    """Return why a ground does not hold (S43), or ""."""
    if basis.collected is not None and basis.collected > today:
        return f"the consent was collected on {basis.collected}, a day that has not come yet"
    if basis.ground is Ground.MEMBERSHIP and not basis.member:
        return "the ground is membership, but nothing says that the person is a member"
    if basis.ground is Ground.SOFT_OPT_IN:
        if basis.collected is None or basis.collected < SOFT_OPT_IN_FROM:
            return f"the soft opt-in holds only for addresses collected from {SOFT_OPT_IN_FROM} on"
        if not basis.opt_out_offered:
            return "the soft opt-in holds only where a way to say no was offered when the address was collected"
    return ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about a person and one address at one moment."""

    ground: Ground | None
    subscription: SubscriptionState | None
    has_address: bool = True
    erased: bool = False
    suppressed: bool = False
    bounced: bool = False
    own_membership: bool = False  # a mailing of no list, to somebody whose membership runs: their dues, their details


def may_mail(standing: Standing) -> SkipReason | None:
    """Return None when this person may be mailed, else the first reason why not.

    A ground of consent, membership or soft opt-in needs a living subscription; `requested`, `officer` and `test`
    do not, nor does what concerns the membership itself, such as a reminder of dues, while it runs: that is no
    newsletter, and no marketing (PECR regulation 22). Nothing overrides erasure or suppression (D7).
    """
    if standing.erased:
        return SkipReason.ERASED
    if not standing.has_address:
        return SkipReason.NO_ADDRESS
    if standing.ground is None:
        return SkipReason.NO_GROUND
    concerns_membership = standing.own_membership and standing.ground is Ground.MEMBERSHIP
    if standing.ground in {Ground.CONSENT, Ground.MEMBERSHIP, Ground.SOFT_OPT_IN} and not concerns_membership:
        if standing.subscription is SubscriptionState.PAUSED:
            return SkipReason.PAUSED
        if standing.subscription is not SubscriptionState.SUBSCRIBED:
            return SkipReason.NOT_SUBSCRIBED
    if standing.suppressed:
        return SkipReason.SUPPRESSED
    return SkipReason.BOUNCED if standing.bounced else None
