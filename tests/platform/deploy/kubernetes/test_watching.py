"""What changes is told, whatever happens to the connection."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from aiohttp import web

from octo_platform.deploy.kubernetes import watching
from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.watching import changes, follow, pause


def pod(name, version):
    labels = {"app.kubernetes.io/managed-by": "octo-platform", "octo.dev/deployment": f"of-{name}"}
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "resourceVersion": version, "labels": labels}}


class Script:
    """Answers lists one after the other, and to each watch what follows its list; at its end a watch is silent."""

    def __init__(self, *rounds):
        self.rounds = [*rounds]
        self.lists = 0

    async def __call__(self, request):
        return await (self.watch(request) if "watch" in request.query else self.list())

    async def list(self):
        listed, _ = self.rounds[min(self.lists, len(self.rounds) - 1)]
        self.lists += 1
        if isinstance(listed, int):
            return web.Response(status=listed)
        return web.json_response({"kind": "PodList", "metadata": {"resourceVersion": "10"}, "items": listed})

    async def watch(self, request):
        _, events = self.rounds[min(self.lists, len(self.rounds)) - 1]
        if isinstance(events, int):
            body = {"kind": "Status", "apiVersion": "v1", "code": events, "message": "too old"}
            return web.json_response(body, status=events)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        for kind, thing in events:
            await response.write(json.dumps({"type": kind, "object": thing}).encode() + b"\n")
        if events and events[-1][0] == "CUT":
            request.transport.abort()
        await asyncio.Event().wait()
        return response


GONE = ("ERROR", {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired"})


async def take(stub, script, count, **options):
    stub.handler = script
    found = []
    async with (
        stub.serve(),
        Api.open("ns", stub.kubeconfig()) as api,
        asyncio.timeout(60),
        contextlib.aclosing(follow(api, "Pod", {}, **options)) as news,
    ):
        async for each in news:
            found.append((each["metadata"]["name"], each["metadata"]["resourceVersion"]))
            if len(found) == count:
                break
    return found


async def test_what_is_there_and_what_comes(stub):
    script = Script(
        ([pod("a", "1")], [("MODIFIED", pod("a", "2")), ("ADDED", pod("b", "3")), ("DELETED", pod("a", "4"))])
    )
    assert await take(stub, script, 4) == [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")]


@pytest.mark.parametrize("gone", [[GONE], 410])
async def test_after_410_all_is_listed_anew_and_only_what_changed_is_told(stub, gone):
    """Also what was removed while nobody looked."""
    script = Script(
        ([pod("a", "1"), pod("b", "2"), pod("c", "3")], gone),
        ([pod("a", "1"), pod("b", "9")], [("MODIFIED", pod("a", "11"))]),
    )
    found = await take(stub, script, 6)

    assert found == [("a", "1"), ("b", "2"), ("c", "3"), ("b", "9"), ("c", "3"), ("a", "11")]


@pytest.mark.parametrize("broken", [503, [("CUT", {})], 500])
async def test_after_a_failure_it_goes_on(stub, broken):
    failing = ([pod("a", "1")], broken) if isinstance(broken, list) or broken == 500 else (broken, [])
    script = Script(failing, ([pod("a", "2")], [("MODIFIED", pod("a", "3"))]))

    assert (await take(stub, script, 3 if failing[0] != broken else 2))[-2:] == [("a", "2"), ("a", "3")]


async def test_silence_is_not_believed(stub):
    """A connection that died without a word looks like a cluster where nothing happens."""
    script = Script(([pod("a", "1")], []), ([pod("a", "2")], []))

    assert await take(stub, script, 2, idle=0.3) == [("a", "1"), ("a", "2")]


async def test_a_watch_that_is_refused_again_and_again_is_no_endless_list(stub, monkeypatch):
    """kubernetes#67350: it was begun anew without a pause."""
    paused = asyncio.Queue()
    monkeypatch.setattr(watching, "pause", lambda tries: paused.put_nowait(tries) or 0)

    async def handler(request):
        if "watch" not in request.query:
            return web.json_response({"kind": "PodList", "metadata": {"resourceVersion": "10"}, "items": []})
        body = {"kind": "Status", "apiVersion": "v1", "code": 410, "message": "too old"}
        return web.json_response(body, status=410)

    stub.handler = handler
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api, asyncio.timeout(20):
        task = asyncio.get_running_loop().create_task(anext(follow(api, "Pod", {})))
        assert [await paused.get() for _ in range(3)] == [1, 2, 3]
        task.cancel()
        await asyncio.wait([task])


def test_pauses_grow_and_are_bounded():
    assert all(0.25 <= pause(1) <= 0.5 for _ in range(100))
    assert all(15 <= pause(tries) <= 30 for tries in range(8, 2000))


async def test_each_change_of_a_deployment_is_told(place, desired, ready):
    """Of its Deployment and of its pods; also that they have gone."""
    wanted = desired()
    await place.target.apply(wanted)
    async with asyncio.timeout(60), contextlib.aclosing(place.target.changes()) as told:
        assert wanted.deployment == await anext(told)

        name = await place.pod(await place.roll(), **ready)
        assert wanted.deployment == await anext(told)
        await place.drop("Pod", name)
        assert wanted.deployment == await anext(told)

        other = wanted.model_copy(update={"deployment": "other", "slug": "other"})
        await place.target.apply(other)
        while await anext(told) != "other":
            pass


async def test_what_happens_while_the_server_is_away_is_told(place, desired):
    """Killed, and started again with what it had: row of the issue, `node API server restarted`."""
    wanted = desired()
    await place.target.apply(wanted)
    async with asyncio.timeout(120), contextlib.aclosing(place.target.changes()) as told:
        await anext(told)
        place.server.stop_server()
        place.server.start_server()
        place.server.await_answer()
        other = wanted.model_copy(update={"deployment": "other", "slug": "other"})
        await place.apply(other)
        while await anext(told) != "other":
            pass


async def test_who_waits_to_be_told_is_told_once(stub):
    """However often it changes: what waits is bounded by the number of deployments."""
    many = [("MODIFIED", pod("a", str(number))) for number in range(20, 500)]
    stub.handler = Script(([pod("a", "1")], [*many, ("ADDED", pod("b", "999"))]))
    found = []
    async with (
        stub.serve(),
        Api.open("ns", stub.kubeconfig()) as api,
        asyncio.timeout(60),
        contextlib.aclosing(changes(api)) as told,
    ):
        while "of-b" not in found:
            found.append(await anext(told))
            await asyncio.sleep(0)
    assert len(found) < 400
