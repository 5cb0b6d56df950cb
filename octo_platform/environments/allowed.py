"""What an environment may name of Kubernetes: as much as the administrator of the platform has allowed.

Who administers a workspace writes the settings of its environments, and the platform acts on them with its own rights.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.deploy.kubernetes.account import own_namespace
from octo_platform.deploy.kubernetes.cluster import RESERVED
from octo_platform.environments.settings import KubernetesSettings
from octo_platform.options import Options
from octo_platform.problem import Problem
from octo_platform.storage.tables import Environment, Workspace

_LOCK = 0x0C70_0002
_LOGIN = re.compile(r"^(?:[a-z]+=)?([a-z]+://)?(?:[^/?#]*@)?")


async def take(session: AsyncSession, options: Options, workspace: Workspace, settings: KubernetesSettings) -> None:
    """Let an environment have these settings. Raises `Problem`.

    A namespace that is not kept for this workspace is that of one workspace at most: what runs in the same namespace
    has the same names, and reaches what others cannot.
    """
    if found := fault(options, workspace.name, settings):
        raise Problem("invalid", found)
    if workspace.name in _keepers(options, settings.namespace):
        return
    if session.get_bind().dialect.name == "postgresql":  # on SQLite, all writes happen one after the other
        await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    others = select(Environment.id).where(
        Environment.target == "kubernetes",
        Environment.workspace_id != workspace.id,
        Environment.settings["namespace"].as_string() == settings.namespace,
    )
    if await session.scalar(others.limit(1)):
        raise Problem("in-use", f"settings.namespace: another workspace has {settings.namespace}")


def fault(options: Options, workspace: str, settings: KubernetesSettings) -> str | None:
    """The first thing in the settings that the workspace may not name; None if there is none."""
    clusters = options.kubernetes
    return (
        _fault("namespace", [settings.namespace], _namespaces(options, workspace, settings.namespace))
        or _fault("context", [settings.context], clusters.contexts)
        or _fault("image", [settings.image], [options.runtime_image, *clusters.images])
        or _fault("baseDomain", [settings.base_domain], [*_whole(options.base_domain), *clusters.domains])
        or _fault("services", _urls(settings.services), _urls(",".join(clusters.services)))
    )


def _fault(name: str, values: Iterable[str | None], patterns: Sequence[str]) -> str | None:
    for value in values:
        if value is not None and not any(_fits(each, value) for each in patterns):
            return f"settings.{name}: the administrator of the platform has not allowed {value!r} here"
    return None


def _namespaces(options: Options, workspace: str, namespace: str) -> list[str]:
    """Patterns for this namespace. One that is kept for workspaces is nobody else's."""
    if namespace in RESERVED | {own_namespace()}:
        return []
    if keepers := _keepers(options, namespace):
        return [namespace] if workspace in keepers else []
    return [each for each in options.kubernetes.namespaces if ":" not in each]


def _keepers(options: Options, namespace: str) -> set[str]:
    """The workspaces that a namespace is kept for; none if the first one gets it."""
    rules = [each.rpartition(":") for each in options.kubernetes.namespaces]
    return {workspace for workspace, _, pattern in rules if workspace and _fits(pattern, namespace)}


def _whole(domain: str | None) -> list[str]:
    return [domain, f"*.{domain}"] if domain else []


def _urls(services: str | None) -> list[str]:
    """`postgresql://…,queues=nats://…` → its URLs, without logins: it matters where they lead."""
    return [_LOGIN.sub(r"\1", each) for each in services.split(",")] if services else []


def _fits(pattern: str, value: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), value, re.DOTALL) is not None
