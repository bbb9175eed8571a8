"""The same dialogue with a server that others wrote (aiosmtpd): no fake of ours in the middle."""

import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from balintmail.config import Security
from balintmail.domain.outcome import Stage, Verdict
from tests.relay import Authority
from tests.support.sending import LOOPS, letter, run, send, smtp


class Sink:
    """Keeps what it is given; knows no `nobody@`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append((envelope.rcpt_tos[0], envelope.original_content))
        return "250 2.0.0 kept"


def started(sink: Sink, **options: Any) -> Controller:
    with socket.socket() as free:  # the controller cannot choose a port by itself
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port, **options)
    controller.start()
    return controller


@pytest.mark.parametrize("loop", LOOPS)
def test_aiosmtpd_takes_every_letter_once_and_byte_for_byte(loop: str) -> None:
    sink = Sink()
    controller = started(sink, enable_SMTPUTF8=True)
    try:
        messages = [
            letter(1, b"..\r\n.\r\n"),
            letter(2, to="nobody@example.org"),
            letter(3, "Grüße\r\n".encode(), to="josé@example.org", utf8=True),
        ]
        outcomes = run(send(smtp(controller.port, host="127.0.0.1"), messages), loop)
    finally:
        controller.stop()
    assert [(o.verdict, o.stage) for o in outcomes] == [
        (Verdict.ACCEPTED, Stage.DOT),
        (Verdict.REFUSED, Stage.RCPT),
        (Verdict.ACCEPTED, Stage.DOT),
    ]
    assert sink.taken == [("reader1@example.org", messages[0].data), ("josé@example.org", messages[2].data)]


@pytest.mark.parametrize("loop", LOOPS)
def test_aiosmtpd_over_starttls(loop: str, tmp_path: Path) -> None:
    authority, sink = Authority(), Sink()
    context: ssl.SSLContext = authority.context()
    controller = started(sink, tls_context=context, require_starttls=True)
    try:
        transport = smtp(
            controller.port,
            host="127.0.0.1",
            security=Security.STARTTLS,
            ca_file=authority.write(tmp_path / "ca.pem"),
        )
        assert run(send(transport, [letter(1), letter(2)]), loop)[1].verdict is Verdict.ACCEPTED
    finally:
        controller.stop()
    assert [recipient for recipient, _ in sink.taken] == ["reader1@example.org", "reader2@example.org"]
