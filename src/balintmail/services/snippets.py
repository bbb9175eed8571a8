"""Write the form that a society puts on its own pages: plain HTML, no script, nothing loaded from anywhere.

It carries no stamp, since it does not change: what it posts fills in the list's own page (web/join.py), where it is
looked over and sent. It puts nobody on a list.
"""

from html import escape

from balintmail.catalogue import Catalogue
from balintmail.domain.hygiene import language as tag_of
from balintmail.domain.requests import may_be_asked_for
from balintmail.errors import Conflict
from balintmail.resources import templates_folder
from balintmail.services.context import Context
from balintmail.services.lists import named

_WORDS = ("web", "words")


def snippet_of(ctx: Context, slug: str = "", language: str = "") -> str:
    """Return the HTML for a list's form, the default list for ""; raise Conflict where nobody could use it."""
    with ctx.db.read() as tx:
        row = named(tx, slug)
    if not may_be_asked_for(row.policy):
        hint = f"Let people ask: balintmail lists edit {row.slug} --policy approve"
        raise Conflict(f'The list "{row.slug}" is closed, so there is no form for it.', hint=hint)
    if not ctx.settings.society.url:
        raise Conflict("The society has no web address, so a form would lead nowhere.", hint="Set [society] url.")
    spoken = tag_of(language) if language else row.language
    folders = [folder.joinpath(*_WORDS) for folder in (ctx.folder / "templates", templates_folder())]
    words = Catalogue(folders, spoken)
    action = f"{ctx.settings.society.url}/join/{row.slug}?lang={words.language}"
    say = {key: escape(words.say(f"join.{key}")) for key in ("name", "address", "button")}
    mark = f"balintmail-{row.slug}"
    return "\n".join(
        (
            f'<form method="post" action="{escape(action)}" lang="{escape(words.language)}">',
            f'  <p><label for="{mark}-name">{say["name"]}</label><br>',
            f'  <input id="{mark}-name" name="name" autocomplete="name" maxlength="200" required></p>',
            f'  <p><label for="{mark}-address">{say["address"]}</label><br>',
            f'  <input id="{mark}-address" name="address" type="email" autocomplete="email" required></p>',
            f'  <p><button type="submit">{say["button"]}</button></p>',
            "</form>",
        )
    )
