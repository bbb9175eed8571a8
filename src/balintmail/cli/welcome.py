"""Send the welcome letter to people whom a command has just put on a list; only `--welcome` asks for it."""

from collections.abc import Sequence

from balintmail.cli.output import Output
from balintmail.cli.sending import send_now, tell_ending
from balintmail.services import notice_mailings
from balintmail.services.context import Context
from balintmail.wiring import Instance


def send_welcome(out: Output, instance: Instance, ctx: Context, list_slug: str, people: Sequence[int]) -> None:
    """Release the list's welcome to `people` (their numbers) and send it; what cannot leave now waits for dispatch."""
    for row in notice_mailings.welcome(ctx, list_slug, people) if people else ():
        tell_ending(out, send_now(out, instance, ctx, row.id), row)
