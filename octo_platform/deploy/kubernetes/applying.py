"""Make a deployment what it shall be: step by step, each of which may be the last one before a crash."""

from __future__ import annotations

from collections.abc import Iterable

from octo_platform.deploy.kubernetes import strays
from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.kinds import DOORS, LISTED
from octo_platform.deploy.kubernetes.manifests.names import DEPLOYMENT, MANAGED_BY, PLATFORM, REVISION, Manifest
from octo_platform.deploy.kubernetes.manifests.owner import owned
from octo_platform.deploy.kubernetes.together import together
from octo_platform.deploy.target import Refused

Key = tuple[str, str]
"""Kind and name."""


def key(manifest: Manifest) -> Key:
    return manifest["kind"], manifest["metadata"]["name"]


def is_ours(found: Manifest, deployment: str) -> bool:
    """deployment: as in the label."""
    labels = found["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY) == PLATFORM and labels.get(DEPLOYMENT) == deployment


async def existing(api: Api, deployment: str) -> dict[Key, Manifest]:
    """All objects of a deployment but its Secrets. deployment: as in the label."""
    wanted = {MANAGED_BY: PLATFORM, DEPLOYMENT: deployment}
    lists = await together(api.find(kind, wanted) for kind in LISTED)
    return {(kind, each["metadata"]["name"]): each for kind, found in zip(LISTED, lists, strict=True) for each in found}


async def apply(api: Api, manifests: list[Manifest]) -> None:
    """manifests: in the order in which they are made, the owner first."""
    deployment = manifests[0]["metadata"]["labels"][DEPLOYMENT]
    there = await existing(api, deployment)
    await _check_names(api, manifests, there, deployment)
    wanted = {key(each) for each in manifests}
    for kind, name in sorted(there.keys() - wanted):
        if kind in DOORS:
            await api.delete(kind, name)
    owner = await _put(api, manifests[0], there)
    made = owner
    for each in manifests[1:]:
        made = await _put(api, owned(each, owner["metadata"]["name"], owner["metadata"]["uid"]), there)
    await _prune(api, there, wanted, made)


async def _check_names(api: Api, manifests: Iterable[Manifest], there: dict[Key, Manifest], deployment: str) -> None:
    """Refuse names that somebody else has, before anything is changed. That of a Secret is a hash."""
    unknown = [each for each in manifests if key(each) not in there and each["kind"] != "Secret"]
    found = await together(api.get(*key(each)) for each in unknown)
    for each in found:
        if each is not None and not is_ours(each, deployment):
            whose = (each["metadata"].get("labels") or {}).get(DEPLOYMENT)
            owner = f"belongs to deployment {whose}" if whose else "was not made by the platform"
            kind, name = each.get("kind", "object"), each["metadata"]["name"]
            raise Refused(
                f"{kind} {name!r} in namespace {api.namespace!r} is there already and {owner}; remove it first"
            )


async def _put(api: Api, manifest: Manifest, there: dict[Key, Manifest]) -> Manifest:
    """Apply, whatever others have written into what is ours; but never to what came under this name meanwhile."""
    if manifest["kind"] == "Secret":
        return await api.apply(manifest, force=True)
    known = there.get(key(manifest))
    if known is None:
        return await api.apply(manifest, force=False)
    pinned = manifest["metadata"] | {"uid": known["metadata"]["uid"]}
    applied = await api.apply(manifest | {"metadata": pinned}, force=True)
    operations = strays.patch(applied, manifest)
    return await api.patch(*key(manifest), operations) if operations else applied


# --- what is not needed any more -----------------------------------------------------------------------------------


async def _prune(api: Api, there: dict[Key, Manifest], wanted: set[Key], deployment: Manifest) -> None:
    used = await _used(api, deployment)
    for (kind, name), each in there.items():
        revision = (each["metadata"].get("labels") or {}).get(REVISION)
        if (kind, name) in wanted or kind in DOORS:
            continue
        if revision is not None and kind != "Deployment":
            if revision not in used:
                await remove_part(api, kind, name)
        elif is_settled(deployment):  # what is not needed any more, or has another name now, serves until then
            await api.delete(kind, name)


async def remove_part(api: Api, kind: str, name: str) -> None:
    """Remove an object of a revision. A Secret goes before the ConfigMap by whose name it is known."""
    if kind == "ConfigMap":
        await api.delete("Secret", name)
    await api.delete(kind, name)


async def _used(api: Api, deployment: Manifest) -> set[str]:
    """Revisions of which there are pods, or may be at any moment."""
    labels = deployment["metadata"]["labels"]
    mine = {MANAGED_BY: PLATFORM, DEPLOYMENT: labels[DEPLOYMENT]}
    pods, sets = await together([api.find("Pod", mine), api.find("ReplicaSet", mine)])
    alive = [each for each in sets if (each["spec"].get("replicas") or 0) or (each.get("status") or {}).get("replicas")]
    found = {(each["metadata"].get("labels") or {}).get(REVISION) for each in [*pods, *alive]}
    return {each for each in found if each} | {labels[REVISION]}


def is_settled(deployment: Manifest) -> bool:
    """Whether all pods that a Deployment wants are those of now, and serve."""
    status = deployment.get("status") or {}
    wanted: int = deployment["spec"].get("replicas", 1)
    return bool(
        status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
        and status.get("updatedReplicas", 0) == wanted
        and status.get("availableReplicas", 0) == wanted
        and status.get("replicas", 0) == wanted
    )
