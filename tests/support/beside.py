"""What the site gives beside its pages: feeds, pictures, files to keep, and what the buttons of a draft do.

`tests/support/pages.py` furnishes the pages themselves.
"""

import io
import re
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
from PIL import Image
from reportlab.pdfgen import canvas
from starlette.testclient import TestClient

from balintmail.db.models_pages import DocumentVersion
from balintmail.services import documents, duties, files, past_newsletters
from balintmail.services.context import Context
from balintmail.services.documents import Said
from balintmail.services.past_newsletters import Order
from tests.support import copy_desk
from tests.support.pages import Pages


def beside(ctx: Context, client: TestClient, pages: Pages) -> dict[str, str]:
    """Furnish what is no page; return a path for the pattern of each route that gives it."""
    listed, newsletter, release = "/newsletters/{slug}", "/newsletters/{slug}/{number}", "/release/{token}"
    paper = "/journal/{label}/{slug}"
    shown = re.search(r'src="(?:https://[^/]+)?(/newsletters/[^"]+)"', client.get(pages.paths[newsletter]).text)
    assert shown is not None
    picture = shown[1].rpartition("/")[2]
    paths = {
        f"{listed}/atom.xml": f"{pages.paths[listed]}/atom.xml",
        f"{newsletter}/pictures/{{identity}}": shown[1],
        f"{newsletter}/file": old_newsletter(ctx),
        "/copies/{token}/pictures/{identity}": copy_desk.reading(ctx, "84", pages.person) + "/pictures/" + picture,
        "/calendar/{token}.ics": urlsplit(duties.address(ctx)).path,
        "/pages/pictures/{name}": page_picture(ctx),
        "/journal/covers/{label}": "/journal/covers/2020",
        "/journal/{label}.pdf": "/journal/2020.pdf",
        **{f"{paper}.{kind}": f"{pages.paths[paper]}.{kind}" for kind in ("pdf", "bib", "ris")},
        "/papers/decide/{token}/files/{position}": f"{pages.paths['/papers/decide/{token}']}/files/1",
        **{f"{release}/{below}": f"{pages.paths[release]}/{below}" for below in ("test", "back", "drop")},
    }
    slug = document(ctx)
    return paths | {f"/resources/{kind}/{{slug}}": f"/resources/{kind}/{slug}" for kind in ("files", "previews")}


def old_newsletter(ctx: Context) -> str:
    """Take in a newsletter of earlier years that is a PDF; return the path of its file."""
    path = _pdf(ctx.folder / "number 12, 2019-03-01.pdf")
    (taken,) = past_newsletters.take_in(ctx, Order(path, list="newsletter", write=True))
    assert taken.result is past_newsletters.Result.NEW
    return "/newsletters/newsletter/12/file"


def document(ctx: Context) -> str:
    """Offer a document with a picture of its first page, whatever paints pictures here; return its name."""
    row = documents.add(ctx, _pdf(ctx.folder / "group-work.pdf"), Said(title="Group work")).document
    picture = files.store(ctx, _picture())
    with ctx.db.write() as tx:
        of_it = sa.update(DocumentVersion).where(DocumentVersion.document_id == row.id)
        tx.execute(of_it.values(preview=picture.digest))
    return row.slug


def page_picture(ctx: Context) -> str:
    """Lay a picture into the pages' folder; return its path."""
    folder = ctx.folder / "pages" / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "group.png").write_bytes(_picture())
    return "/pages/pictures/group.png"


def _pdf(path: Path) -> Path:
    page = canvas.Canvas(str(path))
    page.drawString(72, 700, "Anxiety and defence in the group")
    page.save()
    return path


def _picture() -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (4, 4), "teal").save(kept, "PNG")
    return kept.getvalue()
