"""The few files that pages load: one style sheet, an icon, the society's logo.

All of them are made when the application starts; a request never reads a path of the disk.
"""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from balintmail.web.access import Kind
from balintmail.web.site import Asset, site

router = APIRouter()


@router.get("/assets/site.css", tags=[Kind.ASSET])
async def stylesheet(request: Request) -> Response:
    """Give the one style sheet."""
    return _give(site(request).stylesheet)


@router.get("/assets/icon.svg", tags=[Kind.ASSET])
async def icon(request: Request) -> Response:
    """Give the picture that browsers show beside the page's title."""
    return _give(site(request).icon)


@router.get("/assets/logo", tags=[Kind.ASSET])
async def logo(request: Request) -> Response:
    """Give the society's logo, where it has one."""
    found = site(request).logo
    if found is None:
        raise HTTPException(404)
    return _give(found)


def _give(asset: Asset) -> Response:
    return Response(asset.content, media_type=asset.kind)
