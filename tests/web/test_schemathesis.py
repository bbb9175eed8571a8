"""Schemathesis on every route: whatever is sent, no answer is a fault of ours, and every one carries the fields of 3.4.

The description of the routes is made for this test and served to nobody. Fields come from the forms on the pages.
"""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from balintmail.services.context import Context
from tests.conftest import MovableClock
from tests.support.pages import FILLING, Pages, forms, furnish

schemathesis = pytest.importorskip("schemathesis")
requests = pytest.importorskip("requests")
pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
EXAMPLES = 8  # for each operation and database


def described(app: FastAPI, client: TestClient, pages: Pages) -> dict[str, Any]:
    """Return the OpenAPI description of every route, with links that work beside made-up ones."""
    document: dict[str, Any] = get_openapi(title="site", version="1", routes=app.routes)
    for pattern, operations in document["paths"].items():
        known = pages.paths.get(pattern)
        fields = {field for form in forms(client.get(known).text) for field in form.fields} if known else set()
        for method, operation in operations.items():
            for one in operation.get("parameters", ()):
                if one["in"] == "path" and known is not None:
                    place = pattern.split("/").index(f"{{{one['name']}}}")
                    alive = known.partition("?")[0].split("/")[place]
                    one["schema"] = {
                        "anyOf": [{"const": alive}, {"const": alive[:-1]}, {"type": "string", "minLength": 1}]
                    }
            if method == "post":
                text = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
                schema = {"type": "object", "properties": dict.fromkeys(sorted(fields), text)}
                kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
                operation["requestBody"] = {"content": {kind: {"schema": schema} for kind in kinds}}
    return document


def every_answer_of(operation: Any, client: TestClient) -> None:
    """Send what fits the operation, with content types that do not among it, and look at each answer."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(), kind=st.sampled_from(["", "", "text/plain", "application/json", "x"]))
    def one(case: Any, kind: str) -> None:
        sent = case.as_transport_kwargs(base_url="https://balint.example.org")
        wanted = {key: sent[key] for key in ("method", "url", "params", "data", "files") if sent.get(key)}
        try:
            wire = requests.Request(**wanted).prepare()
            told = {"content-type": kind or wire.headers.get("content-type", "text/plain")}
            answer = client.request(wire.method, wire.url, content=wire.body, headers=told)
        except (UnicodeError, ValueError, httpx2.InvalidURL):  # nothing that a client could write on the wire
            return
        answers.append(answer.status_code)
        assert answer.status_code < 500, f"{case.method} {operation.path}"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
        assert "location" not in answer.headers

    answers: list[int] = []
    one()
    assert answers, f"{operation.method} {operation.path}: nothing could be sent"


def test_no_request_that_fits_a_route_is_a_fault_of_ours(
    app: FastAPI, client: TestClient, context: Context, clock: MovableClock
) -> None:
    schema = schemathesis.openapi.from_dict(described(app, client, furnish(context)))
    clock.forward(FILLING)
    tried = 0
    for result in schema.get_all_operations():
        every_answer_of(result.ok(), client)
        tried += 1
    assert tried == sum(len(route.methods or ()) for route in app.routes if isinstance(route, APIRoute))
