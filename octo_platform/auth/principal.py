"""Who asks: a person, a program with a key of a person, or a deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from octo_platform.auth import policy
from octo_platform.auth.policy import Role

EVERYWHERE = "*"


@dataclass(frozen=True)
class Principal:
    """Somebody whose identity is certain.

    roles: the role in each workspace, by its id, or by "*" for all. scopes: if they are not None, the only actions that
    this key may. workspace: if it is not None, the only workspace that it reaches. way: how they have shown who they
    are; only a cookie needs protection from other sites. key, login: the id of
    the API key, or of the login whose cookie it was.
    """

    id: str
    name: str
    roles: Mapping[str, Role] = field(default_factory=dict)
    scopes: frozenset[str] | None = None
    workspace: str | None = None
    way: Literal["cookie", "key", "token", "local"] = "cookie"
    key: str | None = None
    login: str | None = None

    @property
    def actor(self) -> str:
        """How the audit log names them."""
        return f"{self.way}:{self.id}" + (f"/{self.key}" if self.key else "")

    def roles_in(self, workspace: str) -> list[Role]:
        if self.workspace not in (None, workspace):
            return []
        return [role for place in (EVERYWHERE, workspace) if (role := self.roles.get(place))]

    def may(self, action: str, workspace: str | None = None) -> bool:
        """Whether they may do this, in a workspace or, with None, in the platform itself."""
        if action in policy.KEYED:
            return self.way in ("key", "local")
        if self._is_out_of_scope(action):
            return False
        if action in policy.OPEN or action in policy.OWN:
            return True
        if workspace is None or action in policy.PLATFORM_WIDE:
            if self.workspace is not None:
                return False
            role = self.roles.get(EVERYWHERE)
            return role is not None and policy.may(role, action)
        return any(policy.may(role, action) for role in self.roles_in(workspace))

    def _is_out_of_scope(self, action: str) -> bool:
        is_limited = self.scopes is not None and action not in self.scopes
        return is_limited or (self.way == "key" and action in policy.PERSONAL)

    def may_anywhere(self, action: str) -> bool:
        """Whether they may do this in the platform itself, or there is a workspace in which they may."""
        places = self.roles if self.workspace is None else (self.workspace,)
        return any(self.may(action, place) for place in (None, *places))
