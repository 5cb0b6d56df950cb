"""The one place that knows all kinds of targets. Each is imported when the first environment of its kind is used."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from octo_platform.deploy.kubernetes.account import kubeconfig, own_namespace
from octo_platform.deploy.target import Target, Unreachable
from octo_platform.deploy.targets import Opener, Place
from octo_platform.environments import allowed
from octo_platform.environments.settings import KubernetesSettings
from octo_platform.options import Options
from octo_platform.storage.birth import Birth

if TYPE_CHECKING:
    from octo_platform.deploy.local.cgroups import Cgroups
    from octo_platform.deploy.local.walls import Walls


def openers(options: Options, birth: Birth) -> Mapping[str, Opener]:
    """Kind of target → how to open it for an environment; those that the installation deploys to."""

    @cache  # this process is moved into a group of its own, once
    def groups() -> Cgroups | None:
        from octo_platform.deploy.local import cgroups

        return cgroups.delegated(cgroups.own())

    @asynccontextmanager
    async def local(place: Place) -> AsyncIterator[Target]:
        from octo_platform.deploy.local import opened

        closed = walls(options)
        closed = closed and closed._replace(cgroups=groups())
        folder = options.folder / "deployments" / place.environment
        async with AsyncExitStack() as stack:
            try:
                found = await stack.enter_async_context(opened(folder, walls=closed))
            except OSError as error:
                raise Unreachable(f"{folder} cannot be used: {error.strerror or error}") from error
            yield found

    @asynccontextmanager
    async def kubernetes(place: Place) -> AsyncIterator[Target]:
        from octo_platform.deploy.kubernetes.cluster import Cluster
        from octo_platform.deploy.kubernetes.target import Kubernetes

        settings = KubernetesSettings.model_validate(place.settings)
        # What was allowed when the environment was made may not be any more. Nothing that runs is touched then.
        if fault := allowed.fault(options, place.workspace, settings):
            raise Unreachable(fault)
        cluster = Cluster(
            namespace=settings.namespace,
            platform_namespace=own_namespace(),
            salt=birth.salt,
            image=settings.image or options.runtime_image,
            pull_secrets=tuple(settings.image_pull_secrets),
            progress_deadline=max(10, min(3600, int(options.progress_deadline))),
            dns_namespace=options.kubernetes.dns_namespace,
            dns_addresses=options.kubernetes.dns_addresses,
            operators=options.kubernetes.operators,
        )
        async with Kubernetes.open(cluster, kubeconfig=kubeconfig(), context=settings.context) as found:
            yield found

    known: dict[str, Opener] = {"local": local, "kubernetes": kubernetes}
    return {kind: known[kind] for kind in options.targets}


def walls(options: Options) -> Walls | None:
    """What deployments of this machine are closed in with; None if nobody wants that."""
    from octo_platform.deploy.local.walls import Walls

    if options.local_isolation == "off":
        return None
    return Walls(options.kept, (options.port,), is_required=options.local_isolation == "required")
