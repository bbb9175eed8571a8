"""`balintmail suppress`: add, remove, list and import the addresses and domains that must not be mailed.

It takes nobody off a list: whoever is suppressed stays subscribed and gets nothing. Erasing is `people erase`.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.domain.states import SuppressionReason
from balintmail.errors import BalintmailError, UsageRefused

if TYPE_CHECKING:
    from balintmail.db.suppressions import SuppressionRow
    from balintmail.services.context import Context

_REASON = click.option(
    "--reason",
    type=click.Choice([reason.value for reason in SuppressionReason if reason is not SuppressionReason.ERASED]),
    default=SuppressionReason.MANUAL.value,
    show_default=True,
    help="Why it must not be mailed.",
)
_NOTE = click.option("--note", metavar="TEXT", default="", help="More about it, for the record.")


class ListUnreadable(BalintmailError):
    """A file of addresses cannot be read."""

    code = "file"


@click.group(cls=Group)
def suppress() -> None:
    """Keep addresses and whole domains from being mailed: add, remove, list and import."""


@suppress.command()
@click.argument("what", metavar="ADDRESS|DOMAIN", nargs=-1, required=True)
@_REASON
@_NOTE
@pass_app
def add(app: App, what: tuple[str, ...], reason: str, note: str) -> int:
    """Keep addresses, known or not, or whole domains from being mailed, whoever holds them."""
    from balintmail.services import suppressions  # noqa: PLC0415  (loads SQLAlchemy)

    documents = []
    with app.context() as ctx:
        for text in what:
            try:
                done = suppressions.suppress(ctx, text, note, SuppressionReason(reason))
                documents.append(_result(text, "suppressed" if done else "already"))
            except UsageRefused as exc:
                documents.append(_result(text, "refused", exc.message))
    said = {"suppressed": "is not mailed any more", "already": "was suppressed already"}
    return _tell(app, documents, said)


@suppress.command()
@click.argument("what", metavar="ADDRESS|DOMAIN", nargs=-1, required=True)
@pass_app
def remove(app: App, what: tuple[str, ...]) -> int:
    """Let an address or domain be mailed again that was suppressed or had bounced; never one that was erased."""
    from balintmail.services import suppressions  # noqa: PLC0415  (loads SQLAlchemy)

    documents = []
    with app.context() as ctx:
        for text in what:
            try:
                done = suppressions.allow(ctx, text)
                documents.append(_result(text, "removed" if done else "already"))
            except BalintmailError as exc:
                documents.append(_result(text, "refused", f"{exc.message} {exc.hint}".strip()))
    return _tell(app, documents, {"removed": "may be mailed again", "already": "was not suppressed"})


@suppress.command("list")
@pass_app
def list_all(app: App) -> None:
    """List what is suppressed, why, since when and by whom; erased addresses are counted and never shown."""
    from balintmail.domain.times import table_form  # noqa: PLC0415
    from balintmail.services import suppressions  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = suppressions.every(ctx)
        documents = [_document(ctx, row) for row in found]
        zone = ctx.settings.zone
    app.out.json(documents)
    shown = [row for row in found if row.reason is not SuppressionReason.ERASED]
    if shown:
        rows = [
            (
                row.key.removeprefix("@") if row.key else "",
                row.reason.value,
                table_form(row.at, zone),
                row.actor,
                row.note,
            )
            for row in shown
        ]
        app.out.table(("address or domain", "reason", "since", "by", "note"), rows)
    app.out.line(
        f"{len(shown):,} suppressed, and {len(documents) - len(shown):,} erased, of which only hashes are left"
    )


@suppress.command("import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@_REASON
@_NOTE
@pass_app
def import_file(app: App, file: Path, reason: str, note: str) -> None:
    """Suppress every address and domain of FILE, one a line; lines that begin with # are left out. "-" reads a pipe."""
    from balintmail.services import suppressions  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        done = suppressions.suppress_all(ctx, _lines(file), note, SuppressionReason(reason))
    refusals = [{"line": each.line, "address": each.text, "reason": each.reason} for each in done.refusals]
    app.out.json({"added": done.added, "already": done.already, "refused": len(refusals), "refusals": refusals})
    if refusals:
        app.out.table(("line", "text", "why it is refused"), [tuple(each.values()) for each in refusals])
    app.out.line(f"{done.added:,} added, {done.already:,} suppressed already, {len(refusals):,} refused.")


def _lines(file: Path) -> list[str]:
    try:
        raw = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        return raw.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as exc:
        raise ListUnreadable(f"{file} is not a text in UTF-8.", hint="Write one address a line.") from exc
    except OSError as exc:
        raise ListUnreadable(f"{file} cannot be read: {exc.strerror}.") from exc


def _result(text: str, result: str, reason: str = "") -> dict[str, str]:
    return {"what": text, "result": result, "reason": reason}


def _tell(app: App, documents: list[dict[str, str]], said: dict[str, str]) -> int:
    app.out.json(documents)
    for each in documents:
        app.out.line(f"{each['what']}: {said.get(each['result']) or each['reason']}")
    return 1 if any(each["result"] == "refused" for each in documents) else 0


def _document(ctx: "Context", row: "SuppressionRow") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    return {
        "address": None if row.whole_domain else row.key,
        "domain": row.key[1:] if row.key and row.whole_domain else None,
        "reason": row.reason.value,
        "note": row.note,
        "at": rfc3339(row.at, ctx.settings.zone),
        "by": row.actor,
    }
