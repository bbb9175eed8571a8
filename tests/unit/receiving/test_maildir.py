"""Reading Maildirs: messages alone, no links or pipes, nothing changed unless told, odd names."""

import os
from pathlib import Path

import pytest

from balintmail.receiving.mailbox import MailboxRefused
from balintmail.receiving.maildir import Maildir, make

LETTER = b"From: ada@example.net\n\nHello\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    return tmp_path / "Maildir"


def names(box: Maildir) -> list[str]:
    return [piece.name for piece in box.pieces()]


def test_messages_of_new_and_cur_are_listed_and_those_being_written_are_not(path: Path) -> None:
    for name in ("new/2.b", "new/1.a", "cur/3.c:2,RS", "tmp/4.d", "new/.hidden"):
        (path / name).write_bytes(LETTER)
    assert names(Maildir(path)) == ["1.a", "2.b", "3.c"]


def test_marking_moves_to_cur_with_the_flag_and_keeps_the_others(path: Path) -> None:
    (path / "new" / "1.a").write_bytes(LETTER)
    (path / "new" / "2.b:2,F").write_bytes(LETTER)
    box = Maildir(path)
    for piece in list(box.pieces()):
        box.mark(piece)
    assert sorted(one.name for one in (path / "cur").iterdir()) == ["1.a:2,S", "2.b:2,FS"]
    assert names(box) == ["1.a", "2.b"]


def test_message_is_moved_into_a_folder_of_the_same_maildir(path: Path) -> None:
    (path / "new" / "1.a").write_bytes(LETTER)
    box, target = Maildir(path), make(path, "Read/By us")
    box.move(next(box.pieces()), target)
    assert (path / ".Read.By us" / "cur" / "1.a:2,S").read_bytes() == LETTER
    assert names(box) == []
    assert names(Maildir(path, "Read/By us")) == ["1.a"]


def test_message_that_has_gone_meanwhile_is_let_go(path: Path) -> None:
    (path / "new" / "1.a").write_bytes(LETTER)
    box = Maildir(path)
    piece = next(box.pieces())
    piece.path.unlink()
    assert box.content(piece, largest=100, beginning=10) is None
    box.mark(piece)
    box.delete(piece)


def test_links_pipes_and_folders_are_no_messages(path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"root:x:0:0")
    (path / "new" / "1.link").symlink_to(secret)
    os.mkfifo(path / "new" / "2.pipe")
    (path / "new" / "3.folder").mkdir()
    box = Maildir(path)
    assert [box.content(piece, largest=100, beginning=10) for piece in box.pieces()] == [None, None, None]


def test_beginning_alone_is_read_of_what_is_too_large_H14(path: Path) -> None:
    (path / "new" / "1.a").write_bytes(b"x" * 1000)
    box = Maildir(path)
    content = box.content(next(box.pieces()), largest=999, beginning=10)
    assert content is not None
    assert (content.raw, content.size) == (b"x" * 10, 1000)


def test_name_that_is_no_utf8_is_read(path: Path) -> None:
    (path / "new" / os.fsdecode(b"1.\xff\xfe")).write_bytes(LETTER)
    box = Maildir(path)
    [piece] = box.pieces()
    assert piece.name.isascii()
    content = box.content(piece, largest=1000, beginning=10)
    assert content is not None
    assert content.raw == LETTER
    box.mark(piece)
    assert len(list((path / "cur").iterdir())) == 1


@pytest.mark.parametrize("folder", ["", "..", "../..", "a/../b", "a..b", "\0", "."])
def test_folder_cannot_lead_out(path: Path, folder: str) -> None:
    with pytest.raises(MailboxRefused):
        Maildir(path, folder)


def test_what_is_no_maildir_is_named(tmp_path: Path) -> None:
    with pytest.raises(MailboxRefused, match="is no Maildir"):
        Maildir(tmp_path)
