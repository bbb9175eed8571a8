"""A DNS of the test's own, and a lookup that asks it and nobody else."""

from collections.abc import Iterator

import pytest

from balintmail.ops.lookup import DnsLookup
from tests.support.dns import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        yield found


@pytest.fixture
def lookup(server: Server) -> DnsLookup:
    return DnsLookup("127.0.0.1", server.port, seconds=0.5)
