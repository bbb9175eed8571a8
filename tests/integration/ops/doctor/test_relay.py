"""What a relay shows when it is called (S30): TLS, certificate, AUTH, what it offers; and what is missing."""

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from balintmail.config import Security
from balintmail.ops.doctor import relay
from balintmail.ops.doctor.dial import Certificate, Heard, call, call_all
from balintmail.ops.doctor.finding import Finding
from balintmail.sending.commands import read_offer
from balintmail.sending.connect import RelayTarget
from tests.relay import Authority, Fault, Manners, Relay, RelayThread
from tests.relay.faults import drops, refuses_auth, says, stalls
from tests.support.sending import SOON

NOW = datetime.now(UTC)
PASSWORD = "a secret pass word"
EVERYTHING = ("DSN", "LIMITS MAILMAX=20")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.write(tmp_path_factory.mktemp("authority") / "ca.pem")


def look(manners: Manners, *faults: Fault, largest: int = 1000, **target: Any) -> tuple[dict[str, Finding], Relay]:
    """Call a relay with these manners; return what is found by code, and the relay itself."""

    async def work() -> tuple[Heard, Relay]:
        async with Relay(manners, *faults) as server:
            values = {"name": "main", "host": "localhost", "port": server.port, "security": Security.NONE, **target}
            return await call(RelayTarget(**values), SOON), server

    heard, server = asyncio.run(work())
    assert not any(line.upper().startswith("MAIL") for line in server.commands)
    return {one.code: one for one in relay.findings([heard], largest=largest, now=NOW)}, server


def levels(found: dict[str, Finding]) -> dict[str, str]:
    return {code: one.level.value for code, one in found.items()}


def secure(context: ssl.SSLContext, security: Security, **more: Any) -> Manners:
    where: dict[str, Any] = {"tls": context} if security is Security.TLS else {"starttls": context}
    users = {"secretary@example.org": PASSWORD}
    return Manners(
        users=users, auth_required=True, size=50_000_000, smtputf8=True, extensions=EVERYTHING, **where, **more
    )


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_relay_in_order_S30(security: Security, authority: Authority, ca_file: Path) -> None:
    target: dict[str, Any] = {
        "security": security,
        "username": "secretary@example.org",
        "password": PASSWORD,
        "ca_file": ca_file,
    }
    found, server = look(secure(authority.context(), security), **target)
    assert levels(found) == dict.fromkeys(
        ["relay", "relay_tls", "relay_certificate", "relay_auth", "relay_offer"], "good"
    )
    for word in ("PIPELINING", "SIZE 50000000", "SMTPUTF8", "DSN", "AUTH PLAIN LOGIN"):
        assert word in found["relay_offer"].message
    assert ("STARTTLS" in found["relay_offer"].message) is (security is Security.STARTTLS)
    assert "trustme" in found["relay_certificate"].message
    assert server.violations == []
    assert server.commands[-1] == "QUIT"


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
@pytest.mark.parametrize(
    ("kind", "words"),
    [("wrong name", "elsewhere.example.org"), ("expired", "expired"), ("unknown authority", "valid for")],
)
def test_certificate_that_is_not_right_stops_and_is_shown_S30(
    kind: str, words: str, security: Security, authority: Authority, ca_file: Path
) -> None:
    context = {
        "wrong name": lambda: authority.context("elsewhere.example.org"),
        "expired": lambda: authority.context(expired=True),
        "unknown authority": lambda: Authority().context(),
    }[kind]()
    target: dict[str, Any] = {
        "security": security,
        "username": "secretary@example.org",
        "password": PASSWORD,
        "ca_file": ca_file,
    }
    found, server = look(secure(context, security), **target)
    assert levels(found) == {"relay": "stop", "relay_certificate": "note"}
    assert words in found["relay_certificate"].message
    assert not any(line.startswith("AUTH") for line in server.commands)


@pytest.mark.parametrize(("days", "level"), [(90, "good"), (14, "good"), (13, "warn"), (0, "warn")])
def test_days_that_a_certificate_has_left_S30(days: int, level: str) -> None:
    until = NOW + timedelta(days=days, hours=1)
    shown = Certificate(("mx.example.net",), "An Authority", NOW - timedelta(days=1), until)
    target = RelayTarget("main", "mx.example.net", security=Security.TLS)
    heard = Heard(target, read_offer({}), None, "TLSv1.3", shown, "8.8.8.8")
    found = {one.code: one for one in relay.findings([heard], largest=1000, now=NOW)}
    assert found["relay_certificate"].level.value == level
    assert f"valid {days} days" in found["relay_certificate"].message


def test_starttls_that_is_not_offered_stops_S30(ca_file: Path) -> None:
    found, _ = look(Manners(), security=Security.STARTTLS, ca_file=ca_file)
    assert levels(found) == {"relay": "stop"}
    assert "STARTTLS" in found["relay"].message


def test_password_that_is_refused_stops_and_no_address_is_shown_S30(authority: Authority, ca_file: Path) -> None:
    target: dict[str, Any] = {"username": "secretary@example.org", "password": PASSWORD, "ca_file": ca_file}
    fault = refuses_auth("535 5.7.8 no such user secretary@example.org")
    found, server = look(secure(authority.context(), Security.TLS), fault, security=Security.TLS, **target)
    assert levels(found) == {"relay": "stop"}
    assert "(address)" in found["relay"].message
    assert "secretary@" not in found["relay"].message + found["relay"].hint
    assert len([line for line in server.commands if line.startswith("AUTH")]) == 1


@pytest.mark.parametrize(
    ("fault", "level"),
    [
        (says("greeting", "554 5.7.1 go away"), "stop"),
        (says("greeting", "421 4.3.2 try later"), "warn"),
        (stalls("greeting"), "warn"),
        (drops("ehlo"), "warn"),
    ],
)
def test_relay_that_turns_us_away_or_is_unwell(fault: Fault, level: str) -> None:
    found, _ = look(Manners(), fault)
    assert levels(found) == {"relay": level}


def test_relay_that_nobody_runs_stops_but_only_warns_beside_another() -> None:
    nobody = RelayTarget("main", "127.0.0.1", port=1, security=Security.NONE)
    assert [one.level.value for one in relay.findings(call_all([nobody], 5), largest=1, now=NOW)] == ["stop"]
    with RelayThread() as running:
        other = RelayTarget("other", running.host, port=running.port, security=Security.NONE)
        found = relay.findings(call_all([nobody, other], 5), largest=1, now=NOW)
    assert [one.level.value for one in found if one.code == "relay"] == ["warn", "good"]


def test_relay_that_says_nothing_is_given_up_in_time() -> None:
    with RelayThread(Manners(), stalls("greeting")) as running:
        begun = time.monotonic()
        (heard,) = call_all([RelayTarget("main", running.host, port=running.port, security=Security.NONE)], 0.3)
        assert time.monotonic() - begun < 3
    assert [one.code for one in relay.findings([heard], largest=1, now=NOW)] == ["relay_unknown"]


def test_relay_in_the_clear_is_right_next_door_and_wrong_afar_S30() -> None:
    found, _ = look(Manners())
    assert levels(found)["relay_tls"] == "note"
    target = RelayTarget("main", "mx.example.net", security=Security.NONE)
    for keywords, hint in (({"starttls": ""}, "It offers STARTTLS"), ({}, "Set security")):
        heard = Heard(target, read_offer(keywords), address="8.8.8.8")
        afar = {one.code: one for one in relay.findings([heard], largest=1, now=NOW)}
        assert afar["relay_tls"].level.value == "stop"
        assert afar["relay_tls"].hint.startswith(hint)


def test_username_in_the_clear_warns_S30() -> None:
    found, server = look(Manners(), username="secretary@example.org", password=PASSWORD)
    assert levels(found)["relay_auth"] == "warn"
    assert not any(line.startswith("AUTH") for line in server.commands)


@pytest.mark.parametrize("word", ["pipelining", "dsn", "smtputf8"])
def test_what_is_not_offered_is_named_with_its_cost(word: str) -> None:
    found, _ = look(Manners(pipelining=False))
    assert found[f"relay_{word}"].level.value == "note"
    assert found[f"relay_{word}"].duty.value == "relay"


@pytest.mark.parametrize(("size", "level"), [(2_000_000, None), (1_400_000, "note"), (900_000, "warn")])
def test_size_is_held_against_the_largest_letter(size: int, level: str | None) -> None:
    found, _ = look(Manners(size=size), largest=1_500_000)
    assert levels(found).get("relay_size") == level
