"""Facts about this instance, one word each: `instance_id`, `sending_blocked` and the like.

It gives them no meaning; the services that own a key do.
"""

from sqlalchemy import delete, insert, select, update

from balintmail.db.models import Meta
from balintmail.db.session import Tx

INSTANCE_ID = "instance_id"
SENDING_BLOCKED = "sending_blocked"  # why sending is off (P7); absent while it is on


def fact(tx: Tx, key: str) -> str | None:
    """Return the value of `key`, or None."""
    found: str | None = tx.scalar(select(Meta.value).where(Meta.key == key))
    return found


def put(tx: Tx, key: str, value: str) -> None:
    """Set `key` to `value`, whether it was there or not."""
    if tx.execute(update(Meta).where(Meta.key == key).values(value=value)).rowcount == 0:
        tx.execute(insert(Meta).values(key=key, value=value))


def drop(tx: Tx, key: str) -> None:
    """Forget `key`; silent when it is not there."""
    tx.execute(delete(Meta).where(Meta.key == key))
