"""What the objects of a deployment tell: each phase, from objects as a cluster writes them."""

from __future__ import annotations

import copy

import pytest

from octo_platform.deploy.kubernetes.manifests.deployment import manifests
from octo_platform.deploy.kubernetes.observing import Seen, crashing, observed, unready

DONE = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
UNDER_WAY = {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}
LATE = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}
QUOTA = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small"}


@pytest.fixture
def cloud(desired, cluster, ready):
    return Cloud(desired, cluster, ready)


class Cloud:
    """Objects of a deployment that wants two pods of generation 2; those of generation 1 had another tag."""

    def __init__(self, desired, cluster, ready):
        self._ready = ready
        versions = (desired(generation=g, replicas=2, tag=f"v{g}", port=8080) for g in (1, 2))
        self.old, self.new = (manifests(each, cluster)[-1] for each in versions)
        self.new["metadata"]["generation"] = 5
        self.sets = [
            {
                "metadata": {"annotations": each["metadata"]["annotations"], "labels": each["metadata"]["labels"]},
                "spec": {},
            }
            for each in (self.old, self.new)
        ]

    def wants(self, replicas):
        self.new["spec"]["replicas"] = replicas
        return self

    def says(self, *conditions, seen=5, **counts):
        names = {"all": "replicas", "updated": "updatedReplicas", "available": "availableReplicas"}
        status = {names[name]: count for name, count in counts.items()}
        self.new["status"] = {"observedGeneration": seen, "conditions": list(conditions)} | status
        return self

    def pod(self, deployment, number=0, *, leaving=False, conditions=None, state=None, phase="Running", **container):
        status = copy.deepcopy(self._ready) | {"phase": phase}
        if conditions is not None:
            status["conditions"] = conditions
        if state is not None:
            status["conditions"] = conditions or [{"type": "Ready", "status": "False"}]
            status["containerStatuses"][0]["state"] = state
        status["containerStatuses"][0] |= container
        metadata = copy.deepcopy(deployment["spec"]["template"]["metadata"])
        metadata |= {"name": f"{metadata['labels']['octo.dev/tag']}-{number}"}
        if leaving:
            metadata["deletionTimestamp"] = "2026-11-30T21:00:00Z"
        return {"metadata": metadata, "status": status}

    def see(self, *pods):
        return observed(Seen([self.new], self.sets, pods))


def test_running_is_all_wanted_pods_of_now_and_no_other(cloud):
    cloud.says(DONE, all=2, updated=2, available=2)
    found = cloud.see(cloud.pod(cloud.new, 0), cloud.pod(cloud.new, 1))

    assert (found.phase, found.generation, found.wanted, found.ready, found.reasons) == ("running", 2, 2, 2, ())
    assert {(2, "v2", True)} == {(each.generation, each.tag, each.ready) for each in found.instances}


@pytest.mark.parametrize("leaving", [False, True])
def test_it_is_not_running_while_an_old_pod_is_left(cloud, leaving):
    """Also one that was told to leave: it still finishes what it has."""
    cloud.says(DONE, all=2, updated=2, available=2)
    old = cloud.pod(cloud.old, 0, leaving=leaving)
    found = cloud.see(cloud.pod(cloud.new, 0), cloud.pod(cloud.new, 1), old)

    assert found.phase == "progressing"
    assert {each.name: each.generation for each in found.instances} == {"v1-0": 1, "v2-0": 2, "v2-1": 2}


def test_a_pod_that_has_ended_as_it_was_told_is_none(cloud):
    cloud.says(DONE, all=2, updated=2, available=2)
    ended = cloud.pod(cloud.old, 0, leaving=True, phase="Succeeded")
    found = cloud.see(cloud.pod(cloud.new, 0), cloud.pod(cloud.new, 1), ended)

    assert (found.phase, len(found.instances)) == ("running", 2)


def test_ready_old_pods_are_not_the_new_version(cloud):
    """Row 13: a roll-out is not over because something is ready."""
    cloud.says(UNDER_WAY, all=3, updated=1, available=2)
    starts = cloud.pod(cloud.new, 0, state={"running": {}})
    found = cloud.see(cloud.pod(cloud.old, 0), cloud.pod(cloud.old, 1), starts)

    assert (found.phase, found.ready) == ("progressing", 0)


def test_what_the_cluster_has_not_seen_yet_is_not_over(cloud):
    """Row 13: observedGeneration."""
    cloud.says(DONE, seen=4, all=2, updated=2, available=2)
    assert cloud.see(cloud.pod(cloud.new, 0), cloud.pod(cloud.new, 1)).phase == "progressing"


def test_nothing_said_at_all_is_under_way(cloud):
    assert cloud.see().phase == "progressing"


def test_a_good_version_with_fewer_pods_is_degraded(cloud):
    cloud.says(DONE, all=2, updated=2, available=1)
    crashed = {"waiting": {"reason": "CrashLoopBackOff"}}
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    bad = cloud.pod(cloud.new, 1, state=crashed, lastState=ended, restartCount=9)
    found = cloud.see(cloud.pod(cloud.new, 0), bad)

    assert (found.phase, found.ready) == ("degraded", 1)
    assert [(each.code, each.text) for each in found.reasons] == [
        ("CrashLoopBackOff", "the container ended with exit code 1")
    ]


def test_a_good_version_without_any_pod_is_degraded_and_not_failed(cloud):
    """It may come back by itself: nothing was changed."""
    cloud.says(DONE, all=2, updated=2)
    waits = cloud.pod(cloud.new, 0, state={"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=9)
    assert cloud.see(waits).phase == "degraded"


def crash(code, restarts):
    return {
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
        "lastState": {"terminated": {"exitCode": code, "reason": "Error"}},
        "restartCount": restarts,
    }


@pytest.mark.parametrize(
    ("pod", "phase", "code"),
    [
        (crash(1, 1), "progressing", "CrashLoopBackOff"),  # what it needs may come a moment later
        (crash(1, 3), "failed", "CrashLoopBackOff"),
        (crash(2, 0), "failed", "CrashLoopBackOff"),  # a wrong configuration stays wrong
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}},
            "failed",
            "ImagePullBackOff",
        ),
        ({"state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}, "progressing", "ErrImagePull"),
        ({"state": {"waiting": {"reason": "CreateContainerConfigError"}}}, "failed", "CreateContainerConfigError"),
        ({"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}, "progressing", "OOMKilled"),
    ],
)
def test_a_new_version_fails_when_it_cannot_become_ready(cloud, pod, phase, code):
    cloud.says(UNDER_WAY, all=3, updated=1, available=2)
    found = cloud.see(cloud.pod(cloud.old, 0), cloud.pod(cloud.old, 1), cloud.pod(cloud.new, 0, **pod))

    assert (phase, [code]) == (found.phase, [each.code for each in found.reasons])


@pytest.mark.parametrize(("condition", "code"), [(LATE, "ProgressDeadlineExceeded"), (QUOTA, "FailedCreate")])
def test_a_new_version_fails_when_the_cluster_gives_it_up(cloud, condition, code):
    progress = [condition] if condition is LATE else [UNDER_WAY, condition]
    cloud.says(*progress, all=2, updated=0, available=2)
    found = cloud.see(cloud.pod(cloud.old, 0), cloud.pod(cloud.old, 1))

    assert ("failed", [code]) == (found.phase, [each.code for each in found.reasons])


def test_a_pod_without_a_node_says_why(cloud):
    cloud.says(UNDER_WAY, all=3, updated=1, available=2)
    nowhere = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient memory"}]
    pod = cloud.pod(cloud.new, 0, conditions=nowhere, phase="Pending")
    found = cloud.see(pod)

    assert [(each.code, each.text) for each in found.reasons] == [("FailedScheduling", "Insufficient memory")]


def test_paused_is_when_no_pod_is_left(cloud):
    cloud.wants(0).says(DONE)
    assert cloud.see(cloud.pod(cloud.new, 0, leaving=True), cloud.pod(cloud.old, 0)).phase == "progressing"
    assert cloud.see().phase == "paused"


def test_without_a_deployment_it_is_absent(cloud):
    found = observed(Seen([], [], [cloud.pod(cloud.old, 0, leaving=True)]))
    assert (found.phase, found.generation, len(found.instances)) == ("absent", None, 1)


def test_one_that_is_being_deleted_is_absent(cloud):
    cloud.new["metadata"]["deletionTimestamp"] = "2026-11-30T21:00:00Z"
    assert cloud.see(cloud.pod(cloud.new, 0)).phase == "absent"


def test_of_two_the_newer_counts(cloud):
    """While a deployment gets another name there are two."""
    cloud.says(DONE, all=2, updated=2, available=2)
    cloud.old["metadata"]["generation"] = 1
    pods = [cloud.pod(cloud.new, 0), cloud.pod(cloud.new, 1)]
    assert observed(Seen([cloud.old, cloud.new], cloud.sets, pods)).generation == 2


def test_what_is_told_of_reasons_is_bounded(cloud):
    cloud.says(UNDER_WAY, all=3, updated=1)
    state = {"waiting": {"reason": "CreateContainerError", "message": "x" * 100_000}}
    found = cloud.see(*(cloud.pod(cloud.new, number, state=state | {}) for number in range(100)))
    assert len(found.reasons) == 1
    assert len(found.reasons[0].text) == 600


def test_who_has_ended_and_who_says_nothing(cloud):
    """The log of the one tells why, and the cluster's events of the other."""
    ended = cloud.pod(cloud.new, 0, **crash(1, 1))
    silent = cloud.pod(cloud.new, 1, state={"waiting": {"reason": "ContainerCreating"}}, phase="Pending")
    seen = Seen(
        [cloud.new], cloud.sets, [ended, silent, cloud.pod(cloud.new, 2), cloud.pod(cloud.old, 0, **crash(1, 1))]
    )

    assert crashing(seen) == ["v2-0"]
    assert unready(seen) == ["v2-1"]


def test_annotations_of_others_are_no_generation(cloud):
    cloud.new["metadata"]["annotations"]["octo.dev/generation"] = "²"
    assert cloud.see().generation is None
