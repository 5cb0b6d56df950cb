"""What the platform may in a namespace of deployments, and nothing besides. The Helm chart has the same rules.

It reads no Secret: it makes them, and takes them away by names that it knows. (Whoever may create pods in a
namespace can read its Secrets in a roundabout way, which is why deployments have namespaces of their own.)
"""

from __future__ import annotations

from octo_platform.deploy.kubernetes.manifests.names import Manifest

_READ = ["get", "list"]
_WRITE = ["create", "patch", "delete"]

RULES: list[Manifest] = [
    {"apiGroups": [""], "resources": ["configmaps", "services", "serviceaccounts"], "verbs": [*_READ, *_WRITE]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": _WRITE},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": [*_READ, "watch", *_WRITE]},
    {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": [*_READ, *_WRITE]},
    {
        "apiGroups": ["networking.k8s.io"],
        "resources": ["ingresses", "networkpolicies"],
        "verbs": [*_READ, *_WRITE],
    },
    {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["httproutes"], "verbs": [*_READ, *_WRITE]},
    {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["roles", "rolebindings"],
        "verbs": [*_READ, *_WRITE],
    },
]
"""In the form of a Role. None of them names a wildcard."""

OUTSIDE: list[Manifest] = [{"apiGroups": [""], "resources": ["pods/proxy"], "verbs": ["get"]}]
"""What a platform needs besides that runs outside of the cluster, where it reaches no pod by its address."""


def role(namespace: str, name: str, *, outside: bool = False) -> Manifest:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": namespace},
        "rules": [*RULES, *(OUTSIDE if outside else [])],
    }
