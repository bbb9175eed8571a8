"""Connecting, TLS and AUTH (S30): whoever is not who the settings say gets no password and no mail."""

import asyncio
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from balintmail.config import Security
from balintmail.domain.outcome import Stage, Verdict
from balintmail.sending.connect import RelayTarget
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.sending.transport import TransportDown
from tests.relay import Authority, Fault, Manners, Relay, Step, Then
from tests.relay.faults import drops, injects_before_tls, refuses_auth, says, stalls
from tests.support.sending import LOOPS, SOON, Recorder, letter, run, send, smtp

PASSWORD = "a secret pass word"
USERS = {"secretary": PASSWORD}
loops = pytest.mark.parametrize("loop", LOOPS)
with_tls = pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return authority.write(tmp_path_factory.mktemp("authority") / "ca.pem")


def manners(security: Security, context: ssl.SSLContext, **more: Any) -> Manners:
    where: dict[str, Any] = {"tls": context} if security is Security.TLS else {"starttls": context}
    return Manners(users=USERS, auth_required=True, **where, **more)


def down(
    relay_manners: Manners, *faults: Fault, loop: str = "asyncio", **target: Any
) -> tuple[TransportDown, list[str], list[str]]:
    """Try to open a lane; return why not, the relay's commands and its complaints."""

    async def work() -> tuple[TransportDown, list[str], list[str]]:
        async with Relay(relay_manners, *faults) as relay:
            transport = smtp(relay.port, limits=SOON, **target)
            with pytest.raises(TransportDown) as caught:
                await transport.open(Recorder())
            await transport.close()
            await asyncio.sleep(0.02)
            assert relay.accepted == []
            return caught.value, list(relay.commands), relay.violations

    return run(work(), loop)


@loops
@with_tls
@pytest.mark.parametrize("pipelining", [False, True])
def test_open_over_verified_tls_S30_authenticates_and_sends(
    security: Security, loop: str, pipelining: bool, authority: Authority, ca_file: Path
) -> None:
    async def work() -> None:
        async with Relay(manners(security, authority.context(), pipelining=pipelining)) as relay:
            transport = smtp(relay.port, security=security, username="secretary", password=PASSWORD, ca_file=ca_file)
            outcomes = await send(transport, [letter(number, b"x" * 70 + b"\r\n") for number in range(1, 6)])
            assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED] * 5
            assert list(relay.data) == [letter(number, b"x" * 70 + b"\r\n").data for number in range(1, 6)]
            assert relay.violations == []
            assert relay.connections == 1

    run(work(), loop)


@loops
@with_tls
@pytest.mark.parametrize("kind", ["wrong name", "expired", "unknown authority"])
def test_open_with_a_certificate_that_is_not_right_S30_refuses_before_auth(
    kind: str, security: Security, loop: str, authority: Authority, ca_file: Path
) -> None:
    context = {
        "wrong name": lambda: authority.context("elsewhere.example.org"),
        "expired": lambda: authority.context(expired=True),
        "unknown authority": lambda: Authority().context(),
    }[kind]()
    target = {"security": security, "username": "secretary", "password": PASSWORD, "ca_file": ca_file}
    exc, commands, violations = down(manners(security, context), loop=loop, **target)
    assert (exc.outcome.verdict, exc.outcome.stage) == (Verdict.REFUSED, Stage.TLS)
    assert not any(text.startswith(("AUTH", "MAIL")) for text in commands)
    assert violations == []
    assert "certificate" in exc.message


def test_open_without_ca_file_trusts_only_the_systems_authorities_S30(authority: Authority) -> None:
    exc, _, _ = down(manners(Security.TLS, authority.context()), security=Security.TLS)
    assert exc.outcome.stage is Stage.TLS


def test_open_with_starttls_stripped_S30_refuses_in_the_clear(ca_file: Path) -> None:
    exc, commands, violations = down(
        Manners(users=USERS), security=Security.STARTTLS, username="secretary", password=PASSWORD, ca_file=ca_file
    )
    assert (exc.outcome.verdict, exc.outcome.stage) == (Verdict.REFUSED, Stage.TLS)
    assert [text[:4] for text in commands] == ["EHLO"]
    assert violations == []
    assert "does not offer STARTTLS" in exc.message


@pytest.mark.parametrize(
    "fault",
    [
        says("starttls", "454 4.7.0 TLS not available"),  # I12
        says("starttls", "220 2.0.0 go ahead\r\n250 injected"),
        injects_before_tls(),
        Fault(Step.EHLO, extra=b"220 2.0.0 go ahead\r\n"),
        drops("starttls"),
        stalls("starttls"),
    ],
    ids=lambda fault: f"{fault.reply!r}{fault.extra!r}{fault.then}",
)
def test_open_with_bytes_before_the_handshake_S30_refuses_before_auth(
    fault: Fault, authority: Authority, ca_file: Path
) -> None:
    exc, commands, _ = down(
        manners(Security.STARTTLS, authority.context()),
        fault,
        security=Security.STARTTLS,
        username="secretary",
        password=PASSWORD,
        ca_file=ca_file,
    )
    assert exc.outcome.stage is Stage.TLS
    assert not any(text.startswith(("AUTH", "MAIL")) for text in commands)


def test_open_with_security_none_never_authenticates(authority: Authority) -> None:
    async def work() -> None:
        async with Relay(Manners(users=USERS, starttls=authority.context())) as relay:
            transport = smtp(relay.port, security=Security.NONE, username="secretary", password=PASSWORD)
            assert (await send(transport, [letter(1)]))[0].verdict is Verdict.ACCEPTED
            assert not any(text.startswith("AUTH") for text in relay.commands)
            assert relay.violations == []

    run(work())


@with_tls
def test_open_with_a_wrong_password_says_so_once_and_never_shows_it(
    security: Security, authority: Authority, ca_file: Path
) -> None:
    wrong = "hunter2-is-not-it"
    exc, commands, _ = down(
        manners(security, authority.context()),
        refuses_auth(f"535 5.7.8 {wrong} is not the password"),
        security=security,
        username="secretary",
        password=wrong,
        ca_file=ca_file,
    )
    assert (exc.outcome.verdict, exc.outcome.stage, exc.outcome.code) == (Verdict.REFUSED, Stage.AUTH, 535)
    assert exc.outcome.enhanced == "5.7.8"
    assert wrong not in exc.message + exc.hint + exc.outcome.reply + repr(exc)
    assert "secrets.toml" in exc.hint
    assert sum(text.startswith("AUTH") for text in commands) == 1


def test_open_with_auth_that_may_work_later_is_deferred(authority: Authority, ca_file: Path) -> None:
    exc, _, _ = down(
        manners(Security.TLS, authority.context()),
        refuses_auth("454 4.7.0 temporary authentication failure"),
        security=Security.TLS,
        username="secretary",
        password=PASSWORD,
        ca_file=ca_file,
    )
    assert (exc.outcome.verdict, exc.outcome.code) == (Verdict.DEFERRED, 454)


@pytest.mark.parametrize("methods", ["LOGIN", "PLAIN LOGIN", "PLAIN"])
def test_open_uses_the_method_that_is_offered(methods: str, authority: Authority, ca_file: Path) -> None:
    async def work() -> None:
        async with Relay(Manners(tls=authority.context(), users=USERS, auth_methods=methods)) as relay:
            target: dict[str, Any] = {
                "security": Security.TLS,
                "username": "secretary",
                "password": PASSWORD,
                "ca_file": ca_file,
            }
            assert (await send(smtp(relay.port, **target), [letter(1)]))[0].verdict is Verdict.ACCEPTED

    run(work())


@pytest.mark.parametrize("methods", ["", "XOAUTH2 GSSAPI"])
def test_open_without_a_method_we_know_is_refused(methods: str, authority: Authority, ca_file: Path) -> None:
    users = USERS if methods else {}
    exc, _, _ = down(
        Manners(tls=authority.context(), users=users, auth_methods=methods),
        security=Security.TLS,
        username="secretary",
        password=PASSWORD,
        ca_file=ca_file,
    )
    assert (exc.outcome.verdict, exc.outcome.stage) == (Verdict.REFUSED, Stage.AUTH)


def test_smtputf8_that_vanishes_after_starttls_I14_is_not_used(authority: Authority, ca_file: Path) -> None:
    fault = Fault(Step.EHLO, b"250-relay.example.net\r\n250-SMTPUTF8\r\n250-8BITMIME\r\n250 STARTTLS\r\n", times=1)

    async def work() -> None:
        async with Relay(Manners(starttls=authority.context()), fault) as relay:
            transport = smtp(relay.port, security=Security.STARTTLS, ca_file=ca_file)
            outcomes = await send(transport, [letter(1, to="josé@example.org", utf8=True), letter(2)])
            assert [(o.verdict, o.stage) for o in outcomes] == [
                (Verdict.REFUSED, Stage.LOCAL),
                (Verdict.ACCEPTED, Stage.DOT),
            ]

    run(work())


@pytest.mark.parametrize(
    ("fault", "verdict", "stage", "code"),
    [
        (says("greeting", "554 5.3.2 no service here"), Verdict.REFUSED, Stage.GREETING, 554),
        (says("greeting", "521 5.3.2 accepts no mail"), Verdict.REFUSED, Stage.GREETING, 521),
        (says("greeting", "421 4.3.2 busy"), Verdict.DEFERRED, Stage.GREETING, 421),
        (Fault(Step.GREETING, b"SSH-2.0-OpenSSH_9.2\r\n"), Verdict.DEFERRED, Stage.GREETING, 0),
        (Fault(Step.GREETING, b"\x00" * 100_000), Verdict.DEFERRED, Stage.GREETING, 0),
        (stalls("greeting"), Verdict.DEFERRED, Stage.GREETING, 0),
        (Fault(Step.GREETING, b"", Then.RESET), Verdict.DEFERRED, Stage.GREETING, 0),
        (stalls("ehlo"), Verdict.DEFERRED, Stage.GREETING, 0),
    ],
    ids=lambda value: str(value)[:40],
)
def test_open_at_a_relay_that_turns_us_away_is_down(fault: Fault, verdict: Verdict, stage: Stage, code: int) -> None:
    exc, _, _ = down(Manners(), fault)
    assert (exc.outcome.verdict, exc.outcome.stage, exc.outcome.code) == (verdict, stage, code)
    assert exc.message.isprintable()
    assert exc.hint


def test_open_at_a_relay_without_ehlo_says_helo_where_no_tls_is_asked() -> None:
    async def work() -> None:
        async with Relay(Manners(), says("ehlo", "502 5.5.2 what?", match="EHLO")) as relay:
            outcomes = await send(smtp(relay.port), [letter(1), letter(2)])
            assert [outcome.verdict for outcome in outcomes] == [Verdict.ACCEPTED] * 2
            assert relay.violations == []

    run(work())


def test_open_where_nobody_listens_names_the_relay_and_its_place() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        async def work() -> None:
            with pytest.raises(TransportDown) as caught:
                await smtp(port, host="127.0.0.1").open(Recorder())
            assert (caught.value.outcome.verdict, caught.value.outcome.stage) == (Verdict.DEFERRED, Stage.CONNECT)
            assert f"main (127.0.0.1:{port})" in caught.value.message

        run(work())


def test_open_with_a_name_that_does_not_exist_is_down() -> None:
    async def work() -> None:
        with pytest.raises(TransportDown) as caught:
            await smtp(25, host="relay.invalid", limits=SOON).open(Recorder())
        assert caught.value.outcome.stage is Stage.CONNECT

    run(work())


@pytest.mark.parametrize("content", [None, "this is no certificate"])
def test_open_with_a_ca_file_that_cannot_be_used_names_it(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    exc, _, _ = down(Manners(), security=Security.TLS, ca_file=file)
    assert exc.outcome.verdict is Verdict.REFUSED
    assert "authority.pem" in exc.message


def test_open_takes_the_next_relay_while_the_first_is_down_and_returns_to_it() -> None:
    async def work() -> None:
        async with Relay(Manners(), drops("greeting", times=1)) as first, Relay() as second:
            transport = SmtpTransport(
                [
                    RelayTerms(RelayTarget("first", "localhost", first.port, Security.NONE), max_lanes=2),
                    RelayTerms(RelayTarget("second", "localhost", second.port, Security.NONE), max_lanes=7),
                ]
            )
            assert (transport.name, transport.max_lanes) == ("first", 2)
            events = Recorder()
            lane = await transport.open(events)
            assert (lane.relay, transport.name, transport.max_lanes) == ("second", "second", 7)
            assert (await events.one(lane, letter(1))).relay == "second"
            transport.forgive()
            assert (await transport.open(events)).relay == "first"
            await transport.close()

    run(work())


def test_open_beyond_what_a_relay_allows_stays_with_it() -> None:
    async def work() -> None:
        too_many = Fault(Step.GREETING, b"421 4.7.0 too many connections\r\n", Then.CLOSE, skip=1)
        async with Relay(Manners(), too_many) as first, Relay() as second:
            transport = SmtpTransport(
                [
                    RelayTerms(RelayTarget("first", "localhost", first.port, Security.NONE)),
                    RelayTerms(RelayTarget("second", "localhost", second.port, Security.NONE)),
                ]
            )
            lane = await transport.open(Recorder())
            with pytest.raises(TransportDown):
                await transport.open(Recorder())
            assert (lane.relay, transport.name, second.connections) == ("first", "first", 0)
            await transport.close()

    run(work())


@loops
def test_open_that_is_cancelled_leaves_no_connection(loop: str, authority: Authority, ca_file: Path) -> None:
    async def work() -> None:
        async with Relay(Manners(tls=authority.context()), stalls("ehlo")) as relay:
            for seconds in [step * 0.0007 for step in range(40)]:
                transport = smtp(relay.port, security=Security.TLS, ca_file=ca_file)
                opening = asyncio.ensure_future(transport.open(Recorder()))
                await asyncio.sleep(seconds)
                opening.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await opening
                await transport.close()
            await asyncio.sleep(0.05)
            assert relay.open_connections == 0

    run(work(), loop)


def test_open_with_every_relay_down_tells_of_the_first() -> None:
    async def work() -> None:
        async with Relay(Manners(), drops("greeting")) as first, Relay(Manners(), says("greeting", "554 no")) as second:
            transport = SmtpTransport(
                [
                    RelayTerms(RelayTarget("first", "localhost", first.port, Security.NONE)),
                    RelayTerms(RelayTarget("second", "localhost", second.port, Security.NONE)),
                ]
            )
            with pytest.raises(TransportDown) as caught:
                await transport.open(Recorder())
            assert caught.value.outcome.relay == "first"
            await transport.close()

    run(work())


def test_repr_of_a_target_has_no_password() -> None:
    target = RelayTarget("main", "localhost", 25, Security.NONE, "secretary", PASSWORD)
    assert PASSWORD not in repr(target)
    assert PASSWORD not in repr(RelayTerms(target))
