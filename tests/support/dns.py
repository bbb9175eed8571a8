"""A DNS server on the loopback that holds the records a test gives it and has faults by name."""

import socket
import threading
from collections.abc import Sequence
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.TXT import TXT


class Server:
    """Answers over UDP; `records[name]` is a list of TXT records, each a list of strings of at most 255 bytes.

    `others[name, "MX"]` is a list of records of another kind as a zone file has them; names are in small letters.
    A name in `broken` gets SERVFAIL, one in `silent` nothing at all.
    """

    def __init__(self) -> None:
        self.records: dict[str, list[Sequence[bytes]]] = {}
        self.others: dict[tuple[str, str], list[str]] = {}
        self.broken: set[str] = set()
        self.silent: set[str] = set()
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def put(self, name: str, *values: str) -> None:
        """Publish these values at `name`, each split into strings of 255 bytes."""
        self.records[name] = [
            [raw[at : at + 255] for at in range(0, len(raw), 255)] for raw in (value.encode() for value in values)
        ]

    def add(self, name: str, kind: str, *values: str) -> None:
        """Publish records of another kind: A, AAAA, MX, PTR."""
        self.others[name, kind] = list(values)

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._socket.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            raw, sender = self._socket.recvfrom(4096)
            if not raw:
                return
            query = dns.message.from_wire(raw)
            answer = self._answer(query)
            if answer is not None:
                self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        if name in self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif not self._exists(name):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        else:
            found = dns.rrset.RRset(question.name, dns.rdataclass.IN, question.rdtype)
            if question.rdtype == dns.rdatatype.TXT:
                for strings in self.records.get(name, []):
                    found.add(TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings), ttl=60)
            for text in self.others.get((name, dns.rdatatype.to_text(question.rdtype)), []):
                found.add(dns.rdata.from_text(dns.rdataclass.IN, question.rdtype, text), ttl=60)
            if found:
                answer.answer.append(found)
        return answer

    def _exists(self, name: str) -> bool:
        """Whether there is anything at `name` or below it: only what is nowhere gets NXDOMAIN (RFC 8020)."""
        known = {*self.records, *(at for at, _ in self.others)}
        return any(at == name or at.endswith(f".{name}") for at in known)
