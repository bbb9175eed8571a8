"""Speaking IMAP with servers that lie, break off and chatter (H33): it ends in one of our own errors, within limits."""

import resource
import time
from collections.abc import Callable, Iterator

import pytest

from balintmail.config import Security
from balintmail.receiving import imap, imap_guard
from balintmail.receiving.imap import Account, Credential, Session
from balintmail.receiving.mailbox import Dropped, LoginRefused, MailboxDown, MailboxError, MailboxRefused
from tests.support.imap_server import Box, ImapServer, Talk

LETTER = b"From: Ada <ada@example.net>\r\nSubject: Tea\r\n\r\nDear Secretary\r\n"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as found:
        yield found


def session(server: ImapServer, *, username: str = "office", secret: str = "secret", token: bool = False) -> Session:
    account = Account("bounces", "127.0.0.1", server.port, Security.NONE, username)
    return Session(account, Credential(secret, is_token=token))


def test_messages_are_listed_sized_taken_and_flagged(server: ImapServer) -> None:
    uids = [server.inbox.add(LETTER + bytes([65 + number])) for number in range(3)]
    with session(server) as found:
        folder = found.open("INBOX")
        assert (folder.validity, folder.messages, folder.next_uid) == (1, 3, 4)
        assert found.listed(folder, after=0) == uids
        assert found.listed(folder, after=2) == [3]
        assert [(one.uid, one.size) for one in found.described(uids)] == [(uid, len(LETTER) + 1) for uid in uids]
        assert found.taken(uids, octets=1000)[2] == LETTER + b"B"
        assert found.beginning(1, octets=4) == b"From"
        found.mark([1])
        found.delete([2])
        found.move([3], "Done")
    assert server.inbox.letters[1].flags == {"\\Seen"}
    assert list(server.inbox.letters) == [1]
    assert len(server.boxes["Done"].letters) == 1


def test_asking_behind_the_last_message_names_none(server: ImapServer) -> None:
    server.says_next_uid = False
    server.inbox.add(LETTER)
    with session(server) as found:
        assert found.listed(found.open("INBOX"), after=1) == []  # "2:*" names message 1 all the same


def test_nothing_is_marked_as_read_by_reading(server: ImapServer) -> None:
    uid = server.inbox.add(LETTER)
    with session(server) as found:
        found.open("INBOX", readonly=True)
        found.taken([uid], octets=1000)
    assert server.inbox.letters[uid].flags == set()
    assert all("PEEK" in line for line in server.commands("UID FETCH"))
    assert server.commands("EXAMINE")


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ('a "quoted" name', '"a \\"quoted\\" name"'),
        ("back\\slash", '"back\\\\slash"'),
        ("Réponses & co", '"R&AOk-ponses &- co"'),
        ("返信", '"&j9RP4Q-"'),
        ("with space", '"with space"'),
    ],
)
def test_folder_of_any_name_is_opened_H33(server: ImapServer, name: str, sent: str) -> None:
    server.boxes[sent[1:-1].replace('\\"', '"').replace("\\\\", "\\")] = Box(validity=7)
    with session(server) as found:
        assert found.open(name).validity == 7
    assert server.commands("SELECT") == [f"SELECT {sent}"]


@pytest.mark.parametrize("name", ["INBOX\r\nA1 LOGOUT", "a\0b", "a\nb"])
def test_folder_name_carries_no_command_H33(server: ImapServer, name: str) -> None:
    with session(server) as found, pytest.raises(MailboxError):
        found.open(name)
    assert not [line for line in server.heard if line.startswith("A1")]


def test_missing_folder_is_named(server: ImapServer) -> None:
    with session(server) as found, pytest.raises(MailboxRefused, match=r'"Lost".*no such folder'):
        found.open("Lost")


def test_folder_that_may_only_be_read_says_so(server: ImapServer) -> None:
    server.readonly.add("INBOX")
    with session(server) as found, pytest.raises(MailboxRefused, match="only be read") as caught:
        found.open("INBOX")
    assert 'after = "keep"' in caught.value.hint


def test_wrong_password_is_refused_and_shown_nowhere(server: ImapServer) -> None:
    with pytest.raises(LoginRefused) as caught, session(server, secret="wrong-word"):
        pass
    assert "wrong-word" not in f"{caught.value.message} {caught.value.hint} {caught.value!r}"


@pytest.mark.parametrize("secret", ["Pässwort", 'quo"te\\', "pass word"])
def test_password_of_any_letters_is_sent(server: ImapServer, secret: str) -> None:
    server.password = secret if not secret.isascii() else secret.replace("\\", "\\\\").replace('"', '\\"')
    with session(server, secret=secret) as found:
        assert found.open("INBOX").messages == 0


def test_server_that_is_busy_is_tried_later(server: ImapServer) -> None:
    def unavailable(talk: Talk, command: str) -> bool:
        if command == "LOGIN":
            talk.say("* BYE [UNAVAILABLE] come back later")
            talk.hang_up()
        return False

    server.before = unavailable
    with pytest.raises(Dropped), session(server):
        pass


def test_access_token_is_sent_by_xoauth2(server: ImapServer) -> None:
    with session(server, secret="token-1", token=True) as found:
        assert found.open("INBOX").messages == 0
    assert server.commands("AUTHENTICATE") == ["AUTHENTICATE XOAUTH2"]


def test_stale_token_is_a_login_refused(server: ImapServer) -> None:
    with pytest.raises(LoginRefused), session(server, secret="old", token=True):
        pass


def test_no_password_goes_in_the_clear_to_another_machine(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "_is_on_this_machine", lambda client: False)
    with pytest.raises(MailboxRefused, match="security is none"), session(server):
        pass
    assert not server.commands("LOGIN")


def test_server_without_starttls_gets_no_password(server: ImapServer) -> None:
    account = Account("bounces", "127.0.0.1", server.port, Security.STARTTLS, "office")
    with pytest.raises(MailboxError), Session(account, Credential("secret")):
        pass
    assert not server.commands("LOGIN")


def test_literal_of_two_gigabytes_is_not_read_H33(server: ImapServer) -> None:
    uid = server.inbox.add(LETTER)

    def lie(talk: Talk, uid: int) -> bool:
        talk.give(1, uid, LETTER, said=2 << 30)
        return True

    server.vices[uid] = lie
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with session(server) as found:
        found.open("INBOX")
        with pytest.raises(Dropped):
            found.taken([uid], octets=1000)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_size_that_lies_small_ends_where_the_limit_is_H33(server: ImapServer) -> None:
    uid = server.inbox.add(b"x" * (imap_guard.CHATTER + 2000), size=10)
    with session(server) as found:
        found.open("INBOX")
        assert found.described([uid])[0].size == 10
        with pytest.raises(Dropped):
            found.taken([uid], octets=1000)


@pytest.mark.parametrize("said", [0, 1, len(LETTER) - 1, len(LETTER) + 5])
def test_literal_of_a_wrong_size_is_no_message_H33(server: ImapServer, said: int) -> None:
    uid = server.inbox.add(LETTER)

    def lie(talk: Talk, uid: int) -> bool:
        talk.give(1, uid, LETTER, said=said)
        talk.hang_up()
        return True

    server.vices[uid] = lie
    with session(server) as found:
        found.open("INBOX")
        with pytest.raises(Dropped):
            found.taken([uid], octets=1000)


def test_bye_in_the_middle_of_a_message_H33(server: ImapServer) -> None:
    uid = server.inbox.add(LETTER)

    def leave(talk: Talk, uid: int) -> bool:
        talk.send(f"* 1 FETCH (UID {uid} BODY[] {{{len(LETTER)}}}\r\n".encode() + LETTER[:10])
        talk.send(b"\r\n* BYE shutting down\r\n")
        talk.hang_up()
        return True

    server.vices[uid] = leave
    with session(server) as found:
        found.open("INBOX")
        with pytest.raises(Dropped):
            found.taken([uid], octets=1000)
        with pytest.raises(Dropped):  # and the session is over, not half alive
            found.taken([uid], octets=1000)


def test_unsolicited_data_is_let_pass_H33(server: ImapServer) -> None:
    uid = server.inbox.add(LETTER)
    other = server.inbox.add(LETTER + b"2")

    def chatter(talk: Talk, uid: int) -> bool:
        talk.say("* OK [ALERT] the weather is fine")
        talk.say("* 17 EXISTS")
        talk.say("* 1 RECENT")
        talk.say(r"* 2 FETCH (FLAGS (\Seen) UID 2)")
        talk.say(r"* 5 FETCH (FLAGS (\Answered $Junk))")
        talk.say("* NO something is slow")
        talk.say("* FLAGS (\\Seen)")
        talk.say("* VANISHED 3,4")
        return False

    server.vices[uid] = chatter
    with session(server) as found:
        found.open("INBOX")
        assert found.taken([uid], octets=1000) == {uid: LETTER}
        assert found.taken([other], octets=1000) == {other: LETTER + b"2"}


def test_message_of_another_number_is_not_taken_for_it_H33(server: ImapServer) -> None:
    uid = server.inbox.add(LETTER)

    def mistake(talk: Talk, uid: int) -> bool:
        talk.give(1, uid + 98, b"somebody else's")
        return True

    server.vices[uid] = mistake
    with session(server) as found:
        found.open("INBOX")
        assert found.taken([uid], octets=1000) == {}


def endless(talk: Talk) -> None:
    while True:
        talk.send(b"* OK still here, and going on about it\r\n" * 1000)


def nested(talk: Talk) -> None:
    talk.say("* 1 FETCH (UID 1 BODY[] " + "(" * 200_000)


def long_line(talk: Talk) -> None:
    talk.send(b"* OK " + b"x" * 3_000_000)


def no_imap(talk: Talk) -> None:
    talk.say("HTTP/1.1 200 OK")


def broken_fetch(talk: Talk) -> None:
    talk.say("* 1 FETCH (UID one BODY[] ")


def other_tag(talk: Talk) -> None:
    talk.say("ZZZZ99 OK done")


def nothing_but_ends(talk: Talk) -> None:
    talk.hang_up()


VICES = [endless, nested, long_line, no_imap, broken_fetch, other_tag, nothing_but_ends]


def work(server: ImapServer, uid: int) -> None:
    with session(server) as found:
        folder = found.open("INBOX")
        found.listed(folder, after=0)
        found.taken([uid], octets=1000)
        found.mark([uid])
        found.can_wait()


@pytest.mark.parametrize("vice", VICES, ids=lambda vice: str(vice.__name__))
@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN", "SELECT", "UID SEARCH", "UID FETCH", "UID STORE"])
def test_answer_that_is_no_imap_is_one_of_our_errors_H33(
    server: ImapServer, vice: Callable[[Talk], None], command: str
) -> None:
    uid = server.inbox.add(LETTER)

    def before(talk: Talk, heard: str) -> bool:
        if heard == command:
            vice(talk)
            talk.hang_up()
        return False

    server.before = before
    with pytest.raises(MailboxError) as caught:
        work(server, uid)
    assert isinstance(caught.value, MailboxDown | MailboxRefused)
    assert all(letter.isprintable() for letter in caught.value.message)
    assert len(caught.value.message) < 600


def test_greeting_that_trickles_is_cut_off(server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap, "CONNECT_SECONDS", 0.3)
    server.greeting = "* OK " + "x" * 900_000

    def slowly(talk: Talk, line: str | bytes) -> None:
        for _ in range(2000):
            talk.send(b"*")
            time.sleep(0.01)

    monkeypatch.setattr(Talk, "say", slowly)
    begun = time.monotonic()
    with pytest.raises(MailboxDown), session(server):
        pass
    assert time.monotonic() - begun < 5


def test_answer_that_trickles_is_cut_off(server: ImapServer) -> None:
    uid = server.inbox.add(LETTER)

    def slowly(talk: Talk, uid: int) -> bool:
        talk.send(f"* 1 FETCH (UID {uid} BODY[] {{{len(LETTER) * 100}}}\r\n".encode())
        for _ in range(2000):
            talk.send(b"x")
            time.sleep(0.01)
        return True

    server.vices[uid] = slowly
    with session(server) as found:
        found.open("INBOX")
        begun = time.monotonic()
        with pytest.raises(Dropped), found._command("reading", seconds=0.3) as client:
            client.fetch([uid], ["BODY.PEEK[]"])
        assert time.monotonic() - begun < 5


def test_nobody_listens() -> None:
    with ImapServer() as gone:
        port = gone.port
    account = Account("bounces", "127.0.0.1", port, Security.NONE, "office")
    with pytest.raises(MailboxDown, match="refused"), Session(account, Credential("secret")):
        pass


def test_move_without_the_extension_copies_and_deletes_only_these(server: ImapServer) -> None:
    server.capabilities = "IMAP4rev1 UIDPLUS"
    mine, other = server.inbox.add(LETTER), server.inbox.add(LETTER + b"2", flags={"\\Deleted"})
    with session(server) as found:
        found.open("INBOX")
        found.move([mine], "Done")
    assert list(server.inbox.letters) == [other]  # another client's \Deleted is not ours to expunge
    assert len(server.boxes["Done"].letters) == 1


def test_deleting_without_uidplus_expunges_nothing(server: ImapServer) -> None:
    server.capabilities = "IMAP4rev1"
    uid = server.inbox.add(LETTER)
    with session(server) as found:
        found.open("INBOX")
        found.delete([uid])
    assert server.inbox.letters[uid].flags == {"\\Seen", "\\Deleted"}


def test_idle_ends_when_mail_comes(server: ImapServer) -> None:
    with session(server) as found:
        assert found.can_wait()
        found.open("INBOX")
        server.news.set()
        assert found.wait(10.0) is True
        assert found.wait(0.05) is False


def test_size_and_day_of_a_message_are_read_with_doubt_H12(server: ImapServer) -> None:
    wrong = [
        server.inbox.add(LETTER, day=day)
        for day in ("00-Foo-0000 00:00:00 +0000", "99-Foo-99999 99:99:99 +9999", "21-Nov-2026 18:04:00 +0000")
    ]
    with session(server) as found:
        found.open("INBOX")
        days = [one.came_at for one in found.described(wrong)]
    assert days[:2] == [None, None]
    assert days[2] is not None
    assert days[2].isoformat() == "2026-11-21T18:04:00+00:00"
