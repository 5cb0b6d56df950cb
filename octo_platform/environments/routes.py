"""The routes of environments."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.environments import allowed, store
from octo_platform.environments.settings import KubernetesSettings, checked
from octo_platform.problem import Problem
from octo_platform.storage.tables import Deployment, Environment, Secret
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
    return EnvironmentShown(id=row.id, name=row.name, target=row.target, settings=row.settings)


@routes.on("GET", "/workspaces/{workspace}/environments", "environments.read")
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
