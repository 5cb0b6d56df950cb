"""How pods are reached within the cluster, and kept while nodes are emptied."""

from __future__ import annotations

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import HTTP, Manifest, base, metadata, selector

PORT = 80


def service(desired: Desired, cluster: Cluster) -> list[Manifest]:
    """One, if the flows serve HTTP. Its port is always the same, and each pod says where it listens: by name.

    So a version that listens elsewhere takes over while pods of the version before still serve.
    """
    if desired.port is None:
        return []
    spec = {
        "type": "ClusterIP",
        "selector": selector(desired),
        "ports": [{"name": HTTP, "port": PORT, "targetPort": HTTP, "protocol": "TCP"}],
    }
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata(desired, cluster, base(desired)), "spec": spec}
    ]


def internal_url(desired: Desired, cluster: Cluster) -> str | None:
    return f"http://{base(desired)}.{cluster.namespace}.svc" if desired.port is not None else None


def budget(desired: Desired, cluster: Cluster) -> list[Manifest]:
    """At most one pod less at a time, where there are several. Those that are not ready anyway hold up no node."""
    if desired.replicas < 2:
        return []
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": metadata(desired, cluster, base(desired)),
            "spec": {
                "maxUnavailable": 1,
                "selector": {"matchLabels": selector(desired)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }
    ]
