"""A person's own page behind a fresh link: what it shows, what it changes, and what a forwarded letter cannot do."""

import json
import re
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db import people, postal
from balintmail.db import rounds as round_rows
from balintmail.db import subscriptions as standing
from balintmail.db.consent import Consent
from balintmail.db.models import (
    Address,
    AuditEvent,
    ConsentEvent,
    MailedLink,
    Notice,
    Person,
    PersonAddress,
    Subscription,
)
from balintmail.domain import tokens
from balintmail.domain.address import parse
from balintmail.domain.rounds import AnswerState
from balintmail.domain.states import SubscriptionState
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import fresh_links, lists, offers, preferences, subscriptions
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.subscriptions import Joining
from tests.conftest import MovableClock
from tests.support import joining

ON, OFF, PAUSED = SubscriptionState.SUBSCRIBED, SubscriptionState.UNSUBSCRIBED, SubscriptionState.PAUSED
SAMPLE = {"name": "Bálint Mária", "first_name": "Mária", "language": "hu"}


@pytest.fixture
def maria(client: TestClient, context: Context) -> int:
    """A member who is on two lists."""
    lists.add(context, "courses", lists.Manners(name="Weekends and courses"))
    for slug in ("newsletter", "courses"):
        asks = Joining(list_slug=slug, name="Maria Example", member=True)
        person = subscriptions.subscribe(context, ["maria@example.org"], asks)
    return person[0].person or 0


def footer(context: Context, person: int, purpose: Purpose = Purpose.PREFERENCES) -> str:
    return "/preferences/" + tokens.make(TokenClaims(purpose, person, 1), context.keyring.tokens)


def notices(context: Context) -> list[dict[str, Any]]:
    with context.db.read() as tx:
        rows = tx.execute(sa.select(Notice.template, Notice.address, Notice.facts).order_by(Notice.id))
        return [dict(row._mapping) for row in rows]


@pytest.fixture
def own(client: TestClient, context: Context, maria: int) -> str:
    """The path of the page that a fresh link opens."""
    assert client.post(footer(context, maria)).status_code == 200
    (notice,) = notices(context)
    with context.db.write() as tx:
        tx.execute(sa.delete(Notice))
    return str(notice["facts"]["link_url"]).removeprefix("https://balint.example.org")


def states(context: Context, person: int) -> list[SubscriptionState]:
    with context.db.read() as tx:
        rows = sa.select(Subscription.state).where(Subscription.person_id == person).order_by(Subscription.list_id)
        return list(tx.scalars(rows))


def emails(context: Context, person: int) -> list[str]:
    with context.db.read() as tx:
        mine = sa.select(Address.email).join(PersonAddress, PersonAddress.address_id == Address.id)
        return list(tx.scalars(mine.where(PersonAddress.person_id == person).order_by(Address.id)))


def rows(context: Context) -> dict[str, int]:
    """Return how many rows each table has that a visitor could change."""
    tables = (Notice, MailedLink, ConsentEvent, AuditEvent, Subscription, Person, Address)
    with context.db.read() as tx:
        return {table.__tablename__: tx.scalar(sa.select(sa.func.count()).select_from(table)) or 0 for table in tables}


def test_footer_link_shows_masked_data_and_nothing_else(client: TestClient, context: Context, maria: int) -> None:
    page = client.get(footer(context, maria)).text
    assert "m•••••@example.org" in page
    assert "Weekends and courses" in page
    assert "maria@" not in page
    assert "Maria" not in page


def test_footer_link_changes_nothing_by_get_S5_D8(client: TestClient, context: Context, maria: int) -> None:
    before = rows(context)
    for _ in range(20):
        assert client.get(footer(context, maria)).status_code == 200
        assert client.head(footer(context, maria)).status_code == 200
    assert rows(context) == before


@pytest.mark.parametrize("below", ["", "/names", "/lists", "/journal", "/post", "/address", "/data", "/erase"])
def test_no_token_of_a_letter_opens_the_own_page_C3(
    client: TestClient, context: Context, maria: int, below: str
) -> None:
    for purpose in Purpose:
        token = tokens.make(TokenClaims(purpose, maria, 1), context.keyring.tokens)
        assert client.get(f"/manage/{token}{below}").status_code == 404
        assert client.post(f"/manage/{token}{below}", data={"do": "erase"}).status_code == 404
    with context.db.read() as tx:
        assert people.get(tx, maria) is not None
    assert states(context, maria) == [ON, ON]


def test_fresh_link_goes_to_the_persons_own_address_and_is_kept_as_a_hash(
    client: TestClient, context: Context, maria: int
) -> None:
    page = client.post(footer(context, maria), data={"address": "evil@example.net"})
    assert "m•••••@example.org" in page.text
    (notice,) = notices(context)
    assert (notice["template"], notice["address"]) == ("preferences_link", "maria@example.org")
    secret = notice["facts"]["link_url"].rpartition("/")[2]
    with context.db.read() as tx:
        link = tx.execute(sa.select(MailedLink.secret_hash, MailedLink.payload)).one()
    assert len(link.secret_hash) == 32
    assert secret.encode() not in link.secret_hash
    assert secret not in json.dumps(link.payload)


def test_links_are_mailed_a_few_times_a_day_and_only_the_newest_waits(
    client: TestClient, context: Context, maria: int, clock: MovableClock
) -> None:
    for _ in range(8):
        assert client.post(footer(context, maria)).status_code == 200
    with context.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(MailedLink)) == 5
        assert tx.scalar(sa.select(sa.func.count()).select_from(MailedLink).where(MailedLink.used_at.is_(None))) == 1
    assert len(notices(context)) == 1
    clock.forward(timedelta(days=1, minutes=1))
    client.post(footer(context, maria))
    with context.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(MailedLink)) == 6


def ask(client: TestClient, clock: MovableClock, address: str, wait: timedelta = timedelta(seconds=10)) -> str:
    form = client.get("/preferences").text
    stamp = re.search(r'name="stamp" value="([^"]+)"', form)
    assert stamp is not None
    clock.forward(wait)
    return client.post("/preferences", data={"address": address, "stamp": stamp[1]}).text


def test_the_same_answer_whether_or_not_an_address_is_known(
    client: TestClient, context: Context, maria: int, clock: MovableClock
) -> None:
    known, unknown = ask(client, clock, "Maria@Example.org"), ask(client, clock, "nobody@example.org")
    assert known == unknown
    assert [notice["address"] for notice in notices(context)] == ["maria@example.org"]


def test_an_address_that_the_browser_fills_in_at_once_is_mailed_its_link(
    client: TestClient, context: Context, maria: int, clock: MovableClock
) -> None:
    ask(client, clock, "maria@example.org", wait=timedelta(milliseconds=300))
    assert [notice["address"] for notice in notices(context)] == ["maria@example.org"]


def test_an_unknown_address_makes_the_database_work_as_a_known_one_does_D22(context: Context, maria: int) -> None:
    said: list[list[str]] = []

    def listen(*args: Any) -> None:
        said[-1].append(str(args[2]).split("WHERE")[0])

    sa.event.listen(context.db.engine, "before_cursor_execute", listen)
    for address in ("maria@example.org", "nobody@example.org"):
        said.append([])
        preferences.send_link_to(context, parse(address), "192.0.2.0/24")
    sa.event.remove(context.db.engine, "before_cursor_execute", listen)
    writes = [[one for one in each if one.startswith(("INSERT", "UPDATE", "DELETE"))] for each in said]
    assert writes[0] == writes[1]
    assert abs(len(said[0]) - len(said[1])) <= 4
    assert len(notices(context)) == 1


def test_a_program_that_fills_the_form_gets_the_same_page_and_no_mail(
    client: TestClient, context: Context, maria: int
) -> None:
    answer = client.post("/preferences", data={"address": "maria@example.org"})
    assert answer.status_code == 200
    answer = client.post("/preferences", data={"address": "maria@example.org", "website": "x"})
    assert answer.status_code == 200
    assert notices(context) == []


@pytest.mark.parametrize("address", ["", "maria", "a@b", "a@b.c\r\nBcc: x@example.org", "\x00", "a@b,c@d.example"])
def test_what_is_no_address_is_said_beside_the_field_B(
    client: TestClient, context: Context, maria: int, address: str
) -> None:
    page = client.post("/preferences", data={"address": address})
    assert page.status_code == 422
    assert page.text.count("Enter an email address such as name@example.org") == 2
    assert notices(context) == []


def test_one_network_asks_so_often_and_no_more(
    client: TestClient, context: Context, maria: int, clock: MovableClock
) -> None:
    for number in range(25):
        subscriptions.subscribe(context, [f"r{number}@example.org"], Joining())
        ask(client, clock, f"r{number}@example.org")
    assert len(notices(context)) == 20


def test_own_page_shows_the_person_and_every_way_to_change_it(client: TestClient, own: str) -> None:
    page = client.get(own)
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["referrer-policy"] == "no-referrer"
    for text in ("Maria Example", "maria@example.org", "Weekends and courses", "Journal", "Postal address"):
        assert text in page.text
    for below in ("names", "lists", "journal", "post", "address", "data", "erase"):
        assert f'href="{own}/{below}"' in page.text
        assert client.get(f"{own}/{below}").status_code == 200


def test_looking_changes_nothing_D8(client: TestClient, context: Context, own: str) -> None:
    before = rows(context)
    for below in ("", "/names", "/lists", "/journal", "/post", "/address", "/data", "/erase"):
        assert client.get(own + below).status_code == 200
        assert client.head(own + below).status_code == 200
    assert rows(context) == before


def test_link_runs_out_and_a_new_one_can_be_asked_for_C5(
    client: TestClient, context: Context, own: str, clock: MovableClock
) -> None:
    clock.forward(timedelta(hours=6, seconds=1))
    for answer in (client.get(own), client.get(f"{own}/data"), client.post(f"{own}/erase", data={"do": "erase"})):
        assert answer.status_code == 410
        assert "This link has run out" in answer.text
        assert "maria" not in answer.text.lower()
    assert client.post(own, data={"do": "again"}).status_code == 200
    assert [notice["template"] for notice in notices(context)] == ["preferences_link"]


def test_closed_link_is_over_C6(client: TestClient, own: str) -> None:
    assert "Your page is closed" in client.post(own, data={"do": "finish"}).text
    assert client.get(own).status_code == 410
    assert client.post(own, data={"do": "finish"}).status_code == 200


@pytest.mark.parametrize("spoil", [
    lambda own: own[:-1], lambda own: own + "A", lambda own: own[:-1] + "=", lambda own: own.upper(),
    lambda own: own + "A" * 3000, lambda own: "/manage/", lambda own: "/manage/%00", lambda own: own + "/",
])  # fmt: skip
def test_spoiled_links_are_refused_C1_C2_C9_C10(client: TestClient, own: str, spoil: Any) -> None:
    assert client.get(spoil(own)).status_code in {404, 405, 414}


def test_names_and_language(client: TestClient, context: Context, maria: int, own: str) -> None:
    page = client.post(f"{own}/names", data=SAMPLE)
    assert "Saved: your name and language." in page.text
    with context.db.read() as tx:
        row = people.get(tx, maria)
        line = tx.execute(sa.select(AuditEvent.actor, AuditEvent.detail).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert row is not None
    assert (row.name, row.first_name, row.language) == ("Bálint Mária", "Mária", "hu")
    assert tuple(line) == ("the person", {"changed": ["name", "language", "first name"]})
    assert "Nothing was different" in client.post(f"{own}/names", data=SAMPLE).text


@pytest.mark.parametrize("name", ["A\r\nBcc: x@example.org", "\x00", "x" * 10_000, "a\u2028b", "a\x0bb", "a\u0085b"])
def test_names_that_no_letter_can_hold_are_said_beside_the_field_A(
    client: TestClient, context: Context, maria: int, own: str, name: str
) -> None:
    page = client.post(f"{own}/names", data={**SAMPLE, "name": name})
    assert page.status_code == 422
    assert page.text.count("Enter a name of at most 200 letters") == 2
    with context.db.read() as tx:
        row = people.get(tx, maria)
    assert row is not None
    assert row.name == "Maria Example"


def test_names_are_escaped_wherever_they_stand_D1_D2_D3_D4(client: TestClient, own: str) -> None:
    evil = '<script>alert(1)</script>" onx=1 </title></textarea>{{7*7}}{% x %}${7*7}'
    page = client.post(f"{own}/names", data={**SAMPLE, "name": evil})
    for text in (page.text, client.get(f"{own}/data").text, client.get(f"{own}/names").text):
        assert "<script>" not in text
        assert '" onx=' not in text
        assert "</textarea>{{" not in text
        assert "{{7*7}}" in text


def test_lists_pause_go_on_and_leave(
    client: TestClient, context: Context, maria: int, own: str, clock: MovableClock
) -> None:
    wishes = {"wish-newsletter": "pause", "until-newsletter": "2027-03-01", "wish-courses": "leave"}
    page = client.post(f"{own}/lists", data=wishes)
    assert "Saved: your lists" in page.text
    assert "paused until 1 March 2027" in page.text
    assert states(context, maria) == [PAUSED, OFF]
    client.post(f"{own}/lists", data={"wish-newsletter": "go_on", "wish-courses": "go_on"})
    assert states(context, maria) == [ON, OFF]


@pytest.mark.parametrize("until", ["", "yesterday", "2026-11-21", "2999-01-01"])
def test_one_pause_without_a_day_changes_nothing_at_all(
    client: TestClient, context: Context, maria: int, own: str, until: str
) -> None:
    wishes = {"wish-newsletter": "leave", "wish-courses": "pause", "until-courses": until}
    page = client.post(f"{own}/lists", data=wishes)
    assert page.status_code == 422
    assert 'href="#f-until-courses"' in page.text
    assert states(context, maria) == [ON, ON]


@pytest.mark.parametrize("wish", ["subscribe", "", "subscribed", "keep", "go_on"])
def test_no_wish_puts_anybody_on_a_list_D6(
    client: TestClient, context: Context, maria: int, own: str, wish: str
) -> None:
    subscriptions.unsubscribe(context, ["maria@example.org"], subscriptions.Leaving("courses"))
    lists.add(context, "third", lists.Manners())
    client.post(f"{own}/lists", data={"wish-courses": wish, "wish-third": wish, "wish-newsletter": wish})
    assert states(context, maria) == [ON, OFF]


def test_journal_by_paper_or_pdf(client: TestClient, context: Context, maria: int, own: str) -> None:
    assert "On paper and as a PDF" in client.post(f"{own}/journal", data={"journal": "both"}).text
    with context.db.read() as tx:
        assert tx.scalar(sa.select(Person.journal_format).where(Person.id == maria)) == "both"
    page = client.post(f"{own}/journal", data={"journal": "stone"})
    assert (page.status_code, page.text.count("Choose paper, PDF or both")) == (422, 2)


HOME = {"country_code": "GB", "street_address": "1 High Street\r\nFlat 2", "city": "London", "postal_code": "ec1a 1bb"}


def test_postal_address_by_the_rules_of_its_country(client: TestClient, context: Context, maria: int, own: str) -> None:
    assert "Which country?" in client.get(f"{own}/post").text
    form = client.get(f"{own}/post?country=IE").text
    assert "Eircode" in form
    assert "County" in form
    assert "Postcode" in client.get(f"{own}/post?country=GB").text
    page = client.post(f"{own}/post", data={**HOME, "do": "save"})
    assert "1 High Street\nFlat 2\nLondon\nEC1A 1BB" in page.text
    with context.db.read() as tx:
        row = postal.at(tx, maria, date(2026, 11, 21))
    assert row is not None
    assert row.parts["postal_code"] == "EC1A 1BB"
    assert 'value="London"' in client.get(f"{own}/post").text


def test_postal_address_from_a_later_day(client: TestClient, context: Context, maria: int, own: str) -> None:
    client.post(f"{own}/post", data=HOME)
    later = {"country_code": "HU", "street_address": "Kossuth u. 1", "city": "Budapest", "postal_code": "1037"}
    page = client.post(f"{own}/post", data={**later, "first_day": "2027-02-01"})
    assert "From 1 February 2027 on" in page.text
    with context.db.read() as tx:
        days = (date(2026, 11, 21), date(2027, 1, 31), date(2027, 2, 1))
        found = [postal.at(tx, maria, day) for day in days]
    assert [each.city if each else "" for each in found] == ["London", "London", "Budapest"]
    client.post(f"{own}/post", data={"do": "remove"})
    with context.db.read() as tx:
        assert postal.of_people(tx, [maria]) == []


@pytest.mark.parametrize(("part", "value", "said"), [
    ("postal_code", "xx", "enter one such as EC1Y 8SY"),
    ("city", "", "Fill in “Post town”: addresses in this country need it"),
    ("street_address", "a\nb\nc\nd\ne", "at most four lines"),
    ("city", "a\x00b", "plain text"),
    ("first_day", "tomorrow", "within the next two years"),
    ("first_day", "2999-01-01", "within the next two years"),
])  # fmt: skip
def test_postal_address_that_cannot_be_is_said_beside_the_field(  # noqa: PLR0917
    client: TestClient, context: Context, maria: int, own: str, part: str, value: str, said: str
) -> None:
    page = client.post(f"{own}/post", data={**HOME, part: value})
    assert page.status_code == 422
    assert page.text.count(said) == 2
    assert f'href="#f-{part}"' in page.text
    with context.db.read() as tx:
        assert postal.of_people(tx, [maria]) == []


def test_a_state_left_out_says_which_field_and_where_to_choose(client: TestClient, own: str) -> None:
    american = {"country_code": "US", "street_address": "1 Main Street", "city": "Durham", "postal_code": "27701"}
    for language, words in (("en", "Choose from the list under “State”"), ("hu", "Válasszon a listából itt: „Állam”")):
        page = client.post(f"{own}/post?lang={language}", data=american)
        assert (page.status_code, page.text.count(words)) == (422, 2)


def move_path(context: Context) -> str:
    found = [each for each in notices(context) if each["template"] == "address_confirm"]
    return str(found[-1]["facts"]["confirm_url"]).removeprefix("https://balint.example.org")


def test_new_address_confirms_and_the_old_one_is_told(
    client: TestClient, context: Context, maria: int, own: str
) -> None:
    assert "new@example.net" in client.post(f"{own}/address", data={"address": "New@example.net"}).text.lower()
    (asked,) = notices(context)
    assert (asked["template"], asked["address"]) == ("address_confirm", "New@example.net")
    assert asked["facts"]["old_address"] == "m•••••@example.org"
    path = move_path(context)
    for _ in range(3):
        assert "Is this your new address?" in client.get(path).text
    assert client.post(path).status_code == 400  # without the button nothing happens
    assert emails(context, maria) == ["maria@example.org"]
    assert "Your new address is in force" in client.post(path, data={"do": "confirm"}).text
    assert emails(context, maria) == ["New@example.net"]
    told = notices(context)[-1]
    assert (told["template"], told["address"]) == ("address_changed", "maria@example.org")
    assert told["facts"]["new_address"] == "N•••••@example.net"
    assert client.post(path, data={"do": "confirm"}).status_code == 410  # C6
    assert client.get(own).status_code == 410  # the page that was opened from the old address


def test_one_new_address_is_asked_once_a_day(client: TestClient, context: Context, own: str) -> None:
    for _ in range(3):
        assert client.post(f"{own}/address", data={"address": "victim@example.net"}).status_code == 200
    with context.db.read() as tx:
        asked = sa.select(sa.func.count()).select_from(MailedLink).where(MailedLink.purpose == "address")
        assert tx.scalar(asked) == 1


def test_link_to_the_new_address_runs_out_C5(
    client: TestClient, context: Context, maria: int, own: str, clock: MovableClock
) -> None:
    client.post(f"{own}/address", data={"address": "new@example.net"})
    clock.forward(timedelta(days=2, seconds=1))
    assert client.post(move_path(context), data={"do": "confirm"}).status_code == 410
    assert emails(context, maria) == ["maria@example.org"]


def test_the_two_links_do_not_open_each_others_pages_C3(client: TestClient, context: Context, own: str) -> None:
    client.post(f"{own}/address", data={"address": "new@example.net"})
    moving = move_path(context).rpartition("/")[2]
    assert client.get(f"/manage/{moving}").status_code == 404
    assert client.get(f"/manage/address/{own.rpartition('/')[2]}").status_code == 404


def test_everything_held_is_there_to_read_and_to_take(
    client: TestClient, context: Context, maria: int, own: str
) -> None:
    register.edit(context, maria, register.Changes(fields={"practice": "Leeds"}))
    client.post(f"{own}/post", data=HOME)
    page = client.get(f"{own}/data").text
    for text in (
        "Maria Example",
        "maria@example.org",
        "Leeds",
        "EC1A 1BB",
        "asked the Secretary to join",
        "you agreed",
    ):
        assert text in page
    answer = client.post(f"{own}/data")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-disposition"] == 'attachment; filename="what-is-held-about-me.json"'
    found = answer.json()
    assert found["person"]["name"] == "Maria Example"
    assert found["person"]["fields"] == {"practice": "Leeds"}
    assert [each["address"] for each in found["addresses"]] == ["maria@example.org"]
    assert [each["slug"] for each in found["lists"]] == ["newsletter", "courses"]
    assert [each["words"] for each in found["consent"]] == ["asked the Secretary to join"] * 2
    assert found["postal_addresses"][0]["postal_code"] == "EC1A 1BB"
    assert found["links_mailed"][0]["purpose"] == "manage"
    with context.db.read() as tx:
        last = tx.scalar(sa.select(AuditEvent.action).order_by(AuditEvent.id.desc()).limit(1))
    assert last == "everything held handed out"


def test_everything_held_is_said_in_words_of_people(client: TestClient, context: Context, maria: int, own: str) -> None:
    offers.set_questions(context, "newsletter", [{"name": "how_known", "label": {"en": "How so?", "de": "Wie das?"}}])
    joining.ask(context, address="maria@example.org", name="Maria Example")
    with context.db.write() as tx:
        row = sa.select(Subscription.id).where(Subscription.person_id == maria).limit(1).scalar_subquery()
        tx.execute(sa.update(Subscription).where(Subscription.id == row).values(answers={"how_known": "A friend."}))
        evidence = {"asked": "2026-11-23T22:52:09+00:00", "approved_by": "Rose Ormond", "wording_language": "en"}
        subscription = standing.get(tx, maria, 1)
        assert subscription is not None
        now = context.clock.now()
        said = Consent(
            "I do.", "form", "the applicant", now, "maria@example.org", subscription.ground, evidence=evidence
        )
        standing.end(tx, subscription, said)
    page = client.get(f"{own}/data?lang=de").text
    for words in ("Wie das?", "A friend.", "mit einem Formular auf unseren Seiten", "23. November 2026, 22:52 (London)",
                  "Genehmigt von", "Rose Ormond", "English"):  # fmt: skip
        assert words in page
    for raw in ("how_known", "approved_by", "wording_language", "the applicant", "2026-11-23T", "<dd>form<"):
        assert raw not in page


def test_erase_me(client: TestClient, context: Context, maria: int, own: str) -> None:
    assert client.post(f"{own}/erase").status_code == 400
    assert "You are erased" in client.post(f"{own}/erase", data={"do": "erase"}).text
    for path in (own, f"{own}/data"):
        assert client.get(path).status_code == 404
    assert "We know nobody by this link any more" in client.get(footer(context, maria)).text
    assert client.post(footer(context, maria)).status_code == 200
    with context.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Address).where(Address.key == "maria@example.org")) == 0
        assert tx.scalar(sa.select(sa.func.count()).select_from(MailedLink)) == 0
    assert notices(context) == []


def test_an_officer_is_told_to_hand_the_office_on_first(client: TestClient, context: Context) -> None:
    with context.db.read() as tx:
        secretary = people.at_address(tx, "secretary@example.org")[0].id
    client.post(footer(context, secretary))
    path = str(notices(context)[0]["facts"]["link_url"]).removeprefix("https://balint.example.org")
    assert "You hold an office" in client.get(f"{path}/erase").text
    assert client.post(f"{path}/erase", data={"do": "erase"}).status_code == 409
    with context.db.read() as tx:
        assert people.at_address(tx, "secretary@example.org")[0].id == secretary


@pytest.mark.parametrize("language", ["en", "de", "fr", "hu"])
def test_every_page_in_every_language(
    client: TestClient, context: Context, maria: int, own: str, language: str
) -> None:
    said = {"accept-language": language}
    client.post(f"{own}/post", data=HOME)
    client.post(f"{own}/journal", data={"journal": "paper"})
    for below in ("", "/names", "/lists", "/journal", "/post", "/post?country=other", "/post?country=CN", "/address",
                  "/data", "/erase"):  # fmt: skip
        page = client.get(own + below, headers=said)
        assert page.status_code == 200
        assert f'<html lang="{language}"' in page.text
    for path in ("/preferences", footer(context, maria)):
        assert client.get(path, headers=said).status_code == 200


def test_a_round_of_details_is_confirmed_with_one_button_and_its_link_opens_neither_export_nor_erasure(
    client: TestClient, context: Context, maria: int
) -> None:
    with context.db.write() as tx:
        number = round_rows.add(tx, {"name": "2026", "started_at": context.clock.now(), "closes_on": date(2027, 1, 2)})
        round_rows.ask(tx, number, [maria])
        secret, _ = fresh_links.make(context, tx, maria, fresh_links.Errand.ROUND, lasts=timedelta(days=40))
    page = client.get(f"/manage/{secret}")
    assert "Is all of this still right?" in page.text
    assert "2 January 2027" in page.text
    assert f"/manage/{secret}/erase" not in page.text
    assert client.get(f"/manage/{secret}/data").status_code == client.get(f"/manage/{secret}/erase").status_code == 404
    assert client.post(f"/manage/{secret}/erase", data={"do": "erase"}).status_code == 404
    assert answer(context, maria) is AnswerState.WAITING  # D8: looking is no answer
    done = client.post(f"/manage/{secret}", data={"do": "all_right"})
    assert "Thank you: it is noted" in done.text
    assert "Is all of this still right?" not in done.text
    assert answer(context, maria) is AnswerState.CONFIRMED
    client.post(f"/manage/{secret}/names", data={**SAMPLE, "name": "Mária Kovács"})
    assert answer(context, maria) is AnswerState.CORRECTED
    with context.db.write() as tx:
        whole, _ = fresh_links.make(context, tx, maria, fresh_links.Errand.MANAGE)
    held = client.get(f"/manage/{whole}/data?lang=en").text
    for words in ("Full member", "Round of details", "you corrected something"):
        assert words in held


def answer(context: Context, person: int) -> AnswerState | None:
    with context.db.read() as tx:
        row = round_rows.of_person(tx, 1, person)
    return row.state if row is not None else None
