"""Reading mailboxes: stored before anything is flagged there, once whatever repeats, and no message holds another."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from balintmail.config import Security, Settings
from balintmail.db import mailboxes
from balintmail.db.mailboxes import MailboxRow
from balintmail.db.models import InboundMessage, Notice
from balintmail.domain.states import InboundState
from balintmail.receiving.mailbox import MailboxError
from balintmail.services import fetching, imap_fetching
from balintmail.services.context import Context
from balintmail.services.fetching import Round
from balintmail.setting_inbox import Inbox
from tests.conftest import MovableClock
from tests.support.imap_server import Box, ImapServer, Talk
from tests.support.register import a_secretary


def letter(number: int, more: bytes = b"") -> bytes:
    return f"From: ada{number}@example.net\r\nSubject: Letter {number}\r\n\r\nHello\r\n".encode() + more


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as found:
        yield found


@pytest.fixture
def post(context: Context, server: ImapServer) -> "Post":
    return Post(context, server)


class Post:
    """A society whose one mailbox lies on the scripted server."""

    def __init__(self, context: Context, server: ImapServer) -> None:
        self.server = server
        self._context = context
        self.ctx = context
        self.use()

    def use(self, **more: object) -> None:
        """Set the mailbox's settings anew."""
        known = {"host": "127.0.0.1", "port": self.server.port, "security": Security.NONE, "username": "office"}
        box = Inbox.model_validate(known | {"password": "secret"} | more)
        settings = Settings(society=self._context.settings.society, inbox={"bounces": box})
        self.ctx = replace(self._context, settings=settings)

    def fetch(self, *, seconds: float = 60.0) -> Round:
        return fetching.fetch(self.ctx, patience=5.0, seconds=seconds)

    def stored(self) -> list[bytes]:
        """Return the octets of all that is stored, in the order in which it came."""
        with self.ctx.db.read() as tx:
            return [bytes(raw or b"") for raw in tx.scalars(select(InboundMessage.raw).order_by(InboundMessage.id))]

    def rows(self) -> list[tuple[InboundState, str, str]]:
        with self.ctx.db.read() as tx:
            query = select(InboundMessage.state, InboundMessage.place, InboundMessage.remark)
            return [(row[0], row[1], row[2]) for row in tx.execute(query.order_by(InboundMessage.id))]

    def progress(self, folder: str = "INBOX") -> MailboxRow:
        with self.ctx.db.read() as tx:
            found = mailboxes.get(tx, "bounces", folder)
        assert found is not None
        return found

    def notices(self) -> int:
        with self.ctx.db.read() as tx:
            return len(list(tx.scalars(select(Notice.id).where(Notice.template == "mailbox"))))


def test_messages_are_stored_and_marked_as_read(post: Post) -> None:
    uids = [post.server.inbox.add(letter(number)) for number in range(3)]
    done = post.fetch()
    assert [(one.name, one.folder, one.stored, one.error) for one in done.fetched] == [("bounces", "INBOX", 3, None)]
    assert done.read == 3
    assert post.stored() == [letter(number) for number in range(3)]
    assert all(post.server.inbox.letters[uid].flags == {"\\Seen"} for uid in uids)
    assert (post.progress().last_uid, post.progress().validity) == (3, 1)


def test_second_fetch_takes_nothing_twice(post: Post) -> None:
    post.server.inbox.add(letter(1))
    post.fetch()
    post.server.inbox.add(letter(2))
    post.server.heard.clear()
    assert post.fetch().fetched[0].stored == 1
    assert post.stored() == [letter(1), letter(2)]
    assert "UID FETCH 2 (BODY.PEEK[])" in post.server.heard
    assert not [line for line in post.server.heard if line.startswith("UID FETCH 1")]


def test_new_uidvalidity_reads_all_again_and_acts_on_nothing_twice_H33(post: Post) -> None:
    for number in range(3):
        post.server.inbox.add(letter(number))
    post.fetch()
    post.server.inbox.renumber(validity=99)
    post.server.inbox.add(letter(3))
    done = post.fetch()
    assert (done.fetched[0].stored, done.read) == (1, 1)
    assert len(post.stored()) == 4
    assert (post.progress().last_uid, post.progress().validity) == (4, 99)


def test_server_without_lasting_numbers_is_read_from_the_start_each_time(post: Post) -> None:
    post.server.inbox.validity = 0
    post.server.inbox.add(letter(1))
    post.fetch()
    first = post.server.inbox.letters.pop(1)
    post.server.inbox.add(letter(2))
    post.server.inbox.letters[1] = first
    post.fetch()
    assert post.stored() == [letter(1), letter(2)]


def test_what_was_stored_but_not_flagged_is_flagged_by_the_next_fetch(post: Post) -> None:
    """The connection ends between the two; tests/servers/test_dovecot.py kills the process there."""

    def die(talk: Talk, command: str) -> bool:
        if command == "UID STORE":
            talk.hang_up()
        return False

    uid = post.server.inbox.add(letter(1))
    post.server.before = die
    done = post.fetch()
    assert done.fetched[0].error is not None
    assert post.stored() == [letter(1)]
    assert post.server.inbox.letters[uid].flags == set()
    post.server.before = lambda talk, command: False
    assert post.fetch().fetched[0].stored == 0
    assert post.server.inbox.letters[uid].flags == {"\\Seen"}
    assert post.stored() == [letter(1)]


def test_nothing_is_flagged_before_it_is_committed(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def look(talk: Talk, command: str) -> bool:
        if command == "UID STORE":
            seen.append(len(post.stored()))
        return False

    post.server.before = look
    for number in range(3):
        post.server.inbox.add(letter(number))
    monkeypatch.setattr(imap_fetching, "AT_ONCE", 2)
    post.fetch()
    assert seen == [2, 3]


def test_keep_changes_nothing_in_the_mailbox(post: Post) -> None:
    post.use(after="keep")
    uid = post.server.inbox.add(letter(1))
    post.fetch()
    post.fetch()
    assert post.stored() == [letter(1)]
    assert post.server.inbox.letters[uid].flags == set()
    assert post.server.commands("EXAMINE")
    assert not post.server.commands("SELECT")
    assert not post.server.commands("UID STORE")


def test_move_takes_stored_messages_to_a_folder_that_it_makes(post: Post) -> None:
    post.use(after="move", move_to="Read by balintmail")
    post.server.inbox.add(letter(1))
    post.fetch()
    assert post.server.inbox.letters == {}
    assert [one.raw for one in post.server.boxes["Read by balintmail"].letters.values()] == [letter(1)]


def test_delete_happens_only_when_the_settings_say_so(post: Post) -> None:
    post.use(after="delete")
    post.server.inbox.add(letter(1))
    post.fetch()
    assert post.server.inbox.letters == {}
    assert post.stored() == [letter(1)]


@pytest.mark.parametrize("after", ["delete", "move"])
def test_message_that_is_too_large_is_cut_here_and_stays_there_H14(post: Post, after: str) -> None:
    post.use(after=after, move_to="Done", largest=100_000)
    big = letter(1, b"x" * 2_000_000)
    uid = post.server.inbox.add(big)
    post.server.inbox.add(letter(2))
    post.fetch()
    assert post.stored() == [big[: imap_fetching.BEGINNING], letter(2)]
    assert list(post.server.inbox.letters) == [uid]
    assert "the beginning is kept" in post.rows()[0][2]
    assert post.progress().last_uid == 2


def test_size_that_lies_large_loses_nothing_H33(post: Post) -> None:
    post.use(after="delete")
    post.server.inbox.add(letter(1), size=2**40)
    post.fetch()
    assert post.stored() == [letter(1)]
    assert post.rows()[0][2] == ""
    assert post.server.inbox.letters == {}


def test_size_that_lies_small_is_read_within_the_limit_H33(post: Post) -> None:
    big = letter(1, b"y" * 6_000_000)
    post.server.inbox.add(letter(0))
    post.server.inbox.add(big, size=10)
    post.server.inbox.add(letter(2))
    post.fetch()
    assert sorted(map(len, post.stored())) == sorted([len(letter(0)), len(big), len(letter(2))])
    assert post.progress().last_uid == 3


def two_gigabytes(talk: Talk, uid: int) -> bool:
    talk.give(1, uid, b"From: x", said=2 << 30)
    talk.hang_up()
    return True


def bye(talk: Talk, uid: int) -> bool:
    talk.send(f"* 1 FETCH (UID {uid} BODY[] {{500}}\r\nFrom: half of it".encode())
    talk.send(b"\r\n* BYE internal error\r\n")
    talk.hang_up()
    return True


def nothing(talk: Talk, uid: int) -> bool:
    talk.say(f"* 2 FETCH (UID {uid} BODY[] NIL)")
    return True


def silence(talk: Talk, uid: int) -> bool:
    return True


@pytest.mark.parametrize("vice", [two_gigabytes, bye, nothing, silence])
def test_one_message_that_is_not_given_holds_up_no_other_H33(post: Post, vice: Callable[[Talk, int], bool]) -> None:
    for number in range(5):
        post.server.inbox.add(letter(number))
    post.server.vices[2] = vice
    done = post.fetch()
    assert done.fetched[0].error is None
    assert sorted(raw for raw in post.stored() if raw) == sorted(letter(number) for number in (0, 2, 3, 4))
    assert [row[1] for row in post.rows() if row[0] is InboundState.SET_ASIDE] == ["INBOX;1;2"]
    assert post.server.inbox.letters[2].flags == set()
    assert post.progress().last_uid == 5


@pytest.mark.parametrize("vice", [two_gigabytes, bye, nothing])
def test_message_that_was_not_given_is_read_once_the_server_gives_it_H33(
    post: Post, vice: Callable[[Talk, int], bool]
) -> None:
    for number in range(3):
        post.server.inbox.add(letter(number))
    post.server.vices[2] = vice
    post.fetch()
    post.fetch()
    assert len([row for row in post.rows() if row[0] is InboundState.SET_ASIDE]) == 1
    post.server.vices.clear()
    post.fetch()
    assert letter(1) in post.stored()
    assert not [row for row in post.rows() if row[0] is InboundState.SET_ASIDE]
    assert post.server.inbox.letters[2].flags == {"\\Seen"}


def test_message_deleted_while_we_read_is_no_trouble(post: Post) -> None:
    for number in range(3):
        post.server.inbox.add(letter(number))

    def vanish(talk: Talk, uid: int) -> bool:
        post.server.inbox.letters.pop(uid, None)
        return True

    post.server.vices[2] = vanish
    done = post.fetch()
    assert done.fetched[0].error is None
    assert post.stored() == [letter(0), letter(2)]


def test_connection_lost_in_the_middle_goes_on_behind_what_is_stored(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imap_fetching, "AT_ONCE", 2)
    for number in range(6):
        post.server.inbox.add(letter(number))
    left = [2]

    def drop(talk: Talk, uid: int) -> bool:
        if uid == 5 and left[0]:
            left[0] -= 1
            talk.hang_up()
        return False

    post.server.vices[5] = drop
    assert post.fetch().fetched[0].error is None
    assert sorted(post.stored()) == sorted(letter(number) for number in range(6))
    asked = [line.split()[2].split(",") for line in post.server.heard if "BODY.PEEK[]" in line]
    assert sum("1" in uids for uids in asked) == 1


def test_server_that_always_hangs_up_ends_the_run_and_says_so(post: Post) -> None:
    def always(talk: Talk, command: str) -> bool:
        if command == "UID SEARCH":
            talk.hang_up()
        return False

    post.server.inbox.add(letter(1))
    post.server.before = always
    done = post.fetch()
    assert done.fetched[0].error is not None
    assert len(post.server.commands("LOGIN")) <= 3
    assert post.progress().failing_since == post.ctx.clock.now()


def test_flagging_that_is_refused_stops_no_reading(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_fetching, "AT_ONCE", 1)
    post.server.answers["UID STORE"] = "NO [NOPERM] you may not"
    for number in range(3):
        post.server.inbox.add(letter(number))
    done = post.fetch()
    assert done.fetched[0].stored == 3
    assert done.fetched[0].error is not None
    assert "NOPERM" in done.fetched[0].error.message
    post.server.answers.clear()
    assert post.fetch().fetched[0].error is None
    assert all(one.flags == {"\\Seen"} for one in post.server.inbox.letters.values())
    assert len(post.stored()) == 3


def test_several_folders_and_one_of_them_missing(post: Post) -> None:
    post.use(folder=["INBOX", "Lost", "Junk"])
    post.server.boxes["Junk"] = Box(validity=5)
    post.server.inbox.add(letter(1))
    post.server.boxes["Junk"].add(letter(2))
    done = post.fetch()
    assert [(one.folder, one.stored, one.error is None) for one in done.fetched] == [
        ("INBOX", 1, True),
        ("Lost", 0, False),
        ("Junk", 1, True),
    ]


def test_since_leaves_older_mail_alone(post: Post) -> None:
    post.use(since="2026-11-20")
    post.server.inbox.add(letter(1))
    post.fetch()
    assert any("SINCE 20-Nov-2026" in line for line in post.server.commands("UID SEARCH"))


def test_time_that_is_up_leaves_the_rest_for_the_next_fetch(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_fetching, "AT_ONCE", 1)
    for number in range(3):
        post.server.inbox.add(letter(number))
    clock = post.ctx.clock
    assert isinstance(clock, MovableClock)

    def slowly(talk: Talk, uid: int) -> bool:
        clock.forward(timedelta(seconds=100))
        return False

    post.server.vices[2] = slowly
    assert post.fetch(seconds=50).fetched[0].stored == 2
    assert post.fetch(seconds=5000).fetched[0].stored == 1


def test_failure_is_kept_for_doctor_and_told_to_the_secretary_once(post: Post, clock: MovableClock) -> None:
    with post.ctx.db.write() as tx:
        a_secretary(tx)
    post.use(password="wrong")
    post.fetch()
    since = clock.now()
    assert post.notices() == 1  # only somebody can mend a password
    clock.forward(timedelta(hours=2))
    post.fetch()
    assert post.notices() == 1
    row = post.progress()
    assert row.failing_since == since
    assert "does not let us in" in row.error
    assert "wrong" not in row.error
    post.use()
    post.fetch()
    assert (post.progress().failing_since, post.progress().error) == (None, "")
    assert post.progress().read_at == clock.now()


def test_server_that_is_away_is_told_only_after_an_hour(post: Post, clock: MovableClock) -> None:
    with post.ctx.db.write() as tx:
        a_secretary(tx)
    post.use(port=1)
    post.fetch()
    assert post.notices() == 0
    clock.forward(timedelta(minutes=61))
    post.fetch()
    assert post.notices() == 1
    clock.forward(timedelta(days=1))
    post.fetch()
    assert post.notices() == 1


def test_one_process_at_a_time(post: Post) -> None:
    post.server.inbox.add(letter(1))
    with fetching.alone(post.ctx, patience=0.0) as held:
        assert held
        assert fetching.fetch(post.ctx, patience=0.0, seconds=10).busy
    assert not post.fetch().busy


def test_name_that_is_not_set_is_refused_with_those_that_are(post: Post) -> None:
    with pytest.raises(Exception, match="bonuces") as caught:
        fetching.fetch(post.ctx, ["bonuces"], patience=0.0, seconds=10)
    assert "bounces" in str(getattr(caught.value, "hint", ""))


def test_day_that_the_server_gives_is_believed_within_reason_H12(post: Post) -> None:
    now = post.ctx.clock.now()
    for day in ("01-Jan-1980 00:00:00 +0000", "01-Jan-2099 00:00:00 +0000", "20-Nov-2026 10:00:00 +0100"):
        post.server.inbox.add(letter(len(post.server.inbox.letters)), day=day)
    post.fetch()
    with post.ctx.db.read() as tx:
        days = list(tx.scalars(select(InboundMessage.received_at).order_by(InboundMessage.id)))
    assert days[:2] == [now, now]
    assert days[2].isoformat() == "2026-11-20T09:00:00+00:00"


def test_message_is_known_by_its_octets(post: Post) -> None:
    post.server.inbox.add(letter(1))
    post.fetch()
    with post.ctx.db.read() as tx:
        assert tx.scalar(select(InboundMessage.digest)) == hashlib.sha256(letter(1)).digest()


def test_error_never_escapes_a_fetch(post: Post) -> None:
    def nonsense(talk: Talk, command: str) -> bool:
        if command == "SELECT":
            talk.say("* 3 EXISTS")
            talk.say("* OK [UIDVALIDITY zero]")
        return False

    post.server.before = nonsense
    done = post.fetch()
    assert done.fetched[0].error is None or isinstance(done.fetched[0].error, MailboxError)
