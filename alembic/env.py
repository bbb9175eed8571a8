"""Run migrations over the connection that balintmail hands in; alembic's own command line is not used."""

from alembic import context

from balintmail.db.schema import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
context.run_migrations()
