"""Write docs/cli.md from the commands themselves: `make docs` runs this, and a test holds the page to it.

What a command prints under --json stands below, because click does not know it.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from balintmail.cli.command import global_options
from balintmail.cli.main import COMMANDS, balintmail

PAGE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"

HEAD = """\
# The commands

This page is made from the commands themselves by `make docs`; a test fails when it is out of date.

    balintmail [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]

Options that take several values are repeated: `--test a@example.org --test b@example.org`. An argument that begins
with `-` comes after `--`. A mailing is named by its id or by `LIST/NUMBER`, a person by id or by address; where two
people share the address, the command lists them and wants `--person ID` or `--all`. Off a terminal every question
that has no `--yes` is answered no. Times are shown with their zone. `NO_COLOR` is obeyed.
"""

STATUSES = """\
## Exit statuses

| status | means |
|-------:|-------|
| 0 | done |
| 1 | refused, for a reason that you can mend; nothing half-done is left |
| 2 | wrong usage: an unknown command or option, a missing or impossible argument |
| 3 | `send`, `mailings settle`, `mailings retry`: every delivery is final, and somebody was refused or written off |
| 4 | the same: not finished; interrupted, deferred or unknown deliveries are left, which go on or wait for you |
| 70 | a fault of balintmail itself: one line, and a report file without addresses for its makers |
"""

JSON_HEAD = """\
## JSON

With `--json` a command prints one UTF-8 document on standard output. Keys may be added, never renamed. Times are
RFC 3339 with offset. A command that ends with 1, 2 or 70 prints

    {"error": {"code": "…", "message": "…", "hint": "…"}}

except `check`, `config check`, `dkim check`, `doctor`, `subscribe`, `unsubscribe`, `people import`,
`consent verify`, `requests approve`, `requests decline`, `suppress add` and `suppress remove`, which print their own
document. `counts` always has all nine
states of a delivery (docs/flow.md) and adds up to `audience`.
"""

_NEWSLETTER = '{"newsletter", "mailing", "title", "visibility", "at", "errata": [{"id", "words", "at", "by"}]}'
_MAILING = """\
{"id", "list", "number", "state", "content_hash", "released_by", "frozen_at", "finished_at", "audience",
 "counts": {"queued", "claimed", "at_risk", "accepted", "deferred", "refused", "unknown", "written_off", "skipped"},
 "came_back": {"bounced", "complained"}, "skipped_by_reason": {…},
 "not_reached": [{"person", "address", "state", "code", "enhanced", "reply", "at"}]}"""
_PUT = """\
[{"address", "person", "result": "subscribed|already|requested|unsubscribed|refused", "reason"}]"""
_REQUEST = """\
{"id", "list", "name", "address", "language", "state": "pending|confirmed|approved|declined|expired", "waits_for",
 "held", "asked_at", "confirmed_at", "expires_at", "decided_at", "decided_by", "person", "reason", "note"}"""
_COPY = """\
{"id", "wanted", "target": "newsletter/84|journal/2026|journal/2026/PAPER", "title", "paper": true|false, "post": […],
 "free", "name", "address", "person", "language", "door": "form|mail|command",
 "state": "pending|waiting|quoted|answered|declined|expired", "waits_for", "price", "price_pence", "currency", "words",
 "quoted_at", "agreed_at", "asked_at", "expires_at", "decided_at", "decided_by", "reason", "note",
 "link": {"uses", "most_uses", "expires_at"}}"""
_ORDER = """\
{"id", "reference", "state": "open|paid|posted|expired|cancelled|refunded", "name", "address", "post": {…}, "language",
 "copies": [{"journal", "copies", "price", "posted_on"}], "zone", "currency", "postage", "total", "received",
 "payments": [{"amount", "on", "how", "by"}], "papers": [{"number", "on", "amount"}], "came_at", "pay_until",
 "posted_on", "closed_at", "reason", "note"}"""
_TERM = """\
{"person", "class", "since", "paid_until", "state": "active|lapsed|resigned|died", "ended", "remark"}"""
_MEMBERSHIP = """\
{"person", "name", "class", "since", "paid_until", "state": "active|lapsed|resigned|died", "ended", "remark",
 "standing": "paid|free|unknown|grace|lapsed|coming|resigned|died"}"""
_ROUND = """\
{"round", "started_at", "until", "closed_at", "asked", "counts": {"waiting", "confirmed", "corrected"},
 "missing": [{"person", "name", "next": "wait|mail|remind|other_address|post|telephone|ask_others", "where",
              "mailed_at", "reminded_at", "elsewhere_at"}]}"""
_CLASS = '{"class", "name", "fee", "currency", "counts", "paper", "pdf", "votes", "archived"}'
_BANK_LINE = """\
{"id", "paid_on", "amount", "currency", "payer", "reference", "state": "matched|doubtful|ignored", "person",
 "reason"}"""
_PAYMENT = """\
{"id", "person", "name", "amount", "currency", "paid_on", "how", "reference", "covers_from", "covers_until", "note",
 "recorded_by", "cancelled"}"""
_JOURNAL = """\
{"label", "year", "volume", "number", "issn", "title", "language", "published_on", "embargo_until", "print_run",
 "pdf", "cover", "stock": {"on_shelf", "reserved", "free"}}"""
_PAPER = """\
{"position", "slug", "kind", "title", "authors": [{"name", "sorted_as", "person"}], "pages", "abstract", "doi",
 "language", "embargo_until", "pdf"}"""
_RUN = """\
{"label", "state": "planned|frozen|done", "standing_on", "planned_at", "frozen_at", "frozen_by", "done_at", "changed",
 "copies": {"owed", "paper", "email", "nobody"}, "people": {"owed", "paper", "email", "both", "nobody"},
 "standing": {"owed", "labelled", "posted", "returned", "emailed", "nobody"},
 "owed_for": {"member", "library", "exchange", "author", "order", "gift"}, "doubts": {…},
 "to_print", "posted", "returned", "on_shelf"}"""
_OWED_COPY = """\
{"person", "name", "way": "paper|pdf", "for", "standing", "why", "remark", "address": […], "country", "posted_on",
 "posted_times", "returned_times", "mailing", "opened_times", "at"}"""
_DECIDED = '[{"id", "address", "person", "result": "approved|declined|waits|already|refused", "reason"}]'
_KEYS = """\
[{"selector", "domain", "algorithm", "bits", "made_at", "name", "type", "value", "strings": […],
  "in_force": true|false, "open_mailings", "needed": true|false, "needed_until", "refused"}]"""
_MESSAGE = """\
{"id", "mailbox", "received_at", "state": "new|waiting|set_aside|done", "kind", "remark", "says_from", "person",
 "person_name", "subject", "machine", "size", "kept", "assigned", "assigned_name", "forwarded_at", "done_at",
 "done_by"}"""

_MANUSCRIPT = """\
{"number", "title", "authors", "name", "address", "person",
 "state": "received|in_review|accepted|declined|in_journal|withdrawn", "received_at", "due_on", "decided_at",
 "decided_by", "reason", "note"}"""

_DOCUMENT = """\
{"name", "title", "remark", "language", "visibility": "public|members|none", "order", "version", "label", "file",
 "kind", "size", "preview": true|false, "added_at", "by"}"""

_DUTY = '{"id", "title", "first_on", "every", "notice", "remark", "newsletter"}'
_FALL = f"""\
{_DUTY[:-1]}, "on",
 "state": "late|to come|reminded|done", "draft", "done_at", "done_by", "done_remark"}}"""

JSON: dict[str, str] = {
    "init": '{"folder", "secretary", "list", "list_id", "files": […]}',
    "check": '{"ok", "findings": [{"code", "level": "stop|warn|note", "line", "message"}]}',
    "send": _MAILING,
    "mailings show": _MAILING,
    "mailings list": '[{"id", "list", "number", "title", "state", "audience", "counts"}]',
    "subscribe": _PUT,
    "unsubscribe": _PUT,
    "people list": (
        '[{"id", "name", "addresses": [{"address", "state"}], "member", "language",\n'
        '  "lists": {"newsletter": "subscribed"}}]'
    ),
    "people import": (
        '{"new", "changed", "unchanged", "refused", "changes": [{"line", "address", "person", "changed": […]}],\n'
        ' "refusals": [{"line", "address", "reason"}], "written": true|false}'
    ),
    "newsletters list": f"[{_NEWSLETTER}]",
    "newsletters erratum": _NEWSLETTER,
    "archive import": """\
{"new", "unchanged", "refused", "written",
 "newsletters": [{"file", "result": "new|unchanged|refused", "number", "on", "title", "reason"}]}""",
    "archive index": '{"entries"}',
    "archive read": '{"read", "recognised", "scan", "locked", "broken", "recogniser": true|false}',
    "journal import": """\
{"new", "changed", "unchanged", "refused", "journal_issues": […], "columns": {…}, "unused": […], "written",
 "papers": [{"origin", "result": "new|changed|unchanged|refused", "journal", "title", "reason"}]}""",
    "members list": f"[{_MEMBERSHIP}]",
    "members show": '{"person", "name", "member", "died", "reference", "memberships": […], "payments": […]}',
    "members add": _TERM,
    "members edit": '{"person", "changed": […]}',
    "members renew": _TERM,
    "members resign": _TERM,
    "members died": '{"person", "lists_left"}',
    "members post": '[{"id", "from", "until", "now": true|false, "parts": {…}, "lines": […]}]',
    "members import": """\
{"new", "changed", "unchanged", "refused", "changes": [{"line", "person", "name", "changed": […]}],
 "refusals": [{"line", "name", "reason"}], "written": true|false}""",
    "members export": '{"file", "members"}',
    "members round start": _ROUND,
    "members round status": _ROUND,
    "members round close": _ROUND,
    "members round remind": '{"mailed"}',
    "members round answer": '{"person", "answer": "confirmed|corrected", "note"}',
    "members class list": f'[{_CLASS[:-1]}, "people"}}]',
    "members class add": _CLASS,
    "members class edit": _CLASS,
    "dues list": f"[{_PAYMENT}]",
    "dues reminders": """\
[{"person", "name", "class", "paid_until", "owed", "currency", "sent": [times], "next": "day or null",
  "address": true|false}]""",
    "dues record": '{"payment", "person", "amount", "currency", "paid_until", "short"}',
    "dues import": """\
{"columns": {…}, "lines": [{"line", "paid_on", "amount", "currency", "payer", "reference", "state": "matched|doubtful",
 "person", "reason"}], "imported_before": […], "money_out", "refused": [{"line", "reason"}], "written": true|false}""",
    "dues doubtful": f"[{_BANK_LINE}]",
    "dues settle": _BANK_LINE,
    "dues cancel": '{"payment", "person", "cancelled"}',
    "orders list": f"[{_ORDER}]",
    **dict.fromkeys(("orders show", "orders add", "orders paid", "orders posted"), _ORDER),
    **dict.fromkeys(("orders cancel", "orders refund"), _ORDER),
    "orders forget": '{"order", "forgotten"}',
    "orders paper": '{"file", "number"}',
    "orders statement": """\
{"file", "from", "to", "months": [{"month", "currency", "copies", "postage", "refunds", "dues", "together"}],
 "totals": [{"currency", "copies", "postage", "refunds", "dues", "together"}]}""",
    "copies list": f"[{_COPY}]",
    "copies show": _COPY,
    "copies request": f'{_COPY[:-1]},\n "result": "sent|asked|known|refused"}}',
    "copies answer": _COPY,
    "copies quote": _COPY,
    "copies decline": _COPY,
    "drafts list": '[{"id", "received_at", "expires_at", "by", "list", "number", "title"}]',
    "drafts save": '{"id", "files": […]}',
    "drafts drop": '{"id", "dropped": true}',
    "journal add": _JOURNAL,
    "journal edit": _JOURNAL,
    "journal list": f'[{_JOURNAL[:-1]}, "papers"}}]',
    "journal show": f'{_JOURNAL[:-1]},\n "contents": [{_PAPER}]}}',
    "journal stock": (
        '{"label", "print_run", "on_shelf", "reserved", "free",\n'
        ' "moves": [{"at", "reason", "on_shelf", "reserved", "note", "by"}]}'
    ),
    "journal articles add": _PAPER,
    "journal articles edit": _PAPER,
    "journal articles remove": _PAPER,
    "calendar list": f"[{_FALL}]",
    "calendar add": _DUTY,
    "calendar usual": f"[{_DUTY}]",
    "calendar done": _FALL,
    "calendar end": _DUTY,
    "calendar feed": '{"url"}',
    "documents list": f"[{_DOCUMENT}]",
    "documents add": f'{_DOCUMENT[:-1]}, "again": true|false}}',
    "documents edit": _DOCUMENT,
    "papers list": f"[{_MANUSCRIPT}]",
    "papers show": (
        f"{_MANUSCRIPT} and\n"
        '{"abstract", "message", "files": [{"name", "kind", "size"}],\n'
        ' "readers": [{"person", "name", "due_on", "answered_at", "advice"}],\n'
        ' "events": [{"at", "by", "action", "remark"}], "saved": […]}'
    ),
    "papers add": '{"number", "again": true|false}',
    "papers assign": '{"number", "person", "due_on"}',
    "papers decide": _MANUSCRIPT,
    "pages list": (
        '{"pages": [{"file", "path", "language", "title", "order", "visibility": "public|members|none", "menu",\n'
        '  "problem"}], "reading_list": {"file", "works", "problem"}}'
    ),
    "pages edit": '{"file", "version", "path", "changed": true|false}',
    "pages show": '{"file", "version", "source"}',
    "pages history": '[{"version", "at", "by", "size", "removed": true|false}]',
    "journal despatch plan": f'{_RUN[:-1]},\n "doubtful": [{_OWED_COPY}]}}',
    "journal despatch freeze": _RUN,
    "journal despatch add": _RUN,
    "journal despatch withdraw": _RUN,
    "journal despatch labels": '{"file", "labels", "pages", "left_out": [{"person", "name", "why"}]}',
    "journal despatch send": f'{_RUN[:-1]},\n "links", "mailings": [id]}}',
    "journal despatch post": _RUN,
    "journal despatch returned": _RUN,
    "journal despatch reissue": _RUN,
    "journal despatch report": (
        f'{_RUN[:-1]},\n "doubtful": [as plan]}}\n with --copies also "each": [the same of every copy]'
    ),
    "requests list": f"[{_REQUEST}]",
    "requests show": (
        f"{_REQUEST[:-1]},\n"
        ' "words", "how", "by", "suppressed": "bounced|…", "evidence": {…}, "answers": [{"question", "answer"}],\n'
        ' "hints": [{"kind", "person", "name", "address", "at", "reason"}]}'
    ),
    "requests approve": _DECIDED,
    "requests decline": _DECIDED,
    "lists questions": '{"list", "questions": [{"name", "kind", "label", "hint", "choices", "required"}]}',
    "lists wording": '{"list", "wordings": [{"language", "version", "since", "words"}]}',
    "lists snippet": '{"list", "html"}',
    "people held": (
        '{"made_at", "person": {…}, "addresses": […], "postal_addresses": […], "lists": […], "consent": […],\n'
        ' "join_requests": […], "offices": […], "letters": […], "letters_waiting": […], "links_mailed": […],\n'
        ' "messages": […], "returns": […], "copy_requests": […], "drafts": […],\n'
        ' "journal_copies": […], "written": […], "record": […]}\n'
        ' with FILE: {"person", "file"}; with --mail: {"person", "mailed", "until"}'
    ),
    "consent show": (
        '{"person", "name", "events": [{"id", "person", "at", "action": "agreed|withdrew", "list", "ground", "words",\n'
        '  "how", "by", "collected", "address", "evidence": {…}, "erased": true|false, "digest"}]}'
    ),
    "consent verify": (
        '{"ok", "entries", "links", "erased", "altered", "missing", "added", "head",\n'
        ' "findings": [{"kind": "altered|missing|added", "entry", "message"}]}'
    ),
    "consent export": '{"file", "events"}',
    "suppress add": '[{"what", "result": "suppressed|already|refused", "reason"}]',
    "suppress remove": '[{"what", "result": "removed|already|refused", "reason"}]',
    "suppress list": '[{"address", "domain", "reason", "note", "at", "by"}]',
    "suppress import": '{"added", "already", "refused", "refusals": [{"line", "address", "reason"}]}',
    "templates list": '[{"name", "to", "languages": […], "own": […]}]',
    "templates preview": '{"subject", "html", "txt", "eml"}',
    "templates copy": '{"file"}',
    "officers list": '[{"role", "person", "name", "address", "since"}]',
    "officers appoint": '{"role", "person", "result": "appointed|already"}',
    "officers end": '{"role", "person", "result": "ended|already"}',
    "serve": '{"url", "public"}',
    "inbox explain": (
        '[{"file", "kind": "bounce|complaint|auto_reply|command|letter|broken", "remark",\n'
        '  "results": [{"address", "verdict": "hard|soft|policy|complaint|ignore", "status", "reason", "evidence"}]}]'
    ),
    "inbox fetch": '{"mailboxes": [{"mailbox", "folder", "stored", "error"}], "read", "set_aside", "busy": true|false}',
    "inbox authorise": '{"mailbox", "authorised": true}',
    "inbox list": f"[{_MESSAGE}]",
    "inbox show": (
        f"{_MESSAGE} and\n"
        '{"headers": {"from", "reply-to", "to", "cc", "date", "subject", "message-id"}, "text",\n'
        ' "files": [{"name", "said", "kind", "size"}], "encrypted", "cut", "why", "saved": […]}'
    ),
    "inbox assign": '{"id", "assigned"}',
    "inbox done": '[{"id", "state": "done|waiting", "changed"}]',
    "inbox retry": '[{"id", "state": "new"}]',
    "inbox forward": '{"id", "person", "address"}',
    "returns list": (
        '[{"message", "at", "address", "person", "mailing", "verdict": "hard|soft|policy|complaint|ignore", "reason",\n'
        '  "status", "evidence", "proven": true|false, "weight", "outcome"}]'
    ),
    "returns dead": (
        '[{"address", "state": "gone|paused|left", "reason", "since", "next_at",\n'
        '  "people": [{"id", "name", "addresses": […], "post": true|false, "phone"}]}]'
    ),
    "returns done": '[{"address", "result": "done|already"}]',
    "outbox list": '[{"file", "to", "subject", "message_id"}]',
    "backup": '{"file", "made_at", "files", "bytes"}',
    "restore": '{"folder", "made_at", "files", "migrate": true|false}',
    "reconcile": '{"lines", "answered", "unknown", "blocked": […], "unplaced"}',
    "dkim new": _KEYS,
    "dkim show": _KEYS,
    "dkim check": (
        '{"ok", "keys": [{"selector", "domain", "in_force", "asked", "in_order"}],\n'
        ' "findings": [{"code", "level": "stop|warn|note", "selector", "name", "message"}]}'
    ),
    "doctor": (
        '{"ok", "findings": [{"code", "level": "good|note|warn|stop", "duty": "you|relay|provider",\n'
        '                     "subject", "message", "hint"}]}'
    ),
    "config show": '{"folder", "settings": [{"key", "value", "source"}]}',
    "config check": '{"ok", "findings": [{"code", "level": "stop|warn", "message"}]}',
    "cron": '{"crontab", "service", "timer"}',
    "migrate": '{"before", "schema", "copy"}',
    "completion": '{"shell", "script"}',
}


def page() -> str:
    """Return the whole page."""
    context = click.Context(balintmail, info_name="balintmail")
    options = [record for option in global_options() if (record := option.get_help_record(context))]
    lines = [HEAD, "## Global options", "", "They stand before or after the command.", "", "| option | does |"]
    lines += ["|---|---|", *(f"| `{name}` | {text} |" for name, text in options)]
    lines += ["| `--version` | Show the version and exit. |", "| `-h`, `--help` | Show the help and exit. |", ""]
    lines += [STATUSES, JSON_HEAD, "## Contents", "", "| command | does |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {text} |" for name, (_, _, text) in COMMANDS.items()]
    for path, command, inner in walk():
        lines += ["", f"{'##' if len(path) == 1 else '###'} {' '.join(path)}", "", *_fence(_help(command, inner))]
        if document := JSON.get(" ".join(path)):
            lines += ["", "With `--json`:", "", *_fence(document, "json")]
    return "\n".join(lines) + "\n"


def walk() -> Iterator[tuple[tuple[str, ...], click.Command, click.Context]]:
    """Yield every command with the words that call it, groups before what is in them."""
    root = click.Context(balintmail, info_name="balintmail", help_option_names=["-h", "--help"])

    def below(group: click.Group, context: click.Context, path: tuple[str, ...]) -> Iterator[_Step]:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None, name
            inner = click.Context(command, info_name=name, parent=context, max_content_width=100, terminal_width=100)
            yield (*path, name), command, inner
            if isinstance(command, click.Group):
                yield from below(command, inner, (*path, name))

    yield from below(balintmail, root, ())


_Step = tuple[tuple[str, ...], click.Command, click.Context]


def _help(command: click.Command, context: click.Context) -> str:
    """Return the command's own help without the global options, which stand once at the top of the page."""
    text = command.get_help(context)
    before, _, after = text.partition("\nGlobal options:\n")
    _, _, commands = after.partition("\nCommands:\n")
    return f"{before}\nCommands:\n{commands}".rstrip() if commands else before.rstrip()


def _fence(text: str, language: str = "text") -> list[str]:
    return [f"```{language}", *(line.rstrip() for line in text.splitlines()), "```"]


def main() -> int:
    """Write the page where it belongs."""
    os.environ["NO_COLOR"] = "1"
    PAGE.write_text(page(), "utf-8")
    print(PAGE)  # noqa: T201  (run by hand)
    return 0


if __name__ == "__main__":
    sys.exit(main())
