"""`balintmail dkim`: make the next keys, print their DNS records, and hold the records against the keys.

It never prints a private key and never changes the settings.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.nameserver import read_server
from balintmail.cli.output import Tone
from balintmail.domain.dkim import RELAYS_KEEP_TRYING, Algorithm
from balintmail.domain.times import long_form, rfc3339

if TYPE_CHECKING:
    from balintmail.ops.dkim import Checked
    from balintmail.sending.dkim_record import Finding, Record
    from balintmail.services.context import Context
    from balintmail.services.dkim import KeyView

_TONES = {"stop": Tone.STOP, "warn": Tone.WARN, "note": Tone.MUTED}


@click.group(cls=Group)
def dkim() -> None:
    """Make, show and check the keys that sign letters."""


@dkim.command()
@click.option("--selector", metavar="NAME", default="", help="The key's name in the DNS (default: such as s2026a).")
@click.option("--domain", metavar="DOMAIN", default="", help="The domain that signs (default: that of the settings).")
@click.option("--rsa-only", "only", flag_value=Algorithm.RSA.value, help="Make no Ed25519 key.")
@click.option("--ed25519-only", "only", flag_value=Algorithm.ED25519.value, help="Make no RSA key.")
@pass_app
def new(app: App, /, selector: str, domain: str, only: str | None) -> None:
    """Make the next pair of keys; nothing is signed with them until the settings say so."""
    from balintmail.services.dkim import new_keys  # noqa: PLC0415  (loads cryptography)

    algorithms = [Algorithm(only)] if only else list(Algorithm)
    with app.context() as ctx:
        made = new_keys(ctx, algorithms, domain=domain, name=selector)
        rotates = bool(ctx.settings.dkim.selectors)
        app.out.json([_key_document(view, ctx) for view in made])
    names = " ".join(view.selector for view in made)
    app.out.line(f"New keys: {', '.join(f'dkim/{view.selector}.pem' for view in made)}. Keep them secret.")
    app.out.line()
    app.out.line("1. Publish with whoever keeps your domain's DNS:")
    for record in _records(made):
        app.out.line()
        _show_record(app, record)
    app.out.line()
    app.out.line(f"2. An hour later: balintmail dkim check {names}")
    app.out.line("3. When it finds them in order, write into balintmail.toml:")
    app.out.line()
    app.out.line("     [dkim]")
    app.out.line(f'     domain = "{made[0].domain}"')
    for view in made:
        if view.key:
            app.out.line(f'     {view.key.algorithm.key_type} = "{view.selector}"')
    if rotates:
        app.out.line()
        app.out.line("Leave the old keys and records where they are: letters on their way were signed with them.")
        app.out.line("balintmail dkim show says until when.")


@dkim.command()
@click.argument("selectors", metavar="[SELECTOR]…", nargs=-1)
@pass_app
def show(app: App, /, selectors: tuple[str, ...]) -> None:
    """Show the keys, their DNS records, and until when each is needed."""
    from balintmail.services.dkim import keys  # noqa: PLC0415  (loads cryptography)

    with app.context() as ctx:
        views = keys(ctx, selectors)
        app.out.json([_key_document(view, ctx) for view in views])
        now, zone = ctx.clock.now(), ctx.settings.zone
    if not views:
        app.out.line("There are no DKIM keys yet. Make them: balintmail dkim new")
    for at, view in enumerate(views):
        if at:
            app.out.line()
        kind = f"{view.key.algorithm.value}, {view.key.bits} bits" if view.key else "no key"
        app.out.line(f"{view.selector}   {kind}, {_standing(view, now, zone)}")
        if view.refused:
            app.out.line(f"  {view.refused.message} {view.refused.hint}".rstrip(), Tone.STOP)
        if view.record and not view.need.is_over(now):
            _show_record(app, view.record)


@dkim.command()
@click.argument("selectors", metavar="[SELECTOR]…", nargs=-1)
@click.option("--nameserver", metavar="ADDRESS[:PORT]", default="", help="Ask this server (default: the machine's).")
@pass_app
def check(app: App, /, selectors: tuple[str, ...], nameserver: str) -> int:
    """Hold the DNS records against the keys; exit 1 when readers could not check a letter."""
    from balintmail.ops.dkim import check as held_against  # noqa: PLC0415  (loads cryptography)
    from balintmail.ops.dkim import doubts as doubts_of  # noqa: PLC0415
    from balintmail.ops.lookup import DnsLookup  # noqa: PLC0415  (loads dnspython)
    from balintmail.services.dkim import from_domains, keys  # noqa: PLC0415

    with app.context() as ctx:
        views = keys(ctx, selectors)
        results = held_against(views, DnsLookup(*read_server(nameserver)), now=ctx.clock.now(), named=selectors)
        doubts = [] if selectors else doubts_of(views, from_domains(ctx))
        now, zone = ctx.clock.now(), ctx.settings.zone
    findings = [*(one for result in results for one in result.findings), *doubts]
    stopped = any(one.level.value == "stop" for one in findings)
    app.out.json(_check_document(results, findings, ok=not stopped))
    for result in results:
        if not result.findings:
            app.out.line(f"{result.view.selector}: in order, {_standing(result.view, now, zone)}.", Tone.GOOD)
    for one in findings:
        app.out.line(f"{one.level.value}: {one.message}", _TONES[one.level.value])
    return 1 if stopped else 0


def _standing(view: "KeyView", now: datetime, zone: ZoneInfo) -> str:
    """Say in words whether a key signs, waits, or is still needed, and until when."""
    need = view.need
    if need.in_force:
        return "in force"
    if view.is_waiting:
        return "not in force yet"
    if need.open_mailings:
        mailings = "1 mailing is" if need.open_mailings == 1 else f"{need.open_mailings} mailings are"
        return f"replaced; needed while {mailings} unfinished and {RELAYS_KEEP_TRYING.days} days more"
    if need.is_over(now) or need.until is None:
        return "replaced; not needed any more, file and record may go"
    return f"replaced; needed until {long_form(need.until, zone)}"


def _show_record(app: App, record: "Record") -> None:
    app.out.line(f"  name       {record.name}")
    app.out.line("  type       TXT")
    app.out.line(f"  value      {record.value}")
    app.out.line(f"  zone file  {record.zone_line}")


def _records(views: "list[KeyView]") -> "list[Record]":
    return [view.record for view in views if view.record]


def _key_document(view: "KeyView", ctx: "Context") -> dict[str, Any]:
    now, zone = ctx.clock.now(), ctx.settings.zone
    key, record, need = view.key, view.record, view.need
    return {
        "selector": view.selector,
        "domain": view.domain,
        "algorithm": key.algorithm.value if key else None,
        "bits": key.bits if key else None,
        "made_at": rfc3339(key.made_at, zone) if key and key.made_at else None,
        "name": record.name if record else None,
        "type": "TXT",
        "value": record.value if record else None,
        "strings": list(record.strings) if record else [],
        "in_force": need.in_force,
        "open_mailings": need.open_mailings,
        "needed_until": rfc3339(need.until, zone) if need.until else None,
        "needed": need.in_force or (need.was_used and not need.is_over(now)),
        "refused": view.refused.message if view.refused else None,
    }


def _check_document(results: "list[Checked]", findings: "list[Finding]", *, ok: bool) -> dict[str, Any]:
    return {
        "ok": ok,
        "keys": [
            {
                "selector": one.view.selector,
                "domain": one.view.domain,
                "in_force": one.view.need.in_force,
                "asked": one.asked,
                "in_order": one.asked and not any(found.level.value == "stop" for found in one.findings),
            }
            for one in results
        ],
        "findings": [
            {
                "code": one.code,
                "level": one.level.value,
                "selector": one.selector,
                "name": one.name,
                "message": one.message,
            }
            for one in findings
        ],
    }
