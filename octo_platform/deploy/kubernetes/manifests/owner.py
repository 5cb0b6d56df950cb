"""The object that owns all others of a deployment: if somebody deletes it, or the namespace, nothing is left behind.

It is a ConfigMap and not the Deployment: that one may be deleted by hand and made again, and neither the stable Service
nor the policies should go with it.
"""

from __future__ import annotations

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import Manifest, base, metadata


def owner(desired: Desired, cluster: Cluster) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(desired, cluster, base(desired)),
        "data": {"deployment": desired.deployment, "slug": desired.slug},
    }


def owned(manifest: Manifest, name: str, uid: str) -> Manifest:
    """The manifest with its owner. Nobody waits for it in a deletion: the target takes them away in its own order."""
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid, "blockOwnerDeletion": False}
    return manifest | {"metadata": manifest["metadata"] | {"ownerReferences": [reference]}}
