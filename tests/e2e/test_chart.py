"""The chart on a real cluster: it installs, changes without a gap, tells what is wrong, and leaves what it should."""

from __future__ import annotations

import json
import threading
from collections import Counter

import pytest

from tests.e2e.conftest import Failed, gone, kubectl, objects, released

NONE = {"storage": {"enabled": False}}
KINDS = (
    "pods,deployments,statefulsets,replicasets,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "networkpolicies,persistentvolumeclaims,poddisruptionbudgets,ingresses"
)


@pytest.fixture(scope="module")
def release():
    """With PostgreSQL, of which nothing shall be kept."""
    with released(keep=False, postgresql=NONE) as release:
        release.install()
        yield release


class Asking:
    """Asks for the health of the platform again and again, each time on a new connection."""

    def __init__(self, release):
        self._release = release
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answers = Counter()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _ask(self):
        address = self._release.address()
        while not self._ended.wait(0.02):
            try:
                self.answers[self._release.ask_at(address).status] += 1
            except OSError as error:
                self.answers[repr(error)] += 1


def test_it_runs(release):
    """Ready at its first start, and its own test passes."""
    release.helm("test", release.name)

    assert release.ask().body["ready"] is True
    assert [status["restartCount"] for pod in release.pods() for status in pod["status"]["containerStatuses"]] == [0]


def test_it_may_deploy_and_no_more(release):
    """What the API server says of its account, in its own namespace, in that of deployments, and elsewhere."""
    own, deployments = release.namespace, release.environment

    assert release.may("create", "deployments.apps", deployments)
    assert release.may("create", "secrets", deployments)
    for verb, resource, namespace in [
        ("get", "secrets", deployments),
        ("list", "secrets", deployments),
        ("create", "pods", deployments),
        ("create", "pods/exec", deployments),
        ("get", "secrets", own),
        ("create", "deployments.apps", own),
        ("create", "deployments.apps", "default"),
        ("list", "secrets", "kube-system"),
        ("list", "nodes", "default"),
        ("create", "namespaces", "default"),
        ("create", "clusterrolebindings.rbac.authorization.k8s.io", "default"),
    ]:
        assert not release.may(verb, resource, namespace), (verb, resource, namespace)


def test_a_second_one_cannot_take_its_namespace(release):
    """Each would remove what the other deploys."""
    with released(postgresql=NONE, environments={"namespaces": [release.environment], "create": False}) as other:
        with pytest.raises(Failed, match=r"octo-platform(?s:.)*exists and cannot be imported"):
            other.install("second")

        assert objects("pods", "--namespace", other.namespace) == []


def test_an_upgrade_leaves_no_gap_and_changes_no_secret(release):
    """Two pods, each new one ready before an old one goes, while it is asked without a pause."""
    before = release.secrets()
    with Asking(release) as asking:
        release.upgrade(replicas=2, progressDeadline=120)
        release.upgrade(progressDeadline=90)

    assert set(asking.answers) == {200}, asking.answers
    assert len(release.pods()) == 2
    assert release.secrets() == before


def test_a_lost_key_stops_an_upgrade(release):
    """Another key would read nothing of what is stored; the one that is there is put back."""
    place = ["--namespace", release.namespace, "secret", "octo-sealing"]
    secret = kubectl("get", *place, "--output", "json")
    kubectl("delete", *place)
    try:
        with pytest.raises(Failed, match="octo-sealing with the sealing keys is gone"):
            release.upgrade(progressDeadline=80)
    finally:
        kept = json.loads(secret)
        del kept["metadata"]["resourceVersion"], kept["metadata"]["uid"]
        kubectl("apply", "--filename", "-", given=json.dumps(kept))


def test_it_outlives_its_database(release):
    """While PostgreSQL is away the platform is not ready, and no pod of it is restarted for that."""
    started = {pod["metadata"]["name"] for pod in release.pods()}
    kubectl("delete", "pod", "--namespace", release.namespace, "octo-postgresql-0")
    kubectl("rollout", "status", "statefulset/octo-postgresql", "--namespace", release.namespace, "--timeout", "120s")

    assert {pod["metadata"]["name"] for pod in release.pods()} == started
    assert {s["restartCount"] for pod in release.pods() for s in pod["status"]["containerStatuses"]} == {0}


def test_it_leaves_nothing(release):
    """What Helm does not know of, such as claims, is gone as well; only what every namespace has is left."""
    release.uninstall()

    labelled = ("--selector", "app.kubernetes.io/name=octo-platform")
    assert gone(KINDS, "--namespace", release.namespace, *labelled) == []
    left = [f"{each['kind']}/{each['metadata']['name']}" for each in objects(KINDS, "--namespace", release.namespace)]
    assert sorted(left) == ["ConfigMap/kube-root-ca.crt", "ServiceAccount/default"]
    assert gone("namespaces", "--field-selector", f"metadata.name={release.environment}") == []
    assert gone("clusterroles,clusterrolebindings", *labelled) == []


def test_a_later_one_goes_on_where_an_earlier_one_ended(storage):
    """With `keep` the Secrets and the volume stay, and fit together: the same key, the same password, the same data."""
    with released(postgresql={"storage": storage}) as release:
        release.install()
        before = release.secrets()
        kubectl("exec", "--namespace", release.namespace, "octo-postgresql-0", "--", *SQL, "CREATE TABLE mark (x int)")
        release.uninstall()
        claims = objects("persistentvolumeclaims", "--namespace", release.namespace)
        assert len(claims) == 1
        assert objects("namespaces", "--field-selector", f"metadata.name={release.environment}")

        release.install()

        assert release.secrets() == before
        assert release.ask().body["ready"] is True
        tables = kubectl("exec", "--namespace", release.namespace, "octo-postgresql-0", "--", *SQL, "TABLE mark")
        assert "(0 rows)" in tables


SQL = ("psql", "--host=/var/run/postgresql", "--username=octo", "--command")


def test_it_runs_with_a_file(storage):
    """With SQLite in a volume, and after an upgrade with the same file."""
    with released(keep=False, database={"kind": "sqlite"}, storage=storage) as release:
        release.install()
        release.upgrade(progressDeadline=100)

        release.helm("test", release.name)
        assert [pod["status"]["phase"] for pod in release.pods()] == ["Running"]
        assert release.pods("postgresql") == []
