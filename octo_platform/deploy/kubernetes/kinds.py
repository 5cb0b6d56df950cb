"""The kinds of objects that deployments are made of, and those that only tell how these are doing."""

from __future__ import annotations

from typing import Any

from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.core_v1 import ConfigMap, Event, Pod, Secret, Service, ServiceAccount
from lightkube.resources.networking_v1 import Ingress, NetworkPolicy
from lightkube.resources.policy_v1 import PodDisruptionBudget
from lightkube.resources.rbac_authorization_v1 import Role, RoleBinding

KINDS: dict[str, Any] = {
    "ConfigMap": ConfigMap,
    "Deployment": Deployment,
    "Event": Event,
    "HTTPRoute": create_namespaced_resource("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
    "Ingress": Ingress,
    "NetworkPolicy": NetworkPolicy,
    "Pod": Pod,
    "PodDisruptionBudget": PodDisruptionBudget,
    "ReplicaSet": ReplicaSet,
    "Role": Role,
    "RoleBinding": RoleBinding,
    "Secret": Secret,
    "Service": Service,
    "ServiceAccount": ServiceAccount,
}

DOORS = ("Ingress", "HTTPRoute")
"""What leads in from outside. Two of them with one host clash, so the old one goes before the new one comes."""

STABLE = ("Service", "PodDisruptionBudget", "ServiceAccount", "RoleBinding", "Role")
"""What there is once in a deployment, beside its owner, its policy and the Deployment."""

LISTED = ("Deployment", *DOORS, *STABLE, "NetworkPolicy", "ConfigMap")
"""What can be found by its labels: all but Secrets, which nobody needs to list."""
