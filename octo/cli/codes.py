"""Every error code with its explanation, gathered from where the errors live."""

from __future__ import annotations

import importlib

from octo.core.errors import Explanation
from octo.expr import ERRORS

HOMES = (
    "octo.core.errors",
    "octo.config.codes",
    "octo.debug.codes",
    "octo.trace.codes",
    "octo.suite.codes",
    "octo.connectors.http.codes",
    "octo.connectors.http_client.codes",
    "octo.connectors.database.codes",
)


def explanations() -> dict[str, Explanation]:
    """By code."""
    found = {info.code: Explanation(info.title, info.explanation) for info in ERRORS.values()}
    for home in HOMES:
        found |= importlib.import_module(home).EXPLANATIONS
    return found
