"""What each pod is: one container of the runtime, with no rights, no way to write but two folders, and probes."""

from __future__ import annotations

import math

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests import files, secret
from octo_platform.deploy.kubernetes.manifests.names import (
    CONTAINER,
    HTTP,
    OPERATIONS,
    OPERATIONS_PORT,
    REVISION,
    TAG,
    Manifest,
    base,
    label,
    labels,
    of_revision,
    selector,
)

FLOWS = "/etc/octo/flows"
STOP_DELAY = 5
USER = 65_532
RESERVED = ("HTTP_PORT", "HTTP_HOST")
"""Variables that are the platform's beside all that begin with `OCTO_`."""


def template(desired: Desired, cluster: Cluster, revision: str) -> Manifest:
    """Only what a pod is made of: a deployment that is scaled, or reached elsewhere, keeps its pods."""
    return {
        "metadata": {
            "labels": labels(desired, cluster) | {REVISION: revision, TAG: label(desired.tag)},
            "annotations": {TAG: desired.tag, "octo.dev/hash": desired.hash, "octo.dev/restart": desired.restart},
        },
        "spec": _pod(desired, cluster, revision),
    }


def _pod(desired: Desired, cluster: Cluster, revision: str) -> Manifest:
    found: Manifest = {
        "serviceAccountName": base(desired),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Process 1 of a container gets no default action from the kernel: an early SIGTERM would be lost.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": STOP_DELAY + math.ceil(desired.drain) + 10,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selector(desired)},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
        "containers": [_container(desired, cluster, revision)],
        "volumes": [
            files.volume(desired, revision),
            *secret.volumes(desired, revision),
            {"name": "tmp", "emptyDir": {"sizeLimit": f"{cluster.state}Mi"}},
            {"name": "state", "emptyDir": {"sizeLimit": f"{cluster.state}Mi"}},
        ],
    }
    if cluster.pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in cluster.pull_secrets]
    return found


def _container(desired: Desired, cluster: Cluster, revision: str) -> Manifest:
    return {
        "name": CONTAINER,
        "image": cluster.image,
        "imagePullPolicy": cluster.pull_policy,
        "args": _arguments(desired),
        "workingDir": secret.STATE,
        "env": _environment(desired, revision),
        "ports": _ports(desired),
        "resources": _resources(desired),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "startupProbe": _probe("/healthz", period=2, timeout=3, failures=60),
        "readinessProbe": _probe("/readyz", period=5, timeout=3, failures=2),
        "livenessProbe": _probe("/healthz", period=10, timeout=5, failures=6),
        "volumeMounts": [
            {"name": "flows", "mountPath": FLOWS, "readOnly": True},
            *([{"name": "secrets", "mountPath": secret.SECRETS, "readOnly": True}] if desired.secrets else []),
            {"name": "access", "mountPath": secret.ACCESS, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a folder of the pod's own
            {"name": "state", "mountPath": secret.STATE},
        ],
    }


def _arguments(desired: Desired) -> list[str]:
    traces = ["--traces", "--traces-store", f"sqlite:{secret.STATE}/traces.db"] if desired.traces else []
    return [
        *("run", "--config", FLOWS),
        *("--admin-addr", f":{OPERATIONS_PORT}"),
        *("--admin-token-file", f"{secret.ACCESS}/{secret.ADMIN_TOKEN}"),
        *("--stop-delay", str(STOP_DELAY), "--drain", f"{desired.drain:g}"),
        *(("--resume", "new") if desired.in_flight == "migrate" else ()),
        *("--log-format", "json", "--quiet"),
        *traces,
    ]


def is_reserved(name: str) -> bool:
    return name.startswith("OCTO_") or name in RESERVED


def _environment(desired: Desired, revision: str) -> list[Manifest]:
    """The variables of people, less those that are the platform's, which come last."""
    given = {name: value for name, value in desired.variables.items() if not is_reserved(name)}
    own = {"OCTO_DEPLOYMENT": desired.deployment, "OCTO_TAG": desired.tag}
    if desired.port is not None:
        own |= {"HTTP_PORT": str(desired.port), "HTTP_HOST": "0.0.0.0"}  # noqa: S104 - the pod's own network
    if desired.data:
        own |= {"OCTO_DATA_URL": desired.data.url, "OCTO_DATA_TOKEN_FILE": f"{secret.ACCESS}/{secret.DATA_TOKEN}"}
    services = {"name": of_revision(desired, revision), "key": secret.SERVICES}
    return [
        *({"name": name, "value": _literal(given[name])} for name in sorted(given)),
        *({"name": name, "value": _literal(value)} for name, value in sorted(own.items())),
        {"name": "OCTO_SERVICES", "valueFrom": {"secretKeyRef": services}},
    ]


def _literal(text: str) -> str:
    """A text that is no reference to another variable: `$(OCTO_SERVICES)` would be replaced by its value."""
    return text.replace("$", "$$")


def _ports(desired: Desired) -> list[Manifest]:
    served = [{"name": HTTP, "containerPort": desired.port, "protocol": "TCP"}] if desired.port is not None else []
    return [*served, {"name": OPERATIONS, "containerPort": OPERATIONS_PORT, "protocol": "TCP"}]


def _resources(desired: Desired) -> Manifest:
    """No limit of cpu: it would slow a pod down while nobody else wants the core."""
    memory = f"{desired.resources.memory}Mi"
    return {"requests": {"cpu": _cores(desired.resources.cpu), "memory": memory}, "limits": {"memory": memory}}


def _cores(cpu: float) -> str:
    """As Kubernetes writes it itself: a text that it would write differently looks like a change each time."""
    thousandths = max(1, round(cpu * 1000))
    return f"{thousandths}m" if thousandths % 1000 else str(thousandths // 1000)


def _probe(path: str, *, period: int, timeout: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": OPERATIONS, "scheme": "HTTP"},
        "periodSeconds": period,
        "timeoutSeconds": timeout,
        "failureThreshold": failures,
    }
