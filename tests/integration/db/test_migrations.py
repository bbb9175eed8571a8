"""The migrations and the schema's page say the same, on both databases."""

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from balintmail.db.schema import OF_ONE_DATABASE, Base
from balintmail.db.session import SCHEMA, Database
from balintmail.resources import migrations_folder


def test_migrated_database_has_the_schema_of_models(database: Database) -> None:
    with database.read() as tx:
        opts = {"compare_type": True, "include_name": _is_described}
        differences = compare_metadata(MigrationContext.configure(tx, opts=opts), Base.metadata)
    assert differences == []


def test_schema_constant_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_database_opened_at_this_schema_is_accepted(database: Database) -> None:
    database.require_schema()
    assert database.schema() == SCHEMA


def _is_described(name: str | None, _kind: str, _parents: object) -> bool:
    """Say whether models describe a thing of that name: the index of the search is each database's own."""
    return not (name or "").startswith(OF_ONE_DATABASE)
