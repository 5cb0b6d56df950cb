"""Deployments on a real cluster, made by a platform that the chart has installed, with the rights that the chart gives.

One story in the order of the file: each test goes on where the one before ended.

OCTO_KILL_DEPLOYMENTS: how many there are when the platform is killed, 4 without it. 50 take 4 GB, and some ten minutes.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import pytest

from tests.e2e.conftest import HOST, KUBECONFIG, Release, kubectl, objects, released

ROOT = Path(__file__).parents[2]
LABEL = "app.kubernetes.io/managed-by=octo-platform"
ANY = {"If-Match": "*"}
HERE = "/workspaces/shop"
ONE = f"{HERE}/deployments/live:hello"
FLOW = """
env:
  - {{name: HTTP_PORT, default: "8080"}}
  - {{name: TOKEN, secret: token, required: true}}
connectors: [{{name: web, type: http, settings: {{port: "{port}"}}}}]
flows:
  - name: hello
    source: {{type: http, connector: web, settings: {{path: /}}}}
    process: [{{type: set-payload, settings: {{value: '"{says} ${{TOKEN}}"'}}}}]
"""
PORT = "${HTTP_PORT}"
PATIENCE = 120.0

pytestmark = pytest.mark.xdist_group("e2e")


class Api:
    """The API of a platform, asked as an administrator with a key."""

    def __init__(self, release: Release) -> None:
        self._root = f"http://{release.address()}/api/v1"
        self._headers = {"Host": HOST, "Content-Type": "application/json"}

    def __call__(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """The body of the answer; `last` has its headers. Raises AssertionError unless it is a success."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._root + path, data, {**self._headers, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.last = answer.headers
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        return json.loads(text) if text else None

    def sign_in(self, token: str) -> None:
        who = {"email": "ada@example.com", "password": "correct horse battery"}
        self("POST", "/setup", {"token": token, **who})
        self("POST", "/session", who)
        cookies = "; ".join(each.partition(";")[0] for each in self.last.get_all("Set-Cookie"))
        origin = {"Cookie": cookies, "Origin": f"http://{HOST}"}
        key = self("POST", "/keys", {"name": "e2e", "scopes": "all", "days": 1}, origin)
        self._headers["Authorization"] = f"Bearer {key['key']}"

    def write(self, says: str, tag: str, port: str = PORT) -> None:
        """Make a version that says this."""
        flow = FLOW.format(says=says, port=port).encode()
        self("PUT", f"{HERE}/integrations/hello/files/hello.yaml", flow, ANY)
        self("POST", f"{HERE}/integrations/hello/versions", {"tag": tag})

    def until(self, path: str = ONE, **wanted: Any) -> dict[str, Any]:
        """The deployment, once it is as wanted."""
        return eventually(
            lambda: self("GET", path), lambda found: all(found.get(key) == value for key, value in wanted.items())
        )


def eventually(look: Callable[[], Any], is_right: Callable[[Any], bool], count: int = 1) -> Any:
    """What is seen, once it is right. count: of how many deployments, each of which takes its time."""
    until = time.monotonic() + PATIENCE + 20 * count
    while True:
        found = look()
        if is_right(found):
            return found
        assert time.monotonic() < until, json.dumps(found)
        time.sleep(0.2)


class Load:
    """Asks for a page again and again, from four threads, on connections that are kept for 20 requests."""

    def __init__(self, address: str) -> None:
        self.answers: Counter[str] = Counter()
        self._address = address
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(4)]

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for each in self._threads:
            each.join()

    def _ask(self) -> None:
        while not self._ended.wait(0.01):
            try:
                with urllib.request.urlopen(f"http://{self._address}/", timeout=20) as answer:
                    self.answers[json.load(answer)] += 1
            except OSError as error:
                self.answers[repr(error)] += 1


@pytest.fixture(scope="module")
def release() -> Iterator[Release]:
    with released(keep=False, postgresql={"storage": {"enabled": False}}) as found:
        found.install()
        yield found


def told(release: Release) -> str:
    """What the platform has said since it began."""
    selector = "app.kubernetes.io/component=platform"
    return kubectl("logs", "--namespace", release.namespace, "--selector", selector, "--tail", "-1")


@pytest.fixture(scope="module")
def api(release: Release) -> Api:
    found = Api(release)
    found.sign_in(re.search(r"#token=(\S+)", told(release))[1])
    found("POST", "/workspaces", {"name": "shop"})
    settings = {"namespace": release.environment}
    found("POST", f"{HERE}/environments", {"name": "live", "target": "kubernetes", "settings": settings})
    found("PUT", f"{HERE}/secrets/token", {"value": "first-token"})
    found("POST", f"{HERE}/integrations", {"name": "hello"})
    found.write("one", "v1")
    found.write("two", "v2")
    found.write("bad", "bad", port="80")  # nobody but root may listen there
    return found


@pytest.fixture(scope="module")
def address(release: Release, api: Api) -> str:
    """Of the Service, which is the same for all versions."""
    (found,) = ours(release, "services")
    return f"{found['spec']['clusterIP']}:{found['spec']['ports'][0]['port']}"


def ours(release: Release, kinds: str) -> list[dict[str, Any]]:
    return objects(kinds, "--namespace", release.environment, "--selector", LABEL)


def says(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/", timeout=20) as answer:
        return str(json.load(answer))


def ready_pods(release: Release) -> list[str]:
    return [
        each["metadata"]["name"]
        for each in ours(release, "pods")
        if not each["metadata"].get("deletionTimestamp")
        and any(one["type"] == "Ready" and one["status"] == "True" for one in each["status"].get("conditions", ()))
    ]


def test_it_says_which_cluster_it_deploys_to(release):
    account = f"system:serviceaccount:{release.namespace}:octo"
    assert re.search(rf"  Kubernetes: the cluster of this pod, [\d.]+:443, as {account}\n", told(release))


@pytest.mark.parametrize("setting", [{"namespace": "default"}, {"image": "evil:1"}, {"baseDomain": "example.com"}])
def test_an_environment_names_what_the_values_allow(release, api, setting):
    body = {"name": "other", "target": "kubernetes", "settings": {"namespace": release.environment} | setting}
    with pytest.raises(AssertionError, match=f"422 .*settings.{next(iter(setting))}: .* has not allowed"):
        api("POST", f"{HERE}/environments", body)


def test_two_replicas_behind_a_service(release, api):
    body = {"environment": "live", "integration": "hello", "tag": "v1", "settings": {"replicas": 2}}
    plan = api("POST", f"{HERE}/plans", body)
    api("POST", f"{HERE}/deployments", body | {"plan": plan["digest"]})
    found = api.until(phase="running", ready=2)
    assert found["runningTag"] == "v1"
    assert len(ready_pods(release)) == 2


def test_the_service_answers(address):
    assert says(address) == "one first-token"


def test_logs_traces_and_figures(api, address):
    says(address)
    assert any("hello" in each["text"] or "octo" in each["text"] for each in api("GET", f"{ONE}/logs"))
    assert api("GET", f"{ONE}/metrics")["instances"] == 2
    assert api("GET", f"{ONE}/metrics")["completed"] >= 1
    traces = eventually(lambda: api("GET", f"{ONE}/traces"), lambda told: any(each.get("body") for each in told))
    assert "first-token" not in json.dumps(traces)


def test_a_roll_under_load_fails_no_request(release, api, address):
    with Load(address) as load:
        api("POST", f"{ONE}/rollout", {"tag": "v2"}, ANY)
        api.until(phase="running", runningTag="v2", ready=2)
        time.sleep(1)
    assert {*load.answers} == {"one first-token", "two first-token"}, load.answers
    assert min(load.answers.values()) > 10


def test_a_version_that_fails_goes_back_by_itself(release, api, address):
    with Load(address) as load:
        api("POST", f"{ONE}/rollout", {"tag": "bad"}, ANY)
        api.until(phase="running", generation=4, observedGeneration=4, runningTag="v2")
    assert {*load.answers} == {"two first-token"}, load.answers
    newest, failed, *_ = api("GET", f"{ONE}/releases")["items"]
    assert (newest["cause"], newest["outcome"]) == ("automatic rollback", "ready")
    assert (failed["tag"], failed["outcome"]) == ("bad", "failed")
    assert failed["reason"], failed


def test_a_new_secret_reaches_the_pods(release, api, address):
    with Load(address) as load:
        written = api("PUT", f"{HERE}/secrets/token", {"value": "second-token"}, ANY)
        assert written["rolled"] == ["hello"]
        api.until(phase="running", generation=5, observedGeneration=5)
        eventually(lambda: says(address), lambda said: said == "two second-token")
    assert {*load.answers} == {"two first-token", "two second-token"}, load.answers


def test_scale(release, api, address):
    for replicas in (3, 1, 2):
        api("POST", f"{ONE}/scale", {"replicas": replicas}, ANY)
        api.until(phase="running", ready=replicas)
        eventually(lambda: ready_pods(release), lambda pods, n=replicas: len(pods) == n)


def test_a_pod_that_is_killed_is_replaced(release, api, address):
    first = ready_pods(release)[0]
    kubectl("delete", "pod", "--namespace", release.environment, "--grace-period=0", "--force", first)
    eventually(lambda: ready_pods(release), lambda pods: len(pods) == 2 and first not in pods)
    api.until(phase="running", ready=2)
    assert says(address) == "two second-token"


def test_drift_is_corrected(release, api, address):
    (deployment,) = ours(release, "deployments.apps")
    name = deployment["metadata"]["name"]
    kubectl("scale", "--namespace", release.environment, f"deployment/{name}", "--replicas", "0")
    eventually(lambda: ready_pods(release), lambda pods: len(pods) == 2)
    kubectl("set", "env", "--namespace", release.environment, f"deployment/{name}", "OCTO_EVIL=1")

    def environment() -> list[str]:
        (found,) = ours(release, "deployments.apps")
        return [each["name"] for each in found["spec"]["template"]["spec"]["containers"][0]["env"]]

    eventually(environment, lambda names: "OCTO_EVIL" not in names)
    api.until(phase="running", ready=2)


def test_the_api_server_is_killed_and_starts_again(release, api, address):
    """Deployments serve meanwhile, nothing is concluded from the silence, and afterwards changes go on."""
    run = Path(KUBECONFIG).parent
    note = run / "pids" / "kube-apiserver"
    if not note.exists():
        pytest.skip("NOT TESTED: the API server of this cluster is not ours to kill")
    process = Path("/proc", note.read_text().split()[0])
    command = (process / "cmdline").read_bytes().split(b"\0")[:-1]
    folder = (process / "cwd").readlink()
    os.kill(int(process.name), signal.SIGKILL)
    with Load(address) as load:
        api("POST", f"{ONE}/scale", {"replicas": 3}, ANY)
        eventually(
            lambda: api("GET", ONE)["reasons"], lambda found: any(each["code"] == "TargetUnreachable" for each in found)
        )
        launch = f'. {ROOT}/scripts/cluster/processes.sh; launch {run} kube-apiserver "$@"'
        subprocess.run(["bash", "-c", launch, "launch", *command], cwd=folder, check=True)
        api.until(phase="running", ready=3)
    assert len(load.answers) == 1, load.answers


COUNT = int(os.environ.get("OCTO_KILL_DEPLOYMENTS", "4"))
SMALL = {"replicas": 1, "resources": {"cpu": 0.01, "memory": 128}}


@pytest.mark.timeout(600 + 60 * COUNT)
def test_the_platform_is_killed_in_the_middle(release, api):
    """Deploys, rolls and removals at once, and the process of the platform is killed under them, each time.

    Then all is as it is wanted, and there is nothing else.
    """
    third = COUNT // 3

    def deploy(n: int) -> Call:
        body = {"environment": "live", "integration": "hello", "tag": "v1", "slug": f"k{n}", "settings": SMALL}
        return "POST", f"{HERE}/deployments", body

    def roll(n: int) -> Call:
        return "POST", f"{HERE}/deployments/live:k{n}/rollout", {"tag": "v2"}

    def remove(n: int) -> Call:
        return "DELETE", f"{HERE}/deployments/live:k{n}", None

    if not processes(release.pods()[0]):
        pytest.skip("NOT TESTED: the node is another machine, so no process can be killed")
    release.upgrade(progressDeadline=300 + 20 * COUNT)  # they share two cores
    first = [deploy(n) for n in range(COUNT)]
    then = [
        *(roll(n) for n in range(third)),
        *(remove(n) for n in range(third, 2 * third)),
        *(deploy(COUNT + n) for n in range(third)),
    ]
    for each in (first, then):
        killed_during(release, api, each)
        asked(api, each)  # nobody knows of those that were cut off; what was done is refused now
        killed_during(release, api, [])
        settled(api)

    wanted = {f"k{n}": "v2" if n < third else "v1" for n in range(COUNT + third) if not third <= n < 2 * third}
    versions = sorted((wanted | {"hello": "v2"}).items())
    assert sorted((each["slug"], each["runningTag"]) for each in everything(api)) == versions
    eventually(lambda: actual(release), lambda found: found == versions, COUNT)
    ids = {each["id"] for each in everything(api)}
    eventually(lambda: {each["metadata"]["labels"]["octo.dev/deployment"] for each in ours(release, KINDS)}, ids.__eq__)


Call = tuple[str, str, Any]


def asked(api: Api, calls: list[Call]) -> None:
    """Make all of the requests at once. Those that the platform does not answer, or refuses, are let go."""

    def ask(call: Call) -> None:
        method, path, body = call
        with contextlib.suppress(AssertionError, OSError, http.client.HTTPException):
            api(method, path, body, ANY if path != f"{HERE}/deployments" else None)

    with ThreadPoolExecutor(len(calls) or 1) as pool:
        list(pool.map(ask, calls))


def killed_during(release: Release, api: Api, calls: list[Call]) -> None:
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(asked, api, calls)
        time.sleep(random.uniform(0.1, 1.5))
        kill(release)
        asking.result()


def everything(api: Api) -> list[dict[str, Any]]:
    return list(api("GET", f"{HERE}/deployments?limit=200")["items"])


def settled(api: Api) -> None:
    """Wait until each deployment is as it is wanted, as far as the platform knows since it began."""

    def waiting() -> list[str]:
        return [f"{each['slug']} {each['phase']} {each['reasons']}" for each in everything(api) if not is_settled(each)]

    eventually(waiting, lambda left: left == [], COUNT)


def is_settled(found: dict[str, Any]) -> bool:
    is_carried_out = found["observedGeneration"] == found["generation"]
    return found["phase"] == "running" and is_carried_out and bool(found.get("observedAt"))


def actual(release: Release) -> list[tuple[str, str]]:
    """Slug and version of each Deployment that has what it wants, no pod besides, and one Service."""
    services = Counter(each["metadata"]["name"] for each in ours(release, "services"))
    found = []
    for each in ours(release, "deployments.apps"):
        name, status, template = each["metadata"]["name"], each["status"], each["spec"]["template"]
        counts = {status.get(kind) for kind in ("replicas", "readyReplicas", "updatedReplicas")}
        if counts == {each["spec"]["replicas"]} and services[name] == 1:
            found.append((name.removeprefix("octo-"), template["metadata"]["annotations"]["octo.dev/tag"]))
    return sorted(found)


def kill(release: Release) -> None:
    """End the process of the platform at once; return when it has started again."""
    (pod,) = release.pods()
    before = restarts(pod)
    for process in processes(pod):
        os.kill(process, signal.SIGKILL)
    eventually(lambda: [restarts(each) for each in release.pods()], lambda found: found == [before + 1])
    eventually(lambda: health(release), bool)


def restarts(pod: dict[str, Any]) -> int:
    return int(pod["status"]["containerStatuses"][0]["restartCount"])


def processes(pod: dict[str, Any]) -> list[int]:
    """Those of the platform in its pod, which run on this machine."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (each / "cmdline").read_bytes().split(b"\0")
            if pod["metadata"]["uid"] in (each / "cgroup").read_text() and b"platform" in command:
                found.append(int(each.name))
    return found


def health(release: Release) -> bool:
    try:
        return bool(release.ask().body.get("ready"))
    except (OSError, ValueError, http.client.HTTPException):
        return False


KINDS = (
    "pods,deployments.apps,replicasets.apps,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "networkpolicies,poddisruptionbudgets,ingresses"
)


def test_removed_deployments_leave_nothing(release, api):
    for each in everything(api):
        api("DELETE", f"{HERE}/deployments/{each['id']}", headers=ANY)
    eventually(lambda: everything(api), lambda items: items == [], COUNT)
    eventually(lambda: [each["metadata"]["name"] for each in ours(release, KINDS)], lambda names: names == [])


def test_a_namespace_that_is_deleted_ends_cleanly(release, api):
    """Somebody deletes the whole namespace, and with it the rights in it. It is told so, and can be forgotten."""
    body = {"environment": "live", "integration": "hello", "tag": "v1", "settings": SMALL}
    api("POST", f"{HERE}/deployments", body)
    api.until(phase="running")
    kubectl("delete", "namespace", release.environment, "--timeout", "120s")
    api("POST", f"{ONE}/restart", headers=ANY)
    found = eventually(lambda: api("GET", ONE), lambda found: found["reasons"])
    assert "forbidden" in found["reasons"][0]["text"], found
    api("DELETE", f"{ONE}?forget=true", headers=ANY)
    assert api("GET", f"{HERE}/deployments")["items"] == []
