"""What the claims of a provider say of somebody: name, address, and what they may."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth.people import GIVEN
from octo_platform.auth.policy import Role
from octo_platform.auth.principal import EVERYWHERE
from octo_platform.options import Oidc
from octo_platform.storage.tables import Workspace

log = logging.getLogger("octo.platform")

_MOST = 1_000


def values_at(claims: Mapping[str, Any], path: str) -> list[str] | None:
    """The texts at `realm_access.roles` or at a claim of just that name; None if there is no such claim."""
    found: Any = claims
    if path in claims:
        found = claims[path]
    else:
        for name in path.split("."):
            if not isinstance(found, Mapping) or name not in found:
                return None
            found = found[name]
    values = found if isinstance(found, list) else [found]
    return [each for each in values if isinstance(each, str)][:_MOST]


def check(options: Oidc) -> None:
    """Refuse a mapping to roles that there are not. Raises ValueError."""
    for value, target in options.roles.items():
        role = target.rpartition(":")[2]
        if role not in GIVEN:
            raise ValueError(f"the claim {value!r} maps to {target!r}, but {role!r} is none of {', '.join(GIVEN)}")


async def roles(session: AsyncSession, options: Oidc, values: list[str]) -> dict[str, Role]:
    """Role by workspace id or "*"; of two in one place, the stronger. Workspaces that there are not are left out."""
    named: dict[str, Role] = {}
    for target in (options.roles[each] for each in values if each in options.roles):
        workspace, _, role = target.rpartition(":")
        place = workspace or EVERYWHERE
        named[place] = min(named.get(place, cast("Role", role)), cast("Role", role), key=GIVEN.index)
    wanted = [name for name in named if name != EVERYWHERE]
    rows = await session.execute(select(Workspace.name, Workspace.id).where(Workspace.name.in_(wanted)))
    ids = {EVERYWHERE: EVERYWHERE, **dict(rows.all())}
    for name in set(named) - set(ids):
        log.warning("a claim gives a role in a workspace that there is not", extra={"fields": {"workspace": name}})
    return {ids[name]: role for name, role in named.items() if name in ids}


def text(claims: Mapping[str, Any], name: str, longest: int) -> str:
    """A text to show; "" if there is none."""
    value = claims.get(name)
    return "".join(each for each in value if each.isprintable())[:longest] if isinstance(value, str) else ""
