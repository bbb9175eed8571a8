"""`balintmail inbox`: what comes back. `explain` says what raw messages are and why, and touches nothing."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli import correspondence, fetching
from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from balintmail.receiving.read import Event

_SHOWN_EVIDENCE = 100  # characters in the table; --json has all


@click.group(cls=Group)
def inbox() -> None:
    """Read what comes back: bounces, complaints, machines' answers, letters."""


for _command in (*fetching.COMMANDS, *correspondence.COMMANDS):
    inbox.add_command(_command)


@inbox.command()
@click.argument("files", metavar="FILE", nargs=-1, required=True)
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
        found = one["results"] or [
            {"address": "", "verdict": "", "reason": "", "status": "", "evidence": one["remark"]}
        ]
        for result in found:
            evidence = " ".join(result["evidence"].split())[:_SHOWN_EVIDENCE]
            words = (result["address"], result["verdict"], result["reason"], result["status"], evidence)
            rows.append((one["file"], one["kind"], *words))
    app.out.table(("file", "kind", "address", "verdict", "reason", "status", "evidence"), rows)
    return 1 if missing else 0


def _raw(name: str) -> bytes:
    from balintmail.receiving.mail import LARGEST  # noqa: PLC0415

    if name == "-":
        return sys.stdin.buffer.read(LARGEST)
    with Path(name).open("rb") as file:
        return file.read(LARGEST)


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
    return {"file": _text(name), "kind": kind, "results": results, "remark": remark}


def _text(text: str) -> str:
    """Return `text` as any output can carry it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
