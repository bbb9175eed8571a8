"""The gate: what it lets in, what it denies, and how it says so; the bad requests of standards.md 3.3, C and D."""

import asyncio
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from balintmail.services.context import Context
from balintmail.web import gate
from balintmail.web.app import make_app
from balintmail.web.visitor import visitor
from tests.support.society import found

BOUNDARY = "simple"


def raw(app: FastAPI, path: str, *, method: str = "GET", headers: dict[str, str] | None = None, **more: Any) -> Any:
    """Ask the application with a path that no client would send; return the status, the headers and the body."""
    body: list[dict[str, Any]] = list(more.pop("body", [{"type": "http.request", "body": b"", "more_body": False}]))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not body:
            await asyncio.sleep(3600)
        return body.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": more.pop("query", b""),
        "root_path": "",
        "headers": [
            *((name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()),
            *more.pop("more_headers", ()),
        ],
        "client": ("192.0.2.1", 4711),
        "server": ("127.0.0.1", 8000),
        **more,
    }
    asyncio.run(app(scope, receive, send))
    start = sent[0]
    return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, sent[1]["body"]


pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # the gate asks no database
TRICKS = ("{}/", "/{}", "{};x", "{}%2f", "{}/.", "{}/..", "/.{}", "/x/..{}", "{}\x00", "{}\n", "{} ", "{}?", "{}#")
STRANGE = ("/HEALTHZ", "/Privacy", "/assets/", "/assets/../balintmail.toml", "", "*", "\\", "/\xe9\ud800")
ODD = (b"x=1&" * 200, b"lang=de&lang=hu", b"lang=%00", b"lang[]=de", b"&&&=&", b"lang=" + b"%ff" * 900, b"%")
CODE = ("<script>alert(1)</script>", "\"'><img src=x onerror=1>", "{{1234*5678}}", "${1234*5678}", "{% x %}")


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("path", ["/healthz", "/privacy", "/assets/site.css", "/robots.txt"])
def test_no_trick_with_the_path_reaches_a_route_D18(app: FastAPI, path: str, trick: str) -> None:
    assert raw(app, trick.format(path))[0] == 404
    assert raw(app, path)[0] == 200


@pytest.mark.parametrize("path", STRANGE)
def test_unknown_paths_are_denied_D9_D18(app: FastAPI, path: str) -> None:
    assert raw(app, path)[0] == 404


def test_method_override_is_not_heard_D17(client: TestClient) -> None:
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert client.get("/privacy", headers={name: "POST"}).status_code == 200
        assert client.post("/privacy", headers={name: "GET"}).status_code == 405
    assert client.post("/privacy?_method=GET", data={"_method": "GET"}).status_code == 405


def test_forged_host_is_not_heard_D15(client: TestClient) -> None:
    forged = {"Host": "evil.example.net", "X-Forwarded-Host": "evil.example.net", "Forwarded": "host=evil.example.net"}
    answer = client.get("/", headers=forged)
    assert answer.status_code == 200
    assert "evil" not in answer.text + str(answer.headers)


def test_line_that_a_visitor_adds_before_the_proxys_is_not_believed_D16(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from balintmail.config import Settings, Society, Web

    found(context)
    seen: list[str] = []

    def look(request: Request, *_: object) -> PlainTextResponse:
        seen.append(visitor(request).address)
        return PlainTextResponse("")

    monkeypatch.setattr("balintmail.web.home.render", look)
    two = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"203.0.113.9")]
    for proxies in ((), ("127.0.0.1",)):
        behind = Settings(society=Society(url="https://balint.example.org"), web=Web(proxies=proxies))
        app = make_app(dataclasses.replace(context, settings=behind))
        assert raw(app, "/privacy", client=("127.0.0.1", 1), more_headers=two)[0] == 200
    assert seen == ["127.0.0.1", "203.0.113.9"]


def test_head_is_a_get_without_its_body_C14(client: TestClient) -> None:
    answer, whole = client.head("/"), client.get("/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(whole.content))


def test_options_says_what_is_allowed_C15(client: TestClient) -> None:
    answer = client.options("/", headers={"Origin": "https://evil.example.net", "Access-Control-Request-Method": "PUT"})
    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD, OPTIONS", b"")


@pytest.fixture
def post_path(app: FastAPI) -> str:
    """A path that takes forms: the first in the application."""
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    return next(route.path for route in routes if "POST" in (route.methods or ()) and "{" not in route.path)


def test_body_that_says_it_is_large_is_refused_unread_D11(app: FastAPI, post_path: str) -> None:
    told = {"Content-Length": str(100_000_000), "Content-Type": "application/x-www-form-urlencoded"}
    assert raw(app, post_path, method="POST", headers=told, body=[])[0] == 413


def test_body_that_grows_large_is_refused_on_the_way_D11_D14(app: FastAPI, post_path: str) -> None:
    taken = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal taken
        while True:
            taken += 1
            yield {"type": "http.request", "body": b"x" * 8192, "more_body": True}

    source = endless()

    told = {"Content-Length": "10", "Content-Type": "application/x-www-form-urlencoded"}
    sent: list[Any] = []

    async def receive() -> Any:
        return next(source)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": post_path, "query_string": b"", "scheme": "http", "client": None}
    fields = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    asyncio.run(app({**scope, "headers": fields, "raw_path": b"", "root_path": ""}, receive, send))
    assert sent[0]["status"] == 413
    assert taken <= gate.LARGEST_BODY // 8192 + 1


def test_slow_body_is_given_up_D13(app: FastAPI, post_path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.05)
    first = {"type": "http.request", "body": b"name=", "more_body": True}
    assert raw(app, post_path, method="POST", body=[first])[0] == 408


@pytest.mark.parametrize("told", ["-1", "1e3", "0x10", "", "９", "1" * 400])
def test_senseless_length_is_refused_D14(app: FastAPI, post_path: str, told: str) -> None:
    headers = {"Content-Length": told} if told.isascii() else {}
    headers |= {"Content-Encoding": "gzip"} if not headers else {}
    assert raw(app, post_path, method="POST", headers=headers)[0] in {400, 413, 415}


def test_body_that_ends_too_soon_is_refused_D14(app: FastAPI, post_path: str) -> None:
    first = {"type": "http.request", "body": b"name=", "more_body": True}
    assert raw(app, post_path, method="POST", body=[first, {"type": "http.disconnect"}])[0] == 400


def test_many_fields_are_refused_D12(client: TestClient, post_path: str) -> None:
    assert client.post(post_path, data={f"f{number}": "x" for number in range(3000)}).status_code == 413
    parts = {f"f{number}": (None, "x") for number in range(300)}
    assert client.post(post_path, files=parts).status_code == 413


def test_packed_body_is_refused(client: TestClient, post_path: str) -> None:
    assert client.post(post_path, content=b"x", headers={"Content-Encoding": "gzip"}).status_code == 415


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'b' * 10_000}",
        f"multipart/form-data; boundary={BOUNDARY}",
        'multipart/form-data; boundary="\x00"',
    ],
)
def test_broken_multipart_is_refused_kindly_H8(client: TestClient, post_path: str, kind: str) -> None:
    answer = client.post(post_path, content=b"--simple\r\nnonsense", headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert "We could not read that" in answer.text


def test_very_long_target_and_many_headers_are_refused_C10(client: TestClient, app: FastAPI) -> None:
    assert client.get("/privacy?" + "x" * 5000).status_code == 414
    assert raw(app, "/privacy", headers={f"x-{number}": "y" for number in range(150)})[0] == 431


@pytest.mark.parametrize("query", ODD)
def test_odd_questions_change_nothing_C7_C8(app: FastAPI, query: bytes) -> None:
    assert raw(app, "/privacy", query=query)[0] == 200


@pytest.mark.parametrize("text", CODE)
def test_what_a_visitor_sends_never_comes_back_as_markup_D1_D4(client: TestClient, text: str) -> None:
    headers = {"Accept-Language": text, "Referer": text}
    for path in ("/privacy", "/nothing"):
        page = client.get(path, params={"lang": text, "x": text}, headers=headers).text
        assert text not in page
        assert "7006652" not in page


def test_site_below_a_path_answers_with_and_without_it(context: Context) -> None:
    from balintmail.config import Settings, Society

    found(context)
    below = Settings(society=Society(name="S", url="https://example.org/balint"))
    with TestClient(make_app(dataclasses.replace(context, settings=below))) as client:
        for path in ("/balint/privacy", "/privacy"):
            answer = client.get(path)
            assert answer.status_code == 200
            assert 'href="/balint/assets/site.css?' in answer.text
            assert 'href="/balint/privacy?lang=hu"' in answer.text


def test_web_sockets_are_closed(client: TestClient) -> None:
    from starlette.websockets import WebSocketDisconnect

    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass
