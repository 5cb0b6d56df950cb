"""The routes of environments."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.environments import allowed, services, store
from octo_platform.environments.settings import KubernetesSettings, checked
from octo_platform.problem import Problem
from octo_platform.storage import secrets
from octo_platform.storage.tables import Deployment, Environment, Secret
from octo_platform.web import limits
from octo_platform.web.call import Within
from octo_platform.web.etags import IfMatch, revise, tell
from octo_platform.web.paging import Cursor, Limit, Page, page, part
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Name, Shape

routes = Routes("environments")

_ONE = "/workspaces/{workspace}/environments/{environment}"


class NewEnvironment(Shape):
    """An environment to be made. settings: those of the target, see the page of each."""

    name: Name
    target: Literal["local", "kubernetes"] = "local"
    settings: dict[str, Any] = Field(default_factory=dict)


class EnvironmentChange(Shape):
    """What is changed. Deployments follow at once."""

    settings: dict[str, Any]


class EnvironmentShown(Shape):
    """An environment."""

    id: str
    name: str
    target: str
    settings: dict[str, Any]


def shown(row: Environment) -> EnvironmentShown:
    settings = row.settings
    if address := settings.get("services"):
        settings = {**settings, "services": services.masked(address)}
    return EnvironmentShown(id=row.id, name=row.name, target=row.target, settings=settings)


@routes.on("GET", "/workspaces/{workspace}/environments", "environments.read", tool=True)
async def list_environments(call: Within, limit: Limit = 50, cursor: Cursor = None) -> Page[EnvironmentShown]:
    """List environments by name."""
    query = select(Environment).where(Environment.workspace_id == call.space.id)
    async with call.read() as session:
        rows = (await session.scalars(part(query, [Environment.name], cursor, limit, newest=False))).all()
    return page(rows, limit, lambda each: [each.name], shown)


@routes.on("POST", "/workspaces/{workspace}/environments", "environments.write", status_code=201)
async def create_environment(call: Within, body: NewEnvironment, response: Response) -> EnvironmentShown:
    call.target = f"environment {call.space.name}/{body.name}"
    if body.target not in call.installation.options.targets:
        raise Problem("invalid", f"target: this installation does not deploy to {body.target}")
    settings = checked(body.target, body.settings)
    async with call.write() as session:
        await limits.one_more(session, call, "environments")
        await _allow(session, call, settings)
        row = Environment(workspace_id=call.space.id, name=body.name, target=body.target, settings=_stored(settings))
        session.add(row)
        await session.flush()
    tell(response, row)
    return shown(row)


@routes.on("GET", _ONE, "environments.read")
async def read_environment(call: Within, environment: str, response: Response) -> EnvironmentShown:
    async with call.read() as session:
        row = await store.environment(session, call.space.id, environment)
    tell(response, row)
    return shown(row)


@routes.on("PATCH", _ONE, "environments.write")
async def change_environment(
    call: Within, environment: str, body: EnvironmentChange, response: Response, if_match: IfMatch = None
) -> EnvironmentShown:
    call.target = f"environment {call.space.name}/{environment}"
    async with call.write() as session:
        row = await store.environment(session, call.space.id, environment, lock=True)
        revise(row, if_match)
        settings = checked(row.target, body.settings)
        await _allow(session, call, settings)
        stored = _stored(settings)
        # What runs there would be left behind, and nobody would know of it.
        if moved := [each for each in ("namespace", "context") if stored.get(each) != row.settings.get(each)]:
            raise Problem("conflict", f"the {moved[0]} of an environment cannot be changed: make another environment")
        await _check_secrets(session, row, stored)
        row.settings = stored
    call.installation.bells.ring("deployments")
    tell(response, row)
    return shown(row)


@routes.on("DELETE", _ONE, "environments.write", status_code=204)
async def delete_environment(call: Within, environment: str, if_match: IfMatch = None) -> None:
    """Delete an environment without deployments and secrets; with them it is in use."""
    call.target = f"environment {call.space.name}/{environment}"
    async with call.write() as session:
        row = await store.environment(session, call.space.id, environment, lock=True)
        revise(row, if_match)
        deployed = select(Deployment.slug).where(Deployment.environment_id == row.id).order_by(Deployment.slug)
        if names := [*await session.scalars(deployed.limit(20))]:
            raise Problem("in-use", f"it has deployments, remove them first: {', '.join(names)}", deployments=names)
        if await session.scalar(select(Secret.id).where(Secret.environment_id == row.id).limit(1)):
            raise Problem("in-use", "it has secrets of its own: remove them first")
        await session.delete(row)


async def _allow(session: AsyncSession, call: Within, settings: Shape) -> None:
    if isinstance(settings, KubernetesSettings):
        await allowed.take(session, call.installation.options, call.space, settings)


def _stored(settings: Shape) -> dict[str, Any]:
    return settings.model_dump(by_alias=True, exclude_none=True)


async def _check_secrets(session: AsyncSession, row: Environment, settings: dict[str, Any]) -> None:
    """Refuse to let what is deployed here fail for want of a secret. Raises `Problem`."""
    names = services.names(settings)
    there = await secrets.found(session, row, names, stay=True)
    missing = [each for each in names if each not in there]
    if missing and await session.scalar(select(Deployment.id).where(Deployment.environment_id == row.id).limit(1)):
        raise Problem("no-such-secret", f"set the secrets {', '.join(missing)} first", missing=missing)
