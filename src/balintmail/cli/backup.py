"""`balintmail backup`, `restore` and `reconcile`: the way out of a broken disk.

The file is ops/backup.py's and ops/restore.py's, the reckoning with the journal services/reconcile.py's.
"""

from pathlib import Path

import click

from balintmail.cli.command import App, Command, pass_app


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@pass_app
def backup(app: App, /, file: Path) -> None:
    """Write everything of this instance into one checked file.

    The register, the ledger, settings, secrets, journal, outbox, templates, pages and files. It may run while a send
    goes on. FILE is never overwritten, and whoever has it has every address: keep it in a safe place.
    """
    from balintmail.ops.backup import write  # noqa: PLC0415  (restore needs none of it)

    with app.context() as context:
        made = write(context, file.absolute())
    size = file.stat().st_size
    app.out.json({"file": str(file), "made_at": made.made_at, "files": len(made.files), "bytes": size})
    app.out.line(f"{file}: {len(made.files)} files, {_size(size)}, read back and in order.")
    app.out.line("It holds your keys and every address. Keep it where nobody else can read it.")


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--database", metavar="URL", default="", help="An empty PostgreSQL database, for a backup of one.")
@pass_app
def restore(app: App, /, file: Path, folder: Path, database: str) -> None:
    """Unpack a backup into a new folder.

    DIR is new or empty. Every file is held to its checksum first. Nothing is sent from there until
    "balintmail reconcile" has held the ledger against the journal.
    """
    from balintmail.ops.restore import restore as unpack  # noqa: PLC0415  (backup needs none of it)

    made = unpack(file, folder.absolute(), database=database)
    app.out.json({"folder": str(made.folder), "made_at": made.made_at, "files": made.files, "migrate": made.outdated})
    app.out.line(f"Restored into {made.folder}: {made.files} files, as of {made.made_at}.")
    if made.outdated:
        app.out.line(f"First: balintmail -C {folder} migrate")
    app.out.line("Sending is off there, because letters may have left since the backup.")
    app.out.line("Whoever was erased since is back: erase them again before anything is sent.")
    app.out.line(f"Next, with the newest journal you have: balintmail -C {folder} reconcile --journal OLD/journal")


@click.command(cls=Command)
@click.option(
    "--journal",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The newest journal there is, such as that of the broken machine.",
)
@pass_app
def reconcile(app: App, /, journal: Path | None) -> None:
    """Hold the ledger against the journal and allow sending again.

    Every delivery that was still open takes the journal's answer, or becomes unknown for you to settle. Mailings that
    only the journal knows are named, and cannot be sent a second time.
    """
    from balintmail.services.reconcile import reconcile as hold_against  # noqa: PLC0415  (backup needs none of it)

    with app.context() as context:
        done = hold_against(context, journal)
    app.out.json(
        {
            "lines": done.lines,
            "answered": done.answered,
            "unknown": done.unknown,
            "blocked": list(done.blocked),
            "unplaced": done.unplaced,
        }
    )
    app.out.line(f"Read {done.lines} lines of the journal. Sending is on again.")
    app.out.line(f"  answered  {done.answered} deliveries took the journal's answer")
    app.out.line(f"  unknown   {done.unknown} deliveries wait for you: balintmail mailings list, then settle")
    for name in done.blocked:
        app.out.line(f"  blocked   {name} was sent by a ledger newer than this one; it will not be sent again")
    if done.unplaced:
        app.out.line(f"  unplaced  {done.unplaced} lines of tests, notices or second copies that this ledger lacks")


def _size(count: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
