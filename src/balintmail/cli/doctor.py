"""`balintmail doctor`: one page of what is right, what is wrong, and whose duty it is.

It changes nothing, sends nothing, and ends within half a minute, with a network or without.
"""

import os
import textwrap
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.failure import operational
from balintmail.cli.nameserver import read_server
from balintmail.cli.output import Output, Tone
from balintmail.errors import BalintmailError, NotFound

if TYPE_CHECKING:
    from balintmail.ops.doctor.examination import Page
    from balintmail.ops.doctor.finding import Finding
    from balintmail.ops.lookup import Lookup

_TONES = {"stop": Tone.STOP, "warn": Tone.WARN, "note": Tone.MUTED, "good": Tone.GOOD}
_MARGIN = 18  # columns before a message: level and duty stand there
# The system's own resolver, which knows /etc/hosts, may wait for a minute when nobody answers; see resolv.conf(5).
_PATIENCE = "timeout:2 attempts:1"


@click.command(cls=Command)
@click.option("--nameserver", metavar="ADDRESS[:PORT]", default="", help="Ask this server (default: the machine's).")
@pass_app
def doctor(app: App, /, nameserver: str) -> int:
    """Say what is right and wrong with sending, and whose duty it is.

    Looks at the instance, its database and files, the sender's names in the DNS (SPF, DKIM, DMARC), the relay, and what
    the large providers ask. Exit 1 when something has to be mended before a letter leaves.
    """
    from balintmail.ops.doctor.examination import is_ok  # noqa: PLC0415  (loads all that it looks at)

    os.environ.setdefault("RES_OPTIONS", _PATIENCE)
    title, page = _examine(app, read_server(nameserver))
    ok = is_ok(page)
    app.out.json(
        {
            "ok": ok,
            "findings": [_document(subject, one) for subject, found in page.items() for one in found],
        }
    )
    if title:
        app.out.line(title)
    for subject, found in page.items():
        if found:
            _show(app.out, subject, found)
    app.out.line()
    app.out.line(_sum(page))
    return 0 if ok else 1


def _examine(app: App, server: tuple[str, int]) -> "tuple[str, Page]":
    """Return the page and its title; an instance that cannot be opened is a finding like any other."""
    from balintmail import wiring  # noqa: PLC0415
    from balintmail.domain.times import long_form  # noqa: PLC0415
    from balintmail.ops.doctor.examination import Means, examine  # noqa: PLC0415
    from balintmail.ops.doctor.finding import Subject, stop  # noqa: PLC0415

    try:
        with app.instance() as instance:
            ctx = instance.context()
            page = examine(ctx, wiring.relay_targets(instance), Means(_lookup(server)))
            moment = long_form(ctx.clock.now(), ctx.settings.zone)
            return f"{ctx.settings.society.name}, looked over on {moment}", page
    except NotFound:
        raise
    except BalintmailError as exc:
        return "", {Subject.HOUSE: [stop(exc.code, exc.message, exc.hint)]}
    except Exception as exc:
        if (known := operational(exc)) is None:
            raise
        return "", {Subject.HOUSE: [stop("system", *known)]}


def _lookup(server: tuple[str, int]) -> "Lookup":
    from balintmail.ops.doctor.examination import QUESTION_SECONDS, SECONDS  # noqa: PLC0415
    from balintmail.ops.lookup import DnsLookup, LookupFailed, NoLookup  # noqa: PLC0415

    ends_at = time.monotonic() + SECONDS * 0.9
    try:
        return DnsLookup(*server, seconds=QUESTION_SECONDS, left=lambda: ends_at - time.monotonic())
    except LookupFailed as exc:
        return NoLookup(exc)


def _show(out: Output, subject: str, found: "list[Finding] | Any") -> None:
    """Print one part of the page, the worst first."""
    width = out.columns
    order = list(_TONES)
    out.line()
    out.line(str(subject))
    for one in sorted(found, key=lambda finding: order.index(finding.level.value)):
        text = textwrap.wrap(one.message, max(40, width - _MARGIN), break_long_words=False, break_on_hyphens=False)
        first, *rest = text or [""]
        out.line(f"  {one.level.value:<5} {one.duty.value:<8}  {first}", _TONES[one.level.value])
        for line in rest:
            out.line(" " * _MARGIN + line, _TONES[one.level.value])
        if one.hint:
            for line in textwrap.wrap(
                one.hint, max(40, width - _MARGIN), break_long_words=False, break_on_hyphens=False
            ):
                out.line(" " * _MARGIN + line)


def _sum(page: "Page") -> str:
    """Return the last line: how many findings of each kind."""
    counts = Counter(one.level.value for found in page.values() for one in found)
    words = [("stop", "stop", "stops"), ("warn", "warning", "warnings"), ("note", "note", "notes")]
    parts = [f"{counts[level] or 'no'} {one if counts[level] == 1 else many}" for level, one, many in words]
    return f"{', '.join(parts)}, {counts['good']} in order.".capitalize()


def _document(subject: str, one: "Finding") -> dict[str, str]:
    return {
        "code": one.code,
        "level": one.level.value,
        "duty": one.duty.value,
        "subject": str(subject),
        "message": one.message,
        "hint": one.hint,
    }
