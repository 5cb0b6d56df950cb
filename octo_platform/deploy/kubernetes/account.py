"""Where it is written which cluster this process may ask: in a kubeconfig, or in the account of its own pod."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def kubeconfig(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that says where clusters are; None inside of one, where the account of the pod counts.

    Of several files in KUBECONFIG it is the first one.
    """
    if named := environ.get("KUBECONFIG"):
        return Path(named.partition(os.pathsep)[0])
    return None if _ACCOUNT.exists() else Path.home() / ".kube" / "config"


def own_namespace() -> str:
    """The namespace that the platform itself is in."""
    try:
        return _ACCOUNT.read_text().strip() or "octo"
    except OSError:
        return "octo"
