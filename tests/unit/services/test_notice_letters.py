"""Every system mail in every language against files that were looked at, and the rules that hold for all of them.

After a change that is meant: BALINTMAIL_GOLDEN=write pytest tests/unit/services/test_notice_letters.py, look at the
difference (`balintmail templates preview NAME --open`), and commit it with the template.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from email import message_from_bytes
from email.policy import default as modern
from functools import cache
from pathlib import Path

import pytest

from balintmail.composing.facts import Reader, shape_of, written
from balintmail.composing.lint import Rendered, lint
from balintmail.composing.look import read_look, read_words
from balintmail.composing.merge import Merger
from balintmail.domain.notices import NOTICES, Fact
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.domain.states import MailingKind
from balintmail.errors import BalintmailError
from balintmail.resources import templates_folder
from balintmail.services.notice_letters import compile_notice, letter_of
from tests.unit.composing.test_golden_letters import KEYRING, surroundings

ORDERED = set(NOTICES["order"].facts)  # numbers, days and sums; the reason is the Secretary's
GOLDEN = Path(__file__).parents[2] / "golden" / "letters" / "system"
FOLDERS = (templates_folder(),)
LANGUAGES = ("en", "de", "fr", "hu")
ALL = [(name, language) for name in NOTICES for language in LANGUAGES]


@cache
def made(name: str, language: str) -> tuple[Merger, Recipient]:
    """Return the letter with its invented facts, and somebody who gets it."""
    return made_with(name, language, NOTICES[name].facts)


def made_with(name: str, language: str, facts: Mapping[str, Fact], **around: object) -> tuple[Merger, Recipient]:
    """Return the letter with `facts`, and somebody who gets it."""
    kind = NOTICES[name]
    letter = letter_of(FOLDERS, name, language=language)
    if kind.officers:
        around["list"] = None
    known = surroundings(kind=MailingKind.NOTICE, **around)
    compiled = compile_notice(letter, known, name, shape_of(kind, facts))
    reader = Reader(letter.language, known.zone, read_words(FOLDERS, letter.language))
    data = PersonData("Mária Kovács", "Mária", letter.language, False, written(facts, reader))
    if kind.strangers:
        data = replace(data, name="", first_name="")
    return Merger(compiled, KEYRING), Recipient(7, 3, 1, "maria@example.org", "maria@example.org", data)


def plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("name", "language"), ALL)
@pytest.mark.parametrize("part", ["html", "txt"])
def test_letter_is_as_it_was_looked_at(name: str, language: str, part: str) -> None:
    merger, person = made(name, language)
    rendered = merger.html(person) if part == "html" else f"Subject: {merger.subject(person)}\n\n{merger.text(person)}"
    file = GOLDEN / f"{name}.{language}.{part}"
    if os.environ.get("BALINTMAIL_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rendered, "utf-8")
    assert rendered == file.read_text("utf-8")


@pytest.mark.parametrize(("name", "language"), ALL)
def test_every_letter_is_there_in_every_language(name: str, language: str) -> None:
    assert letter_of(FOLDERS, name, language=language).language == language


@pytest.mark.parametrize(("name", "language"), ALL)
def test_headers_of_a_service_mail_S9_S47(name: str, language: str) -> None:
    merger, person = made(name, language)
    message = message_from_bytes(merger.compose(person).data, policy=modern)
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [field for field in message if field.lower().startswith(("list-", "precedence", "feedback-id"))]
    assert message.get_content_type() == "multipart/alternative"


@pytest.mark.parametrize(("name", "language"), ALL)
def test_every_fact_is_filled_and_none_is_forgotten(name: str, language: str) -> None:
    merger, person = made(name, language)
    text, html = merger.text(person), merger.html(person)
    for rendered in (text, html):
        assert "{{" not in rendered
        assert "{%" not in rendered
    links = [value for fact, value in NOTICES[name].facts.items() if fact.endswith("_url") and fact != "latest_url"]
    for link in links:
        assert str(link) in html
        assert str(link) in text
    assert "!" not in plain(text)  # the voice of the house
    assert not re.search(r"[^.]\.\.(\s|$)", text)  # a Hungarian day ends in a full stop of its own


@pytest.mark.parametrize(("name", "language"), ALL)
def test_letter_without_facts_or_web_address_is_still_a_letter(name: str, language: str) -> None:
    merger, person = made_with(name, language, {}, url="", postal_address="")
    assert merger.text(person).strip()
    assert merger.subject(person).strip()


@pytest.mark.parametrize(("name", "language"), ALL)
def test_page_of_the_letter_is_accessible_S28_S29(name: str, language: str) -> None:
    merger, person = made(name, language)
    html = merger.html(person)
    assert f'lang="{language}"' in html
    look = read_look(FOLDERS)
    night = {look.light[name]: look.dark[name] for name in ("ground", "card", "ink", "muted", "accent", "soft")}
    source = letter_of(FOLDERS, name, language=language).source
    page = Rendered(html=html, text=merger.text(person), source=source, leave="html", night=night)
    assert [(finding.code, finding.message) for finding in lint(page) if finding.code != "no_leave_link"] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [name for name, kind in NOTICES.items() if kind.strangers])
def test_mail_to_an_unconfirmed_address_holds_nothing_of_the_person_S46(name: str, language: str) -> None:
    letter = letter_of(FOLDERS, name, language=language)
    assert "person." not in letter.source
    assert set(NOTICES[name].facts) <= ORDERED | {
        "lists",
        "confirm_url",
        "asked_at",
        "expires_at",
        "page",
        "old_address",
        "reply",
        "join_url",
        "address",  # where commands are mailed to
        "title",  # of a newsletter of ours
        "number",  # that we gave a paper
        "received_at",
    }


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_words_of_the_frame_are_complete_in_every_language(language: str) -> None:
    english, other = _keys("en"), _keys(language)
    assert other.keys() == english.keys()
    for key, words in english.items():
        assert _places(other[key]) == _places(words), key


@pytest.mark.parametrize("name", sorted(NOTICES))
def test_every_mail_says_why_it_comes(name: str) -> None:
    assert f"why_{name}" in _keys("en")


@pytest.mark.parametrize(("name", "language"), ALL)
def test_letters_of_one_mail_use_the_same_facts_in_every_language(name: str, language: str) -> None:
    def used(tag: str) -> set[str]:
        source = letter_of(FOLDERS, name, language=tag).source
        return {fact.removesuffix(".plural").removesuffix(".day") for fact in re.findall(r"notice\.[a-z_.]+", source)}

    assert used(language) == used("en")


@pytest.mark.parametrize("language", ["de-AT", "en-NZ", "mi", "", "../x", "xx-YY"])
def test_letter_of_an_unknown_language_is_the_nearest_or_english(language: str) -> None:
    found = letter_of(FOLDERS, "confirm", language=language)
    assert found.language == ("de" if language == "de-AT" else "en")


def test_lists_own_letter_comes_before_that_of_all_lists_and_the_language_before_both(tmp_path: Path) -> None:
    folder = tmp_path / "emails" / "welcome"
    (folder / "weekends").mkdir(parents=True)
    (folder / "letter.md").write_text("---\ntitle: All\n---\n\nHello\n")
    (folder / "weekends" / "letter.md").write_text("---\ntitle: Weekends\n---\n\nHello\n")
    (folder / "weekends" / "letter.de.md").write_text("---\ntitle: Wochenenden\n---\n\nGuten Tag\n")

    def title(language: str, list_slug: str) -> str:
        return letter_of((tmp_path, *FOLDERS), "welcome", language=language, list_slug=list_slug).title

    assert title("en", "weekends") == "Weekends"
    assert title("en", "newsletter") == "All"
    assert title("de", "weekends") == "Wochenenden"
    assert title("de", "newsletter").startswith("Willkommen")


def test_compile_notice_refuses_what_is_no_system_mail() -> None:
    with pytest.raises(BalintmailError, match="no system mail"):
        compile_notice(letter_of(FOLDERS, "confirm"), surroundings(), "newsletter")


def _keys(language: str) -> dict[str, str]:
    import tomllib

    return tomllib.loads((templates_folder() / "emails" / "words" / f"{language}.toml").read_text("utf-8"))


def _places(words: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", words))


@pytest.mark.parametrize("name", NOTICES)
def test_documentation_names_every_mail_and_each_of_its_facts(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "templates.md").read_text("utf-8")
    table = page.partition("Which facts each mail has:")[2]
    row = next(line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
    for fact, value in NOTICES[name].facts.items():
        assert f"`{fact}`" in row
        for inner in value[0] if isinstance(value, tuple) and value and isinstance(value[0], Mapping) else ():
            assert f"`{inner}`" in row


@pytest.mark.parametrize("language", LANGUAGES)
def test_request_without_a_site_offers_its_one_way_as_the_only_one(language: str) -> None:
    facts = NOTICES["request"].facts
    words = []
    for url in ("https://balint.example.org/decide/x", ""):
        merger, person = made_with("request", language, {**facts, "approve_url": url, "decline_url": url})
        words.append(plain(merger.text(person)))
    ways = {"en": "Or answer", "de": "Oder antworten", "fr": "Ou r\xe9pondez", "hu": "Vagy v\xe1laszoljon"}
    assert ways[language] in words[0]
    assert ways[language] not in words[1]
    assert "ok" in words[1] or "oui" in words[1] or "igen" in words[1]
