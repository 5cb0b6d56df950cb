"""Tell from the text of a statement what running it a second time does."""

from __future__ import annotations

import re

from octo.core.settings import Effect

_READS = re.compile(r"\s*(?:select|show|values|explain|with)\b", re.IGNORECASE)
_WRITES = re.compile(r"\b(?:insert|update|delete|merge|call|into|nextval)\b", re.IGNORECASE)
_REPEATABLE = re.compile(r"\s*(?:delete|replace|insert\s+or\s+(?:ignore|replace))\b|\bon\s+conflict\b", re.IGNORECASE)
_UPDATE = re.compile(r"\s*update\b.*?\bset\b(.*?)(?:\bwhere\b|\breturning\b|$)", re.IGNORECASE | re.DOTALL)
_ASSIGNMENT = re.compile(r"[\"'`]?(\w+)[\"'`]?\s*=\s*([^,]*)")


def effect_of(query: str) -> Effect:
    """Return `safe` if the statement only reads, `idempotent` if a second run changes nothing more, else `once`."""
    if _READS.match(query) and not _WRITES.search(query):
        return "safe"
    if _REPEATABLE.search(query) or _sets_what_it_is_given(query):
        return "idempotent"
    return "once"


def _sets_what_it_is_given(query: str) -> bool:
    """Whether it is an update in which no column depends on its old value, as it does in `set n = n + 1`."""
    update = _UPDATE.match(query)
    if update is None:
        return False
    return all(name.lower() not in re.findall(r"\w+", value.lower()) for name, value in _ASSIGNMENT.findall(update[1]))
