"""The society's own pages, and the resources: what to read, documents, and the pages that stand in no menu.

The words are the Secretary's, made harmless when they are read (composing/site_page.py). It changes nothing.
Use-cases: services/pages.py, services/reading.py.
"""

from pathlib import Path, PurePosixPath
from urllib.parse import quote

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from balintmail.domain.states import Visibility
from balintmail.errors import NotFound
from balintmail.receiving import upload
from balintmail.services import documents, files, pages
from balintmail.services.context import Context
from balintmail.services.files import FileMissing
from balintmail.services.pages import Page
from balintmail.web.access import Kind
from balintmail.web.named import NamedRoute
from balintmail.web.page import catalogue, render
from balintmail.web.site import PICTURES, site

router = APIRouter(route_class=NamedRoute)


@router.get("/resources", tags=[Kind.PAGE])
def resources(request: Request) -> Response:
    """Show the reading list, the documents, and where else there is something to read."""
    found, language = site(request), catalogue(request).language
    return render(
        request,
        "resources.html",
        own=own_words(request, "resources"),
        reading=found.bookcase.reading_list(),
        documents=[(one, _called(one.kind)) for one in documents.offered(found.ctx)],
        day_of=lambda moment: moment.astimezone(found.ctx.settings.zone).date(),
        others=found.pages.others(language),
    )


@router.get("/pages/{name}", tags=[Kind.PAGE])
def page(request: Request, name: str) -> Response:
    """Show one of the society's own pages; those that are part of another page stand there alone."""
    found = site(request).pages.page(name, catalogue(request).language)
    if found is None or found.path != request.url.path:
        raise NotFound("There is no such page here.")
    return render(request, "page.html", of=found, words_of_page=words_of(found))


@router.get("/pages/pictures/{name}", tags=[Kind.PAGE])
def picture(request: Request, name: str) -> Response:
    """Give a picture of a page."""
    kind = PICTURES.get(PurePosixPath(name).suffix.lower())
    content = pages.picture(site(request).ctx.folder, name) if kind else b""
    if not content:
        raise NotFound("There is no such picture here.")
    return Response(content, media_type=kind, headers={"content-disposition": "inline"})


@router.get("/resources/files/{slug}", tags=[Kind.PAGE])
def document(request: Request, slug: str) -> Response:
    """Give the newest version of a document, to be kept."""
    ctx = site(request).ctx
    found = documents.readable(ctx, slug)
    named = f"attachment; filename*=UTF-8''{quote(found.file_name, safe='')}"
    return FileResponse(_stored(ctx, found.digest), media_type=found.kind, headers={"content-disposition": named})


@router.get("/resources/previews/{slug}", tags=[Kind.PAGE])
def preview(request: Request, slug: str) -> Response:
    """Give the picture of a document's first page."""
    ctx = site(request).ctx
    found = documents.readable(ctx, slug)
    return FileResponse(_stored(ctx, found.preview or ""), media_type="image/png")


def _stored(ctx: Context, digest: str) -> Path:
    try:
        return files.path(ctx, digest)
    except FileMissing as exc:
        raise NotFound("There is no such file here.") from exc


def _called(media_type: str) -> str:
    """Return what people call a kind of file."""
    return next((one.name for one in upload.Kind if one.media_type == media_type), "").replace("MARKDOWN", "Markdown")


def own_words(request: Request, name: str) -> tuple[Page, Markup] | None:
    """Return the Secretary's words for a page that has a place of its own, or None where there are none."""
    found = site(request).pages.page(name, catalogue(request).language)
    return (found, words_of(found)) if found is not None else None


def words_of(found: Page) -> Markup:
    """Return a page's words as HTML, nothing for one that is for members."""
    readable = found.text.visibility is Visibility.PUBLIC
    return Markup(found.text.html if readable else "")  # noqa: S704  (escaped as it was read; no script may run)
