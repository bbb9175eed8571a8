"""Get access tokens for XOAUTH2 from Microsoft, Google or another provider, and keep a refresh token that it renews.

A secret goes to the token address alone, over TLS, and never into an error or a log. Tokens are kept in a file of mode
600, written whole or not at all. Sources: RFC 6749 sections 4.4, 5 and 6; Microsoft renews the refresh token with every
answer, Google nearly never.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from balintmail.receiving.mailbox import MailboxDown, MailboxRefused
from balintmail.setting_inbox import Provider

SECONDS = 20.0
LARGEST_ANSWER = 100_000  # octets
EARLY = timedelta(minutes=2)  # before its end a token counts as ended: a session begins with it
_SHORTEST, _LONGEST = timedelta(minutes=5), timedelta(hours=24)
_URLS = {
    Provider.MICROSOFT: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    Provider.GOOGLE: "https://oauth2.googleapis.com/token",
}
_ASKED_AT = {
    Provider.MICROSOFT: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
    Provider.GOOGLE: "https://accounts.google.com/o/oauth2/v2/auth",
}
REDIRECT = "http://localhost"  # nobody listens there: the address that the browser ends at is pasted (RFC 8252)
_SCOPES = {
    Provider.MICROSOFT: "https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    Provider.GOOGLE: "https://mail.google.com/",
}
_SCOPE_OF_AN_APP = "https://outlook.office365.com/.default"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked for with. `name` is the NAME of [inbox.NAME]."""

    name: str
    provider: Provider
    tenant: str = "common"
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    token_url: str = ""
    scope: str = ""

    @property
    def scopes(self) -> str:
        """What is asked for in somebody's name."""
        return self.scope or _SCOPES.get(self.provider, "")

    @property
    def url(self) -> str:
        """Where tokens are asked for."""
        return self.token_url or _URLS.get(self.provider, "").format(tenant=self.tenant)


@dataclass(frozen=True, slots=True)
class Question:
    """An address at which somebody lets us in, and what proves that the answer is to it (RFC 7636)."""

    url: str
    state: str
    verifier: str = field(repr=False)


def ask(grant: Grant, username: str) -> Question:
    """Return where `username` allows that their mail is read; raise MailboxRefused for a provider we do not know."""
    if grant.provider not in _ASKED_AT or not grant.client_id:
        missing = "client_id is missing" if grant.provider in _ASKED_AT else "provider is none that we can ask"
        raise MailboxRefused(f"[inbox.{grant.name}.oauth] {missing}.", hint="docs/inbox.md shows what to do.")
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    fields = {
        "client_id": grant.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT,
        "scope": grant.scopes,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "login_hint": username,
    }
    if grant.provider is Provider.GOOGLE:
        fields |= {"access_type": "offline", "prompt": "consent"}  # without these it gives no refresh token
    return Question(f"{_ASKED_AT[grant.provider].format(tenant=grant.tenant)}?{urlencode(fields)}", state, verifier)


class Tokens:
    """The tokens of one mailbox, kept in `file` from one run to the next."""

    def __init__(self, grant: Grant, file: Path) -> None:
        self._grant = grant
        self._file = file

    def access(self, now: datetime, *, fresh: bool = False) -> str:
        """Return an access token: the kept one while it lasts, unless it has to be `fresh`.

        Raises MailboxRefused when the provider refuses, MailboxDown when it cannot be reached.
        """
        kept = self._read()
        if not fresh and kept.get("expires_at", "") > (now + EARLY).isoformat():
            return str(kept["access_token"])
        refresh = str(kept.get("refresh_token", "")) or self._grant.refresh_token
        return self._keep_answer(self._ask(self._form(refresh)), refresh, now)[0]

    def begin(self, question: Question, pasted: str, now: datetime) -> None:
        """Get and keep the first tokens, with the address at which the browser ended; raise MailboxRefused."""
        answered = _fields(pasted.strip())
        if not hmac.compare_digest(answered.get("state", "").encode(), question.state.encode()):
            hint = "Paste the whole address, from http://localhost on, that the browser shows at the end."
            raise MailboxRefused("That is not the answer to this question.", hint=hint)
        if "code" not in answered:
            raise self._refused(answered.get("error", "the answer holds no code"))
        form = {
            "client_id": self._grant.client_id,
            "grant_type": "authorization_code",
            "code": answered["code"],
            "redirect_uri": REDIRECT,
            "code_verifier": question.verifier,
        }
        if self._grant.client_secret:
            form["client_secret"] = self._grant.client_secret
        if not self._keep_answer(self._ask(form), "", now)[1]:
            raise self._refused("the answer holds no refresh token")

    def _keep_answer(self, answer: dict[str, Any], refresh: str, now: datetime) -> tuple[str, str]:
        """Keep the tokens of an answer; return access and refresh token."""
        access, renewed = answer.get("access_token"), answer.get("refresh_token")
        if not isinstance(access, str) or not access or not access.isascii():
            raise self._refused("the answer holds no access token")
        kept = renewed if isinstance(renewed, str) and renewed else refresh
        self._keep(
            {
                "set": self._fingerprint(),
                "access_token": access,
                "expires_at": (now + _lasts(answer.get("expires_in"))).isoformat(),
                "refresh_token": kept,
            }
        )
        return access, kept

    def _form(self, refresh: str) -> dict[str, str]:
        grant = self._grant
        if not grant.url or not grant.client_id:
            missing = "token_url" if not grant.url else "client_id"
            raise MailboxRefused(
                f"[inbox.{grant.name}.oauth] {missing} is missing.", hint="docs/inbox.md shows where it comes from."
            )
        form = {"client_id": grant.client_id}
        if grant.client_secret:
            form["client_secret"] = grant.client_secret
        if refresh:
            form |= {"grant_type": "refresh_token", "refresh_token": refresh}
            scope = grant.scopes if grant.provider is not Provider.GOOGLE else grant.scope
        elif grant.client_secret and grant.provider is not Provider.GOOGLE:
            form["grant_type"] = "client_credentials"
            scope = grant.scope or (_SCOPE_OF_AN_APP if grant.provider is Provider.MICROSOFT else "")
        else:
            raise MailboxRefused(
                f"[inbox.{grant.name}.oauth] refresh_token is missing.",
                hint=f"Get one: balintmail inbox authorise {grant.name}   (docs/inbox.md)",
            )
        return form | ({"scope": scope} if scope else {})

    def _ask(self, form: dict[str, str]) -> dict[str, Any]:
        where = self._grant.url
        try:
            with (
                httpx.Client(timeout=SECONDS, follow_redirects=False) as client,
                client.stream("POST", where, data=form, headers={"Accept": "application/json"}) as response,
            ):
                text = bytearray()
                for piece in response.iter_bytes():
                    text += piece
                    if len(text) > LARGEST_ANSWER:
                        raise self._refused("the answer is too long for one")
                status = response.status_code
        except httpx.HTTPError as exc:
            raise MailboxDown(
                f"{httpx.URL(where).host} gives no token: {type(exc).__name__}.", hint="It is tried again later."
            ) from None  # what lies behind it may hold the request, and with it the secrets
        answer = _document(bytes(text))
        if status >= 500 or status == 429:
            raise MailboxDown(
                f"{httpx.URL(where).host} gives no token now ({status}).", hint="It is tried again later."
            )
        if status != 200:
            raise self._refused(str(answer.get("error", f"status {status}")))
        return answer

    def _refused(self, why: str) -> MailboxRefused:
        clean = "".join(letter for letter in why if letter.isprintable())[:100]
        hint = f"Let it in again: balintmail inbox authorise {self._grant.name}   (docs/inbox.md)"
        return MailboxRefused(f"{httpx.URL(self._grant.url).host} refuses a token: {clean}.", hint=hint)

    def _read(self) -> dict[str, Any]:
        """Return what is kept; nothing when somebody has put other secrets into the settings since."""
        try:
            number = os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return {}
        with open(number, "rb") as file:
            if stat.S_IMODE(os.fstat(number).st_mode) & 0o077:
                raise MailboxRefused(
                    f"{self._file.name} can be read by others; it holds tokens.", hint=f"Run: chmod 600 {self._file}"
                )
            kept = _document(file.read(LARGEST_ANSWER))
        texts = ("access_token", "expires_at", "refresh_token")
        fit = kept.get("set") == self._fingerprint() and all(isinstance(kept.get(key), str) for key in texts)
        return kept if fit else {}

    def _keep(self, document: dict[str, str]) -> None:
        """Write the file anew; a renewed refresh token is worth more than this run, so it is on the disk first."""
        self._file.parent.mkdir(mode=0o700, exist_ok=True)
        number, name = tempfile.mkstemp(dir=self._file.parent, prefix=f".{self._file.name}.")  # made with mode 600
        try:
            with open(number, "w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(number)
            Path(name).replace(self._file)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise

    def _fingerprint(self) -> str:
        """Return what tells whether the secrets in the settings are still those that the kept tokens came from."""
        grant = self._grant
        parts = (grant.client_id, grant.client_secret, grant.refresh_token, grant.url)
        return hashlib.sha256("\0".join(parts).encode("utf-8")).hexdigest()


def _lasts(said: object) -> timedelta:
    """Return how long a token lasts; what the provider says is believed within reason."""
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return min(max(timedelta(seconds=float(str(said))), _SHORTEST), _LONGEST)
    return _SHORTEST


def _document(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _fields(address: str) -> dict[str, str]:
    try:
        return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    except ValueError:
        return {}
