"""Run the fake relay as a process: `python -m tests.relay --port 2525 --log taken.jsonl`.

Prints `ready PORT` once it listens and runs until it is killed; whatever it has answered with 250 is in the log.
"""

import argparse
import asyncio
from pathlib import Path

from tests.relay.certificates import Authority
from tests.relay.faults import BY_NAME, parse
from tests.relay.server import Manners, Relay


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.relay", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--fault", action="append", default=[], help=f"name[:arguments]; {', '.join(BY_NAME)}")
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--smtputf8", action="store_true")
    parser.add_argument("--size", type=int)
    parser.add_argument("--security", choices=["none", "starttls", "tls"], default="none")
    parser.add_argument("--ca-file", type=Path, help="where to write the certificate of the test authority")
    parser.add_argument("--user", help="name:password that AUTH accepts, and wants")
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> None:
    authority = Authority() if options.security != "none" else None
    context = authority.context() if authority else None
    if authority and options.ca_file:
        authority.write(options.ca_file)
    manners = Manners(
        pipelining=not options.no_pipelining,
        smtputf8=options.smtputf8,
        size=options.size,
        starttls=context if options.security == "starttls" else None,
        tls=context if options.security == "tls" else None,
        users=dict([options.user.split(":", 1)]) if options.user else {},
        auth_required=bool(options.user),
    )
    faults = [parse(text) for text in options.fault]
    async with Relay(manners, *faults, log=options.log, port=options.port) as relay:
        print(f"ready {relay.port}", flush=True)  # noqa: T201  (the parent waits for this line)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(_arguments()))
