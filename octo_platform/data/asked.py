"""A request of a deployment: who asks, what for, and within which limits.

Keys and names are query parameters: in a path, proxies change `.`, `..`, `//` and `%2F`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Query, Request
from pydantic import AfterValidator
from sqlalchemy import Connection

from octo_platform.data.asker import Asker
from octo_platform.data.plane import Look, Plane, Waited
from octo_platform.data.writing import Work
from octo_platform.faults import meaning
from octo_platform.installation import Installation
from octo_platform.problem import Problem

T = TypeVar("T")

LARGEST = 4 << 20
"""Bytes of a value."""
LARGEST_BODY = 8 << 20
"""Bytes of a request: of several values, with what is said of them."""
LONGEST = 512
"""Bytes of a key or name in UTF-8."""
LONGEST_WAIT = 30.0
LONGEST_REASON = 64 << 10
_CENTURY = 3_200_000_000.0


class Asked(NamedTuple):
    """See the module."""

    plane: Plane
    asker: Asker
    request: Request

    @property
    def installation(self) -> Installation:
        return self.plane.installation

    @property
    def store(self) -> str:
        return self.asker.store

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read: see `Plane.read`."""
        return await self.plane.read(self.asker, work)

    async def do(self, work: Work[T]) -> T:
        """Write: see `Plane.do`."""
        return await self.plane.do(self.asker, work)

    async def patiently(self, bell: str, wait: float, look: Callable[[], Awaitable[Look[T]]]) -> Waited[T]:
        """Wait for something: see `Plane.patiently`."""
        return await self.plane.patiently(self.request, self.asker, bell, wait, look)

    async def value(self, most: int = LARGEST) -> bytes:
        """The body, which is one value. Raises `Problem`."""
        body = await self.request.body()
        if len(body) > most:
            raise Problem("too-large", f"a value has at most {most:,} bytes")
        return body


async def asked(request: Request) -> Asked:
    """Let a deployment in. Raises `Problem`."""
    plane: Plane = request.app.state.plane
    who = await plane.askers.of(request.headers.get("authorization", ""))
    try:
        unquote_to_bytes(request.scope["query_string"]).decode()
    except UnicodeDecodeError:  # what cannot be decoded would look like something else
        raise Problem("malformed", "the query is no UTF-8") from None
    return Asked(plane, who, request)


Here = Annotated[Asked, Depends(asked)]


def named(text: str) -> str:
    """A key or name. Raises ValueError."""
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("it has half a character, which no encoding has") from None
    if not 0 < length <= LONGEST or "\0" in text:
        raise ValueError(f"it has 1 to {LONGEST} bytes in UTF-8, and no NUL")
    return text


def perhaps_named(text: str) -> str:
    """The same, or nothing. Raises ValueError."""
    return named(text) if text else text


Named = Annotated[str, AfterValidator(named)]
Perhaps = Annotated[str, AfterValidator(perhaps_named)]
Name = Annotated[str, Query(), AfterValidator(named)]
Beginning = Annotated[str, Query(), AfterValidator(perhaps_named)]
Namespace = Annotated[
    str,
    Query(
        pattern=meaning(
            r"^[a-z0-9][a-z0-9_-]{0,63}$",
            "it has 1 to 64 small letters, digits, `-` and `_`; the first is none of these",
        )
    ),
]
Id = Annotated[str, Query(pattern=meaning(r"^[A-Za-z0-9_-]{1,64}$", "an id has 1 to 64 letters, digits, `-` and `_`"))]
Number = Annotated[int, Query(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Query(gt=0, le=_CENTURY, allow_inf_nan=False)]
Delay = Annotated[float, Query(ge=0, le=_CENTURY, allow_inf_nan=False)]
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, allow_inf_nan=False)]
Most = Annotated[int, Query(ge=1, le=1000)]
