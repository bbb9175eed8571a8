"""Read messages in a process of its own (child.py), so that none can take us along.

`Reader` is the parent's side; the child is `python -m balintmail.receiving.process` and answers in one line of JSON. A
message over which it dies or takes too long is `broken` with the reason. Only the child loads the room's patterns.
"""

import json
import sys

from balintmail.domain.mail_commands import Act, Command
from balintmail.domain.returns import Judged, Kind, Reason, Sentence
from balintmail.receiving.child import Child, ChildGone, serve
from balintmail.receiving.event import LARGEST, Event, Found


class Reader(Child):
    """Says what messages are, one by one."""

    module = "balintmail.receiving.process"

    def read(self, raw: bytes) -> tuple[Event, str]:
        """Return what `raw` is, and why it is broken if the reader broke over it."""
        try:
            return _event(json.loads(self._answer(raw[:LARGEST]))), ""
        except ChildGone as gone:
            return _broken(), str(gone)


def _broken() -> Event:
    return Event(Kind.BROKEN, (), (), "", "", "", robot=True)


def _document(event: Event) -> list[object]:
    results = [(one.address, *_judged(one.judged), one.evidence) for one in event.results]
    said = [event.sender, event.subject, event.message_id, event.robot, event.to, event.text, event.name]
    return [event.kind, results, event.tokens, *said, _asked(event.command)]


def _asked(command: Command | None) -> list[object] | None:
    if command is None:
        return None
    return [command.act.value, command.argument, command.language, command.says_more]


def _judged(judged: Judged) -> tuple[str, str, str]:
    return judged.sentence.value, judged.reason.value, judged.status


def _event(document: list[object]) -> Event:
    kind, results, tokens, sender, subject, message_id, robot, to, text, name, asked = document
    found = tuple(
        Found(address, Judged(Sentence(sentence), Reason(reason), status), evidence)
        for address, sentence, reason, status, evidence in results  # type: ignore[attr-defined]
    )
    return Event(
        Kind(str(kind)),
        found,
        tuple(tokens),  # type: ignore[arg-type]
        str(sender),
        str(subject),
        str(message_id),
        robot=bool(robot),
        to=tuple(to),  # type: ignore[arg-type]
        text=str(text),
        command=_command(asked),
        name=str(name),
    )


def _command(asked: object) -> Command | None:
    match asked:
        case [str(act), str(argument), str(language), bool(more)]:
            return Command(Act(act), argument, language, more)
    return None


def _serve(memory: int) -> None:
    from balintmail.receiving.read import read  # noqa: PLC0415  (what it compiles, whoever only asks need not wait for)

    # A lone surrogate stands for an octet that is no text; escaped here, it is shown as what it was.
    serve(memory, lambda raw: json.dumps(_document(read(raw)), ensure_ascii=True).encode("ascii"))


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
