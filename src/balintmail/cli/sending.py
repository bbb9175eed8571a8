"""Run a dispatch from a command: progress on a terminal, and what its ending means in words.

Shared by `send`, `mailings retry` and `dispatch`. Progress appears only where a person sits; NO_COLOR is obeyed.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from balintmail import wiring
from balintmail.cli.output import Output
from balintmail.db.mailings import MailingRow
from balintmail.domain.states import DeliveryState, MailingState
from balintmail.services import mailings
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, Report, dispatch
from balintmail.services.engine import PATIENCE
from balintmail.services.forecast import forecast, load_of, spoken
from balintmail.services.tally import Ending
from balintmail.wiring import Instance

if TYPE_CHECKING:
    from rich.progress import Progress

_S = DeliveryState
PATIENCE_OF_PEOPLE = timedelta(minutes=70)  # an hourly limit is waited for where somebody watches
_LOOK_AHEAD = 5.0  # seconds between looks at when it will be through
_FOLLOW = 0.5  # seconds between looks while another process sends
_MOVING = (_S.QUEUED, _S.CLAIMED, _S.AT_RISK)


def send_now(out: Output, instance: Instance, ctx: Context, mailing: int, *, retry: bool = False) -> Report:
    """Send one mailing, or watch another process send it, until nothing more can be done now."""
    patience = PATIENCE_OF_PEOPLE if out.interactive else PATIENCE
    relays = relays_of(instance, mailings.named(ctx, mailing).relay)
    try:
        with _progress(out, ctx, mailing, relays) as watch:
            while True:
                seen = lambda tally: watch(tally.of(mailing))  # noqa: E731
                orders = Orders(only=mailing, retry=retry, watch=seen, patience=patience)
                report = dispatch(ctx, lambda: wiring.transport(instance), orders)
                if report.ending is not Ending.BUSY or not _follow(ctx, mailing, retry=retry):
                    return report
    except KeyboardInterrupt:  # before the loop began, or while another process sends
        return Report(Ending.STOPPED)


def relays_of(instance: Instance, own: str) -> tuple[str, ...]:
    """Return the relays in the order in which a list that names its `own` tries them."""
    transport = wiring.transport(instance)
    if own:
        transport.prefer(own)
    return transport.relays


def _follow(ctx: Context, mailing: int, *, retry: bool) -> bool:
    """Wait while the dispatcher that holds the lock gets on; say whether there is still something to send."""
    time.sleep(_FOLLOW)
    counts = mailings.counts(ctx, mailing)
    return any(counts[state] for state in (*_MOVING, *([_S.DEFERRED] if retry else ())))


def tell_ending(out: Output, report: Report, row: MailingRow) -> None:
    """Say why a run stopped before its time, and how it goes on."""
    again = f"balintmail mailings resume {row.label}" if report.ending is Ending.PAUSED else "balintmail dispatch"
    if report.ending is Ending.STOPPED:
        out.note(f"Stopped; what was open has been finished. The rest goes on with: {again}   (or by cron)")
    elif report.ending is Ending.PAUSED:
        out.note(f"Paused{': ' + report.reason if report.reason else ''}. It goes on with: {again}")
    elif report.ending is Ending.DOWN:
        out.note(f"{report.reason}")
        out.note(f"Nobody was lost: what waits goes on with: {again}   (or by cron)")
    elif report.ending is Ending.WAITING:
        out.note(report.reason)
        out.note(f"It goes on by itself with: {again}   (or by cron)")
    elif report.ending is Ending.FAILED:
        out.note(report.reason)
    elif row.state is MailingState.CANCELLED:
        out.note(f"{row.label} was {row.state_reason or 'cancelled'}.")


class _Outlook:
    """When a send will be through, looked at now and then."""

    def __init__(self, ctx: Context, relays: Sequence[str], mailing: int) -> None:
        self._ctx = ctx
        self._relays = relays
        self._load = load_of(ctx, mailing)
        self._best = 0.0
        self._looked_at = -_LOOK_AHEAD
        self._words = ""

    def words(self, left: int, rate: float) -> str:
        """Return `about 37 min left, until 15:40 (London)`; the minutes alone while they are few.

        `rate` is a second's since the beginning, waits for limits among it, so the best one says what our part allows.
        """
        self._best = max(self._best, rate)
        if left <= 0 or not rate:
            return ""
        if time.monotonic() - self._looked_at >= _LOOK_AHEAD:
            self._looked_at = time.monotonic()
            now = self._ctx.clock.now()
            finish = forecast(self._ctx, self._relays, self._load.scaled(left), now, rate=self._best).finish
            self._words = "" if finish is None else _left((finish - now).total_seconds())
            if finish is not None and finish - now > timedelta(minutes=5):
                self._words += f", until {spoken(self._ctx, finish)}"
        return self._words


@contextmanager
def _progress(
    out: Output, ctx: Context, mailing: int, relays: tuple[str, ...]
) -> Iterator[Callable[[dict[DeliveryState, int]], None]]:
    """Yield what is told how far it has come; it draws a bar on a terminal and nothing elsewhere."""
    if not out.interactive:  # then nothing is counted either: that takes a second for a million
        yield lambda done: None
        return
    bar, outlook, before = _bar(out), _Outlook(ctx, relays, mailing), mailings.counts(ctx, mailing)
    total = sum(before[state] for state in (*_MOVING, _S.DEFERRED, _S.ACCEPTED, _S.REFUSED))
    already = before[_S.ACCEPTED] + before[_S.REFUSED]
    with bar:
        task = bar.add_task("", total=total, completed=already, speed="", left="", deferred="")
        began = time.monotonic()

        def watch(done: dict[DeliveryState, int]) -> None:
            new = sum(done.get(state, 0) for state in (_S.ACCEPTED, _S.REFUSED, _S.SKIPPED, _S.UNKNOWN))
            seconds = max(time.monotonic() - began, 0.001)
            deferred = f"{done[_S.DEFERRED]} deferred" if done.get(_S.DEFERRED) else ""
            left = outlook.words(total - already - new, new / seconds)
            bar.update(task, completed=already + new, speed=_speed(new / seconds), left=left, deferred=deferred)

        yield watch


def _bar(out: Output) -> "Progress":
    from rich.console import Console  # noqa: PLC0415  (only on a terminal)
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    console = Console(no_color=not out.colour, highlight=False)
    texts = [TextColumn("{task.fields[" + name + "]}") for name in ("speed", "left", "deferred")]
    return Progress(TextColumn(" "), BarColumn(36), MofNCompleteColumn(" of "), *texts, console=console)


def _speed(per_second: float) -> str:
    if per_second >= 1:
        return f"{per_second:,.0f} a second"
    return f"{per_second * 60:.1f} a minute" if per_second else ""


def _left(seconds: float) -> str:
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"
