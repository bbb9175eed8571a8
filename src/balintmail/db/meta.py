"""Facts about this instance, one word each: `instance_id`, `sending_blocked` and the like.

It gives them no meaning; the services that own a key do.
"""

import sqlalchemy as sa
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import Meta
from balintmail.db.ready import Ready, given
from balintmail.db.session import Tx

INSTANCE_ID = "instance_id"
SENDING_BLOCKED = "sending_blocked"  # why sending is off (P7); absent while it is on
LAST_BACKUP = "last_backup_at"  # when `balintmail backup` last wrote a file, RFC 3339


def fact(tx: Tx, key: str) -> str | None:
    """Return the value of `key`, or None."""
    found: str | None = tx.scalar(select(Meta.value).where(Meta.key == key))
    return found


def put(tx: Tx, key: str, value: str) -> None:
    """Set `key` to `value`, whether it was there or not."""
    _PUT.change(tx, {"fact": key, "said": value})


def put_once(tx: Tx, key: str, value: str) -> str:
    """Set `key` to `value` unless it has one; return the one it has, though another process gave it just now."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(insert(Meta).values(key=key, value=value).on_conflict_do_nothing(index_elements=["key"]))
    return fact(tx, key) or value


def count_on(tx: Tx, key: str, last: int) -> bool:
    """Set the number kept under `key` to the one after `last`; False when it is smaller than `last` or missing."""
    if last == 0:
        put(tx, key, "1")
        return True
    return _COUNT.change(tx, {"fact": key, "said": str(last + 1), "last": last}) == 1


def _count_statement(_: str) -> sa.Executable:
    reached = sa.cast(Meta.value, sa.BigInteger()) >= given("last", sa.BigInteger())
    kept = sa.update(Meta).where(Meta.key == given("fact", sa.String()), reached)
    return kept.values(value=given("said", sa.String()))


_COUNT = Ready(_count_statement)


def _put_statement(dialect: str) -> sa.Executable:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    said = given("said", sa.String())
    statement = insert(Meta).values(key=given("fact", sa.String()), value=said)
    return statement.on_conflict_do_update(index_elements=["key"], set_={"value": said})


_PUT = Ready(_put_statement)


def every(tx: Tx, prefix: str) -> dict[str, str]:
    """Return every fact whose key begins with `prefix`."""
    rows = tx.execute(select(Meta.key, Meta.value).where(Meta.key.startswith(prefix, autoescape=True)))
    return {row[0]: row[1] for row in rows}


def hold(tx: Tx, key: str) -> str:
    """Return the value of `key`, "" where it has none, and keep others from changing it until the transaction ends."""
    put_once(tx, key, "")
    return tx.scalar(select(Meta.value).where(Meta.key == key).with_for_update()) or ""


def drop(tx: Tx, key: str) -> None:
    """Forget `key`; silent when it is not there."""
    tx.execute(delete(Meta).where(Meta.key == key))
