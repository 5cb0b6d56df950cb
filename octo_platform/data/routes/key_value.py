"""Keys and values."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from octo_platform.data import entries
from octo_platform.data.asked import Beginning, Here, Most, Name, Namespace, Number, Seconds
from octo_platform.data.entries import LEAST, MOST, Place
from octo_platform.problem import Problem

VERSION = "X-Octo-Version"
KIND = "X-Octo-Kind"
"""Header of what a value is: `bytes`, or `count`, a whole number in decimal digits."""

Kind = Literal["bytes", "count"]
By = Annotated[str, Query(pattern=r"^-?[0-9]{1,20}$")]
_COUNT = re.compile(rb"-?[0-9]{1,19}")

routes = APIRouter()


@routes.get("/kv/entry", response_class=Response)
async def read_entry(here: Here, namespace: Namespace, key: Name) -> Response:
    """Send a value, with its version."""
    place, keyring = Place(here.store, namespace, key), here.installation.keyring
    found = await here.read(lambda connection: entries.read(connection, keyring, place))
    if found is None:
        raise Problem("not-found")
    headers = {VERSION: str(found.version), KIND: "count" if found.counts else "bytes"}
    return Response(found.value, media_type="application/octet-stream", headers=headers)


@routes.put("/kv/entry", status_code=204)
async def write_entry(
    here: Here, namespace: Namespace, key: Name, response: Response,
    version: Number | None = None, ttl: Seconds | None = None, kind: Kind = "bytes",
) -> None:  # fmt: skip
    """Write a value. With `version` only over that one; 0 for a new one."""
    value = await here.value()
    if kind == "count" and not (_COUNT.fullmatch(value) and LEAST <= int(value) <= MOST):
        raise Problem("invalid", "a count is a whole number of 64 bits, in decimal digits")
    place, counts = Place(here.store, namespace, key), kind == "count"
    written = await here.do(
        lambda shelf: entries.write(
            shelf, here.installation.keyring, place, value, counts=counts, expected=version, ttl=ttl
        )
    )
    response.headers[VERSION] = str(written)


@routes.delete("/kv/entry", status_code=204)
async def remove_entry(here: Here, namespace: Namespace, key: Name, version: Number | None = None) -> None:
    """Remove a value. With `version` only that one."""
    await here.do(lambda shelf: entries.remove(shelf, Place(here.store, namespace, key), version))


@routes.get("/kv/keys")
async def list_keys(
    here: Here, namespace: Namespace, prefix: Beginning = "", after: Beginning = "", most: Most = 100
) -> dict[str, list[str] | str]:
    """List keys that begin with `prefix` and come after `after`. The `after` of the answer leads to the next part."""
    found = await here.read(lambda connection: entries.keys(connection, here.store, namespace, prefix, after, most + 1))
    return {"names": found[:most], "after": found[most - 1] if len(found) > most else ""}


@routes.post("/kv/increment")
async def increment(
    here: Here, namespace: Namespace, key: Name, by: By = "1", ttl: Seconds | None = None
) -> dict[str, str]:
    """Add to a counter. `ttl` is for a new one. The count is a text: many clients have no whole numbers of 64 bits."""
    place, keyring = Place(here.store, namespace, key), here.installation.keyring
    return {"count": str(await here.do(lambda shelf: entries.increment(shelf, keyring, place, int(by), ttl)))}
