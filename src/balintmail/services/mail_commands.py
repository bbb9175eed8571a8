"""Act on what people ask by mail: leave, join, confirm, help, a copy of a past newsletter.

A From proves nothing. What changes somebody's state has a token: of the letter that the mail was made from, or of the
mail of ours that it answers. Everything else is answered to the address it claims to be from, once a day, and only
where a person may read; what the program has said enough to waits for the Secretary. It sends nothing itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from balintmail.composing.identity import leave_by_mail
from balintmail.db import lists, people
from balintmail.db.lists import MailingListRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene, names, questions, tokens
from balintmail.domain.address import Address, AddressRefused, parse
from balintmail.domain.inbox import WAITS, Done, Inbound, Proof
from balintmail.domain.mail_commands import Act, Command, folded, may_be_answered, says_no, says_yes
from balintmail.domain.notices import Fact, Plain
from balintmail.domain.requests import ApplicationRefused, Door, may_be_asked_for
from balintmail.domain.returns import Kind
from balintmail.domain.states import Ground, InboundState
from balintmail.domain.times import long_form
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.receiving.event import Event
from balintmail.services import answers, caps, copies, copy_answers, farewell, leaving, notices, requests
from balintmail.services.applications import Application, checked
from balintmail.services.context import Context
from balintmail.services.copies import Standing, Wish
from balintmail.services.leaving import Visit
from balintmail.services.notices import To, Waiting
from balintmail.services.offers import Offer, Wording
from balintmail.services.preferences import address_of

_REPLIES = (Purpose.CONFIRM, Purpose.LEAVE, Purpose.COPY_WISH, Purpose.COPY_QUOTE)
_COPIES = {
    Standing.SENT: "sent the copy",
    Standing.ASKED: "put it to the Secretary as a request for a copy",
    Standing.CONFIRMS: "asked the address whether it wants the copy",
    Standing.KNOWN: "is being dealt with already",
    Standing.REFUSED: "the address must not be mailed",
}
_CONFIRMED = {
    requests.Standing.JOINED: "confirmed by reply, and is on the list",
    requests.Standing.ASKED: "confirmed by reply: the Secretary decides",
    requests.Standing.DECLINED: "confirmed by reply what was declined already",
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is answered, when, and the token that a reply to it stands for."""

    template: str
    facts: dict[str, Fact]
    at: datetime
    token: str = ""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command with what is known of whoever sent it: their address as it claims to be, and who holds it."""

    command: Command
    address: Address
    people: Sequence[PersonRow]
    event: Event
    message: Inbound

    @property
    def person(self) -> int:
        """The one person who holds the address, or 0."""
        return self.people[0].id if len(self.people) == 1 else 0

    @property
    def language(self) -> str:
        """The person's own language, else that of the command."""
        return (self.people[0].language if self.people else "") or self.command.language


def concerns(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> bool:
    """Say whether a message is a command, or a reply that stands for a link of ours."""
    if _leave_tokens(event, proof):
        return True
    if event.robot or event.kind is Kind.AUTO_REPLY:
        return False  # a machine confirms nothing and is told nothing (S9, S41)
    return event.command is not None or bool(_replied(ctx, answers.meant(ctx, tx, proof, event.sender)))


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Carry out a command, or what a reply stands for."""
    if leaves := _leave_tokens(event, proof):
        return _leave(ctx, tx, event, leaves)
    token = answers.meant(ctx, tx, proof, event.sender)
    if meant := _replied(ctx, token):
        return _reply(ctx, tx, event, token, meant)
    if event.command is None:
        return WAITS
    asked = _asked(ctx, tx, message, event)
    if asked is None:
        return Done(InboundState.WAITING, "a command from an address that is not answered")
    if caps.asked_before(ctx, tx, asked.address.key, f"{asked.command.act} {asked.command.argument}"):
        return Done(InboundState.DONE, "asked for the same today already", asked.person)
    handler = {Act.LEAVE: _link_to_leave, Act.JOIN: _join, Act.HELP: _help, Act.COPY: _copy, Act.CONFIRM: _help}
    done = handler[asked.command.act](ctx, tx, asked)
    # A mail that says more than its command still has something for a person.
    return replace(done, state=InboundState.WAITING) if asked.command.says_more else done


def _leave_tokens(event: Event, proof: Proof) -> list[TokenClaims]:
    """Return what the token of a `mailto:` says: it stands in the subject or a recipient, never in a quote (S6)."""
    places = " ".join((event.subject, *event.to)).lower()
    return [one.claims for one in proof.ours if one.claims.purpose is Purpose.LEAVE and one.text in places]


def _leave(ctx: Context, tx: Tx, event: Event, claims: Sequence[TokenClaims]) -> Done:
    left = [name for each in claims for name in leaving.leave_in(ctx, tx, each, Visit(leaving.Door.MAIL))]
    whom = leaving.living(tx, claims[0].person)
    remark = f"left {', '.join(left)}" if left else "had left already"
    more = event.command is not None and event.command.says_more and not event.robot
    return Done(InboundState.WAITING if more else InboundState.DONE, remark, whom.id if whom else 0)


def _replied(ctx: Context, token: str) -> TokenClaims | None:
    """Return what the token of a mail of ours to somebody without an office says."""
    found = (tokens.read(token, purpose, ctx.keyring.verifying) for purpose in _REPLIES)
    return next((claims for claims in found if claims is not None), None)


def _reply(ctx: Context, tx: Tx, event: Event, token: str, claims: TokenClaims) -> Done:
    """Do what the link in the answered mail would have done, unless the reply says no or asks for something else."""
    other = event.command is not None and event.command.act in {Act.HELP, Act.COPY}
    stays = event.command is not None and event.command.act is Act.LEAVE and claims.purpose is not Purpose.LEAVE
    if stays or other or (says_no(event.text) and not _wants_to_leave(event, claims)):
        return Done(InboundState.WAITING, "answered our question with something else than yes")
    if claims.purpose is Purpose.COPY_QUOTE and not says_yes(event.text):
        return Done(InboundState.WAITING, "answered the price of a copy with something else than yes")
    done = _said_yes(ctx, tx, token, claims)
    long = len(event.text.split()) > _LONG_REPLY
    return replace(done, state=InboundState.WAITING) if long else done


_LONG_REPLY = 30  # words; somebody who writes more has something to say


def _wants_to_leave(event: Event, claims: TokenClaims) -> bool:
    return claims.purpose is Purpose.LEAVE and event.command is not None and event.command.act is Act.LEAVE


def _said_yes(ctx: Context, tx: Tx, token: str, claims: TokenClaims) -> Done:
    if claims.purpose is Purpose.LEAVE:
        whom = leaving.living(tx, claims.person)
        before = [one.slug for one in leaving.standings(tx, whom.id) if one.is_on] if whom else []
        left = leaving.leave_in(ctx, tx, claims, Visit(leaving.Door.MAIL))
        if whom is not None and left:
            farewell.after_mail(ctx, tx, whom.id, before)
        return Done(InboundState.DONE, f"left {', '.join(left)}" if left else "had left already", claims.person)
    if claims.purpose is Purpose.COPY_WISH:
        standing = copies.confirm(ctx, tx, token)
        return Done(InboundState.DONE, _COPIES[standing] if standing else "confirmed a request that is over")
    if claims.purpose is Purpose.COPY_QUOTE:
        agreed = copy_answers.agree(ctx, tx, token)
        return Done(InboundState.DONE, "agreed to the price of a copy" if agreed else "agreed to what is over")
    found = requests.confirm_in(ctx, tx, token)
    known = people.at_address(tx, parse(found.email).key) if found.email else ()
    remark = _CONFIRMED.get(found.standing, "confirmed by reply a request that is over")
    return Done(InboundState.DONE, remark, known[0].id if len(known) == 1 else 0)


def _asked(ctx: Context, tx: Tx, message: Inbound, event: Event) -> _Asked | None:
    """Return a command with its sender; None where nobody should be answered."""
    if event.command is None or event.robot or not may_be_answered(event.sender):
        return None
    try:
        address = parse(event.sender)
    except AddressRefused:
        return None
    if address.key in _own(ctx, tx):
        return None
    return _Asked(event.command, address, people.at_address(tx, address.key), event, message)


def _own(ctx: Context, tx: Tx) -> set[str]:
    """Return the addresses that letters are from or bounce to: a mail that claims one of them is nobody's."""
    texts = [ctx.settings.bounces.address, *(one.from_address for one in lists.every(tx))]
    return {parse(text).key for text in texts if text}


def _link_to_leave(ctx: Context, tx: Tx, asked: _Asked) -> Done:
    """Mail whoever holds the address the links with which they leave; nothing changes before one is used."""
    at = caps.next_answer(ctx, tx, asked.address.key)
    if at is None:
        return _enough(asked)
    on = [(person, one) for person in asked.people for one in leaving.standings(tx, person.id) if one.is_on]
    named = folded(asked.command.argument)
    on = [pair for pair in on if named in {pair[1].slug, folded(pair[1].name)}] or on
    rows: list[dict[str, Plain]] = []
    for person, one in on:
        name = f"{one.name} ({person.name})" if len(asked.people) > 1 and person.name else one.name
        rows.append({"name": name, "url": _leave_url(ctx, tx, person.id, one.slug)})
    token = _reply_token(ctx, tx, asked, [one.slug for _, one in on])
    facts: dict[str, Fact] = {"asked_at": ctx.clock.now(), "lists": rows, "reply": bool(token)}
    _answer(ctx, tx, asked, _Answer("leave_link", facts, at, token))
    remark = "mailed the links to leave" if rows else "answered: is on no list"
    return Done(InboundState.DONE, remark + _waits(ctx, at), asked.person)


def _reply_token(ctx: Context, tx: Tx, asked: _Asked, slugs: Sequence[str]) -> str:
    """Return what a reply to the links stands for: leaving the one list, or all of them; "" where people share."""
    if not asked.person or not slugs:
        return ""
    only = lists.by_slug(tx, slugs[0]) if len(slugs) == 1 else None
    return tokens.make(TokenClaims(Purpose.LEAVE, asked.person, only.id if only else 0), ctx.keyring.tokens)


def _leave_url(ctx: Context, tx: Tx, person: int, slug: str) -> str:
    of = lists.by_slug(tx, slug)
    token = tokens.make(TokenClaims(Purpose.LEAVE, person, of.id if of else 0), ctx.keyring.tokens)
    if ctx.settings.society.url:
        return address_of(ctx, f"/leave/{token}")
    return f"{leave_by_mail(_our_address(ctx, tx))}{token}"


def _join(ctx: Context, tx: Tx, asked: _Asked) -> Done:
    """Take a request to join as a form takes it; its confirmation goes to the address (S46)."""
    of = _list_named(tx, asked.command.argument)
    if of is None:
        return _help(ctx, tx, asked) if asked.command.argument else WAITS
    if not may_be_asked_for(of.policy) or of.archived_at is not None:
        return Done(InboundState.WAITING, f"asks to join {of.slug}, which takes nobody who asks", asked.person)
    at = caps.next_answer(ctx, tx, asked.address.key)
    if at is None:
        return _enough(asked)
    application = _application(ctx, of, asked, at)
    try:
        clean = checked(application)
    except ApplicationRefused:
        return _ask_to_fill_in(ctx, tx, of, asked, at)
    numbers = requests.take(ctx, tx, application, clean)
    caps.count_answer(ctx, tx, asked.address.key, at)
    return Done(InboundState.DONE, f"asks to join {of.slug}: {_numbered(numbers)}{_waits(ctx, at)}", asked.person)


def _application(ctx: Context, of: MailingListRow, asked: _Asked, at: datetime) -> Application:
    line = asked.event.subject or asked.event.text.partition("\n")[0]
    try:
        said = hygiene.one_line(line[:200], what="the subject")
        name = names.clean(asked.event.name)
    except hygiene.TextRefused:
        said, name = asked.command.act.value, ""
    words = Wording(f'asked by mail: "{said}"', language=asked.command.language)
    return Application(
        (Offer(of, questions.read(of.questions), words),),
        (of.slug,),
        asked.address.text,
        name,
        asked.language,
        door=Door.MAIL,
        not_before=at,
    )


def _ask_to_fill_in(ctx: Context, tx: Tx, of: MailingListRow, asked: _Asked, at: datetime) -> Done:
    """Send whoever must answer a list's questions to its page; without a site the Secretary asks them."""
    if not ctx.settings.society.url:
        return Done(InboundState.WAITING, f"asks to join {of.slug}, which has questions", asked.person)
    url = address_of(ctx, f"/join/{of.slug}")
    facts: dict[str, Fact] = {"lists": [of.name], "join_url": url, "asked_at": ctx.clock.now()}
    _answer(ctx, tx, asked, _Answer("join_by_page", facts, at))
    return Done(InboundState.DONE, f"asks to join {of.slug}: sent to its page{_waits(ctx, at)}", asked.person)


def _help(ctx: Context, tx: Tx, asked: _Asked) -> Done:
    """Say what may be asked by mail; a list that is not there and a confirmation without its question get it too."""
    at = caps.next_answer(ctx, tx, asked.address.key)
    if at is None:
        return _enough(asked)
    offered = [one for one in lists.every(tx) if one.archived_at is None and may_be_asked_for(one.policy)]
    rows: list[dict[str, Plain]] = [{"name": one.name, "slug": one.slug} for one in offered]
    facts: dict[str, Fact] = {"lists": rows, "address": _our_address(ctx, tx), "asked_at": ctx.clock.now()}
    _answer(ctx, tx, asked, _Answer("help", facts, at))
    return Done(InboundState.DONE, f"told what may be asked by mail{_waits(ctx, at)}", asked.person)


def _copy(ctx: Context, tx: Tx, asked: _Asked) -> Done:
    at = caps.next_answer(ctx, tx, asked.address.key)
    if at is None:
        return _enough(asked)
    try:
        name = names.clean(asked.event.name)
    except hygiene.TextRefused:
        name = ""
    wish = Wish(wanted=asked.command.argument, address=asked.address, at=at, name=name, language=asked.language,
                inbound=asked.message.id)  # fmt: skip
    standing, _ = copies.ask(ctx, tx, wish)
    if standing in {Standing.SENT, Standing.ASKED, Standing.CONFIRMS}:
        caps.count_answer(ctx, tx, asked.address.key, at)
    return Done(InboundState.DONE, f"copy of {asked.command.argument}: {_COPIES[standing]}", asked.person)


def _answer(ctx: Context, tx: Tx, asked: _Asked, answer: _Answer) -> None:
    """Let an answer wait, and count it."""
    caps.count_answer(ctx, tx, asked.address.key, answer.at)
    to = To(address=asked.address, person=asked.person or None, language=asked.language)
    waiting = Waiting(
        template=answer.template,
        to=to,
        ground=Ground.REQUESTED,
        language=asked.language,
        facts=answer.facts,
        due_at=answer.at,
        answer=answer.token,
    )
    notices.put(ctx, tx, waiting)


def _list_named(tx: Tx, argument: str) -> MailingListRow | None:
    """Return the list that a command names, the default list where it names none."""
    if not argument:
        return lists.default_list(tx)
    wanted = folded(argument)
    return next((one for one in lists.every(tx) if wanted in {one.slug, folded(one.name)}), None)


def _our_address(ctx: Context, tx: Tx) -> str:
    """Return where commands are mailed to: where bounces go, else the Secretary."""
    to = None if ctx.settings.bounces.address else notices.to_secretary(tx)
    return ctx.settings.bounces.address or (to.address.text if to else "")


def _waits(ctx: Context, at: datetime) -> str:
    """Return the words for an answer that leaves later, because the address had one today."""
    zone = ctx.settings.zone
    return f"; it leaves on {long_form(at, zone)}, one answer a day" if at > ctx.clock.now() else ""


def _enough(asked: _Asked) -> Done:
    return Done(InboundState.WAITING, "the address has had its answers for two days", asked.person)


def _numbered(numbers: Sequence[int]) -> str:
    return f"request {', '.join(map(str, numbers))}" if numbers else "not kept, too many today"
