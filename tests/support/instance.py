"""An instance as a test outside the project knows it: a folder, and the command line."""

from pathlib import Path

from tests.support.command import Finished, call

LETTER = """---
title: "{title}"
number: {number}
---

Dear {{{{ person.name | default("reader") }}}},

{body}
"""


class Instance:
    """An instance that is called as a test outside the project calls it: by the command line alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *args: str | Path) -> Finished:
        return call("-C", self.folder, *args)

    def write(self, number: int | str = 84, title: str = "News", body: str = "The next meeting is in spring.") -> Path:
        path = self.folder / "newsletter.md"
        path.write_text(LETTER.format(title=title, number=number, body=body), "utf-8")
        return path

    def send(self, *more: str) -> Finished:
        return self("send", self.folder / "newsletter.md", *more)

    def letters(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted((self.folder / "outbox" / "new").iterdir())]

    def use_relay(self, port: int, more: str = "") -> None:
        """Add the three lines of a relay."""
        with (self.folder / "balintmail.toml").open("a", encoding="utf-8") as file:
            file.write(f'\n[relays.main]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n{more}')
