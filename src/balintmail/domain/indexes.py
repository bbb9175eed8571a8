"""Under which letter a name or a title stands in an index, and what of a title counts for its place.

Pure. Accents and capitals make no difference; signs without a letter of their own stand together at the end.
"""

import re

from balintmail.domain.search import folded

OTHERS = "#"  # what begins with a figure, a sign, or one of thousands of Chinese letters
_ARTICLES = {
    "en": "the|a|an", "de": "der|die|das|den|dem|des|ein|eine|einen|einer|eines", "fr": "le|la|les|un|une|des",
    "hu": "a|az|egy", "es": "el|la|los|las|un|una", "it": "il|lo|la|i|gli|le|un|una", "nl": "de|het|een",
}  # fmt: skip
_LEADING = re.compile(r"^[\W_]+")


def initial(text: str) -> str:
    """Return the capital letter under which `text` stands, OTHERS for what has none."""
    first = folded(_LEADING.sub("", text))[:1]
    # Ideographs are letters without a capital; thousands of them make no index.
    return first.upper() if first.isalpha() and first.upper() != first else OTHERS


def sorting_title(title: str, language: str) -> str:
    """Return what of a title counts when titles are put in order: folded, without an article at its beginning."""
    bare = _LEADING.sub("", folded(title))
    articles = _ARTICLES.get(language.partition("-")[0].lower(), "")
    first, _, rest = bare.partition(" ")
    if rest and first in articles.split("|"):
        return rest
    if language.startswith(("fr", "it")) and (found := re.match(r"[ld]['’](?=\w)", bare)):
        return bare[found.end() :]
    return bare
