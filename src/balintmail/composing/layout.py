"""Put a letter's HTML into the layout: Jinja, then MJML, then every style written into its element.

It fetches nothing and adds no address of its own: whatever stands in the result came from the letter, the values or
the template folders, and inert tokens (composing/inert.py) pass through untouched. What a mail needs to hold in
Outlook, at 360 pixels, in the dark and for a screen reader: S27-S29. Its neighbour for the text part is plaintext.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import css_inline
from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError, select_autoescape
from jinja2 import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from mjml import mjml2html

from balintmail.composing.look import TemplateError, read_look, read_words
from balintmail.composing.wrapping import ANY_TOKEN

NEWSLETTER = "newsletter"
# Between these two lines a letter's HTML is set in the tinted box that says whom it is for.
MEMBERS_OPEN = '<div class="members">'
MEMBERS_CLOSE = "</div><!--members-->"

_SLOT = "BODYSLOTBODYSLOT"
_TEXT_WIDTH = "536"  # pixels between the margins of the 600 px column
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur", "yi"})
_STYLE = re.compile(r"<style(?=[ >])")
_TABLE = re.compile(r'<table(?: class="([^"]*)")?')
_HEADER_CELL = re.compile(r"<th(?=[ >])")
_BUTTON = re.compile(r'<p>\s*(<a [^>]*class="(?:[^"]* )?button(?: [^"]*)?"[^>]*>(?:(?!</p>).)*</a>)\s*</p>', re.DOTALL)
_BUTTON_PARTS = re.compile(r'<a [^>]*class="(?:[^"]* )?button(?: [^"]*)?"[^>]*>.*?</a>', re.DOTALL)
_QUIET = re.compile(r'^<a [^>]*class="(?:[^"]* )?quiet[ "]')  # drawn as an outline: not the first thing to do
# A short first cell ("14 January") is kept on one line; a long one must be free to wrap at 360 pixels.
_SHORT_FIRST_CELL = re.compile(r"(<tr>\s*<td)(?=[^>]*>[^<>\n]{1,16}</td>)")
_FOOTNOTE_MARK = re.compile(r">\[(\d+)(?::\d+)?\]</a></sup>")
_PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_PICTURE = re.compile(r"<img (?![^>]*\bwidth=)([^>]*)>")
_SOURCE = re.compile(r'\bsrc="([^"]*)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutValues:
    """What a layout may show. Texts are plain (the layout escapes them) and may hold inert tokens, also in addresses.

    `template` names the folder below `templates/emails/`; `templates` are the folders to look in, the instance's first.
    `pictures` gives the natural width in pixels of a picture by its `src` (`cid:…`), so that Outlook, which knows no
    `max-width`, shows it no wider than the column. An address that is empty is not offered.
    """

    templates: tuple[Path, ...]
    title: str
    society: str
    template: str = NEWSLETTER
    language: str = "en"
    preheader: str = ""
    list_name: str = ""
    number: str = ""
    date: datetime | None = None
    reason: str = ""  # why the reader gets this; empty: the layout's own sentence
    footer: str = ""  # the list's own line
    address: str = ""  # the society's postal address
    contact: str = ""  # the Secretary's address
    accent: str = ""
    logo: str = ""  # `cid:…`
    browser_url: str = ""
    leave_url: str = ""
    preferences_url: str = ""
    archive_url: str = ""
    pictures: Mapping[str, int] = field(default_factory=dict)

    @property
    def edition(self) -> str:
        """The line under the masthead: `Newsletter 84 · November 2026`."""
        named = f"{self.list_name} {self.number}" if self.number.isdigit() else self.list_name
        return " · ".join(part for part in (named, self._month()) if part)

    def _month(self) -> str:
        if self.date is None:
            return ""
        from babel import Locale, UnknownLocaleError  # noqa: PLC0415  (40 ms; only a letter with a date needs it)
        from babel.dates import format_skeleton  # noqa: PLC0415

        try:
            locale = Locale.parse(self.language, sep="-")
        except (UnknownLocaleError, ValueError):
            locale = Locale("en")
        return format_skeleton("yMMMM", self.date, tzinfo=self.date.tzinfo, locale=locale)


@dataclass(frozen=True, slots=True)
class Way:
    """One link of the foot."""

    words: str
    url: str


def render_html(body_html: str, values: LayoutValues) -> str:
    """Return the whole HTML document for a letter's `body_html`, styles inlined.

    Raises TemplateError naming the file and line of a template that is wrong.
    """
    look = read_look(values.templates, values.accent)
    found = shown(values) | {"light": look.light, "dark": look.dark, "faces": look.faces}
    found |= {"measures": look.measures, "slot_body": _SLOT, "preheader": values.preheader or _first_words(body_html)}
    environment = templating(values.templates)
    mjml = render(environment, f"emails/{values.template}/layout.mjml", found)
    css = render(environment, "emails/frame/letter.css", found)
    try:
        framed = mjml2html(mjml, disable_comments=False, fonts={})
    except ValueError as exc:
        raise TemplateError(
            f"emails/{values.template}/layout.mjml is not valid MJML: {exc}.", hint="See docs/templates.md."
        ) from exc
    framed = _STYLE.sub('<style data-css-inline="ignore"', framed)
    if framed.count(_SLOT) != 1:
        raise TemplateError(
            f"emails/{values.template}/layout.mjml puts the letter's text in {framed.count(_SLOT)} places.",
            hint="Write {{ slot_body }} once; see docs/templates.md.",
        )
    whole = framed.replace(_SLOT, _dress(body_html, values))
    inlined = css_inline.inline(whole, extra_css=css, load_remote_stylesheets=False, keep_style_tags=True)
    return inlined.replace(' data-css-inline="ignore"', "")


def shown(values: LayoutValues) -> dict[str, object]:
    """Return the names that every layout template may use (docs/templates.md lists them)."""
    words = read_words(values.templates, values.language)
    why = words.get(f"why_{values.template}", words["why"])
    if not values.list_name:
        why = words.get(f"why_{values.template}_no_list", why)
    ways = (
        Way(words["leave"], values.leave_url),
        Way(words["change"], values.preferences_url),
        Way(words["past"], values.archive_url),
    )
    return {
        "words": words,
        "language": values.language,
        "direction": "rtl" if values.language.partition("-")[0].lower() in _RIGHT_TO_LEFT else "ltr",
        "title": values.title,
        "society": values.society,
        "edition": values.edition,
        "list_name": values.list_name,
        "number": values.number,
        "date": values.date,
        "reason": values.reason or (why.format(list=values.list_name, society=values.society)),
        "footer": values.footer,
        "address": values.address,
        "contact": values.contact,
        "logo": values.logo,
        "browser_url": values.browser_url,
        "leave_url": values.leave_url,
        "preferences_url": values.preferences_url,
        "archive_url": values.archive_url,
        "ways": [way for way in ways if way.url],
    }


def templating(templates: tuple[Path, ...]) -> ImmutableSandboxedEnvironment:
    """Return the environment in which layouts are rendered: sandboxed, strict, the instance's folder first."""
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in templates]),
        autoescape=select_autoescape(enabled_extensions=("mjml", "html"), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(environment: ImmutableSandboxedEnvironment, name: str, values: Mapping[str, object]) -> str:
    """Return the template `name` with `values`; raise TemplateError with the file and line of what is wrong."""
    try:
        return environment.get_template(name).render(values)
    except TemplateSyntaxError as exc:
        raise TemplateError(
            f"{exc.name or name}, line {exc.lineno}: {exc.message}.", hint="See docs/templates.md."
        ) from exc
    except JinjaError as exc:
        raise TemplateError(f"{name}: {exc}.", hint="docs/templates.md lists what a template may use.") from exc


def _dress(body: str, values: LayoutValues) -> str:
    """Give the letter's plain HTML the hooks and the tables that mail programs need."""
    body = _TABLE.sub(lambda found: f'<table class="{" ".join(filter(None, ("facts", found[1])))}"', body)
    body = _HEADER_CELL.sub('<th scope="col"', body)
    body = _SHORT_FIRST_CELL.sub(r'\1 class="short"', body)
    body = _BUTTON.sub(_button, body)
    body = _FOOTNOTE_MARK.sub(r">\1</a></sup>", body)
    body = _PICTURE.sub(lambda found: _sized(found, values.pictures), body)
    label = read_words(values.templates, values.language)["for_members"]
    body = body.replace(
        MEMBERS_OPEN,
        '<table role="presentation" class="members" cellpadding="0" cellspacing="0" width="100%"><tbody><tr>'
        f'<td class="tint"><p class="label">{label}</p>',
    )
    return body.replace(MEMBERS_CLOSE, "</td></tr></tbody></table>")


def _button(found: re.Match[str]) -> str:
    """Return a paragraph of nothing but buttons as tables: Outlook paints cells, not links."""
    return "".join(
        f'<table role="presentation" class="button{" quiet" if _QUIET.search(link[0]) else ""}" cellpadding="0"'
        f' cellspacing="0"><tbody><tr><td>{link[0]}</td></tr></tbody></table>'
        for link in _BUTTON_PARTS.finditer(found[1])
    )


def _sized(found: re.Match[str], pictures: Mapping[str, int]) -> str:
    source = _SOURCE.search(found[1])
    natural = pictures.get(source[1]) if source else None
    if natural is None:
        return found[0]
    return f'<img width="{min(natural, int(_TEXT_WIDTH))}" {found[1]}>'


def _first_words(body: str) -> str:
    """Return the beginning of the first paragraph that reads the same for everybody, as the preview in a list."""
    for found in _PARAGRAPH.finditer(body):
        text = re.sub(r"\s+", " ", _TAG.sub("", found[1])).strip()
        if len(text) > 40 and text.isprintable() and not ANY_TOKEN.search(text):
            return text[:140].rsplit(" ", 1)[0] if len(text) > 140 else text
    return ""
