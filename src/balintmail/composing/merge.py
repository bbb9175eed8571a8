"""Make one person's message out of a compiled letter by joining bytes: the fast path.

Constants were encoded when the letter was compiled; a person costs a few values, three keyed hashes and one join. It
opens nothing, builds no message object and imports nothing of the `email` package. What one person's own data makes
impossible raises ContentRefused and concerns nobody else. Called by services/dispatch.py for every delivery.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from balintmail.composing import proof, quoted
from balintmail.composing.compiled import Compiled
from balintmail.composing.escaping import Context, clean, escape
from balintmail.composing.expressions import AllOf, AnyOf, Const, Default, Equals, Field, Not, Test, Truth, Value
from balintmail.composing.headers import mailbox, unstructured, usable_address
from balintmail.composing.program import RAW, Choice, Program, Slot
from balintmail.composing.refusals import ComposingError, ContentRefused
from balintmail.composing.remembered import KEPT_VALUES, Written, remembering
from balintmail.domain import tokens
from balintmail.domain.keys import Keyring
from balintmail.domain.outcome import Composed, Envelope
from balintmail.domain.recipient import Recipient
from balintmail.domain.tokens import Mint, Purpose

LONGEST_VALUE = 10_000  # characters of one value; nothing a letter prints of a person is longer
MOST_PLANS = 256  # combinations of conditions that are kept ready
MESSAGE_TOKEN = Field("token.message")
_ADDRESS_UNUSABLE = "their address cannot be written in a letter's header"
_FIELDS = ("header.to", "header.subject")  # slots that are a whole header field

_Read = Callable[[Recipient], Any]
_Make = Callable[[Recipient], bytes]
_Measure = Callable[[Recipient], int]
_Choose = Callable[[Recipient], int]


class KeyMissing(ComposingError):
    """The key under which a mailing was frozen is not in the secrets any more."""

    code = "key_missing"


@dataclass(frozen=True, slots=True)
class _Plan:
    """A message for one combination of conditions: its parts, empty where a slot is, and what fills them.

    `fields` are the slots that are whole header fields; `proven` says that nothing but these could spoil a message.
    The last two measure the letter without making it.
    """

    parts: list[bytes]
    fills: list[tuple[tuple[int, ...], _Make]]
    fields: list[tuple[tuple[int, ...], _Make]]
    message_tokens: tuple[int, ...]
    proven: bool
    html_constant: int  # bytes of the HTML part without its slots
    in_html: list[tuple[int, _Measure]]  # how often what fills a slot stands there; 0: only elsewhere


class Merger:
    """Composes the messages of one mailing. Safe to use from several threads."""

    def __init__(self, compiled: Compiled, keyring: Keyring) -> None:
        key = keyring.signing(compiled.key_id)
        if key is None:
            raise KeyMissing(
                "The key that signs this mailing's links is not in secrets.toml any more.",
                hint="Put it back under [keys] previous; without it retries would differ from the first letters.",
            )
        self._compiled = compiled
        self._mints = {purpose: Mint(key, purpose) for purpose in Purpose}
        self._message_token = self._mints[Purpose.MESSAGE_ID].token
        self._bounce_token = self._mints[Purpose.BOUNCE].token
        self._written: dict[Context, Written] = {}
        self._sizes: dict[bytes, int] = {}
        self._printers: dict[str, Callable[[Recipient], str]] = {}
        self._makers = [self._maker(slot) for slot in compiled.slots]
        self._choosers, self._chooser_of = _choosers([*compiled.conditions], self._reader)
        self._message_slot = next(
            (number for number, slot in enumerate(compiled.slots) if slot.value == MESSAGE_TOKEN), -1
        )
        self._plans: dict[tuple[int, ...], _Plan] = {}
        self._programs: list[Program] = [
            compiled.head,
            [compiled.before],
            compiled.text,
            [compiled.between],
            compiled.html,
            compiled.after,
        ]

    def compose(self, recipient: Recipient) -> Composed:
        """Return the message for `recipient`; raise ContentRefused when their own data makes it impossible."""
        envelope = recipient.envelope
        if not usable_address(envelope):
            raise ContentRefused(_ADDRESS_UNUSABLE)
        token = self._message_token(delivery=recipient.delivery)
        choices = tuple([choose(recipient) for choose in self._choosers])
        plan = self._plans.get(choices) or self._prepare(choices)
        parts = plan.parts.copy()
        for positions, make in plan.fills:
            made = make(recipient)
            for position in positions:
                parts[position] = made
        proven = plan.proven
        for positions, make in plan.fields:
            made = make(recipient)
            proven = proven and proof.is_one_field(made)
            for position in positions:
                parts[position] = made
        raw = token.encode("ascii")
        for position in plan.message_tokens:
            parts[position] = raw
        return Composed(
            recipient.delivery,
            Envelope(self._sender(recipient), envelope, not envelope.isascii()),
            self._bracketed(token),
            b"".join(parts),
            proven,
        )

    def message_id(self, delivery: int) -> str:
        """Return the Message-ID that the letter of a delivery has, or had (S11)."""
        return self._bracketed(self._message_token(delivery=delivery))

    def _bracketed(self, token: str) -> str:
        return f"<{token}@{self._compiled.message_id_domain}>"

    def text(self, recipient: Recipient) -> str:
        """Return the text part as `recipient` would read it, lines ended by LF."""
        return quoted.decode(self._run(self._compiled.text, recipient))

    def html(self, recipient: Recipient) -> str:
        """Return the HTML part as `recipient` would get it, lines ended by LF."""
        return quoted.decode(self._run(self._compiled.html, recipient))

    def article(self, recipient: Recipient) -> str:
        """Return the letter's words alone in HTML, as the archive shows them (article.py), lines ended by LF."""
        return quoted.decode(self._run(self._compiled.article, recipient))

    def html_bytes(self, recipient: Recipient) -> int:
        """Return the size of the rendered HTML part in bytes (S27), for less than it costs to compose the letter.

        Raises ContentRefused where `compose` would.
        """
        if not usable_address(recipient.envelope):
            raise ContentRefused(_ADDRESS_UNUSABLE)
        choices = tuple([choose(recipient) for choose in self._choosers])
        plan = self._plans.get(choices) or self._prepare(choices)
        size = plan.html_constant
        for times, measure in plan.in_html:
            size += times * measure(recipient)
        return size

    def _measure(self, number: int) -> _Measure:
        """Return what gives the size of a slot for one person; a token's is known without making it."""
        name = self._name(number)
        if name == "token.leave":
            return lambda recipient: tokens.length(recipient.person, recipient.list, recipient.delivery)
        if name == "token.preferences":
            return lambda recipient: tokens.length(recipient.person, recipient.list)
        make, sizes = self._makers[number], self._sizes

        def measure(recipient: Recipient) -> int:
            made = make(recipient)
            size = sizes.get(made)
            if size is None:
                if len(sizes) >= KEPT_VALUES:
                    sizes.clear()
                size = sizes[made] = quoted.decoded_bytes(made)
            return size

        return measure

    def subject(self, recipient: Recipient) -> str:
        """Return the subject as `recipient` would read it."""
        if self._compiled.subject is None:
            return self._compiled.title
        return self._plain(self._compiled.subject, recipient).strip()

    def value(self, name: str, recipient: Recipient) -> str:
        """Return what the field `name` prints for `recipient`; "" where it is empty."""
        printer = self._printers.get(name)
        if printer is None:
            printer = self._printers[name] = _printer(Field(name), self._reader)
        return printer(recipient)

    def _sender(self, recipient: Recipient) -> str:
        sender = self._compiled.sender
        if len(sender) == 1:
            return sender[0]
        return f"{sender[0]}{self._bounce_token(delivery=recipient.delivery)}{sender[1]}"

    def _prepare(self, choices: tuple[int, ...]) -> _Plan:
        flat: list[str | int] = []
        for program in self._programs:
            self._flatten(program, choices, flat)
        html: list[str | int] = []
        self._flatten(self._compiled.html, choices, html)
        plan = self._plan(flat, html)
        if len(self._plans) >= MOST_PLANS:
            self._plans.clear()
        self._plans[choices] = plan
        return plan

    def _flatten(self, program: Program, choices: Sequence[int], out: list[str | int]) -> None:
        for node in program:
            if isinstance(node, Choice):
                self._flatten(node.branches[choices[self._chooser_of[node.condition]]], choices, out)
            else:
                out.append(node)

    def _plan(self, flat: list[str | int], html: list[str | int]) -> _Plan:
        parts: list[bytes] = []
        places: dict[int, list[int]] = {}
        texts: list[str] = []
        for node in flat:
            if isinstance(node, str):
                texts.append(node)
                continue
            if texts:
                parts.append("".join(texts).encode("ascii"))
                texts = []
            places.setdefault(node, []).append(len(parts))
            parts.append(b"")
        parts.append("".join(texts).encode("ascii"))
        stand_ins = {
            position: proof.TOKEN if self._compiled.slots[number].context == RAW else proof.LINES
            for number, at in places.items()
            for position in at
        }
        proven = proof.may_leave(parts, stand_ins)
        message = tuple(places.pop(self._message_slot, ()))
        numbers = {number for number in places if self._name(number) in _FIELDS}
        fills = [(tuple(at), self._makers[number]) for number, at in places.items() if number not in numbers]
        fields = [(tuple(at), self._makers[number]) for number, at in places.items() if number in numbers]
        constant = quoted.decoded_bytes("".join(node for node in html if isinstance(node, str)).encode("ascii"))
        in_html = [(html.count(number), self._measure(number)) for number in places if number not in numbers]
        return _Plan(parts, fills, fields, message, proven, constant, in_html)

    def _name(self, number: int) -> str:
        value = self._compiled.slots[number].value
        return value.name if isinstance(value, Field) else ""

    def _run(self, program: Program, recipient: Recipient) -> bytes:
        flat: list[str | int] = []
        self._flatten(program, [choose(recipient) for choose in self._choosers], flat)
        return b"".join(
            node.encode("ascii") if isinstance(node, str) else self._makers[node](recipient) for node in flat
        )

    def _plain(self, program: Program, recipient: Recipient) -> str:
        """Return a header's text: constants as they are, values cleaned."""
        flat: list[str | int] = []
        self._flatten(program, [choose(recipient) for choose in self._choosers], flat)
        return "".join(
            node if isinstance(node, str) else self._makers[node](recipient).decode("utf-8") for node in flat
        )

    def _maker(self, slot: Slot) -> _Make:
        """Return what writes a slot for one person."""
        name = slot.value.name if isinstance(slot.value, Field) else ""
        if name == "header.to":
            return _to
        if name == "header.subject":
            return self._subject_field
        if name == "header.date":
            date = self._compiled.date.encode("ascii")
            return lambda recipient: date
        read = _printer(slot.value, self._reader)
        if slot.context == RAW:
            return lambda recipient: read(recipient).encode("ascii")
        context = Context(slot.context)
        if context is Context.HEADER:
            return lambda recipient: escape(read(recipient), context).encode("utf-8")
        written = self._written.setdefault(context, Written(context))
        return remembering(slot.value, self._reader, lambda recipient: written.of(read(recipient)))

    def _subject_field(self, recipient: Recipient) -> bytes:
        return unstructured("Subject", self.subject(recipient)).encode("ascii")

    def _reader(self, name: str) -> _Read:
        """Return what looks up the field `name`."""
        fallback = self._compiled.language
        leave, preferences = self._mints[Purpose.LEAVE].token, self._mints[Purpose.PREFERENCES].token
        reply = self._mints[Purpose.REPLY].token
        known: dict[str, _Read] = {
            "person.name": lambda recipient: recipient.data.name,
            "person.first_name": lambda recipient: recipient.data.first_name,
            "person.member": lambda recipient: recipient.data.member,
            "person.language": lambda recipient: recipient.data.language or fallback,
            "token.message": lambda recipient: self._message_token(delivery=recipient.delivery),
            "token.reply": lambda recipient: reply(delivery=recipient.delivery),
            "token.leave": lambda recipient: leave(recipient.person, recipient.list, recipient.delivery),
            "token.preferences": lambda recipient: preferences(recipient.person, recipient.list),
            # In a test or a default an address is there or not; its text is written by the program.
            "urls.unsubscribe": lambda recipient: "yes",
            "urls.preferences": lambda recipient: "yes",
        }
        if name in known:
            return known[name]
        own = name.removeprefix("person.")
        return lambda recipient: recipient.data.fields.get(own, "")


def _to(recipient: Recipient) -> bytes:
    """Return the To field; an address beyond ASCII stands there in UTF-8 (RFC 6532 section 3.2), never mangled."""
    return mailbox("To", recipient.data.name, recipient.envelope).encode("utf-8")


def _text(raw: Any, name: str) -> str:
    """Return one value as cleaned text; raise ContentRefused for what is no text."""
    if isinstance(raw, str):
        if len(raw) > LONGEST_VALUE:
            raise ContentRefused(f'their field "{name}" is longer than {LONGEST_VALUE} characters')
        return clean(raw)
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, int | float) and abs(raw) < 10**30:
        return str(raw)
    raise ContentRefused(f'their field "{name}" holds no text')


def _printer(value: Value, reader: Callable[[str], _Read]) -> Callable[[Recipient], str]:
    match value:
        case Const(text):
            return lambda recipient: text
        case Field(name):
            read = reader(name)
            return lambda recipient: _text(read(recipient), name)
        case Default(inner, fallback):
            first, second = _printer(inner, reader), _printer(fallback, reader)
            return lambda recipient: first(recipient) or second(recipient)


def _tester(test: Test, reader: Callable[[str], _Read]) -> Callable[[Recipient], bool]:
    match test:
        case Truth(Field(name)):
            read = reader(name)
            return lambda recipient: _true(read(recipient))
        case Truth(value):
            show = _printer(value, reader)
            return lambda recipient: bool(show(recipient))
        case Equals(Field(name), truth=bool(wanted)):
            look = reader(name)
            return lambda recipient: look(recipient) is wanted
        case Equals(value, text):
            told = _printer(value, reader)
            return lambda recipient: told(recipient) == text
        case Not(inner):
            denied = _tester(inner, reader)
            return lambda recipient: not denied(recipient)
        case AllOf(tests):
            parts = [_tester(part, reader) for part in tests]
            return lambda recipient: all(part(recipient) for part in parts)
        case AnyOf(tests):
            choices = [_tester(part, reader) for part in tests]
            return lambda recipient: any(part(recipient) for part in choices)


def _true(raw: Any) -> bool:
    return bool(clean(raw)) if isinstance(raw, str) else bool(raw)


def _choosers(
    conditions: Sequence[Sequence[Test]], reader: Callable[[str], _Read]
) -> tuple[list[_Choose], dict[int, int]]:
    """Return one chooser per different condition, and which of them each condition uses."""
    choosers: list[_Choose] = []
    different: list[Sequence[Test]] = []
    chooser_of: dict[int, int] = {}
    for number, tests in enumerate(conditions):
        if tests not in different:
            different.append(tests)
            choosers.append(_chooser([_tester(test, reader) for test in tests]))
        chooser_of[number] = different.index(tests)
    return choosers, chooser_of


def _chooser(testers: Sequence[Callable[[Recipient], bool]]) -> _Choose:
    """Return what gives the number of the first test that holds, or of the part after the last."""
    if len(testers) == 1:
        only = testers[0]
        return lambda recipient: 0 if only(recipient) else 1

    def choose(recipient: Recipient) -> int:
        return next((number for number, holds in enumerate(testers) if holds(recipient)), len(testers))

    return choose
