"""`balintmail serve` as a process: what it says, how it stops, what it gives up on; the dispatcher beside it."""

import os
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from balintmail.web import server
from tests.support.command import founded, process
from tests.support.site import Served, free_port, served, serving


def connect(site: Served) -> socket.socket:
    host, _, port = site.url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def test_it_answers_and_tells_no_server_nor_version(site: Served) -> None:
    answer = site.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "server" not in answer.headers


def test_first_run_page_names_what_is_missing_and_gives_way(tmp_path: Path) -> None:
    port = free_port()
    founded(tmp_path / "i")
    with serving(tmp_path / "i", port, "--no-dispatch") as bare:
        page = bare.get("/").text
        for words in ("The public address of this site", "A way for mail to leave", "A dispatcher", "[relays.main]"):
            assert words in page
        assert page.count("To do") == 3
        assert "secretary@balint.example.org</code>" not in page
        assert bare.get("/privacy").status_code == 200


def test_stop_ends_open_requests_and_the_dispatcher(tmp_path: Path) -> None:
    with served(tmp_path / "i") as site:
        deadline = time.monotonic() + 30
        while not (found := _children(site.process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        with connect(site) as open_request:
            open_request.sendall(b"POST /privacy HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
            assert open_request.recv(12) == b"HTTP/1.1 405"
        site.process.send_signal(signal.SIGTERM)
        assert site.process.wait(60) == 0
        assert found
        assert not [pid for pid in found if Path(f"/proc/{pid}").exists()]


def test_killed_server_leaves_no_dispatcher_behind(tmp_path: Path) -> None:
    with served(tmp_path / "i") as site:
        deadline = time.monotonic() + 30
        while not (found := _children(site.process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        site.process.kill()
        site.process.wait(30)
        deadline = time.monotonic() + 30
        while [pid for pid in found if _runs(pid)] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert found
        assert not [pid for pid in found if _runs(pid)]


def test_dispatcher_is_started_again(tmp_path: Path) -> None:
    with served(tmp_path / "i") as site:
        deadline = time.monotonic() + 60
        while not (first := _children(site.process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(first[0], signal.SIGKILL)
        while (now := _children(site.process.pid)) in ([], first) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert now
        assert now != first
        assert "is started again" in (site.folder / "serve.log").read_text("utf-8")


def test_taken_port_is_told_in_two_lines(site: Served, tmp_path: Path) -> None:
    port = site.url.rpartition(":")[2]
    done = process("-C", str(site.folder), "serve", "--port", port)
    assert done.status == 1
    assert f"port {port}" in done.err
    assert "--port 8001" in done.err
    assert "Traceback" not in done.err


def test_slow_head_is_given_up_D13(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from fastapi import FastAPI

    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    listening = server.listen("127.0.0.1", 0)
    port = listening.getsockname()[1]

    async def trickle() -> tuple[bytes, float]:
        one = server.server(FastAPI())
        running = asyncio.create_task(one.serve(sockets=[listening]))
        while not one.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        begun = time.monotonic()
        writer.write(b"GET / HTTP/1.1\r\n")
        for _ in range(100):
            writer.write(b"X-Slow: 1\r\n")
            await asyncio.sleep(0.02)
            if reader.at_eof():
                break
        said, took = await reader.read(), time.monotonic() - begun
        writer.close()
        one.should_exit = True
        await running
        return said, took

    said, took = asyncio.run(trickle())
    assert said == b""
    assert took < 1.9


def test_large_head_is_refused(site: Served) -> None:
    with connect(site) as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: " + b"x" * 100_000)
        assert one.recv(12) in {b"HTTP/1.1 400", b""}


def test_log_holds_patterns_and_no_tokens_3_4(tmp_path: Path) -> None:
    with served(tmp_path / "i", "-v") as site:
        token = "aebagbafaydqqcikbmga2dqp"
        site.get(f"/leave/{token}")
        site.get(f"/leave/{token}/x%1b[31m")
    log = (tmp_path / "i" / "serve.log").read_text("utf-8")
    assert "GET /leave/{token} " in log
    assert "GET (no route) 404" in log
    assert token not in log
    assert "\x1b" not in log


def _children(pid: int) -> list[int]:
    """Return the dispatchers that a server has started."""
    try:
        found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        found += [int(one) for task in Path(f"/proc/{pid}/task").iterdir() for one in _of(task)]
    except OSError:
        return []
    return sorted({one for one in found if b"--beside-serve" in _command(one)})


def _of(task: Path) -> list[str]:
    try:
        return (task / "children").read_text().split()
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _runs(pid: int) -> bool:
    return bool(_command(pid))


def test_pages_behind_a_proxy_are_fetched_as_the_proxy_sends_them(site: Served) -> None:
    headers = {"Host": "balint.example.org", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    assert httpx.get(f"{site.url}/privacy", headers=headers).status_code == 200
