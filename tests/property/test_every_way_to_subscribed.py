"""Every public use-case, command and route that can lead to `subscribed` is known, and none does without consent (D6).

The ways are found in the source (tests/support/ways.py); whoever adds one finds this test failing until it is driven
here as well.
"""

import io
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from balintmail.config import BounceStyle
from balintmail.db import lists as list_rows
from balintmail.db import people
from balintmail.db.inbox import Arrival
from balintmail.db.models import ConsentEvent, Subscription
from balintmail.db.session import Database
from balintmail.domain.address import parse
from balintmail.domain.imports import FileState, GivenAddress, ImportRow
from balintmail.domain.requests import Act
from balintmail.domain.states import Policy, SubscriptionState
from balintmail.errors import UsageRefused
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import (
    decisions,
    errands,
    fetching,
    fresh_links,
    inbox,
    leaving,
    memberships,
    notice_mailings,
    preferences,
    request_errands,
    requests,
    subscriptions,
    taken_back,
)
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.decisions import Decision
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.freeze import start_due
from balintmail.services.fresh_links import Errand
from balintmail.services.importing import Terms, staged
from balintmail.services.merging import merge
from balintmail.services.preferences import ListWish, Wish
from balintmail.services.requests_typed import request
from balintmail.services.subscriptions import Agreement, Joining, Leaving
from balintmail.services.watching import Watch
from balintmail.web.app import make_app
from tests.conftest import MovableClock
from tests.support import joining, reference, society
from tests.support.answering import letters, reply, with_bounces
from tests.support.coming_back import InProcess
from tests.support.command import call, founded
from tests.support.ways import QUIET, WRITERS, Name, leading, writing


def test_only_the_known_writers_touch_the_table_D6() -> None:
    assert writing() == {name for name in WRITERS if name[0] == "db.subscriptions"} | QUIET


def _row(text: str, consent: str) -> ImportRow:
    return ImportRow(
        line=2, shown=text, addresses=(GivenAddress(parse(text)),), state=FileState.SUBSCRIBED, consent=consent,
        collected=date(2025, 3, 21) if consent else None,
    )  # fmt: skip


def _import(ctx: Context) -> None:
    with staged(ctx, [_row("silent@example.org", "")], Terms("p.csv")) as one, pytest.raises(UsageRefused):
        one.write()
    with staged(ctx, [_row("said@example.org", "I want it")], Terms("p.csv", consent_in_file=True)) as one:
        assert one.write().counts.new == 1


def _resume(ctx: Context) -> None:
    person = subscriptions.subscribe(ctx, ["p@example.org"], Joining())[0].person or 0
    stranger = subscriptions.subscribe(ctx, ["left@example.org"], Joining())[0].person or 0
    subscriptions.unsubscribe(ctx, ["left@example.org"], Leaving())
    assert subscriptions.pause(ctx, person, "", None)
    assert subscriptions.resume(ctx, person, "")
    assert not subscriptions.resume(ctx, stranger, "")  # whoever left is not brought back by it


def _merge(ctx: Context) -> None:
    with ctx.db.write() as tx:
        keep = society.enter(ctx, tx, "Never Asked", "never@example.org")
    other = subscriptions.subscribe(ctx, ["asked@example.org"], Joining())[0].person or 0
    merge(ctx, keep, other)


def _paused(ctx: Context) -> None:
    """Let one pause be over, and somebody have left in the midst of another."""
    until = ctx.clock.now() + timedelta(days=1)
    for address in ("p@example.org", "left@example.org"):
        person = subscriptions.subscribe(ctx, [address], Joining())[0].person or 0
        assert subscriptions.pause(ctx, person, "", until)
    subscriptions.unsubscribe(ctx, ["left@example.org"], Leaving())
    _clock(ctx).forward(timedelta(days=2))


def _after(act: Callable[[Context], object]) -> Callable[[Context], object]:
    """Return what does `act` once a pause is over."""

    def drive(ctx: Context) -> None:
        _paused(ctx)
        act(ctx)

    return drive


def _clock(ctx: Context) -> MovableClock:
    assert isinstance(ctx.clock, MovableClock)
    return ctx.clock


def _start(ctx: Context) -> None:
    with ctx.db.write() as tx:
        joining.scheduled(tx, now=ctx.clock.now())
    assert start_due(ctx, only=None)


def _dispatch(ctx: Context) -> None:
    (ctx.folder / "outbox").mkdir()
    dispatch(ctx, lambda: OutboxTransport(ctx.folder / "outbox"), Orders())


def _asked(ctx: Context, policy: Policy) -> None:
    """Let somebody ask to join under a policy, beside one who never answers."""
    joining.policy(ctx, policy)
    joining.ask(ctx, "silent@example.org", "Never Answers")
    joining.flush(ctx)
    joining.ask(ctx)


def _confirm(ctx: Context) -> None:
    _asked(ctx, Policy.CONFIRM)
    requests.confirm(ctx, joining.token(ctx))
    requests.confirm(ctx, joining.token(ctx))


def _open(act: Callable[[Context], object]) -> Callable[[Context], object]:
    def drive(ctx: Context) -> None:
        joining.policy(ctx, Policy.OPEN)
        joining.ask(ctx)
        act(ctx)

    return drive


def _to_decide(ctx: Context) -> int:
    _asked(ctx, Policy.APPROVE)
    requests.confirm(ctx, joining.token(ctx))
    return decisions.open_ids(ctx)[0]


def _decide(ctx: Context) -> None:
    decisions.decide(ctx, [_to_decide(ctx), 1, 999], Decision(Act.APPROVE))


def _decide_by_token(ctx: Context) -> None:
    _to_decide(ctx)
    decisions.decide_by_token(ctx, joining.decision(ctx), Decision(Act.APPROVE))


def _confirm_in(ctx: Context) -> None:
    _asked(ctx, Policy.CONFIRM)
    with ctx.db.write() as tx:
        requests.confirm_in(ctx, tx, joining.token(ctx))


def _decide_in(ctx: Context) -> None:
    _to_decide(ctx)
    with ctx.db.write() as tx:
        people.lock(tx)
        decisions.decide_in(ctx, tx, joining.decision(ctx), Decision(Act.APPROVE))


def _comes(ctx: Context, letter: str, sender: str) -> None:
    """Let the answer to a letter be stored and not yet read."""
    raw = reply(letter, "ok", sender=sender)
    inbox.store(ctx, Arrival(mailbox="pipe", place="", raw=raw, size=len(raw), received_at=ctx.clock.now()))


def _answered(act: Callable[[Context], object]) -> Callable[[Context], object]:
    """Return what does `act` once the answer to a confirmation has come by mail."""

    def drive(context: Context) -> None:
        ctx = with_bounces(context, BounceStyle.PLUS)
        _asked(ctx, Policy.CONFIRM)
        notice_mailings.release_due(ctx)
        _comes(ctx, letters(ctx, "maria@example.org")[-1], "maria@example.org")
        act(ctx)

    return drive


def _read(ctx: Context) -> None:
    inbox.process(ctx, InProcess())


def _officer_answers(context: Context) -> None:
    ctx = with_bounces(context, BounceStyle.PLUS)
    _to_decide(ctx)
    notice_mailings.release_due(ctx)
    _comes(ctx, letters(ctx)[-1], society.SECRETARY)
    _read(ctx)


def _watch(ctx: Context) -> None:
    watch = Watch(ctx, ())
    watch.run(lambda _: watch.stop())


def _put_on(ctx: Context) -> None:
    with ctx.db.write() as tx:
        people.lock(tx)
        to = list_rows.default_list(tx)
        assert to is not None
        who = (parse("new@example.org"), None)
        with pytest.raises(ValueError, match="without words"):
            subscriptions.put_on(ctx, tx, to, who, Joining(name="New Person"))
        said = Joining(name="New Person", agreement=Agreement("I want it", "form", "the person"))
        subscriptions.put_on(ctx, tx, to, who, said)


def _own_page(ctx: Context) -> tuple[int, str]:
    """Return somebody who is paused and has a fresh link, and its secret."""
    person = subscriptions.subscribe(ctx, ["p@example.org"], Joining())[0].person or 0
    subscriptions.pause(ctx, person, "", None)
    with ctx.db.write() as tx:
        return person, fresh_links.make(ctx, tx, person, Errand.MANAGE)[0]


def _wish(ctx: Context) -> None:
    person, secret = _own_page(ctx)
    other = subscriptions.subscribe(ctx, ["left@example.org"], Joining())[0].person or 0
    subscriptions.unsubscribe(ctx, ["left@example.org"], Leaving())
    with ctx.db.write() as tx:
        theirs = fresh_links.make(ctx, tx, other, Errand.MANAGE)[0]
    for one in (secret, theirs):
        preferences.wish(ctx, one, leaving.Visit(), {"newsletter": ListWish(Wish.GO_ON)})
    with ctx.db.read() as tx:
        on = sa.select(Subscription.person_id).where(Subscription.state == SubscriptionState.SUBSCRIBED)
        assert list(tx.scalars(on)) == [person]


def _death_taken_back(ctx: Context) -> None:
    one, other = (subscriptions.subscribe(ctx, [f"{name}@example.org"], Joining())[0].person or 0 for name in "ab")
    subscriptions.unsubscribe(ctx, ["b@example.org"], Leaving())
    for person in (one, other):
        memberships.died(ctx, person)
        taken_back.death(ctx, person)
    with ctx.db.read() as tx:
        on = sa.select(Subscription.person_id).where(Subscription.state == SubscriptionState.SUBSCRIBED)
        assert list(tx.scalars(on)) == [one]  # who had left by themselves stays out


USE_CASES: dict[Name, Callable[[Context], object]] = {
    ("services.subscriptions", "subscribe"): lambda ctx: subscriptions.subscribe(ctx, ["a@example.org"], Joining()),
    ("services.subscriptions", "put_on"): _put_on,
    ("services.subscriptions", "resume"): _resume,
    ("services.merging", "merge"): _merge,
    ("services.taken_back", "death"): _death_taken_back,
    ("services.importing", "staged"): _import,
    ("services.importing", "Import"): _import,
    ("services.requests", "confirm"): _confirm,
    ("services.requests", "take_turns"): _open(requests.take_turns),
    ("services.request_errands", "tidy"): _open(request_errands.tidy),
    ("services.requests_typed", "request"): _open(lambda ctx: request(ctx, ["typed@example.org"], Joining())),
    ("services.arrivals", "arrive"): _decide,
    ("services.decisions", "decide"): _decide,
    ("services.decisions", "decide_by_token"): _decide_by_token,
    ("services.requests", "confirm_in"): _confirm_in,
    ("services.decisions", "decide_in"): _decide_in,
    ("services.mail_commands", "act"): _answered(_read),
    ("services.officers_replies", "act"): _officer_answers,
    ("services.inbox", "process"): _answered(_read),
    ("services.fetching", "process"): _answered(lambda ctx: fetching.process(ctx, patience=1.0)),
    ("services.fetching", "fetch"): _answered(lambda ctx: fetching.fetch(ctx, patience=1.0, seconds=60.0)),
    ("services.watching", "Watch"): _answered(_watch),
    ("services.preferences", "wish"): _wish,
    ("services.leaving", "end_pauses"): _after(leaving.end_pauses),
    ("services.errands", "run"): _after(errands.run),
    ("services.freeze", "start_due"): _after(_start),
    ("services.dispatch", "dispatch"): _after(_dispatch),
}
# It dispatches in a scratch database, which holds nobody's subscription.
ASIDE: set[Name] = {("services.rehearsal", "rehearse")}


def test_every_use_case_that_leads_to_subscribed_is_driven_here_D6() -> None:
    found = {name for name in leading(WRITERS) if name[0].startswith("services.") and not name[1].startswith("_")}
    assert found == USE_CASES.keys() | ASIDE


@pytest.mark.parametrize("name", USE_CASES, ids=".".join)
def test_use_case_subscribes_nobody_without_a_consent_event_D6(context: Context, name: Name) -> None:
    society.found(context)
    USE_CASES[name](context)
    with context.db.read() as tx:
        assert society.groundless(tx) == []
        assert tx.scalar(sa.text("SELECT COUNT(*) FROM subscriptions WHERE state = 'subscribed'"))
        assert tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent))
    assert verify(context).findings == []


COMMANDS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("subscribe",): ("subscribe", "new@example.org"),
    ("people", "import"): (
        "people", "import", "people.csv", "--consent", "I want it", "--collected", "2025-03-21", "--yes",
    ),
    ("people", "edit"): ("people", "edit", "a@example.org", "--resume", "newsletter"),
    ("members", "died"): ("members", "died", "b@example.org", "--undo", "--yes"),
    ("people", "merge"): ("people", "merge", "a@example.org", "b@example.org", "--yes"),
    ("requests", "approve"): ("requests", "approve", "--all", "--yes"),
    ("requests", "decline"): ("requests", "decline", "--all", "--yes"),
    ("dispatch",): ("dispatch",),
    ("inbox", "fetch"): ("inbox", "fetch"),
    ("inbox", "pipe"): ("inbox", "pipe"),
    ("send",): ("send", "newsletter.md", "--yes"),
    ("mailings", "retry"): ("mailings", "retry", "newsletter/1"),
}  # fmt: skip


def test_every_command_that_leads_to_subscribed_is_driven_here_D6() -> None:
    known = leading(WRITERS)
    found = set()
    for path, command, _ in reference.walk():
        callback = command.callback
        if callback is not None:
            place = (callback.__module__.removeprefix("balintmail."), callback.__name__)
            if place in known:
                found.add(path)
    assert found == COMMANDS.keys()


def _mail_comes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody's wish to join lie in a mailbox and wait on standard input."""
    raw = b"From: stranger@example.org\r\nSubject: join\r\nMessage-ID: <1@example.org>\r\n\r\n\r\n"
    for name in ("cur", "new", "tmp"):
        (folder / "letters" / name).mkdir(parents=True)
    (folder / "letters" / "new" / "1.x").write_bytes(raw)
    with (folder / "balintmail.toml").open("a", encoding="utf-8") as settings:
        settings.write('\n[inbox.letters]\nkind = "maildir"\npath = "letters"\n')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_command_subscribes_nobody_without_a_consent_event_D6(
    path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "i"
    founded(folder)
    assert call("-C", folder, "subscribe", "a@example.org", "b@example.org").status == 0
    assert call("-C", folder, "people", "edit", "a@example.org", "--pause", "newsletter").status == 0
    (tmp_path / "people.csv").write_text("email\nc@example.org\n", "utf-8")
    (tmp_path / "newsletter.md").write_text("---\ntitle: News\nnumber: 1\n---\n\nThe next meeting.\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    _mail_comes(folder, monkeypatch)
    if path == ("mailings", "retry"):
        assert call("-C", folder, "send", "newsletter.md", "--yes").status == 0
    if path == ("members", "died"):
        assert call("-C", folder, "members", "died", "b@example.org", "--yes").status == 0
    assert call("-C", folder, "subscribe", "--request", "asks@example.org").status == 0
    assert call("-C", folder, *COMMANDS[path]).status == 0
    database = Database(Database.parse(f"sqlite:///{folder / 'balintmail.db'}"))
    with database.read() as tx:
        assert society.groundless(tx) == []
    database.close()
    assert call("-C", folder, "consent", "verify").status == 0


def _press(client: TestClient, path: str, **fields: str) -> None:
    assert client.post(path, data=fields).status_code == 200


def _fill(client: TestClient, ctx: Context, path: str) -> None:
    """Fill the form to join as a person does, under the policy that takes people at once."""
    joining.policy(ctx, Policy.OPEN)
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', client.get(path).text))
    _clock(ctx).forward(timedelta(seconds=30))
    said = {"name": "Mária Bálint", "address": "maria@example.org", "lists": "newsletter", "agree": "yes", **hidden}
    body = urlencode(said).encode()
    answer = client.post(path, content=body, headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 200


def _confirm_page(client: TestClient, ctx: Context) -> None:
    _asked(ctx, Policy.CONFIRM)
    client.get(f"/confirm/{joining.token(ctx)}")
    with ctx.db.read() as tx:
        assert not tx.scalar(sa.select(sa.func.count()).select_from(Subscription))  # D8
    _press(client, f"/confirm/{joining.token(ctx)}")


def _decide_page(client: TestClient, ctx: Context, act: str) -> None:
    _to_decide(ctx)
    _press(client, f"/decide/{joining.decision(ctx)}/{act}")


def _lists_page(client: TestClient, ctx: Context) -> None:
    _, secret = _own_page(ctx)
    _press(client, f"/manage/{secret}/lists", **{"wish-newsletter": "go_on"})


ROUTES: dict[tuple[str, str], Callable[[TestClient, Context], object]] = {
    ("POST", "/join"): lambda client, ctx: _fill(client, ctx, "/join"),
    ("POST", "/join/{slug}"): lambda client, ctx: _fill(client, ctx, "/join/newsletter"),
    ("POST", "/confirm/{token}"): _confirm_page,
    ("POST", "/decide/{token}/approve"): lambda client, ctx: _decide_page(client, ctx, "approve"),
    ("POST", "/decide/{token}/decline"): lambda client, ctx: _decide_page(client, ctx, "decline"),
    ("POST", "/manage/{secret}/lists"): _lists_page,
}


def test_every_route_that_leads_to_subscribed_is_driven_here_and_is_a_post_D6_D8(context: Context) -> None:
    known, found = leading(WRITERS), set()
    for route in make_app(context).routes:
        assert isinstance(route, APIRoute), f"{route} is no route that can be followed"
        place = (route.endpoint.__module__.removeprefix("balintmail."), route.endpoint.__name__)
        if place in known:
            found |= {(method, route.path) for method in route.methods or ()}
    assert found == ROUTES.keys()


@pytest.mark.parametrize("route", ROUTES, ids=" ".join)
def test_route_subscribes_nobody_without_a_consent_event_D6(context: Context, route: tuple[str, str]) -> None:
    society.found(context)
    with TestClient(make_app(context), base_url="https://balint.example.org") as client:
        ROUTES[route](client, context)
    with context.db.read() as tx:
        assert society.groundless(tx) == []
        on = sa.select(sa.func.count()).where(Subscription.state == SubscriptionState.SUBSCRIBED)
        assert tx.scalar(on) == (0 if route[1].endswith("/decline") else 1)
    assert verify(context).findings == []
