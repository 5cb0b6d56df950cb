"""Makes plans: reads what is and what would be, and compares them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.deploy.target import Refused, Unreachable
from octo_platform.deployments import changing, plan as comparing, releases, store
from octo_platform.deployments.building import place_of
from octo_platform.deployments.plan import Plan, State
from octo_platform.deployments.settings import Settings, SettingsChange
from octo_platform.environments.store import environment as environment_named
from octo_platform.integrations.store import integration as integration_named, version as version_tagged
from octo_platform.problem import Problem
from octo_platform.storage.tables import Deployment, Environment, Integration, Version
from octo_platform.web.call import Call

_MOST_BYTES = 1 << 20


async def of_new(
    session: AsyncSession,
    call: Call,
    environment: str,
    integration: str,
    tag: str,
    slug: str | None,
    settings: Settings,
) -> Plan:
    """What a new deployment would bring."""
    where = await environment_named(session, call.space.id, environment)
    of = await integration_named(session, call.space.id, integration)
    version = await version_tagged(session, of, tag)
    await changing.check(session, where, version.id, settings)
    store.host_of(call.installation, where, settings.expose)
    row = store.made(call.installation, of, where, slug)
    taken = select(Deployment.id).where(Deployment.environment_id == where.id, Deployment.slug == row.slug)
    if await session.scalar(taken):
        raise Problem("exists", f"slug: {environment} has a deployment {row.slug} already")
    return await _plan(session, None, row.slug, version, settings, where)


async def of_roll(session: AsyncSession, call: Call, row: Deployment, tag: str | None, change: SettingsChange) -> Plan:
    """What another version or other settings would change; `with_in_flight` adds what is under way."""
    present = await releases.release(session, row)
    of = await session.get_one(Integration, row.integration_id)
    version = (
        await session.get_one(Version, present.version_id) if tag is None else await version_tagged(session, of, tag)
    )
    settings = change.applied(releases.settings_of(present))
    where = await session.get_one(Environment, row.environment_id)
    await changing.check(session, where, version.id, settings)
    store.host_of(call.installation, where, settings.expose)
    return await _plan(session, row, row.slug, version, settings, where)


async def of_promotion(
    session: AsyncSession, call: Call, source: Deployment, environment: str, slug: str | None
) -> Plan:
    """What promoting would change in the other environment."""
    version, there = await changing.promoted(session, call, source, environment, slug)
    if there is not None:
        return await of_roll(session, call, there, version.tag, SettingsChange())
    settings = releases.settings_of(await releases.release(session, source)).model_copy(update={"expose": None})
    of = await session.get_one(Integration, source.integration_id)
    return await of_new(session, call, environment, of.name, version.tag, slug or source.slug, settings)


async def confirm(digest: str | None, plan: Callable[[], Awaitable[Plan]]) -> None:
    """Refuse if a plan was confirmed and would be another one now. Raises `Problem`."""
    if digest is None:
        return
    present = await plan()
    if present.digest != digest:
        raise Problem(
            "plan-changed",
            "make the plan again",
            plan=present.model_dump(by_alias=True, mode="json", exclude_none=True),
        )


async def _plan(
    session: AsyncSession, row: Deployment | None, slug: str, version: Version, settings: Settings, where: Environment
) -> Plan:
    before = await _state(session, row) if row is not None else None
    after = State(version.tag, await releases.facts_of(session, version.id), settings)
    made = Plan(
        deployment=row.id if row is not None else None,
        slug=slug,
        from_tag=before.tag if before else None,
        to_tag=version.tag,
        changes=comparing.changes(before, after),
        warnings=comparing.warnings(before, after, keeps=keeps(where)),
    )
    made.digest = comparing.digest(made, row.generation if row is not None else 0)
    return made


def keeps(where: Environment) -> bool:
    """Whether what flows keep there, such as journals, outlives an instance."""
    return where.target != "kubernetes" or bool(where.settings.get("services"))


async def _state(session: AsyncSession, row: Deployment) -> State:
    """What is compared with: the newest release that became ready, else what is wanted."""
    release = await releases.release(session, row, row.good_release or None)
    version = await session.get_one(Version, release.version_id)
    return State(version.tag, await releases.facts_of(session, version.id), releases.settings_of(release))


async def with_in_flight(call: Call, plan: Plan) -> Plan:
    """Ask the target for what is under way. No transaction is open while it thinks: others have their turn."""
    if plan.deployment is not None:
        plan.in_flight = await _in_flight(call, plan.deployment)
    return plan


async def _in_flight(call: Call, deployment: str) -> int | None:
    async with call.read() as session:
        row = await session.get(Deployment, deployment)
        if row is None:
            return None
        place = await place_of(session, await session.get_one(Environment, row.environment_id))
    try:
        target = await call.installation.targets.of(place)
        answers = await target.ask(deployment, "/status", _MOST_BYTES)
        return comparing.in_flight([json.loads(each.body) for each in answers if each.status == 200])
    except (Unreachable, Refused, ValueError):
        return None
