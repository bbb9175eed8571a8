"""`balintmail serve`: the society's site, and beside it a dispatcher, so that what the pages promise leaves at once."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import click

from balintmail.cli.command import App, Command, pass_app

if TYPE_CHECKING:
    from balintmail.wiring import Instance

_AGAIN_SECONDS = (2.0, 10.0, 60.0, 300.0)  # growing pauses before a dispatcher that ended is started anew
_STEADY_SECONDS = 600.0  # after which the next end counts as the first
_STOP_SECONDS = 30.0  # that the dispatcher gets to end its open messages


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port; 0: a free one.")
@click.option("--no-dispatch", is_flag=True, help="Serve pages alone; mail waits for cron or another dispatcher.")
@pass_app
def serve(app: App, host: str, port: int, no_dispatch: bool) -> int:
    """Serve the society's pages: joining, leaving, preferences.

    It stays in the foreground until Ctrl-C or SIGTERM, and ends open requests first. Mail that the pages promise is
    sent by a dispatcher that runs beside it. docs/serving.md shows how to put nginx or Caddy in front of it.
    """
    from balintmail.web.app import make_app  # noqa: PLC0415  (a second of imports that no other command needs)
    from balintmail.web.server import listen, server  # noqa: PLC0415
    from balintmail.web.site import ACTOR  # noqa: PLC0415

    with app.instance() as instance:
        _tell_on_stderr(app)
        site = make_app(instance.context(actor=app.options.by or ACTOR))
        listening = listen(host, port)
        _announce(app, instance, *listening.getsockname()[:2])
        dispatcher = None if no_dispatch else Dispatcher(instance)
        try:
            # uvicorn takes the signals, ends well, and then raises them once more for whoever had them before.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: None)
            server(site).run(sockets=[listening])
        finally:
            listening.close()
            if dispatcher is not None:
                dispatcher.stop()
    app.out.line("Stopped.")
    return 0


class Dispatcher:
    """`dispatch --watch` in a process of its own, started again when it ends.

    In a process of its own, so that a long send never makes a page wait; it takes the same lock as cron's.
    """

    def __init__(self, instance: "Instance") -> None:
        # Nothing of it is a user's input: this interpreter, this package, the instance's folder.
        python = [sys.executable, "-m", "balintmail"]
        self._command = [*python, "-C", str(instance.folder), "dispatch", "--beside-serve", str(os.getpid())]
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="dispatcher", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it end its open messages, then see it gone."""
        self._stopping.set()
        with self._lock:
            process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(_STOP_SECONDS)

    def _keep(self) -> None:
        """Run it again and again; what it says goes where this process's words go."""
        ends = 0
        while not self._stopping.is_set():
            begun = time.monotonic()
            with self._lock:
                if self._stopping.is_set():
                    return
                # Standard output is this command's own document; what the dispatcher says is for the log.
                self._process = subprocess.Popen(  # noqa: S603
                    self._command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno()
                )
            status = self._process.wait()
            if self._stopping.is_set():
                return
            ends = 1 if time.monotonic() - begun > _STEADY_SECONDS else ends + 1
            pause = _AGAIN_SECONDS[min(ends, len(_AGAIN_SECONDS)) - 1]
            logging.getLogger("balintmail.web").warning(
                "the dispatcher ended with status %s and is started again in %.0f seconds", status, pause
            )
            self._stopping.wait(pause)


def _announce(app: App, instance: "Instance", host: str, port: int) -> None:
    """Say where the pages are, and what a helper would otherwise look for long."""
    society = instance.settings.society
    shown = f"[{host}]" if ":" in host else host
    app.out.line(f"{society.name}: http://{shown}:{port}/")
    app.out.line(f"Public address: {society.url or 'none; set [society] url, and letters will link to it'}")
    if society.url.startswith("https:") and not instance.settings.web.proxies:
        app.out.note("[web] proxies names no proxy: behind one, all visitors seem to be the same (docs/serving.md).")
    app.out.json({"url": f"http://{shown}:{port}/", "public": society.url})
    app.out.line("Ctrl-C stops it.")
    sys.stdout.flush()


def _tell_on_stderr(app: App) -> None:
    """Send our log to standard error: warnings, and every request by its pattern with -v."""
    from balintmail.cli.output import printable  # noqa: PLC0415

    class OneLine(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return printable(super().format(record))  # what a visitor sends cannot drive the terminal (J13)

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(message)s"))
    ours = logging.getLogger("balintmail.web")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO if app.options.verbose else logging.WARNING)
