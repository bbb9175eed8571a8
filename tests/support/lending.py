"""Lend databases of the tests' PostgreSQL, one test after another, as empty each time as a fresh one.

To create and drop a database takes the server a tenth of a second, to empty one that a test has written into a tenth of
that. A database goes to another test only if no statement of the last one changed its schema, nobody is left in it and
it has not grown; else it is dropped.
"""

import time
from uuid import uuid4

import sqlalchemy as sa

TEMPLATE = "balintmail_lent"
_LOANS = 40  # after which the places of deleted rows slow it down
_ROWS = 2_000  # that a test may leave in it
_LEAVING = 20  # looks, a hundredth of a second apart, for those who are about to leave

# What the migrations left is kept in a schema of its own, to be put back; DDL of a test leaves a trace in a sequence,
# which needs no lock and is not undone by a rollback. Temporary tables go with their connection and leave none.
_PREPARE = """
CREATE SCHEMA pristine;
CREATE SEQUENCE pristine.altered;
CREATE TABLE pristine.numbers AS
    SELECT seqrelid, pg_sequence_last_value(seqrelid) AS last FROM pg_sequence
    JOIN pg_class ON pg_class.oid = seqrelid WHERE relnamespace = 'public'::regnamespace;

DO $$ DECLARE found regclass; filled boolean; BEGIN
    FOR found IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', found) INTO filled;
        IF filled THEN EXECUTE format('CREATE TABLE pristine.%I AS TABLE %s', 'of_' || found, found); END IF;
    END LOOP;
END $$;

CREATE FUNCTION pristine.reset() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE found record; number bigint; total bigint := 0; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR found IN SELECT oid::regclass AS t, to_regclass(format('pristine.%I', 'of_' || relname)) AS kept FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0 LOOP
        EXECUTE format('DELETE FROM %s', found.t);
        GET DIAGNOSTICS number = ROW_COUNT;
        total := total + number;
        IF found.kept IS NOT NULL THEN
            EXECUTE format('INSERT INTO %s OVERRIDING SYSTEM VALUE SELECT * FROM %s', found.t, found.kept);
        END IF;
    END LOOP;
    PERFORM setval(seqrelid::regclass, coalesce(last, seqstart), last IS NOT NULL)
        FROM pristine.numbers JOIN pg_sequence USING (seqrelid)
        WHERE pg_sequence_last_value(seqrelid) IS DISTINCT FROM last;
    RETURN total;
END $$;

CREATE FUNCTION pristine.note_ddl() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp') THEN
        PERFORM nextval('pristine.altered');
    END IF;
END $$;
CREATE FUNCTION pristine.note_drop() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE NOT is_temporary) THEN
        PERFORM nextval('pristine.altered');
    END IF;
END $$;
CREATE EVENT TRIGGER note_ddl ON ddl_command_end EXECUTE FUNCTION pristine.note_ddl();
CREATE EVENT TRIGGER note_drop ON sql_drop EXECUTE FUNCTION pristine.note_drop();
"""
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend'"
)


class Lender:
    """Databases on a server that are out at tests or waiting for the next."""

    def __init__(self, server: sa.URL) -> None:
        """Lend on the server of `server`, the address of its database for administrators."""
        self._server = server
        self._loans: dict[str, int] = {}
        self._waiting: list[str] = []

    def prepare(self, migrated: str) -> None:
        """Make the template of what is lent from the database `migrated`; once for each server."""
        self._on("postgres", f"CREATE DATABASE {TEMPLATE} TEMPLATE {migrated}")
        self._on(TEMPLATE, _PREPARE.replace("%", "%%"))  # the driver takes % for a place

    def lend(self) -> str:
        """Return the name of a database with the schema and nothing that a test has written."""
        if self._waiting:
            return self._waiting.pop()
        name = f"l_{uuid4().hex}"
        self._on("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        self._loans[name] = 0
        return name

    def take_back(self, name: str) -> None:
        """Empty a database for the next test, or drop it."""
        self._loans[name] += 1
        if self._loans[name] < _LOANS and self._reset(name):
            self._waiting.append(name)
        else:
            del self._loans[name]
            self._on("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def _reset(self, name: str) -> bool:
        engine = self._engine(name)
        with engine.connect() as tx:
            for _ in range(_LEAVING):
                if not tx.exec_driver_sql(_OTHERS).scalar_one():
                    break
                time.sleep(0.01)
            else:
                return False
            if tx.exec_driver_sql("SELECT is_called FROM pristine.altered").scalar_one():
                return False
            return int(tx.exec_driver_sql("SELECT pristine.reset()").scalar_one()) <= _ROWS

    def _on(self, name: str, statement: str) -> None:
        with self._engine(name).connect() as connection:
            connection.exec_driver_sql(statement)

    def _engine(self, name: str) -> sa.Engine:
        url = self._server.set(database=name)
        return sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
