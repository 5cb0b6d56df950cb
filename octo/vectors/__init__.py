"""Vector stores: what every one can do, the values it keeps, and the filters it understands.

This module is a door for authors, beside `octo` itself: of connectors of stores (`family="vector-store"`). Such a
connector has a `store`, a `VectorStore`, and a `namespace`; then the blocks `vector-upsert`, `-query`, `-fetch` and
`-delete` work with it. What is not named here may change without notice.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "octo.vectors.filters": "Condition",
    "octo.vectors.memory": "MemoryStore, Stub, stubbed",
    "octo.vectors.records": "checked",
    "octo.vectors.store": "Holder, Match, Metric, Record, VectorStore",
}
"""What is behind the door, by module."""

_HOME = {name: module for module, names in _HOMES.items() for name in names.split(", ")}

__all__ = [*_HOME]  # noqa: PLE0604  a literal list would say everything twice

if TYPE_CHECKING:
    from octo.vectors.filters import Condition as Condition
    from octo.vectors.memory import MemoryStore as MemoryStore, Stub as Stub, stubbed as stubbed
    from octo.vectors.records import checked as checked
    from octo.vectors.store import (
        Holder as Holder,
        Match as Match,
        Metric as Metric,
        Record as Record,
        VectorStore as VectorStore,
    )


def __getattr__(name: str) -> Any:
    """Import on first use: `octo explain` must not pay for models of settings."""
    if name not in _HOME:
        raise AttributeError(f"module 'octo.vectors' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
