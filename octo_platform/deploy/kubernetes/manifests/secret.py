"""What only the pods of a revision may read: the secrets of the flows, and what opens their services."""

from __future__ import annotations

import hmac
import re
from base64 import b64encode

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import Manifest, metadata, of_revision
from octo_platform.deploy.target import Refused

SECRETS = "/run/secrets/octo"
ACCESS = "/run/octo/access"
STATE = "/var/lib/octo"

ADMIN_TOKEN = "admin-token"  # noqa: S105 - the name of a file
DATA_TOKEN = "data-token"  # noqa: S105 - the name of a file
SERVICES = "services"
_OWN = f"sqlite:{STATE}/octo.db"
"""A file of the pod, which ends with it."""

_NAME = re.compile(r"[^./\s=\x00-\x1f][^/\s=\x00-\x1f]{0,252}")
_ROOM = 900_000


def secret(desired: Desired, cluster: Cluster, revision: str) -> Manifest:
    content = _flow_secrets(desired) | _access(desired, cluster)
    if (size := sum(map(len, content.values()))) > _ROOM:
        raise Refused(f"the secrets of the deployment have {size:,} bytes; at most {_ROOM:,} fit")
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(desired, cluster, of_revision(desired, revision), revision=revision),
        "type": "Opaque",
        "immutable": True,
        "data": {key: b64encode(value).decode() for key, value in content.items()},
    }


def volumes(desired: Desired, revision: str) -> list[Manifest]:
    """The flows see their secrets, in a folder of their own, and not what the process itself has."""
    items = [{"key": key, "path": name} for key, name in _keys(desired).items()]
    access = [{"key": key, "path": key} for key in (ADMIN_TOKEN, *([DATA_TOKEN] if desired.data else []))]
    return [
        *([_volume("secrets", of_revision(desired, revision), items)] if items else []),
        _volume("access", of_revision(desired, revision), access),
    ]


def admin_token(cluster: Cluster, deployment: str) -> str:
    """What the operations port of a deployment wants from who asks for more than its health."""
    return _seal(cluster, f"operations port of {deployment}")


def digest(cluster: Cluster, text: str) -> str:
    """A hash that tells nothing of what went into it, short enough for names."""
    return _seal(cluster, text)[:10]


def _seal(cluster: Cluster, text: str) -> str:
    return hmac.digest(cluster.salt.get_secret_value().encode(), text.encode(), "sha256").hex()


def _keys(desired: Desired) -> dict[str, str]:
    """Key of the Secret → name for the flows, which may have more characters than keys."""
    for name in desired.secrets:
        if not _NAME.fullmatch(name):
            raise Refused(f"{name[:100]!r} is no name of a secret: no blank, no `/`, no `=`, no `.` at the beginning")
    return {f"secret-{number}": name for number, name in enumerate(sorted(desired.secrets))}


def _flow_secrets(desired: Desired) -> dict[str, bytes]:
    return {key: desired.secrets[name].get_secret_value().encode() for key, name in _keys(desired).items()}


def _access(desired: Desired, cluster: Cluster) -> dict[str, bytes]:
    content = {ADMIN_TOKEN: admin_token(cluster, desired.deployment), SERVICES: _services(desired)}
    if desired.data:
        content[DATA_TOKEN] = desired.data.token.get_secret_value()
    return {key: value.encode() for key, value in content.items()}


def _services(desired: Desired) -> str:
    """Where services are: such a URL may have a password, so it is neither an argument nor in the Deployment.

    By default all pods share the data plane. The journal stays in the pod: it is written before each effect.
    """
    places = desired.services or (f"platform:,journal={_OWN}" if desired.data else _OWN)
    if re.search(r"(^|[,=])\s*platform:", places) and not desired.data:
        raise Refused("services: pods reach the data plane (`platform:`) where the platform is started with --data-url")
    return f"{places},secrets=files:{SECRETS}" if desired.secrets else places


def _volume(name: str, source: str, items: list[dict[str, str]]) -> Manifest:
    return {"name": name, "secret": {"secretName": source, "defaultMode": 0o400, "items": items}}
