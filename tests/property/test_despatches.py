"""Whatever is done to a run, in any order and twice: paper + email + nobody are all that are owed, and stock agrees."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balintmail.db import despatches as rows
from balintmail.db import journal_issues as issue_rows
from balintmail.domain.despatches import CopyStanding, Doubt, OwedFor, StockReason, Way, tally
from balintmail.domain.orders import OrderState
from balintmail.errors import BalintmailError
from balintmail.services import despatches as service
from balintmail.services import journal_articles, journal_issues, order_shown, orders
from balintmail.services.context import Context
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges
from tests.support import society
from tests.support.readers import GB, HU, move_house, reader

_COPIES = st.tuples(
    st.integers(1, 5),
    st.sampled_from(Way),
    st.sampled_from(OwedFor),
    st.sampled_from(CopyStanding),
    st.one_of(st.none(), st.sampled_from(Doubt)),
)
_STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "plan",
                "freeze",
                "label",
                "post",
                "returned",
                "spoilt",
                "reissue",
                "give",
                "withdraw",
                "move",
                "by hand",
                "refund",
            ]
        ),
        st.integers(0, 6),
    ),
    max_size=14,
)
_YEARS = count(1900)


@given(st.lists(_COPIES, unique_by=lambda one: (one[0], one[1])))
def test_a_tally_adds_up_in_copies_and_in_people(copies: list[Any]) -> None:
    alike = Counter(tuple(one[1:]) for one in copies)
    ways: dict[int, set[Way]] = {}
    for person, way, _, standing, _ in copies:
        ways.setdefault(person, set()).update({way} if standing is not CopyStanding.NOBODY else ())
    reached = Counter(frozenset(mine) for mine in ways.values())
    found = tally([(number, *kind) for kind, number in alike.items()], reached)
    assert found.paper + found.email + found.nobody == found.owed == len(copies)
    assert found.people_paper + found.people_email + found.people_both + found.people_nobody == found.people
    assert found.paper == found.people_paper + found.people_both
    assert found.email == found.people_email + found.people_both
    assert sum(found.standing.values()) == sum(found.owed_for.values()) == found.owed


@pytest.fixture
def people(context: Context) -> list[int]:
    society.found(context)
    return [
        reader(context, "Paper", wanted="paper", post=GB),
        reader(context, "Pdf", wanted="pdf", email="pdf@example.org"),
        reader(context, "Both", wanted="both", post=HU, email="both@example.org"),
        reader(context, "Nowhere", wanted="both"),
        reader(context, "Author", post=GB, of=None),
        reader(context, "Library", wanted="paper", post=GB, of="library"),
    ]


def _do(ctx: Context, year: str, step: str, who: str, bought: int) -> None:
    person = int(who) if who.isdecimal() else 0
    doing: dict[str, Callable[[], object]] = {
        "plan": lambda: service.plan(ctx, year),
        "freeze": lambda: service.freeze(ctx, year),
        "label": lambda: service.label(ctx, year),
        "post": lambda: service.post(ctx, year),
        "returned": lambda: service.returned(ctx, year, [who]),
        "spoilt": lambda: service.returned(ctx, year, [who], spoilt=True),
        "reissue": lambda: service.reissue(ctx, year, [who]),
        "give": lambda: service.give(ctx, year, who, Way.PAPER),
        "withdraw": lambda: service.withdraw(ctx, year, who),
        "move": lambda: move_house(ctx, person, HU if person % 2 else GB),
        "by hand": lambda: orders.posted(ctx, bought),
        "refund": lambda: orders.refund(ctx, bought),
    }
    with suppress(BalintmailError):  # a refusal changes nothing, which is what is looked at
        doing[step]()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_every_copy_is_counted_once_whatever_is_done(
    context: Context, people: list[int], steps: list[tuple[str, int]]
) -> None:
    year = str(next(_YEARS))
    journal_issues.add(context, year, IssueChanges(published=f"{year}-09-15"))
    journal_articles.add(context, year, ArticleChanges(title="One", authors=(f"A <{people[4]}>",)))
    journal_issues.change_stock(context, year, StockReason.PRINTED, 8)
    bought = orders.place(context, orders.Buyer(name="Buyer", address="", post=GB), {year: 2})
    orders.paid(context, bought.order.id)
    service.plan(context, year)
    whose = [*map(str, people), bought.reference]
    for step, number in [*steps, ("freeze", 0), ("label", 0), ("post", 0)]:
        for _ in range(2):  # the second time changes nothing that the first did not
            _do(context, year, step, whose[number], bought.order.id)
    run = service.report(context, year)
    found = run.tally
    assert found.paper + found.email + found.nobody == found.owed
    assert found.people_paper + found.people_email + found.people_both + found.people_nobody == found.people
    with context.db.read() as tx:
        copies = list(rows.copies(tx, run.despatch.id))
        moves = issue_rows.moves(tx, run.issue.id)
        ordered = order_shown.shown(tx, bought.order.id)
    alive = {(copy.person_id, copy.order_id) for copy in copies if copy.standing is not CopyStanding.NOBODY}
    assert found.people_nobody == len({(copy.person_id, copy.order_id) for copy in copies} - alive)
    assert found.paper == sum(
        copy.copies for copy in copies if copy.way is Way.PAPER and copy.standing is not CopyStanding.NOBODY
    )
    assert len({(copy.person_id, copy.order_id, copy.way) for copy in copies}) == len(copies)
    assert sum(copy.copies for copy in copies) == found.owed
    assert sum(move.on_shelf for move in moves) == run.issue.on_shelf >= 0
    went = -sum(move.on_shelf for move in moves if move.reason in {StockReason.DESPATCHED, StockReason.SOLD})
    outside = 2 * (ordered.lines[0].posted_on is not None and not any(copy.order_id for copy in copies))
    assert went == sum(copy.posted_times * copy.copies for copy in copies) + outside
    back = sum(copy.returned_times * copy.copies for copy in copies)
    assert sum(move.on_shelf for move in moves if move.reason is StockReason.RETURNED) <= back
    assert run.returned <= run.posted
    waits = ordered.order.state is OrderState.PAID
    assert run.issue.reserved == sum(move.reserved for move in moves) == (2 if waits else 0)
