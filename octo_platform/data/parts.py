r"""Several values in one body: a line of JSON about them, then their bytes, one after another.

{"messages": [{"queue": "orders", "id": "1", "size": 2}, {"queue": "orders", "id": "2", "size": 1}]}\n
420
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Response
from pydantic import Field, ValidationError

from octo_platform.faults import told
from octo_platform.problem import Problem
from octo_platform.web.shapes import Shape

MEDIA = "application/vnd.octo.parts"

Size = Annotated[int, Field(ge=0, le=1 << 40)]
"""Bytes of a value."""

S = TypeVar("S", bound=Shape)


def read(body: bytes, shape: type[S]) -> tuple[S, bytes]:
    """The line, and the bytes behind it. Raises `Problem`."""
    line, newline, rest = body.partition(b"\n")
    try:
        if not newline:
            raise Problem("malformed", "the body begins with a line of JSON")
        return shape.model_validate_json(line), rest
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise Problem("invalid", f"{where}: {told(first)}" if where else told(first)) from None


def cut(rest: bytes, sizes: Iterable[int | None]) -> list[bytes | None]:
    """The values of these sizes; None where there is no value. Raises `Problem` unless they are all that there is."""
    values, at = list[bytes | None](), 0
    for size in sizes:
        values.append(None if size is None else rest[at : at + size])
        at += size or 0
    if at != len(rest):
        raise Problem("malformed", "the sizes are not those of the values")
    return values


def written(about: Mapping[str, Any], values: Sequence[bytes]) -> Response:
    """A body with these values."""
    line = json.dumps(about, separators=(",", ":")).encode()
    return Response(b"".join([line, b"\n", *values]), media_type=MEDIA)
