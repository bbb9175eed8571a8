"""Make the HTML of a stranger's letter harmless: words, links and tables stay; scripts, pictures, styles and forms go.

The cleaning is nh3's (Ammonia), which parses as browsers do. The page that it stands in forbids whatever might be left,
by its Content-Security-Policy; nothing in it is fetched from anywhere, so no sender learns that it was read.
"""

import base64
import hashlib
import html
import re

import nh3

LONGEST = 1_000_000  # characters of HTML that are cleaned
_TAGS = set(
    re.findall(
        r"\S+",
        "a abbr b blockquote br caption center code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins li ol p pre q "
        "s small span strong sub sup table tbody td tfoot th thead tr u ul",
    )
)
_GONE_WITH_CONTENT = {"script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math", "textarea"}
_ATTRIBUTES: dict[str, set[str]] = {
    "*": set(),
    "a": {"href"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "ol": {"start"},
}
_STYLE = (
    "body{font:17px/1.5 sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1c2429;background:#fbfaf7}"
    "pre{white-space:pre-wrap}blockquote{border-left:3px solid #d8d3c6;margin-left:0;padding-left:1rem}"
    "dt{float:left;clear:left;width:6rem;color:#56616a}dd{margin-left:6rem}"
)


def clean(markup: str) -> str:
    """Return what a reader may see of `markup`, its first LONGEST characters."""
    return nh3.clean(
        markup[:LONGEST],
        tags=_TAGS,
        clean_content_tags=_GONE_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )


def page(title: str, facts: list[tuple[str, str]], cleaned: str) -> str:
    """Return a page that shows cleaned HTML under a few facts, and can load or run nothing."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(text)}</dd>" for name, text in facts)
    return (
        '<!doctype html>\n<html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{html.escape(title)}</h1><dl>{rows}</dl><hr>\n{cleaned}\n</body></html>\n"
    )
