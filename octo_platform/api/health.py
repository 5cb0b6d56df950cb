"""Whether the platform lives and is ready, and its own description."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy import text

from octo import __version__
from octo_platform.web.call import Asked
from octo_platform.web.routing import Routes

routes = Routes("platform")


class Health(BaseModel):
    """ready: whether the database answers."""

    ready: bool
    version: str


@routes.on("GET", "/health", "health.read")
async def health(call: Asked) -> Health:
    """Say whether it is ready. It asks the database."""
    async with call.read() as session:
        await session.execute(text("SELECT 1"))
    return Health(ready=True, version=__version__)


@routes.on("GET", "/alive", "health.read", status_code=204)
async def alive() -> None:
    """Say that it answers. It asks nobody: what restarts it if it does not shall not do so for want of a database."""


@routes.on("GET", "/openapi.json", "api.read")
async def document(request: Request) -> dict[str, Any]:
    """The description of this API, OpenAPI 3.1."""
    found: dict[str, Any] = request.app.openapi()
    return found
