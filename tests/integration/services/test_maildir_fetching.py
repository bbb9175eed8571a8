"""Reading a Maildir of the settings: once each, whoever flags what meanwhile, and nothing is lost."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from balintmail.config import Settings
from balintmail.db.models import InboundMessage
from balintmail.receiving.maildir import Maildir
from balintmail.services import fetching
from balintmail.services.context import Context
from balintmail.services.fetching import Round
from balintmail.services.imap_fetching import BEGINNING
from balintmail.setting_inbox import Inbox


def letter(number: int) -> bytes:
    return f"From: ada{number}@example.net\nSubject: Letter {number}\n\nHello\n".encode()


class Post:
    """A society whose one mailbox is a Maildir."""

    def __init__(self, context: Context, path: Path, **more: object) -> None:
        self.path = path
        for part in ("tmp", "new", "cur"):
            (path / part).mkdir(parents=True, exist_ok=True)
        box = Inbox.model_validate({"kind": "maildir", "path": str(path)} | more)
        self.ctx = replace(context, settings=Settings(inbox={"office": box}))

    def drop(self, number: int, raw: bytes = b"", place: str = "new") -> Path:
        file = self.path / place / f"{number}.example"
        file.write_bytes(raw or letter(number))
        return file

    def fetch(self) -> Round:
        return fetching.fetch(self.ctx, patience=5.0, seconds=60.0)

    def stored(self) -> list[bytes]:
        with self.ctx.db.read() as tx:
            return [bytes(raw or b"") for raw in tx.scalars(select(InboundMessage.raw).order_by(InboundMessage.id))]

    def files(self) -> list[str]:
        return sorted(str(file.relative_to(self.path)) for file in self.path.rglob("*example*"))


def test_messages_are_stored_and_marked_as_seen(context: Context, tmp_path: Path) -> None:
    post = Post(context, tmp_path / "Maildir")
    post.drop(1)
    post.drop(2, place="cur")  # somebody has looked at it with a mail program already
    assert post.fetch().fetched[0].stored == 2
    assert post.stored() == [letter(1), letter(2)]
    assert post.files() == ["cur/1.example:2,S", "cur/2.example"]
    assert post.fetch().fetched[0].stored == 0


def test_flags_that_others_change_make_no_new_message(context: Context, tmp_path: Path) -> None:
    post = Post(context, tmp_path / "Maildir", after="keep")
    file = post.drop(1)
    post.fetch()
    file.rename(post.path / "cur" / "1.example:2,RS")
    post.drop(2)
    assert post.fetch().fetched[0].stored == 1
    assert post.files() == ["cur/1.example:2,RS", "new/2.example"]


@pytest.mark.parametrize(
    ("after", "files"),
    [
        ("keep", ["new/1.example"]),
        ("seen", ["cur/1.example:2,S"]),
        ("move", [".Read/cur/1.example:2,S"]),
        ("delete", []),
    ],
)
def test_afterwards_it_is_kept_marked_moved_or_deleted(
    context: Context, tmp_path: Path, after: str, files: list[str]
) -> None:
    post = Post(context, tmp_path / "Maildir", after=after, move_to="Read")
    post.drop(1)
    post.fetch()
    assert post.files() == files


@pytest.mark.parametrize("after", ["seen", "move", "delete"])
def test_what_was_stored_but_not_marked_is_marked_by_the_next_fetch(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    post = Post(context, tmp_path / "Maildir", after=after, move_to="Read")
    post.drop(1)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        for name in ("mark", "move", "delete"):
            patched.setattr(Maildir, name, die)
        with pytest.raises(KeyboardInterrupt):
            post.fetch()
    assert post.stored() == [letter(1)]
    assert post.files() == ["new/1.example"]
    assert post.fetch().fetched[0].stored == 0
    assert post.files() != ["new/1.example"]
    assert post.stored() == [letter(1)]


def test_message_that_is_too_large_is_cut_here_and_stays_there_H14(context: Context, tmp_path: Path) -> None:
    post = Post(context, tmp_path / "Maildir", after="delete", largest=100_000)
    big = letter(1) + b"x" * 2_000_000
    post.drop(1, big)
    post.drop(2)
    post.fetch()
    post.fetch()
    assert post.stored() == [big[:BEGINNING], letter(2)]
    assert post.files() == ["cur/1.example:2,S"]


def test_same_message_by_two_ways_is_one(context: Context, tmp_path: Path) -> None:
    post = Post(context, tmp_path / "Maildir")
    post.drop(1)
    post.drop(2, letter(1))
    assert post.fetch().fetched[0].stored == 1
    assert len(post.files()) == 2


@pytest.mark.parametrize(
    "spoil", [lambda path: path.rename(path.with_name("gone")), lambda path: (path / "new").rmdir()]
)
def test_maildir_that_is_not_there_is_told(context: Context, tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    post = Post(context, tmp_path / "Maildir")
    spoil(post.path)
    error = post.fetch().fetched[0].error
    assert error is not None
    assert "is no Maildir" in error.message
