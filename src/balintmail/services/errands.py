"""What time brings about besides mailings: pauses that end, requests that expire, reminders, links that ran out.

Dispatch runs them with every look, under its lock; each only reads unless something is due. It sends nothing.
"""

from balintmail.services import leaving, request_errands
from balintmail.services.context import Context


def run(ctx: Context) -> None:
    """Do whatever is due."""
    leaving.end_pauses(ctx)
    request_errands.tidy(ctx)
