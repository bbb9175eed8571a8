"""Which changes of state are allowed, for deliveries and for mailings; the ledger makes no other.

Pure. The tables are those of the contract ("States of a delivery"); db/ledger.py takes the conditions of its UPDATE
statements from them, so that a state cannot be left for one that is not written here.
"""

from collections.abc import Mapping

from balintmail.domain.states import FINAL, DeliveryState, MailingState

_D = DeliveryState
_M = MailingState

DELIVERY_CHANGES: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    _D.QUEUED: frozenset({_D.CLAIMED, _D.SKIPPED}),
    # Given back; answered before the dot; stopped by a no.
    _D.CLAIMED: frozenset({_D.AT_RISK, _D.QUEUED, _D.DEFERRED, _D.REFUSED, _D.SKIPPED}),
    # To queued only where the dot surely never left.
    _D.AT_RISK: frozenset({_D.ACCEPTED, _D.DEFERRED, _D.REFUSED, _D.UNKNOWN, _D.QUEUED}),
    _D.DEFERRED: frozenset({_D.QUEUED, _D.REFUSED, _D.SKIPPED}),
    # By settle, by proof, or by the policy chosen beforehand.
    _D.UNKNOWN: frozenset({_D.ACCEPTED, _D.QUEUED, _D.WRITTEN_OFF}),
    **{state: frozenset() for state in FINAL},
}

MAILING_CHANGES: Mapping[MailingState, frozenset[MailingState]] = {
    _M.DRAFT: frozenset({_M.SCHEDULED, _M.SENDING, _M.CANCELLED}),
    _M.SCHEDULED: frozenset({_M.DRAFT, _M.SENDING, _M.CANCELLED}),
    _M.SENDING: frozenset({_M.PAUSED, _M.SENT, _M.CANCELLED}),
    _M.PAUSED: frozenset({_M.SENDING, _M.CANCELLED}),
    # Released anew under its number where nobody had been enrolled (`rewrite`); nothing else brings it back.
    _M.CANCELLED: frozenset({_M.SCHEDULED}),
    _M.SENT: frozenset(),
}


def may_change(old: DeliveryState, new: DeliveryState) -> bool:
    """Say whether a delivery may go from `old` to `new`."""
    return new in DELIVERY_CHANGES[old]


def sources(new: DeliveryState) -> tuple[DeliveryState, ...]:
    """Return the states from which a delivery may become `new`."""
    return tuple(old for old in DeliveryState if may_change(old, new))


def mailing_sources(new: MailingState) -> tuple[MailingState, ...]:
    """Return the states from which a mailing may become `new`."""
    return tuple(old for old in MailingState if new in MAILING_CHANGES[old])
