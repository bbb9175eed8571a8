"""A rehearsal sends to nobody and leaves no trace, whichever database the register is in."""

import hashlib
from pathlib import Path

from sqlalchemy import func, select, text

from balintmail.composing.compile import compile_letter
from balintmail.composing.letter import parse_letter
from balintmail.db import audience, lists
from balintmail.db.audience import Selection
from balintmail.db.models import Base, Delivery
from balintmail.domain.states import MailingKind
from balintmail.services import surroundings
from balintmail.services.context import Context
from balintmail.services.rehearsal import rehearse
from balintmail.services.release import Intent, Plan, Step
from tests.support.register import a_list, a_secretary, readers

LETTER = """---
title: News
---

Dear {{ person.first_name | default("reader") }},

there is tea at four.
"""


def contents(ctx: Context) -> str:
    """Return a hash over every row of every table."""
    found = hashlib.sha256()
    with ctx.db.read() as tx:
        for table in Base.metadata.sorted_tables:
            for row in tx.execute(text(f"SELECT * FROM {table.name} ORDER BY 1")):
                found.update(repr(tuple(row)).encode())
    return found.hexdigest()


def test_rehearsal_makes_every_letter_and_changes_nothing(context: Context, tmp_path: Path) -> None:
    with context.db.write() as tx:
        a_secretary(tx)
        readers(tx, a_list(tx), 30)
    with context.db.read() as tx:
        news = lists.by_slug(tx, "newsletter")
        assert news is not None
        letter = parse_letter(LETTER, tmp_path, "newsletter.md", kind=MailingKind.NOTICE)
        compiled = compile_letter(letter, surroundings.gather(context, tx, news))
        counted = audience.counts(tx, Selection(news.id, "", (), context.settings.zone))
    before, files = contents(context), sorted(tmp_path.rglob("*"))
    made = Plan(Step.BEGIN, Intent(tmp_path / "newsletter.md"), letter, compiled, news, counted, (), None)
    done = rehearse(context, made, ["main"], lanes=4)
    assert (done.letters, done.skipped) == (30, 0)
    assert done.seconds > 0
    assert contents(context) == before
    with context.db.read() as tx:
        assert tx.scalar(select(func.count()).select_from(Delivery)) == 0
    assert [path for path in sorted(tmp_path.rglob("*")) if "-wal" not in path.name and "-shm" not in path.name] == [
        path for path in files if "-wal" not in path.name and "-shm" not in path.name
    ]
