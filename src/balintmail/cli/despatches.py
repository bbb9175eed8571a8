"""`balintmail journal despatch`: the yearly run, from the plan to the report. services/despatches.py does the work."""

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.days import DAY
from balintmail.cli.labels import labels
from balintmail.cli.output import Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from balintmail.db.despatches import JournalCopyRow
    from balintmail.services.context import Context
    from balintmail.services.despatches import Run

SHOWN = 30  # doubtful copies on a terminal; --json has them all


@click.group(cls=Group)
def despatch() -> None:
    """Send a journal issue to everybody who is owed a copy: plan, freeze, post, take back, send anew, report."""


despatch.add_command(labels)


@despatch.command("plan")
@click.argument("label", metavar="YEAR")
@click.option("--on", "day", type=DAY, help="The day on which members must be in good standing.")
@pass_app
def plan_despatch(app: App, label: str, day: "date | None") -> None:
    """Work out who is owed a copy and by which way; run it again as often as you like.

    Owed are members in good standing on the day (default: today), libraries and exchange, the authors, and whoever has
    paid an order that is not posted yet.
    """
    from balintmail.services import despatches as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        run = service.plan(ctx, label, day)
        doubtful = _doubtful(ctx, run)
        app.out.json({**run_document(ctx, run), "doubtful": doubtful})
        _show(app, ctx, run)
        _show_doubtful(app, doubtful)
        app.out.line()
        app.out.line(f"Nothing has gone yet. When it is right: balintmail journal despatch freeze {run.issue.label}")


@despatch.command("freeze")
@click.argument("label", metavar="YEAR")
@click.option("--yes", is_flag=True, help="Freeze without asking.")
@pass_app
def freeze_despatch(app: App, label: str, yes: bool) -> int:
    """Settle who is owed what, with the addresses of today; the plan is not made anew afterwards."""
    from balintmail.domain.despatches import DespatchState  # noqa: PLC0415
    from balintmail.services import despatches as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        before = service.report(ctx, label)
        if before.despatch.state is not DespatchState.PLANNED:
            app.out.json(run_document(ctx, before))
            app.out.line(f"The despatch of {before.issue.label} is frozen already; nothing was changed.")
            return 0
        before = service.plan(ctx, label)
        if not app.options.json:
            _show(app, ctx, before)
            app.out.line()
        if not yes and not app.out.confirm("Freeze this?"):
            app.out.json(run_document(ctx, before))
            app.out.line("Nothing was frozen." + ("" if app.out.interactive else " Add --yes to freeze."))
            return 1
        run = service.freeze(ctx, label)
        app.out.json(run_document(ctx, run))
        app.out.line(f"Frozen: {run.tally.paper:,} on paper, {run.tally.email:,} by email.", Tone.GOOD)
        app.out.line(f"Labels: balintmail journal despatch labels {run.issue.label}")
        app.out.line(f"E-copies: balintmail journal despatch send {run.issue.label}")
    return 0


@despatch.command("add")
@click.argument("label", metavar="YEAR")
@click.argument("who", metavar="WHO")
@click.option("--way", type=click.Choice(["paper", "pdf"]), default="paper", help="How it goes; on paper unless said.")
@click.option("--note", metavar="TEXT", default="", help="Why, for the record, such as: review copy.")
@pass_app
def add_copy(app: App, label: str, who: str, way: str, note: str) -> None:
    """Add a copy for somebody by hand, before or after the freeze."""
    from balintmail.domain.despatches import Way  # noqa: PLC0415
    from balintmail.services import despatches as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        run = service.give(ctx, label, who, Way(way), remark=note)
        app.out.json(run_document(ctx, run))
        app.out.line(f"Added. {run.tally.owed:,} copies are owed now.")


@despatch.command("withdraw")
@click.argument("label", metavar="YEAR")
@click.argument("who", metavar="WHO")
@pass_app
def withdraw_copy(app: App, label: str, who: str) -> None:
    """Let what has not gone to somebody go to nobody."""
    from balintmail.services import despatches as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        run = service.withdraw(ctx, label, who)
        app.out.json(run_document(ctx, run))
        app.out.line(f"{_copies(run.changed)} withdrawn." if run.changed else "Nothing waits for them.")


@despatch.command("send")
@click.argument("label", metavar="YEAR")
@click.option("--yes", is_flag=True, help="Send without asking.")
@pass_app
def send_links(app: App, label: str, yes: bool) -> int:
    """Send everybody who gets it by email the link to their own copy; dispatch sends them like a newsletter.

    Whoever has had it gets nothing a second time. The link works for as long as [journal] link_lasts says.
    """
    from balintmail.services import journal_links as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        number = service.waiting(ctx, label)
        if number and not yes and not app.out.confirm(f"Send {number:,} people the link to their copy?"):
            app.out.json({"links": 0, "mailings": []})
            app.out.line("Nobody was mailed." + ("" if app.out.interactive else " Add --yes to send."))
            return 1
        sent = service.send(ctx, label)
        app.out.json(
            {**run_document(ctx, sent.run), "links": sent.links, "mailings": [row.id for row in sent.mailings]}
        )
        if not sent.links:
            app.out.line("No link waits to be sent.")
            return 0
        app.out.line(f"{sent.links:,} links leave with the next dispatch.", Tone.GOOD)
        for row in sent.mailings:
            app.out.line(f"Receipt: balintmail mailings show {row.id}")
    return 0


@despatch.command("post")
@click.argument("label", metavar="YEAR")
@click.argument("who", metavar="[WHO]...", nargs=-1)
@click.option("--on", "day", type=DAY, help="The day on which they were posted (default: today).")
@pass_app
def post_copies(app: App, label: str, who: tuple[str, ...], day: "date | None") -> None:
    """Say that all labelled copies were posted, or those of the people and orders named; they come out of stock."""
    from balintmail.services import despatches as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        run = service.post(ctx, label, who, day=day)
        app.out.json(run_document(ctx, run))
        app.out.line(f"{_copies(run.changed)} posted." if run.changed else "Nothing new was posted.")


@despatch.command("returned")
@click.argument("label", metavar="YEAR")
@click.argument("who", metavar="WHO...", nargs=-1, required=True)
@click.option("--spoilt", is_flag=True, help="The copies cannot be used again, and do not go back on the shelf.")
@pass_app
def take_back(app: App, label: str, who: tuple[str, ...], spoilt: bool) -> None:
    """Say whose envelopes came back; their copies go back on the shelf."""
    from balintmail.services import despatches as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        run = service.returned(ctx, label, who, spoilt=spoilt)
        app.out.json(run_document(ctx, run))
        app.out.line(f"{_copies(run.changed)} came back." if run.changed else "They had come back already.")
        app.out.line(f"With a new address: balintmail journal despatch reissue {run.issue.label} WHO")


@despatch.command("reissue")
@click.argument("label", metavar="YEAR")
@click.argument("who", metavar="WHO...", nargs=-1, required=True)
@click.option("--way", type=click.Choice(["paper", "pdf"]), default=None, help="That copy alone.")
@pass_app
def reissue_copies(app: App, label: str, who: tuple[str, ...], way: str | None) -> None:
    """Owe somebody their copy anew, at the address they have now."""
    from balintmail.domain.despatches import Way  # noqa: PLC0415
    from balintmail.services import despatches as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        run = service.reissue(ctx, label, who, Way(way) if way else None)
        app.out.json(run_document(ctx, run))
        app.out.line(f"{_copies(run.changed)} owed anew." if run.changed else "That waits to go already.")


@despatch.command("report")
@click.argument("label", metavar="YEAR")
@click.option("--copies", "every", is_flag=True, help="Every copy with its standing.")
@pass_app
def report_despatch(app: App, label: str, every: bool) -> None:
    """Say what became of every copy: paper, email and nobody are all that are owed."""
    from balintmail.db import despatches as rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import despatches as service  # noqa: PLC0415

    with app.context() as ctx:
        run = service.report(ctx, label)
        document = {**run_document(ctx, run), "doubtful": _doubtful(ctx, run)}
        if every:
            with ctx.db.read() as tx:
                document["each"] = [copy_document(ctx, copy) for copy in rows.copies(tx, run.despatch.id)]
        app.out.json(document)
        _show(app, ctx, run)
        if every:
            app.out.line()
            table = [
                (
                    one["person"] or one["order"],
                    one["name"],
                    one["way"],
                    one["for"],
                    one["standing"],
                    one["remark"] or one["why"],
                )
                for one in document["each"]
            ]
            app.out.table(("person", "name", "way", "for", "standing", "remark"), table)
        else:
            _show_doubtful(app, document["doubtful"])


def run_document(ctx: "Context", run: "Run") -> dict[str, Any]:
    """Return a run as its commands print it under --json."""
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    zone, held, tally = ctx.settings.zone, run.despatch, run.tally
    return {
        "label": run.issue.label,
        "state": held.state.value,
        "standing_on": held.standing_on.isoformat(),
        "planned_at": rfc3339(held.planned_at, zone),
        "frozen_at": rfc3339(held.frozen_at, zone) if held.frozen_at else None,
        "frozen_by": held.frozen_by,
        "done_at": rfc3339(held.done_at, zone) if held.done_at else None,
        "changed": run.changed,
        "copies": {"owed": tally.owed, "paper": tally.paper, "email": tally.email, "nobody": tally.nobody},
        "people": {
            "owed": tally.people,
            "paper": tally.people_paper,
            "email": tally.people_email,
            "both": tally.people_both,
            "nobody": tally.people_nobody,
        },
        "standing": {standing.value: number for standing, number in tally.standing.items()},
        "owed_for": {claim.value: number for claim, number in tally.owed_for.items()},
        "doubts": {doubt.value: number for doubt, number in tally.doubts.items()},
        "to_print": run.to_print,
        "posted": run.posted,
        "returned": run.returned,
        "on_shelf": run.issue.on_shelf,
    }


def copy_document(ctx: "Context", copy: "JournalCopyRow") -> dict[str, Any]:
    """Return one copy as commands print it under --json."""
    from balintmail.domain.despatches import DOUBT_WORDS  # noqa: PLC0415
    from balintmail.domain.orders import reference  # noqa: PLC0415
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    why = DOUBT_WORDS[copy.doubt] if copy.doubt else ""
    return {
        "person": copy.person_id,
        "order": reference(copy.order_id) if copy.order_id is not None else None,
        "copies": copy.copies,
        "name": copy.name,
        "way": copy.way.value,
        "for": copy.owed_for.value,
        "standing": copy.standing.value,
        "why": f"{why}: {copy.wrong.replace('_', ' ')}" if copy.wrong else why,
        "remark": copy.remark,
        "address": list(copy.address_lines),
        "country": copy.country_code,
        "posted_on": copy.posted_on.isoformat() if copy.posted_on else None,
        "posted_times": copy.posted_times,
        "returned_times": copy.returned_times,
        "mailing": copy.mailing_id,
        "opened_times": copy.opened_times,
        "at": rfc3339(copy.at, ctx.settings.zone),
    }


def _doubtful(ctx: "Context", run: "Run") -> list[dict[str, Any]]:
    from balintmail.services.despatches import doubtful  # noqa: PLC0415  (loads SQLAlchemy)

    with ctx.db.read() as tx:
        return [copy_document(ctx, copy) for copy in doubtful(tx, run.despatch.id)]


def _show(app: App, ctx: "Context", run: "Run") -> None:
    from balintmail.domain.times import day_form  # noqa: PLC0415

    tally = run.tally
    both = f" (of {tally.people:,} people; {tally.people_both:,} get both)" if tally.people_both else ""
    facts = [
        ("state", f"{run.despatch.state.value}, good standing on {day_form(run.despatch.standing_on)}"),
        ("owed", f"{tally.owed:,} copies{both}"),
        ("paper", f"{tally.paper:,}"),
        ("email", f"{tally.email:,}"),
        ("nobody", f"{tally.nobody:,}"),
        ("for", _listed(tally.owed_for)),
        ("standing", _listed(tally.standing)),
        ("to print", f"{run.to_print:,} for the post; {run.issue.on_shelf:,} on the shelf"),
    ]
    if run.posted:
        facts.append(("envelopes", f"{run.posted:,} posted, {run.returned:,} came back"))
    app.out.line(f"Despatch of the Journal {run.issue.label}")
    app.out.line()
    for name, value in facts:
        app.out.line(f"  {name:<10} {value}")


def _listed(numbers: Any) -> str:
    words = ((n, _MANY.get(kind.value, kind.value) if n > 1 else kind.value) for kind, n in numbers.items() if n)
    return ", ".join(f"{n:,} {word}" for n, word in words) or "none"


def _show_doubtful(app: App, doubtful: "Sequence[dict[str, Any]]") -> None:
    if not doubtful:
        return
    app.out.line()
    app.out.line("To look at:")
    table = [(f"  {one['person'] or one['order']}", one["name"], one["way"], one["why"]) for one in doubtful[:SHOWN]]
    app.out.table(("  person", "name", "way", "why"), table)
    if len(doubtful) > SHOWN:
        app.out.line(f"  and {len(doubtful) - SHOWN:,} more: --json has them all")


_MANY = {kind: f"{kind}s" for kind in ("member", "author", "order", "gift")} | {"library": "libraries"}


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number:,} copies"
