"""Names, labels and annotations of what belongs to a deployment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.target import Refused

Manifest = dict[str, Any]
"""An object of Kubernetes, as it is sent to the API server."""

MANAGED_BY = "app.kubernetes.io/managed-by"
PLATFORM = "octo-platform"
DEPLOYMENT = "octo.dev/deployment"
INSTALLATION = "octo.dev/installation"
REVISION = "octo.dev/revision"
GENERATION = "octo.dev/generation"
TAG = "octo.dev/tag"
INTERNAL_URL = "octo.dev/internal-url"
EXTERNAL_URL = "octo.dev/external-url"

CONTAINER = "octo"
HTTP = "http"
OPERATIONS = "ops"
OPERATIONS_PORT = 39_999

_SLUG = re.compile(r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")


def base(desired: Desired) -> str:
    """The name of all that there is once: `octo-SLUG`, at most 55 characters."""
    if not _SLUG.fullmatch(desired.slug):
        raise Refused(f"the slug {desired.slug!r} is no name: a-z, 0-9 and - within, at most 50 characters")
    return f"octo-{desired.slug}"


def of_revision(desired: Desired, revision: str, part: int = 0) -> str:
    """The name of what there is once in each revision, at most 63 characters. part: if there are several, from 0."""
    suffix = f"-{part}" if part else ""
    stem = base(desired)[: 63 - len(revision) - 1 - len(suffix)].rstrip("-")
    return f"{stem}-{revision}{suffix}"


def labels(desired: Desired, cluster: Cluster) -> dict[str, str]:
    """Of every object, and of every pod."""
    return {
        MANAGED_BY: PLATFORM,
        INSTALLATION: cluster.installation,
        DEPLOYMENT: label(desired.deployment),
        "octo.dev/integration": label(desired.integration),
        "octo.dev/environment": label(desired.environment),
        "octo.dev/workspace": label(desired.workspace),
    }


def label(text: str) -> str:
    """A text as the value of a label: as it is if it can be one, else what is left of it, and a hash."""
    if _LABEL.fullmatch(text):
        return text
    readable = re.sub(r"[^A-Za-z0-9]+", "-", text)[:40].strip("-") or "x"
    return f"{readable}-{sha256(text.encode()).hexdigest()[:12]}"


def selector(desired: Desired) -> dict[str, str]:
    """What finds the pods of a deployment. It never changes: Kubernetes refuses that."""
    return {DEPLOYMENT: label(desired.deployment)}


def metadata(
    desired: Desired,
    cluster: Cluster,
    name: str,
    *,
    revision: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    own = {REVISION: revision} if revision is not None else {}
    found: Manifest = {"name": name, "namespace": cluster.namespace, "labels": labels(desired, cluster) | own}
    return found | ({"annotations": dict(annotations)} if annotations else {})
