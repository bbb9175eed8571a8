"""Bring a database's schema to this version's, in one transaction; knows alembic and nothing of the instance."""

from alembic import command
from alembic.config import Config

from balintmail.db.session import Database
from balintmail.resources import migrations_folder


def upgrade(database: Database, revision: str = "head") -> None:
    """Run every missing migration; a killed one leaves the old schema."""
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    with database.write() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)
