"""The digital archive of the Journal: volumes, one year, one paper with its citation, authors, titles, and the files.

A paper's address never changes. What is not open yet shows its abstract and not its file. Nothing here knows who reads.
Use-cases: services/journal_shelves.py. The citation_* fields are Highwire Press's, which scholars' search engines read.
"""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from balintmail.domain import citations
from balintmail.domain.archive import ReadingKind, Target
from balintmail.domain.citations import Cited
from balintmail.domain.indexes import initial
from balintmail.domain.journal_issues import pages_shown, slug
from balintmail.services import files
from balintmail.services import journal_shelves as shelves
from balintmail.services.journal_links import issue_words
from balintmail.services.journal_shelves import Paper
from balintmail.web import reading
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.named import NamedRoute
from balintmail.web.page import render
from balintmail.web.pdf import handed_out
from balintmail.web.site import site

router = APIRouter(route_class=NamedRoute)
_LONGEST_LETTER = 2  # characters: one letter, which may be written as two


@router.get("/journal", tags=[Kind.PAGE])
def volumes(request: Request) -> Response:
    """Show every journal issue that is out."""
    return _page(request, "journal.html", volumes=shelves.volumes(site(request).ctx))


@router.get("/journal/authors", tags=[Kind.PAGE])
def authors(request: Request, letter: str = "") -> Response:
    """Show the authors under a letter, each with their papers."""
    index = shelves.authors(site(request).ctx, letter[:_LONGEST_LETTER])
    return _page(request, "journal_index.html", by="authors", index=index)


@router.get("/journal/titles", tags=[Kind.PAGE])
def titles(request: Request, letter: str = "") -> Response:
    """Show the papers whose titles begin with a letter."""
    index = shelves.titles(site(request).ctx, letter[:_LONGEST_LETTER])
    return _page(request, "journal_index.html", by="titles", index=index)


@router.get("/journal/covers/{label}", tags=[Kind.PAGE])
def cover(request: Request, label: str) -> Response:
    """Give the picture of a cover."""
    kind, content = shelves.cover(site(request).ctx, label)
    return Response(content, media_type=kind, headers={"content-disposition": "inline"})


@router.get("/journal/{label}.pdf", tags=[Kind.PAGE])
def whole(request: Request, label: str) -> Response:
    """Give a whole journal issue."""
    ctx = site(request).ctx
    digest, issue = shelves.whole_file(ctx, label)
    return handed_out(files.path(ctx, digest), f"{ctx.settings.journal.name} {issue.label}")


@router.get("/journal/{label}/{slug}.pdf", tags=[Kind.PAGE])
def file(request: Request, label: str, slug: str) -> Response:
    """Give a paper; one that is not open yet is answered with its page."""
    ctx = site(request).ctx
    digest = shelves.file(ctx, label, slug)
    if digest is None:
        return _paper(request, label, slug, status=403)
    return handed_out(files.path(ctx, digest), f"{label} {slug}")


@router.get("/journal/{label}/{slug}.bib", tags=[Kind.PAGE])
def bibtex(request: Request, label: str, slug: str) -> Response:
    """Give a paper's citation as BibTeX."""
    text = citations.bibtex(_cited(request, label, slug))
    return _citation(request, f"{label}-{slug}.bib", "application/x-bibtex; charset=utf-8", text)


@router.get("/journal/{label}/{slug}.ris", tags=[Kind.PAGE])
def ris(request: Request, label: str, slug: str) -> Response:
    """Give a paper's citation as reference programs read it."""
    text = citations.ris(_cited(request, label, slug))
    return _citation(request, f"{label}-{slug}.ris", "application/x-research-info-systems; charset=utf-8", text)


@router.get("/journal/{label}", tags=[Kind.PAGE])
def year(request: Request, label: str) -> Response:
    """Show what came out in a year, or one journal issue of it."""
    return _page(request, "journal_year.html", label=label, opened=shelves.of_label(site(request).ctx, label))


@router.get("/journal/{label}/{slug}", tags=[Kind.PAGE])
def paper(request: Request, label: str, slug: str) -> Response:
    """Show one paper: abstract, citation, and its file where it is open."""
    return _paper(request, label, slug)


@router.post("/journal/{label}/{slug}", tags=[Kind.PAGE])
def mail_link(request: Request, label: str, slug: str, posted: Posted) -> Response:
    """Mail a link to a paper that is not open yet to whoever may read it; say the same to all."""
    found = shelves.paper(site(request).ctx, label, slug)
    target = Target(ReadingKind.ARTICLE, found.article.id)

    def again(form: Form, errors: FormErrors, status: int) -> Response:
        return _paper(request, label, slug, status=status, form=form, errors=errors)

    return reading.answer(request, posted, target, again)


def _paper(request: Request, label: str, slug: str, *, status: int = 200, **more: object) -> Response:
    ctx = site(request).ctx
    found = shelves.paper(ctx, label, slug)
    cited = shelves.cited(ctx, found)
    return _page(
        request,
        "journal_paper.html",
        status=status,
        of=found,
        reference=citations.reference(cited),
        fields=_fields(request, found, cited),
        **more,
    )


def _fields(request: Request, of: Paper, cited: Cited) -> list[tuple[str, str]]:
    """Return the fields of the page's head by which scholars' search engines know the paper; no empty ones.

    Whole addresses alone count there, so without a public address none is named.
    """
    url = site(request).ctx.settings.society.url.rstrip("/")
    here = f"{url}/journal/{of.issue.label}/{of.article.slug}"
    fields = [("citation_title", cited.title)]
    for one in of.authors:
        fields += [("citation_author", one.sort_name or one.name), ("citation_author_institution", one.affiliation)]
    fields += [
        ("citation_publication_date", cited.published.replace("-", "/")),
        ("citation_journal_title", cited.journal),
        ("citation_publisher", cited.publisher),
        ("citation_issn", cited.issn),
        ("citation_volume", cited.volume),
        ("citation_issue", cited.number),
        ("citation_firstpage", cited.first_page),
        ("citation_lastpage", cited.last_page),
        ("citation_doi", cited.doi),
        ("citation_language", cited.language),
        ("citation_abstract_html_url", here if url else ""),
        ("citation_pdf_url", f"{here}.pdf" if url and of.size else ""),
    ]
    return [(name, value) for name, value in fields if value]


def _cited(request: Request, label: str, slug: str) -> Cited:
    ctx = site(request).ctx
    return shelves.cited(ctx, shelves.paper(ctx, label, slug))


def _citation(request: Request, name: str, kind: str, text: str) -> Response:
    """Give a citation as a file that reference programs open."""
    named = f"attachment; filename*=utf-8''{quote(name, safe='')}"
    return PlainTextResponse(text, media_type=kind, headers={"content-disposition": named})


def _page(request: Request, template: str, *, status: int = 200, **values: object) -> Response:
    shared = {
        "journal": site(request).ctx.settings.journal.name,
        "called": issue_words,
        "pages_shown": pages_shown,
        "initial": initial,
        "place": lambda name: "n-" + slug(name, ()),
    }
    return render(request, template, status=status, **shared, **values)
