"""Keep the documents that the society offers on its resources page: slide decks, leaflets, forms, in versions.

Files are checked by their content as papers are (receiving/upload.py) and kept by hash; a version is never changed, a
new one follows it. It deletes nothing: a document that is no longer offered has the visibility `none`.
"""

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balintmail.db import audit, documents
from balintmail.db.documents import DocumentRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.file_names import safe_name
from balintmail.domain.states import Visibility
from balintmail.errors import BalintmailError, Conflict, NotFound
from balintmail.receiving.upload import DOCUMENTS, Kind, UploadRefused, Why, examine
from balintmail.services import files, previews
from balintmail.services.context import Context
from balintmail.services.files import Stored

LARGEST = 50_000_000  # octets; a deck with many pictures has thirty million
LONGEST_TITLE, LONGEST_REMARK, LONGEST_LABEL = 200, 1000, 60
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


class DocumentRefused(BalintmailError):
    """A document cannot be taken as it is."""

    code = "document_refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a document; None leaves a thing as it was."""

    title: str | None = None
    label: str = ""  # of this version
    remark: str | None = None
    language: str | None = None
    visibility: Visibility | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A document with the version that was added; `without` says why there is no preview picture, "" for one."""

    document: DocumentRow
    without: str = ""
    again: bool = False  # the very same file was the newest version already


def add(ctx: Context, path: Path, said: Said, *, slug: str = "") -> Added:
    """Take a file as a new document, or as the next version of the one that `slug`, or else its title, names.

    Raises NotFound for a file that is not there, DocumentRefused, FileRefused, TextRefused, UsageRefused.
    """
    name = safe_name(path.name)
    kind = _kind(path)
    values, label = _values(said), hygiene.one_line(said.label, what="the version", longest=LONGEST_LABEL)
    own = _slug(slug) if slug else _slug_of(values.get("title") or path.stem)
    with ctx.db.read() as tx:
        known = documents.by_slug(tx, own)
    title = values.get("title") or (known.title if known else path.stem.replace("_", " "))
    with path.open("rb") as file:
        kept = files.store(ctx, file, longest=LARGEST)
    if known is not None and known.digest == kept.digest:
        return Added(_changed(ctx, known, values), again=True)
    preview = previews.make(files.path(ctx, kept.digest), kind)
    picture = files.store(ctx, preview.picture) if preview.picture else None
    version = {"label": label, "file_name": name, "kind": kind, "size": kept.size, "digest": kept.digest}
    row = _entered(ctx, own, {**values, "title": title}, version, picture)
    return Added(row, without="" if picture else preview.why)


def edit(ctx: Context, slug: str, said: Said) -> DocumentRow:
    """Change what is said of a document; raise NotFound, TextRefused."""
    with ctx.db.read() as tx:
        row = named(tx, slug)
    return _changed(ctx, row, _values(said))


def named(tx: Tx, slug: str) -> DocumentRow:
    """Return the document of a name; raise NotFound."""
    found = documents.by_slug(tx, slug) if _SLUG.fullmatch(slug) else None
    if found is None:
        raise NotFound(f"There is no document {slug:.60}.", hint="See: balintmail documents list")
    return found


def offered(ctx: Context) -> list[DocumentRow]:
    """Return what the site lists."""
    with ctx.db.read() as tx:
        return documents.shown(tx)


def readable(ctx: Context, slug: str) -> DocumentRow:
    """Return a document that anybody may have; raise NotFound."""
    with ctx.db.read() as tx:
        found = named(tx, slug)
    if found.visibility is not Visibility.PUBLIC:
        raise NotFound(f"There is no document {slug:.60} for everybody.")
    return found


def _entered(
    ctx: Context, slug: str, values: dict[str, Any], version: dict[str, Any], picture: Stored | None
) -> DocumentRow:
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        known = documents.by_slug(tx, slug)
        if known is None:
            document = documents.add(tx, {"slug": slug, "created_at": now, **values})
        else:
            document = known.id
            documents.update(tx, document, values)
        preview = picture.digest if picture else None
        number = documents.add_version(tx, document, {**version, "preview": preview, "at": now, "actor": ctx.actor})
        detail = {"document": slug, "version": number}
        audit.note(tx, "document added", actor=ctx.actor, now=now, detail=detail)
        return named(tx, slug)


def _changed(ctx: Context, row: DocumentRow, values: dict[str, Any]) -> DocumentRow:
    with ctx.db.write() as tx:
        documents.update(tx, row.id, values)
        if values:
            detail = {"document": row.slug, "changed": sorted(values)}
            audit.note(tx, "document changed", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
        return named(tx, row.slug)


def _kind(path: Path) -> str:
    """Return a file's media type by its content."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as exc:
        raise NotFound(f"{path} cannot be read.") from exc
    if len(content) > LARGEST:
        raise DocumentRefused(f"{path.name} is larger than {LARGEST // 1_000_000} MB, the most that is taken.")
    try:
        return examine(path.name, content, DOCUMENTS).media_type
    except UploadRefused as exc:
        taken = ", ".join(f".{ending}" for kind in Kind for ending in kind.endings if kind in DOCUMENTS)
        hint = f"Taken are {taken}." if exc.why in {Why.UNKNOWN, Why.NAME} else ""
        raise DocumentRefused(exc.why.value.format(name=path.name), hint=hint) from exc


def _values(said: Said) -> dict[str, Any]:
    """Return the columns of what was said, clean."""
    values: dict[str, Any] = {}
    if said.title is not None:
        values["title"] = hygiene.one_line(said.title, what="the title", longest=LONGEST_TITLE)
        if not values["title"]:
            raise DocumentRefused("A document has a title.")
    if said.remark is not None:
        values["remark"] = hygiene.one_line(said.remark, what="the remark", longest=LONGEST_REMARK)
    if said.language is not None:
        values["language"] = hygiene.language(said.language) if said.language else ""
    if said.visibility is not None:
        values["visibility"] = said.visibility
    if said.place is not None:
        values["place"] = said.place
    return values


def _slug(text: str) -> str:
    if not _SLUG.fullmatch(text):
        hint = "A name is made of small letters, digits and hyphens: introductory-slides."
        raise Conflict(f'"{text:.60}" is no name of a document.', hint=hint)
    return text


def _slug_of(title: str) -> str:
    """Return the name that a title gives: `Introductory slides` is `introductory-slides`."""
    bare = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")[:60].strip("-") or "document"
