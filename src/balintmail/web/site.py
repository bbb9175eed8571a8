"""What all pages share, made once per process: the surroundings of the use-cases, templates, words and the look.

It answers no request. Templates and words of the instance stand before the shipped ones (docs/templates.md).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from balintmail.catalogue import Catalogue, languages
from balintmail.composing.look import Look, read_look
from balintmail.db import officers
from balintmail.resources import templates_folder
from balintmail.services.context import Context
from balintmail.services.pages import Shelf
from balintmail.services.reading import Bookcase

FOLDER = "web"
ACTOR = "the website"  # who did it, where no person can be named
PICTURES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_CONTACT_SECONDS = 60.0
LARGEST_LOGO = 30_000  # bytes: the pages of one visit weigh under 50 KB in all


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load: its content, its type, and the beginning of its hash, which its address carries."""

    content: bytes
    kind: str

    @property
    def version(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:12]


class Site:
    """The society's site."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        folders = [ctx.folder / "templates", templates_folder()]
        web = [folder / FOLDER for folder in folders]
        self._words = [folder / "words" for folder in web]
        self.languages = languages(self._words)
        self._catalogues = {tag: Catalogue(self._words, tag) for tag in self.languages}
        self.templates = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(web),
            auto_reload=False,  # a changed template counts after a restart
            autoescape=lambda name: name is None or not name.endswith(".css"),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.look = _look(folders, ctx.settings.society.accent)
        self.stylesheet = Asset(self.templates.get_template("site.css").render(look=self.look).encode(), "text/css")
        self.icon = Asset(
            self.templates.get_template("icon.svg").render(look=self.look, letter=self.initial).encode(),
            "image/svg+xml",
        )
        self.logo = _logo(ctx)
        self.pages = Shelf(ctx.folder, prefix=self.prefix, usual=self.usual_language)
        self.bookcase = Bookcase(ctx.folder)
        self._contact, self._contact_until = "", float("-inf")

    @property
    def contact(self) -> str:
        """The Secretary's address, "" while there is none; looked up once a minute."""
        now = self.ctx.clock.monotonic()
        if now >= self._contact_until:
            try:
                with self.ctx.db.read() as tx:
                    found = officers.secretary(tx)
            except SQLAlchemyError:  # the page that says so is shown without the address
                return self._contact
            self._contact, self._contact_until = found.address if found else "", now + _CONTACT_SECONDS
        return self._contact

    @property
    def name(self) -> str:
        return self.ctx.settings.society.name

    @property
    def initial(self) -> str:
        words = self.name.removeprefix("The ").split()
        return words[0][:1].upper() if words else "·"

    @property
    def prefix(self) -> str:
        """The path of the public address, "" for none: where the site lies below another one's root."""
        return urlsplit(self.ctx.settings.society.url).path.rstrip("/")

    @property
    def secure(self) -> bool:
        return self.ctx.settings.society.url.startswith("https:")

    @property
    def usual_language(self) -> str:
        return next(iter(self.ctx.settings.society.languages), "en")

    def catalogue(self, language: str) -> Catalogue:
        """Return the words of one of `languages`."""
        return self._catalogues[language]


def site(request: Request) -> Site:
    """Return the site that `request` was sent to."""
    found = request.app.state.site
    if not isinstance(found, Site):
        raise TypeError("this application has no site")
    return found


def _look(folders: Sequence[Path], accent: str) -> Look:
    """Return the tokens in force; what an instance's older file lacks is the shipped one's."""
    look, shipped = read_look(tuple(folders), accent), read_look((templates_folder(),), accent)
    return Look({**shipped.light, **look.light}, {**shipped.dark, **look.dark}, look.faces, look.measures)


def _logo(ctx: Context) -> Asset | None:
    """Return the society's logo when it is a picture that pages may carry; its words are the society's name."""
    if not ctx.settings.society.logo:
        return None
    path = ctx.folder / ctx.settings.society.logo
    kind = PICTURES.get(path.suffix.lower())
    try:
        content = path.read_bytes() if kind else b""
    except OSError:
        return None
    return Asset(content, kind) if kind and 0 < len(content) <= LARGEST_LOGO else None
