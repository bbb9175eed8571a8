"""Offices: one Secretary at a time, several of the others, all of it on record."""

from datetime import timedelta

import pytest

from balintmail.db import audit, officers
from balintmail.domain.states import Role
from balintmail.errors import Conflict, NotFound
from balintmail.services import officers as service
from balintmail.services.context import Context
from balintmail.services.subscriptions import Joining, subscribe
from tests.conftest import MovableClock
from tests.support import society


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


@pytest.fixture
def ada(ctx: Context) -> int:
    person = subscribe(ctx, ["ada@example.org"], Joining(name="Ada Example"))[0].person
    assert person is not None
    return person


def test_new_secretary_follows_the_one_before(ctx: Context, ada: int, clock: MovableClock) -> None:
    with ctx.db.read() as tx:
        before = officers.secretary(tx)
    assert before is not None
    clock.forward(timedelta(days=1))
    done = service.appoint(ctx, Role.SECRETARY, "ada@example.org")
    assert (done.person, done.already, done.before) == (ada, False, (before.person_id,))
    assert [(one.role, one.person_id) for one in service.every(ctx)] == [(Role.SECRETARY, ada)]
    assert service.appoint(ctx, Role.SECRETARY, str(ada)).already
    clock.forward(timedelta(days=1))
    assert service.appoint(ctx, Role.SECRETARY, str(before.person_id)).before == (ada,)
    with ctx.db.read() as tx:
        now = officers.secretary(tx)
        acts = [one.action for one in audit.of_people(tx, [ada])]
    assert now is not None
    assert now.person_id == before.person_id
    assert acts[-2:] == ["appointed secretary", "secretary no more"]


def test_other_offices_are_held_by_several_and_end(ctx: Context, ada: int) -> None:
    with ctx.db.read() as tx:
        secretary = officers.secretary(tx)
    assert secretary is not None
    service.appoint(ctx, Role.EDITOR, str(ada))
    service.appoint(ctx, Role.EDITOR, str(secretary.person_id))
    assert len([one for one in service.every(ctx) if one.role is Role.EDITOR]) == 2
    assert service.end(ctx, Role.EDITOR, str(ada)) == (ada, True)
    assert service.end(ctx, Role.EDITOR, str(ada)) == (ada, False)
    assert [one.person_id for one in service.every(ctx) if one.role is Role.EDITOR] == [secretary.person_id]


def test_office_of_the_secretary_is_never_empty(ctx: Context) -> None:
    with ctx.db.read() as tx:
        secretary = officers.secretary(tx)
    assert secretary is not None
    with pytest.raises(Conflict, match="always a Secretary"):
        service.end(ctx, Role.SECRETARY, str(secretary.person_id))
    with pytest.raises(NotFound):
        service.appoint(ctx, Role.SECRETARY, "nobody@example.org")
    assert [one.person_id for one in service.every(ctx)] == [secretary.person_id]
