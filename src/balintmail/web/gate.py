"""The one gate: every request passes it before any route is called, and every answer on its way out.

It lets in what a declared route expects and denies all else; it takes in the body within limits and a time before
anything reads it (D11 to D14), answers HEAD and OPTIONS without troubling a route's business (C14, C15), and writes the
fields of web/headers.py on every answer. It never redirects, and it logs the route's pattern instead of the path, since
paths carry tokens.
"""

import asyncio
import logging
import re
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from balintmail.catalogue import choose
from balintmail.domain.networks import Network
from balintmail.web import headers
from balintmail.web.access import Kind, kind_of, takes_files
from balintmail.web.page import LANGUAGE
from balintmail.web.problem import problem
from balintmail.web.site import Site
from balintmail.web.visitor import Visitor, address_of

LARGEST_BODY = 64 * 1024  # bytes; a form with a long answer in every field has a tenth of it
LONGEST_TARGET = 4096  # characters of path and question
MOST_HEADERS = 100
BODY_SECONDS = 20.0  # for the whole body, however it trickles in (D13)
LARGEST_UPLOAD = 25_000_000  # bytes, to a route that takes files; a body is in memory while it is looked at
UPLOAD_SECONDS = 300.0  # a file of ten megabytes over a slow line
MOST_UPLOADS = 3  # at a time; who comes then is asked to come again
LOG = logging.getLogger("balintmail.web")
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One path that is known: who may come in by which methods."""

    pattern: re.Pattern[str]
    path: str
    kind: Kind
    methods: frozenset[str]
    files: bool = False  # files are sent to it


class _Denied(Exception):
    """A request that is not let in, with the status that says why."""

    def __init__(self, status: int, allow: Iterable[str] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.allow = ", ".join(sorted(allow))


class Gate:
    """The gate in front of one application's routes."""

    def __init__(self, app: ASGIApp, site: Site, entries: Sequence[Entry], proxies: Sequence[Network]) -> None:
        self._app = app
        self._site = site
        self._proxies = proxies
        self._entries = entries
        self._uploads = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # nobody speaks WebSocket here
            await send({"type": "websocket.close", "code": 1000})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = time.monotonic()
        scope = self._known(scope)
        answer = _Answer(send, secure=self._site.secure, silent=scope["method"] == "HEAD")
        try:
            if self._enter(scope, answer).files and scope["method"] == "POST":
                await self._upload(scope, receive, answer)
            else:
                scope["state"]["body"] = await _body(scope, receive, LARGEST_BODY, BODY_SECONDS)
                await self._app(_asked(scope), _nothing, answer)
        except _Denied as denied:
            await self._refuse(scope, answer, denied.status, denied.allow)
        except OperationalError as exc:  # the database is away or held: the same again will do in a moment
            LOG.error("the database does not answer: %s", type(exc.orig).__name__)
            await self._refuse(scope, answer, 503)
        except Exception as exc:  # the one place where a fault of ours becomes an answer; nothing of it is shown
            LOG.error("fault in %s\n%s", answer.path, _traced(exc))
            await self._refuse(scope, answer, 500)
        LOG.info("%s %s %s %.0f ms", scope["method"], answer.path, answer.status, (time.monotonic() - begun) * 1000)

    def _known(self, scope: Scope) -> Scope:
        """Return the request's own copy of `scope`, with its visitor, below the public address's path."""
        fields = Headers(scope=scope)
        asked = _asked_language(scope["query_string"][:LONGEST_TARGET].decode("latin-1"))
        language = choose(self._site.languages, asked, fields.get("accept-language", ""), self._site.usual_language)
        peer = scope["client"][0] if scope.get("client") else ""
        # A proxy may add a line of its own behind the visitor's: all of them count, in their order.
        told = ", ".join(fields.getlist(self._site.ctx.settings.web.client_header))
        address = address_of(peer, told, proxies=self._proxies)
        who = Visitor(address, language, chose_language=language == asked.lower())
        state = {**scope.get("state", {}), "visitor": who, "body": b""}
        prefix, path = self._site.prefix, scope["path"]
        if prefix and path.startswith(f"{prefix}/"):
            path = path[len(prefix) :]
        # The host is never taken from the request (D15), nor a path that a proxy or visitor claims.
        return {
            **scope,
            # A file is sent without listening for a visitor who goes: the body was read, and nothing more is heard.
            "asgi": {**scope.get("asgi", {}), "spec_version": "2.4"},
            "path": path,
            "raw_path": path.encode("utf-8", "surrogatepass"),
            "root_path": "",
            "state": state,
        }

    async def _upload(self, scope: Scope, receive: Receive, answer: "_Answer") -> None:
        """Let files in, of so many visitors at a time: each is held in memory until it is kept or refused."""
        if self._uploads >= MOST_UPLOADS:
            raise _Denied(503)
        self._uploads += 1
        try:
            scope["state"]["body"] = await _body(scope, receive, LARGEST_UPLOAD, UPLOAD_SECONDS)
            await self._app(scope, _nothing, answer)
        finally:
            scope["state"]["body"] = b""
            self._uploads -= 1

    def _enter(self, scope: Scope, answer: "_Answer") -> Entry:
        """See that a declared route expects this request, and return which; raise _Denied otherwise."""
        method = scope["method"]
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST_TARGET:
            raise _Denied(414)
        if len(scope["headers"]) > MOST_HEADERS:
            raise _Denied(431)
        matching = [entry for entry in self._entries if entry.pattern.fullmatch(scope["path"])]
        if not matching:
            raise _Denied(404)
        asked = next((entry for entry in matching if method in entry.methods), matching[0])
        answer.path, answer.kind = asked.path, asked.kind
        allowed = {"OPTIONS", *(name for entry in matching for name in entry.methods)}
        if method == "OPTIONS":
            raise _Denied(204, allowed)
        if method not in allowed:
            raise _Denied(405, allowed)
        return asked

    async def _refuse(self, scope: Scope, answer: "_Answer", status: int, allow: str = "") -> None:
        """Answer with a page that says what to do, unless an answer has begun already."""
        if answer.status:
            return
        # A path that leads nowhere is not shown again, not even in the links of the page that says so.
        shown = scope if answer.kind is not None else {**scope, "path": "/", "raw_path": b"/"}
        response = problem(Request(shown), status) if status >= 400 else Response(status_code=status)
        if allow:
            response.headers["allow"] = allow
        await response(scope, _nothing, answer)


class _Answer:
    """Sends an answer with the gate's fields, without its body for HEAD, and without cookies."""

    def __init__(self, send: Send, *, secure: bool, silent: bool) -> None:
        self._send = send
        self._secure = secure
        self._silent = silent
        self.kind: Kind | None = None
        self.path = "(no route)"  # the pattern, which holds no token
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            found = MutableHeaders(scope=message)
            kind = found.get("content-type", "").partition(";")[0]
            fields = headers.fields(self.kind, status=self.status, secure=self._secure, media_type=kind)
            for name, value in fields.items():
                found[name] = value
        elif message["type"] == "http.response.body" and self._silent:
            message = {**message, "body": b""}
        await self._send(message)


def _traced(exc: Exception) -> str:
    """Return what the log says of a fault; addresses are blotted out."""
    return _ADDRESS.sub("(address)", "".join(traceback.format_exception(exc)))


def entries(routes: Iterable[APIRoute]) -> list[Entry]:
    """Return what is let in, a GET being a HEAD as well; raise UnguardedRoute for a route without a kind."""
    found = []
    for route in routes:
        methods = frozenset(route.methods or ())
        methods |= {"HEAD"} if "GET" in methods else frozenset()
        found.append(Entry(route.path_regex, route.path, kind_of(route), methods, takes_files(route)))
    return found


def _asked_language(query: str) -> str:
    """Return the language that the address asks for, "" for none; a question with many parts is not looked at."""
    try:
        return (parse_qs(query, max_num_fields=100).get(LANGUAGE) or [""])[0]
    except ValueError:
        return ""


def _asked(scope: Scope) -> Scope:
    """Return the scope as a route sees it: a HEAD is a GET whose body nobody sends."""
    return {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope


async def _body(scope: Scope, receive: Receive, largest: int, seconds: float) -> bytes:
    """Return a POST's body; raise _Denied when it is too large, too slow, packed, or ends too soon."""
    if scope["method"] != "POST":
        return b""
    fields = Headers(scope=scope)
    if fields.get("content-encoding", "identity").lower() != "identity":
        raise _Denied(415)  # what is packed has no size that could be known beforehand
    told = fields.get("content-length", "0")
    if not told.isdecimal() or len(told) > 12 or int(told) > largest:
        raise _Denied(413 if told.isdecimal() else 400)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _Denied(400)
                body += message.get("body", b"")
                if len(body) > largest:
                    raise _Denied(413)
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError as exc:
        raise _Denied(408) from exc


async def _nothing() -> Message:
    """Stand for a body that has been read already."""
    return {"type": "http.request", "body": b"", "more_body": False}
