"""A letter frozen for its mailing: constants encoded, slots named, everything that a retry needs (P6, S11).

Plain data with a version, written as JSON and never pickled. It holds no key; the key that signs its tokens is named
by fingerprint. Made by compile.py, run by merge.py.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from balintmail.composing.expressions import Test, fields_in, test_from_data, test_to_data
from balintmail.composing.program import Program, Slot, from_data, to_data
from balintmail.composing.refusals import ComposingError
from balintmail.domain.states import MailingKind

VERSION = 1


class CompiledDamaged(ComposingError):
    """A stored letter cannot be read: it is damaged, or a newer version wrote it."""

    code = "compiled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """One mailing's letter.

    A message is `head`, `before`, `text`, `between`, `html`, `after` one after another. `subject` is a program of
    plain texts when the title holds fields. `sender` is what stands before and after the token in the envelope's
    sender, one text when there is no token. `open_fields` are the fields printed without a default. `article` is the
    letter's words alone, for the archive (article.py): it decides no letter, so it is no part of the fingerprint.
    """

    kind: MailingKind
    content_hash: str
    key_id: str
    date: str
    title: str
    language: str
    message_id_domain: str
    sender: tuple[str, ...]
    subject: Program | None
    head: Program
    before: str
    text: Program
    between: str
    html: Program
    after: Program
    slots: tuple[Slot, ...]
    conditions: tuple[tuple[Test, ...], ...]
    fields_used: tuple[str, ...] = ()
    open_fields: tuple[str, ...] = ()
    visibility: str = "public"
    article: Program = field(default_factory=list)

    def dump(self) -> bytes:
        """Return the letter as bytes for the database."""
        return json.dumps(
            {
                "balintmail": VERSION,
                **self._content(),
                "hash": self.content_hash,
                "key": self.key_id,
                "date": self.date,
                "article": to_data(self.article),
            },
            ensure_ascii=True,
            separators=(",", ":"),
        ).encode("ascii")

    @staticmethod
    def load(raw: bytes) -> "Compiled":
        """Return the letter that `dump` wrote; raise CompiledDamaged for anything else."""
        try:
            data: dict[str, Any] = json.loads(raw)
            if data["balintmail"] != VERSION:
                raise CompiledDamaged(
                    f"This letter was frozen by another version (format {data['balintmail']!r:.10}).",
                    hint="Use the version of balintmail that froze it, or a newer one.",
                )
            return Compiled(
                kind=MailingKind(data["kind"]),
                content_hash=str(data["hash"]),
                key_id=str(data["key"]),
                date=str(data["date"]),
                title=str(data["title"]),
                language=str(data["language"]),
                message_id_domain=str(data["domain"]),
                sender=tuple(map(str, data["sender"])),
                subject=None if data["subject"] is None else from_data(data["subject"]),
                head=from_data(data["head"]),
                before=str(data["before"]),
                text=from_data(data["text"]),
                between=str(data["between"]),
                html=from_data(data["html"]),
                after=from_data(data["after"]),
                slots=tuple(map(Slot.from_data, data["slots"])),
                conditions=tuple(tuple(map(test_from_data, tests)) for tests in data["conditions"]),
                fields_used=tuple(map(str, data["fields"])),
                open_fields=tuple(map(str, data["open"])),
                visibility=str(data["visibility"]),
                article=from_data(data.get("article", [])),
            )
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise CompiledDamaged("A frozen letter in the database is damaged.", hint="Restore a backup.") from exc

    def fingerprint(self) -> str:
        """Return the SHA-256 over all that decides the letters, the day of sending and the key left out."""
        text = json.dumps(self._content(), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def _content(self) -> dict[str, Any]:
        return {
            "kind": self.kind.value,
            "title": self.title,
            "language": self.language,
            "domain": self.message_id_domain,
            "sender": list(self.sender),
            "subject": None if self.subject is None else to_data(self.subject),
            "head": to_data(self.head),
            "before": self.before,
            "text": to_data(self.text),
            "between": self.between,
            "html": to_data(self.html),
            "after": to_data(self.after),
            "slots": [slot.to_data() for slot in self.slots],
            "conditions": [[test_to_data(test) for test in tests] for tests in self.conditions],
            "fields": list(self.fields_used),
            "open": list(self.open_fields),
            "visibility": self.visibility,
        }


def names_read(slots: tuple[Slot, ...], conditions: tuple[tuple[Test, ...], ...]) -> tuple[str, ...]:
    """Return the names of the people's fields that slots and conditions read, in order."""
    found: set[str] = set()
    for slot in slots:
        found |= fields_in(slot.value)
    for tests in conditions:
        for test in tests:
            found |= fields_in(test)
    return tuple(sorted(name for name in found if name.startswith("person.")))
