"""`balintmail papers`: what was sent in for the Journal, who reads it, and what is decided.

It decides nothing by itself; services/papers.py and services/paper_decisions.py do. The mails leave with dispatch.
"""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.days import DAY

if TYPE_CHECKING:
    from balintmail.db.papers import PaperRow
    from balintmail.services.context import Context
    from balintmail.services.papers import Given, Whole

_STATES = {
    "review": "in_review",
    "accept": "accepted",
    "decline": "declined",
    "withdraw": "withdrawn",
}


@click.group(cls=Group)
def papers() -> None:
    """List, show, decide and assign papers for the Journal.

    They come by the form at /contribute, or by `papers add` where somebody mailed theirs.
    """


@papers.command("list")
@click.option("--all", "everything", is_flag=True, help="Decided ones, too.")
@pass_app
def list_papers(app: App, everything: bool) -> None:
    """Show the papers that wait to be decided, the oldest first."""
    from balintmail.db import papers as rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.papers import OPEN, PaperState  # noqa: PLC0415

    with app.context() as ctx, ctx.db.read() as tx:
        accepted = (*OPEN, PaperState.ACCEPTED)
        documents = [_document(ctx, one) for one in rows.in_states(tx, *(() if everything else accepted))]
    app.out.json(documents)
    if not documents:
        app.out.line("No paper waits.")
        return
    table = [
        (one["number"], one["received_at"][:10], one["name"], one["title"], one["state"], one["due_on"] or "")
        for one in documents
    ]
    app.out.table(("paper", "came", "from", "title", "state", "decide by"), table)


@papers.command("show")
@click.argument("number")
@click.option(
    "--save", "folder", type=click.Path(path_type=Path, file_okay=False), help="Write its files into this folder."
)
@pass_app
def show_paper(app: App, number: str, folder: Path | None) -> None:
    """Show a paper: its files, who was asked to read it, what they advised, and what happened to it."""
    from balintmail.services import papers as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.whole(ctx, number)
        saved = _save(ctx, found, folder) if folder else []
        document = {**_document(ctx, found.paper), **_rest(ctx, found), "saved": saved}
    app.out.json(document)
    app.out.line(f'Paper {document["number"]}  "{document["title"]}"')
    facts = [
        ("from", f"{document['name']}, {document['address']}"),
        ("authors", document["authors"].replace("\n", "; ")),
        ("state", document["state"].replace("_", " ")),
        ("came", document["received_at"][:10]),
        ("decide by", document["due_on"] or ""),
        ("reason", document["reason"]),
        ("note", document["note"]),
    ]
    for name, value in facts:
        if value:
            app.out.line(f"  {name:<10}{value}")
    for title, text in (("Abstract", document["abstract"]), ("To the editor", document["message"])):
        if text:
            app.out.line(f"\n{title}\n{text}")
    app.out.line()
    app.out.table(("file", "kind", "bytes"), [(one["name"], one["kind"], one["size"]) for one in document["files"]])
    for one in document["readers"]:
        said = f"answered {one['answered_at'][:10]}" if one["answered_at"] else f"by {one['due_on']}"
        app.out.line(f"\nRead by {one['name'] or one['person']}, {said}")
        if one["advice"]:
            app.out.line(one["advice"])
    for line in saved:
        app.out.line(f"Written: {line}")


@papers.command("add")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--title", required=True, help="The paper's title.")
@click.option("--name", required=True, help="Who sent it.")
@click.option("--address", required=True, help="Their email address, which gets the receipt.")
@click.option("--author", "authors", multiple=True, metavar="NAME", help="An author as printed; repeated for each.")
@click.option("--abstract", default="", help="The abstract.")
@click.option("--language", default="", metavar="TAG", help="The language in which we write to them.")
@pass_app
def add_paper(app: App, /, files: tuple[Path, ...], **said: Any) -> None:
    """Enter a paper that came another way; whoever sent it gets a receipt."""
    from balintmail.services import papers as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        sent = service.Sent(
            title=said["title"],
            address=said["address"],
            name=said["name"],
            authors="\n".join(said["authors"]),
            abstract=said["abstract"],
            language=said["language"],
            files=[_given(path) for path in files],
            door="command",
        )
        done = service.send_in(ctx, sent)
    app.out.json({"number": done.number, "again": done.again})
    what = "was there already" if done.again else "is entered; the receipt leaves with dispatch"
    app.out.line(f"Paper {done.number} {what}.")


@papers.command("assign")
@click.argument("number")
@click.argument("who")
@click.option("--due", type=DAY, help="The day by which to read it.")
@pass_app
def assign_paper(app: App, number: str, who: str, due: "date | None") -> None:
    """Ask somebody on the register to read a paper: they are mailed a link of their own to it.

    WHO is an id or an address. They are reminded when the day is over.
    """
    from balintmail.services import paper_decisions  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        reader = paper_decisions.assign(ctx, number, who, due_on=due)
    app.out.json({"number": number, "person": reader.person_id, "due_on": reader.due_on.isoformat()})
    app.out.line(f"Person {reader.person_id} is asked to read paper {number} by {reader.due_on.isoformat()}.")


@papers.command("decide")
@click.argument("number")
@click.argument("what", type=click.Choice(["review", "accept", "decline", "withdraw", "journal"]))
@click.argument("journal", required=False, default="", metavar="[JOURNAL]")
@click.option("--reason", metavar="TEXT", default="", help="Why; it is told to the author.")
@click.option("--note", metavar="TEXT", default="", help="A note for the record, which nobody else reads.")
@pass_app
def decide_paper(app: App, number: str, what: str, journal: str, reason: str, note: str) -> None:
    """Decide on a paper; its author is told.

    `decide 2026-014 journal 2027` puts an accepted paper into that Journal, and its author gets a copy of it.
    """
    from balintmail.domain.papers import PaperState  # noqa: PLC0415
    from balintmail.errors import UsageRefused  # noqa: PLC0415
    from balintmail.services import paper_decisions  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.paper_decisions import Verdict  # noqa: PLC0415

    if (what == "journal") != bool(journal):
        hint = "balintmail papers decide 2026-014 journal 2027"
        raise UsageRefused("A Journal is named for papers that go into it, and only for those.", hint=hint)
    state = PaperState(_STATES.get(what, PaperState.IN_JOURNAL.value))
    with app.context() as ctx:
        found = paper_decisions.decide(ctx, number, Verdict(state, reason, note, journal))
        document = _document(ctx, found)
    app.out.json(document)
    app.out.line(f"Paper {number} is {document['state'].replace('_', ' ')}.")


def _given(path: Path) -> "Given":
    from balintmail.domain.papers import LARGEST_FILE  # noqa: PLC0415
    from balintmail.errors import NotFound  # noqa: PLC0415
    from balintmail.services.papers import Given  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            return Given(path.name, file.read(LARGEST_FILE + 1))
    except OSError as exc:
        raise NotFound(f"{path} cannot be read.") from exc


def _save(ctx: "Context", found: "Whole", folder: Path) -> list[str]:
    """Write a paper's files, each under a name that is safe and not there yet."""
    from balintmail.domain.file_names import another_name  # noqa: PLC0415
    from balintmail.services import files  # noqa: PLC0415

    folder.mkdir(parents=True, exist_ok=True)
    taken = {path.name.casefold() for path in folder.iterdir()}
    saved = []
    for one in found.files:
        name = another_name(one.file_name, taken)
        taken.add(name.casefold())
        with (folder / name).open("xb") as file:
            file.write(files.read(ctx, one.digest))
        saved.append(str(folder / name))
    return saved


def _document(ctx: "Context", paper: "PaperRow") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    zone = ctx.settings.zone
    return {
        "number": paper.number,
        "title": paper.title,
        "authors": paper.authors,
        "name": paper.name,
        "address": paper.email,
        "person": paper.person_id,
        "state": paper.state.value,
        "received_at": rfc3339(paper.received_at, zone),
        "due_on": paper.due_on.isoformat() if paper.due_on else None,
        "decided_at": rfc3339(paper.decided_at, zone) if paper.decided_at else None,
        "decided_by": paper.decided_by,
        "reason": paper.reason,
        "note": paper.note,
    }


def _rest(ctx: "Context", found: "Whole") -> dict[str, Any]:
    from balintmail.db import people  # noqa: PLC0415
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    zone = ctx.settings.zone
    with ctx.db.read() as tx:
        names = {one.person_id: row.name for one in found.readers if (row := people.get(tx, one.person_id))}
    return {
        "abstract": found.paper.abstract,
        "message": found.paper.message,
        "files": [{"name": one.file_name, "kind": one.kind, "size": one.size} for one in found.files],
        "readers": [
            {
                "person": one.person_id,
                "name": names.get(one.person_id, ""),
                "due_on": one.due_on.isoformat(),
                "answered_at": rfc3339(one.answered_at, zone) if one.answered_at else None,
                "advice": one.advice,
            }
            for one in found.readers
        ],
        "events": [
            {"at": rfc3339(one.at, zone), "by": one.actor, "action": one.action, "remark": one.remark}
            for one in found.events
        ],
    }
