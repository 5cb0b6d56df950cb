"""The one table of what each role may. An action that is not in it is allowed to nobody.

Roles are given in a workspace, or in all of them ("*"). `runtime` is the role of a deployment's own token: it reaches
only what the deployment keeps, through a listener of its own.
"""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["admin", "operator", "developer", "viewer", "runtime"]
ROLES: tuple[Role, ...] = get_args(Role)

PERSONS: frozenset[Role] = frozenset({"admin", "operator", "developer", "viewer"})
OPERATORS: frozenset[Role] = frozenset({"admin", "operator"})
BUILDERS: frozenset[Role] = frozenset({"admin", "operator", "developer"})
ADMINS: frozenset[Role] = frozenset({"admin"})
RUNTIMES: frozenset[Role] = frozenset({"runtime"})
ANYBODY: frozenset[Role] = frozenset()

OPEN = frozenset(
    {"health.read", "session.create", "session.delete", "setup.read", "setup.create", "device.create", "api.read"}
)
"""Actions that need no role: they are how somebody gets one, or tell nothing."""

OWN = frozenset({"session.read", "password.write", "keys.read", "keys.write", "device.approve", "workspaces.list"})
"""Actions that everybody who is signed in may do, for themselves alone."""

KEYED = frozenset({"mcp.use"})
"""Actions that every API key may, whatever its scopes are, and nobody without one. They only are a way to ask for
others, each of which is judged by itself."""

PERSONAL = frozenset({"password.write", "keys.write", "device.approve", "users.write", "members.write"})
"""Actions that no API key may, whatever its scopes are: with them it could outlive or outgrow what it was given."""

POLICY: dict[str, frozenset[Role]] = {
    # The platform itself: these need the role in all workspaces.
    "users.read": ADMINS,
    "users.write": ADMINS,
    "workspaces.write": ADMINS,
    "platform.read": ADMINS,
    "platform.write": ADMINS,
    # In a workspace.
    "workspace.read": PERSONS,
    "workspace.write": ADMINS,
    "members.read": ADMINS,
    "members.write": ADMINS,
    "folders.read": PERSONS,
    "folders.write": BUILDERS,
    "integrations.read": PERSONS,
    "integrations.write": BUILDERS,
    "versions.read": PERSONS,
    "versions.write": BUILDERS,
    "environments.read": PERSONS,
    "environments.write": ADMINS,
    "secrets.read": OPERATORS,
    "secrets.write": OPERATORS,
    "plans.read": PERSONS,
    "deployments.read": PERSONS,
    "deployments.write": OPERATORS,
    "logs.read": BUILDERS,
    "traces.read": BUILDERS,
    "metrics.read": PERSONS,
    "letters.read": BUILDERS,
    "audit.read": ADMINS,
    # What a deployment keeps.
    "data.use": RUNTIMES,
}

PLATFORM_WIDE = frozenset({"users.read", "users.write", "workspaces.write", "platform.read", "platform.write"})


def may(role: Role, action: str) -> bool:
    """Whether a role allows an action in the place where somebody has it."""
    return role in POLICY.get(action, ANYBODY)


def is_write(method: str, action: str) -> bool:
    """Whether a request changes something. Some ask by POST for what they only read, e.g. a plan."""
    return method not in ("GET", "HEAD") and not action.endswith(".read")


def is_known(action: str) -> bool:
    return action in POLICY or action in OPEN or action in OWN or action in KEYED
