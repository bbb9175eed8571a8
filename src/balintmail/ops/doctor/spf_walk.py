"""Walk an SPF record as a receiver does (RFC 7208 section 4), counting what it costs, and say what it answers.

Without an address it walks the whole tree, as for a stranger's machine, so that the count is the highest there can be.
It never stops at a limit, because whoever mends a record wants to know by how much it is over.
"""

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum

from balintmail.ops.doctor.spf_record import ASKS, Address, Record, SpfSyntax, Term, expand, is_spf, macros, parse
from balintmail.ops.lookup import Lookup, LookupFailed

MOST_LOOKUPS = 10  # section 4.6.4
MOST_VOIDS = 2  # section 4.6.4: look-ups that find nothing
MOST_HOSTS = 10  # section 4.6.4: of one `mx`
_GIVE_UP = 60  # look-ups; a record that needs more is over the limit whatever comes
_LENGTH = 253  # characters of a name (section 7.3: longer ones lose labels from the left)
_UNKNOWN_MACROS = frozenset("slhp")  # they depend on the letter or on what the relay calls itself


class Answer(StrEnum):
    """What a receiver concludes (section 2.6)."""

    PASS = "pass"  # noqa: S105  (no password)
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"
    PERMERROR = "permerror"
    TEMPERROR = "temperror"


_ANSWERS = {"+": Answer.PASS, "-": Answer.FAIL, "~": Answer.SOFTFAIL, "?": Answer.NEUTRAL}


class Fault(StrEnum):
    """What makes a record worthless, or only odd."""

    MISSING = "missing"
    SEVERAL = "several"
    SYNTAX = "syntax"
    LOOP = "loop"
    HOSTS = "hosts"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault, the domain whose record has it, and the word it is about."""

    fault: Fault
    domain: str
    word: str = ""


@dataclass(slots=True)
class Walked:
    """What a walk found. `names` are the domains it went on to, `unfollowed` terms that need a real letter."""

    answer: Answer = Answer.NONE
    record: Record | None = None
    text: str = ""
    lookups: int = 0
    voids: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unfollowed: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    uses_ptr: bool = False


def walk(lookup: Lookup, domain: str, address: Address | None = None) -> Walked:
    """Return what `domain`'s record says of a machine at `address` (None: one that no mechanism names)."""
    walker = _Walker(lookup, domain, address)
    answer = walker.check(domain, ())
    walked = walker.walked
    if walked.troubles or walked.lookups > MOST_LOOKUPS or walked.voids > MOST_VOIDS:
        answer = Answer.PERMERROR if walked.record else answer
    elif walked.unanswered and answer is not Answer.PASS:
        answer = Answer.TEMPERROR
    walked.answer = answer
    return walked


class _Walker:
    def __init__(self, lookup: Lookup, sender: str, address: Address | None) -> None:
        self.walked = Walked()
        self._lookup = lookup
        self._sender = sender
        self._address = address

    def check(self, domain: str, above: tuple[str, ...]) -> Answer:
        """Return the answer of the record at `domain`; `above` are the domains on the way to it."""
        record = self._record(domain, above)
        if record is None:
            return Answer.NONE
        for term in record.terms:
            if self._matches(term, domain, above):
                return _ANSWERS[term.qualifier]
        if record.redirect:  # `all` has answered before, where there is one
            target = self._follow(f"redirect={record.redirect}", record.redirect, domain)
            if target:
                return self.check(target, (*above, domain))
        return Answer.NEUTRAL

    def _record(self, domain: str, above: tuple[str, ...]) -> Record | None:
        if domain in above:
            self._trouble(Fault.LOOP, above[-1], domain)
            return None
        try:
            texts = [text for text in self._lookup.texts(domain) if is_spf(text)]
        except LookupFailed:
            self.walked.unanswered.append(domain)
            return None
        if len(texts) != 1:
            self._trouble(Fault.SEVERAL if texts else Fault.MISSING, domain, above[-1] if above else "")
            return None
        if not above:
            self.walked.text = texts[0]
        try:
            record = parse(texts[0])
        except SpfSyntax as exc:
            self._trouble(Fault.SYNTAX, domain, str(exc))
            return None
        if not above:
            self.walked.record = record
        return record

    def _matches(self, term: Term, domain: str, above: tuple[str, ...]) -> bool:
        if term.name == "all":
            return True
        if term.network is not None:
            return self._address is not None and self._address in term.network
        if term.name not in ASKS:
            return False
        target = self._follow(term.text, term.target, domain)
        if not target:
            return False
        if term.name == "include":
            return self.check(target, (*above, domain)) is Answer.PASS
        try:
            return self._asks(term, target)
        except LookupFailed:
            self.walked.unanswered.append(target)
            return False

    def _follow(self, text: str, spec: str, domain: str) -> str:
        """Count a look-up and return the name it goes to, or "" where that cannot be told."""
        self.walked.lookups += 1
        if self.walked.lookups > _GIVE_UP:
            return ""
        letters = macros(spec)
        if letters & _UNKNOWN_MACROS or (letters & set("iv") and self._address is None):
            self.walked.unfollowed.append(text)
            return ""
        values = {"d": domain, "o": self._sender, "i": _dotted(self._address), "v": _kind(self._address)}
        try:
            name = expand(spec, values).lower().rstrip(".") or domain
        except KeyError:
            self._trouble(Fault.SYNTAX, domain, text)
            return ""
        while len(name) > _LENGTH:
            name = name.partition(".")[2]
        if spec:
            self.walked.names.append(name)
        return name

    def _asks(self, term: Term, target: str) -> bool:
        if term.name == "exists":
            return self._not_void(self._lookup.addresses(target, version=4))
        if term.name == "ptr":
            self.walked.uses_ptr = True
            return self._is_named(target)
        hosts = [target]
        if term.name == "mx":
            hosts = [host for _, host in self._lookup.exchangers(target) if host]
            self._not_void(hosts)
            if len(hosts) > MOST_HOSTS:
                self._trouble(Fault.HOSTS, target, term.text)
        version = self._address.version if self._address else None
        found = [one for host in hosts[:MOST_HOSTS] for one in self._lookup.addresses(host, version=version)]
        if term.name == "a":
            self._not_void(found)
        return self._address is not None and any(self._is_near(one, term) for one in found)

    def _not_void(self, found: list[str]) -> bool:
        self.walked.voids += not found
        return bool(found)

    def _is_named(self, target: str) -> bool:
        """Whether the address has a name in `target` that leads back to it (section 5.5)."""
        if self._address is None:
            return False
        names = self._lookup.pointers(str(self._address))[:MOST_HOSTS]
        self._not_void(names)
        inside = [name for name in names if name == target or name.endswith(f".{target}")]
        return any(str(self._address) in self._lookup.addresses(name) for name in inside)

    def _is_near(self, found: str, term: Term) -> bool:
        four, six = term.lengths
        length = four if ":" not in found else six
        return self._address in ipaddress.ip_network(f"{found}/{length}", strict=False)

    def _trouble(self, fault: Fault, domain: str, word: str) -> None:
        trouble = Trouble(fault, domain, word)
        if trouble not in self.walked.troubles:
            self.walked.troubles.append(trouble)


def _dotted(address: Address | None) -> str:
    """Return an address as the macro `i` writes it: nibbles with dots for IP version 6."""
    if isinstance(address, ipaddress.IPv6Address):
        return ".".join(address.exploded.replace(":", ""))
    return str(address or "")


def _kind(address: Address | None) -> str:
    return "ip6" if isinstance(address, ipaddress.IPv6Address) else "in-addr"
