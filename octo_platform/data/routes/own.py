"""What a deployment may know of itself: what is offered here, the files of its version, and its log."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from octo import __version__
from octo_platform.data.asked import LARGEST, LARGEST_BODY, LONGEST_WAIT, Asked, Beginning, Here, Most, Name
from octo_platform.data.asker import unknown
from octo_platform.data.shelf import MOST_BYTES
from octo_platform.deployments import releases
from octo_platform.deployments.building import place_of
from octo_platform.flows.archive import unpacked
from octo_platform.problem import Problem
from octo_platform.storage.tables import Bundle, Deployment, Environment, Version

FEATURES = ("key-value", "leases", "queues", "resources", "topics")

routes = APIRouter()


@routes.get("/discovery")
async def discover(here: Here) -> dict[str, Any]:
    """Say what is offered. `version` changes when what there was means something else; features are added."""
    await here.read(lambda _: None)  # who asks wants to know whether it works
    limits = {"value": LARGEST, "body": LARGEST_BODY, "store": MOST_BYTES, "wait": LONGEST_WAIT}
    return {"version": 1, "octo": __version__, "features": FEATURES, "limits": limits}


@routes.get("/resources")
async def list_resources(
    here: Here, prefix: Beginning = "", after: Beginning = "", most: Most = 100
) -> dict[str, list[str] | str]:
    """List the files of the version that the deployment runs."""
    _, files = await _files(here)
    names = sorted(each for each in files if each.startswith(prefix) and each > after)
    return {"names": names[:most], "after": names[most - 1] if len(names) > most else ""}


@routes.get("/resources/content", response_class=Response)
async def read_resource(here: Here, name: Name) -> Response:
    """Send a file of the version that the deployment runs."""
    version, files = await _files(here)
    if name not in files:
        raise Problem("not-found")
    return Response(files[name], media_type="application/octet-stream", headers={"ETag": f'"{version}"'})


async def _files(here: Asked) -> tuple[str, dict[str, bytes]]:
    """The hash and the files. A name with a part that begins with `.` is no resource, as `.env` is not."""
    async with here.plane.database.read() as session:
        row = await _own(here, session)
        release = await releases.release(session, row)
        version = await session.get_one(Version, release.version_id)
        bundle = await session.get_one(Bundle, version.hash)
    found = unpacked(bundle.archive)
    return version.hash, {
        name: content for name, content in found.items() if not any(each[:1] == "." for each in name.split("/"))
    }


@routes.get("/logs")
async def read_logs(here: Here, lines: Annotated[int, Query(ge=1, le=2000)] = 200) -> list[dict[str, str | None]]:
    """Send the last lines that the instances of the deployment wrote, the oldest first."""
    async with here.plane.database.read() as session:
        environment = await session.get_one(Environment, (await _own(here, session)).environment_id)
        place = await place_of(session, environment)
    target = await here.installation.targets.of(place)
    found = target.logs(here.asker.deployment, lines=lines, follow=False)
    return [
        {"at": each.at.isoformat() if each.at else None, "instance": each.instance, "text": each.text}
        async for each in found
    ]


async def _own(here: Asked, session: AsyncSession) -> Deployment:
    row = await session.get(Deployment, here.asker.deployment)
    if row is None or row.wanted == "gone":
        raise unknown()
    return row
