"""Take a deployment away, in the order in which nothing is left open: doors, pods, and only then what held them."""

from __future__ import annotations

from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.applying import existing, remove_part
from octo_platform.deploy.kubernetes.kinds import DOORS
from octo_platform.deploy.kubernetes.manifests.names import DEPLOYMENT, MANAGED_BY, PLATFORM, REVISION, Manifest, label


async def remove(api: Api, deployment: str) -> bool:
    """Begin, or go on. Return whether nothing is left."""
    there = await existing(api, label(deployment))
    for kind, name in there:
        if kind in DOORS:
            await api.delete(kind, name)
        if kind == "Deployment":
            # It is there until its pods have gone, so nobody starts others under its name meanwhile.
            await api.delete(kind, name, foreground=True)
    if await api.find("Pod", {MANAGED_BY: PLATFORM, DEPLOYMENT: label(deployment)}):
        return False
    if any(kind in {"Deployment", *DOORS} for kind, _ in there):
        return False
    for (kind, name), found in sorted(there.items(), key=lambda each: _turn(each[0][0], each[1])):
        if _is_owner(kind, found):
            await api.delete(kind, name)
        else:
            await remove_part(api, kind, name)
    return not await existing(api, label(deployment))


def _turn(kind: str, found: Manifest) -> tuple[bool, bool, bool]:
    """Policies late, since they close what is still there; the owner last, since by it the rest is found."""
    return _is_owner(kind, found), kind == "ConfigMap", kind == "NetworkPolicy"


def _is_owner(kind: str, found: Manifest) -> bool:
    return kind == "ConfigMap" and REVISION not in (found["metadata"].get("labels") or {})
