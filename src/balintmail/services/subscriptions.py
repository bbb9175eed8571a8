"""Put people on a list and take them off, as the Secretary's own act, each with its consent event (D6, D7, S42).

Whoever cannot be taken is returned as a result with the reason, not raised. It sends no mail.
Neighbours: db/subscriptions.py writes, services/people.py finds people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from balintmail.db import addresses, audit, notices, people, requests, subscriptions, suppressions
from balintmail.db.consent import Consent
from balintmail.db.lists import MailingListRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain import hygiene, names
from balintmail.domain.grounds import Basis, does_not_hold
from balintmail.domain.imports import Candidate, choose, key_of_name
from balintmail.domain.requests import Act, confirmations
from balintmail.domain.states import AddressHealth, Ground, SubscriptionState, SuppressionReason
from balintmail.errors import NotFound, UsageRefused
from balintmail.services.context import Context
from balintmail.services.lists import known, named
from balintmail.services.people import SharedAddress, erased, find, find_one

HOW = "command"
PAPER = "paper"  # what was signed; whoever holds the office answers for it
LEAVING_WORDS = "asked the Secretary to leave"
LONGEST_WORDS = 2000  # characters of consent: a paragraph of a paper form

_SUPPRESSED: dict[SuppressionReason, str] = {
    SuppressionReason.ERASED: "this address was erased at its owner's wish and stays unmailable",
    SuppressionReason.BOUNCED: "suppressed: mail to this address came back for good",
    SuppressionReason.COMPLAINT: "suppressed: its owner reported a letter as spam",
    SuppressionReason.CLEANED: "suppressed: another program's list had given this address up",
    SuppressionReason.MANUAL: "suppressed by hand",
}


class ResultKind(StrEnum):
    """What became of one address."""

    SUBSCRIBED = "subscribed"
    ALREADY = "already"
    REQUESTED = "requested"
    UNSUBSCRIBED = "unsubscribed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the answer; `reason` says why it was refused, or what is worth knowing."""

    address: str
    person: int | None
    result: ResultKind
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Joining:
    """What is said of those who join; None and "" say nothing. `words` stand for the list's standing words.

    Where people share an address, `person` picks one of them and `everyone` takes all.
    """

    list_slug: str = ""
    name: str | None = None
    member: bool | None = None
    language: str | None = None
    words: str | None = None
    person: int | None = None
    everyone: bool = False
    agreement: "Agreement | None" = None  # none: the Secretary's word, with `words` and what follows
    basis: Basis = field(default_factory=Basis)
    on_paper: bool = False  # the Secretary holds what they signed


@dataclass(frozen=True, slots=True)
class Agreement:
    """How consent was given, where it was not the Secretary who said so; `words` are the exact ones agreed to."""

    words: str
    how: str
    actor: str
    evidence: Mapping[str, str | int] = field(default_factory=dict)
    ground: Ground = Ground.CONSENT
    collected: date | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """Who leaves what, where an address may be shared: `person` picks one, `everyone` takes all who share it."""

    list_slug: str = ""
    reason: str = ""
    person: int | None = None
    everyone: bool = False


def subscribe(ctx: Context, texts: Sequence[str], joining: Joining) -> list[Result]:
    """Subscribe these addresses under every policy, in one transaction; return one result for each.

    Raises NotFound or Conflict for the list, TextRefused or UsageRefused for what is said of the people.
    """
    joining = checked(texts, joining)
    with ctx.db.write() as tx:
        people.lock(tx)
        mailing_list = named(tx, joining.list_slug)
        return [result for text in texts for result in _subscribe_one(ctx, tx, mailing_list, text, joining)]


def unsubscribe(ctx: Context, whom: Sequence[str], leaving: Leaving) -> list[Result]:
    """Take whoever these addresses or ids name off a list, in one transaction; return one result for each person."""
    words = hygiene.one_line(leaving.reason, what="the reason", longest=LONGEST_WORDS) or LEAVING_WORDS
    results: list[Result] = []
    with ctx.db.write() as tx:
        people.lock(tx)
        mailing_list = known(tx, leaving.list_slug)  # an archived list, too, is left, for it may be opened again (S44)
        for who in whom:
            try:
                found = find(tx, who) if leaving.everyone else [find_one(tx, who, person=leaving.person)]
            except SharedAddress as exc:
                results.append(Result(shown_text(who), None, ResultKind.REFUSED, f"{exc.message} {exc.hint}"))
                continue
            except NotFound as exc:
                results.append(Result(shown_text(who), None, ResultKind.REFUSED, exc.message))
                continue
            results.extend(
                _unsubscribe_one(ctx, tx, mailing_list, (_address_of(tx, who, row), row), words) for row in found
            )
    return results


def pause(ctx: Context, person_id: int, list_slug: str, until: datetime | None) -> bool:
    """Pause a living subscription until a moment, or until it is resumed; return False when there is none to pause."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        mailing_list = named(tx, list_slug)
        row = subscriptions.get(tx, person_id, mailing_list.id)
        if row is None or row.state is not SubscriptionState.SUBSCRIBED:
            return False
        subscriptions.pause(tx, row, until=until, now=now)
        audit.note_person(tx, person_id, f"paused {mailing_list.slug}", actor=ctx.actor, now=now)
    return True


def resume(ctx: Context, person_id: int, list_slug: str) -> bool:
    """Go on with a paused subscription; return False when it is not paused."""
    with ctx.db.write() as tx:
        mailing_list = named(tx, list_slug)
        row = subscriptions.get(tx, person_id, mailing_list.id)
        if row is None or row.state is not SubscriptionState.PAUSED:
            return False
        subscriptions.resume(tx, row)
        audit.note_person(tx, person_id, f"resumed {mailing_list.slug}", actor=ctx.actor, now=ctx.clock.now())
    return True


def checked(texts: Sequence[str], joining: Joining) -> Joining:
    """Return `joining` with every text clean."""
    name = names.clean(joining.name) if joining.name is not None else None
    if name and (len(texts) > 1 or joining.everyone):
        raise UsageRefused("A name belongs to one person, and several are meant.")
    words = joining.words
    if words is not None:
        words = hygiene.one_line(words, what="the words of consent", longest=LONGEST_WORDS)
        if not words:
            raise hygiene.TextRefused("the words of consent", "they are empty, and would prove nothing")
    language = hygiene.language(joining.language) if joining.language else None
    return replace(joining, name=name, words=words, language=language)


def _subscribe_one(ctx: Context, tx: Tx, to: MailingListRow, text: str, joining: Joining) -> list[Result]:
    """Subscribe whoever `text`, an address or a person's number, means: a new person, one, or all who share it."""
    try:
        if _is_number(text):
            row = find_one(tx, text, person=joining.person)
            address = parsing.parse(_address_of(tx, text, row))
            return [_put_on(ctx, tx, to, (address, row), joining)]
        address = parsing.parse(text)
        meant = _meant(tx, address, joining)
    except parsing.AddressRefused as exc:
        return [Result(shown_text(text), None, ResultKind.REFUSED, f"invalid: {exc.reason}")]
    except (SharedAddress, NotFound) as exc:
        shown = shown_text(text) if _is_number(text) else address.text
        hint = f" {exc.hint}" if isinstance(exc, SharedAddress) else ""
        return [Result(shown, None, ResultKind.REFUSED, f"{exc.message}{hint}")]
    return [_put_on(ctx, tx, to, (address, row), joining) for row in meant]


def _is_number(text: str) -> bool:
    return text.strip().isascii() and text.strip().isdigit()


def _meant(tx: Tx, address: parsing.Address, joining: Joining) -> Sequence[PersonRow | None]:
    """Return whom an address means; None is somebody new. Raises SharedAddress, or NotFound for the person picked."""
    held = people.at_address(tx, address.key)
    if joining.person is not None:
        return [find_one(tx, address.text, person=joining.person)]
    if joining.everyone and held:
        return held
    choice = choose(key_of_name(joining.name or ""), [Candidate(row.id, row.name) for row in held])
    if choice.refused:
        raise SharedAddress(held)
    return [next((row for row in held if row.id == choice.person), None)]


def _put_on(
    ctx: Context, tx: Tx, to: MailingListRow, who: tuple[parsing.Address, PersonRow | None], joining: Joining
) -> Result:
    """Put somebody on a list by the Secretary's own act; it decides the requests that waited for it."""
    basis = replace(joining.basis, member=bool(joining.member or (who[1] is not None and who[1].member)))
    if why := does_not_hold(basis, ctx.clock.now().astimezone(ctx.settings.zone).date()):
        return Result(who[0].text, who[1].id if who[1] else None, ResultKind.REFUSED, why)
    how = PAPER if joining.on_paper else HOW
    evidence: dict[str, str | int] = {"opt_out_offered": "yes"} if basis.opt_out_offered else {}
    words = joining.words or to.standing_words
    agreement = Agreement(words, how, ctx.actor, evidence, basis.ground, basis.collected)
    result = put_on(ctx, tx, to, who, replace(joining, agreement=agreement))
    if result.result is ResultKind.SUBSCRIBED:
        address, person = who
        now = ctx.clock.now()
        for waiting in requests.waiting(tx, to.id, address.key):
            if key_of_name(waiting.name) in {"", key_of_name(joining.name or (person.name if person else ""))}:
                decision = {"decided_by": ctx.actor, "person_id": result.person}
                requests.decide(tx, waiting, Act.APPROVE, decision, now=now)
        if not requests.open_of_address(tx, address.key):
            notices.withdraw(tx, confirmations(address.key))  # nothing is left to be confirmed
    return result


def put_on(
    ctx: Context, tx: Tx, to: MailingListRow, who: tuple[parsing.Address, PersonRow | None], joining: Joining
) -> Result:
    """Put somebody, None for a new person, on a list with the agreement in `joining`, which must be there.

    The caller holds the register (`people.lock`). Returns REFUSED for an address that must not be mailed.
    """
    agreement = joining.agreement
    if agreement is None:
        raise ValueError("nobody is put on a list without words that they agreed to")
    address, person = who
    if person is not None and person.died_on is not None:
        return Result(address.text, person.id, ResultKind.REFUSED, "this person has died; no mail is sent to them")
    if why := refusal(ctx, tx, address, (person.name if person else "") or joining.name or ""):
        return Result(address.text, person.id if person else None, ResultKind.REFUSED, why)
    remarks: list[str] = []
    if person is None:
        if held := people.at_address(tx, address.key):
            remarks.append(f"shares the address with {', '.join(f'{row.id} {row.name}'.strip() for row in held)}")
        person_id = _enter(ctx, tx, address, joining)
    else:
        person_id = person.id
        _complete(ctx, tx, person, joining)
    before = subscriptions.get(tx, person_id, to.id)
    remarks += _remarks(tx, person_id, address)
    if before is not None and before.state is SubscriptionState.SUBSCRIBED:
        since = before.since.astimezone(ctx.settings.zone).date()
        return Result(address.text, person_id, ResultKind.ALREADY, "; ".join([f"on the list since {since}", *remarks]))
    if before is not None and before.state is SubscriptionState.UNSUBSCRIBED and before.ended_at is not None:
        remarks.insert(0, f"had left on {before.ended_at.astimezone(ctx.settings.zone).date()}")
    now = ctx.clock.now()
    evidence = {**agreement.evidence, **zone_of(ctx)}
    said = Consent(
        agreement.words,
        agreement.how,
        agreement.actor,
        now,
        address.text,
        agreement.ground,
        agreement.collected,
        evidence,
    )
    subscriptions.begin(tx, person_id, to.id, said)
    audit.note_person(tx, person_id, "subscribed", actor=ctx.actor, now=now, detail={"list": to.slug})
    return Result(address.text, person_id, ResultKind.SUBSCRIBED, "; ".join(remarks))


def _unsubscribe_one(ctx: Context, tx: Tx, of: MailingListRow, who: tuple[str, PersonRow], words: str) -> Result:
    shown, person = who
    row = subscriptions.get(tx, person.id, of.id)
    if row is None:
        return Result(shown, person.id, ResultKind.ALREADY, f"was never on the list {of.slug}")
    if row.state is SubscriptionState.UNSUBSCRIBED:
        day = f" on {row.ended_at.astimezone(ctx.settings.zone).date()}" if row.ended_at else ""
        return Result(shown, person.id, ResultKind.ALREADY, f"left{day}")
    now = ctx.clock.now()
    subscriptions.end(tx, row, Consent(words, HOW, ctx.actor, now, shown, row.ground, evidence=zone_of(ctx)))
    audit.note_person(tx, person.id, "unsubscribed", actor=ctx.actor, now=now, detail={"list": of.slug})
    return Result(shown, person.id, ResultKind.UNSUBSCRIBED)


def zone_of(ctx: Context) -> dict[str, str | int]:
    """Return the evidence of where the society's clock hangs: an event's moment is kept in UTC."""
    return {"zone": str(ctx.settings.zone)}


def refusal(ctx: Context, tx: Tx, address: parsing.Address, name: str) -> str:
    """Return why this address must not be mailed, or ""."""
    if erased(ctx, tx, address.key, name):
        return _SUPPRESSED[SuppressionReason.ERASED]
    found = suppressions.of_address(tx, ctx.keyring.address_hash(address.key), address.domain)
    if found is None:
        return ""
    day = found.at.astimezone(ctx.settings.zone).date()
    said = f"its whole domain is {_SUPPRESSED[found.reason]}" if found.whole_domain else _SUPPRESSED[found.reason]
    return f"{said}, since {day}" + (f" ({found.note})" if found.note else "")


def _enter(ctx: Context, tx: Tx, address: parsing.Address, joining: Joining) -> int:
    """Make a person with this address; return the number."""
    now, name = ctx.clock.now(), joining.name or ""
    values = {
        "name": name,
        "first_name": names.first_name(name, joining.language),
        "language": joining.language,
    }
    person_id = people.insert(tx, values, now=now)
    if joining.member:
        _declare(ctx, tx, person_id, is_member=True)
    addresses.link(tx, person_id, addresses.ensure(tx, address, now=now))
    return person_id


def _complete(ctx: Context, tx: Tx, person: PersonRow, joining: Joining) -> None:
    """Add to a person what was said now and was not known: a missing name, a language, membership."""
    values: dict[str, object] = {}
    if joining.name and not person.name:
        language = joining.language or person.language
        values |= {"name": joining.name, "first_name": person.first_name or names.first_name(joining.name, language)}
    if joining.language and joining.language != person.language:
        values["language"] = joining.language
    changed = sorted(values)
    if values:
        people.update(tx, person.id, values, now=ctx.clock.now())
    if joining.member is not None and _declare(ctx, tx, person.id, is_member=joining.member):
        changed.append("member")
    if changed:
        detail = {"changed": changed}
        audit.note_person(tx, person.id, "edited", actor=ctx.actor, now=ctx.clock.now(), detail=detail)


def _declare(ctx: Context, tx: Tx, person_id: int, *, is_member: bool) -> bool:
    from balintmail.services import members  # noqa: PLC0415  (the tables of members; few commands need them)

    return members.declare(ctx, tx, person_id, is_member=is_member)


def _remarks(tx: Tx, person_id: int, address: parsing.Address) -> list[str]:
    """Return what keeps letters from this address although nothing forbids them."""
    held = {row.key: row for row in addresses.of_person(tx, person_id)}
    row = held[address.key]
    remarks = []
    if not row.preferred:
        remarks.append("letters go to another, preferred address")
    if row.health is AddressHealth.BOUNCED:
        remarks.append("mail to it came back; it is not mailed until: balintmail suppress remove ADDRESS")
    return remarks


def _address_of(tx: Tx, who: str, person: PersonRow) -> str:
    """Return the address that was named, as the register spells it, or the preferred one."""
    held = addresses.of_person(tx, person.id)
    key = parsing.key_of(who)
    return next((row.email for row in held if row.key == key), held[0].email if held else "")


def shown_text(text: str) -> str:
    """Return what was typed in a form that any output can carry."""
    return text.encode("utf-8", "backslashreplace").decode()[:320]
