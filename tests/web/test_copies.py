"""Copies and links to read by on the site: the same answer for all, links that end, decisions by button (D8, D22)."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from balintmail.domain.address import parse
from balintmail.domain.archive import Target
from balintmail.domain.despatches import StockReason
from balintmail.services import journal_issues, reading_links
from balintmail.services.context import Context
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.subscriptions import Joining, subscribe
from tests.conftest import MovableClock
from tests.support import copy_desk
from tests.support.copy_desk import POST, asks, decision, letters, quoted, reading
from tests.support.pages import FILLING, forms, publish
from tests.support.readers import reader

ANNA, BEN, EVE = "anna@example.org", "ben@example.org", "eve@example.net"
PDF = b"%PDF-1.7\n" + b"x" * 3000 + b"\n%%EOF\n"


@pytest.fixture
def ctx(client: TestClient, context: Context, tmp_path: Path) -> Context:
    """A society with a member, a reader, newsletters 84 and 85 (for members), and a Journal under embargo."""
    subscribe(context, ["lea@example.org"], Joining(name="Lea Example"))
    reader(context, "Anna Quellenreiter", email=ANNA)
    reader(context, "Ben Example", email=BEN, of=None)
    publish(context)
    pdf = tmp_path / "j.pdf"
    pdf.write_bytes(PDF)
    journal_issues.add(context, "2026", IssueChanges(published="2026-09-15", embargo="2027-09-15", pdf=pdf))
    journal_issues.change_stock(context, "2026", StockReason.PRINTED, 1)
    return context


def fill(client: TestClient, ctx: Context, path: str = "/copies", **fields: str) -> str:
    """Fill in the page's form as a person does, and return what it answers."""
    (form,) = [one for one in forms(client.get(path).text) if one.method == "POST"]
    ctx.clock.forward(FILLING)  # type: ignore[attr-defined]
    return client.post(form.action, data={**form.fields, "paper": "", **fields}).text


def bare(page: str, *echoed: str) -> str:
    """Return a page without its stamp and what the visitor typed."""
    for text in echoed:
        page = page.replace(text, "…")
    return re.sub(r'name="stamp" value="[^"]*"', "", page)


def test_form_answers_the_same_words_to_all_and_mails_to_the_address_alone_D22(
    client: TestClient, ctx: Context
) -> None:
    pages = {
        bare(fill(client, ctx, wanted="newsletter/85", name="X", address=address), address)
        for address in (ANNA, BEN, EVE)
    }
    assert len(pages) == 1
    assert "/copies/" not in pages.pop().partition("<main")[2].partition("</main")[0].replace('"/copies"', "")
    assert [address for address, _ in letters(ctx, "copy_confirm")] == [EVE]
    assert [address for address, _ in letters(ctx, "copy_received")] == [BEN]


def test_form_shows_what_a_link_of_ours_names_and_no_other_text(client: TestClient, ctx: Context) -> None:
    assert 'value="newsletter/85"' in client.get("/copies?what=newsletter/85").text
    page = client.get("/copies", params={"what": "Call 0800 <b>now</b>"}).text
    assert "0800" not in page


def test_form_says_what_is_to_be_put_right_and_a_trap_mails_nobody(client: TestClient, ctx: Context) -> None:
    page = fill(client, ctx, wanted="84\nBcc: x", name="", address="eve@", paper="yes", post="x\n" * 9)
    assert page.count("Error:") == 1
    for words in ("Say what you would like", "Enter an email address", "Enter the postal address"):
        assert page.count(words) == 2, words
    assert "Thank you" in fill(client, ctx, wanted="84", name="", address=EVE, website="https://evil.example.org")
    assert "Thank you" not in client.post("/copies", data={"wanted": "84", "address": EVE}).text  # without a stamp
    assert letters(ctx, "copy_confirm") == []


def test_stranger_confirms_by_button_and_only_by_it_D8(client: TestClient, ctx: Context) -> None:
    fill(client, ctx, wanted="newsletter/84", name="<script>", address=EVE)
    ((_, facts),) = letters(ctx, "copy_confirm")
    path = "/" + str(facts["confirm_url"]).partition("://")[2].partition("/")[2]
    for _ in range(2):
        assert client.get(path).status_code == 200
        client.head(path)
    assert "on its way" in client.post(path).text
    assert "taken care of" in client.post(path).text
    assert "taken care of" in client.get(path).text
    assert client.get(path[:-1]).status_code == 404


def test_member_reads_a_newsletter_by_the_mailed_link_alone(client: TestClient, ctx: Context) -> None:
    path = "/newsletters/newsletter/85"
    pages = {bare(fill(client, ctx, path, address=address), address) for address in (BEN, EVE, ANNA)}
    assert len(pages) == 1
    ((address, facts),) = letters(ctx, "reading_link")
    assert address == ANNA
    here = "/copies/" + str(facts["link_url"]).rpartition("/")[2]
    for _ in range(3):
        page = client.get(here)
        assert "20 more times" in page.text  # looking counts nothing (D8)
        assert "Dear all" not in page.text
    opened = client.post(here)
    assert "Dear all" in opened.text
    assert "19 more times" in opened.text
    for answer in (page, opened):
        assert (answer.headers["cache-control"], "noindex" in answer.headers["x-robots-tag"]) == ("no-store", True)
    for text in (ANNA, "Quellenreiter", "/leave/"):
        assert text not in opened.text  # S49


def test_pictures_come_with_the_link_and_without_it_not(client: TestClient, ctx: Context) -> None:
    path = reading(ctx, "84", 3)
    found = re.search(r'src="(/copies/[^"]+/pictures/[^"]+)"', client.post(path).text)
    assert found is not None
    assert client.get(found[1]).headers["content-type"].startswith("image/")
    assert client.get(found[1].replace(path, path[:-1])).status_code == 404
    assert client.get(f"{path}/pictures/nothing").status_code == 404


def test_bad_address_is_said_on_the_newsletters_own_page(client: TestClient, ctx: Context) -> None:
    page = fill(client, ctx, "/newsletters/newsletter/85", address="no address")
    assert page.count("Enter an email address") == 2
    assert "A word to members" in page


def test_link_ends_kindly_and_a_new_one_is_a_button_away_C5(
    client: TestClient, ctx: Context, clock: MovableClock
) -> None:
    fill(client, ctx, wanted="Journal 2026", name="", address=ANNA)
    ((_, facts),) = letters(ctx, "copy_link")
    path = "/copies/" + str(facts["link_url"]).rpartition("/")[2]
    answer = client.post(path)
    assert (answer.headers["content-type"], answer.content) == ("application/pdf", PDF)
    clock.forward(ctx.settings.copies.link_lasts)
    over = client.get(path)
    assert (over.status_code, "Its time has run out" in over.text) == (410, True)
    assert client.post(path).status_code == 410
    again = client.post(path, data={"do": "again"})
    assert again.status_code == 200
    assert ANNA not in again.text
    assert len(letters(ctx, "copy_link")) == 2


def test_link_of_somebody_else_or_another_purpose_is_none_C3(client: TestClient, ctx: Context) -> None:
    number = asks(ctx, BEN, "newsletter/85")
    for path in (decision(ctx, number).rpartition("/")[2], "x" * 200, "..%2f..%2fsecrets.toml", "%00"):
        assert client.get(f"/copies/{path}").status_code == 404
        assert client.post(f"/copies/{path}").status_code in {404, 405}


def test_secretary_names_a_price_by_button_and_posts_out_of_stock(client: TestClient, ctx: Context) -> None:
    number = asks(ctx, EVE, "journal/2026", name="Eve Example", paper=True, post=POST, door="command")
    base = decision(ctx, number)
    for act in ("approve", "quote", "decline"):
        page = client.get(f"{base}/{act}").text
        assert "1 High Street<br>" in page
        assert "one copy is free in stock" in page
    for wrong in ("0.005", "0", "-5", "five", "1e3", "", "99999999999"):
        refused = client.post(f"{base}/quote", data={"price": wrong})
        assert (refused.status_code, refused.text.count("Enter a price")) == (422, 2), wrong
    assert "A price is named" in client.post(f"{base}/quote", data={"price": "5", "words": "The last one."}).text
    ((_, facts),) = letters(ctx, "copy_quote")
    agree = "/copies/quote/" + str(facts["agree_url"]).rpartition("/")[2]
    assert "£5.00" in client.get(agree).text
    assert f"COPY {number}" not in client.get(agree).text
    for _ in range(2):
        assert f"COPY {number}" in client.post(agree).text
    assert "agree to £5.00" in client.get(base).text
    assert "1 High Street" in client.post(f"{base}/approve").text
    with ctx.db.read() as tx:
        assert journal_issues.named(tx, "2026").on_shelf == 0
    for act in ("approve", "decline", "quote"):  # once decided, nothing more is (C6)
        assert ">Sent<" in client.post(f"{base}/{act}", data={"price": "5"}).text
    assert client.get(agree).status_code == 410


def test_what_cannot_be_sent_is_said_and_stays_open(client: TestClient, ctx: Context) -> None:
    number = asks(ctx, BEN, "the one about spring")
    base = decision(ctx, number)
    assert "Which one do they mean" in client.get(base).text
    refused = client.post(f"{base}/approve", data={"label": "newsletter/999"})
    assert "could not be done" in refused.text
    assert client.post(f"{base}/approve", data={"label": "84\x00"}).status_code == 422
    assert ">Sent<" in client.post(f"{base}/approve", data={"label": "newsletter/85"}).text


def test_reason_stands_in_the_letter_and_an_odd_one_is_refused(client: TestClient, ctx: Context) -> None:
    base = decision(ctx, asks(ctx, BEN, "newsletter/85"))
    assert client.post(f"{base}/decline", data={"reason": "x\x00y"}).status_code == 422
    assert ">Declined<" in client.post(f"{base}/decline", data={"reason": "It was for members."}).text
    assert letters(ctx, "copy_declined")[0][1]["reason"] == "It was for members."
    assert client.get(decision(ctx, 1, officer=2)).status_code == 403


def test_price_page_ends_with_its_time(client: TestClient, ctx: Context, clock: MovableClock) -> None:
    path = quoted(ctx, asks(ctx, BEN, "newsletter/85"))
    clock.forward(ctx.settings.joining.decide_within + timedelta(seconds=1))
    assert client.get(path).status_code == client.post(path).status_code == 410


def test_members_page_for_what_all_may_read_mails_nobody(client: TestClient, ctx: Context) -> None:
    target: Target = copy_desk.newsletter(ctx, "84")
    reading_links.ask(ctx, parse(ANNA), target)
    assert letters(ctx, "reading_link") == []
