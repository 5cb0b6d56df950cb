"""Whether the platform lives and is ready, and its own description."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from sqlalchemy import text

from octo import __version__
from octo_platform.enclosure.support import Level, level
from octo_platform.options import Options
from octo_platform.web.call import Asked
from octo_platform.web.routing import Routes

routes = Routes("platform")


class Health(BaseModel):
    """ready: whether the database answers. isolation: how far deployments of this machine are kept away from it.

    It is "off" if somebody has chosen so, and "none" if the system cannot do it; None if it deploys elsewhere.
    """

    ready: bool
    version: str
    isolation: Level | None = None


@routes.on("GET", "/health", "health.read")
async def health(call: Asked) -> Health:
    """Say whether it is ready. It asks the database."""
    async with call.read() as session:
        await session.execute(text("SELECT 1"))
    return Health(ready=True, version=__version__, isolation=isolation(call.installation.options))


def isolation(options: Options) -> Level | None:
    """How far deployments of this machine are kept away from the platform."""
    if "local" not in options.targets:
        return None
    return "off" if options.local_isolation == "off" else level()


@routes.on("GET", "/alive", "health.read", status_code=204)
async def alive() -> None:
    """Say that it answers. It asks nobody: what restarts it if it does not shall not do so for want of a database."""


@routes.on("GET", "/openapi.json", "api.read")
async def document(request: Request) -> dict[str, Any]:
    """The description of this API, OpenAPI 3.1."""
    found: dict[str, Any] = request.app.openapi()
    return found
