"""Links are asked in parallel, within a time limit, against a real server with its faults."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from balintmail.composing.lint import Level
from balintmail.services.links import Asked, TimeLimits, ask


class _Faulty(BaseHTTPRequestHandler):
    """Answers by the path: its number is the status, `slow` never answers, `round` leads to itself."""

    def do_GET(self) -> None:
        asked: list[str] = self.server.asked  # type: ignore[attr-defined]
        asked.append(self.path)
        if self.path.startswith("/slow"):
            time.sleep(1.5)
        elif self.path == "/round":
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
            return
        elif self.path == "/garbage":
            self.wfile.write(b"garbage\r\n\r\n")
            return
        elif self.path == "/endless":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"x" * 100_000)
            return
        status = int(self.path[1:4]) if self.path[1:4].isdigit() else 200
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


@pytest.fixture
def server() -> Iterator[_Quiet]:
    found = _Quiet(("127.0.0.1", 0), _Faulty)
    found.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=found.serve_forever, daemon=True)
    thread.start()
    yield found
    found.shutdown()
    found.server_close()


def url(server: _Quiet, path: str) -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


@pytest.mark.parametrize(
    ("path", "code", "level", "told"),
    [
        ("/200", "link_private", Level.NOTE, "your network"),
        ("/404", "link_dead", Level.WARN, "answers 404: there is no such page"),
        ("/500", "link_dead", Level.WARN, "answers 500"),
        ("/403", "link_refused", Level.NOTE, "answers 403"),
        ("/round", "link_dead", Level.WARN, "in a circle"),
        ("/garbage", "link_dead", Level.WARN, "cannot be reached"),
        ("/endless", "link_private", Level.NOTE, "your network"),
    ],
)
def test_answer_becomes_a_finding_with_its_line(server: _Quiet, path: str, code: str, level: Level, told: str) -> None:
    (finding,) = ask([Asked(url(server, path), 12)])
    assert (finding.code, finding.level, finding.line) == (code, level, 12)
    assert told in finding.message


def test_silent_server_ends_at_the_time_limit(server: _Quiet) -> None:
    began = time.monotonic()
    (finding,) = ask([Asked(url(server, "/slow"), 3)], TimeLimits(one=0.3))
    assert time.monotonic() - began < 1.2
    assert "did not answer within" in finding.message


def test_links_are_asked_in_parallel_and_each_once(server: _Quiet) -> None:
    asked = [Asked(url(server, f"/slow{n % 6}"), n) for n in range(12)]
    began = time.monotonic()
    ask(asked, TimeLimits(one=0.8))
    assert time.monotonic() - began < 2.5
    assert sorted(server.asked) == [f"/slow{n}" for n in range(6)]  # type: ignore[attr-defined]


def test_all_together_have_a_time_limit(server: _Quiet) -> None:
    asked = [Asked(url(server, f"/slow{n}"), n) for n in range(40)]
    began = time.monotonic()
    findings = ask(asked, TimeLimits(one=0.5, all=0.7))
    assert time.monotonic() - began < 2
    assert len(findings) == 40
    assert any("was not asked" in finding.message for finding in findings)


def test_closed_port_and_unknown_host_are_dead() -> None:
    findings = ask([Asked("http://127.0.0.1:1/", 1), Asked("https://no-such-host.invalid/", 2)], TimeLimits(one=5))
    assert [(finding.code, finding.line) for finding in findings] == [("link_dead", 1), ("link_dead", 2)]


@pytest.mark.parametrize(
    "address", ["mailto:a@example.org", "ftp://x.example.org", "cid:x", "#fn1", "file:///etc/passwd", "tel:+44", ""]
)
def test_only_web_addresses_are_asked(address: str) -> None:
    assert ask([Asked(address, 1)]) == []


@pytest.mark.parametrize(
    "address", ["http://", "http://[", "https://exa mple.org/", "http://x:99999/", "http://\u2028"]
)
def test_broken_address_is_a_finding_and_never_an_exception(address: str) -> None:
    assert [finding.code for finding in ask([Asked(address, 1)], TimeLimits(one=2))] == ["link_dead"]
