"""The Deployment itself, and with it all that belongs to it, in the order in which it is made."""

from __future__ import annotations

import json

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.account import account
from octo_platform.deploy.kubernetes.manifests.exposure import exposed, external_url
from octo_platform.deploy.kubernetes.manifests.files import config_maps
from octo_platform.deploy.kubernetes.manifests.names import (
    EXTERNAL_URL,
    GENERATION,
    INTERNAL_URL,
    OPERATIONS_PORT,
    TAG,
    Manifest,
    base,
    metadata,
    selector,
)
from octo_platform.deploy.kubernetes.manifests.network import closed, opened
from octo_platform.deploy.kubernetes.manifests.owner import owner
from octo_platform.deploy.kubernetes.manifests.pod import template
from octo_platform.deploy.kubernetes.manifests.secret import digest, secret
from octo_platform.deploy.kubernetes.manifests.service import budget, internal_url, service
from octo_platform.deploy.target import Refused


def manifests(desired: Desired, cluster: Cluster) -> list[Manifest]:
    """All objects: the owner first, the Deployment last, since with it the generation counts as applied.

    Raises `Refused` where no cluster could take it.
    """
    if desired.port == OPERATIONS_PORT:
        raise Refused(f"the flows cannot serve at port {OPERATIONS_PORT}: it is that of operations")
    revision = revision_of(desired, cluster)
    return [
        owner(desired, cluster),
        *account(desired, cluster),
        closed(desired, cluster),
        opened(desired, cluster, revision),
        *config_maps(desired, cluster, revision),
        secret(desired, cluster, revision),
        *service(desired, cluster),
        *budget(desired, cluster),
        *exposed(desired, cluster),
        _deployment(desired, cluster, revision),
    ]


def revision_of(desired: Desired, cluster: Cluster) -> str:
    """A hash of all that a pod is made of: its template, files, secrets and policy.

    Each revision has its own objects by this name, which never change. So no pod ever sees parts of two versions, old
    pods can start again while new ones come, and a changed secret is a roll-out like any other.
    """
    parts = [
        template(desired, cluster, ""),
        secret(desired, cluster, ""),
        *config_maps(desired, cluster, ""),
        opened(desired, cluster, ""),
    ]
    return digest(cluster, json.dumps(parts, sort_keys=True))


def _deployment(desired: Desired, cluster: Cluster, revision: str) -> Manifest:
    urls = {INTERNAL_URL: internal_url(desired, cluster), EXTERNAL_URL: external_url(desired)}
    annotations = {GENERATION: str(desired.generation), TAG: desired.tag} | {k: v for k, v in urls.items() if v}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(desired, cluster, base(desired), revision=revision, annotations=annotations),
        "spec": {
            "replicas": desired.replicas,
            "selector": {"matchLabels": selector(desired)},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
            "minReadySeconds": 1,
            "progressDeadlineSeconds": cluster.progress_deadline,
            "revisionHistoryLimit": cluster.history,
            "template": template(desired, cluster, revision),
        },
    }
