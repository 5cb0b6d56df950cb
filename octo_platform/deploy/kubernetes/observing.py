"""What the objects of a deployment tell of it. A function of them: nothing is asked here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from octo_platform.deploy.kubernetes.manifests.names import (
    CONTAINER,
    EXTERNAL_URL,
    GENERATION,
    INTERNAL_URL,
    REVISION,
    TAG,
    Manifest,
)
from octo_platform.deploy.target import Instance, Observed, Phase, Reason

_TEXT = 600
_REASONS = 10

_HOPELESS = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""What a container waits for that does not come by itself: somebody has to change something."""

_CRASHES = 3
"""Ends in a row after which a new version is given up."""

_WRONG = 2
"""The exit code of `octo run` for a configuration that is wrong: it will be wrong the next time, too."""


class Seen(NamedTuple):
    """Objects of one deployment, as they are in JSON."""

    deployments: Sequence[Manifest]
    sets: Sequence[Manifest]
    pods: Sequence[Manifest]


def observed(seen: Seen) -> Observed:
    deployment = newest(seen.deployments)
    if deployment is None:
        left = tuple(_instance(each, None, {}) for each in seen.pods)
        return Observed(phase="absent", instances=left)
    metadata = deployment["metadata"]
    annotations = metadata.get("annotations") or {}
    mine, others = _split(deployment, filter(_is_there, seen.pods))
    generations = {_revision(each): _generation(each) for each in seen.sets}
    instances = [_instance(each, deployment, generations) for each in [*mine, *others]]
    wanted = deployment["spec"].get("replicas", 1)
    return Observed(
        phase=_phase(deployment, mine, [each for each in others if _is_active(each)]),
        generation=_generation(deployment),
        wanted=wanted,
        ready=sum(is_ready(each) for each in mine),
        reasons=_reasons(deployment, mine),
        instances=tuple(sorted(instances, key=lambda each: each.name)),
        internal_url=annotations.get(INTERNAL_URL),
        external_url=annotations.get(EXTERNAL_URL),
    )


def newest(deployments: Iterable[Manifest]) -> Manifest | None:
    """There are two for the moment in which a deployment gets another name."""
    alive = [each for each in deployments if not each["metadata"].get("deletionTimestamp")]
    return max(alive, key=_generation_or_0, default=None)


def crashing(seen: Seen) -> list[str]:
    """Names of the pods of now whose container has ended by itself: their last lines tell why."""
    deployment = newest(seen.deployments)
    if deployment is None:
        return []
    mine, _ = _split(deployment, seen.pods)
    return [each["metadata"]["name"] for each in mine if not is_ready(each) and _last_end(each)]


def unready(seen: Seen) -> list[str]:
    """Names of the pods of now that are not ready, and do not say why themselves."""
    deployment = newest(seen.deployments)
    if deployment is None:
        return []
    mine, _ = _split(deployment, seen.pods)
    return [each["metadata"]["name"] for each in mine if not is_ready(each) and _why(each) is None]


# --- how far it is -------------------------------------------------------------------------------------------------


def _phase(deployment: Manifest, mine: Sequence[Manifest], others: Sequence[Manifest]) -> Phase:
    """mine: pods of the revision that is wanted; others: those of another, until they have left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "progressing"
    if wanted == 0:
        return "progressing" if mine or others or status.get("replicas") else "paused"
    ready = sum(is_ready(each) for each in mine)
    if ready >= wanted and not others and _is_complete(status, wanted):
        return "running"
    return _on_its_way(deployment, mine, missing=ready < wanted)


def _on_its_way(deployment: Manifest, mine: Sequence[Manifest], *, missing: bool) -> Phase:
    progress = _condition(deployment, "Progressing").get("reason")
    if progress == "ProgressDeadlineExceeded":
        return "failed"
    if progress == "NewReplicaSetAvailable":  # the roll-out was over before: the version is a good one
        return "degraded" if missing else "progressing"
    cannot = _condition(deployment, "ReplicaFailure").get("status") == "True" or any(map(_is_hopeless, mine))
    return "failed" if cannot else "progressing"


def _is_complete(status: Manifest, wanted: int) -> bool:
    return all(status.get(each, 0) == wanted for each in ("replicas", "updatedReplicas", "availableReplicas"))


def _is_hopeless(pod: Manifest) -> bool:
    state = _container(pod)
    waits = ((state.get("state") or {}).get("waiting") or {}).get("reason")
    if waits in _HOPELESS:
        return True
    end = _last_end(pod)
    if end is None or is_ready(pod):
        return False
    return end.get("exitCode") == _WRONG or state.get("restartCount", 0) >= _CRASHES


# --- pods ------------------------------------------------------------------------------------------------------------


def _split(deployment: Manifest, pods: Iterable[Manifest]) -> tuple[list[Manifest], list[Manifest]]:
    """The pods of the revision that is wanted, less those that are told to leave, and all others."""
    mine: list[Manifest] = []
    others: list[Manifest] = []
    for each in pods:
        same = _revision(each) == _revision(deployment)
        if not same:
            others.append(each)
        elif _is_active(each) and not each["metadata"].get("deletionTimestamp"):
            mine.append(each)
    return mine, others


def _revision(found: Manifest) -> str | None:
    revision: str | None = (found["metadata"].get("labels") or {}).get(REVISION)
    return revision


def _generation(found: Manifest) -> int | None:
    """Of a Deployment, or of a ReplicaSet, to which Kubernetes copies the annotations."""
    text = (found["metadata"].get("annotations") or {}).get(GENERATION, "")
    return int(text) if text.isascii() and text.isdigit() else None


def _generation_or_0(found: Manifest) -> int:
    return _generation(found) or 0


def _is_there(pod: Manifest) -> bool:
    """False for what is only left of a pod: its container has ended, as it was told to, and the object goes next."""
    return _is_active(pod) or not pod["metadata"].get("deletionTimestamp")


def _is_active(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") not in {"Failed", "Succeeded"}


def is_ready(pod: Manifest) -> bool:
    return _condition(pod, "Ready").get("status") == "True" and not pod["metadata"].get("deletionTimestamp")


def _condition(found: Manifest, kind: str) -> dict[str, Any]:
    conditions = (found.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})


def _container(pod: Manifest) -> dict[str, Any]:
    states = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((each for each in states if each["name"] == CONTAINER), {})


def _last_end(pod: Manifest) -> dict[str, Any] | None:
    """How the container ended the last time, if it did."""
    state = _container(pod)
    now = (state.get("state") or {}).get("terminated")
    return now or (state.get("lastState") or {}).get("terminated")


def _instance(pod: Manifest, deployment: Manifest | None, generations: dict[str | None, int | None]) -> Instance:
    metadata, status = pod["metadata"], pod.get("status") or {}
    same = deployment is not None and _revision(pod) == _revision(deployment)
    generation = _generation_or_0(deployment) if same and deployment else generations.get(_revision(pod)) or 0
    return Instance(
        name=metadata["name"],
        generation=generation,
        tag=(metadata.get("annotations") or {}).get(TAG, ""),
        ready=is_ready(pod),
        phase="Terminating" if metadata.get("deletionTimestamp") else status.get("phase", "Pending"),
        restarts=_container(pod).get("restartCount", 0),
        since=_moment(status.get("startTime")),
        reason=_why(pod),
    )


def _moment(found: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(found) if isinstance(found, str) else found


# --- why -------------------------------------------------------------------------------------------------------------


def _reasons(deployment: Manifest, pods: Iterable[Manifest]) -> tuple[Reason, ...]:
    found: dict[Reason, None] = {}
    for kind in ("Progressing", "ReplicaFailure"):
        condition = _condition(deployment, kind)
        failed = condition.get("status") == ("False" if kind == "Progressing" else "True")
        if failed:
            found[_reason(condition.get("reason", kind), condition.get("message"))] = None
    for each in pods:
        if (why := _why(each)) is not None:
            found[why] = None
    return tuple(found)[:_REASONS]


def _why(pod: Manifest) -> Reason | None:
    """Why a pod is not ready, as far as it says so itself."""
    if is_ready(pod):
        return None
    status = pod.get("status") or {}
    if status.get("reason"):  # e.g. Evicted
        return _reason(status["reason"], status.get("message"))
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return _reason("FailedScheduling", scheduled.get("message"))
    state = (_container(pod).get("state") or {}).get("waiting") or {}
    end = _last_end(pod)
    if end is not None:
        code = "OOMKilled" if end.get("reason") == "OOMKilled" else state.get("reason") or end.get("reason") or "Error"
        return _reason(code, f"the container ended with exit code {end.get('exitCode')}")
    if state.get("reason") and state["reason"] not in {"ContainerCreating", "PodInitializing"}:
        return _reason(state["reason"], state.get("message"))
    return None


def _reason(code: str, text: str | None) -> Reason:
    return Reason(code=code, text=(text or code)[:_TEXT])
