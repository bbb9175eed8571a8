"""Random walks through joining: in whatever order things happen, nobody is subscribed who did not ask and prove it.

The walk keeps a small model beside the program: who may be on the list, which requests have ended, and how many
confirmations each address was given.
"""

import random
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from balintmail.db import people, subscriptions
from balintmail.db.models import Address, Notice, PersonAddress, Subscription
from balintmail.domain.requests import Act, Held
from balintmail.domain.states import Policy, RequestState, SubscriptionState
from balintmail.services import request_errands, requests_typed
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.decisions import Decision, Result, decide, decide_by_token
from balintmail.services.requests import confirm, take_turns
from balintmail.services.subscriptions import Joining, Leaving, ResultKind, subscribe, unsubscribe
from tests.conftest import MovableClock
from tests.support import joining, society

NAMES = {  # one at each address, so that the model need not tell people who share one apart
    "a@example.org": "Anna Example",
    "b@example.org": "Bálint Mihály",
    "c@example.net": "李 明",
    "d@example.net": "Rose O'Neill",
}
ADDRESSES = tuple(NAMES)
ENDED = {RequestState.APPROVED, RequestState.DECLINED, RequestState.EXPIRED}


class Walk:
    """One walk: the program, the model, and what is asserted after every step."""

    def __init__(self, ctx: Context, clock: MovableClock, seed: int) -> None:
        self.ctx, self.clock, self.dice = ctx, clock, random.Random(seed)
        self.may_be_on: set[str] = set()  # addresses that confirmed, or that an officer answered for
        self.ended: dict[int, RequestState] = {}
        self.links: list[str] = []
        self.decisions: list[str] = []
        self.mails: dict[str, list[datetime]] = defaultdict(list)
        self.policy = Policy.APPROVE

    def step(self) -> None:
        self.dice.choice(
            [self.ask, self.ask, self.ask, self.confirm, self.confirm, self.decide, self.decide_by_mail, self.typed,
             self.wait, self.wait, self.dispatch, self.subscribe, self.leave, self.change_policy]
        )()  # fmt: skip
        self.collect()
        self.check()

    def ask(self) -> None:
        if self.policy is Policy.CLOSED:
            return
        address = self.dice.choice(ADDRESSES)
        held = self.dice.choice([Held.NOTHING, Held.NOTHING, Held.NOTHING, Held.TRAP])
        known = self.known(address)
        joining.ask(self.ctx, address, NAMES[address], suspicion=held, network=self.dice.choice(["", "192.0.2.0/24"]))
        take_turns(self.ctx)
        if self.policy is Policy.OPEN and not known:
            self.may_be_on.add(address)

    def confirm(self) -> None:
        if self.links:
            link = self.dice.choice(self.links)
            before = {row.id: row for row in joining.rows(self.ctx)}
            confirm(self.ctx, link)
            for row in joining.rows(self.ctx):
                if before[row.id].state is RequestState.PENDING and row.state is not RequestState.PENDING:
                    self.may_be_on.add(row.email)

    def decide(self) -> None:
        rows = joining.rows(self.ctx)
        if rows:
            row = self.dice.choice(rows)
            (done,) = decide(self.ctx, [row.id], Decision(self.dice.choice([Act.APPROVE, Act.DECLINE])))
            if done.result is Result.APPROVED and row.how == "command":
                self.may_be_on.add(row.email)

    def decide_by_mail(self) -> None:
        if self.decisions:
            decide_by_token(
                self.ctx, self.dice.choice(self.decisions), Decision(self.dice.choice([Act.APPROVE, Act.DECLINE]))
            )

    def typed(self) -> None:
        address = self.dice.choice(ADDRESSES)
        known = self.known(address)
        requests_typed.request(self.ctx, [address], Joining(name=NAMES[address]))
        if self.policy is Policy.OPEN and not known:
            self.may_be_on.add(address)

    def wait(self) -> None:
        """Let time go by; mails leave on their day, as a dispatcher sees to."""
        spans = [timedelta(minutes=5), timedelta(hours=9), timedelta(days=4), timedelta(days=40)]
        until = self.clock.moment + self.dice.choice(spans)
        while due := [
            mail["due_at"] for mail in joining.waiting(self.ctx) if self.clock.moment < mail["due_at"] <= until
        ]:
            self.clock.moment = min(due)
            self.collect()
        self.clock.moment = until

    def dispatch(self) -> None:
        request_errands.tidy(self.ctx)

    def subscribe(self) -> None:
        address = self.dice.choice(ADDRESSES)
        subscribe(self.ctx, [address], Joining(name=NAMES[address]))
        self.may_be_on.add(address)

    def leave(self) -> None:
        address = self.dice.choice(ADDRESSES)
        if any(
            one.result is ResultKind.UNSUBSCRIBED for one in unsubscribe(self.ctx, [address], Leaving(everyone=True))
        ):
            self.may_be_on.discard(address)

    def change_policy(self) -> None:
        self.policy = self.dice.choice(list(Policy))
        joining.policy(self.ctx, self.policy)

    def known(self, address: str) -> bool:
        with self.ctx.db.read() as tx:
            return bool(people.at_address(tx, address))

    def collect(self) -> None:
        """Read the mails that wait as their readers would, and let them leave when they are due."""
        now = self.clock.now()
        for mail in joining.waiting(self.ctx):
            if mail["due_at"] <= now:
                self.mails[mail["address"]].append(now)
                self.links.append(mail["facts"]["confirm_url"].rpartition("/")[2])
        for mail in joining.waiting(self.ctx, "request"):
            self.decisions.append(mail["facts"]["approve_url"].split("/")[-2])
        with self.ctx.db.write() as tx:
            tx.execute(sa.delete(Notice).where(Notice.due_at <= now))

    def check(self) -> None:
        with self.ctx.db.read() as tx:
            assert society.groundless(tx) == []
            query = (
                sa.select(Address.email)
                .join(PersonAddress, PersonAddress.address_id == Address.id)
                .join(Subscription, Subscription.person_id == PersonAddress.person_id)
                .where(Subscription.state == SubscriptionState.SUBSCRIBED)
            )
            assert set(tx.scalars(query)) <= self.may_be_on
        for row in joining.rows(self.ctx):
            assert self.ended.get(row.id, row.state) is row.state
            if row.state in ENDED:
                self.ended[row.id] = row.state
            if row.state is RequestState.EXPIRED:
                assert (row.email, row.name, row.words, row.answers) == ("", "", "", {})
        for moments in self.mails.values():
            gaps = [later - earlier for earlier, later in pairwise(moments)]
            assert all(gap >= timedelta(hours=24) for gap in gaps)


@pytest.mark.parametrize("seed", range(8))
def test_walk_subscribes_nobody_without_proof_and_mails_nobody_twice_a_day_D6_S46(
    context: Context, clock: MovableClock, seed: int
) -> None:
    if not context.db.is_sqlite and seed > 1:
        pytest.skip("two walks are enough there: each takes seconds")
    society.found(context)
    walk = Walk(context, clock, seed)
    for _ in range(60):
        walk.step()
    assert verify(context).findings == []


def test_whoever_left_is_brought_back_by_no_link_from_before(context: Context, clock: MovableClock) -> None:
    society.found(context)
    joining.policy(context, Policy.CONFIRM)
    joining.ask(context)
    link = joining.token(context)
    confirm(context, link)
    unsubscribe(context, ["maria@example.org"], Leaving())
    for _ in range(3):
        clock.forward(timedelta(days=1))
        confirm(context, link)
        request_errands.tidy(context)
    with context.db.read() as tx:
        (person,) = people.at_address(tx, "maria@example.org")
        row = subscriptions.get(tx, person.id, 1)
    assert row is not None
    assert row.state is SubscriptionState.UNSUBSCRIBED
