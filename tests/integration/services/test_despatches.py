"""The run of a journal issue: everybody owed gets each copy once, whatever is done twice or comes back."""

from datetime import date

import pytest

from balintmail.db import despatches as rows
from balintmail.domain.despatches import CopyStanding, DespatchState, Doubt, OwedFor, StockReason, Way
from balintmail.errors import Conflict, NotFound
from balintmail.services import despatches as service
from balintmail.services import erasure, journal_articles, journal_issues
from balintmail.services.context import Context
from balintmail.services.despatches import Run
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.merging import merge
from tests.support import society
from tests.support.readers import GB, HU, dies, move_house, reader

Y = "2026"


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    journal_issues.add(context, Y, IssueChanges(volume="53"))
    journal_issues.change_stock(context, Y, StockReason.PRINTED, 100)
    return context


def copies(ctx: Context, person: int) -> list[tuple[Way, CopyStanding, Doubt | None]]:
    with ctx.db.read() as tx:
        _, held = service.of_label(tx, Y)
        return [(copy.way, copy.standing, copy.doubt) for copy in rows.of_person(tx, held.id, person)]


def adds_up(run: Run) -> bool:
    tally = run.tally
    people = tally.people_paper + tally.people_email + tally.people_both + tally.people_nobody
    return (
        tally.paper + tally.email + tally.nobody == tally.owed == sum(tally.standing.values())
        and people == tally.people
        and sum(tally.owed_for.values()) == tally.owed
    )


def label_all(ctx: Context) -> None:
    service.label(ctx, Y)


def test_everybody_is_owed_what_they_chose_and_the_doubtful_are_listed(ctx: Context) -> None:
    paper = reader(ctx, "Paper", wanted="paper", post=GB)
    pdf = reader(ctx, "Pdf", wanted="pdf", email="pdf@example.org")
    both = reader(ctx, "Both", wanted="both", post=HU, email="both@example.org")
    never = reader(ctx, "Never asked", email="never@example.org")
    lost = reader(ctx, "Lost", wanted="paper", email="lost@example.org")
    silent = reader(ctx, "Silent", wanted="pdf")
    wrong = reader(ctx, "Wrong", wanted="paper", post={**GB, "postal_code": "12345"})
    stranger = reader(ctx, "Stranger", wanted="paper", post=GB, of=None)
    run = service.plan(ctx, Y)
    assert copies(ctx, paper) == [(Way.PAPER, CopyStanding.OWED, None)]
    assert copies(ctx, pdf) == [(Way.PDF, CopyStanding.OWED, None)]
    assert copies(ctx, both) == [(Way.PAPER, CopyStanding.OWED, None), (Way.PDF, CopyStanding.OWED, None)]
    assert copies(ctx, never) == [(Way.PDF, CopyStanding.OWED, None)]
    assert copies(ctx, lost) == [(Way.PAPER, CopyStanding.NOBODY, Doubt.NO_POST)]
    assert copies(ctx, silent) == [(Way.PDF, CopyStanding.NOBODY, Doubt.NO_EMAIL)]
    assert copies(ctx, wrong) == [(Way.PAPER, CopyStanding.OWED, Doubt.ADDRESS)]
    assert copies(ctx, stranger) == []
    assert (run.tally.owed, run.tally.paper, run.tally.email, run.tally.nobody) == (8, 3, 3, 2)
    assert (run.tally.people, run.tally.people_both, run.tally.people_nobody) == (7, 1, 2)
    assert adds_up(run)
    with ctx.db.read() as tx:
        assert {copy.name for copy in service.doubtful(tx, run.despatch.id)} == {"Lost", "Silent", "Wrong"}


def test_a_second_plan_changes_nothing_and_another_follows_what_changed(ctx: Context) -> None:
    moved = reader(ctx, "Moved", wanted="paper", post=GB)
    leaves = reader(ctx, "Leaves", wanted="paper", post=GB)
    assert service.plan(ctx, Y).changed == 2
    with ctx.db.read() as tx:
        before = list(rows.copies(tx, service.of_label(tx, Y)[1].id))
    assert service.plan(ctx, Y).changed == 0
    with ctx.db.read() as tx:
        assert list(rows.copies(tx, service.of_label(tx, Y)[1].id)) == before
    move_house(ctx, moved, HU)
    dies(ctx, leaves)
    reader(ctx, "New", wanted="paper", post=GB)
    assert service.plan(ctx, Y).changed == 3
    assert copies(ctx, leaves) == []


def test_whoever_is_owed_for_two_reasons_gets_one_copy_for_the_first(ctx: Context) -> None:
    member = reader(ctx, "Member and author", wanted="paper", post=GB)
    author = reader(ctx, "Author", post=GB, of=None)
    library = reader(ctx, "Library", wanted="paper", post=GB, of="library")
    exchange = reader(ctx, "Exchange", wanted="paper", post=GB, of="exchange")
    named = (f"A <{member}>", f"B <{author}>")
    journal_articles.add(ctx, Y, ArticleChanges(title="One", authors=named))
    journal_articles.add(ctx, Y, ArticleChanges(title="Two", authors=named))
    run = service.plan(ctx, Y)
    with ctx.db.read() as tx:
        found = {copy.person_id: copy.owed_for for copy in rows.copies(tx, run.despatch.id)}
    assert found == {
        member: OwedFor.MEMBER, author: OwedFor.AUTHOR, library: OwedFor.LIBRARY, exchange: OwedFor.EXCHANGE,
    }  # fmt: skip
    assert run.tally.owed == 4


def test_standing_counts_on_the_stated_day(ctx: Context) -> None:
    reader(ctx, "Since 2020", wanted="paper", post=GB)
    assert service.plan(ctx, Y, date(2019, 12, 31)).tally.owed == 0
    assert service.plan(ctx, Y).tally.owed == 0  # the day of the last plan stays
    assert service.plan(ctx, Y, date(2020, 1, 1)).tally.owed == 1


def test_the_freeze_keeps_the_addresses_of_its_day(ctx: Context) -> None:
    person = reader(ctx, "Anna", wanted="paper", post=GB)
    service.plan(ctx, Y)
    move_house(ctx, person, HU)
    run = service.freeze(ctx, Y)
    assert run.despatch.state is DespatchState.FROZEN
    move_house(ctx, person, GB)
    assert service.freeze(ctx, Y).changed == 0
    with pytest.raises(Conflict, match="is frozen"):
        service.plan(ctx, Y)
    with ctx.db.read() as tx:
        (copy,) = rows.of_person(tx, run.despatch.id, person)
    assert copy.country_code == "HU"
    assert "Fő utca 1." in copy.address_lines


def test_nothing_goes_before_the_freeze(ctx: Context) -> None:
    with pytest.raises(NotFound, match="not planned yet"):
        service.report(ctx, Y)
    reader(ctx, "Anna", wanted="paper", post=GB)
    service.plan(ctx, Y)
    for step in (lambda: service.post(ctx, Y), lambda: label_all(ctx), lambda: service.returned(ctx, Y, ["1"])):
        with pytest.raises(Conflict, match="planned only"):
            step()


def test_posted_copies_leave_the_shelf_once(ctx: Context) -> None:
    for number in range(3):
        reader(ctx, f"Reader {number}", wanted="paper", post=GB)
    service.plan(ctx, Y)
    service.freeze(ctx, Y)
    assert service.post(ctx, Y).changed == 0  # nothing is labelled yet
    label_all(ctx)
    run = service.post(ctx, Y, day=date(2026, 11, 20))
    assert (run.changed, run.posted, run.issue.on_shelf) == (3, 3, 97)
    assert run.despatch.state is DespatchState.DONE
    assert service.post(ctx, Y).changed == 0
    assert service.report(ctx, Y).issue.on_shelf == 97


def test_too_few_copies_on_the_shelf_are_said_and_nothing_is_posted(ctx: Context) -> None:
    journal_issues.change_stock(ctx, Y, StockReason.LOST, 99)
    people = [reader(ctx, f"Reader {number}", wanted="paper", post=GB) for number in range(2)]
    service.plan(ctx, Y)
    service.freeze(ctx, Y)
    label_all(ctx)
    with pytest.raises(Conflict, match="1 are on the shelf"):
        service.post(ctx, Y)
    assert [copies(ctx, one)[0][1] for one in people] == [CopyStanding.LABELLED] * 2
    assert service.post(ctx, Y, [str(people[0])]).issue.on_shelf == 0


def test_an_envelope_that_came_back_is_sent_anew_to_the_new_address(ctx: Context) -> None:
    person = reader(ctx, "Anna", wanted="paper", post=GB)
    who = [str(person)]
    service.plan(ctx, Y)
    service.freeze(ctx, Y)
    with pytest.raises(Conflict, match="No copy of 2026 was posted"):
        service.returned(ctx, Y, who)
    label_all(ctx)
    service.post(ctx, Y)
    back = service.returned(ctx, Y, who)
    assert (back.changed, back.returned, back.issue.on_shelf) == (1, 1, 100)
    again = service.returned(ctx, Y, who)
    assert (again.changed, again.returned, again.issue.on_shelf) == (0, 1, 100)
    move_house(ctx, person, HU)
    assert service.reissue(ctx, Y, who).changed == 1
    assert service.reissue(ctx, Y, who).changed == 0
    assert service.report(ctx, Y).despatch.state is DespatchState.FROZEN
    label_all(ctx)
    run = service.post(ctx, Y)
    assert (run.posted, run.returned, run.tally.paper, run.issue.on_shelf) == (2, 1, 1, 99)
    assert adds_up(run)
    with ctx.db.read() as tx:
        (copy,) = rows.of_person(tx, run.despatch.id, person)
    assert (copy.country_code, copy.posted_times, copy.returned_times) == ("HU", 2, 1)


def test_spoilt_copies_do_not_go_back_on_the_shelf(ctx: Context) -> None:
    person = reader(ctx, "Anna", wanted="paper", post=GB)
    service.plan(ctx, Y)
    service.freeze(ctx, Y)
    label_all(ctx)
    service.post(ctx, Y)
    assert service.returned(ctx, Y, [str(person)], spoilt=True).issue.on_shelf == 99


def test_whoever_dies_before_the_post_goes_gets_nothing(ctx: Context) -> None:
    person = reader(ctx, "Anna", wanted="both", post=GB, email="anna@example.org")
    service.plan(ctx, Y)
    service.freeze(ctx, Y)
    label_all(ctx)
    dies(ctx, person)
    run = service.post(ctx, Y)
    assert run.changed == 0
    assert {standing for _, standing, _ in copies(ctx, person)} == {CopyStanding.NOBODY}
    assert (run.tally.doubts[Doubt.DIED], run.tally.nobody, adds_up(run)) == (2, 2, True)


def test_a_copy_by_hand_survives_every_plan_and_is_owed_once(ctx: Context) -> None:
    reviewer = reader(ctx, "Reviewer", post=GB, of=None)
    service.plan(ctx, Y)
    service.give(ctx, Y, str(reviewer), Way.PAPER, remark="review copy")
    with pytest.raises(Conflict, match="on paper already"):
        service.give(ctx, Y, str(reviewer), Way.PAPER)
    assert service.plan(ctx, Y).tally.owed_for[OwedFor.GIFT] == 1
    move_house(ctx, reviewer, HU)
    run = service.freeze(ctx, Y)
    late = reader(ctx, "Late", post=GB)
    assert service.give(ctx, Y, str(late), Way.PAPER).tally.owed == 2
    with ctx.db.read() as tx:
        (copy,) = rows.of_person(tx, run.despatch.id, reviewer)
    assert (copy.country_code, copy.remark) == ("HU", "review copy")
    assert service.withdraw(ctx, Y, str(late)).tally.doubts[Doubt.WITHDRAWN] == 1


def test_an_erased_reader_leaves_a_number_and_nothing_else_S45(ctx: Context) -> None:
    person = reader(ctx, "Példányi Zsuzsanna", wanted="both", post=HU, email="zsuzsanna@example.org")
    journal_articles.add(ctx, Y, ArticleChanges(title="One", authors=(f"Z. P. <{person}>",)))
    service.plan(ctx, Y)
    service.freeze(ctx, Y)
    label_all(ctx)
    erasure.erase(ctx, person)
    with ctx.db.read() as tx:
        found = rows.of_person(tx, service.of_label(tx, Y)[1].id, person)
        assert journal_articles.contents(tx, Y).papers[0][1][0].person_id is None
    assert {(copy.name, copy.address_lines, copy.standing, copy.doubt) for copy in found} == {
        ("", (), CopyStanding.NOBODY, Doubt.ERASED)
    }
    run = service.report(ctx, Y)
    assert (run.tally.owed, run.tally.nobody) == (2, 2)


def test_merged_people_are_owed_one_copy(ctx: Context) -> None:
    keep = reader(ctx, "Anna", wanted="paper", post=GB, email="a@example.org")
    other = reader(ctx, "Anna", wanted="both", post=GB, email="b@example.org")
    journal_articles.add(ctx, Y, ArticleChanges(title="One", authors=(f"Anna <{other}>",)))
    service.plan(ctx, Y)
    service.freeze(ctx, Y)
    label_all(ctx)
    merge(ctx, keep, other)
    assert copies(ctx, keep) == [(Way.PAPER, CopyStanding.LABELLED, None), (Way.PDF, CopyStanding.OWED, None)]
    assert copies(ctx, other) == [(Way.PAPER, CopyStanding.NOBODY, Doubt.WITHDRAWN)]
    run = service.post(ctx, Y)
    assert (run.changed, adds_up(run)) == (1, True)
    with ctx.db.read() as tx:
        assert journal_articles.contents(tx, Y).papers[0][1][0].person_id == keep
