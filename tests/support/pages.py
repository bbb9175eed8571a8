"""Every page of the site with a link that opens it, and the forms that stand on a page."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from balintmail.db import despatches as despatch_rows
from balintmail.db import drafts as draft_rows
from balintmail.db import officers
from balintmail.db.drafts import DraftRow
from balintmail.db.models import Notice
from balintmail.domain import tokens
from balintmail.domain.despatches import Way
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import (
    despatches,
    drafts,
    founding_pages,
    freeze,
    fresh_links,
    journal_issues,
    journal_links,
    lists,
    offers,
    order_mail,
    paper_decisions,
    papers,
    release,
    requests,
    search_index,
    subscriptions,
)
from balintmail.services.applications import Application
from balintmail.services.context import Context
from balintmail.services.fresh_links import Errand
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.lists import Manners
from balintmail.services.papers import Given, Sent
from balintmail.services.subscriptions import Joining
from tests.support import copy_desk, office, ordering, volumes

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTIONS = [
    {"name": "how", "kind": "text", "label": {"en": "How do you know Balint work?", "hu": "Honnan ismeri a munkát?"}},
    {"name": "work", "kind": "choice", "label": "Your work", "choices": ["Doctor", "Nurse"], "required": True},
    {"name": "groups", "kind": "choices", "label": "Groups you would like", "choices": ["Online", "In a room"]},
    {"name": "town", "kind": "line", "label": "Your town", "hint": "Where you would come from"},
]
OWN = ("", "/names", "/lists", "/journal", "/address", "/post", "/data", "/erase")


@dataclass(frozen=True, slots=True)
class Pages:
    """Paths of the site that lead somewhere, by the pattern of their route; `person` is whose links they are."""

    person: int
    paths: dict[str, str]
    closed: tuple[str, ...] = ()  # what not everybody may read: the page offers a link by mail


def furnish(ctx: Context) -> Pages:
    """Enter a list with questions, a member on two lists, and two requests; return a path for every page."""
    lists.add(ctx, "courses", Manners(name="Weekends and courses", purpose="Four or five times a year"))
    offers.set_questions(ctx, "courses", QUESTIONS)
    for slug in ("newsletter", "courses"):
        joining = Joining(list_slug=slug, name="Mária Bálint-O'Neill", member=True)
        (put,) = subscriptions.subscribe(ctx, ["maria@example.org"], joining)
    person = put.person or 0
    keys = ctx.keyring.tokens
    with ctx.db.write() as tx:
        secret, _ = fresh_links.make(ctx, tx, person, Errand.MANAGE)
        moving, _ = fresh_links.make(
            ctx, tx, person, Errand.ADDRESS, payload={"new": "new@example.net", "old": "maria@example.org"}
        )
    publish(ctx)
    volumes.publish(ctx)
    write_pages(ctx)
    ask(ctx, "zoe@example.org", "Zoë Example")
    confirm = link(ctx, "confirm", "confirm_url")
    requests.confirm(ctx, confirm.rpartition("/")[2])
    approve, decline = link(ctx, "request", "approve_url"), link(ctx, "request", "decline_url")
    ask(ctx, "ben@example.org", "Ben Example")
    paths = {
        "/": "/",
        "/privacy": "/privacy",
        "/newsletters": "/newsletters",
        "/newsletters/{slug}": "/newsletters/newsletter",
        "/newsletters/{slug}/{number}": "/newsletters/newsletter/84",
        "/search": "/search?q=weekend",
        "/journal": "/journal",
        "/journal/authors": "/journal/authors",
        "/journal/titles": "/journal/titles?letter=D",
        "/journal/{label}": "/journal/2024",
        "/journal/{label}/{slug}": "/journal/2020/the-doctor-the-drug",
        "/resources": "/resources",
        "/contribute": "/contribute",
        "/contribute/send": "/contribute/send",
        "/papers/{token}": paper(ctx),
        "/pages/{name}": "/pages/cpd",
        "/join": "/join",
        "/join/{slug}": "/join/courses",
        "/confirm/{token}": link(ctx, "confirm", "confirm_url"),
        "/decide/{token}": approve.removesuffix("/approve"),
        "/decide/{token}/approve": approve,
        "/decide/{token}/decline": decline,
        "/leave/{token}": "/leave/" + tokens.make(TokenClaims(Purpose.LEAVE, person, 1), keys),
        "/preferences": "/preferences",
        "/preferences/{token}": "/preferences/" + tokens.make(TokenClaims(Purpose.PREFERENCES, person, 1), keys),
        "/manage/address/{secret}": f"/manage/address/{moving}",
        "/release/{token}": draft(ctx),
        "/ecopy/{token}": own_copy(ctx, person),
        "/journal/order": "/journal/order",
        "/order/{token}": bought(ctx),
    }
    deciding = link(ctx, "paper_news", "accept_url").removesuffix("/accept")
    paths |= {f"/papers/decide/{{token}}{below}": deciding + below for below in ("", "/accept", "/decline")}
    paths |= copy_desk.furnish(ctx, person)
    paths |= {f"/manage/{{secret}}{below}": f"/manage/{secret}{below}" for below in OWN}
    paths["/manage/{secret}/post"] += "?country=GB"  # the second of its two steps
    return Pages(person, paths, ("/newsletters/newsletter/85", volumes.CLOSED))


def bought(ctx: Context) -> str:
    """Order a journal issue of which there are copies; return the path of the order's own page."""
    ordering.stock(ctx, label="1999")
    made = ordering.order(ctx, 2, label="1999")
    return order_mail.PATH + order_mail.token_of(ctx, made.order.id)


def own_copy(ctx: Context, person: int) -> str:
    """Send somebody the link to their copy of a journal issue; return its path."""
    file = ctx.folder / "journal-2026.pdf"
    file.write_bytes(b"%PDF-1.7\n%%EOF\n")
    journal_issues.add(ctx, "2026", IssueChanges(volume="53", number="1", title="Sixty years", pdf=file))
    despatches.plan(ctx, "2026")
    despatches.freeze(ctx, "2026")
    journal_links.send(ctx, "2026")
    with ctx.db.read() as tx:
        _, held = despatches.of_label(tx, "2026")
        (copy,) = [one for one in despatch_rows.of_person(tx, held.id, person) if one.way is Way.PDF]
    return journal_links.PATH + journal_links.token_of(ctx, copy)


def write_pages(ctx: Context) -> None:
    """Lay out the pages that a new instance begins with, where there are none."""
    (ctx.folder / "pages").mkdir(exist_ok=True)
    founding_pages.write(ctx.folder, founding_pages.starting(ctx.folder), [])


def paper(ctx: Context) -> str:
    """Send in a paper and give it to a reader; return the path of the reader's link."""
    sent = Sent(
        title="On listening twice", address="jane@example.net", name="Jane Example", abstract="What a group hears.",
        files=[Given("paper.docx", office.docx())], door="command",
    )  # fmt: skip
    number = papers.send_in(ctx, sent).number
    return "/papers/" + paper_decisions.reader_token(ctx, paper_decisions.assign(ctx, number, "maria@example.org"))


def publish(ctx: Context) -> None:
    """Send the newsletter of the examples, and one for members."""
    for folder in ("pictures",):
        shutil.copytree(EXAMPLES / folder, ctx.folder / folder, dirs_exist_ok=True)
    for name in ("newsletter.md", "oxford-weekend-2027.ics"):
        shutil.copy(EXAMPLES / name, ctx.folder)
    second = ctx.folder / "second.md"
    second.write_text("---\ntitle: A word to members\nnumber: 85\nvisibility: members\n---\nDear all.\n", "utf-8")
    for path in (ctx.folder / "newsletter.md", second):
        row = release.release(ctx, release.plan(ctx, release.Intent(path)), start_at=ctx.clock.now())
        freeze.start_due(ctx, only=row.id)
    search_index.keep_in_step(ctx)


def draft(ctx: Context) -> str:
    """Enter a newsletter that the Secretary mailed in; return the path of its release."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        secretary = officers.secretary(tx)
        assert secretary is not None
        source = "---\ntitle: Groups\nnumber: 90\ndate: 2026-11-21\n---\n\nDear all,\n\nthree groups begin.\n"
        row = DraftRow(0, None, secretary.person_id, None, source, now, now + drafts.KEPT)
        row = replace(row, id=draft_rows.add(tx, row))
    return f"/release/{drafts.release_token(ctx, row, secretary.person_id)}"


def ask(ctx: Context, address: str, name: str) -> None:
    """Ask to join the courses, as a form does."""
    offered = offers.offers(ctx, offers.Wording("Send me these mails.", language="en"), slug="courses")
    answers = {"courses.work": ["Doctor"], "courses.how": ["I was in a group in the nineties."]}
    requests.ask(ctx, Application(offered, ["courses"], address, name, "en", answers=answers, page="/join/courses"))


def link(ctx: Context, template: str, fact: str) -> str:
    """Return the path of a link in the newest system mail of that template that waits."""
    with ctx.db.read() as tx:
        found = tx.scalar(sa.select(Notice.facts).where(Notice.template == template).order_by(Notice.id.desc()))
    assert found is not None, template
    return urlsplit(str(found[fact])).path


@dataclass
class FoundForm:
    """A form as a page shows it: where it goes, and its fields with the values that they have."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    buttons: dict[str, str] = field(default_factory=dict)  # those that say which one was pressed


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[FoundForm] = []
        self._open: FoundForm | None = None

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = FoundForm(given.get("action", ""), given.get("method", "get").upper())
            self.found.append(self._open)
        elif self._open is not None and given.get("name") and tag in {"input", "textarea", "select", "button"}:
            if given.get("type") == "hidden":
                self._open.hidden.add(given["name"])
            if tag == "button":
                self._open.buttons.setdefault(given["name"], given.get("value", ""))
            if given.get("type") not in {"radio", "checkbox"} or given["name"] not in self._open.fields:
                self._open.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def forms(page: str) -> list[FoundForm]:
    """Return the forms of a page."""
    reader = _Forms()
    reader.feed(page)
    return reader.found


FILLING = timedelta(seconds=30)  # that a person takes for a form
