"""Finding and making deployments, always within a workspace."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.auth import tokens
from octo_platform.deployments.building import token_place
from octo_platform.environments.settings import KubernetesSettings
from octo_platform.ids import new_id
from octo_platform.installation import Installation
from octo_platform.problem import Problem
from octo_platform.storage.database import LOCK
from octo_platform.storage.tables import Deployment, Environment, Integration

_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")


async def deployment(session: AsyncSession, workspace_id: str, name: str, *, lock: bool = False) -> Deployment:
    """The deployment of that id, or `environment:slug`. Raises `Problem`."""
    query = select(Deployment).where(Deployment.workspace_id == workspace_id)
    environment, colon, slug = name.partition(":")
    if colon:
        query = query.join(Environment, Environment.id == Deployment.environment_id)
        query = query.where(Environment.name == environment, Deployment.slug == slug)
    else:
        query = query.where(Deployment.id == name)
    row = await session.scalar(query.with_for_update(of=Deployment, **LOCK) if lock else query)
    if row is None:
        raise Problem("not-found", f"there is no deployment {name[:100]!r} in this workspace")
    return row


def made(installation: Installation, of: Integration, environment: Environment, slug: str | None) -> Deployment:
    """A new deployment, without a release yet: its generation is 0. It has a token of its own from the beginning."""
    chosen = slug or of.name
    if not _SLUG.fullmatch(chosen):
        raise Problem("invalid", "slug: small letters, digits and `-`, at most 50")
    id_ = new_id()
    token = tokens.new_token()
    return Deployment(
        id=id_,
        workspace_id=of.workspace_id,
        environment_id=environment.id,
        integration_id=of.id,
        slug=chosen,
        generation=0,
        token=installation.keyring.seal(token_place(id_), token.encode()),
        token_hash=tokens.hashed(token),
    )


def host_of(installation: Installation, environment: Environment, name: str | None) -> str | None:
    """The host name under which the outside reaches a deployment. Raises `Problem` where that is not possible."""
    if name is None:
        return None
    if environment.target != "kubernetes":
        raise Problem("invalid", "expose: only deployments on Kubernetes have a name for the outside")
    settings = KubernetesSettings.model_validate(environment.settings)
    options = installation.options
    domain = settings.base_domain or options.base_domain
    if domain is None:
        raise Problem("invalid", f"expose: the environment {environment.name} has no `baseDomain`")
    host = f"{name}.{domain}"
    if host in (urlsplit(options.url).hostname, *options.hosts):
        raise Problem("invalid", f"expose: {host} is the platform itself")
    return host
