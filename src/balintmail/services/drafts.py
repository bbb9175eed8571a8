"""Newsletters that officers mail in."""

from balintmail.db.session import Tx
from balintmail.domain.inbox import WAITS, Done, Inbound
from balintmail.receiving.read import Event
from balintmail.services.context import Context


def concerns(ctx: Context, tx: Tx, message: Inbound, event: Event) -> bool:
    """Say whether a message is a newsletter that an officer mailed in."""
    return False


def keep(ctx: Context, tx: Tx, message: Inbound, event: Event) -> Done:
    """Keep a draft."""
    return WAITS
