"""A real API server with RBAC on and no node: what it stores, refuses and tells is real, pods are only written."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import secrets
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from lightkube import AsyncClient, KubeConfig
from lightkube.types import PatchType

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.kinds import KINDS
from octo_platform.deploy.kubernetes.target import Kubernetes
from octo_platform.deploy.target import Refused, Unreachable
from octo_platform.ids import new_id

PATIENCE = 60.0

FLOWS = {"flows.yaml": b"flows: []\n"}


@pytest.fixture
def desired():
    """Makes a `Desired` of what matters to a test, and of something for the rest."""
    base = {
        "deployment": new_id(),
        "workspace": new_id(),
        "environment": new_id(),
        "integration": new_id(),
        "slug": "orders",
        "generation": 1,
        "tag": "v1",
        "hash": "0f3a",
        "files": FLOWS,
    }
    return lambda **changed: Desired.model_validate(base | changed)


@pytest.fixture
def cluster():
    return Cluster(namespace="production", salt="s" * 32, image="octo:test")


# --- the server ----------------------------------------------------------------------------------------------------


class ApiServer:
    """etcd and kube-apiserver in a folder. It may be stopped and started again, and keeps what it has."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.token = secrets.token_hex(16)
        self.port = 0
        (folder / "tokens.csv").write_text(f"{self.token},admin,admin,system:masters\n")
        run = ["openssl", "genrsa", "-out", str(folder / "accounts.key"), "2048"]
        subprocess.run(run, check=True, capture_output=True)

    def start(self) -> None:
        self._launch("etcd", "--data-dir=etcd", "--unsafe-no-fsync", "--log-level=warn", *_etcd_addresses())
        for _ in range(3):  # somebody may take the port between the look at it and its use
            self.port = self.port or _free_port()
            self.start_server()
            if self._answers():
                return
            self.stop_server()
            self.port = 0
        raise AssertionError((self.folder / "kube-apiserver.log").read_text()[-3000:])

    def start_server(self) -> None:
        self._launch(
            "kube-apiserver",
            "--etcd-servers=unix://etcd.sock:0",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--advertise-address=203.0.113.1",
            "--endpoint-reconciler-type=none",
            "--cert-dir=certs",
            "--service-cluster-ip-range=10.233.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=accounts.key",
            "--service-account-signing-key-file=accounts.key",
            "--token-auth-file=tokens.csv",
            "--authorization-mode=RBAC",
            "--profiling=false",
        )

    def await_answer(self) -> None:
        assert self._answers()

    def stop_server(self) -> None:
        """As a machine that fails: nobody is told."""
        self._end("kube-apiserver")

    def stop(self) -> None:
        self._end("kube-apiserver")
        self._end("etcd")

    def kubeconfig(self, token: str | None = None) -> Path:
        path = self.folder / f"kubeconfig-{secrets.token_hex(4)}"
        certificate = (self.folder / "certs" / "apiserver.crt").read_bytes()
        server = {"server": f"https://127.0.0.1:{self.port}"}
        server["certificate-authority-data"] = base64.b64encode(certificate).decode()
        content = {
            "current-context": "octo",
            "clusters": [{"name": "octo", "cluster": server}],
            "users": [{"name": "user", "user": {"token": token or self.token}}],
            "contexts": [{"name": "octo", "context": {"cluster": "octo", "user": "user"}}],
        }
        path.write_text(json.dumps(content))
        return path

    def _launch(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.log").open("ab") as log:
            self._processes[program] = subprocess.Popen(
                [self._programs / program, *arguments],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def _end(self, program: str) -> None:
        process = self._processes.pop(program, None)
        if process is not None:
            process.kill()
            process.wait()

    def _answers(self) -> bool:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self._processes["kube-apiserver"].poll() is None:
            with contextlib.suppress(OSError, urllib.error.URLError):
                context = ssl.create_default_context(cafile=self.folder / "certs" / "apiserver.crt")
                asked = urllib.request.Request(f"https://127.0.0.1:{self.port}/readyz")
                asked.add_header("Authorization", f"Bearer {self.token}")
                with urllib.request.urlopen(asked, context=context, timeout=5):
                    return True
            time.sleep(0.1)
        return False


def _etcd_addresses() -> list[str]:
    ours = {"client": "unix://etcd.sock:0", "peer": "unix://peer.sock:0"}
    return [
        f"--listen-client-urls={ours['client']}",
        f"--advertise-client-urls={ours['client']}",
        f"--listen-peer-urls={ours['peer']}",
        f"--initial-advertise-peer-urls={ours['peer']}",
        f"--initial-cluster=default={ours['peer']}",
    ]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _programs() -> Path | None:
    cache = Path(os.environ.get("OCTO_CLUSTER_CACHE", Path.home() / ".cache" / "octo-cluster"))
    found = [each.parent for each in cache.glob("*/kube-apiserver") if (each.parent / "etcd").exists()]
    return max(found, key=lambda each: [int(part) for part in each.name.split(".") if part.isdigit()], default=None)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory) -> Iterator[ApiServer]:
    programs = _programs()
    if programs is None or shutil.which("openssl") is None:
        pytest.skip(
            "NOT TESTED: no kube-apiserver and etcd in ~/.cache/octo-cluster (scripts/cluster.sh build --api-only "
            "makes them), so nothing was asked of a real API server"
        )
    server = ApiServer(programs, tmp_path_factory.mktemp("api"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


# --- a namespace in it -----------------------------------------------------------------------------------------------


class Place:
    """A namespace of its own for a test, the platform's target in it, and somebody else who may everything."""

    def __init__(self, server: ApiServer, admin: AsyncClient, cluster: Cluster) -> None:
        self.server = server
        self.admin = admin
        self.cluster = cluster
        self.target: Kubernetes

    async def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        kind = KINDS[manifest["kind"]]
        return (await self.admin.create(kind.from_dict(manifest), namespace=self.cluster.namespace)).to_dict()

    async def get(self, kind: str, name: str) -> dict[str, Any]:
        return (await self.admin.get(KINDS[kind], name, namespace=self.cluster.namespace)).to_dict()

    async def patch(self, kind: str, name: str, change: Any, *, manager: str = "kubectl-edit") -> None:
        where = {"namespace": self.cluster.namespace, "field_manager": manager}
        kind_of_patch = PatchType.JSON if isinstance(change, list) else PatchType.MERGE
        await self.admin.patch(KINDS[kind], name, change, patch_type=kind_of_patch, **where)

    async def all(self, kind: str) -> dict[str, dict[str, Any]]:
        found = self.admin.list(KINDS[kind], namespace=self.cluster.namespace)
        return {each.metadata.name: each.to_dict() async for each in found}

    async def status(self, kind: str, name: str, status: dict[str, Any]) -> None:
        """Write what a controller or a kubelet would write."""
        plural = {"Pod": "api/v1", "Deployment": "apis/apps/v1", "ReplicaSet": "apis/apps/v1"}[kind]
        path = f"/{plural}/namespaces/{self.cluster.namespace}/{kind.lower()}s/{name}/status"
        patch = {"Content-Type": PatchType.MERGE.value}
        response = await self.admin._client._client.patch(path, json={"status": status}, headers=patch)
        response.raise_for_status()

    async def apply(self, desired: Desired) -> None:
        """As the reconciler does: again while the server says that it is not ready yet, e.g. just after its start."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(Unreachable):
                    return await self.target.apply(desired)
                await asyncio.sleep(0.1)

    async def apply_until_refused(self, desired: Desired, said: str) -> None:
        """The server learns of a quota a moment later."""
        refused = ""
        async with asyncio.timeout(PATIENCE):
            while said not in refused:
                try:
                    await self.target.apply(desired)
                    await self.drop("Service", f"octo-{desired.slug}")
                except Refused as error:
                    refused = str(error)

    # What a controller does:

    async def roll(self, name: str = "octo-orders") -> str:
        """Make the ReplicaSet of what a Deployment wants now; the ones before keep their pods."""
        deployment = await self.get("Deployment", name)
        template = deployment["spec"]["template"]
        revision = template["metadata"]["labels"]["octo.dev/revision"]
        labels = template["metadata"]["labels"] | {"pod-template-hash": revision}
        made = await self.create(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {
                    "name": f"{name}-{revision}",
                    "labels": labels,
                    "annotations": deployment["metadata"]["annotations"],
                },
                "spec": {
                    "replicas": deployment["spec"]["replicas"],
                    "selector": {"matchLabels": {"pod-template-hash": revision, **_only(labels)}},
                    "template": {"metadata": template["metadata"] | {"labels": labels}, "spec": template["spec"]},
                },
            }
        )
        return made["metadata"]["name"]

    async def pod(self, replica_set: str, **status: Any) -> str:
        found = await self.get("ReplicaSet", replica_set)
        name = f"{replica_set}-{secrets.token_hex(3)}"
        template = found["spec"]["template"]
        metadata = template["metadata"] | {"name": name}
        await self.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
        if status:
            await self.status("Pod", name, status)
        return name

    async def drop(self, kind: str, name: str) -> None:
        await self.admin.delete(KINDS[kind], name, namespace=self.cluster.namespace, grace_period=0)


def _only(labels: dict[str, str]) -> dict[str, str]:
    return {"octo.dev/deployment": labels["octo.dev/deployment"]}


READY: dict[str, Any] = {
    "phase": "Running",
    "conditions": [{"type": "Ready", "status": "True"}],
    "containerStatuses": [
        {
            "name": "octo",
            "ready": True,
            "restartCount": 0,
            "image": "octo:test",
            "imageID": "",
            "state": {"running": {"startedAt": "2026-11-30T21:00:00Z"}},
        }
    ],
}


@pytest.fixture
def ready():
    return READY


@pytest.fixture
async def admin(api_server) -> AsyncIterator[AsyncClient]:
    config = KubeConfig.from_file(api_server.kubeconfig()).get()
    async with AsyncClient(config=config, trust_env=False) as client:
        yield client


@pytest.fixture
async def place(api_server, admin, cluster) -> AsyncIterator[Place]:
    """Pods that are not restricted are refused in its namespace."""
    own = cluster.model_copy(update={"namespace": f"t-{secrets.token_hex(6)}"})
    found = Place(api_server, admin, own)
    await make_namespace(admin, own.namespace)
    async with Kubernetes.open(own, kubeconfig=api_server.kubeconfig()) as target:
        found.target = target
        yield found


async def make_namespace(admin: AsyncClient, name: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    response = await admin._client._client.post("/api/v1/namespaces", json=body)
    response.raise_for_status()


@pytest.fixture
async def gateway_api(api_server, admin) -> None:
    """The kind HTTPRoute, which a cluster has only if somebody installs it; here without a schema."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    group, names = "gateway.networking.k8s.io", {"kind": "HTTPRoute", "plural": "httproutes", "singular": "httproute"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    body = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"httproutes.{group}",
            "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"},
        },
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }
    http = admin._client._client
    response = await http.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json=body)
    assert response.status_code in {201, 409}, response.text
    async with asyncio.timeout(PATIENCE):
        while (await http.get(f"/apis/{group}/v1/namespaces/default/httproutes")).status_code != 200:
            await asyncio.sleep(0.05)


# --- a server that answers what a test says --------------------------------------------------------------------------


class Stub:
    """An HTTP server in place of the API server, for what a real one does only on a bad day. handler: of aiohttp."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.asked: list[str] = []
        self.handler: Any = None
        self.port = 0

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        return await self.handler(request)

    @contextlib.asynccontextmanager
    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Stub]:
        server = web.Server(self._answer)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        self.port = site._server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            await runner.cleanup()

    def kubeconfig(self) -> Path:
        path = self._folder / "stub-kubeconfig"
        content = {
            "current-context": "octo",
            "clusters": [{"name": "octo", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "user", "user": {"token": "a-token-of-the-stub"}}],
            "contexts": [{"name": "octo", "context": {"cluster": "octo", "user": "user"}}],
        }
        path.write_text(json.dumps(content))
        return path


@pytest.fixture
def stub(tmp_path) -> Stub:
    return Stub(tmp_path)
