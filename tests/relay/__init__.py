"""A fake relay for the tests: a real SMTP server on a real socket, with a log of its own and faults by name.

    with RelayThread(Manners(pipelining=False), refuses_rcpt("hans"), log=path) as relay:
        ...                     # send to relay.host, relay.port
    relay.accepted              # what it took: message_id, recipient, sender, size
    relay.data                  # the bytes of each message, unstuffed, in the same order
    relay.violations            # what the client did wrong (bare LF, 8-bit, AUTH in the clear, unasked pipelining, …)
    relay.commands              # every command line it read

`async with Relay(...)` runs it on the caller's own loop (a virtual clock then moves its delays, too), and
`python -m tests.relay --port 2525 --log taken.jsonl --fault refuses_rcpt:hans` runs it as a process, for kill -9.
The faults are in faults.py, the log in log.py, certificates in certificates.py.
"""

from tests.relay.certificates import Authority
from tests.relay.faults import Fault, Step, Then
from tests.relay.log import Accepted, read_log
from tests.relay.server import Manners, Relay
from tests.relay.thread import RelayThread

__all__ = ["Accepted", "Authority", "Fault", "Manners", "Relay", "RelayThread", "Step", "Then", "read_log"]
