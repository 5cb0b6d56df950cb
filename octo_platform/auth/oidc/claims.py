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
from octo_platform.problem import Problem
from octo_platform.storage.tables import Workspace

log = logging.getLogger("octo.platform")

_MOST = 1_000


def given(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts at a claim that roles follow. Raises `Problem` if the provider keeps it elsewhere.

    Nobody may be taken for somebody without roles because of that. A claim that is not there at all is noted: the
    provider may not have been told to send it.
    """
    values = values_at(claims, path)
    if values is None and _is_elsewhere(claims, path):
        raise Problem(
            "sign-in-failed",
            f"the provider does not send `{path}` but says where to ask, as Entra ID does of whom is in more than 200 "
            "groups: let an administrator give roles by app roles (`rolesClaim: roles`)",
        )
    if values is None:
        log.warning("there is no such claim, so it gives no roles", extra={"fields": {"claim": path, "of": [*claims]}})
    return values or []


def values_at(claims: Mapping[str, Any], path: str) -> list[str] | None:
    """The texts at `realm_access.roles` or at a claim of just that name; None if there is no such claim.

    A text is one value. Names may have dots, as `https://octo.example/roles` has.
    """
    found = _at(claims, path)
    if found is None:
        return None
    values = found if isinstance(found, list) else [found]
    return [each for each in values if isinstance(each, str)][:_MOST]


def _at(found: object, path: str) -> object:
    """What is at a path, None if nothing is. Of two ways to read it, the longer name wins."""
    if not isinstance(found, Mapping):
        return None
    if path in found:
        return found[path]
    for end in reversed([index for index, each in enumerate(path) if each == "."]):
        if (inner := _at(found.get(path[:end]), path[end + 1 :])) is not None:
            return inner
    return None


def _is_elsewhere(claims: Mapping[str, Any], path: str) -> bool:
    """Whether it is a distributed claim (OpenID Connect Core, 5.6.2)."""
    names = claims.get("_claim_names")
    return isinstance(names, Mapping) and any(f"{path}.".startswith(f"{each}.") for each in names)


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
