"""The routes of secrets. None of them answers with a value."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Response
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.deployments import releases
from octo_platform.environments.store import environment as environment_named
from octo_platform.faults import meaning
from octo_platform.problem import Problem
from octo_platform.storage import secrets as store
from octo_platform.storage.tables import Environment, Secret
from octo_platform.web import limits
from octo_platform.web.call import Call, Within
from octo_platform.web.etags import IfMatch, IfNoneMatch, expect, revise, tell
from octo_platform.web.paging import Cursor, Limit, Page, page, part
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Hidden, Shape

routes = Routes("secrets")

SecretName = Annotated[
    str,
    Path(
        pattern=meaning(
            r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$",
            "it has letters, digits, `_`, `.` and `-`, and begins with none of the last two",
        ),
        description="As flows call it, e.g. `BANK_TOKEN`",
    ),
]
_OF_SPACE = "/workspaces/{workspace}/secrets"
_OF_PLACE = "/workspaces/{workspace}/environments/{environment}/secrets"


class SecretValue(Shape):
    """The value of a secret."""

    value: Hidden


class SecretShown(Shape):
    """That there is a secret. rolled: the deployments that take the new value now."""

    name: str
    environment: str | None = None
    created_at: datetime
    updated_at: datetime
    rolled: list[str] | None = None


def shown(row: Secret, environment: Environment | None, rolled: list[str] | None = None) -> SecretShown:
    return SecretShown(
        name=row.name,
        environment=environment.name if environment else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
        rolled=rolled,
    )


@routes.on("GET", _OF_SPACE, "secrets.read")
async def list_secrets(call: Within, limit: Limit = 50, cursor: Cursor = None) -> Page[SecretShown]:
    """List the names of the secrets of a workspace."""
    return await _list(call, None, limit, cursor)


@routes.on("GET", _OF_PLACE, "secrets.read")
async def list_secrets_of_environment(
    call: Within, environment: str, limit: Limit = 50, cursor: Cursor = None
) -> Page[SecretShown]:
    """List the names of the secrets of an environment."""
    return await _list(call, environment, limit, cursor)


@routes.on("PUT", f"{_OF_SPACE}/{{name}}", "secrets.write", tool=True)
async def write_secret(
    call: Within, name: SecretName, body: SecretValue, response: Response,
    if_match: IfMatch = None, if_none_match: IfNoneMatch = None,
) -> SecretShown:  # fmt: skip
    """Write a secret of the workspace. Deployments that use it take it at once."""
    return await _write(call, None, name, body, response, (if_match, if_none_match))


@routes.on("PUT", f"{_OF_PLACE}/{{name}}", "secrets.write", tool=True)
async def write_secret_of_environment(
    call: Within, environment: str, name: SecretName, body: SecretValue, response: Response,
    if_match: IfMatch = None, if_none_match: IfNoneMatch = None,
) -> SecretShown:  # fmt: skip
    """Write a secret of an environment. Deployments that use it take it at once."""
    return await _write(call, environment, name, body, response, (if_match, if_none_match))


@routes.on("DELETE", f"{_OF_SPACE}/{{name}}", "secrets.write", status_code=204)
async def delete_secret(call: Within, name: SecretName, if_match: IfMatch = None) -> None:
    """Delete a secret of the workspace that no deployment uses."""
    await _delete(call, None, name, if_match)


@routes.on("DELETE", f"{_OF_PLACE}/{{name}}", "secrets.write", status_code=204)
async def delete_secret_of_environment(
    call: Within, environment: str, name: SecretName, if_match: IfMatch = None
) -> None:
    """Delete a secret of an environment that no deployment uses."""
    await _delete(call, environment, name, if_match)


async def _list(call: Call, environment: str | None, limit: int, cursor: str | None) -> Page[SecretShown]:
    async with call.read() as session:
        where = await _environment(session, call, environment)
        query = select(Secret).where(Secret.workspace_id == call.space.id, Secret.scope_key == _scope(where))
        rows = (await session.scalars(part(query, [Secret.name], cursor, limit, newest=False))).all()
    return page(rows, limit, lambda each: [each.name], lambda each: shown(each, where))


async def _write(
    call: Call, environment: str | None, name: str, body: SecretValue, response: Response,
    conditions: tuple[str | None, str | None],
) -> SecretShown:  # fmt: skip
    call.target = f"secret {call.space.name}/{environment or ''}/{name}"
    value = store.checked_value(body.value.get_secret_value())
    if_match, if_none_match = conditions
    async with call.write() as session:
        where = await _environment(session, call, environment)
        await releases.using_secret(session, call.space.id, where.id if where else None, name)  # locks them, see there
        row = await store.secret(session, call.space.id, _scope(where), name)
        if row is None:
            if if_match is not None and if_match != "*":
                raise Problem("changed", "it is gone")
            await limits.one_more(session, call, "secrets")
            row = Secret(
                workspace_id=call.space.id,
                environment_id=where.id if where else None,
                scope_key=_scope(where),
                name=name,
            )
            session.add(row)
            response.status_code = 201
        elif if_none_match == "*":
            raise Problem("exists")
        else:
            revise(row, if_match)
        row.sealed = call.installation.keyring.seal(store.place(row), value.encode())
        await session.flush()
        rolled = await releases.roll_for_secret(session, call.space.id, where.id if where else None, name, call.user_id)
    call.installation.bells.ring("deployments")
    tell(response, row)
    return shown(row, where, rolled)


async def _delete(call: Call, environment: str | None, name: str, if_match: str | None) -> None:
    call.target = f"secret {call.space.name}/{environment or ''}/{name}"
    async with call.write() as session:
        where = await _environment(session, call, environment)
        await releases.using_secret(session, call.space.id, where.id if where else None, name)  # locks them, see there
        row = await store.secret(session, call.space.id, _scope(where), name)
        if row is None:
            raise Problem("not-found", f"there is no secret {name!r}")
        expect(row, if_match)
        # Once more: one that was being made held the secret until now, and is seen from now on.
        used = await releases.using_secret(session, call.space.id, where.id if where else None, name)
        if used:
            slugs = sorted(each.slug for each in used)
            raise Problem("in-use", f"the deployments {', '.join(slugs[:5])} use it", deployments=slugs[:50])
        await session.delete(row)


async def _environment(session: AsyncSession, call: Call, name: str | None) -> Environment | None:
    return None if name is None else await environment_named(session, call.space.id, name)


def _scope(environment: Environment | None) -> str:
    return environment.id if environment else ""
