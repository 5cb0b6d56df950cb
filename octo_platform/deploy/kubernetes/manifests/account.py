"""The account of a deployment's pods, and its rights: none. What a flow needs is added to the Role by name."""

from __future__ import annotations

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import Manifest, base, metadata

_GROUP = "rbac.authorization.k8s.io"


def account(desired: Desired, cluster: Cluster) -> list[Manifest]:
    name = base(desired)
    described = metadata(desired, cluster, name)
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": described, "automountServiceAccountToken": False},
        {"apiVersion": f"{_GROUP}/v1", "kind": "Role", "metadata": described, "rules": []},
        {
            "apiVersion": f"{_GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": described,
            "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": cluster.namespace}],
        },
    ]
