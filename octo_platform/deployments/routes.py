"""The routes of deployments: plan, make, roll, go back, scale, pause, promote, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.deployments import changing, planning, store
from octo_platform.deployments.plan import Plan
from octo_platform.deployments.settings import Settings, SettingsChange
from octo_platform.deployments.shown import DeploymentShown, ReleaseShown, read, select_shown, shown
from octo_platform.problem import Problem
from octo_platform.storage.tables import Deployment, Environment, Integration, Release, Version
from octo_platform.web.call import Call, Within
from octo_platform.web.etags import IfMatch, revise, tell
from octo_platform.web.paging import Cursor, Limit, Page, page, part
from octo_platform.web.routing import Routes
from octo_platform.web.shapes import Name, Shape

routes = Routes("deployments")

_ALL = "/workspaces/{workspace}/deployments"
_ONE = f"{_ALL}/{{deployment}}"


class NewDeployment(Shape):
    """A deployment to be made, or to be planned. slug: a part of its address; the name of the integration by default.

    plan: the digest of the plan that was confirmed; without one, whatever the difference is now.
    """

    environment: Name
    integration: str = Field(max_length=63)
    tag: str = Field(max_length=63)
    slug: Name | None = None
    settings: Settings = Settings()
    plan: str | None = Field(None, max_length=64)


class Roll(Shape):
    """Another version, other settings, or both. What is not sent stays as it is."""

    tag: str | None = Field(None, max_length=63)
    settings: SettingsChange = SettingsChange()
    plan: str | None = Field(None, max_length=64)


class Back(Shape):
    """The generation to go back to; without one, the newest before this that became ready."""

    generation: int | None = Field(None, ge=1, le=2**31)


class Scale(Shape):
    """How many instances."""

    replicas: int = Field(ge=0, le=100)


class Promotion(Shape):
    """The environment that gets the version that runs here. Settings stay those of each environment."""

    environment: Name
    slug: Name | None = None
    plan: str | None = Field(None, max_length=64)


@routes.on("GET", _ALL, "deployments.read", tool=True)
async def list_deployments(
    call: Within,
    environment: Annotated[str, Query(max_length=40)] = "",
    integration: Annotated[str, Query(max_length=63)] = "",
    phase: Annotated[str, Query(max_length=20)] = "",
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DeploymentShown]:
    """List deployments, the newest first."""
    query = select_shown().where(Deployment.workspace_id == call.space.id)
    for given, column in ((environment, Environment.name), (integration, Integration.name), (phase, Deployment.phase)):
        query = query.where(column == given) if given else query
    async with call.read() as session:
        rows = (await session.execute(part(query, [Deployment.id], cursor, limit, newest=True))).all()
    return page(rows, limit, lambda each: [each[0].id], shown)


@routes.on("GET", "/workspaces/{workspace}/overview", "deployments.read")
async def overview(call: Within) -> dict[str, dict[str, int]]:
    """Count what there is: integrations, and deployments by phase."""
    async with call.read() as session:
        by_phase = select(Deployment.phase, func.count()).where(Deployment.workspace_id == call.space.id)
        phases = (await session.execute(by_phase.group_by(Deployment.phase))).all()
        count = select(func.count()).where(Integration.workspace_id == call.space.id)
        number = await session.scalar(count.select_from(Integration))
    return {"integrations": {"all": number or 0}, "deployments": {each[0]: each[1] for each in phases}}


@routes.on("POST", "/workspaces/{workspace}/plans", "plans.read", tool=True)
async def plan_deployment(call: Within, body: NewDeployment) -> Plan:
    """Say what deploying would change. It changes nothing."""
    async with call.read() as session:
        return await planning.of_new(
            session, call, body.environment, body.integration, body.tag, body.slug, body.settings
        )


@routes.on("POST", _ALL, "deployments.write", tool=True, status_code=201)
async def create_deployment(call: Within, body: NewDeployment, response: Response) -> DeploymentShown:
    """Deploy a version. It begins at once; the answer does not wait until it runs."""
    call.target = f"deployment {call.space.name}/{body.environment}:{body.slug or body.integration}"
    async with call.write() as session:
        await planning.confirm(
            body.plan,
            lambda: planning.of_new(
                session, call, body.environment, body.integration, body.tag, body.slug, body.settings
            ),
        )
        row = await changing.create(
            session, call, body.environment, body.integration, body.tag, body.slug, body.settings
        )
        await session.flush()
        answer = await read(session, row)
    response.headers["Location"] = f"/api/v1/workspaces/{call.space.name}/deployments/{row.id}"
    return _told(call, row, response, answer)


@routes.on("GET", _ONE, "deployments.read", tool=True)
async def read_deployment(call: Within, deployment: str, response: Response) -> DeploymentShown:
    """Show a deployment, by its id or as `environment:slug`."""
    async with call.read() as session:
        row = await store.deployment(session, call.space.id, deployment)
        answer = await read(session, row)
    tell(response, row)
    return answer


@routes.on("GET", f"{_ONE}/releases", "deployments.read", tool=True)
async def list_releases(call: Within, deployment: str, limit: Limit = 50, cursor: Cursor = None) -> Page[ReleaseShown]:
    """List what was wanted, the newest first, and what became of it."""
    async with call.read() as session:
        row = await store.deployment(session, call.space.id, deployment)
        query = select(Release, Version.tag).join(Version, Version.id == Release.version_id)
        query = query.where(Release.deployment_id == row.id)
        rows = (await session.execute(part(query, [Release.generation], cursor, limit, newest=True))).all()
    return page(rows, limit, lambda each: [each[0].generation], lambda each: ReleaseShown.of(*each))


@routes.on("POST", f"{_ONE}/plan", "plans.read", tool=True)
async def plan_roll(call: Within, deployment: str, body: Roll) -> Plan:
    """Say what rolling to another version or other settings would change. It changes nothing."""
    async with call.read() as session:
        row = await store.deployment(session, call.space.id, deployment)
        plan = await planning.of_roll(session, call, row, body.tag, body.settings)
    return await planning.with_in_flight(call, plan)


@routes.on("POST", f"{_ONE}/rollout", "deployments.write", tool=True)
async def roll_out(
    call: Within, deployment: str, body: Roll, response: Response, if_match: IfMatch = None
) -> DeploymentShown:
    """Roll to another version or other settings. The instances of before serve until the new ones are ready."""

    async def change(session: AsyncSession, row: Deployment) -> None:
        await planning.confirm(body.plan, lambda: planning.of_roll(session, call, row, body.tag, body.settings))
        await changing.roll(session, call, row, body.tag, body.settings, "rollout")

    return await _change(call, deployment, response, if_match, change)


@routes.on("POST", f"{_ONE}/rollback", "deployments.write", tool=True)
async def roll_back(
    call: Within, deployment: str, body: Back, response: Response, if_match: IfMatch = None
) -> DeploymentShown:
    """Go back to what ran before: its version and its settings."""

    async def change(session: AsyncSession, row: Deployment) -> None:
        await changing.back(session, call, row, body.generation)

    return await _change(call, deployment, response, if_match, change)


@routes.on("POST", f"{_ONE}/scale", "deployments.write", tool=True)
async def scale(
    call: Within, deployment: str, body: Scale, response: Response, if_match: IfMatch = None
) -> DeploymentShown:
    """Run more or fewer instances."""

    async def change(session: AsyncSession, row: Deployment) -> None:
        await changing.roll(session, call, row, None, SettingsChange(replicas=body.replicas), "scale")

    return await _change(call, deployment, response, if_match, change)


@routes.on("POST", f"{_ONE}/restart", "deployments.write", tool=True)
async def restart(call: Within, deployment: str, response: Response, if_match: IfMatch = None) -> DeploymentShown:
    """Start all instances anew, one after the other."""

    async def change(session: AsyncSession, row: Deployment) -> None:
        await changing.restart(session, call, row)

    return await _change(call, deployment, response, if_match, change)


@routes.on("POST", f"{_ONE}/pause", "deployments.write", tool=True)
async def pause(call: Within, deployment: str, response: Response, if_match: IfMatch = None) -> DeploymentShown:
    """Stop all instances, and keep everything else."""

    async def change(session: AsyncSession, row: Deployment) -> None:
        await changing.switch(session, call, row, "paused")

    return await _change(call, deployment, response, if_match, change)


@routes.on("POST", f"{_ONE}/resume", "deployments.write", tool=True)
async def resume(call: Within, deployment: str, response: Response, if_match: IfMatch = None) -> DeploymentShown:
    """Run again what was paused."""

    async def change(session: AsyncSession, row: Deployment) -> None:
        await changing.switch(session, call, row, "running")

    return await _change(call, deployment, response, if_match, change)


@routes.on("POST", f"{_ONE}/promotion/plan", "plans.read")
async def plan_promotion(call: Within, deployment: str, body: Promotion) -> Plan:
    """Say what promoting would change in the other environment. It changes nothing."""
    async with call.read() as session:
        row = await store.deployment(session, call.space.id, deployment)
        plan = await planning.of_promotion(session, call, row, body.environment, body.slug)
    return await planning.with_in_flight(call, plan)


@routes.on("POST", f"{_ONE}/promotion", "deployments.write", status_code=201)
async def promote(call: Within, deployment: str, body: Promotion, response: Response) -> DeploymentShown:
    """Deploy the version that runs here in another environment, or roll what is there to it."""
    call.target = f"deployment {call.space.name}/{deployment} → {body.environment}"
    async with call.write() as session:
        source = await store.deployment(session, call.space.id, deployment, lock=True)
        await planning.confirm(
            body.plan, lambda: planning.of_promotion(session, call, source, body.environment, body.slug)
        )
        row = await changing.promote(session, call, source, body.environment, body.slug)
        await session.flush()
        answer = await read(session, row)
    return _told(call, row, response, answer)


@routes.on("DELETE", _ONE, "deployments.write", status_code=202)
async def delete_deployment(
    call: Within,
    deployment: str,
    response: Response,
    if_match: IfMatch = None,
    forget: Annotated[bool, Query(description="Do not remove what runs: where it ran is gone for ever")] = False,
) -> DeploymentShown:
    """Remove a deployment. It is gone from the list once nothing of it is left; what its flows kept stays.

    With `forget`, it is gone at once, and what may still run is left to itself: for a cluster or a namespace that no
    longer exists, which can never say that nothing is left.
    """
    if forget:
        return await _forget(call, deployment, if_match)

    async def change(session: AsyncSession, row: Deployment) -> None:
        await changing.switch(session, call, row, "gone")

    return await _change(call, deployment, response, if_match, change)


async def _forget(call: Call, deployment: str, if_match: str | None) -> DeploymentShown:
    call.target = f"deployment {call.space.name}/{deployment}, forgotten"
    async with call.write() as session:
        row = await store.deployment(session, call.space.id, deployment, lock=True)
        revise(row, if_match)
        answer = await read(session, row)
        await session.execute(delete(Release).where(Release.deployment_id == row.id))
        await session.delete(row)
    call.installation.bells.ring(f"deployment/{row.id}")
    return answer


async def _change(
    call: Call, deployment: str, response: Response, if_match: str | None, change: Any
) -> DeploymentShown:
    call.target = f"deployment {call.space.name}/{deployment}"
    async with call.write() as session:
        row = await store.deployment(session, call.space.id, deployment, lock=True)
        revise(row, if_match)
        if row.wanted == "gone":
            raise Problem("conflict", "it is being removed")
        await change(session, row)
        await session.flush()
        answer = await read(session, row)
    return _told(call, row, response, answer)


def _told(call: Call, row: Deployment, response: Response, answer: DeploymentShown) -> DeploymentShown:
    call.installation.bells.ring("deployments")
    call.installation.bells.ring(f"deployment/{row.id}")
    tell(response, row)
    return answer
