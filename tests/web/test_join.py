"""The form to join as visitors, programs and attackers use it: groups A to D, D22, S46, and a confirmation's link."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db.models import JoinRequest, Notice
from balintmail.domain.states import RequestState
from balintmail.services.context import Context
from tests.conftest import MovableClock

SOON = timedelta(seconds=20)  # to fill in a form


def fields(client: TestClient, path: str = "/join") -> dict[str, str]:
    """Return the hidden fields of the form, as a browser sends them."""
    page = client.get(path).text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return dict(hidden)


def fill(
    client: TestClient, clock: MovableClock, *, path: str = "/join/newsletter", wait: timedelta = SOON, **more: Any
) -> Any:
    """Open the form, take some time, and send it."""
    given = {"name": "Mária Bálint", "address": "maria@example.org", "agree": "yes", **fields(client, path), **more}
    clock.forward(wait)
    body = urlencode(
        [(key, one) for key, value in given.items() for one in ([value] if isinstance(value, str) else value)]
    )
    return client.post(path, content=body, headers={"content-type": "application/x-www-form-urlencoded"})


def requests_of(context: Context) -> list[Any]:
    with context.db.read() as tx:
        rows = tx.execute(sa.select(JoinRequest).order_by(JoinRequest.id))
        return list(rows)


def notices_of(context: Context, template: str = "confirm") -> list[Mapping[str, Any]]:
    with context.db.read() as tx:
        rows = tx.execute(sa.select(Notice.facts, Notice.address, Notice.due_at).where(Notice.template == template))
        return [dict(row._mapping) for row in rows]


def test_form_is_taken_and_one_confirmation_waits_S46(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    page = fill(client, clock)
    assert page.status_code == 200
    assert "maria@example.org" in page.text
    (row,) = requests_of(context)
    assert (row.email, row.name, row.state, row.how) == (
        "maria@example.org",
        "Mária Bálint",
        RequestState.PENDING,
        "form",
    )
    (notice,) = notices_of(context)
    assert notice["facts"]["lists"] == ["Newsletter"]
    assert notice["facts"]["page"] == "https://balint.example.org/join/newsletter"
    assert "Bálint" not in str(notice["facts"])
