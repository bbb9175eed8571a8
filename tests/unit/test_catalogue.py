"""The words of the pages: every language has every one, with the same places; plurals, dates and choice by Babel."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from balintmail.catalogue import Catalogue, CatalogueError, choose, languages
from balintmail.resources import templates_folder

SHIPPED = [templates_folder() / "web" / "words"]
LANGUAGES = ("en", "de", "fr", "hu")
OFFERED = list(LANGUAGES)


def places(catalogue: Catalogue, key: str) -> set[str]:
    forms = [catalogue.words(key)] + [catalogue.words(key, count) for count in (0, 1, 2, 5, 1_000_000)]
    return {place for form in forms for place in re.findall(r"\{(\w+)\}", form)}


def own_keys(language: str) -> set[str]:
    import tomllib

    folder = SHIPPED[0] / language
    return {f"{path.stem}.{key}" for path in folder.glob("*.toml") for key in tomllib.loads(path.read_text("utf-8"))}


def test_four_languages_are_shipped_english_first() -> None:
    assert languages(SHIPPED) == ["en", "de", "fr", "hu"]


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_language_has_every_word_of_english_and_no_other(language: str) -> None:
    assert own_keys(language) == own_keys("en")


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_every_word_has_the_same_places_in_every_language(language: str) -> None:
    english, other = Catalogue(SHIPPED, "en"), Catalogue(SHIPPED, language)
    assert {key: places(english, key) for key in english.keys} == {key: places(other, key) for key in other.keys}


@pytest.mark.parametrize("language", LANGUAGES)
def test_plural_tables_have_the_forms_of_their_language(language: str) -> None:
    import tomllib

    needed = set(Locale.parse(language).plural_form.tags) | {"other"}
    for path in (SHIPPED[0] / language).glob("*.toml"):
        for key, said in tomllib.loads(path.read_text("utf-8")).items():
            if isinstance(said, dict):
                assert set(said) >= needed - {"many"}, f"{path.stem}.{key}"  # French has many for millions alone


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_begs_exclaims_or_boasts(language: str) -> None:
    banned = re.compile(
        r"!|\bplease\b|\boops\b|successfully|\bbitte\b|erfolgreich|veuillez|s’il vous plaît|kérjük|sikeresen"
    )
    catalogue = Catalogue(SHIPPED, language)
    assert [key for key in catalogue.keys if banned.search(catalogue.words(key).lower())] == []


def written(folder: Path, language: str, text: str) -> Path:
    (folder / language).mkdir(parents=True)
    (folder / language / "page.toml").write_text(text, "utf-8")
    return folder


def test_no_hungarian_sentence_ends_in_two_full_stops_after_a_day() -> None:
    words = Catalogue(SHIPPED, "hu")
    assert words.day(date(2026, 11, 21)).endswith(".")
    assert [key for key in words.keys if re.search(r"\{day\}\.", str(words.words(key)))] == []


def test_instance_words_go_over_the_shipped_key_by_key_and_missing_ones_are_english(tmp_path: Path) -> None:
    shipped = written(tmp_path / "shipped", "en", 'title = "Title"\nmore = "More"')
    written(tmp_path / "shipped2", "de", 'title = "Titel"')
    own = written(tmp_path / "own", "de", 'title = "Kopf"')
    catalogue = Catalogue([own, tmp_path / "shipped2", shipped], "de")
    assert (catalogue.say("page.title"), catalogue.say("page.more")) == ("Kopf", "More")


def test_plural_form_follows_the_count_and_numbers_their_language(tmp_path: Path) -> None:
    folder = written(tmp_path, "en", 'people = { one = "one person", other = "{count} people" }')
    assert Catalogue([folder], "en").say("page.people", count=1) == "one person"
    assert Catalogue([folder], "en").say("page.people", count=20_000) == "20,000 people"


def test_missing_word_and_missing_value_are_told(tmp_path: Path) -> None:
    folder = written(tmp_path, "en", 'greet = "Dear {name}"')
    with pytest.raises(CatalogueError, match=r"page\.nothing"):
        Catalogue([folder], "en").say("page.nothing")
    with pytest.raises(CatalogueError, match="name"):
        Catalogue([folder], "en").say("page.greet")


def test_value_that_looks_like_a_place_stays_text_D4(tmp_path: Path) -> None:
    folder = written(tmp_path, "en", 'greet = "{name} {other}"')
    assert Catalogue([folder], "en").say("page.greet", name="{other}", other="x") == "{other} x"


@pytest.mark.parametrize(
    "text", ["key = 3", "key = { one = 'x' }", "key = { other = 'x', twelve = 'y' }", "key = ", "["]
)
def test_broken_file_is_told_with_its_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(CatalogueError, match=r"page\.toml"):
        Catalogue([written(tmp_path, "en", text)], "en")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "21 November 2026, 18:04 (London)"),
        ("de", "21. November 2026, 18:04 (London)"),
        ("fr", "21 novembre 2026, 18:04 (Londres)"),
        ("hu", "2026. november 21., 18:04 (London)"),
        ("xx", "21 November 2026, 18:04 (London)"),
    ],
)
def test_moment_is_written_as_its_language_does(language: str, said: str) -> None:
    moment = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
    assert Catalogue(SHIPPED, language).moment(moment, ZoneInfo("Europe/London")) == said


def test_day_and_list_are_written_as_their_language_does() -> None:
    german = Catalogue(SHIPPED, "de")
    assert german.day(date(2027, 3, 1)) == "1. März 2027"
    assert german.join(["A", "B", "C"]) == "A, B und C"
    assert german.name_of_language("hu") == "Magyar"
    assert german.countries()["HU"] == "Ungarn"


@pytest.mark.parametrize(
    ("asked", "accepted", "chosen"),
    [
        ("", "", "hu"),
        ("de", "fr", "de"),
        ("de-AT", "", "de"),
        ("xx", "fr-CA,fr;q=0.8", "fr"),
        ("", "ja, de;q=0.5, en;q=0.7", "en"),
        ("", "de;q=0, en;q=0.1", "en"),
        ("../../etc/passwd", ";;q=,,*;q=x\x00", "hu"),
        ("", "de;q=9", "hu"),
        ("", "," * 5000 + "de", "hu"),
    ],
)
def test_language_is_the_one_asked_for_then_accepted_then_usual(asked: str, accepted: str, chosen: str) -> None:
    assert choose(OFFERED, asked, accepted, "hu") == chosen
