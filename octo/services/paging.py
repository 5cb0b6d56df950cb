"""Listings in pages."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from octo.services import limits
from octo.services.ports import Page


def page(names: Iterable[str], prefix: str, after: str, most: int) -> Page:
    """A part of a listing of these names."""
    limits.prefix(prefix)
    limits.prefix(after)
    asked = limits.most(most)
    found = heapq.nsmallest(asked + 1, (name for name in names if name > after and name.startswith(prefix)))
    return Page(tuple(found[:asked]), found[asked - 1] if len(found) > asked else "")
