"""The application of deployments: each token reaches only what its deployment keeps.

It listens apart from the API: flows, and whoever takes one over, never reach what people and administrators use.
"""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from sqlalchemy import select

from octo import __version__
from octo_platform.auth import tokens
from octo_platform.data import entries
from octo_platform.deployments import releases
from octo_platform.flows.archive import unpacked
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.tables import Bundle, Deployment, Version

PREFIX = "/data/v1"
VERSION = "X-Object-Version"

Namespace = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]
Key = Annotated[str, Path(max_length=500)]
Expected = Annotated[int | None, Header(alias=VERSION, ge=0, le=2**62)]
_BEARER = re.compile(r"Bearer ([\x21-\x7e]{1,200})", re.IGNORECASE)

routes = APIRouter()


async def deployment_of(request: Request) -> Deployment:
    """The deployment whose token it is. Raises `Problem`."""
    installation: Installation = request.app.state.installation
    match = _BEARER.fullmatch(request.headers.get("authorization", ""))
    if match is not None:
        query = select(Deployment).where(Deployment.token_hash == tokens.hashed(match[1]), Deployment.wanted != "gone")
        async with installation.database.read() as session:
            if (row := await session.scalar(query)) is not None:
                return row
    raise Problem("not-signed-in", "send the token of a deployment").with_headers({"WWW-Authenticate": "Bearer"})


def installation_of(request: Request) -> Installation:
    installation: Installation = request.app.state.installation
    return installation


Owner = Annotated[Deployment, Depends(deployment_of)]
Here = Annotated[Installation, Depends(installation_of)]


@routes.get("/kv/{namespace}", operation_id="listKeys")
async def list_keys(
    of: Owner, here: Here, namespace: Namespace,
    after: Annotated[str, Query(max_length=500)] = "", limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[str]:  # fmt: skip
    """List the keys of a namespace in their order, those after one that is named."""
    async with here.database.read() as session:
        return await entries.keys(session, of, namespace, after, limit)


@routes.get("/kv/{namespace}/{key:path}", operation_id="readEntry", response_class=Response)
async def read_entry(of: Owner, here: Here, namespace: Namespace, key: Key) -> Response:
    """Send a value, with its version in `X-Object-Version`."""
    async with here.database.write() as session:
        found = await entries.read(session, here.keyring, of, namespace, _key(key))
    if found is None:
        raise Problem("not-found")
    return Response(found.value, media_type="application/octet-stream", headers={VERSION: str(found.version)})


@routes.put("/kv/{namespace}/{key:path}", operation_id="writeEntry", status_code=204)
async def write_entry(
    of: Owner, here: Here, namespace: Namespace, key: Key, request: Request, response: Response,
    expected: Expected = None, ttl: Annotated[float | None, Query(gt=0, le=315_360_000)] = None,
) -> None:  # fmt: skip
    """Write a value. With `X-Object-Version` only over that version; 0 for a new one."""
    value = await request.body()
    async with here.database.write() as session:
        version = await entries.write(session, here.keyring, of, namespace, _key(key), value, expected, ttl)
    response.headers[VERSION] = str(version)


@routes.delete("/kv/{namespace}/{key:path}", operation_id="removeEntry", status_code=204)
async def remove_entry(of: Owner, here: Here, namespace: Namespace, key: Key, expected: Expected = None) -> None:
    """Remove a value. With `X-Object-Version` only that version."""
    async with here.database.write() as session:
        await entries.remove(session, of, namespace, _key(key), expected)


@routes.get("/resources/{path:path}", operation_id="readResource", response_class=Response)
async def read_resource(of: Owner, here: Here, path: Annotated[str, Path(max_length=200)]) -> Response:
    """Send a file of the version that the deployment runs."""
    async with here.database.read() as session:
        release = await releases.release(session, of)
        version = await session.get_one(Version, release.version_id)
        bundle = await session.get_one(Bundle, version.hash)
    content = unpacked(bundle.archive).get(path)
    if content is None:
        raise Problem("not-found")
    return Response(content, media_type="application/octet-stream", headers={"ETag": f'"{version.hash}"'})


def create_data_app(installation: Installation) -> FastAPI:
    """The application that deployments reach."""
    app = FastAPI(title="Octo data plane", version=__version__, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.installation = installation
    app.include_router(routes, prefix=PREFIX)
    return app


def _key(key: str) -> str:
    if not key or "\0" in key:
        raise Problem("invalid", "a key has 1 to 500 characters")
    return key
