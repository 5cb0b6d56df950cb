"""What goes wrong between the platform and a cluster has two names, and tells no secret."""

from __future__ import annotations

import asyncio
import json

import pytest
from aiohttp import web

from octo_platform.deploy.kubernetes import api as api_module
from octo_platform.deploy.kubernetes.api import Api, Gone
from octo_platform.deploy.kubernetes.kinds import KINDS
from octo_platform.deploy.target import Refused, Unreachable


def status(code, message):
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}


def answers(code, *, message="because", text=None):
    async def handler(request):
        if request.path == "/readyz":
            return web.Response(text="ok")
        if text is not None:
            return web.Response(status=code, text=text, content_type="text/html")
        return web.Response(
            status=code, body=json.dumps(status(code, message)), headers={"Content-Type": "application/json"}
        )

    return handler


async def every_verb(api):
    """Each request that there is, with what it raised."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    asked = {
        "get": api.get("ConfigMap", "x"),
        "find": api.find("ConfigMap", {}),
        "apply": api.apply(manifest, force=False),
        "patch": api.patch("ConfigMap", "x", []),
        "delete": api.delete("ConfigMap", "x"),
        "watch": anext(api.watch("ConfigMap", {}, "1", 30.0)),
    }
    found = {}
    for verb, each in asked.items():
        try:
            found[verb] = await each
        except (Refused, Unreachable) as error:
            found[verb] = error
    return found


@pytest.mark.parametrize("code", [401, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("text", [None, "<html>gateway</html>"])
async def test_what_may_pass_is_unreachable(stub, code, text):
    """Nothing may be concluded from it, so nothing is."""
    stub.handler = answers(code, text=text)
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        for verb, found in (await every_verb(api)).items():
            assert isinstance(found, Unreachable), verb
            assert str(code) in str(found), verb


async def test_a_page_that_is_not_found_is_no_empty_cluster(stub):
    """argo-cd#8860: a proxy before an API server that has gone says 404, and nothing may be concluded from that."""
    stub.handler = answers(404, text="<html>404 Not Found: nginx</html>")
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        for verb, found in (await every_verb(api)).items():
            assert isinstance(found, Unreachable), verb
        stub.handler = answers(404, text="404 page not found\n")
        assert await api.find("HTTPRoute", {}) == []  # what a real one says of a kind that is not installed


@pytest.mark.parametrize("code", [400, 403, 405, 409, 413, 422])
async def test_what_does_not_pass_is_refused_with_the_servers_reason(stub, code):
    stub.handler = answers(code, message="quota small is full")
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        found = await every_verb(api)
    passing = {"patch"} if code == 409 else set()
    for verb in found.keys() - passing:
        assert isinstance(found[verb], Refused), verb
        assert "quota small is full" in str(found[verb]) or verb == "watch", verb


@pytest.mark.parametrize("ready", [403, 500])
async def test_a_server_that_is_not_ready_forbids_everything_and_refuses_nothing(stub, ready):
    """It has not read yet who may what. What it forbids is told nevertheless, but nothing is concluded."""
    forbids = answers(403, message="cannot list configmaps")

    async def handler(request):
        return web.Response(status=ready) if request.path == "/readyz" else await forbids(request)

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        found = await every_verb(api)
    for verb in found.keys() - {"watch"}:
        assert isinstance(found[verb], Unreachable), verb
        assert "cannot list configmaps, and the API server is not ready" in str(found[verb]), verb


async def test_what_was_forbidden_before_the_server_was_ready_is_asked_again(stub):
    forbids = answers(403)

    async def handler(request):
        if request.path == "/readyz" or stub.asked.count(request.path_qs) == 1:
            return await forbids(request)
        return web.json_response({"kind": "ConfigMap", "metadata": {"name": "x"}})

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        assert (await api.get("ConfigMap", "x"))["metadata"]["name"] == "x"
    assert [each.rpartition("/")[2] for each in stub.asked] == ["x", "readyz", "x"]


@pytest.mark.parametrize("body", ["", "null", "[]", "<html>sign in</html>", '{"items": 3}', '{"metadata": "x"}'])
async def test_what_is_no_api_server_is_unreachable(stub, body):
    """A proxy that answers 200 with a page of its own is no empty cluster."""

    async def handler(_):
        return web.Response(text=body, content_type="application/json")

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        for verb in ("find", "get"):
            with pytest.raises(Unreachable):
                await (api.find("Pod", {}) if verb == "find" else api.get("Pod", "x"))


async def test_nobody_there_is_unreachable(stub):
    async with stub.serve():
        kubeconfig = stub.kubeconfig()
    async with Api.open("ns", kubeconfig) as api:
        assert {Unreachable} == {type(found) for found in (await every_verb(api)).values()}


async def test_every_request_ends(stub, monkeypatch):
    """Also where an answer comes drop by drop, which no time between bytes would end."""
    monkeypatch.setattr(api_module, "SECONDS", 0.2)

    async def handler(request):
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        for kind in ("get", "find"):
            with pytest.raises(Unreachable):
                await (api.get("Pod", "x") if kind == "get" else api.find("Pod", {}))


async def test_who_one_is(api_server):
    """The name that the API server knows; a token that it does not know is no name."""
    async with Api.open("ns", api_server.kubeconfig()) as api:
        assert await api.who() == "admin"
    async with Api.open("ns", api_server.kubeconfig("wrong")) as api:
        with pytest.raises(Unreachable, match="401"):
            await api.who()


async def test_an_old_server_tells_nobody_who_one_is(stub):
    async def handler(request):
        return web.Response(status=404, text="404 page not found\n")

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        assert await api.who() == ""
    assert stub.asked == ["/apis/authentication.k8s.io/v1/selfsubjectreviews"]


async def test_a_long_list_is_whole(stub):
    """It comes in parts."""

    async def handler(request):
        first = "continue" not in request.query
        items = [{"metadata": {"name": "a" if first else "b"}}]
        more = {"continue": "more"} if first else {}
        return web.json_response({"kind": "PodList", "metadata": {"resourceVersion": "5"} | more, "items": items})

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        found, version = await api.snapshot("Pod", {})
    assert ([each["metadata"]["name"] for each in found], version) == (["a", "b"], "5")


async def test_a_stopped_server_is_unreachable_and_nothing_was_concluded(place, desired):
    """The server is killed and comes back with all that it had, but it remembers no changes of before."""
    await place.target.apply(desired())
    place.server.stop_server()
    try:
        for asked in (
            place.target.found(),
            place.target.observe("x"),
            place.target.remove("x"),
            place.target.apply(desired()),
        ):
            with pytest.raises(Unreachable):
                await asked
    finally:
        place.server.start_server()
        place.server.await_answer()
    await place.apply(desired())
    assert {desired().deployment} == await place.target.found()
    with pytest.raises(Gone):
        await anext(place.target._api.watch("ConfigMap", {}, "1", 60.0))


async def test_two_who_apply_the_same_object_both_succeed_or_say_that_it_passes(place, desired):
    """Two processes of the platform, for a moment."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}}
    one, other = (manifest | {"data": {"a": str(number)}} for number in range(2))
    api = place.target._api
    await asyncio.gather(*(api.apply(each, force=True) for each in [one, other] * 5))
    found = await place.get("ConfigMap", "x")
    assert found["data"]["a"] in {"0", "1"}


async def test_an_object_that_was_replaced_meanwhile_is_not_taken(place):
    """Its id is part of what is applied."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
    first = await place.target._api.apply(manifest, force=False)
    await place.drop("ConfigMap", "x")
    await place.create(manifest | {"data": {"theirs": "1"}})

    pinned = manifest | {"metadata": {"name": "x", "uid": first["metadata"]["uid"]}, "data": {"ours": "1"}}
    with pytest.raises(Unreachable):
        await place.target._api.apply(pinned, force=True)
    assert (await place.get("ConfigMap", "x"))["data"] == {"theirs": "1"}


async def test_fields_of_others_are_not_taken_without_force(place):
    await place.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "theirs"}})
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "ours"}}

    with pytest.raises(Refused, match="conflict"):
        await place.target._api.apply(manifest, force=False)


# --- which cluster ---------------------------------------------------------------------------------------------------

SECRET = "token: very-secret-token"


@pytest.mark.parametrize("content", [None, "", SECRET, f"[{SECRET}", "clusters: 3", f"users: [{{name: a, {SECRET}}}]"])
async def test_a_file_that_is_no_kubeconfig_is_refused_without_being_shown(tmp_path, content):
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(Refused, match="no cluster") as refused:
        async with Api.open("ns", path):
            pass
    assert "very-secret" not in str(refused.value)


async def test_a_context_that_is_not_there_is_named(stub):
    async with stub.serve():
        with pytest.raises(Refused, match="elsewhere"):
            async with Api.open("ns", stub.kubeconfig(), "elsewhere"):
                pass


async def test_no_cluster_is_guessed(monkeypatch, stub):
    """Only the account of the pod, or the file that was named: not what somebody works with on this machine."""
    async with stub.serve():
        monkeypatch.setenv("KUBECONFIG", str(stub.kubeconfig()))
        with pytest.raises(Refused, match="account of the pod"):
            async with Api.open("ns"):
                pass
    assert stub.asked == []


def test_each_kind_that_is_made_is_known(desired, cluster):
    from octo_platform.deploy.kubernetes.manifests.deployment import manifests

    whole = desired(port=80, replicas=2, exposure={"host": "a", "way": "gateway", "gateway": "g"})
    assert {each["kind"] for each in manifests(whole, cluster)} <= KINDS.keys()
