"""Say whether the envelope's domain lets the relay send for it, and whether receivers can read that (S16).

RFC 7208. It only judges; spf_walk.py asks. What a relay sends from may be another address than the one we dial, so a
record that does not name ours is a doubt and no verdict.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from balintmail.ops.doctor.dmarc_walk import same_organisation
from balintmail.ops.doctor.finding import Duty, Finding, good, note, stop, unasked, warn
from balintmail.ops.doctor.spf_walk import MOST_HOSTS, MOST_LOOKUPS, MOST_VOIDS, Answer, Fault, Trouble, Walked, walk
from balintmail.ops.lookup import Lookup, LookupFailed

_WIDEST = 8  # bits; nobody who sends newsletters owns more than that leaves
_LONG = 450  # octets; with the question that fills one UDP answer of 512 (section 3.4)
_EXAMPLE = "Publish a TXT record there; your relay's help page gives the include: v=spf1 include:… -all"


@dataclass(frozen=True, slots=True)
class Door:
    """A relay as SPF sees it: its name in the settings, its host, and the addresses of that."""

    name: str
    host: str
    addresses: tuple[str, ...]


def findings(lookup: Lookup, domain: str, doors: Sequence[Door]) -> list[Finding]:
    """Return what is right and wrong with the SPF record of `domain`, the domain bounces go to."""
    try:
        lookup.texts(domain)
    except LookupFailed as exc:
        return [unasked("spf_unknown", f"the SPF record of {domain}. {exc.message}")]
    walked = walk(lookup, domain)
    found = [_trouble(one, domain) for one in walked.troubles]
    if walked.record is None:
        return found
    found += [*_limits(walked, domain), *_ending(walked, domain), *_oddities(walked, domain)]
    if not any(one.level.value == "stop" for one in found):
        found.insert(0, good("spf_record", f"The SPF record of {domain} is in order: {walked.text}"))
    for door in doors:
        found.append(_of_door(lookup, domain, walked, door))
    return found


def _trouble(trouble: Trouble, domain: str) -> Finding:
    """Return the finding for a fault; what another's record does wrong is that other's to mend."""
    at, word = trouble.domain, trouble.word
    owner = word if trouble.fault is Fault.MISSING and word else at
    duty = Duty.YOU if owner == domain or owner.endswith(f".{domain}") else Duty.PROVIDER
    if trouble.fault is Fault.MISSING and not word:
        return stop("spf_missing", f"There is no SPF record at {at}: nobody can tell who may send for it.", _EXAMPLE)
    if trouble.fault is Fault.MISSING:
        message = f"SPF of {word} includes {at}, which has no SPF record: receivers turn the whole record down."
        return stop("spf_include", message, f"Take {at} out, or mend its spelling.", duty)
    if trouble.fault is Fault.SEVERAL:
        message = f"There are several SPF records at {at}: receivers turn all of them down."
        return stop("spf_several", message, "Make them one: all mechanisms in a row, one all at the end.", duty)
    if trouble.fault is Fault.LOOP:
        message = f"SPF of {at} leads back to {word}: receivers turn the whole record down."
        return stop("spf_loop", message, f"Take {word} out of it.", duty)
    if trouble.fault is Fault.HOSTS:
        message = f'SPF of {domain}: "{word}" finds more than {MOST_HOSTS} mail exchangers at {at}.'
        return stop("spf_hosts", message, "Name the addresses in place of mx.", duty)
    return stop("spf_syntax", f'The SPF record of {at} cannot be read at "{word}".', "Mend that word.", duty)


def _limits(walked: Walked, domain: str) -> list[Finding]:
    cost = f"SPF of {domain} needs {_count(walked.lookups, 'look-up')} of at most {MOST_LOOKUPS}"
    found = []
    if walked.lookups > MOST_LOOKUPS:
        hint = (
            "Take out includes of services that do not send for you any more, or name addresses in place of a and mx."
        )
        found.append(stop("spf_lookups", f"{cost}: receivers turn the whole record down.", hint))
    else:
        found.append(good("spf_lookups", f"{cost}, {walked.voids} of at most {MOST_VOIDS} of them empty."))
    if walked.voids > MOST_VOIDS:
        message = f"SPF of {domain}: {walked.voids} look-ups find nothing; above {MOST_VOIDS} it is turned down."
        found.append(stop("spf_voids", message, "Take out the names that do not exist any more."))
    return found


def _ending(walked: Walked, domain: str) -> list[Finding]:
    record = walked.record
    if record is None:
        return []
    wide = next((one.text for one in record.terms if one.network and one.network.prefixlen < _WIDEST), "")
    if wide or walked.answer is Answer.PASS:
        message = f"The SPF record of {domain} lets anybody send for you{f', by {wide}' if wide else ''}."
        return [stop("spf_all", message, "Name only the machines that send for you, and end it with -all.")]
    last = record.catch_all
    if last is None:
        if record.redirect:
            return []
        message = f"The SPF record of {domain} has no all at its end: it says nothing of everybody else."
        return [warn("spf_all", message, "End it with -all, or with ~all while you try it out.")]
    if last.qualifier == "?":
        message = f"The SPF record of {domain} ends with ?all: it says nothing of everybody else."
        return [warn("spf_all", message, "End it with -all, or with ~all while you try it out.")]
    return []


def _oddities(walked: Walked, domain: str) -> list[Finding]:
    found = []
    record = walked.record
    if record is not None and record.catch_all is not None:
        behind = [term.text for term in record.terms[record.terms.index(record.catch_all) + 1 :]]
        behind += [f"redirect={record.redirect}"] if record.redirect else []
        if behind:
            message = f"SPF of {domain}: {', '.join(behind)} behind all is never read."
            found.append(warn("spf_behind_all", message, "Put it before all, or take it out."))
    if walked.uses_ptr:
        message = f"SPF of {domain} uses ptr, which is slow and which many receivers pass over."
        found.append(warn("spf_ptr", message, "Name addresses in its place."))
    if len(walked.text) > _LONG:
        message = f"The SPF record of {domain} is {len(walked.text)} octets long; above {_LONG} some resolvers lose it."
        found.append(note("spf_long", message))
    if walked.unfollowed:
        message = f"SPF of {domain}: {', '.join(walked.unfollowed)} depends on each letter and was only counted."
        found.append(note("spf_macro", message))
    if walked.unanswered:
        names = ", ".join(sorted(set(walked.unanswered)))
        found.append(unasked("spf_unknown", f"all of SPF of {domain}: no answer for {names}.", Duty.PROVIDER))
    return found


def _of_door(lookup: Lookup, domain: str, walked: Walked, door: Door) -> Finding:
    """Say whether the record names the relay: by its address, or by an include of the same house."""
    public = [one for one in map(ipaddress.ip_address, door.addresses) if one.is_global]
    if door.addresses and not public:
        message = (
            f"The relay {door.name} ({door.host}) has no public address: SPF of {domain} has to name the one it "
            "sends from."
        )
        return note("spf_relay", message, duty=Duty.RELAY)
    answers = {str(one): walk(lookup, domain, one).answer for one in public}
    passing = [address for address, answer in answers.items() if answer is Answer.PASS]
    if passing:
        return good("spf_relay", f"SPF of {domain} names the relay {door.name} ({', '.join(passing)}).")
    try:
        kin = next((name for name in walked.names if same_organisation(lookup, name, door.host)), "")
    except LookupFailed:
        kin = ""
    if kin:
        return good("spf_relay", f"SPF of {domain} names the relay {door.name} by {kin}.")
    if not public:
        return unasked("spf_relay_unknown", f"whether SPF of {domain} names {door.host}: it has no address here.")
    said = ", ".join(f"{address}: {answer.value}" for address, answer in answers.items())
    message = f"SPF of {domain} does not name the relay {door.name}, {door.host} ({said})."
    hint = "It may send from other addresses: ask it for its include, or send a test to yourself and look for spf=pass."
    return warn("spf_relay", message, hint)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
