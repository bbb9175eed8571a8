"""A Markdown reader with the plugins that letters use, for tests of the rooms behind it."""

from markdown_it import MarkdownIt
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin


def reader() -> MarkdownIt:
    """Return a fresh reader; HTML in a letter passes, so that the worst case is seen."""
    found = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return found.use(footnote_plugin).use(deflist_plugin).use(attrs_plugin)
