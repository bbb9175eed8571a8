"""Where the messages of the bench go: Postfix's smtp-sink, a sink behind TLS, and the proxy that makes a relay far.

`python -m bench.sinks PORT CERTIFICATE KEY` is the sink behind TLS, because smtp-sink speaks none: it answers every
command with a yes, takes what comes up to the dot, and looks at nothing.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

FROM, TO = "bounces@balint.example.org", "reader@example.org"
PLACES = "/usr/sbin:/usr/bin:/usr/libexec/postfix:/usr/local/sbin"
SMTP_SINK = shutil.which("smtp-sink", path=PLACES) or shutil.which("smtp-sink") or ""
SMTP_SOURCE = shutil.which("smtp-source", path=PLACES) or shutil.which("smtp-source") or ""


def require_postfix() -> None:
    """End with a word on what to install where Postfix's sink and generator are missing."""
    if not SMTP_SINK or not SMTP_SOURCE:
        raise SystemExit(
            "This measures against smtp-sink and smtp-source, which come with Postfix and were not found.\n"
            "On Debian and Ubuntu: sudo apt install postfix   (no mail server has to run)"
        )


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def smtp_sink() -> Iterator[int]:
    """Yield the port of a running smtp-sink."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to be root, and only root may name a user
    with _running([SMTP_SINK, *user, f"127.0.0.1:{port}", "512"], port):
        yield port


def length_for_smtp_source(size: int) -> int:
    """Return the length to tell smtp-source so that its messages have `size` octets: it adds a header of its own.

    Found by taking one message from it.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        where = f"127.0.0.1:{server.getsockname()[1]}"
        one = [SMTP_SOURCE, "-m", "1", "-l", str(size), "-f", FROM, "-t", TO, where]
        source = subprocess.Popen(one, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        client, _ = server.accept()
        with client, client.makefile("rwb") as line:
            client.settimeout(10)
            for answer in (b"220 one", b"250 one", b"250 one", b"250 one", b"354 go on"):
                line.write(answer + b"\r\n")
                line.flush()
                if answer[:3] != b"354":
                    line.readline()
            taken = 0
            while (text := line.readline()) not in {b".\r\n", b""}:
                taken += len(text)
            line.write(b"250 taken\r\n")
        source.kill()
        source.wait()
    return size - (taken - size)


@contextlib.contextmanager
def tls_sink(folder: Path) -> Iterator[int]:
    """Yield the port of a sink behind TLS; `folder` gets its certificate, and the authority's as `ca.pem`."""
    import trustme  # noqa: PLC0415  (of the tests' packages; only this side needs it)

    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    port = free_port()
    command = [sys.executable, "-m", "bench.sinks", str(port), str(folder / "cert.pem"), str(folder / "key.pem")]
    with _running(command, port):
        yield port


@contextlib.contextmanager
def far_away(port: int, milliseconds: float) -> Iterator[int]:
    """Yield a port behind which `port` answers a round trip later."""
    near = free_port()
    with _running([sys.executable, "-m", "bench.far", str(near), str(port), str(milliseconds)], near):
        yield near


@contextlib.contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        else:
            raise SystemExit(f"{command[0]} does not listen")
        yield
    finally:
        process.terminate()
        process.wait()


class _Sink(asyncio.Protocol):
    """One connection of the sink behind TLS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._buffer = b""
        self._in_data = False
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        buffer, out = self._buffer + data, []
        while buffer:
            end, ending = (buffer.find(b"\r\n.\r\n"), 5) if self._in_data else (buffer.find(b"\r\n"), 2)
            if end < 0:
                break
            line, buffer = buffer[:end], buffer[end + ending :]
            if self._in_data:
                self._in_data = False
                out.append(b"250 taken\r\n")
            else:
                out.append(self._answer(line[:4].upper()))
        self._buffer = buffer
        if out:
            self._transport.write(b"".join(out))

    def _answer(self, verb: bytes) -> bytes:
        self._in_data = verb == b"DATA"
        answers = {b"DATA": b"354 go on\r\n", b"EHLO": b"250-sink\r\n250 PIPELINING\r\n", b"QUIT": b"221 bye\r\n"}
        return answers.get(verb, b"250 ok\r\n")


async def _serve(port: int, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Sink, "127.0.0.1", port, ssl=context, backlog=512)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
