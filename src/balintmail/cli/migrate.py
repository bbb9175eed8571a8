"""`balintmail migrate`: bring the database to this version's schema, a copy of it kept beside.

The steps are alembic's; the copy is ops/copies.py's.
"""

from datetime import UTC, datetime

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.db.migrations import upgrade
from balintmail.db.session import SCHEMA, SchemaMismatch
from balintmail.ops.copies import keep_copy
from balintmail.wiring import find_instance, open_instance


@click.command(cls=Command)
@pass_app
def migrate(app: App, /) -> None:
    """Bring the database to this version's schema.

    A copy of the database as it was is kept in the instance's folder; when anything goes wrong, the database stays
    as it was.
    """
    instance = open_instance(find_instance(app.instance_start))
    try:
        before = instance.database.schema()
        copy = None
        if before is not None and before > SCHEMA:
            raise SchemaMismatch(
                f"The database's schema is {before}, newer than this version's {SCHEMA}.",
                hint="Install the newer balintmail that last used it.",
            )
        if before is not None and before < SCHEMA:
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            copy = keep_copy(instance.database, instance.folder / f"before-{SCHEMA}-{stamp}")
        if before != SCHEMA:
            upgrade(instance.database)
    finally:
        instance.close()
    app.out.json({"before": before, "schema": SCHEMA, "copy": str(copy) if copy else None})
    if copy:
        app.out.line(f"The database as it was: {copy}")
    if before == SCHEMA:
        app.out.line(f"The database has schema {SCHEMA} already; nothing to do.")
    else:
        app.out.line(f"The database has schema {SCHEMA} now.")
