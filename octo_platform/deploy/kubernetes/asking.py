"""Ask the operations port of each pod.

Within the cluster a pod is asked at its own address, which the network policy opens to the platform's namespace, and
with the token of its port. From outside there is only the way through the API server (`pods/proxy`), which keeps the
`Authorization` header to itself: what needs the token, such as stored traces, is answered 401 there.
"""

from __future__ import annotations

import asyncio
import re
from ipaddress import ip_address

import httpx2

from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import (
    DEPLOYMENT,
    MANAGED_BY,
    OPERATIONS_PORT,
    PLATFORM,
    Manifest,
    label,
)
from octo_platform.deploy.kubernetes.manifests.secret import admin_token
from octo_platform.deploy.kubernetes.observing import is_ready
from octo_platform.deploy.kubernetes.together import together
from octo_platform.deploy.target import Answer, Refused, Unreachable

SECONDS = 10.0
"""How long all pods together may take to answer."""

_PODS = 50
_AT_ONCE = 8
_PATH = re.compile(r"/([A-Za-z0-9._~!$&'()*+,;=:@%-]+/?)*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")


async def ask(api: Api, cluster: Cluster, deployment: str, path: str, limit: int) -> list[Answer]:
    """One that does not answer in time has the status 503, as a proxy would say."""
    if not _PATH.fullmatch(path) or ".." in path or "%2e" in path.lower():
        raise Refused(f"{path[:200]!r} is no path of the operations port")
    pods = await api.find("Pod", {MANAGED_BY: PLATFORM, DEPLOYMENT: label(deployment)})
    ready = [each for each in pods if is_ready(each)][:_PODS]
    turn = asyncio.Semaphore(_AT_ONCE)
    token = admin_token(cluster, deployment)

    async def one(pod: Manifest) -> Answer:
        name = pod["metadata"]["name"]
        async with turn:
            try:
                async with asyncio.timeout(SECONDS):
                    return Answer(name, *await _answer(api, pod, path, token, limit))
            except (Unreachable, TimeoutError):
                return Answer(name, 503, b"the instance does not answer")

    return list(await together(map(one, ready)))


async def _answer(api: Api, pod: Manifest, path: str, token: str, limit: int) -> tuple[int, bytes]:
    address = (pod.get("status") or {}).get("podIP")
    if api.inside and address:
        async with api.direct(_url(address, path), token, SECONDS) as response:
            return response.status_code, await _body(response, limit)
    bare, _, query = path.partition("?")
    name = pod["metadata"]["name"]
    async with api.read(f"pods/{name}:{OPERATIONS_PORT}/proxy{bare}", query, SECONDS) as response:
        body = await _body(response, max(limit, 10_000))
        if response.status_code == 403 and b'"Status"' in body and b"pods/proxy" in body:
            raise Refused("the platform may not ask pods through the API server: it lacks `get` of `pods/proxy`")
        return response.status_code, body[:limit]


def _url(address: str, path: str) -> str:
    host = f"[{address}]" if ip_address(address).version == 6 else address
    return f"http://{host}:{OPERATIONS_PORT}{path}"


async def _body(response: httpx2.Response, limit: int) -> bytes:
    found = b""
    async for chunk in response.aiter_bytes():
        found += chunk
        if len(found) >= limit:
            break
    return found[:limit]
