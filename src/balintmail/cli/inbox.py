"""`balintmail inbox`: what comes back. `explain` says what raw messages are and why, and touches nothing."""

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli import correspondence, fetching
from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.output import cut
from balintmail.domain.mail_commands import Act
from balintmail.domain.returns import REASON_WORDS, Kind, Reason

if TYPE_CHECKING:
    from balintmail.receiving.event import Event

_SHOWN_EVIDENCE = 100  # characters in the table; --json has all


@click.group(cls=Group)
def inbox() -> None:
    """Read what comes back: bounces, complaints, machines' answers, letters."""


for _command in (*fetching.COMMANDS, *correspondence.COMMANDS):
    inbox.add_command(_command)


@inbox.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@pass_app
def explain(app: App, files: tuple[str, ...]) -> int:
    """Say what raw messages are and why; "-" is standard input.

    Nothing is changed, nobody suspended, no instance needed. Each message is read in a process with limits of time and
    memory. Exit 1 when a file could not be opened.
    """
    from balintmail.receiving.process import Reader  # noqa: PLC0415  (only here)

    missing = 0
    rows: list[tuple[object, ...]] = []

    def documents() -> Any:
        nonlocal missing
        with Reader() as reader:
            for name in files:
                try:
                    raw = _raw(name)
                except OSError as exc:
                    missing += 1
                    yield _document(name, None, f"it cannot be opened: {exc.strerror or exc}")
                    continue
                event, why = reader.read(raw)
                yield _document(name, event, why)

    if app.out.wants_json:
        app.out.json_array(documents())
        return 1 if missing else 0
    for one in documents():
        rows += _rows(one)
    app.out.table(("file", "kind", "address", "verdict", "reason", "status", "why"), rows)
    return 1 if missing else 0


def _rows(one: dict[str, Any]) -> list[tuple[object, ...]]:
    kind = one["kind"].replace("_", " ")
    if not one["results"]:
        return [(one["file"], kind, "", "", "", "", one["remark"])]
    return [
        (
            one["file"],
            kind,
            result["address"],
            result["verdict"],
            REASON_WORDS[Reason(result["reason"])],
            result["status"],
            cut(" ".join(result["evidence"].split()), _SHOWN_EVIDENCE),
        )
        for result in one["results"]
    ]


def _raw(name: str) -> bytes:
    from balintmail.receiving.event import LARGEST  # noqa: PLC0415

    if name == "-":
        return sys.stdin.buffer.read(LARGEST)
    if Path(name).is_fifo():
        raise OSError(errno.EINVAL, "it is a pipe, and nobody may ever write into it")
    with Path(name).open("rb") as file:
        return file.read(LARGEST)


_WHY = {
    Kind.AUTO_REPLY: "a machine wrote it in somebody's name: it counts for nothing and is not answered",
    Kind.LETTER: "no report, no machine's answer and no command: it waits for a person",
    Kind.BROKEN: "there is nothing in it that could be read",
    Kind.COMPLAINT: "a complaint that names nobody: only a token of ours in it can tell whose it is",
    Kind.BOUNCE: "a report that names nobody: only a token of ours in it can tell whose it is",
}


def _why(event: "Event") -> str:
    """Return why a message without results is what it is."""
    if event.command is not None:
        return f"it asks to {_ASKS[event.command.act]} {event.command.argument}".rstrip()
    return _WHY.get(event.kind, "its subject holds a token of ours that leaves a list")


_ASKS = {
    Act.JOIN: "join",
    Act.LEAVE: "leave",
    Act.CONFIRM: "confirm",
    Act.HELP: "be told what can be asked by mail",
    Act.COPY: "be sent a past newsletter:",
}


def _document(name: str, event: "Event | None", remark: str) -> dict[str, Any]:
    results = [
        {
            "address": _text(one.address),
            "verdict": one.judged.sentence.value,
            "status": one.judged.status,
            "reason": one.judged.reason.value,
            "evidence": _text(one.evidence),
        }
        for one in (event.results if event is not None else ())
    ]
    kind = event.kind.value if event is not None else "broken"
    if event is not None and not results:
        remark = remark or _text(_why(event))
    return {"file": _text(name), "kind": kind, "results": results, "remark": remark}


def _text(text: str) -> str:
    """Return `text` as any output can carry it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
