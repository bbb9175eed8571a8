"""Where the messages of the bench go: Postfix's smtp-sink, a sink behind TLS, and the proxy that makes a relay far.

`python -m bench.sinks PORT CERTIFICATE KEY` is the sink behind TLS, because smtp-sink speaks none: it answers every
command with a yes, takes what comes up to the dot, and looks at nothing.
"""

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

SMTP_SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/usr/libexec/postfix") or "smtp-sink"
SMTP_SOURCE = shutil.which("smtp-source", path="/usr/sbin:/usr/bin:/usr/libexec/postfix") or "smtp-source"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def smtp_sink() -> Iterator[int]:
    """Yield the port of a running smtp-sink."""
    port = free_port()
    with _running([SMTP_SINK, "-u", "nobody", f"127.0.0.1:{port}", "512"], port):
        yield port


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
