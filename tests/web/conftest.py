"""What tests of the site share: a client in this process over both databases, and a real served instance.

`client` speaks to the application directly; `site` is a server on the loopback for a real browser.
"""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from balintmail.services.context import Context
from balintmail.web.app import make_app
from tests.support.society import found


@pytest.fixture
def app(context: Context) -> FastAPI:
    """The application on a register with a Secretary and the list `newsletter`."""
    found(context)
    return make_app(context)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A browser without cookies; faults of ours come back as the page that a visitor would see."""
    with TestClient(
        app, base_url="https://balint.example.org", raise_server_exceptions=False, follow_redirects=False
    ) as client:
        yield client
