"""The settings of [inbox.NAME]: one folder or several, what belongs together, where secrets may go."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from balintmail.cli.config import shown
from balintmail.config import load
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
