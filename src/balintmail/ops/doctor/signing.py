"""Hold the DKIM keys against their records, as `balintmail dkim check` does, in the doctor's words (S3, S13, S48)."""

from collections.abc import Sequence
from datetime import datetime

from balintmail.ops import dkim
from balintmail.ops.doctor.finding import Duty, Finding, Level, good, unasked
from balintmail.ops.lookup import Lookup
from balintmail.services.dkim import KeyView

_LEVELS = {"stop": Level.STOP, "warn": Level.WARN, "note": Level.NOTE}
_HINTS = {
    "unsigned": "Ask your relay first whether it signs for your domain already.",
    "no_rsa": "Put an RSA key beside it: balintmail dkim new",
}


def findings(views: Sequence[KeyView], lookup: Lookup, *, now: datetime) -> list[Finding]:
    """Return what is right and wrong with every key. Alignment is not judged here; dmarc.py walks the tree."""
    found: list[Finding] = []
    for checked in dkim.check(views, lookup, now=now):
        view = checked.view
        if not checked.findings:
            standing = "in force" if view.need.in_force else "not in force"
            found.append(good("dkim_record", f"The DKIM record of {view.selector} holds our key ({standing})."))
        for one in checked.findings:
            if one.code == "dns":
                found.append(unasked("dkim_unknown", f"the DKIM record of {view.selector}. {one.message}"))
            else:
                hint = f"balintmail dkim show {view.selector} prints the record." if one.level.value == "stop" else ""
                found.append(Finding(f"dkim_{one.code}", _LEVELS[one.level.value], Duty.YOU, one.message, hint))
    for one in dkim.doubts(views, ()):
        found.append(
            Finding(f"dkim_{one.code}", _LEVELS[one.level.value], Duty.YOU, one.message, _HINTS.get(one.code, ""))
        )
    return found
