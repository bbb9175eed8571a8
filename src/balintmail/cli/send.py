"""`balintmail send`: show, ask, hold, send, report (look.md, Terminal)."""

import contextlib
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app

if TYPE_CHECKING:
    from balintmail.db.mailings import MailingRow
    from balintmail.services.context import Context
    from balintmail.services.one_off import SecondCopy
    from balintmail.services.release import Intent, Plan
    from balintmail.wiring import Instance

_TIMES = ("%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--list", "list_slug", default="", metavar="SLUG", help="Another list than the letter names.")
@click.option("--where", default="", metavar="FILTER", help="Only those of the list whom the filter chooses.")
@click.option("--exclude", multiple=True, metavar="FILTER", help="Not those, by a filter or an address (repeatable).")
@click.option("--test", "test_to", multiple=True, metavar="ADDRESS", help="Send it there only, marked as a test.")
@click.option("--at", "at", metavar="TIME", help='Begin then: "2026-12-01 08:00", in the society\'s time zone.')
@click.option("--again-to", metavar="ADDRESS", help="A second copy for somebody who says they never got it.")
@click.option("--person", type=int, metavar="ID", help="Which person, where two share that address.")
@click.option("--dry-run", is_flag=True, help="Show whom it reaches and whom not, and why; write nothing.")
@click.option("--dry", is_flag=True, help="Go through the whole work without a relay, and say how long it would take.")
@click.option("--until", metavar="TIME", help="Try nobody after that time; whoever waits then is refused.")
@click.option("--yes", is_flag=True, help="Ask nothing and do not hold it back.")
@pass_app
def send(
    app: App,
    file: Path,
    list_slug: str,
    where: str,
    exclude: tuple[str, ...],
    test_to: tuple[str, ...],
    at: str | None,
    again_to: str | None,
    person: int | None,
    dry_run: bool,
    dry: bool,
    until: str | None,
    yes: bool,
) -> int:
    """Send a newsletter to its list, once to each person.

    The same letter again goes on where it stopped, or says that it is sent; it is never sent twice. Exit status 0: all
    done; 1: refused, or taken back; 3: done, and somebody was refused; 4: not finished, will go on.
    """
    from balintmail.services import one_off, release  # noqa: PLC0415  (loads MJML; help needs none of it)

    if sum(map(bool, (test_to, at, again_to, dry_run, dry))) > 1:
        raise click.UsageError("--test, --at, --again-to, --dry-run and --dry exclude each other.")
    with app.instance() as instance:
        ctx = instance.context(actor=app.options.by)
        if dry or (ctx.settings.send.dry and not dry_run):
            return _rehearse(app, instance, ctx, release.Intent(file, list_slug, where, exclude))
        if test_to:
            row = one_off.release_test(ctx, file, test_to, list_slug=list_slug)
            return _send(app, instance, ctx, row)
        if again_to:
            although = one_off.Although.LEFT if yes else one_off.Although.NOTHING
            row = _second_copy(app, ctx, file, one_off.SecondCopy(again_to, list_slug, person, although))
            return _send(app, instance, ctx, row)
        deadline = _moment(until, ctx, "--until") if until else None
        made = release.plan(ctx, release.Intent(file, list_slug, where, exclude, deadline))
        if made.step is release.Step.ALREADY_SENT:
            return _already_sent(app, ctx, made)
        if dry_run:
            return _dry_run(app, instance, ctx, made)
        if made.step is release.Step.PAUSED:
            return _paused(app, ctx, made)
        if made.step is release.Step.GO_ON and made.existing is not None:
            app.out.line(f"{made.label} goes on: {made.reached_already} have it.")
            return _send(app, instance, ctx, made.existing)
        return _release(app, instance, made, at=at, yes=yes)


def _second_copy(app: App, ctx: "Context", file: Path, copy: "SecondCopy") -> "MailingRow":
    """Release a second copy; whoever has left the list gets it only when somebody says that they want it."""
    from balintmail.services import one_off  # noqa: PLC0415

    try:
        return one_off.release_again(ctx, file, copy)
    except one_off.HasLeft as exc:
        if not app.out.interactive:
            raise
        left = exc.message.partition(". ")[0]
        if not app.out.confirm(f"{left}. Do they want this one letter all the same? They stay off the list."):
            raise
        return one_off.release_again(ctx, file, replace(copy, although=one_off.Although.LEFT))


def _release(app: App, instance: "Instance", made: "Plan", *, at: str | None, yes: bool) -> int:
    """Ask, write the release down, hold it, begin."""
    from balintmail.services import freeze, release, sandbox  # noqa: PLC0415

    ctx = instance.context(actor=app.options.by)
    start_at = _moment(at, ctx) if at else None
    _show(app, instance, made, begins_at=start_at)
    if not yes:
        _let_type(app, made, begins="then" if at else "at once")
    hold = timedelta() if yes else ctx.settings.send.hold
    write = sandbox.release_redirected if ctx.settings.send.redirect_all_to else release.release
    row = write(ctx, made, start_at=start_at or ctx.clock.now() + hold)
    if start_at is not None:
        return _scheduled(app, ctx, row, start_at)
    if not _held(app, ctx, row, hold):
        return 1
    freeze.start(ctx, row)
    return _send(app, instance, ctx, row)


def _send(app: App, instance: "Instance", ctx: "Context", row: "MailingRow") -> int:
    from balintmail.cli.receipts import document, exit_status, tell_result  # noqa: PLC0415
    from balintmail.cli.sending import send_now, tell_ending  # noqa: PLC0415
    from balintmail.config import TransportKind  # noqa: PLC0415
    from balintmail.domain.states import DeliveryState  # noqa: PLC0415
    from balintmail.services import mailings  # noqa: PLC0415

    report = send_now(app.out, instance, ctx, row.id)
    receipt = mailings.receipt(ctx, row.id)
    tell_ending(app.out, report, receipt.mailing)
    tell_result(app.out, receipt, ctx.settings)
    if ctx.settings.transport is TransportKind.OUTBOX and receipt.counts[DeliveryState.ACCEPTED]:
        app.out.line("It is in the outbox; nothing has left this machine. To look at it: balintmail outbox list")
    app.out.json(document(receipt, ctx.settings.zone))
    return exit_status(receipt)


def _already_sent(app: App, ctx: "Context", made: "Plan") -> int:
    from balintmail.cli.receipts import document, people  # noqa: PLC0415
    from balintmail.domain.times import long_form  # noqa: PLC0415
    from balintmail.services import mailings  # noqa: PLC0415

    receipt = mailings.receipt(ctx, made.label)
    row = receipt.mailing
    when = f" on {long_form(row.finished_at, ctx.settings.zone)}" if row.finished_at else ""
    app.out.line(f"{row.label} was sent already, to {people(made.reached_already)}{when}. Nobody has been mailed now.")
    app.out.line(f"One more copy for somebody: balintmail send {made.intent.path} --again-to ADDRESS")
    app.out.json(document(receipt, ctx.settings.zone))
    return 0


def _paused(app: App, ctx: "Context", made: "Plan") -> int:
    from balintmail.cli.receipts import UNFINISHED, document  # noqa: PLC0415
    from balintmail.services import mailings  # noqa: PLC0415

    receipt = mailings.receipt(ctx, made.label)
    why = f": {receipt.mailing.state_reason}" if receipt.mailing.state_reason else ""
    app.out.line(f"{made.label} is paused{why}. {made.reached_already} have it.")
    app.out.line(f"To let it go on: balintmail mailings resume {made.label}, then balintmail send {made.intent.path}")
    app.out.json(document(receipt, ctx.settings.zone))
    return UNFINISHED


def _dry_run(app: App, instance: "Instance", ctx: "Context", made: "Plan") -> int:
    """Show whom it reaches, and everybody whom it does not, with the reason."""
    from balintmail.domain.grounds import SKIP_WORDS  # noqa: PLC0415
    from balintmail.domain.states import DeliveryState  # noqa: PLC0415
    from balintmail.services import release  # noqa: PLC0415

    _show(app, instance, made)
    out = list(release.left_out(ctx, made))
    if out:
        app.out.table(("not mailed", "name", "why"), [(one.address, one.name, SKIP_WORDS[one.reason]) for one in out])
        app.out.line()
    app.out.line("A dry run: nothing was written, nobody has been mailed.")
    counts = dict.fromkeys((state.value for state in DeliveryState), 0)
    app.out.json(
        {
            "id": made.existing.id if made.existing else None,
            "list": made.mailing_list.slug,
            "number": made.letter.number,
            "state": made.existing.state.value if made.existing else "draft",
            "content_hash": made.compiled.content_hash,
            "released_by": "",
            "frozen_at": None,
            "finished_at": None,
            "audience": made.counts.audience,
            "counts": {**counts, "queued": made.counts.reached, "skipped": sum(made.counts.skipped.values())},
            "skipped_by_reason": {reason.value: number for reason, number in made.counts.skipped.items()},
            "not_reached": [],
            "dry_run": True,
            "left_out": [{"person": one.person, "address": one.address, "reason": one.reason.value} for one in out],
        }
    )
    return 0


def _show(app: App, instance: "Instance", made: "Plan", *, begins_at: datetime | None = None) -> None:
    from balintmail.cli.receipts import people  # noqa: PLC0415
    from balintmail.domain.grounds import SKIP_WORDS  # noqa: PLC0415
    from balintmail.domain.states import MailingState  # noqa: PLC0415
    from balintmail.domain.times import long_form  # noqa: PLC0415

    out, counts = app.out, made.counts
    nots = ", ".join(f"{number} {SKIP_WORDS[reason]}" for reason, number in counts.skipped.items())
    out.line(f'{made.mailing_list.name} {made.letter.number}  "{made.letter.title}"')
    out.line()
    out.line(f"  list      {made.mailing_list.slug}, {people(counts.audience)}")
    out.line(f"  reaches   {counts.reached:,}")
    if nots:
        out.line(f"  not       {nots}       (who: --dry-run)")
    for number, words in enumerate(_checks(made)):
        out.line(f"  {'checks' if not number else '':<10}{words}")
    begins_at = begins_at or instance.clock.now() + instance.settings.send.hold
    out.line(f"  relay     {_relay(app, instance, made, begins_at)}")
    if made.intent.deadline is not None:
        out.line(
            f"  until     {long_form(made.intent.deadline, instance.settings.zone)}; whoever waits then is refused"
        )
    if instance.settings.send.redirect_all_to:
        out.line(f"  sandbox   all of it goes to {instance.settings.send.redirect_all_to}, as a test")
    if made.existing is not None and made.existing.state is MailingState.SCHEDULED and made.existing.start_at:
        when = long_form(made.existing.start_at, instance.settings.zone)
        out.line(f"  planned   {when}; what you say now takes the place of that")
    out.line()


def _checks(made: "Plan") -> list[str]:
    warnings = [finding for finding in made.findings if finding.level.value == "warn"]
    if not warnings:
        return ["no stops, no warnings"]
    told = [f"line {one.line}, {one.message}" if one.line else one.message for one in warnings]
    if len(told) == 1:
        return [f"no stops, 1 warning: {told[0]}"]
    return [f"no stops, {len(told)} warnings:", *told]


def _relay(app: App, instance: "Instance", made: "Plan", begins_at: datetime) -> str:
    """Return the relay with its limits, and about when it will be through."""
    from balintmail.cli.sending import relays_of  # noqa: PLC0415
    from balintmail.db.audience import Selection  # noqa: PLC0415
    from balintmail.services.forecast import forecast, load_of_audience, spoken  # noqa: PLC0415

    relays = relays_of(instance, made.mailing_list.relay)
    relay = instance.settings.relays.get(relays[0])
    if relay is None:
        return f"{relays[0]}, a folder on this machine"
    ctx = instance.context(actor=app.options.by)
    selection = Selection(made.mailing_list.id, made.intent.where, made.intent.exclude, ctx.settings.zone)
    seen = forecast(ctx, relays, load_of_audience(ctx, selection, made.counts.reached), begins_at)
    what = f"{relays[0]}, {seen.words or relay.host}"
    if len(relays) > 1:
        what += f", then {', '.join(relays[1:])}"
    return f"{what}: finished about {spoken(ctx, seen.finish)}" if seen.finish is not None else what


def _rehearse(app: App, instance: "Instance", ctx: "Context", intent: "Intent") -> int:
    """Go through the whole work without a relay; nothing is changed, nobody is mailed."""
    from balintmail import wiring  # noqa: PLC0415
    from balintmail.cli.sending import relays_of  # noqa: PLC0415
    from balintmail.services import release  # noqa: PLC0415
    from balintmail.services.forecast import spoken  # noqa: PLC0415
    from balintmail.services.rehearsal import rehearse  # noqa: PLC0415

    made = release.plan(ctx, intent)
    _show(app, instance, made)
    relays = relays_of(instance, made.mailing_list.relay)
    done = rehearse(ctx, made, relays, lanes=wiring.transport(instance).max_lanes)
    rate = done.letters / done.seconds if done.seconds else 0.0
    app.out.line(f"A rehearsal: {done.letters:,} letters made in {done.seconds:.1f} s, {rate:,.0f} a second.")
    if done.skipped:
        app.out.line(f"{done.skipped} could not be made; who, and why: balintmail check {intent.path.name}")
    if done.finish is not None:
        app.out.line(f"Begun now, the real one would be finished about {spoken(ctx, done.finish)}, by our own part.")
    app.out.line("Nothing was written, nobody has been mailed.")
    finish = done.finish.astimezone(ctx.settings.zone).isoformat(timespec="seconds") if done.finish else None
    app.out.json({"dry": True, "letters": done.letters, "seconds": round(done.seconds, 3), "finish": finish})
    return 0


def _let_type(app: App, made: "Plan", *, begins: str) -> None:
    """Let the list's name be typed, the short or the long one; off a terminal the answer is no."""
    from balintmail.cli.output import NotConfirmed  # noqa: PLC0415

    if not app.out.interactive:
        raise NotConfirmed(
            "Not sent: nobody sits at a terminal to be asked. Nobody has been mailed.",
            hint=f"To send it unasked and {begins}: --yes",
        )
    typed = click.prompt("Type the list's name to send it", prompt_suffix=": ", default="", show_default=False)
    names = {made.mailing_list.slug.casefold(), made.mailing_list.name.casefold()}
    if typed.strip().casefold() not in names:
        raise NotConfirmed(
            f'Not sent: that is not the list\'s name, which is "{made.mailing_list.slug}".',
            hint="Nobody has been mailed. The same command asks again.",
        )


def _held(app: App, ctx: "Context", row: "MailingRow", hold: timedelta) -> bool:
    """Wait out the time to change one's mind; False when it was taken back."""
    from balintmail.services import release  # noqa: PLC0415

    ends_at = time.monotonic() + hold.total_seconds()
    try:
        with _terminated_like_interrupted():
            while (left := ends_at - time.monotonic()) > 0:
                minutes, seconds = divmod(int(left + 0.999), 60)
                click.echo(f"\rSending begins in {minutes}:{seconds:02}. Ctrl-C takes it back. ", nl=False)
                time.sleep(min(1.0, left))
    except KeyboardInterrupt:
        taken_back = release.take_back(ctx, row.id)  # before a word: the terminal may be gone
        app.out.line()
        if taken_back:
            app.out.note(f"Taken back. {row.label} is a draft; nobody has been mailed.")
            return False
        app.out.note(f"Too late to take back: {row.label} has begun. Stop it: balintmail mailings pause {row.label}")
        return True
    if hold:
        app.out.line("\n")
    return True


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM and a closed terminal take the mailing back, as Ctrl-C does: nobody is there to change their mind."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # under nohup it is
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _moment(text: str, ctx: "Context", option: str = "--at") -> datetime:
    """Return the time that an option names, in the society's zone unless it has an offset; refuse the past."""
    from balintmail.domain.times import YEARS, long_form  # noqa: PLC0415
    from balintmail.errors import UsageRefused  # noqa: PLC0415

    moment = None
    with contextlib.suppress(ValueError):
        moment = datetime.fromisoformat(text.strip())
    for form in _TIMES:
        if moment is None:
            with contextlib.suppress(ValueError):
                moment = datetime.strptime(text.strip(), form)  # noqa: DTZ007  (the zone comes below)
    if moment is None or moment.year not in YEARS:
        raise UsageRefused(f'{option} "{text}" is not a time.', hint='Write it like "2026-12-01 08:00".')
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ctx.settings.zone)
    if moment < ctx.clock.now() - timedelta(minutes=1):
        raise UsageRefused(
            f"{option} {long_form(moment, ctx.settings.zone)} has passed.",
            hint=f"Name a later time, or leave {option} out.",
        )
    return moment


def _scheduled(app: App, ctx: "Context", row: "MailingRow", start_at: datetime) -> int:
    from balintmail.cli.receipts import document  # noqa: PLC0415
    from balintmail.domain.times import long_form  # noqa: PLC0415
    from balintmail.services import mailings  # noqa: PLC0415

    app.out.line(f"{row.label} begins on {long_form(start_at, ctx.settings.zone)}; its content is frozen.")
    app.out.line("It needs cron, or somebody to run balintmail dispatch, at that time. See: balintmail cron")
    app.out.line(f"To take it back: balintmail mailings cancel {row.label}")
    app.out.json(document(mailings.receipt(ctx, row.id), ctx.settings.zone))
    return 0
