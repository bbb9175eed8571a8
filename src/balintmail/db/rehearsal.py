"""Enter the readers of a rehearsal into its scratch ledger, by name and on the ground of a test.

It is never called with the instance's own database; services/rehearsal.py sees to that.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert

from balintmail.db.models import Delivery
from balintmail.db.session import Tx
from balintmail.domain.recipient import Recipient, encode
from balintmail.domain.states import DeliveryState, Ground


def enrol(tx: Tx, mailing_id: int, readers: Sequence[Recipient], *, now: datetime) -> int:
    """Enter these readers as queued rows; return how many. The scratch register has no people."""
    rows = [
        {
            "mailing_id": mailing_id,
            "address": one.address,
            "envelope": one.envelope,
            "address_key": "",
            "ground": Ground.TEST,
            "data": encode(one.data),
            "state": DeliveryState.QUEUED,
            "at": now,
        }
        for one in readers
    ]
    tx.execute(insert(Delivery), rows)
    return len(rows)
