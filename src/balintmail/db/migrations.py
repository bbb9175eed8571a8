"""Bring a database's schema to this version's, in one transaction; knows alembic and nothing of the instance."""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from balintmail.db.session import Database, SchemaMismatch
from balintmail.resources import migrations_folder


def upgrade(database: Database, revision: str = "head") -> None:
    """Run every missing migration; a killed one leaves the old schema.

    Raises SchemaMismatch for a schema from which no way leads here.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    with database.write() as tx:
        config.attributes["connection"] = tx
        try:
            command.upgrade(config, revision)
        except CommandError as exc:
            before = tx.scalar(sa.text("SELECT version_num FROM alembic_version"))
            raise SchemaMismatch(
                f"The database's schema is {before}, which this version does not know.",
                hint="Install the balintmail that last used it, or restore a backup.",
            ) from exc
