"""Write a page in the visitor's language: templates/web/ with the words, dates and links that every page has.

Everything that is put into a page is escaped, whoever wrote it. It decides nothing and reads no database.
"""

from urllib.parse import urlencode

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from balintmail.catalogue import Catalogue, fill
from balintmail.services.founding_pages import SHIPPED
from balintmail.services.pages import Page
from balintmail.web.forms import STAMP, TRAP, Form, FormErrors, form_token
from balintmail.web.site import site
from balintmail.web.visitor import visitor

_NO_LETTERS = {code: "\ufffd" for code in range(0x20) if chr(code) not in "\t\n\r"}
LANGUAGE = "lang"  # the parameter with which a visitor chooses a language


def render(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Return the page that `template` makes of `values`.

    Every template has besides them: `say(KEY, …)` and `words` (the catalogue), `day`, `moment` and `number`,
    `link(PATH)`, `society`, `menu` (the society's own pages), `title_of(PAGE)`, `language`, `form` and `errors` (empty
    unless given), and `stamp(FORM)` for the hidden field.
    """
    found = site(request)
    words = catalogue(request)
    posted = values.get("form")
    # A form that comes back to be put right was handed out before: one field is mended in less than no time.
    kept_stamp = posted.text(STAMP) if isinstance(posted, Form) and values.get("errors") else ""
    shared: dict[str, object] = {
        "say": Speaker(words),
        "words": words,
        "day": words.day,
        "moment": lambda value: words.moment(value, found.ctx.settings.zone),
        "number": words.number,
        "link": lambda path: link(request, path),
        "language": words.language,
        "direction": words.direction,
        "switch": [(tag, words.name_of_language(tag), _switched(request, tag)) for tag in found.languages],
        "society": found.name,
        "site": found,
        "here": request.url.path,
        "menu": found.pages.menu(words.language),
        "title_of": lambda page: title_of(request, page),
        "stamp": lambda form: kept_stamp or form_token(request, form),
        "stamp_field": STAMP,
        "trap_field": TRAP,
        "form": Form(),
        "errors": FormErrors(),
    }
    # What a form shows again may hold what no page can: HTML knows no control characters (A9 to A11, A15).
    text = found.templates.get_template(template).render({**shared, **values}).translate(_NO_LETTERS)
    return HTMLResponse(text, status_code=status, headers={"Content-Language": words.language})


def catalogue(request: Request) -> Catalogue:
    """Return the words in the visitor's language."""
    return site(request).catalogue(visitor(request).language)


def link(request: Request, path: str) -> str:
    """Return the address of a page of this site; it keeps the language that the visitor chose."""
    found, who = site(request), visitor(request)
    if not who.chose_language:
        return f"{found.prefix}{path}"
    return f"{found.prefix}{path}{'&' if '?' in path else '?'}{urlencode({LANGUAGE: who.language})}"


def title_of(request: Request, page: Page) -> str:
    """Return what a page of the society's is called: in the visitor's language where its title is the shipped one."""
    ours = not page.language and SHIPPED.get(page.name) == page.text.title
    return say(request, f"pages.{page.name}") if ours else page.text.title


def say(request: Request, key: str, **values: object) -> str:
    """Return plain words for a message that a route gives to a page."""
    return catalogue(request).say(key, **values)


class Speaker:
    """`say` as templates have it: the words are escaped, and so is every value that is not markup already."""

    def __init__(self, words: Catalogue) -> None:
        self._words = words

    def __call__(self, key: str, **values: object) -> Markup:
        safe = {name: self._value(value) for name, value in values.items()}
        # The words themselves hold no markup, so escaping them first leaves their places as they are.
        return Markup(fill(escape(self._words.words(key, values.get("count"))), safe))  # noqa: S704  (all is escaped)

    def _value(self, value: object) -> str:
        return str(escape(value)) if isinstance(value, Markup) else str(escape(self._words.written(value)))


def _switched(request: Request, tag: str) -> str:
    """Return this page's address in another language, without anything else that stood behind its question mark."""
    return f"{site(request).prefix}{request.url.path}?{urlencode({LANGUAGE: tag})}"
