"""Schemathesis on every route: whatever is sent, no answer is a fault of ours, and every one carries the fields of 3.4.

The description of the routes is made for this test and served to nobody. Fields come from the forms on the pages.
"""

import re
from dataclasses import dataclass
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
from tests.support.beside import beside
from tests.support.pages import FILLING, forms, furnish

schemathesis = pytest.importorskip("schemathesis")
requests = pytest.importorskip("requests")
pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
EXAMPLES = 12  # for each operation and database
KINDS = (*[""] * 9, "text/plain", "x")  # mostly the right one


@dataclass(frozen=True, slots=True)
class Live:
    """What makes a made-up request reach a page's own business: its link's secret, and its form's hidden fields."""

    parameters: dict[str, str]
    hidden: dict[str, str]


def described(app: FastAPI, client: TestClient, paths: dict[str, str]) -> tuple[dict[str, Any], dict[str, Live]]:
    """Return the OpenAPI description of every route, and what is live of each."""
    document: dict[str, Any] = get_openapi(title="site", version="1", routes=app.routes)
    live: dict[str, Live] = {}
    for pattern, operations in document["paths"].items():
        known = paths.get(pattern, pattern)
        page = client.get(known)
        found = [form for form in forms(page.text) if form.method == "POST"] if "html" in of_kind(page) else []
        hidden = {name: form.fields[name] for form in found for name in form.hidden}
        for form in found:
            hidden |= form.buttons
        live[pattern] = Live(named_in(known.partition("?")[0], pattern), hidden)
        text = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
        schema = {"type": "object", "properties": dict.fromkeys(sorted({f for one in found for f in one.fields}), text)}
        if "post" in operations:
            kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
            operations["post"]["requestBody"] = {"content": {kind: {"schema": schema} for kind in kinds}}
    return document, live


def named_in(path: str, pattern: str) -> dict[str, str]:
    """Return what each name of the pattern stands for in the path."""
    wanted = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(pattern))
    found = re.fullmatch(wanted, path)
    assert found is not None, pattern
    return found.groupdict()


def of_kind(answer: Any) -> str:
    return str(answer.headers.get("content-type", ""))


def every_answer_of(operation: Any, client: TestClient, live: Live) -> list[int]:
    """Send what fits the operation, live and made up, under right types and wrong; return the answers' statuses."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(), kind=st.sampled_from([*[""] * 9, "text/plain", "x"]), made_up=st.integers(0, 3)
    )
    def one(case: Any, kind: str, made_up: int) -> None:
        if made_up == 0:
            case.path_parameters = live.parameters
            if isinstance(case.body, dict):
                case.body |= live.hidden
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
    return answers


def test_no_request_that_fits_a_route_is_a_fault_of_ours(
    app: FastAPI, client: TestClient, context: Context, clock: MovableClock
) -> None:
    pages = furnish(context)
    document, live = described(app, client, pages.paths | beside(context, client, pages))
    clock.forward(FILLING)
    tried, dead = 0, []
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        operation, tried = result.ok(), tried + 1
        if not set(every_answer_of(operation, client, live[operation.path])) & {200, 400, 410, 422}:
            dead.append(f"{operation.method} {operation.path}")
    assert tried == sum(len(route.methods or ()) for route in app.routes if isinstance(route, APIRoute))
    # There is no logo, and no picture in the draft; everything else was reached.
    assert dead == ["get /assets/logo", "get /release/{token}/pictures/{identity}"]
