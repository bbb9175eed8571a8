"""Say everything that stops or spoils a send before anybody is mailed: the letter, its audience, the settings.

It tries the letter over everybody it would reach, in flat memory, and changes nothing. The rules for a single
rendered letter are composing/lint.py's; this file adds what only the register and the settings know.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.letter import Letter, read_letter
from balintmail.composing.lint import WARN_HTML_BYTES, Finding, Level, Rendered, in_order, lint, size_finding
from balintmail.composing.lint_page import read_page
from balintmail.composing.look import Look, TemplateError, read_look
from balintmail.composing.merge import Merger
from balintmail.composing.refusals import ComposingError, ContentRefused, LetterError
from balintmail.composing.surroundings import Surroundings
from balintmail.db import audience, mailings
from balintmail.db.audience import AudienceCounts, Selection
from balintmail.db.lists import MailingListRow
from balintmail.db.session import Tx
from balintmail.domain import tokens
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.domain.states import MailingState
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.errors import BalintmailError, Conflict, NotFound
from balintmail.services import links, lists, surroundings
from balintmail.services.context import Context
from balintmail.services.links import TimeLimits

MOST_VARIANTS = 24  # differing letters that are read for faults; conditions rarely make more
_STATE_WORDS = {
    MailingState.SENT: "was sent",
    MailingState.PAUSED: "is being sent (paused)",
    MailingState.CANCELLED: "was cancelled",
}
_SCHEME_NAMES = ("ground", "card", "ink", "muted", "accent", "soft")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to check beside the file: another list, the filters of the send, and whether to ask the links."""

    list: str = ""
    where: str = ""
    exclude: tuple[str, ...] = ()
    asking: TimeLimits | None = None


@dataclass(slots=True)
class Report:
    """What a check found. `letter`, `compiled` and `counts` are missing as far as a stop came before them."""

    findings: list[Finding] = field(default_factory=list)
    letter: Letter | None = None
    mailing_list: MailingListRow | None = None
    surroundings: Surroundings | None = None
    compiled: Compiled | None = None
    counts: AudienceCounts | None = None
    largest_html: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing stops a send."""
        return not any(finding.level is Level.STOP for finding in self.findings)

    def say(self, code: str, level: Level, message: str, *, line: int = 0) -> None:
        """Add one finding."""
        self.findings.append(Finding(code, level, line, message))


def check(ctx: Context, path: Path, wanted: Wanted | None = None) -> Report:
    """Return what stops or spoils a send of the newsletter in `path`.

    Raises FilterError for a filter that cannot be read, and nothing for a letter however wrong.
    """
    report = Report()
    try:
        report.letter = read_letter(path)
    except LetterError as exc:
        report.findings += _stops(exc)
        report.findings = in_order(report.findings)
        return report
    addresses = check_letter(ctx, report.letter, report, wanted or Wanted())
    if wanted is not None and wanted.asking is not None:
        report.findings += links.ask(addresses, wanted.asking)
    report.findings = in_order(report.findings)
    return report


def check_letter(ctx: Context, letter: Letter, report: Report, wanted: Wanted) -> list[links.Asked]:
    """Add the findings about `letter` to `report`; return its web addresses, to be asked or not."""
    _settings(ctx, report)
    with ctx.db.read() as tx:
        try:
            report.mailing_list = lists.named(tx, wanted.list or letter.list)
        except (NotFound, Conflict) as exc:
            report.say("unknown_list", Level.STOP, _sentence(exc), line=letter.line_of("list"))
            return []
        _attachments(ctx, letter, report)
        try:
            report.surroundings = surroundings.gather(ctx, tx, report.mailing_list)
            report.compiled = compile_letter(letter, report.surroundings)
        except LetterError as exc:
            report.findings += _stops(exc)
            return []
        except (ComposingError, TemplateError, NotFound) as exc:
            report.say(exc.code, Level.STOP, _sentence(exc))
            return []
        _number(tx, letter, report)
        selection = Selection(report.mailing_list.id, wanted.where, wanted.exclude, ctx.settings.zone)
        report.counts = audience.counts(tx, selection)
        if not report.counts.reached:
            report.say("nobody", Level.WARN, f"the list {report.mailing_list.slug} reaches nobody")
        return _try_over(ctx, report, audience.stream(tx, selection))


def _settings(ctx: Context, report: Report) -> None:
    if not ctx.settings.society.url:
        report.say(
            "no_public_address",
            Level.WARN,
            "there is no public address in the settings ([society] url): no links to the web, and leaving is by mail",
        )
    if not ctx.settings.society.address:
        report.say(
            "no_postal_address",
            Level.NOTE,
            "there is no postal address in the settings ([society] address) for the foot of the letter",
        )


def _attachments(ctx: Context, letter: Letter, report: Report) -> None:
    """Hold the attachments' size against the limit; missing ones are the compiler's to name."""
    limit, total = ctx.settings.send.max_attachment_bytes, 0
    for attachment in letter.attachments:
        file = letter.folder / attachment.path
        try:
            size = file.stat().st_size
        except (OSError, ValueError):  # not there, or of an impossible name
            size = 0
        total += size
        if size > limit:
            message = f"{attachment.path} has {size:,} bytes; {limit:,} is the most (send.max_attachment_bytes)"
            report.say("attachment_too_large", Level.STOP, message, line=attachment.line)
            return
    if total > limit:
        message = f"the attachments have {total:,} bytes together; {limit:,} is the most (send.max_attachment_bytes)"
        report.say("attachment_too_large", Level.STOP, message, line=letter.line_of("attachments"))


def _number(tx: Tx, letter: Letter, report: Report) -> None:
    """Say when this number was sent already, with this content or with other (D1)."""
    slug = report.mailing_list.slug if report.mailing_list else ""
    known = mailings.by_number(tx, slug, letter.number)
    if known is None or report.compiled is None or known.may_be_rewritten:
        return
    line = letter.line_of("number") or letter.line_of("slug")
    label, state = f"{slug}/{letter.number}", _STATE_WORDS.get(known.state, "is being sent")
    if known.content_hash == report.compiled.content_hash:
        report.say("already_sent", Level.NOTE, f"{label} {state} with exactly this content", line=line)
        return
    message = f"{label} {state} already, with other content; give this one a number of its own"
    report.say("number_taken", Level.STOP, message, line=line)


def _try_over(ctx: Context, report: Report, people: Iterable[Recipient]) -> list[links.Asked]:
    """Merge the letter for everybody: sizes, empty fields, impossible data; and read each variant for faults."""
    if report.compiled is None or report.letter is None or report.mailing_list is None:
        return []
    merger = Merger(report.compiled, ctx.keyring)
    trial = _Trial(ctx, report, merger)
    for recipient in people:
        trial.person(recipient)
    for recipient in _imagined(report.mailing_list.id):
        trial.read(recipient)
    trial.finish()
    return list(trial.addresses.values())


def _imagined(list_id: int) -> Iterator[Recipient]:
    """Yield a member and a non-member, so that every letter is read once even where nobody is on the list."""
    for member in (True, False):
        data = PersonData("Alex Example", "Alex", "", member, {})
        yield Recipient(0, 0, list_id, "alex@example.org", "alex@example.org", data)


class _Trial:
    """One pass over the audience."""

    def __init__(self, ctx: Context, report: Report, merger: Merger) -> None:
        assert report.compiled is not None
        assert report.letter is not None
        assert report.surroundings is not None
        self.ctx, self.report, self.merger = ctx, report, merger
        self.compiled, self.letter = report.compiled, report.letter
        self.limit = ctx.settings.send.max_html_bytes
        self.empty: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.too_large = self.large = 0
        self.seen: set[tuple[object, ...]] = set()
        self.addresses: dict[str, links.Asked] = {}
        self.night = _night(read_look(report.surroundings.templates, report.surroundings.accent))
        self.key = ctx.keyring.signing(self.compiled.key_id) or b""

    def person(self, recipient: Recipient) -> None:
        """Try one person of the audience."""
        try:
            size = self.merger.html_bytes(recipient)
            for name in self.compiled.open_fields:
                self.empty[name] += not self.merger.value(name, recipient)
        except ContentRefused as exc:
            self.refused[exc.reason] += 1
            return
        self.report.largest_html = max(self.report.largest_html, size)
        self.too_large += size > self.limit
        self.large += WARN_HTML_BYTES < size <= self.limit
        shape = (recipient.data.member, *(bool(self._value(name, recipient)) for name in self.compiled.fields_used))
        if shape not in self.seen and len(self.seen) < MOST_VARIANTS:
            self.seen.add(shape)
            self.read(recipient)

    def read(self, recipient: Recipient) -> None:
        """Read one variant of the letter for faults, and collect its web addresses."""
        try:
            html, text = self.merger.html(recipient), self.merger.text(recipient)
        except ContentRefused:
            return
        claims = (recipient.person, recipient.list, recipient.delivery)
        leave = tokens.make(TokenClaims(Purpose.LEAVE, *claims), self.key)
        preferences = tokens.make(TokenClaims(Purpose.PREFERENCES, recipient.person, recipient.list), self.key)
        url = self.ctx.settings.society.url
        own = (preferences, f"{url}/newsletters/") if url else (preferences,)
        rendered = Rendered(
            html=html,
            text=text,
            source=self.letter.source,
            leave=leave,
            own=own,
            night=self.night,
            max_html_bytes=self.limit,
        )
        self.report.largest_html = max(self.report.largest_html, len(html.encode("utf-8")))
        self.report.findings += [finding for finding in lint(rendered) if not finding.code.startswith("html_")]
        for link in read_page(html).links:
            if not any(piece in link.address for piece in (leave, *own)):
                line = self._line(link.address)
                self.addresses.setdefault(link.address, links.Asked(link.address, line))

    def finish(self) -> None:
        """Add what the whole audience taught."""
        reached = self.report.counts.reached if self.report.counts else 0
        for name, times in self.empty.items():
            if times:
                message = f'{name} is empty for {times} of {reached} people; write {{{{ {name} | default("…") }}}}'
                self.report.say("empty_field", Level.WARN, message, line=self._line(name))
        for reason, times in self.refused.items():
            self.report.say("impossible_data", Level.WARN, f"{_people(times)} cannot get this letter: {reason}")
        people = self.too_large or self.large
        if finding := size_finding(self.report.largest_html, self.limit, people=people):
            self.report.findings.append(finding)

    def _value(self, name: str, recipient: Recipient) -> str:
        try:
            return self.merger.value(name, recipient)
        except ContentRefused:
            return ""

    def _line(self, needle: str) -> int:
        at = self.letter.source.find(needle)
        return self.letter.source.count("\n", 0, at) + 1 if needle and at >= 0 else 0


def _night(look: Look) -> dict[str, str]:
    return {look.light[name]: look.dark[name] for name in _SCHEME_NAMES}


def _stops(exc: LetterError) -> list[Finding]:
    """Return a stop for each fault of one reading."""
    return [
        Finding(fault.code, Level.STOP, fault.line, " ".join(filter(None, (fault.problem, fault.hint))))
        for fault in (exc, *exc.others)
    ]


def _sentence(exc: BalintmailError) -> str:
    return " ".join(filter(None, (exc.message, exc.hint)))


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"
