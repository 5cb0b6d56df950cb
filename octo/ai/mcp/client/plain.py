"""Values of a flow or a model as plain JSON, before they reach the SDK: it ends a session where it cannot write one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octo.ai.mcp.client import codes
from octo.core import codec
from octo.core.errors import Permanent
from octo.expr import ExprError


def plain(value: Mapping[str, Any], what: str) -> dict[str, Any]:
    """The value as it is read from what is written of it. Raises `Permanent` if it has no JSON form."""
    try:
        return codec.read(codec.write(dict(value)))  # type: ignore[no-any-return]
    except (ExprError, codec.NotJson, ValueError, RecursionError) as error:
        raise Permanent(f"{what} have no JSON form: {error}", code=codes.BAD_ARGUMENTS) from error
