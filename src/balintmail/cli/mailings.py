"""`balintmail mailings`: the receipts, and the hand on the tap."""

from typing import Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.output import NotConfirmed

NAME = click.argument("name", metavar="MAILING")


@click.group(cls=Group)
def mailings() -> None:
    """Show, pause, resume, cancel, retry and settle mailings.

    A mailing is named by its id or by LIST/NUMBER, such as newsletter/84.
    """


@mailings.command("list")
@click.option("--all", "everything", is_flag=True, help="Tests and notices, too.")
@pass_app
def list_(app: App, everything: bool) -> None:
    """List the mailings, the newest first."""
    from balintmail.services import mailings as service  # noqa: PLC0415  (the group's help needs no database)

    with app.context() as ctx:
        lines = [line for line in service.every(ctx) if everything or not line.mailing.is_aside]
    app.out.json(
        [
            {
                "id": line.mailing.id,
                "list": line.mailing.list,
                "number": line.mailing.number,
                "title": line.mailing.title,
                "kind": line.mailing.kind.value,
                "state": line.mailing.state.value,
                "audience": line.mailing.audience,
                "counts": {state.value: number for state, number in line.counts.items()},
            }
            for line in lines
        ]
    )
    if not lines:
        app.out.line("No mailing yet. The first one: balintmail new, then balintmail send newsletter.md")
        return
    rows = [
        (
            line.mailing.id,
            _called(line.mailing),
            line.mailing.state.value,
            line.mailing.audience,
            line.counts["accepted"],  # type: ignore[index]
            line.mailing.title,
        )
        for line in lines
    ]
    app.out.table(("id", "mailing", "state", "audience", "accepted", "title"), rows)


@mailings.command()
@NAME
@pass_app
def show(app: App, name: str) -> None:
    """Show the receipt of a mailing, and about when it will be through while it is being sent."""
    from balintmail.cli.receipts import show as show_receipt  # noqa: PLC0415
    from balintmail.domain.times import rfc3339  # noqa: PLC0415
    from balintmail.services import mailings as service  # noqa: PLC0415
    from balintmail.services.forecast import spoken  # noqa: PLC0415

    with app.instance() as instance:
        ctx = instance.context(actor=app.options.by)
        receipt = service.receipt(ctx, name)
        finish = _finish(instance, ctx, receipt)
        zone = ctx.settings.zone
        _document(app, receipt, zone, {"expected_finish": rfc3339(finish, zone)} if finish else {})
        show_receipt(app.out, receipt, zone, expected=f"about {spoken(ctx, finish)}" if finish else "")


@mailings.command()
@NAME
@pass_app
def pause(app: App, name: str) -> None:
    """Pause a mailing that is being sent; it stops within a second."""
    from balintmail.services import mailings as service  # noqa: PLC0415

    with app.context() as ctx:
        receipt = service.pause(ctx, name)
        _document(app, receipt, ctx.settings.zone)
    label = receipt.mailing.label
    app.out.line(f"{label} is paused. It goes on with: balintmail mailings resume {label}")


@mailings.command()
@NAME
@pass_app
def resume(app: App, name: str) -> None:
    """Let a paused mailing go on."""
    from balintmail.services import mailings as service  # noqa: PLC0415

    with app.context() as ctx:
        receipt = service.resume(ctx, name)
        _document(app, receipt, ctx.settings.zone)
    app.out.line(f"{receipt.mailing.label} goes on with the next: balintmail dispatch   (cron does it)")


@mailings.command()
@NAME
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def cancel(app: App, name: str, yes: bool) -> None:
    """End a mailing for good: whoever has not been mailed yet will not be."""
    from balintmail.cli.receipts import people  # noqa: PLC0415
    from balintmail.services import mailings as service  # noqa: PLC0415

    with app.context() as ctx:
        before = service.receipt(ctx, name)
        waiting = before.open - before.counts["unknown"] - before.counts["at_risk"]  # type: ignore[index]
        label = before.mailing.label
        question = f"Cancel {label}? It has not begun, and nobody gets it unless you send it anew."
        if before.mailing.frozen_at:
            question = f"Cancel {label}? {people(waiting)} will not get it, and it cannot be taken back."
        if not yes and app.out.interactive and not app.out.confirm(question):
            raise NotConfirmed("Nothing was cancelled.", hint="To cancel it unasked: --yes")
        receipt = service.cancel(ctx, name)
        _document(app, receipt, ctx.settings.zone)
    have_it = receipt.counts["accepted"]  # type: ignore[index]
    app.out.line(f"{receipt.mailing.label} is cancelled; {people(have_it) if have_it else 'nobody'} had got it.")


@mailings.command()
@NAME
@pass_app
def retry(app: App, name: str) -> int:
    """Try the deferred deliveries of a mailing now."""
    from balintmail.cli.receipts import exit_status, tell_result  # noqa: PLC0415
    from balintmail.cli.sending import send_now, tell_ending  # noqa: PLC0415
    from balintmail.services import mailings as service  # noqa: PLC0415

    with app.instance() as instance:
        ctx = instance.context(actor=app.options.by)
        before = service.receipt(ctx, name)
        row = before.mailing
        if not before.open:
            app.out.line(f"Nothing of {row.label} is deferred, so there was nothing to try.")
        report = send_now(app.out, instance, ctx, row.id, retry=True)
        receipt = service.receipt(ctx, row.id)
        tell_ending(app.out, report, receipt.mailing)
        tell_result(app.out, receipt, ctx.settings)
        _document(app, receipt, ctx.settings.zone)
    return exit_status(receipt)


@mailings.command()
@NAME
@click.argument("addresses", nargs=-1, metavar="[ADDRESS]...")
@click.option("--accepted", is_flag=True, help="They have it.")
@click.option("--resend", is_flag=True, help="Send it again; some may then have it twice.")
@click.option("--write-off", is_flag=True, help="Leave it; they may have gone without.")
@pass_app
def settle(app: App, name: str, addresses: tuple[str, ...], accepted: bool, resend: bool, write_off: bool) -> int:
    """Decide the deliveries whose fate is unknown, all of a mailing or those to the addresses given."""
    from balintmail.cli.receipts import exit_status, tell_result  # noqa: PLC0415
    from balintmail.domain.states import DeliveryState  # noqa: PLC0415
    from balintmail.services import mailings as service  # noqa: PLC0415

    if accepted + resend + write_off != 1:
        raise click.UsageError("Say what is decided, one of --accepted, --resend and --write-off.")
    decision = DeliveryState.ACCEPTED if accepted else DeliveryState.QUEUED if resend else DeliveryState.WRITTEN_OFF
    with app.context() as ctx:
        doubtful = service.receipt(ctx, name).counts[DeliveryState.UNKNOWN]
        receipt = service.settle(ctx, name, addresses, decision)
        if not doubtful:
            app.out.line(f"Nothing of {receipt.mailing.label} is unknown, so there was nothing to decide.")
        tell_result(app.out, receipt, ctx.settings)
        _document(app, receipt, ctx.settings.zone)
    if resend and doubtful:
        app.out.line("They are sent again by the next: balintmail dispatch   (cron does it)")
    return exit_status(receipt)


def _called(row: Any) -> str:
    if row.number:
        return str(row.label)
    return f"{row.kind.value}, again" if row.again_of else str(row.kind.value)


def _finish(instance: Any, ctx: Any, receipt: Any) -> Any:
    """Return about when a mailing that is being sent will be through, or None."""
    from balintmail.cli.sending import relays_of  # noqa: PLC0415
    from balintmail.domain.states import MailingState  # noqa: PLC0415
    from balintmail.services.forecast import forecast, load_of  # noqa: PLC0415

    left = sum(receipt.counts[state] for state in ("queued", "claimed", "at_risk"))
    if receipt.mailing.state is not MailingState.SENDING or not left:
        return None
    relays = relays_of(instance, receipt.mailing.relay)
    return forecast(ctx, relays, load_of(ctx, receipt.mailing.id).scaled(left), ctx.clock.now()).finish


def _document(app: App, receipt: Any, zone: Any, more: dict[str, Any] | None = None) -> None:
    from balintmail.cli.receipts import document  # noqa: PLC0415

    app.out.json({**document(receipt, zone), **(more or {})})
