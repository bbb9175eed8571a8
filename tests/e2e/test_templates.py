"""`balintmail templates`: the system mails listed, previewed and taken over in an instance."""

from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path

import pytest

from balintmail.domain.notices import NOTICES
from tests.support.command import call, founded


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    folder = tmp_path / "i"
    founded(folder, "--url", "https://balint.example.org")
    return folder


def test_templates_list_names_every_mail_and_what_is_the_instances_own(instance: Path) -> None:
    own = instance / "templates" / "emails" / "welcome" / "newsletter" / "letter.de.md"
    own.parent.mkdir(parents=True)
    own.write_text("---\ntitle: Willkommen\n---\n\nGuten Tag,\n")
    found = {one["name"]: one for one in call("-C", instance, "templates", "list", "--json").json}
    assert found.keys() == NOTICES.keys()
    assert found["confirm"] == {"name": "confirm", "to": "a reader", "languages": ["en", "de", "fr", "hu"], "own": []}
    assert found["welcome"]["own"] == ["welcome/newsletter/letter.de.md"]
    assert found["request"]["to"] == "the Secretary"
    assert "welcome/newsletter/letter.de.md" in call("-C", instance, "templates", "list").out


def test_templates_preview_writes_three_files_in_the_language_asked_for(instance: Path, tmp_path: Path) -> None:
    done = call(
        "-C", instance, "templates", "preview", "confirm", "--language", "hu", "--out", tmp_path / "p", "--json"
    )
    assert done.json["subject"] == "Erősítse meg a címét"
    html, text = Path(done.json["html"]).read_text("utf-8"), Path(done.json["txt"]).read_text("utf-8")
    assert 'lang="hu"' in html
    assert "2026. november 21., 18:04 (London)" in text
    message = message_from_bytes(Path(done.json["eml"]).read_bytes(), policy=modern)
    assert message["Auto-Submitted"] == "auto-generated"
    assert call("-C", instance, "outbox", "list", "--json").json == []  # nobody is mailed


def test_templates_copy_then_its_words_are_sent_until_it_is_deleted(instance: Path, tmp_path: Path) -> None:
    copied = Path(call("-C", instance, "templates", "copy", "confirm", "--json").json["file"])
    assert copied == instance / "templates" / "emails" / "confirm" / "letter.md"
    copied.write_text(copied.read_text("utf-8").replace("Confirm your address", "Is it you?"), "utf-8")
    shown = call("-C", instance, "templates", "preview", "confirm", "--out", tmp_path / "p", "--json")
    assert shown.json["subject"] == "Is it you?"
    again = call("-C", instance, "templates", "copy", "confirm")
    assert again.status == 1
    assert "left as it is" not in again.out
    copied.unlink()
    shown = call("-C", instance, "templates", "preview", "confirm", "--out", tmp_path / "p", "--json")
    assert shown.json["subject"] == "Confirm your address"


def test_templates_preview_of_a_broken_letter_names_file_and_line(instance: Path) -> None:
    copied = Path(call("-C", instance, "templates", "copy", "welcome", "--language", "de", "--json").json["file"])
    copied.write_text(copied.read_text("utf-8") + "\n{{ notice.nonsense }}\n", "utf-8")
    done = call("-C", instance, "templates", "preview", "welcome", "--language", "de")
    assert done.status == 1
    assert "welcome/letter.de.md, line" in done.err
    assert 'no field "notice.nonsense"' in done.err


def test_templates_preview_in_a_language_without_a_letter_says_so(instance: Path, tmp_path: Path) -> None:
    done = call("-C", instance, "templates", "preview", "confirm", "--language", "it", "--out", tmp_path / "p")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith('There is no "confirm" in the language "it".')
    assert call("-C", instance, "templates", "preview", "confirm", "--language", "de-AT", "--out", tmp_path).status == 0


@pytest.mark.parametrize("arguments", [("preview", "nonsense"), ("copy", "../x"), ("preview", "newsletter")])
def test_templates_refuses_what_is_no_system_mail(instance: Path, arguments: tuple[str, ...]) -> None:
    done = call("-C", instance, "templates", *arguments)
    assert done.status == 1
    assert "templates list" in done.err


@pytest.mark.parametrize("language", ["../../x", "de/../..", "ü ü"])
def test_templates_copy_refuses_a_language_that_leads_elsewhere(instance: Path, language: str) -> None:
    assert call("-C", instance, "templates", "copy", "confirm", "--language", language).status == 2
