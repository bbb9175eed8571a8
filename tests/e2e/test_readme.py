"""What README.md promises a stranger, step by step: an instance of one's own, then a relay by three lines."""

import email
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from email import policy
from pathlib import Path

import pytest

from tests.support.command import SOCIETY, process

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The SMTP server that README.md names, which prints what it gets."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path / "server.log"
    with log.open("wb") as out:
        command = [sys.executable, "-u", "-m", "aiosmtpd", "--nosetuid", "--listen", f"127.0.0.1:{port}"]
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield port, log
        finally:
            child.kill()
            child.wait()


def ok(*args: str | Path, cwd: Path) -> str:
    done = process(*args, cwd=cwd)
    assert done.status == 0, f"{args}\n{done.said}"
    return done.out


def test_stranger_gets_from_init_to_a_send_through_an_smtp_server(tmp_path: Path, server: tuple[int, Path]) -> None:
    ok("init", "society", *SOCIETY, cwd=tmp_path)
    home = tmp_path / "society"
    ok("subscribe", "reader@example.org", "--name", "Rose O'Neill-Smith", "--consent", "asked by letter", cwd=home)
    ok("new", "newsletter.md", cwd=home)
    ok("check", "newsletter.md", cwd=home)
    ok("preview", "newsletter.md", cwd=home)
    ok("send", "newsletter.md", "--yes", cwd=home)
    (first,) = (home / "outbox" / "new").iterdir()
    assert email.message_from_bytes(first.read_bytes(), policy=policy.default)["To"].addresses[0].addr_spec == (
        "reader@example.org"
    )

    port, log = server
    with (home / "balintmail.toml").open("a") as settings:
        settings.write(f'\n[relays.main]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n')
    text = (home / "newsletter.md").read_text("utf-8")
    number = int(text.partition("\nnumber: ")[2].split()[0])
    (home / "next.md").write_text(text.replace(f"number: {number}", f"number: {number + 1}"), "utf-8")
    said = ok("send", "next.md", "--yes", cwd=home)
    assert "Sent to 1" in said
    assert "X-Peer" in log.read_text("utf-8", "replace")
    assert len(list((home / "outbox" / "new").iterdir())) == 1
    assert "sent already" in ok("send", "next.md", "--yes", cwd=home)


def test_readme_names_the_server_that_this_test_starts() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "-m aiosmtpd --nosetuid --listen 127.0.0.1:2525" in text
    assert 'host = "127.0.0.1"\n    port = 2525\n    security = "none"' in text
