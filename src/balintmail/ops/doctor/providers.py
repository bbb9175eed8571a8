"""Hold what was found against the rules of Gmail, Yahoo and Microsoft: kept, broken, or the relay's duty (S19, S20).

It asks nothing itself. Gmail: about 5,000 letters a day to personal addresses make a bulk sender for ever; Microsoft
counts 5,000 as well, Yahoo gives no number. Below that a broken rule only warns.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from balintmail.ops.doctor.finding import Duty, Finding, Level, good, note, stop, warn

BULK = 5000  # letters a day (support.google.com/a/answer/14229414; Outlook.com postmaster)
GMAIL = ("gmail.com", "googlemail.com")
YAHOO = ("yahoo.%", "ymail.com", "rocketmail.com", "aol.%")
MICROSOFT = ("outlook.%", "hotmail.%", "live.%", "msn.com")
_ALL = "Gmail, Yahoo and Microsoft"
_TWO = "Gmail and Yahoo"


@dataclass(frozen=True, slots=True)
class Readers:
    """How many addresses of the register are at each provider."""

    gmail: int
    yahoo: int
    microsoft: int

    @property
    def are_many(self) -> bool:
        """Whether one mailing makes a bulk sender of us."""
        return max(self.gmail, self.microsoft) >= BULK


def findings(found: Iterable[Finding], readers: Readers, *, url: str) -> list[Finding]:
    """Return one finding for each rule; `found` is everything else that was found, `url` the society's address."""
    levels: dict[str, list[Level]] = {}
    for one in found:
        levels.setdefault(one.code, []).append(one.level)
    rules = _Rules(levels, readers)
    return [
        rules.bulk(),
        rules.spf(),
        rules.dkim(),
        rules.dmarc(),
        rules.alignment(),
        rules.one_click(url),
        rules.pointer(),
        note("rule_tls", f"TLS to {_TWO}: the relay's duty, as are MTA-STS, DANE and TLS-RPT.", duty=Duty.RELAY),
        good("rule_leaving", "Leaving within two days (Yahoo, Gmail): kept, it acts at once."),
        note(
            "rule_spam",
            "Complaints below 0.1 %, never 0.3 % (Gmail, Yahoo): they tell only you.",
            "Register the domain at postmaster.google.com and, for Yahoo's complaint loop, at senders.yahooinc.com.",
        ),
    ]


class _Rules:
    def __init__(self, levels: dict[str, list[Level]], readers: Readers) -> None:
        self._levels = levels
        self._readers = readers

    def bulk(self) -> Finding:
        """Say how near the society is to being a bulk sender."""
        one = self._readers
        counted = f"{one.gmail:,} addresses at Gmail, {one.yahoo:,} at Yahoo, {one.microsoft:,} at Microsoft"
        if one.are_many:
            return note("rule_bulk", f"{counted}: a bulk sender, and every rule here is enforced.")
        return note("rule_bulk", f"{counted}: below {BULK:,} a day these rules are asked for, not all enforced.")

    def spf(self) -> Finding:
        if self._any("spf", Level.STOP):
            return self._broken("rule_spf", f"SPF ({_ALL}): broken, see above.")
        if self._has("spf_unknown") or not self._has("spf_record"):
            return _not_known("rule_spf", f"SPF ({_ALL})")
        if self._worst("spf_relay") is Level.GOOD:
            return good("rule_spf", f"SPF ({_ALL}): kept.")
        return note("rule_spf", f"SPF ({_ALL}): kept if the record names what the relay sends from.", duty=Duty.RELAY)

    def dkim(self) -> Finding:
        if self._any("dkim", Level.STOP):
            return self._broken("rule_dkim", f"DKIM ({_ALL}): broken, see above.")
        if self._has("dkim_unsigned"):
            message = f"DKIM ({_ALL}): the relay's duty, for we do not sign."
            return warn("rule_dkim", message, "Ask it whether it signs for your domain.", Duty.RELAY)
        if self._has("dkim_unknown") or not self._has("dkim_record"):
            return _not_known("rule_dkim", f"DKIM ({_ALL})")
        return good("rule_dkim", f"DKIM ({_ALL}): kept.")

    def dmarc(self) -> Finding:
        if any(self._has(code) for code in ("dmarc_missing", "dmarc_several", "dmarc_policy", "dmarc_np")):
            return self._broken("rule_dmarc", f"A DMARC record ({_ALL}): missing or broken, see above.")
        if not self._has("dmarc_record"):
            return _not_known("rule_dmarc", f"A DMARC record ({_ALL})")
        return good("rule_dmarc", f"A DMARC record ({_ALL}): kept.")

    def alignment(self) -> Finding:
        """Say whether something that is aligned also passes: a name alone is worth nothing."""
        what = f"From aligned with SPF or DKIM ({_ALL})"
        by_key = self._worst("dmarc_dkim_aligned") is Level.GOOD
        by_envelope = self._worst("dmarc_spf_aligned") is Level.GOOD
        passing = [rule for rule, aligned in ((self.dkim(), by_key), (self.spf(), by_envelope)) if aligned]
        if any(rule.level is Level.GOOD for rule in passing):
            return good("rule_alignment", f"{what}: kept.")
        if not self._has("dmarc_alignment") or any(rule.code.endswith("_unknown") for rule in passing):
            return _not_known("rule_alignment", what)
        if any(rule.duty is Duty.RELAY for rule in passing):
            return note("rule_alignment", f"{what}: kept if the relay does its part.", duty=Duty.RELAY)
        return self._broken("rule_alignment", f"{what}: by nothing of ours that also passes.")

    def one_click(self, url: str) -> Finding:
        if url.startswith("https://"):
            return good("rule_one_click", f"Leaving with one click ({_TWO}): kept, by {url}.")
        message = f"Leaving with one click ({_TWO}): only by mail, for [society] url is no https address."
        return self._broken("rule_one_click", message, "Set [society] url to the public https address of balintmail.")

    def pointer(self) -> Finding:
        worst = self._worst("ptr")
        what = f"A name for the sending address ({_ALL})"
        if worst is Level.GOOD:
            return good("rule_ptr", f"{what}: kept, if the relay sends from where it takes.", Duty.RELAY)
        return note("rule_ptr", f"{what}: the relay's duty.", duty=Duty.RELAY)

    def _broken(self, code: str, message: str, hint: str = "") -> Finding:
        return (stop if self._readers.are_many else warn)(code, message, hint)

    def _has(self, code: str) -> bool:
        return code in self._levels

    def _any(self, subject: str, level: Level) -> bool:
        return any(level in found for code, found in self._levels.items() if code.partition("_")[0] == subject)

    def _worst(self, code: str) -> Level | None:
        return min(self._levels.get(code, []), key=list(Level).index, default=None)


def _not_known(code: str, what: str) -> Finding:
    return note(f"{code}_unknown", f"{what}: not known, the DNS was not heard.")
