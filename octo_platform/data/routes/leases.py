"""Leases."""

from __future__ import annotations

from fastapi import APIRouter

from octo_platform.data import leases
from octo_platform.data.asked import Here, Name, Number, Seconds, Wait
from octo_platform.data.plane import Look

routes = APIRouter()


@routes.post("/leases/acquire")
async def acquire(here: Here, name: Name, ttl: Seconds, wait: Wait = 0.0) -> dict[str, int | None]:
    """Take a lease, waiting for it; the token is null if somebody else still has it then."""

    async def look() -> Look[int]:
        return await here.do(lambda shelf: leases.acquire(shelf, name, ttl))

    waited = await here.patiently(leases.bell(name), wait, look)
    token = waited.found
    if token is not None and waited.has_left:
        await here.do(lambda shelf: leases.release(shelf, name, token))
    return {"token": token}


@routes.get("/leases/wait")
async def wait_for_lease(here: Here, name: Name, wait: Wait) -> dict[str, bool]:
    """Wait until a lease is free, and take nothing: a client that goes meanwhile holds none."""

    async def look() -> Look[bool]:
        return await here.read(lambda connection: leases.left(connection, here.store, name))

    return {"ready": bool((await here.patiently(leases.bell(name), wait, look)).found)}


@routes.post("/leases/renew", status_code=204)
async def renew(here: Here, name: Name, token: Number, ttl: Seconds) -> None:
    """Hold a lease from now."""
    await here.do(lambda shelf: leases.renew(shelf, name, token, ttl))


@routes.post("/leases/release", status_code=204)
async def release(here: Here, name: Name, token: Number) -> None:
    """Give a lease back."""
    await here.do(lambda shelf: leases.release(shelf, name, token))
