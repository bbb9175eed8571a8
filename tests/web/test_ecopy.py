"""Everybody's own copy of the Journal by email: sent once through the ledger, opened by a link that ends (C, D8)."""

import quopri
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db import despatches as rows
from balintmail.db.despatches import JournalCopyRow
from balintmail.db.models import Delivery, Mailing
from balintmail.domain.despatches import CopyStanding, DespatchState, Doubt, Way
from balintmail.domain.states import MailingKind, MailingState, SkipReason
from balintmail.errors import Conflict
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import despatches, erasure, journal_articles, journal_issues, journal_links, suppressions
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges
from tests.conftest import MovableClock
from tests.support.readers import dies, reader

Y = "2026"
PDF = b"%PDF-1.7\n" + b"x" * 2_400_000 + b"\n%%EOF\n"


@pytest.fixture
def ctx(client: TestClient, context: Context) -> Context:
    """A journal issue with a PDF, and three readers by email, one of them Hungarian."""
    (context.folder / "outbox").mkdir(exist_ok=True)
    file = context.folder / "journal.pdf"
    file.write_bytes(PDF)
    journal_issues.add(context, Y, IssueChanges(volume="53", number="1", title="Sixty Years", pdf=file))
    journal_articles.add(context, Y, ArticleChanges(title="The Doctor as a Drug", authors=("Michael Balint",)))
    for name in ("Anna", "Bea", "Győző"):
        person = reader(context, name, wanted="pdf", email=f"{name.lower().replace('ő', 'o')}@example.org")
        if name == "Győző":
            register.edit(context, person, register.Changes(language="hu"))
    despatches.plan(context, Y)
    return context


def copies(ctx: Context) -> dict[str, JournalCopyRow]:
    with ctx.db.read() as tx:
        found = rows.copies(tx, despatches.of_label(tx, Y)[1].id)
        return {copy.name: copy for copy in found}


def path(ctx: Context, name: str = "Anna") -> str:
    return journal_links.PATH + journal_links.token_of(ctx, copies(ctx)[name])


def sent(ctx: Context) -> list[str]:
    """Let dispatch write what waits; return the letters as text."""
    dispatch(ctx, lambda: OutboxTransport(ctx.folder / "outbox"), Orders())
    letters = sorted((ctx.folder / "outbox" / "new").iterdir())
    return [quopri.decodestring(letter.read_bytes()).decode("utf-8", "replace") for letter in letters]


def test_links_go_once_in_each_language_through_the_ledger_D1(ctx: Context) -> None:
    despatches.freeze(ctx, Y)
    assert journal_links.waiting(ctx, Y) == 3
    done = journal_links.send(ctx, Y)
    assert (done.links, len(done.mailings), done.run.tally.standing[CopyStanding.EMAILED]) == (3, 2, 3)
    assert done.run.despatch.state is DespatchState.DONE
    assert {row.kind for row in done.mailings} == {MailingKind.JOURNAL}
    again = journal_links.send(ctx, Y)
    assert (again.links, again.mailings) == (0, ())
    letters = sent(ctx)
    assert len(letters) == 3
    english = next(letter for letter in letters if "Dear Anna" in letter)
    assert "The Doctor as a Drug (Michael Balint)" in english
    assert path(ctx) in english
    assert sum("Tisztelt Győző" in letter for letter in letters) == 1
    with ctx.db.read() as tx:
        states = set(tx.scalars(sa.select(Mailing.state).where(Mailing.kind == MailingKind.JOURNAL)))
        assert states == {MailingState.SENT}
        assert set(tx.scalars(sa.select(Delivery.data))) == {None}  # the links stand nowhere any more


def test_a_link_opens_its_own_copy_and_a_get_changes_nothing_D8(ctx: Context, client: TestClient) -> None:
    despatches.freeze(ctx, Y)
    assert client.get(path(ctx)).status_code == 410  # nothing was sent yet
    journal_links.send(ctx, Y)
    for _ in range(3):
        page = client.get(path(ctx))
        client.head(path(ctx))
    assert page.status_code == 200
    assert "Sixty Years" in page.text
    assert "2 megabytes" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert copies(ctx)["Anna"].opened_times == 0
    file = client.post(path(ctx))
    assert (file.content, file.headers["content-type"]) == (PDF, "application/pdf")
    assert "The%20Journal%202026.pdf" in file.headers["content-disposition"] or (
        "The Journal 2026.pdf" in file.headers["content-disposition"]
    )
    assert (copies(ctx)["Anna"].opened_times, copies(ctx)["Bea"].opened_times) == (1, 0)


@pytest.mark.parametrize("token", ["x", "a" * 80, "aaaa-bbbb", "%00", "../../files"])
def test_what_is_no_link_opens_nothing(ctx: Context, client: TestClient, token: str) -> None:
    assert client.get(f"/ecopy/{token}").status_code == 404
    assert client.post(f"/ecopy/{token}").status_code in {404, 405}


def test_a_link_ends_on_its_day_and_a_reissue_lets_it_work_again(
    ctx: Context, client: TestClient, clock: MovableClock
) -> None:
    despatches.freeze(ctx, Y)
    journal_links.send(ctx, Y)
    clock.forward(ctx.settings.journal.link_lasts - timedelta(seconds=1))
    assert client.get(path(ctx)).status_code == 200
    clock.forward(timedelta(seconds=1))
    assert client.get(path(ctx)).status_code == 410
    assert client.post(path(ctx)).status_code == 410
    who = str(copies(ctx)["Anna"].person_id)
    assert despatches.reissue(ctx, Y, [who]).changed == 1
    assert journal_links.send(ctx, Y).links == 1
    assert client.get(path(ctx)).status_code == 200


def test_an_erased_readers_link_is_over_at_once_D7(ctx: Context, client: TestClient) -> None:
    despatches.freeze(ctx, Y)
    journal_links.send(ctx, Y)
    here = path(ctx)
    erasure.erase(ctx, copies(ctx)["Anna"].person_id or 0)
    assert client.get(here).status_code == 410


def test_whoever_died_or_is_not_reached_any_more_gets_no_link(ctx: Context) -> None:
    despatches.freeze(ctx, Y)
    found = copies(ctx)
    dies(ctx, found["Anna"].person_id or 0)
    suppressions.suppress(ctx, "bea@example.org", "said no by telephone")
    done = journal_links.send(ctx, Y)
    assert done.links == 1
    assert (done.run.tally.doubts[Doubt.DIED], done.run.tally.doubts[Doubt.NOT_REACHED]) == (1, 1)
    tally = done.run.tally
    assert tally.paper + tally.email + tally.nobody == tally.owed == 3


def test_a_no_between_release_and_dot_wins_D4(ctx: Context) -> None:
    despatches.freeze(ctx, Y)
    journal_links.send(ctx, Y)
    erasure.erase(ctx, copies(ctx)["Anna"].person_id or 0)
    assert not any("Dear Anna" in letter for letter in sent(ctx))
    with ctx.db.read() as tx:
        assert SkipReason.ERASED in set(tx.scalars(sa.select(Delivery.skip_reason)))


def test_without_a_pdf_or_before_the_freeze_nothing_goes(ctx: Context) -> None:
    with pytest.raises(Conflict, match="planned only"):
        journal_links.send(ctx, Y)
    journal_issues.add(ctx, "2027", IssueChanges())
    despatches.plan(ctx, "2027")
    despatches.freeze(ctx, "2027")
    with pytest.raises(Conflict, match="no PDF"):
        journal_links.send(ctx, "2027")


def test_the_page_reads_in_four_languages(ctx: Context, client: TestClient) -> None:
    despatches.freeze(ctx, Y)
    journal_links.send(ctx, Y)
    buttons: list[Any] = []
    for language in ("en", "de", "fr", "hu"):
        page = client.get(f"{path(ctx)}?lang={language}").text
        buttons += re.findall(r"<button[^>]*>([^<]+)</button>", page)
    assert len(set(buttons)) == 4


def test_many_links_go_in_parts_and_nobody_twice_D1(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_links, "AT_ONCE", 2)
    despatches.freeze(ctx, Y)
    suppressions.suppress(ctx, "anna@example.org", "said no by telephone")
    done = journal_links.send(ctx, Y)
    assert (done.links, done.run.tally.email, done.run.tally.nobody) == (2, 2, 1)
    assert len(sent(ctx)) == 2


def test_the_way_is_not_changed_by_sending(ctx: Context) -> None:
    despatches.freeze(ctx, Y)
    journal_links.send(ctx, Y)
    assert {copy.way for copy in copies(ctx).values()} == {Way.PDF}
