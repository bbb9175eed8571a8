"""One connection to the fake relay: reads commands, answers them or misbehaves as its faults say."""

import asyncio
import base64
import re
import socket
import struct
from typing import TYPE_CHECKING

from tests.relay.faults import Step, Then
from tests.relay.log import Accepted

if TYPE_CHECKING:
    from tests.relay.server import Relay

_PATH = re.compile(r"^(?:MAIL FROM|RCPT TO):<(?P<address>[^>]*)>(?P<parameters>.*)$", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>\r\n]*>)", re.IGNORECASE | re.MULTILINE)
_LONGEST_COMMAND = 4096


class _Ended(Exception):
    """The session is over."""


class Session:
    """The server's side of one connection."""

    def __init__(self, relay: "Relay", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.relay = relay
        self.reader = reader
        self.writer = writer
        self.buffer = b""
        self.secure = relay.manners.tls is not None
        self.user = ""
        self.sender: str | None = None
        self.utf8 = False
        self.recipients: list[str] = []
        self.accepted = 0

    async def run(self) -> None:
        try:
            await self.answer(Step.GREETING, "", b"220 relay.example.net ESMTP\r\n")
            while True:
                await self.command(await self.line())
        except _Ended:
            pass

    # Reading

    async def more(self) -> None:
        chunk = await self.reader.read(65536)
        if not chunk:
            raise _Ended
        self.buffer += chunk

    async def line(self) -> str:
        while b"\n" not in self.buffer:
            if len(self.buffer) > _LONGEST_COMMAND:
                self.relay.violations.append("an endless command")
                raise _Ended
            await self.more()
        raw, _, self.buffer = self.buffer.partition(b"\n")
        if not raw.endswith(b"\r"):
            self.relay.violations.append("a command without CR")
        text = raw.rstrip(b"\r").decode("utf-8", "replace")
        self.relay.commands.append(text)
        if self.buffer and not self.relay.manners.pipelining:
            self.relay.violations.append(f"pipelined without leave after {text[:40]}")
        return text

    # Answering

    async def answer(self, step: Step, command: str, usual: bytes) -> bytes:
        """Send the usual reply, or what a fault says instead; return what was sent."""
        recipient = self.recipients[-1] if self.recipients else command
        fault = self.relay.fault_at(step, command, recipient, self.accepted)
        if fault is None:
            await self.send(usual)
            return usual
        if fault.delay:
            await asyncio.sleep(fault.delay)
        reply = (usual if fault.reply is None else fault.reply)[: fault.cut] + fault.extra
        if fault.bytewise:
            for byte in reply:
                await self.send(bytes((byte,)))
                await asyncio.sleep(0.001)
        else:
            await self.send(reply)
        await self.then(fault.then)
        return reply

    async def send(self, data: bytes) -> None:
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def then(self, what: Then) -> None:
        if what is Then.GO_ON:
            return
        if what is Then.STALL:
            self.relay.stalled += 1
            while await self.reader.read(65536):
                pass
            raise _Ended
        if what is Then.RESET:
            _reset(self.writer)
        else:
            self.writer.close()
        raise _Ended

    # Commands

    async def command(self, text: str) -> None:
        verb = text[:4].upper()
        if verb in {"EHLO", "HELO"}:
            await self.hello(text, verb)
        elif text.upper() == "STARTTLS":
            await self.start_tls(text)
        elif verb == "AUTH":
            await self.auth(text)
        elif verb == "MAIL":
            await self.mail(text)
        elif verb == "RCPT":
            await self.rcpt(text)
        elif verb == "DATA":
            await self.data()
        elif verb == "RSET":
            self.forget()
            await self.answer(Step.RSET, text, b"250 2.0.0 forgotten\r\n")
        elif verb == "NOOP":
            await self.send(b"250 2.0.0 ok\r\n")
        elif verb == "QUIT":
            await self.answer(Step.QUIT, text, b"221 2.0.0 bye\r\n")
            self.writer.close()
            raise _Ended
        else:
            await self.send(b"500 5.5.2 not understood\r\n")

    async def hello(self, text: str, verb: str) -> None:
        self.forget()
        manners = self.relay.manners
        lines = ["relay.example.net"]
        if verb == "EHLO":
            offers = {
                "PIPELINING": manners.pipelining,
                "SMTPUTF8": manners.smtputf8,
                "8BITMIME": manners.eightbitmime or manners.smtputf8,
                "STARTTLS": manners.starttls is not None and not self.secure,
                f"AUTH {manners.auth_methods}": bool(manners.users),
                f"SIZE {manners.size}": manners.size is not None,
            }
            lines += [name for name, offered in offers.items() if offered] + list(manners.extensions)
        reply = "".join(f"250{' ' if i == len(lines) - 1 else '-'}{line}\r\n" for i, line in enumerate(lines))
        await self.answer(Step.EHLO, text, reply.encode())

    async def start_tls(self, text: str) -> None:
        context = self.relay.manners.starttls
        if context is None or self.secure:
            await self.send(b"502 5.5.1 not offered\r\n")
            return
        if self.buffer:
            self.relay.violations.append("bytes behind STARTTLS")
        await self.answer(Step.STARTTLS, text, b"220 2.0.0 go ahead\r\n")
        await self.writer.start_tls(context)
        self.secure = True
        self.forget()

    async def auth(self, text: str) -> None:
        if not self.secure:
            self.relay.violations.append("AUTH in the clear")
        parts = text.split(" ", 2)
        method = parts[1].upper() if len(parts) > 1 else ""
        if method == "PLAIN" and self.relay.manners.users:
            raw = parts[2] if len(parts) > 2 else await self.challenge("")
            _, user, password = base64.b64decode(raw).decode().split("\0")
        elif method == "LOGIN" and self.relay.manners.users:
            user = base64.b64decode(parts[2] if len(parts) > 2 else await self.challenge("Username:")).decode()
            password = base64.b64decode(await self.challenge("Password:")).decode()
        else:
            await self.send(b"504 5.5.4 no such method\r\n")
            return
        if self.relay.manners.users.get(user) != password:
            await self.answer(Step.AUTH, text, b"535 5.7.8 authentication failed\r\n")
            return
        self.user = user
        await self.answer(Step.AUTH, text, b"235 2.7.0 welcome\r\n")

    async def challenge(self, text: str) -> str:
        await self.send(b"334 " + base64.b64encode(text.encode()) + b"\r\n")
        return await self.line()

    async def mail(self, text: str) -> None:
        found = _PATH.match(text)
        if self.relay.manners.auth_required and not self.user:
            await self.send(b"530 5.7.0 authentication required\r\n")
            return
        if found is None or self.sender is not None:
            await self.send(b"503 5.5.1 nested MAIL or bad path\r\n")
            return
        self.mind_parameters(found["parameters"])
        self.utf8 = "SMTPUTF8" in found["parameters"].upper()
        if self.utf8 and not self.relay.manners.smtputf8:
            self.relay.violations.append("SMTPUTF8 without leave")
        if (await self.answer(Step.MAIL, text, b"250 2.1.0 sender ok\r\n")).startswith(b"2"):
            self.sender = found["address"]

    def mind_parameters(self, text: str) -> None:
        """Note what was said without having been offered (RFC 3461 section 4, RFC 1870, RFC 6152)."""
        manners = self.relay.manners
        offered = {"DSN": "DSN" in manners.extensions, "SIZE": manners.size is not None}
        offered["BODY"] = manners.eightbitmime or manners.smtputf8
        needs = {"RET": "DSN", "ENVID": "DSN", "NOTIFY": "DSN", "ORCPT": "DSN", "SIZE": "SIZE", "BODY": "BODY"}
        for word in text.upper().split():
            if not offered.get(needs.get(word.partition("=")[0], ""), True):
                self.relay.violations.append(f"{word} without leave")

    async def rcpt(self, text: str) -> None:
        found = _PATH.match(text)
        if found is None or self.sender is None:
            await self.send(b"503 5.5.1 need MAIL first\r\n")
            return
        self.mind_parameters(found["parameters"])
        if not text.isascii() and not self.utf8:
            self.relay.violations.append("8-bit address without SMTPUTF8")
        self.recipients.append(found["address"])
        if not (await self.answer(Step.RCPT, text, b"250 2.1.5 recipient ok\r\n")).startswith(b"2"):
            self.recipients.pop()

    def forget(self) -> None:
        self.sender = None
        self.utf8 = False
        self.recipients = []

    # The message

    async def data(self) -> None:
        if not self.recipients and not self.relay.manners.data_without_recipients:
            await self.send(b"554 5.5.1 no valid recipients\r\n")
            return
        if not (await self.answer(Step.DATA, "DATA", b"354 go ahead\r\n")).startswith(b"3"):
            return
        body = await self.body()
        self.inspect(body)
        limit = self.relay.manners.size
        if limit is not None and len(body) > limit:
            await self.send(b"552 5.3.4 too big\r\n")
        elif (await self.answer(Step.DOT, "", b"")) == b"":
            await self.accept(body)
        self.forget()

    async def accept(self, body: bytes) -> None:
        found = _MESSAGE_ID.search(body)
        message_id = found[1].decode("ascii", "replace") if found else ""
        for recipient in self.recipients:
            self.relay.take(Accepted(message_id, recipient, self.sender or "", len(body)), body)
        await self.answer(Step.ACCEPTED, "", b"250 2.0.0 accepted\r\n")
        self.accepted += 1
        await self.answer(Step.ANSWERED, "", b"")

    async def body(self) -> bytes:
        """Return the message without its dot, unstuffed; what follows the dot stays in the buffer."""
        start, step_done = 0, False
        while True:
            if not step_done and self.buffer:
                step_done = await self.misbehave_in_body()
            whole = b"\r\n" + self.buffer
            end = whole.find(b"\r\n.\r\n", start)
            if end >= 0:
                raw, self.buffer = whole[2 : end + 2], whole[end + 5 :]
                return (b"\r\n" + raw).replace(b"\r\n..", b"\r\n.")[2:]
            start = max(0, len(whole) - 6)
            await self.more()

    async def misbehave_in_body(self) -> bool:
        fault = self.relay.fault_at(Step.BODY, "", "".join(self.recipients), self.accepted, len(self.buffer))
        if fault is None:
            return False
        await asyncio.sleep(fault.delay)
        await self.send(fault.reply or b"")
        await self.then(fault.then)
        return True

    def inspect(self, body: bytes) -> None:
        """Note what no client may send (RFC 5321 sections 2.3.8 and 4.5.3.1.6, RFC 6152)."""
        if not body.count(b"\r\n") == body.count(b"\n") == body.count(b"\r"):
            self.relay.violations.append("a bare CR or LF in the body")
        if max((len(line) for line in body.split(b"\r\n")), default=0) > 998:
            self.relay.violations.append("a line above 998 octets")
        if not body.isascii() and not self.utf8 and not self.relay.manners.eightbitmime:
            self.relay.violations.append("8-bit bytes without 8BITMIME")


def _reset(writer: asyncio.StreamWriter) -> None:
    """End the connection with RST instead of FIN."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
