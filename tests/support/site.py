"""A served instance as a visitor and a real browser meet it: `balintmail serve` in a process of its own."""

import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.command import SOCIETY, Finished, call

CHROMIUM = shutil.which("chromium")
OFFLINE = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
LANGUAGES = ("en", "de", "fr", "hu")
WIDTHS = (360, 1280)


@dataclass(frozen=True, slots=True)
class Served:
    """One served instance: where it answers, its folder, and its process."""

    url: str
    folder: Path
    process: "subprocess.Popen[str]"

    def __call__(self, *args: str | Path) -> Finished:
        """Run a command on the instance, as its Secretary would."""
        return call("-C", self.folder, *args)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return httpx.get(self.url + path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return httpx.post(self.url + path, **more)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def served(folder: Path, *options: str, settings: str = "", init: Sequence[str] = ()) -> Iterator[Served]:
    """Found a society in `folder`, with `settings` added to its file, serve it, and stop it at the end."""
    port = free_port()
    done = call("init", folder, *SOCIETY, "--url", f"http://127.0.0.1:{port}", *init)
    assert done.status == 0, done.said
    file = folder / "balintmail.toml"
    # An outbox that was chosen is no gap in the settings, so the front page is what a visitor sees.
    chosen = file.read_text("utf-8").replace(
        '# transport = "outbox"', "" if "[relays." in settings else 'transport = "outbox"'
    )
    file.write_text(chosen + settings, "utf-8")
    with serving(folder, port, *options) as found:
        yield found


@contextmanager
def serving(folder: Path, port: int, *options: str) -> Iterator[Served]:
    """Serve the instance in `folder` and stop it at the end; what it says goes to serve.log beside it."""
    command = [sys.executable, "-m", "balintmail", "-C", str(folder), "serve", "--port", str(port), "--json", *options]
    with (folder / "serve.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            yield Served(_announced(process, folder), folder, process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(60)
            assert process.stdout is not None
            process.stdout.close()


def _announced(process: "subprocess.Popen[str]", folder: Path) -> str:
    """Return the address that the server says it answers at, once it does."""
    said = ""
    assert process.stdout is not None
    while not said.rstrip().endswith("}"):
        line = process.stdout.readline()
        assert line, f"it ended: {(folder / 'serve.log').read_text('utf-8')}"
        said += line
    url = str(json.loads(said)["url"]).rstrip("/")
    # The socket listens before the loop runs, so a first request waits and is not refused.
    assert httpx.get(f"{url}/healthz", timeout=30).status_code == 200
    return url


def violations(page: Any) -> list[str]:
    """Return what axe-core finds wrong with a page, one line each."""
    from axe_playwright_python.sync_playwright import Axe

    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(page, options=rules).response["violations"]
    return [f"{one['id']}: {one['help']} {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


def tab_to(page: Any, name: str, *, most: int = 60) -> None:
    """Go on with the tab key until the element with that accessible name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if _focused(page) == name:
            return
    raise AssertionError(f'the tab key never comes to "{name}"')


def _focused(page: Any) -> str:
    """Return the words by which a screen reader names what has the focus."""
    said = page.evaluate(
        """() => { const e = document.activeElement; if (!e) return '';
        const label = e.labels && e.labels[0] ? e.labels[0].innerText : (e.innerText || e.value || '');
        return label; }"""
    )
    return re.sub(r"\s+", " ", str(said)).strip()
