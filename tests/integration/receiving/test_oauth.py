"""Access tokens: refreshed as Microsoft and Google do it, renewed refresh tokens kept, secrets shown nowhere."""

import http.server
import json
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from balintmail.receiving.mailbox import MailboxDown, MailboxError, MailboxRefused
from balintmail.receiving.oauth import Grant, Tokens, ask
from balintmail.setting_inbox import Provider

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)


class TokenServer:
    """Answers as a provider's token address does, with what a test puts into `answers`."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.answers: list[tuple[int, object]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.asked.append({key: values[0] for key, values in parse_qs(body).items()})
                status, answer = outer.answers.pop(0)
                raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def provider() -> Iterator[TokenServer]:
    found = TokenServer()
    yield found
    found.close()


def grant(provider: TokenServer, kind: Provider = Provider.MICROSOFT, **more: str) -> Grant:
    known = {"client_id": "id-1", "client_secret": "cs-secret", "refresh_token": "rt-first", "token_url": provider.url}
    return Grant("office", kind, **(known | more))


def token(access: str, **more: object) -> tuple[int, dict[str, object]]:
    return 200, {"token_type": "Bearer", "access_token": access, "expires_in": 3599, **more}


def test_refresh_token_gives_an_access_token_that_is_used_while_it_lasts(provider: TokenServer, tmp_path: Path) -> None:
    provider.answers += [token("at-1"), token("at-2")]
    file = tmp_path / "oauth" / "office.json"
    assert Tokens(grant(provider), file).access(NOW) == "at-1"
    assert Tokens(grant(provider), file).access(NOW + timedelta(minutes=50)) == "at-1"
    assert Tokens(grant(provider), file).access(NOW + timedelta(minutes=59)) == "at-2"
    assert [one["grant_type"] for one in provider.asked] == ["refresh_token", "refresh_token"]
    assert provider.asked[0]["refresh_token"] == "rt-first"
    assert provider.asked[0]["client_id"] == "id-1"
    assert provider.asked[0]["scope"].startswith("https://outlook.office.com/IMAP.AccessAsUser.All")


def test_renewed_refresh_token_is_kept_and_used_next_time(provider: TokenServer, tmp_path: Path) -> None:
    """Microsoft sends a new one with every answer, and the old one ends some day."""
    provider.answers += [
        token("at-1", refresh_token="rt-second"),
        token("at-2", refresh_token="rt-third"),
        token("at-3"),
    ]
    file = tmp_path / "oauth" / "office.json"
    for _ in range(3):
        Tokens(grant(provider), file).access(NOW, fresh=True)
    assert [one["refresh_token"] for one in provider.asked] == ["rt-first", "rt-second", "rt-third"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_google_sends_no_new_refresh_token_and_gets_no_scope(provider: TokenServer, tmp_path: Path) -> None:
    provider.answers += [token("ya29.1", scope="https://mail.google.com/"), token("ya29.2")]
    file = tmp_path / "office.json"
    for _ in range(2):
        Tokens(grant(provider, Provider.GOOGLE), file).access(NOW, fresh=True)
    assert [one["refresh_token"] for one in provider.asked] == ["rt-first", "rt-first"]
    assert "scope" not in provider.asked[0]


def test_app_of_its_own_needs_no_refresh_token_at_microsoft(provider: TokenServer, tmp_path: Path) -> None:
    provider.answers.append(token("at-app"))
    assert Tokens(grant(provider, refresh_token=""), tmp_path / "o.json").access(NOW) == "at-app"
    assert provider.asked[0]["grant_type"] == "client_credentials"
    assert provider.asked[0]["scope"] == "https://outlook.office365.com/.default"


def test_new_secrets_in_the_settings_take_the_place_of_kept_ones(provider: TokenServer, tmp_path: Path) -> None:
    provider.answers += [token("at-1", refresh_token="rt-second"), token("at-2")]
    file = tmp_path / "o.json"
    Tokens(grant(provider), file).access(NOW)
    assert Tokens(grant(provider, refresh_token="rt-anew"), file).access(NOW) == "at-2"
    assert provider.asked[1]["refresh_token"] == "rt-anew"


@pytest.mark.parametrize(
    ("status", "answer", "kind", "words"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "AADSTS70008: expired rt-first"},
            MailboxRefused,
            "invalid_grant",
        ),
        (401, {"error": "invalid_client"}, MailboxRefused, "invalid_client"),
        (400, b"<html>not json</html>", MailboxRefused, "status 400"),
        (302, b"", MailboxRefused, "status 302"),
        (500, b"oops", MailboxDown, "500"),
        (429, {"error": "slow_down"}, MailboxDown, "429"),
        (200, {"no": "token"}, MailboxRefused, "no access token"),
        (200, [1, 2], MailboxRefused, "no access token"),
        (200, {"access_token": 7}, MailboxRefused, "no access token"),
        (200, {"access_token": "Ünicode"}, MailboxRefused, "no access token"),
        (200, b"[" * 100_000, MailboxRefused, "token"),
        (200, b"x" * 300_000, MailboxRefused, "too long"),
    ],
)
def test_refusal_is_told_without_any_secret(
    provider: TokenServer, tmp_path: Path, status: int, answer: object, kind: type[MailboxError], words: str
) -> None:
    provider.answers.append((status, answer))
    with pytest.raises(kind) as caught:
        Tokens(grant(provider), tmp_path / "o.json").access(NOW)
    assert words in caught.value.message
    chain = f"{caught.value.message} {caught.value.hint} {caught.value!r} {caught.value.__cause__!r}"
    assert "rt-first" not in chain
    assert "cs-secret" not in chain
    assert not (tmp_path / "o.json").exists()


def test_provider_that_is_away_is_tried_later(provider: TokenServer, tmp_path: Path) -> None:
    provider.close()
    with pytest.raises(MailboxDown) as caught:
        Tokens(grant(provider), tmp_path / "o.json").access(NOW)
    assert "cs-secret" not in repr(caught.value)


@pytest.mark.parametrize("expires", [None, "soon", -5, 10**12, "3599", float("nan")])
def test_time_that_a_token_lasts_is_believed_within_reason(
    provider: TokenServer, tmp_path: Path, expires: object
) -> None:
    provider.answers.append((200, {"access_token": "at", "expires_in": expires}))
    file = tmp_path / "o.json"
    Tokens(grant(provider), file).access(NOW)
    until = datetime.fromisoformat(json.loads(file.read_text())["expires_at"])
    assert timedelta(minutes=5) <= until - NOW <= timedelta(hours=24)


@pytest.mark.parametrize("more", [{"client_id": ""}, {"refresh_token": "", "client_secret": ""}])
def test_what_is_missing_in_the_settings_is_named(provider: TokenServer, tmp_path: Path, more: dict[str, str]) -> None:
    with pytest.raises(MailboxRefused, match="is missing"):
        Tokens(grant(provider, Provider.MICROSOFT, **more), tmp_path / "o.json").access(NOW)
    assert provider.asked == []


def test_file_that_others_can_read_is_refused(provider: TokenServer, tmp_path: Path) -> None:
    provider.answers.append(token("at-1"))
    file = tmp_path / "o.json"
    Tokens(grant(provider), file).access(NOW)
    file.chmod(0o644)
    with pytest.raises(MailboxRefused, match="can be read by others"):
        Tokens(grant(provider), file).access(NOW)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"access_token": 1}', b"\xff"])
def test_damaged_file_is_as_good_as_none(provider: TokenServer, tmp_path: Path, content: bytes) -> None:
    provider.answers.append(token("at-1"))
    file = tmp_path / "o.json"
    file.write_bytes(content)
    file.chmod(0o600)
    assert Tokens(grant(provider), file).access(NOW) == "at-1"


def test_addresses_are_the_providers_own() -> None:
    assert Grant(name="o", provider=Provider.GOOGLE).url == "https://oauth2.googleapis.com/token"
    url = Grant(name="o", provider=Provider.MICROSOFT, tenant="example.org").url
    assert url == "https://login.microsoftonline.com/example.org/oauth2/v2.0/token"
    assert Grant(name="o", provider=Provider.OTHER).url == ""


@pytest.mark.parametrize("kind", [Provider.MICROSOFT, Provider.GOOGLE])
def test_first_tokens_come_with_the_address_that_the_browser_ended_at(
    provider: TokenServer, tmp_path: Path, kind: Provider
) -> None:
    known = grant(provider, kind, refresh_token="")
    provider.answers += [token("at-1", refresh_token="rt-new"), token("at-2")]
    question = ask(known, "office@example.org")
    asked = {key: values[0] for key, values in parse_qs(urlsplit(question.url).query).items()}
    assert asked["login_hint"] == "office@example.org"
    assert asked["code_challenge_method"] == "S256"
    assert question.verifier not in question.url
    assert "cs-secret" not in question.url
    file = tmp_path / "oauth" / "office.json"
    Tokens(known, file).begin(question, f" http://localhost/?code=c-1&state={question.state}\n", NOW)
    assert provider.asked[0]["grant_type"] == "authorization_code"
    assert provider.asked[0]["code_verifier"] == question.verifier
    assert Tokens(known, file).access(NOW) == "at-1"
    assert Tokens(known, file).access(NOW, fresh=True) == "at-2"
    assert provider.asked[1]["refresh_token"] == "rt-new"


@pytest.mark.parametrize(
    "pasted", ["", "http://localhost/?code=c-1", "http://localhost/?code=c-1&state=other", "http://[", "c-1"]
)
def test_answer_to_another_question_is_refused(provider: TokenServer, tmp_path: Path, pasted: str) -> None:
    known = grant(provider)
    with pytest.raises(MailboxRefused, match="not the answer"):
        Tokens(known, tmp_path / "o.json").begin(ask(known, "office"), pasted, NOW)
    assert provider.asked == []


def test_somebody_who_does_not_agree_is_told(provider: TokenServer, tmp_path: Path) -> None:
    known = grant(provider)
    question = ask(known, "office")
    with pytest.raises(MailboxRefused, match="access_denied"):
        Tokens(known, tmp_path / "o.json").begin(
            question, f"http://localhost/?error=access_denied&state={question.state}", NOW
        )


def test_provider_that_nobody_can_ask_is_named() -> None:
    with pytest.raises(MailboxRefused, match="provider"):
        ask(Grant("office", Provider.OTHER, client_id="x"), "office")
