"""When pods are replaced, and when they are not; and how."""

import math

import pytest

from octo_platform.deploy.kubernetes.manifests.deployment import manifests, revision_of
from octo_platform.deploy.target import Refused


def of_kind(found, kind):
    return [each for each in found if each["kind"] == kind]


@pytest.mark.parametrize(
    "changed",
    [
        {"files": {"flows.yaml": b"flows: [ ]\n"}},
        {"files": {"renamed.yaml": b"flows: []\n"}},
        {"secrets": {"a": "1"}},
        {"variables": {"A": "1"}},
        {"restart": "now"},
        {"resources": {"memory": 512}},
        {"egress": [{"connector": "x", "host": "example.com", "port": 443}]},
        {"services": "memory:"},
    ],
)
def test_what_a_pod_is_made_of_replaces_it(desired, cluster, changed):
    """All of a revision is new then: two versions are two ConfigMaps, two Secrets and two policies."""
    before, after = manifests(desired(), cluster), manifests(desired(**changed), cluster)

    for kind in ("ConfigMap", "Secret", "NetworkPolicy"):
        ours, theirs = ({each["metadata"]["name"] for each in of_kind(found, kind)} for found in (before, after))
        assert {"octo-orders"} >= ours & theirs
        assert ours != theirs


@pytest.mark.parametrize("changed", [{"replicas": 5}, {"generation": 7}, {"exposure": {"host": "a.example.com"}}])
def test_what_is_around_pods_keeps_them(desired, cluster, changed):
    assert revision_of(desired(port=80), cluster) == revision_of(desired(port=80, **changed), cluster)


def test_a_roll_out_never_has_fewer_pods_than_wanted(desired, cluster):
    spec = manifests(desired(), cluster)[-1]["spec"]

    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert cluster.progress_deadline == spec["progressDeadlineSeconds"]
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("drain", [0, 0.5, 30, 600])
def test_a_pod_has_time_to_stop(desired, cluster, drain):
    """docs/operations.md: at least the delay, plus --drain, plus 10."""
    pod = manifests(desired(drain=drain), cluster)[-1]["spec"]["template"]["spec"]
    arguments = pod["containers"][0]["args"]
    delay = float(arguments[arguments.index("--stop-delay") + 1])

    assert drain == float(arguments[arguments.index("--drain") + 1])
    assert pod["terminationGracePeriodSeconds"] >= delay + math.ceil(drain) + 10
    assert delay >= pod["containers"][0]["readinessProbe"]["periodSeconds"]


def test_the_deployment_comes_last_and_its_owner_first(desired, cluster):
    """With the Deployment the generation counts as applied, so all else must be there before."""
    found = manifests(desired(port=8080, replicas=2), cluster)

    assert (found[0]["kind"], found[0]["metadata"]["name"]) == ("ConfigMap", "octo-orders")
    assert found[-1]["kind"] == "Deployment"


@pytest.mark.parametrize("replicas", [0, 1, 2, 5])
def test_several_pods_are_not_taken_away_at_once(desired, cluster, replicas):
    budgets = of_kind(manifests(desired(replicas=replicas), cluster), "PodDisruptionBudget")

    assert [1] * (replicas > 1) == [each["spec"]["maxUnavailable"] for each in budgets]


def test_the_port_of_operations_is_not_for_flows(desired, cluster):
    with pytest.raises(Refused, match="39999"):
        manifests(desired(port=39_999), cluster)
