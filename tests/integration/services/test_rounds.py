"""The round of details: who is asked, by which way, what counts as an answer, and when it ends; on both databases."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db import postal
from balintmail.db.models import MailedLink, Notice
from balintmail.domain.rounds import AnswerState, NextWay
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services import errands, held, memberships, notice_mailings, preferences, rounds, suppressions
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.fresh_links import LinkOver
from balintmail.services.leaving import LinkBroken
from balintmail.services.memberships import Facts
from balintmail.services.merging import merge
from balintmail.services.people import Changes
from tests.support import society

TODAY = date(2026, 11, 21)
HOME = {"country_code": "GB", "street_address": "1 High Street", "city": "London", "postal_code": "EC1Y 8SY"}


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    site = context.settings.society.model_copy(update={"url": "https://balint.example.org"})
    return replace(context, settings=context.settings.model_copy(update={"society": site}))


def a_member(ctx: Context, name: str, *addresses: str, post: bool = False) -> int:
    with ctx.db.write() as tx:
        person = society.enter(ctx, tx, name, *addresses)
        if post:
            postal.put(tx, person, HOME, first_day=None, now=ctx.clock.now())
    memberships.add(ctx, person, Facts())
    return person


def secrets(ctx: Context) -> dict[int, str]:
    with ctx.db.read() as tx:
        mine = sa.select(Notice.person_id, Notice.facts).where(Notice.template == "details_round")
        return {row[0]: str(row[1]["link_url"]).rpartition("/")[2] for row in tx.execute(mine)}


def ways(ctx: Context) -> dict[int, NextWay]:
    return {each.answer.person_id: each.way for each in rounds.state(ctx).missing}


def test_a_round_asks_each_member_once_and_lists_who_has_no_mail_for_post_at_once(ctx: Context) -> None:
    anna = a_member(ctx, "Anna Example", "anna@example.org")
    bela = a_member(ctx, "Béla Példa", post=True)
    cili = a_member(ctx, "Cili Example")
    register.edit(ctx, cili, Changes(fields={"Telefon": "+36 1 234 567"}))
    dora = a_member(ctx, "Dora Example", "dora@example.org", "dora@example.net")
    suppressions.suppress(ctx, "dora@example.org")
    dead = a_member(ctx, "Emil Example", "emil@example.org")
    memberships.died(ctx, dead)
    assert rounds.planned(ctx) == (4, 2)
    begun = rounds.start(ctx)
    assert (begun.asked, begun.row.name, begun.row.closes_on) == (4, "2026", TODAY + timedelta(days=42))
    assert ways(ctx) == {
        anna: NextWay.WAIT, bela: NextWay.POST, cili: NextWay.TELEPHONE, dora: NextWay.WAIT,
    }  # fmt: skip
    where = {each.answer.person_id: each.where for each in begun.missing}
    assert (where[bela], where[cili]) == ("Béla Példa, 1 High Street, London, EC1Y 8SY, GB", "+36 1 234 567")
    assert secrets(ctx).keys() == {anna, dora}
    with pytest.raises(Conflict, match="is running"):
        rounds.start(ctx)
    assert notice_mailings.release_due(ctx) == 2


def test_one_button_confirms_and_a_correction_is_an_answer_too(ctx: Context) -> None:
    anna, bela = a_member(ctx, "Anna", "anna@example.org"), a_member(ctx, "Bela", "bela@example.org")
    rounds.start(ctx)
    found = secrets(ctx)
    assert preferences.own_page(ctx, found[anna]).asked is not None
    preferences.all_right(ctx, found[anna])
    preferences.put_post(ctx, found[bela], HOME, TODAY + timedelta(days=60))  # dated ahead
    preferences.all_right(ctx, found[bela])
    now = rounds.state(ctx)
    assert now.counts == {AnswerState.WAITING: 0, AnswerState.CONFIRMED: 1, AnswerState.CORRECTED: 1}
    with ctx.db.read() as tx:
        assert postal.at(tx, bela, TODAY) is None
        assert postal.at(tx, bela, TODAY + timedelta(days=60)) is not None
    assert secrets(ctx) == {}  # letters that still waited are withdrawn


def test_the_link_of_a_round_neither_exports_nor_erases_and_ends_with_the_round(ctx: Context, clock: Any) -> None:
    anna = a_member(ctx, "Anna", "anna@example.org")
    rounds.start(ctx, TODAY + timedelta(days=10))
    secret = secrets(ctx)[anna]
    for forbidden in (held.own, held.own_copy, preferences.erase):
        with pytest.raises(LinkBroken):
            forbidden(ctx, secret)
    with ctx.db.read() as tx:  # it ends with the last day, in the society's own time
        (ends,) = tx.scalars(sa.select(MailedLink.expires_at))
        assert ends.astimezone(ctx.settings.zone).isoformat().startswith("2026-12-02T00:00:00")
    clock.forward(timedelta(days=8))
    preferences.own_page(ctx, secret)
    rounds.close(ctx)
    with pytest.raises(LinkOver):
        preferences.own_page(ctx, secret)
    with pytest.raises(NotFound, match="No round"):
        rounds.remind(ctx)


def test_dispatch_reminds_once_and_both_links_work_then_the_other_address_is_next(ctx: Context, clock: Any) -> None:
    anna = a_member(ctx, "Anna", "anna@example.org", "anna@example.net")
    rounds.start(ctx)
    first = secrets(ctx)[anna]
    clock.forward(timedelta(days=13))
    errands.run(ctx)
    assert secrets(ctx)[anna] == first
    clock.forward(timedelta(days=1))
    errands.run(ctx)
    second = secrets(ctx)[anna]
    assert second != first
    errands.run(ctx)
    assert secrets(ctx)[anna] == second
    clock.forward(timedelta(days=8))
    (missing,) = rounds.state(ctx).missing
    assert (missing.way, missing.where) == (NextWay.OTHER_ADDRESS, "anna@example.net")
    assert rounds.remind(ctx) == 1
    assert rounds.remind(ctx) == 0
    assert ways(ctx) == {anna: NextWay.WAIT}
    for secret in (first, second, secrets(ctx)[anna]):
        preferences.own_page(ctx, secret)


def test_an_answer_by_telephone_is_recorded_and_an_erasure_leaves_no_trace(ctx: Context) -> None:
    anna, bela = a_member(ctx, "Anna"), a_member(ctx, "Bela")
    rounds.start(ctx)
    row = rounds.record(ctx, anna, AnswerState.CORRECTED, "rang her")
    assert (row.answered_by, row.note) == ("the Secretary", "rang her")
    with ctx.db.write() as tx:
        stranger = society.enter(ctx, tx, "Cili")
    with pytest.raises(NotFound, match="was not asked"):
        rounds.record(ctx, stranger, AnswerState.CONFIRMED)
    erase(ctx, bela)
    assert rounds.state(ctx).asked == 1


def test_an_answer_stays_when_the_two_who_were_asked_are_one_person(ctx: Context) -> None:
    anna, again = a_member(ctx, "Anna"), a_member(ctx, "Anna")
    rounds.start(ctx)
    rounds.record(ctx, again, AnswerState.CONFIRMED)
    merge(ctx, anna, again)
    assert rounds.state(ctx).counts == {AnswerState.WAITING: 0, AnswerState.CONFIRMED: 1, AnswerState.CORRECTED: 0}


def test_a_day_that_cannot_be_and_a_society_without_a_site_are_refused(ctx: Context, context: Context) -> None:
    with pytest.raises(Conflict, match="good standing"):
        rounds.start(ctx)
    a_member(ctx, "Anna", "anna@example.org")
    for day in (TODAY, TODAY + timedelta(days=184)):
        with pytest.raises(UsageRefused, match="from tomorrow"):
            rounds.start(ctx, day)
    bare = ctx.settings.model_copy(update={"society": ctx.settings.society.model_copy(update={"url": ""})})
    with pytest.raises(Conflict, match="no page"):
        rounds.start(replace(ctx, settings=bare))
    assert secrets(ctx) == {}
