"""Bank statements: each line once, matched by reference or name with the amount, the doubtful ones left to be said."""

from datetime import date
from typing import Any
from unittest import mock

import pytest

from balintmail.cli import dues_doubts
from balintmail.db import dues as payments
from balintmail.domain.members import reference
from balintmail.domain.money import Money
from balintmail.domain.statements import BankEntry, LineState
from balintmail.errors import Conflict, NotFound
from balintmail.services import dues_import, memberships
from balintmail.services.context import Context
from balintmail.services.memberships import ClassFacts, Facts
from balintmail.services.subscriptions import Joining, subscribe
from tests.support import society

DAY = date(2026, 11, 20)


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    memberships.edit_class(context, "full", ClassFacts(fee="30.00"))
    return context


def a_member(ctx: Context, name: str) -> int:
    address = f"{name.lower().replace(' ', '.')}@example.org".encode("ascii", "ignore").decode()
    person = subscribe(ctx, [address], Joining(name=name))[0].person or 0
    memberships.add(ctx, person, Facts())
    return person


def line(at: int, pence: int = 3000, **more: Any) -> BankEntry:
    return BankEntry(at, more.pop("day", DAY), Money(pence), **more)


def took(ctx: Context, *entries: BankEntry, write: bool = True) -> list[tuple[LineState, int | None]]:
    done = dues_import.take_in(ctx, entries, "november.csv", write=write)
    return [(each.match.state, each.match.person) for each in done.lines]


def recorded(ctx: Context) -> list[tuple[int, int]]:
    with ctx.db.read() as tx:
        return [(row.person_id, row.amount) for row in payments.listed(tx, payments.Wanted())]


def test_reference_and_name_match_only_with_the_right_amount(ctx: Context) -> None:
    anna, mihaly = a_member(ctx, "Anna Example"), a_member(ctx, "Bálint Mihály")
    assert took(
        ctx,
        line(2, reference=f"dues {reference(anna).lower()}", payer="SOMEBODY ELSE"),
        line(3, payer="BALINT MIHALY DR"),
        line(4, 2500, payer="Anna Example"),
        line(5, 500, payer="Stranger Unknown", reference="Journal"),
        line(6, -3000, payer="Anna Example"),
    ) == [
        (LineState.MATCHED, anna),
        (LineState.MATCHED, mihaly),
        (LineState.DOUBTFUL, anna),
        (LineState.DOUBTFUL, None),
    ]
    assert recorded(ctx) == [(anna, 3000), (mihaly, 3000)]


def test_the_same_line_never_counts_twice_in_one_file_or_the_next(ctx: Context) -> None:
    anna = a_member(ctx, "Anna Example")
    once, again = line(2, payer="Anna Example"), line(3, payer="ANNA  EXAMPLE")
    done = dues_import.take_in(ctx, [once, again], "a.csv", write=True)
    assert (len(done.lines), done.before) == (1, (3,))
    done = dues_import.take_in(ctx, [once], "b.csv", write=True)
    assert (done.lines, done.before) == ((), (2,))
    assert recorded(ctx) == [(anna, 3000)]


def test_dues_that_are_paid_already_are_doubtful(ctx: Context) -> None:
    anna = a_member(ctx, "Anna Example")
    found = took(ctx, line(2, payer="Anna Example", number="1"), line(3, payer="Anna Example", number="2"))
    assert found == [(LineState.MATCHED, anna), (LineState.DOUBTFUL, anna)]
    assert recorded(ctx) == [(anna, 3000)]


def test_a_dry_run_and_a_day_to_come_record_nothing(ctx: Context) -> None:
    anna = a_member(ctx, "Anna Example")
    assert took(ctx, line(2, payer="Anna Example"), write=False) == [(LineState.MATCHED, anna)]
    assert recorded(ctx) == []
    assert took(ctx, line(2, payer="Anna Example", day=date(2026, 12, 24))) == [(LineState.DOUBTFUL, anna)]
    assert recorded(ctx) == []


def test_two_of_one_name_are_never_guessed(ctx: Context) -> None:
    a_member(ctx, "Anna Example")
    a_member(ctx, "Anna B Example")
    assert took(ctx, line(2, payer="A Example")) == [(LineState.DOUBTFUL, None)]


def test_a_doubtful_line_is_settled_once(ctx: Context) -> None:
    anna = a_member(ctx, "Anna Example")
    took(ctx, line(2, payer="Her Husband"), line(3, 500, payer="The Library"))
    first, second = dues_import.doubtful(ctx)
    assert dues_import.settle(ctx, first.id, anna).state is LineState.MATCHED
    assert dues_import.settle(ctx, second.id, None).state is LineState.IGNORED
    with pytest.raises(Conflict, match="matched already"):
        dues_import.settle(ctx, first.id, anna)
    with pytest.raises(NotFound):
        dues_import.settle(ctx, 2**63, anna)
    assert dues_import.doubtful(ctx) == []
    assert recorded(ctx) == [(anna, 3000)]


def test_a_terminal_asks_whose_the_doubtful_lines_are_and_leaves_what_is_not_known(ctx: Context) -> None:
    anna, bela = a_member(ctx, "Anna Example"), a_member(ctx, "Bela Other")
    took(ctx, line(2, 2500, payer="Anna Example"), line(3, payer="Somebody"), line(4, payer="Else"), line(5, payer="X"))
    app = mock.Mock()
    said = ["y", "nobody@example.org", "bela.other@example.org", "n", ""]
    with mock.patch("click.prompt", side_effect=said):
        dues_doubts.ask(app, ctx, "november.csv", {2, 3, 4, 5})
    assert recorded(ctx) == [(anna, 2500), (bela, 3000)]
    assert [row.payer for row in dues_import.doubtful(ctx)] == ["X"]
    assert "Nobody on the register" in str(app.out.line.mock_calls)
