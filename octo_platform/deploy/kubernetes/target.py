"""Kubernetes as a target: one namespace of a cluster, in which the deployments of an environment run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Set as AbstractSet
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes import applying, asking, logs, removing, watching
from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.kinds import LISTED
from octo_platform.deploy.kubernetes.manifests.deployment import manifests
from octo_platform.deploy.kubernetes.manifests.names import DEPLOYMENT, INSTALLATION, MANAGED_BY, PLATFORM, label
from octo_platform.deploy.kubernetes.observing import Seen, crashing, observed, unready
from octo_platform.deploy.kubernetes.together import together
from octo_platform.deploy.target import Answer, LogLine, Observed, Reason, Refused, Target, Unreachable

_TOLD = 2
"""Pods of which a failure is told in detail: the others fail in the same way."""

_LINES = 20
_BYTES = 4096


class Kubernetes:
    """A `Target`. Deployments are those whose objects have their label: nothing is remembered here."""

    def __init__(self, api: Api, cluster: Cluster) -> None:
        self._api = api
        self._cluster = cluster

    @classmethod
    @asynccontextmanager
    async def open(
        cls, cluster: Cluster, *, kubeconfig: Path | None = None, context: str | None = None
    ) -> AsyncIterator[Self]:
        """kubeconfig: None within the cluster, as the pod's account. Raises `Refused` if there is no such cluster."""
        async with Api.open(cluster.namespace, kubeconfig, context) as api:
            yield cls(api, cluster)

    async def apply(self, desired: Desired) -> None:
        await applying.apply(self._api, manifests(desired, self._cluster))

    async def remove(self, deployment: str) -> bool:
        return await removing.remove(self._api, deployment)

    async def observe(self, deployment: str) -> Observed:
        mine = {MANAGED_BY: PLATFORM, DEPLOYMENT: label(deployment)}
        kinds = ("Deployment", "ReplicaSet", "Pod")
        seen = Seen(*await together(self._api.find(kind, mine) for kind in kinds))
        found = observed(seen)
        if found.phase not in {"progressing", "degraded", "failed"}:
            return found
        more = [*await self._last_lines(crashing(seen)), *await self._events(unready(seen))]
        return found.model_copy(update={"reasons": (*found.reasons, *more)})

    async def found(self) -> AbstractSet[str]:
        kinds = (*LISTED, "Pod")
        ours = {MANAGED_BY: PLATFORM, INSTALLATION: self._cluster.installation}
        lists = await together(self._api.find(kind, ours) for kind in kinds)
        ids = ((each["metadata"].get("labels") or {}).get(DEPLOYMENT) for objects in lists for each in objects)
        return frozenset(each for each in ids if each)

    def changes(self) -> AsyncGenerator[str]:
        return watching.changes(self._api)

    def logs(self, deployment: str, *, lines: int, follow: bool) -> AsyncIterator[LogLine]:
        return logs.logs(self._api, deployment, lines=lines, follow=follow)

    async def ask(self, deployment: str, path: str, limit: int) -> list[Answer]:
        return await asking.ask(self._api, self._cluster, deployment, path, limit)

    async def _last_lines(self, pods: list[str]) -> list[Reason]:
        """What containers wrote before they ended. The runtime writes no secrets into its log."""
        found = []
        for pod in pods[:_TOLD]:
            lines = await self._ended(pod)
            if lines:
                found.append(Reason(code="LastLines", text=f"{pod}:\n" + "\n".join(lines)[-_BYTES:]))
        return found

    async def _ended(self, pod: str) -> list[str]:
        """The last lines of the container before, or of the one that has ended and is not started again yet."""
        for previous in (True, False):
            try:
                lines = await logs.tail(self._api, pod, _LINES, previous=previous)
            except (Unreachable, Refused):
                return []  # what is known already is worth telling
            if lines:
                return [each.text for each in lines]
        return []

    async def _events(self, pods: list[str]) -> list[Reason]:
        """What the cluster complains of in pods that are not ready, e.g. a volume that is not there; the newest one."""
        found: dict[tuple[str, str], Reason] = {}
        for pod in pods[:_TOLD]:
            events = await self._api.find("Event", {}, {"involvedObject.name": pod, "type": "Warning"})
            for each in events[-3:]:
                code, text = each.get("reason") or "Warning", (each.get("message") or "")[:600]
                found[code, text] = Reason(code=code, text=text)
        return list(found.values())


_: type[Target] = Kubernetes  # the type checker proves it
