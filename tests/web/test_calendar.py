"""The feed of the society's year on the site: at its secret address alone."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from balintmail.domain import tokens
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import duties
from balintmail.services.context import Context
from balintmail.web.site import Site


def context_of(app: FastAPI) -> Context:
    found: Site = app.state.site
    return found.ctx


def test_feed_is_given_as_icalendar_and_kept_nowhere(app: FastAPI, client: TestClient) -> None:
    ctx = context_of(app)
    duties.add_usual(ctx)
    token = tokens.make(TokenClaims(Purpose.CALENDAR, list=1), ctx.keyring.tokens)
    found = client.get(f"/calendar/{token}.ics")
    assert (found.status_code, found.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert found.text.startswith("BEGIN:VCALENDAR\r\n")
    assert (found.headers["cache-control"], found.headers["x-robots-tag"]) == ("no-store", "noindex, nofollow")


@pytest.mark.parametrize("purpose", [Purpose.PREFERENCES, Purpose.PAPER, Purpose.LEAVE])
def test_token_of_another_purpose_or_damaged_opens_nothing_C1_C3(
    app: FastAPI, client: TestClient, purpose: Purpose
) -> None:
    key = context_of(app).keyring.tokens
    good = tokens.make(TokenClaims(Purpose.CALENDAR, list=1), key)
    others = (tokens.make(TokenClaims(purpose, list=1), key), good[:-1], good + "a", "x")
    for token in others:
        assert client.get(f"/calendar/{token}.ics").status_code == 404
    assert client.get(f"/calendar/{good}").status_code == 404
    assert client.get("/calendar").status_code == 404
