"""The outbox: a Maildir whose rename is the dot and whose repeat is harmless."""

import mailbox
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from balintmail.domain.outcome import Stage, Verdict
from balintmail.errors import NotFound
from balintmail.sending import outbox
from balintmail.sending.outbox import OutboxTransport, clear, letters, read_letter
from balintmail.sending.transport import TransportDown
from tests.support.sending import Recorder, letter, run, send


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@contextmanager
def files_at_most(octets: int) -> Iterator[None]:
    """Let no file grow beyond so many octets: what a full disk feels like."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_outbox_keeps_every_letter_byte_for_byte_under_its_delivery_id(folder: Path) -> None:
    outcomes = run(send(OutboxTransport(folder), [letter(7), letter(12)]))
    assert [(o.verdict, o.stage, o.relay) for o in outcomes] == [(Verdict.ACCEPTED, Stage.DOT, "outbox")] * 2
    assert files(folder) == ["new/12", "new/7"]
    assert (folder / "new" / "7").read_bytes() == letter(7).data
    assert len(mailbox.Maildir(folder, create=False)) == 2


def test_outbox_is_for_its_owner_alone(folder: Path) -> None:
    run(send(OutboxTransport(folder), [letter(1)]))
    modes = {path.relative_to(folder): stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}
    assert {mode for path, mode in modes.items() if (folder / path).is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if (folder / path).is_file()} == {0o600}


def test_held_letter_lies_in_tmp_until_release(folder: Path) -> None:
    async def work() -> None:
        transport, events = OutboxTransport(folder), Recorder(release=False)
        lane = await transport.open(events)
        events.call(lane.begin, letter(1))
        await events.until(lambda: events.held_deliveries == [1])
        assert files(folder) == ["tmp/1"]
        events.call(lane.release)
        await events.until(lambda: len(events.outcomes) == 1)
        assert files(folder) == ["new/1"]
        lane.begin(letter(2))
        with pytest.raises(RuntimeError):
            lane.begin(letter(3))
        await transport.close()

    run(work())


def test_aborted_letter_is_not_sent_and_leaves_nothing(folder: Path) -> None:
    async def work() -> None:
        transport, events = OutboxTransport(folder), Recorder(release=False)
        lane = await transport.open(events)
        lane.begin(letter(1))
        await events.until(lambda: events.held_deliveries == [1])
        events.call(lane.abort)
        events.call(lane.release)
        await events.until(lambda: len(events.outcomes) == 1)
        assert events.last.verdict is Verdict.NOT_SENT
        assert lane.closed
        await lane.close()
        assert files(folder) == []
        await transport.close()

    run(work())


def test_abort_and_close_while_the_letter_is_being_written_leave_nothing(folder: Path) -> None:
    async def work() -> None:
        transport, events = OutboxTransport(folder), Recorder(release=False)
        lane = await transport.open(events)
        events.call(lane.begin, letter(1))
        events.call(lane.abort)
        await events.until(lambda: len(events.outcomes) == 1)
        assert events.last.verdict is Verdict.NOT_SENT
        other = await transport.open(events)
        other.begin(letter(2))
        await other.close()
        await events.until(lambda: len(events.outcomes) == 2)
        assert files(folder) == []
        await transport.close()

    run(work())


def test_repeat_of_a_delivery_is_harmless(folder: Path) -> None:
    for _ in range(3):
        assert run(send(OutboxTransport(folder), [letter(5)]))[0].verdict is Verdict.ACCEPTED
    assert files(folder) == ["new/5"]


@pytest.mark.parametrize("name", ["5", "5:2,", "5:2,S"])
def test_repeat_of_a_letter_that_was_read_meanwhile_is_harmless(name: str, folder: Path) -> None:
    run(send(OutboxTransport(folder), [letter(5)]))
    (folder / "new" / "5").rename(folder / "cur" / name)
    assert run(send(OutboxTransport(folder), [letter(5)]))[0].verdict is Verdict.ACCEPTED
    assert files(folder) == [f"cur/{name}"]


def test_leftover_in_tmp_from_a_killed_process_is_written_over(folder: Path) -> None:
    (folder / "tmp").mkdir(parents=True)
    (folder / "tmp" / "5").write_bytes(b"half a letter that is longer than the whole" * 100)
    run(send(OutboxTransport(folder), [letter(5)]))
    assert (folder / "new" / "5").read_bytes() == letter(5).data
    assert files(folder) == ["new/5"]


def test_following_goes_through_the_same_pen(folder: Path) -> None:
    async def work() -> None:
        transport, events = OutboxTransport(folder), Recorder(release=False)
        lane = await transport.open(events)
        lane.begin(letter(1))
        await events.until(lambda: events.held_deliveries == [1])
        assert lane.can_follow
        events.call(lane.release, letter(2))
        await events.until(lambda: events.held_deliveries == [1, 2])
        events.call(lane.release, letter(3, "ü\r\n".encode()))
        await events.until(lambda: len(events.outcomes) == 3)
        assert [(number, o.verdict) for number, o in events.outcomes] == [
            (1, Verdict.ACCEPTED),
            (2, Verdict.ACCEPTED),
            (3, Verdict.REFUSED),
        ]
        await transport.close()

    run(work())


def test_full_disk_defers_that_letter_and_closes_the_lane(folder: Path) -> None:
    async def work() -> None:
        transport, events = OutboxTransport(folder), Recorder()
        lane = await transport.open(events)
        with files_at_most(1000):
            outcome = await events.one(lane, letter(1, b"long\r\n" * 1000))
        assert (outcome.verdict, outcome.stage) == (Verdict.DEFERRED, Stage.BODY)
        assert "the outbox cannot be written" in outcome.reply
        assert lane.closed
        assert files(folder) == []
        again = await transport.open(events)
        assert (await events.one(again, letter(2))).verdict is Verdict.ACCEPTED
        await transport.close()

    run(work())


def test_full_disk_at_the_start_is_down_with_a_clear_word(folder: Path) -> None:
    async def work() -> None:
        with files_at_most(0), pytest.raises(TransportDown) as caught:
            await OutboxTransport(folder).open(Recorder())
        assert caught.value.outcome.verdict is Verdict.DEFERRED
        assert "outbox" in caught.value.message
        assert files(folder) == []

    run(work())


def test_folder_that_vanishes_defers_and_is_made_again(folder: Path) -> None:
    async def work() -> None:
        transport, events = OutboxTransport(folder), Recorder(release=False)
        lane = await transport.open(events)
        lane.begin(letter(1))
        await events.until(lambda: events.held_deliveries == [1])
        (folder / "new").rename(folder / "gone")
        events.call(lane.release)
        await events.until(lambda: len(events.outcomes) == 1)
        assert events.last.verdict is Verdict.DEFERRED
        await transport.close()
        assert (await send(transport, [letter(1)]))[0].verdict is Verdict.ACCEPTED

    run(work())


def test_folder_inside_a_missing_instance_is_down(tmp_path: Path) -> None:
    async def work() -> None:
        with pytest.raises(TransportDown):
            await OutboxTransport(tmp_path / "nowhere" / "outbox").open(Recorder())

    run(work())


def test_file_in_the_folders_place_is_down(folder: Path) -> None:
    folder.write_text("not a folder")

    async def work() -> None:
        with pytest.raises(TransportDown):
            await OutboxTransport(folder).open(Recorder())

    run(work())


def test_tmp_file_that_is_a_link_is_never_followed(folder: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder / "tmp").mkdir(parents=True)
    (folder / "tmp" / "1").symlink_to(victim)
    outcome = run(send(OutboxTransport(folder), [letter(1)]))[0]
    assert outcome.verdict is Verdict.DEFERRED
    assert victim.read_text() == "precious"


def test_many_lanes_write_side_by_side(folder: Path) -> None:
    async def work() -> None:
        transport, events = OutboxTransport(folder), Recorder()
        lanes = [await transport.open(events) for _ in range(outbox.MAX_LANES)]
        for number, lane in enumerate(lanes, start=1):
            events.call(lane.begin, letter(number))
        await events.until(lambda: len(events.outcomes) == len(lanes))
        assert {outcome.verdict for _, outcome in events.outcomes} == {Verdict.ACCEPTED}
        await transport.close()

    run(work())
    assert len(files(folder)) == outbox.MAX_LANES


# What the command shows


def test_letters_are_listed_by_delivery_with_readable_headers(folder: Path) -> None:
    run(send(OutboxTransport(folder), [letter(10), letter(9)]))
    subject = (
        "Subject: =?utf-8?q?B=C3=A1lint?=\r\nTo: =?utf-8?b?5p2OIOaYjg==?= <li@example.org>\r\nMessage-ID: <x@y>\r\n\r\n"
    )
    (folder / "new" / "9").write_bytes(subject.encode())
    found = letters(folder)
    assert [item.file for item in found] == ["new/9", "new/10"]
    assert (found[0].subject, found[0].to, found[0].message_id) == ("Bálint", "li@example.org", "<x@y>")


def test_letters_of_a_folder_that_is_not_there_are_none(folder: Path) -> None:
    assert letters(folder) == []
    assert clear(folder) == 0


@pytest.mark.parametrize("name", ["5", "new/5"])
def test_read_letter_takes_file_or_delivery_id(name: str, folder: Path) -> None:
    run(send(OutboxTransport(folder), [letter(5)]))
    assert read_letter(folder, name) == letter(5).data


@pytest.mark.parametrize("name", ["6", "../secrets.toml", "", "new/../../secrets.toml", "/etc/passwd", "tmp/5"])
def test_read_letter_of_another_name_is_not_found(name: str, folder: Path) -> None:
    run(send(OutboxTransport(folder), [letter(5)]))
    (folder.parent / "secrets.toml").write_text("x")
    with pytest.raises(NotFound):
        read_letter(folder, name)


def test_clear_removes_the_letters_and_says_how_many(folder: Path) -> None:
    run(send(OutboxTransport(folder), [letter(1), letter(2)]))
    assert clear(folder) == 2
    assert letters(folder) == []
    assert run(send(OutboxTransport(folder), [letter(3)]))[0].verdict is Verdict.ACCEPTED
