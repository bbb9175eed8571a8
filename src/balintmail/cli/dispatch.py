"""`balintmail dispatch`: the command that cron runs every minute."""

import os
import signal
import threading
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app

if TYPE_CHECKING:
    from balintmail.services.context import Context
    from balintmail.services.dispatch import Report
    from balintmail.wiring import Instance

_INBOX_SECONDS = 20.0  # that the mailboxes may take before mail is sent; what is left comes with the next run
_INBOX_EVERY = 60.0  # seconds between two readings of the mailboxes under --watch
_WATCH_SECONDS = 0.5  # between looks for something due: a resume acts within a second
_DOWN_SECONDS = (5.0, 15.0, 60.0, 300.0)  # growing pauses while the relay cannot be reached


@click.command(cls=Command)
@click.option("--watch", is_flag=True, help="Stay in the foreground and look again all the time.")
@click.option("--beside-serve", type=int, hidden=True, metavar="PID", help="Watch while that process lives.")
@pass_app
def dispatch(app: App, watch: bool, beside_serve: int | None) -> int:
    """Send what is due and go on with what was interrupted (for cron).

    It reads the mailboxes, starts mailings whose time has come, goes on with interrupted ones and tries deferred
    deliveries again. When another dispatcher runs already it says so and ends well.
    """
    with app.instance() as instance:
        ctx = instance.context(actor=app.options.by or "dispatch")
        if watch or beside_serve is not None:
            if watch:
                app.out.line("Watching. Ctrl-C stops it.")
            return _watch(app, instance, ctx, parent=beside_serve)
        _read_mailboxes(app, ctx)
        return _tell(app, instance, ctx, _run(instance, ctx))


def _read_mailboxes(app: App, ctx: "Context") -> None:
    """Read what came back, so that a no is known before anything is sent; a mailbox that fails is told by doctor.

    Whatever goes wrong here stops no newsletter.
    """
    from balintmail.services.inbox import anything_to_read  # noqa: PLC0415

    try:
        if anything_to_read(ctx):
            from balintmail.services import fetching  # noqa: PLC0415  (TLS, HTTP: only with a mailbox)

            fetching.fetch(ctx, patience=0.0, seconds=_INBOX_SECONDS)
    except Exception as exc:
        from balintmail.cli.failure import explained  # noqa: PLC0415

        app.out.note(f"What came back could not be read: {explained(exc)} It is tried again.")


def _keep_reading(app: App, ctx: "Context", stop: threading.Event) -> None:
    """Read the mailboxes every minute, beside a dispatcher that a slow server must not hold up."""
    while not stop.is_set():
        _read_mailboxes(app, ctx)
        stop.wait(_INBOX_EVERY)


def _run(instance: "Instance", ctx: "Context") -> "Report":
    from balintmail import wiring  # noqa: PLC0415
    from balintmail.services.dispatch import Orders  # noqa: PLC0415
    from balintmail.services.dispatch import dispatch as run  # noqa: PLC0415

    return run(ctx, lambda: wiring.transport(instance), Orders())


def _watch(app: App, instance: "Instance", ctx: "Context", *, parent: int | None) -> int:
    """Run again and again until somebody stops it, or `parent` has gone."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    reading = threading.Thread(target=_keep_reading, args=(app, ctx, stop), name="inbox", daemon=True)
    reading.start()
    try:
        _look_again_and_again(app, instance, ctx, stop, parent)
    finally:
        stop.set()
        reading.join(_INBOX_SECONDS)
    return 0


def _look_again_and_again(
    app: App, instance: "Instance", ctx: "Context", stop: threading.Event, parent: int | None
) -> None:
    from balintmail.services.tally import Ending  # noqa: PLC0415

    down = 0
    while not stop.is_set() and parent in {None, os.getppid()}:
        report = _run(instance, ctx)
        if report.tally.by_mailing or report.ending not in {Ending.DONE, Ending.BUSY}:
            _tell(app, instance, ctx, report)
        if report.ending is Ending.STOPPED:
            break
        trouble = report.ending in {Ending.DOWN, Ending.FAILED}
        down = min(down + 1, len(_DOWN_SECONDS)) if trouble else 0
        stop.wait(_DOWN_SECONDS[down - 1] if down else _WATCH_SECONDS)


def _tell(app: App, instance: "Instance", ctx: "Context", report: "Report") -> int:
    """Say what a run did; cron mails what is printed, so an idle run prints nothing."""
    from balintmail.cli.receipts import document, tell_result  # noqa: PLC0415
    from balintmail.services import mailings  # noqa: PLC0415
    from balintmail.services.tally import Ending  # noqa: PLC0415

    if report.ending is Ending.BUSY:
        app.out.line("Another dispatcher is running; there is nothing to do here.")
    if report.recovered.unknown:
        app.out.line(f"After an interruption {_deliveries(report.recovered.unknown)} unknown: your word is needed.")
    if report.recovered.resent:
        policy = '[send] unknown = "resend"'
        app.out.line(f"{_deliveries(report.recovered.resent).capitalize()} in doubt and sent again: {policy}.")
    touched = sorted({*report.started, *report.finished, *report.tally.by_mailing})
    receipts = [mailings.receipt(ctx, mailing) for mailing in touched]
    for receipt in receipts:
        app.out.line(f'{receipt.mailing.label}  "{receipt.mailing.title}"')
        tell_result(app.out, receipt, ctx.settings)
    if report.reason and (touched or report.ending is not Ending.WAITING):
        app.out.note(report.reason)
    elif app.out.interactive and report.ending is Ending.DONE and not touched:
        app.out.line("Nothing is due.")
    zone = instance.settings.zone
    app.out.json({"ending": report.ending.value, "mailings": [document(receipt, zone) for receipt in receipts]})
    return 4 if report.ending in {Ending.STOPPED, Ending.DOWN, Ending.FAILED} else 0


def _deliveries(number: int) -> str:
    return "one delivery is" if number == 1 else f"{number} deliveries are"
