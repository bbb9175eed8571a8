"""`balintmail init`: ask little, found an instance, say what to do next.

What founding means is services/founding.py's; nothing is decided here.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.output import NotConfirmed
from balintmail.clock import SystemClock
from balintmail.errors import BalintmailError, UsageRefused
from balintmail.services import founding
from balintmail.wiring import THE_SECRETARY

DEFAULT_ZONE = "Europe/London"
_REQUIRED = ("society", "secretary_name", "secretary_address")


@click.command(cls=Command)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), required=False)
@click.option("--society", metavar="NAME", help="The society's name.")
@click.option("--secretary-name", metavar="NAME", help="The Secretary's name.")
@click.option("--secretary-address", metavar="ADDRESS", help="The Secretary's email address.")
@click.option("--timezone", metavar="ZONE", help=f"The society's time zone (default: {DEFAULT_ZONE}).")
@click.option("--url", metavar="URL", help="The public address of the site; may be left out.")
@click.option("--postal-address", metavar="TEXT", help="The society's postal address, for the foot of every letter.")
@click.option("--database", metavar="URL", help="A database on PostgreSQL (default: SQLite in the folder).")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def init(app: App, /, folder: Path | None, yes: bool, **given: str | None) -> None:
    """Make a new instance: settings, secrets and database.

    DIR is made when it does not exist; without it the current folder is taken. Nothing is ever overwritten.
    """
    place = folder or app.instance_start
    answers = _as_given(given) if yes else _asked(app, given)
    made = founding.found(place.absolute(), answers, clock=SystemClock(), actor=app.options.by or THE_SECRETARY)
    app.out.json(
        {
            "folder": str(made.folder),
            "secretary": made.secretary,
            "list": founding.LIST_SLUG,
            "list_id": made.list_id,
            "files": list(made.files),
        }
    )
    app.out.line(f"Founded in {made.folder}.")
    app.out.table(
        ("  file", "holds"),
        [
            ("  balintmail.toml", "your settings, with a word on each"),
            ("  secrets.toml", "passwords and keys: keep a copy in a safe place"),
            ("  balintmail.db", "the register and the ledger"),
        ]
        if "balintmail.db" in made.files
        else [("  balintmail.toml", "your settings"), ("  secrets.toml", "passwords and keys: keep a safe copy")],
    )
    app.out.line(f"The list is called {founding.LIST_SLUG}; messages go to the folder outbox/ until a relay is set.")
    app.out.line("Next: balintmail subscribe ADDRESS, then balintmail new newsletter.md")


def _as_given(given: dict[str, str | None]) -> founding.Answers:
    missing = [f"--{name.replace('_', '-')}" for name in _REQUIRED if given[name] is None]
    if missing:
        raise UsageRefused(
            f"With --yes nothing is asked, and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing.",
            hint="See: balintmail init --help",
        )
    return founding.Answers(
        society=given["society"] or "",
        secretary_name=given["secretary_name"] or "",
        secretary_address=given["secretary_address"] or "",
        timezone=DEFAULT_ZONE if given["timezone"] is None else given["timezone"],
        url=given["url"] or "",
        postal_address=given["postal_address"] or "",
        database=given["database"] or "",
    )


def _asked(app: App, given: dict[str, str | None]) -> founding.Answers:
    """Ask for what was not given; an answer that cannot be is explained and asked for again."""
    if not app.out.interactive:
        raise NotConfirmed(
            "init has questions and nobody sits at this terminal; nothing was made.",
            hint="Add --yes --society NAME --secretary-name NAME --secretary-address ADDRESS",
        )

    def ask(name: str, question: str, check: Callable[[str], str], default: str | None = None) -> str:
        if (value := given[name]) is not None:
            return check(value)
        while True:
            try:
                return check(click.prompt(question, default=default, show_default=bool(default)))
            except BalintmailError as exc:
                app.out.line(f"{exc.message} {exc.hint}".rstrip())

    app.out.line("A few questions; every answer can be changed later in balintmail.toml.")
    return founding.Answers(
        society=ask("society", "The society's name", founding.society_name),
        secretary_name=ask("secretary_name", "The Secretary's name", founding.secretary_name),
        secretary_address=ask("secretary_address", "The Secretary's email address", founding.secretary_address),
        timezone=ask("timezone", "Time zone", founding.time_zone, _machine_zone()),
        url=ask("url", "Public address of the site, if there is one", founding.public_address, ""),
        postal_address=given["postal_address"] or "",
        database=given["database"] or "",
    )


def _machine_zone() -> str:
    """Return this machine's time zone, unless it is a server's UTC, which no society lives in."""
    candidates = [os.environ.get("TZ", "").lstrip(":")]
    with suppress(OSError):
        candidates.append(str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2])
    for name in candidates:
        if "/" in name and not name.startswith("Etc/"):
            try:
                return ZoneInfo(name).key
            except (ZoneInfoNotFoundError, ValueError):
                continue
    return DEFAULT_ZONE
