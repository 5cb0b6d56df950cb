"""A real cluster, real Helm and real images: `make e2e-k8s` starts what is needed, and names it in variables.

OCTO_E2E_KUBECONFIG: the cluster; without it nothing here is tested. OCTO_E2E_IMAGE, OCTO_E2E_PLATFORM_IMAGE,
OCTO_E2E_POSTGRES_IMAGE: what it runs, `NAME:TAG` as nodes have them. OCTO_E2E_VOLUMES: a folder of the one node, which
is this machine; without it volumes are those of the cluster's default class.

OCTO_E2E_KEYCLOAK: the address of a Keycloak, which `make e2e-keycloak` starts, for the tests of signing in through it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

KUBECONFIG = os.environ.get("OCTO_E2E_KUBECONFIG")
KEYCLOAK = os.environ.get("OCTO_E2E_KEYCLOAK")
CHART = Path(__file__).parents[2] / "deploy" / "chart" / "octo-platform"
HOST = "localhost:8321"
PATIENCE = "180s"

WITHOUT = "NOT TESTED: OCTO_E2E_KUBECONFIG names no cluster, so nothing was installed; see make e2e-k8s"
WITHOUT_KEYCLOAK = "NOT TESTED: OCTO_E2E_KEYCLOAK names no Keycloak; see make e2e-keycloak"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            is_of_keycloak = item.path.name == "test_keycloak.py"
            needed, reason = (KEYCLOAK, WITHOUT_KEYCLOAK) if is_of_keycloak else (KUBECONFIG, WITHOUT)
            item.add_marker(pytest.mark.skipif(not needed, reason=reason))
            item.add_marker(pytest.mark.timeout(600))


class Failed(Exception):
    """A command that failed, with what it said."""


def call(*command: str, given: str | None = None) -> str:
    """Its standard output. Raises `Failed`."""
    environ = os.environ | {"KUBECONFIG": KUBECONFIG or ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environ, input=given)
    if done.returncode:
        raise Failed(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def kubectl(*arguments: str, given: str | None = None) -> str:
    return call("kubectl", *arguments, given=given)


def objects(kinds: str, *arguments: str) -> list[dict[str, Any]]:
    """What there is of some kinds, `pods,secrets`."""
    found: list[dict[str, Any]] = json.loads(kubectl("get", kinds, "--output", "json", *arguments))["items"]
    return found


def image(variable: str, default: str) -> dict[str, str]:
    """An image as the chart is told it."""
    name, _, tag = os.environ.get(variable, f"docker.io/library/{default}").rpartition(":")
    return {"repository": name, "tag": tag}


class Answer(NamedTuple):
    status: int
    body: Any


class Release:
    """One installation of the chart. namespace: its own; environment: the one of its deployments."""

    def __init__(self, namespace: str, values: dict[str, Any]) -> None:
        self.name = "octo"
        self.namespace = namespace
        self.environment = f"{namespace}-a"
        self.values: dict[str, Any] = {
            "publicUrl": f"http://{HOST}",
            "image": image("OCTO_E2E_PLATFORM_IMAGE", "octo-platform:dev"),
            "runtime": {"image": image("OCTO_E2E_IMAGE", "octo:dev")},
            "postgresql": {"image": image("OCTO_E2E_POSTGRES_IMAGE", "octo-postgres:dev")},
            "environments": {"namespaces": [self.environment]},
        }
        self.values = merged(self.values, values)

    def helm(self, verb: str, *arguments: str) -> str:
        return call("helm", verb, *arguments, "--namespace", self.namespace)

    def install(self, name: str = "octo") -> None:
        """Raises `Failed`."""
        self._apply("install", name)

    def upgrade(self, **values: Any) -> None:
        """With other values over those of before. Raises `Failed`."""
        self.values = merged(self.values, values)
        self._apply("upgrade", self.name)

    def uninstall(self) -> None:
        self.helm("uninstall", self.name, "--wait", "--timeout", PATIENCE)

    def _apply(self, verb: str, name: str) -> None:
        file = json.dumps(self.values)
        arguments = (name, str(CHART), "--namespace", self.namespace, "--values", "-", "--wait", "--timeout", PATIENCE)
        call("helm", verb, *arguments, given=file)

    def secrets(self) -> dict[str, dict[str, str]]:
        """Of Secrets that are generated: name → what is in them."""
        found = objects("secrets", "--namespace", self.namespace, "--selector", "app.kubernetes.io/name=octo-platform")
        return {each["metadata"]["name"]: each["data"] for each in found}

    def pods(self, component: str = "platform") -> list[dict[str, Any]]:
        """Without those that are about to leave."""
        found = objects("pods", "--namespace", self.namespace, "--selector", f"app.kubernetes.io/component={component}")
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]

    def address(self, service: str = "octo") -> str:
        """Of a Service, reachable from here as on a node."""
        (found,) = objects("services", "--namespace", self.namespace, "--field-selector", f"metadata.name={service}")
        return f"{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"

    def ask(self, path: str = "/api/v1/health") -> Answer:
        return self.ask_at(self.address(), path)

    def ask_at(self, address: str, path: str = "/api/v1/health") -> Answer:
        """On a connection of its own. Raises OSError."""
        request = urllib.request.Request(f"http://{address}{path}", headers={"Host": HOST})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return Answer(answer.status, json.load(answer))
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.load(error))

    def may(self, verb: str, resource: str, namespace: str) -> bool:
        """Whether the account of the platform may."""
        account = f"system:serviceaccount:{self.namespace}:octo"
        command = ["auth", "can-i", verb, resource, "--namespace", namespace, "--as", account]
        try:
            return kubectl(*command).strip() == "yes"
        except Failed as error:
            if "no" in str(error):
                return False
            raise


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    both = dict(values)
    for name, value in more.items():
        old = both.get(name)
        both[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return both


@contextmanager
def released(**values: Any) -> Iterator[Release]:
    """A namespace for an installation, which is removed with all that is in it. It takes restricted pods only."""
    release = Release(f"octo-e2e-{secrets.token_hex(4)}", values)
    kubectl("create", "namespace", release.namespace)
    kubectl("label", "namespace", release.namespace, "pod-security.kubernetes.io/enforce=restricted")
    try:
        yield release
    finally:
        kubectl("delete", "namespace", "--ignore-not-found", "--wait=false", release.namespace, release.environment)


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    if KUBECONFIG:
        for name in ("kubectl", "helm"):
            assert shutil.which(name), f"there is no {name}; scripts/e2e-k8s.sh finds that of the cluster"


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """Values of a volume that a claim gets."""
    folder = os.environ.get("OCTO_E2E_VOLUMES")
    if folder is None:
        yield {"size": "1Gi"}
        return
    name = f"octo-e2e-{secrets.token_hex(4)}"
    place = Path(folder) / name
    place.mkdir(mode=0o700, parents=True)
    kubectl("apply", "--filename", "-", given=json.dumps(_volume(name, place)))
    try:
        yield {"size": "1Gi", "className": name}
    finally:
        kubectl("delete", "--wait=false", f"storageclass/{name}", f"persistentvolume/{name}")
        shutil.rmtree(place, ignore_errors=True)


def _volume(name: str, place: Path) -> dict[str, Any]:
    (node,) = [each["metadata"]["name"] for each in objects("nodes")]
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": name,
        "local": {"path": str(place)},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
    }
    items = [
        kind | {"provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"},
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec},
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def gone(kinds: str, *arguments: str) -> list[str]:
    """What of it is still there after some time: what owners leave is collected a little later."""
    end = time.monotonic() + 60
    while found := [f"{each['kind']}/{each['metadata']['name']}" for each in objects(kinds, *arguments)]:
        if time.monotonic() > end:
            break
        time.sleep(0.2)
    return found
