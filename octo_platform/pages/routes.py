"""The routes of the pages. They tell nothing that is not in the package, so everybody may see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request, Response

from octo_platform.pages import shelf
from octo_platform.pages.shelf import Item
from octo_platform.problem import Problem

_READS = ["GET", "HEAD"]


def router() -> APIRouter:
    """Routes for each page, and for the files that pages are made of."""
    made = APIRouter()
    for path, page in shelf.pages().items():
        made.add_route(path, _sends(page), _READS, include_in_schema=False)
    made.add_route("/pages/{path:path}", _finds(shelf.static()), _READS, include_in_schema=False)
    return made


def _sends(page: Item) -> Callable[[Request], Awaitable[Response]]:
    async def send(request: Request) -> Response:
        return _answer(request, page)

    return send


def _finds(items: Mapping[str, Item]) -> Callable[[Request], Awaitable[Response]]:
    async def find(request: Request) -> Response:
        found = items.get(request.path_params["path"])
        if found is None:
            raise Problem("not-found")
        return _answer(request, found)

    return find


def _answer(request: Request, found: Item) -> Response:
    """Asked again each time, so that a page and its scripts are always of one release; mostly the answer is 304."""
    headers = {"ETag": found.etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media, headers=headers)
