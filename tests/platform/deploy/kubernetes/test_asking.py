"""The operations port of each ready pod is asked: at its address from inside, through the API server from outside."""

from __future__ import annotations

import pytest
from aiohttp import web

from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.asking import ask
from octo_platform.deploy.kubernetes.manifests.secret import admin_token
from octo_platform.deploy.target import Refused

ADDRESS = "127.0.71.1"
"""On loopback, where nobody else has the port."""


@pytest.fixture
async def pods(stub, ready):
    """Two pods that are ready and one that is not, behind an API server that passes requests on."""

    async def handler(request):
        if "/proxy" in request.path:
            return await stub.proxied(request)
        items = []
        for name, status in (("a", ready), ("b", ready), ("c", ready | {"conditions": []})):
            address = {"podIP": ADDRESS if name == "a" else "127.0.71.2"}
            items.append({"metadata": {"name": name, "labels": {}}, "status": status | address})
        return web.json_response({"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": items})

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        stub.api = api
        yield stub


async def test_through_the_api_server(pods, cluster):
    async def proxied(request):
        return web.Response(text=request.path_qs)

    pods.proxied = proxied
    found = await ask(pods.api, cluster, "d", "/traces/tap?flow=a%20b&take=1", 1000)

    assert [each.instance for each in found] == ["a", "b"]
    path = "/api/v1/namespaces/ns/pods/a:39999/proxy/traces/tap?flow=a%20b&take=1"
    assert (200, path) == (found[0].status, found[0].body.decode())


async def test_an_answer_is_cut(pods, cluster):
    async def proxied(_):
        return web.Response(body=bytes(1_000_000))

    pods.proxied = proxied
    assert {100} == {len(each.body) for each in await ask(pods.api, cluster, "d", "/status", 100)}


async def test_an_answer_of_the_pod_is_no_refusal_of_the_cluster(pods, cluster):
    async def proxied(_):
        return web.json_response({"error": "needs a token"}, status=403)

    pods.proxied = proxied
    assert {403} == {each.status for each in await ask(pods.api, cluster, "d", "/traces", 1000)}


async def test_a_missing_right_is_named(pods, cluster):
    async def proxied(_):
        text = 'pods "a:39999" is forbidden: User "x" cannot get resource "pods/proxy"'
        return web.json_response({"kind": "Status", "code": 403, "message": text}, status=403)

    pods.proxied = proxied
    with pytest.raises(Refused, match="pods/proxy"):
        await ask(pods.api, cluster, "d", "/status", 1000)


async def test_inside_each_pod_is_asked_itself_with_its_token(pods, cluster, tmp_path):
    """One that does not answer is told as such; the API server's own token goes to nobody."""
    pods.api.inside = True
    seen = []

    async def handler(request):
        seen.append(request.headers["Authorization"])
        return web.Response(text="ready")

    operations = type(pods)(tmp_path)
    operations.handler = handler
    async with operations.serve(ADDRESS, 39_999):
        found = await ask(pods.api, cluster, "d", "/readyz", 1000)

    assert [tuple(each) for each in found] == [("a", 200, b"ready"), ("b", 503, b"the instance does not answer")]
    assert [f"Bearer {admin_token(cluster, 'd')}"] == seen
    assert not any("/proxy" in each for each in pods.asked)


BAD = ["", "readyz", "//evil.example.com/", "/../x", "/a/%2e%2E/b", "http://x/", "/a b", "/a#b", "/a\n", "/ä", "/@\\x"]


@pytest.mark.parametrize("path", BAD)
async def test_only_paths_of_the_port_are_asked(pods, cluster, path):
    with pytest.raises(Refused, match="no path"):
        await ask(pods.api, cluster, "d", path, 1000)
    assert pods.asked == []
