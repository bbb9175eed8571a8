"""TLS and logins with Postfix: verified or not at all, and the password only inside (S30)."""

from pathlib import Path

import pytest

from tests.relay.certificates import Authority
from tests.support.instance import Instance
from tests.support.servers.delivered import Books
from tests.support.servers.postfix import Postfix
from tests.support.servers.relay_settings import LOGIN, password, use


@pytest.mark.parametrize(("door", "security"), [("starttls", "starttls"), ("tls", "tls"), ("all", "starttls")])
def test_letters_reach_postfix_over_verified_tls_S30(
    instance: Instance, postfix: Postfix, books: Books, door: str, security: str
) -> None:
    use(instance, postfix.ports[door], security, ca_file=postfix.folder / "ca.pem")
    found = instance.send("--yes")
    assert found.status == 0, found.said
    assert books.agree() == {"accepted": 30}
    assert all(b"TLSv1.3" in copy.data for copy in postfix.copies())


@pytest.mark.parametrize(
    ("door", "security"),
    [("no starttls", "starttls"), ("starttls", "starttls"), ("tls", "tls")],
)
def test_no_letter_leaves_without_the_tls_that_is_asked_for_S30(
    instance: Instance, postfix: Postfix, books: Books, tmp_path: Path, door: str, security: str
) -> None:
    ours = postfix.folder / "ca.pem" if door == "no starttls" else Authority().write(tmp_path / "other.pem")
    use(instance, postfix.ports[door], security, 'username = "balint"', ca_file=ours)
    password(instance, LOGIN)
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert books.agree() == {"queued": 30}
    assert "paused" in found.said.lower()
    assert postfix.login.asked == 0


def test_relay_that_wants_tls_gets_no_letter_in_the_clear_and_pauses_S30(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    use(instance, postfix.ports["starttls"], "none")
    found = instance.send("--yes")
    assert found.status == 4, found.said
    states = books.agree()
    assert set(states) <= {"queued", "deferred"}
    assert "Must issue a STARTTLS command first" in instance("mailings", "show", "newsletter/84").out


def test_login_lets_the_letters_through_and_a_wrong_password_pauses_without_a_second_try(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    use(
        instance,
        postfix.ports["login"],
        "starttls",
        'username = "balint"',
        "max_connections = 1",
        ca_file=postfix.folder / "ca.pem",
    )
    password(instance, "close sesame")
    found = instance.send("--yes")
    assert found.status == 4, found.said
    assert "535" in found.said
    assert "sesame" not in found.said
    assert postfix.login.asked == 1
    assert books.agree() == {"queued": 30}
    password(instance, LOGIN)
    assert instance("mailings", "resume", "newsletter/84").status == 0
    found = instance("dispatch")
    assert found.status == 0, found.said
    assert books.agree() == {"accepted": 30}
    assert "authentication failed" in postfix.words()


def test_login_that_fails_from_the_third_connection_on_pauses_and_loses_nobody(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    more = ('username = "balint"', "max_connections = 1", "messages_per_connection = 7")
    use(instance, postfix.ports["login"], "starttls", *more, ca_file=postfix.folder / "ca.pem")
    password(instance, LOGIN)
    postfix.login.allowed = 2
    assert instance.send("--yes").status == 4
    assert books.agree() == {"accepted": 14, "queued": 16}
    postfix.login.forget()
    assert instance("mailings", "resume", "newsletter/84").status == 0
    assert instance("dispatch").status == 0
    assert books.agree() == {"accepted": 30}


def test_login_is_asked_for_by_postfix_when_none_is_set(instance: Instance, postfix: Postfix, books: Books) -> None:
    use(instance, postfix.ports["login"], "starttls", ca_file=postfix.folder / "ca.pem")
    assert instance.send("--yes").status == 4
    assert not books.agree()["accepted"]
