"""The command `balintmail`: its table of contents, and the one place where an error becomes words and an exit status.

No command module is imported before its command is used: `--help` costs click and this file (docs/performance.md).
"""

import gc
import importlib
import io
import os
import sys
from typing import Any

import click

from balintmail import __version__
from balintmail.cli.command import Globals, global_options, name_nearest

# name: (module, attribute, what it does). A test holds the words to the commands' own.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "init": ("init", "init", "Make a new instance: settings, secrets and database."),
    "new": ("letters", "new", "Write a starter newsletter.md with the next number."),
    "check": ("letters", "check", "Say what stops or spoils a newsletter, before anybody is mailed."),
    "preview": ("letters", "preview", "Write a newsletter as one person would get it."),
    "send": ("send", "send", "Send a newsletter to its list, once to each person."),
    "mailings": ("mailings", "mailings", "Show, pause, resume, cancel, retry and settle mailings."),
    "dispatch": ("dispatch", "dispatch", "Send what is due and go on with what was interrupted (for cron)."),
    "subscribe": ("subscribe", "subscribe", "Put people on a list, with their consent on record."),
    "unsubscribe": ("subscribe", "unsubscribe", "Take somebody off a list."),
    "requests": ("requests", "requests", "List, show, approve and decline requests to join."),
    "journal": ("journal", "journal", "Keep the issues of the Journal, and see that everybody gets their copy."),
    "orders": (
        "orders",
        "orders",
        "Take orders of the Journal: list, show, add, paid, posted, cancel, refund, and the sheet for the Treasurer.",
    ),
    "copies": ("copies", "copies", "List, enter and answer requests for copies of newsletters and of the Journal."),
    "drafts": ("drafts", "drafts", "List, save and drop newsletters that were mailed in."),
    "newsletters": (
        "newsletters",
        "newsletters",
        "List the newsletters of the archive, and correct one that has gone out.",
    ),
    "archive": (
        "archive",
        "archive",
        "Take in newsletters of earlier years; make the index of the search anew.",
    ),
    "people": (
        "people",
        "people",
        "List, show, edit, import, export, merge and erase people; hand out what is held of one.",
    ),
    "members": (
        "members",
        "members",
        "List, show, add, edit, renew and end memberships, and keep the classes of members.",
    ),
    "dues": ("dues", "dues", "Record, list, import and cancel what members have paid."),
    "consent": (
        "consent",
        "consent",
        "Show, verify and export the record of who agreed to what, when and in which words.",
    ),
    "suppress": (
        "suppress",
        "suppress",
        "Keep addresses and whole domains from being mailed: add, remove, list and import.",
    ),
    "lists": ("lists", "lists", "List, add, edit and archive mailing lists."),
    "templates": (
        "templates",
        "templates",
        "List, preview and take over the system mails: confirmations, welcomes, what the Secretary gets.",
    ),
    "calendar": ("calendar", "calendar", "Keep the society's year: recurring duties with their reminders."),
    "documents": ("documents", "documents", "Offer slide decks and documents on the resources page: add, edit, list."),
    "papers": ("papers", "papers", "List, show, decide and assign papers for the Journal."),
    "pages": ("pages", "pages", "Keep the society's own pages: list, edit, show, history."),
    "officers": ("officers", "officers", "Show who holds which office, and hand one on."),
    "serve": ("serve", "serve", "Serve the society's pages: joining, leaving, preferences."),
    "inbox": ("inbox", "inbox", "Read what comes back: bounces, complaints, machines' answers, letters."),
    "returns": ("returns", "returns", "Show what came back and who is not reached for it: list, dead, done."),
    "outbox": ("outbox", "outbox", "Look at the messages that stayed on this machine, while no relay is set."),
    "backup": ("backup", "backup", "Write everything of this instance into one checked file."),
    "restore": ("backup", "restore", "Unpack a backup into a new folder."),
    "reconcile": ("backup", "reconcile", "Hold the ledger against the journal and allow sending again."),
    "dkim": ("dkim", "dkim", "Make, show and check the keys that sign letters."),
    "doctor": ("doctor", "doctor", "Say what is right and wrong with sending, and whose duty it is."),
    "config": ("config", "config", "Show and check the settings."),
    "cron": ("cron", "cron", "Print the crontab line and a systemd timer."),
    "migrate": ("migrate", "migrate", "Bring the database to this version's schema."),
    "completion": ("completion", "completion", "Print the shell completion for bash, zsh or fish."),
}


class Contents(click.Group):
    """The top group: it knows every command's name and line, and imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(f"balintmail.cli.{module}"), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete the commands' names from the table, so that a press of the tab key imports none of them."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415  (only while completing)

        if incomplete.startswith("-"):
            return click.Command.shell_complete(self, ctx, incomplete)
        return [CompletionItem(name, help=COMMANDS[name][2]) for name in COMMANDS if name.startswith(incomplete)]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Name the nearest command when there is none of that name."""
        name_nearest(self, ctx, args)
        return super().resolve_command(ctx, args)


@click.group(
    "balintmail",
    cls=Contents,
    params=global_options(),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="balintmail %(version)s")
def balintmail() -> None:
    """Newsletters and mailing lists for a Balint society."""


def run(args: list[str]) -> int:
    """Run one command line and return its exit status; never lets a traceback out."""
    os.umask(0o077)
    found = Globals(json="--json" in _before_dashes(args))
    try:
        status = balintmail.main(args=args, prog_name="balintmail", standalone_mode=False, obj=found)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`); silence the interpreter's own flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except BaseException as exc:
        return _failed(exc, found)
    return status if isinstance(status, int) else 0


def _failed(exc: BaseException, found: Globals) -> int:
    """Say what went wrong; a second Ctrl-C while that is looked up ends without another word."""
    try:
        from balintmail.cli.failure import report  # noqa: PLC0415  (only on the way to an error)

        return report(exc, found)
    except KeyboardInterrupt:
        return 1


def _before_dashes(args: list[str]) -> list[str]:
    return args[: args.index("--")] if "--" in args else args


def main() -> None:
    """Run the process's own command line; what it prints is UTF-8 under every locale (J14)."""
    for name in ("stdout", "stderr"):  # None where the caller has closed it, as some cron jobs do
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  (open until the process ends)
    gc.set_threshold(50_000, 20, 100)  # a command makes little that refers to itself: 1/20 of its time went there
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
