"""Ask each web address of a letter whether it answers: in parallel, within a time limit, reading no page.

Only http and https are asked, only when somebody asked for it, and never an address that carries a token. What comes
back is a finding, never an exception.
"""

import asyncio
import ipaddress
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from balintmail import __version__
from balintmail.composing.lint import Finding, Level

ONE_SECONDS = 10.0  # for one address, redirections included
ALL_SECONDS = 60.0  # for the whole letter
AT_ONCE = 10  # connections
MOST = 300  # addresses; a letter has twenty
_REDIRECTIONS = 5
_REFUSES_ROBOTS = frozenset({401, 403, 405, 406, 429, 451, 501, 503, 999})


@dataclass(frozen=True, slots=True)
class Asked:
    """A web address and the line of the letter where it stands (0: unknown)."""

    address: str
    line: int


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long to wait, in seconds: for one address, and for all of them."""

    one: float = ONE_SECONDS
    all: float = ALL_SECONDS


def ask(links: Iterable[Asked], limits: TimeLimits | None = None) -> list[Finding]:
    """Return a finding for each of `links` that does not answer well."""
    wanted: dict[str, Asked] = {}
    for link in links:
        if link.address.lower().startswith(("http://", "https://")):
            wanted.setdefault(link.address.partition("#")[0], link)
    chosen = list(wanted.values())[:MOST]
    return asyncio.run(_ask_all(chosen, limits or TimeLimits())) if chosen else []


async def _ask_all(links: Sequence[Asked], limits: TimeLimits) -> list[Finding]:
    import httpx  # noqa: PLC0415  (100 ms; only --links needs it)

    gate = asyncio.Semaphore(AT_ONCE)
    ends_at = time.monotonic() + limits.all
    headers = {"User-Agent": f"balintmail/{__version__} (checks the links of a newsletter)", "Accept": "*/*"}
    async with httpx.AsyncClient(
        follow_redirects=True, max_redirects=_REDIRECTIONS, headers=headers, timeout=limits.one, trust_env=True
    ) as client:

        async def one(link: Asked) -> Finding | None:
            async with gate:
                left = min(limits.one, ends_at - time.monotonic())
                if left <= 0:
                    return _finding(link, f"was not asked: the {limits.all:.0f} seconds for all links were over")
                try:
                    async with asyncio.timeout(left), client.stream("GET", link.address) as answer:
                        return _judge(link, answer.status_code)
                except TimeoutError:
                    return _finding(link, f"did not answer within {limits.one:.0f} seconds")
                except httpx.TimeoutException:
                    return _finding(link, f"did not answer within {limits.one:.0f} seconds")
                except httpx.TooManyRedirects:
                    return _finding(link, "leads round in a circle")
                except (httpx.HTTPError, httpx.InvalidURL, ValueError, UnicodeError) as exc:
                    return _finding(link, f"cannot be reached: {_reason(exc)}")

        return [finding for finding in await asyncio.gather(*map(one, links)) if finding is not None]


def _judge(link: Asked, status: int) -> Finding | None:
    if status < 400:
        return _near_finding(link)
    if status in _REFUSES_ROBOTS:
        message = f"the link {link.address} answers {status}; it may only be shy of programs, look at it yourself"
        return Finding("link_refused", Level.NOTE, link.line, message)
    return _finding(link, f"answers {status}" + (": there is no such page" if status in {404, 410} else ""))


def _near_finding(link: Asked) -> Finding | None:
    """Return a note when only this machine or its own network can reach the address."""
    host = (urlsplit(link.address).hostname or "").lower()
    try:
        near = not ipaddress.ip_address(host).is_global
    except ValueError:
        near = host == "localhost" or host.endswith((".localhost", ".local", ".internal", ".lan"))
    if not near:
        return None
    return Finding("link_private", Level.NOTE, link.line, f"the link {link.address} is reached from your network only")


def _finding(link: Asked, told: str) -> Finding:
    return Finding("link_dead", Level.WARN, link.line, f"the link {link.address} {told}")


def _reason(exc: Exception) -> str:
    text = re.sub(r"\s+", " ", str(exc)).strip()
    return text[:120] or type(exc).__name__
