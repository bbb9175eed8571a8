"""What every answer carries (standards.md 3.4), asserted on every route found in the application, and on none."""

import logging
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from balintmail.config import Settings, Society
from balintmail.services.context import Context
from balintmail.web.access import Kind, UnguardedRoute, kind_of
from balintmail.web.app import make_app
from tests.support.society import found

METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE")
TOKEN = "aebagbafaydqqcikbmga2dqp"  # of the right letters and no one's


def every_path(app: FastAPI) -> Iterator[tuple[APIRoute, str]]:
    """Yield every route of the application with a path that leads to it."""
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} is no route that the gate knows"
        yield route, re.sub(r"\{\w+\}", TOKEN, route.path)


def ask(client: TestClient, method: str, path: str) -> tuple[int, dict[str, str]]:
    answer = client.request(method, path)
    return answer.status_code, {name.lower(): value for name, value in answer.headers.items()}


@pytest.mark.parametrize("method", METHODS)
def test_every_answer_of_every_route_carries_the_fields_3_4(client: TestClient, app: FastAPI, method: str) -> None:
    for route, path in every_path(app):
        status, headers = ask(client, method, path)
        where = f"{method} {route.path}: {status}"
        policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'", where
        assert policy["frame-ancestors"] == "'none'", where
        assert not re.search(r"unsafe|\*|https?:|data:|blob:", headers["content-security-policy"]), where
        assert set(" ".join(policy.values()).split()) <= {"'none'", "'self'"}, where
        assert headers["x-content-type-options"] == "nosniff", where
        assert headers["referrer-policy"] == "no-referrer", where
        assert headers["x-frame-options"] == "DENY", where
        assert headers["strict-transport-security"].startswith("max-age=31536000"), where
        assert "set-cookie" not in headers, where
        assert "server" not in headers, where
        assert "location" not in headers, where
        assert not {name for name in headers if name.startswith("access-control-")}, where
        if kind_of(route) is not Kind.ASSET or status != 200:
            assert headers["cache-control"] == "no-store", where
        if kind_of(route) is Kind.TOKEN:
            assert "noindex" in headers["x-robots-tag"], where
        assert status < 500, where
        if method in {"PUT", "DELETE", "PATCH", "TRACE"}:
            assert (status, "GET" in headers["allow"] or "POST" in headers["allow"]) == (405, True), where


@pytest.mark.parametrize("path", ["/", "/nothing", "/leave/x", "/assets/logo", "/assets/../balintmail.toml"])
def test_unknown_paths_carry_them_too_3_4(client: TestClient, path: str) -> None:
    _, headers = ask(client, "GET", path)
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"


def test_routes_behind_a_token_declare_it(app: FastAPI) -> None:
    for route, _ in every_path(app):
        secret = bool(re.search(r"\{(token|secret)\}", route.path))
        assert (kind_of(route) is Kind.TOKEN) == secret, route.path


def test_application_with_an_undeclared_route_does_not_start(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from fastapi import APIRouter

    from balintmail.web import health

    router = APIRouter()
    router.add_api_route("/open", lambda: "", methods=["GET"])
    monkeypatch.setattr(health, "router", router)
    with pytest.raises(UnguardedRoute, match="/open"):
        make_app(context)


def test_no_strict_transport_without_https(context: Context) -> None:
    import dataclasses

    found(context)
    plain = Settings(society=Society(name="S", url="http://balint.example.org"))
    with TestClient(make_app(dataclasses.replace(context, settings=plain))) as client:
        assert "strict-transport-security" not in client.get("/").headers


def test_no_token_in_the_log_3_4(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for path in ("/leave/", "/preferences/", "/manage/", "/confirm/", "/decide/", "/nothing/"):
            for method in ("GET", "POST"):
                client.request(method, f"{path}{TOKEN}", params={"x": TOKEN})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("balintmail", "uvicorn"))]
    assert len(ours) >= 12
    assert not [line for line in ours if TOKEN in line]


def test_fault_of_ours_shows_no_trace_and_logs_no_address_3_4(
    app: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret reason about reader@example.org")

    monkeypatch.setattr("balintmail.web.home.readiness", broken)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "This is our fault" in answer.text
    assert not re.search(r"Traceback|RuntimeError|secret reason|reader@|\.py", answer.text)
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "RuntimeError" in line
    assert "reader@example.org" not in line


def test_busy_database_is_told_as_such(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    from sqlalchemy.exc import OperationalError

    def busy(*_: object) -> None:
        raise OperationalError("SELECT reader@example.org", {}, sqlite3.OperationalError("database is locked"))

    monkeypatch.setattr("balintmail.web.home.readiness", busy)
    answer = client.get("/")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert "We are busy just now" in answer.text
