"""The settings of [inbox.NAME]: one folder or several, what belongs together, where secrets may go."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from balintmail.cli.config import doubts, shown
from balintmail.config import ConfigError, Settings, load
from balintmail.setting_inbox import After, Inbox, InboxKind, Oauth


def test_folder_is_one_name_or_several() -> None:
    assert Inbox(host="imap.example.org", folder="INBOX").folder == ("INBOX",)  # type: ignore[arg-type]
    assert Inbox(host="imap.example.org", folder=["INBOX", "Junk"]).folder == ("INBOX", "Junk")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "needs its host"),
        ({"kind": "maildir"}, "needs its path"),
        ({"host": "imap.example.org", "after": "move"}, "needs move_to"),
        ({"host": "imap.example.org", "drafts": "no address"}, "not an address"),
        ({"host": "imap.example.org", "largest": 10}, "100000"),
    ],
)
def test_what_does_not_hold_together_is_refused(values: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Inbox.model_validate(values)


@pytest.mark.parametrize("url", ["http://login.example.org/token", "ftp://127.0.0.1/", "https:///token", "login"])
def test_secrets_go_nowhere_in_the_clear(url: str) -> None:
    with pytest.raises(ValidationError, match="https"):
        Oauth(token_url=url)


def test_token_url_may_be_on_this_machine() -> None:
    assert Oauth(token_url="http://127.0.0.1:8080/token").token_url


def test_settings_file_is_read_and_its_secrets_are_hidden(tmp_path: Path) -> None:
    (tmp_path / "balintmail.toml").write_text(
        '[inbox.bounces]\nhost = "imap.example.org"\nafter = "delete"\nsince = 2026-11-01\n'
        '[inbox.secretary]\nkind = "maildir"\npath = "/var/mail/office"\n',
        "utf-8",
    )
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(
        '[inbox.bounces]\npassword = "pw-1"\n'
        '[inbox.bounces.oauth]\nclient_secret = "secret-2"\nrefresh_token = "token-3"\n',
        "utf-8",
    )
    secrets.chmod(0o600)
    loaded = load(tmp_path)
    assert loaded.settings.inbox["bounces"].after is After.DELETE
    assert loaded.settings.inbox["secretary"].kind is InboxKind.MAILDIR
    text = json.dumps([(row.key, row.value) for row in shown(loaded)])
    assert "2026-11-01" in text
    for secret in ("pw-1", "secret-2", "token-3"):
        assert secret not in text
        assert secret not in repr(loaded.settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[inbox]\nhost = "imap.example.org"\n', ("[inbox.NAME]", "line 2")),
        ('[relays]\nhost = "smtp.example.org"\n', ("[relays.NAME]",)),
        ('society = "The Society"\n', ("[society]",)),
        ('[inbox.a]\nhost = "h"\nsince = "yesterday"\n', ("a day such as 2026-11-01", "line 3")),
        ('[bounces]\naddress = "no address"\n', ("bounces.address", "not an address")),
    ],
)
def test_what_is_mistyped_is_said_in_words_of_people(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    (tmp_path / "balintmail.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path)
    assert all(word in refused.value.message for word in words), refused.value.message
    assert "dictionary" not in refused.value.message


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"username": "x", "password": "x"}, ""),
        ({"password": "x"}, "half_login"),
        ({"username": "x"}, "half_login"),
        ({"username": "x", "auth": "xoauth2"}, "half_login"),
        ({"username": "x", "auth": "xoauth2", "oauth": {"client_id": "x"}}, ""),
        ({"username": "x", "password": "x", "security": "none"}, "no_tls"),
        ({"username": "x", "password": "x", "security": "none", "host": "127.0.0.1"}, ""),
        ({"kind": "maildir", "path": "Maildir"}, ""),
    ],
)
def test_what_keeps_a_mailbox_from_being_read_is_known_beforehand(values: dict[str, object], code: str) -> None:
    url, address = "https://balint.example.org", "bounces@example.org"
    box = {"host": "imap.example.org"} | values
    settings = Settings.model_validate(
        {"society": {"name": "S", "url": url}, "bounces": {"address": address}, "inbox": {"a": box}}
    )
    assert [one.code for one in doubts(settings)] == ([code] if code else [])
