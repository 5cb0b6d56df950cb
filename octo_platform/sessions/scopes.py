"""What a key may: all that its owner may, actions one by one, or many of them by one name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from octo_platform.auth import policy
from octo_platform.auth.keys import ALL
from octo_platform.auth.principal import Principal
from octo_platform.problem import Problem

Scopes = (
    Literal["all", "read", "deploy"]
    | Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(min_length=1, max_length=100)]
)
"""read: to see what there is. deploy: that, and what `octo deploy` does."""

_KEPT = frozenset({*policy.POLICY, *policy.OWN}) - policy.PERSONAL - {"data.use"}
_READ = frozenset({*(each for each in policy.POLICY if each.endswith(".read")), "session.read", "workspaces.list"})
_MEANT = {"all": {ALL}, "read": _READ, "deploy": _READ | {"integrations.write", "versions.write", "deployments.write"}}


def actions(scopes: Scopes) -> list[str]:
    """The actions that are meant, or just "all". Raises `Problem` for what no key may."""
    if not isinstance(scopes, list):
        return sorted(_MEANT[scopes])
    for each in scopes:
        if each not in _KEPT:
            raise Problem("invalid", f"scopes: {each!r} is nothing that a key may")
    return sorted(set(scopes))


def own(who: Principal, asked: Sequence[str]) -> list[str]:
    """Those of some actions that somebody may themselves somewhere: nobody gives more."""
    return [each for each in asked if each == ALL or any(who.may(each, place) for place in (None, *who.roles))]
