"""Lines of several pods are one log: in order, bounded, and followed over restarts."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import pytest
from aiohttp import web

from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.logs import LINE, logs
from octo_platform.deploy.target import Refused, Unreachable


class Pods:
    """Pods that write what a test says, and a watch that tells of those that come."""

    def __init__(self):
        self.written = {}
        self.streams = {}
        self.news = asyncio.Queue()
        self.asked = []

    def object(self, name, version="1"):
        state = {"name": "octo", "ready": True, "restartCount": 0, "image": "", "imageID": "", "state": {"running": {}}}
        status = {"phase": "Running", "containerStatuses": [state]}
        labels = {"octo.dev/deployment": "d"}
        return {"metadata": {"name": name, "resourceVersion": version, "labels": labels}, "status": status}

    async def __call__(self, request):
        if request.path.endswith("/log"):
            return await self._log(request)
        if "watch" not in request.query:
            items = [self.object(name) for name in self.written]
            return web.json_response({"kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": items})
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while True:
            event = {"type": "MODIFIED", "object": await self.news.get()}
            await response.write(web.json_response(event).body + b"\n")

    async def _log(self, request):
        name = request.path.split("/")[-2]
        self.asked.append((name, dict(request.query)))
        if isinstance(self.written[name], int):
            return web.json_response({"kind": "Status", "code": self.written[name]}, status=self.written[name])
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(self.written[name])
        if request.query.get("follow") == "true":
            lines = self.streams.setdefault(name, asyncio.Queue())
            while (line := await lines.get()) is not None:
                await response.write(line)
        return response


@pytest.fixture
async def pods(stub):
    found = Pods()
    stub.handler = found
    async with stub.serve(), Api.open("ns", stub.kubeconfig()) as api:
        found.api = api
        yield found


def line(second, text, fraction="000000000"):
    return f"2026-11-30T21:00:{second:02}.{fraction}Z {text}\n".encode()


async def all_of(pods, lines=100):
    return [(each.instance, each.text) async for each in logs(pods.api, "d", lines=lines, follow=False)]


async def test_lines_of_several_pods_are_in_the_order_of_time(pods):
    pods.written = {"a": line(1, "one") + line(3, "three"), "b": line(2, "two") + line(4, "four")}

    assert await all_of(pods) == [("a", "one"), ("b", "two"), ("a", "three"), ("b", "four")]


async def test_lines_of_one_moment_stay_in_their_order(pods):
    pods.written = {"a": line(1, "z") + line(1, "a") + line(1, "m")}
    assert [text for _, text in await all_of(pods)] == ["z", "a", "m"]


async def test_only_the_last_lines_of_all(pods):
    pods.written = {"a": b"".join(line(each, str(each)) for each in range(0, 60, 2)), "b": line(57, "57")}

    assert [text for _, text in await all_of(pods, lines=3)] == ["56", "57", "58"]
    assert {"3"} == {asked["tailLines"] for _, asked in pods.asked}


async def test_a_line_has_its_moment(pods):
    pods.written = {"a": line(1, "x", "5")}
    found = [each async for each in logs(pods.api, "d", lines=1, follow=False)]
    assert datetime(2026, 11, 30, 21, 0, 1, 500_000, UTC) == found[0].at


@pytest.mark.parametrize("status", [400, 404])
async def test_a_pod_that_has_not_started_has_no_lines(pods, status):
    pods.written = {"a": status, "b": line(1, "x")}
    assert await all_of(pods) == [("b", "x")]


@pytest.mark.parametrize(("status", "error"), [(403, Refused), (500, Unreachable), (503, Unreachable)])
async def test_a_log_that_cannot_be_read_is_no_empty_one(pods, status, error):
    pods.written = {"a": status}
    with pytest.raises(error):
        await all_of(pods)


async def test_a_line_without_an_end_is_cut(pods):
    pods.written = {"a": line(1, "x" * 3_000_000) + line(2, "next")}
    (_, long), following = await all_of(pods)
    assert len(long) <= LINE
    assert following == ("a", "next")


async def test_bytes_that_are_no_text_are_shown_as_such(pods):
    pods.written = {"a": b"2026-11-30T21:00:01.0Z \xff\xfe\n"}
    assert await all_of(pods) == [("a", "��")]


async def follow(pods, count, **options):
    found = []
    async with asyncio.timeout(60), contextlib.aclosing(logs(pods.api, "d", follow=True, **options)) as told:
        async for each in told:
            found.append((each.instance, each.text))
            if len(found) == count:
                return found
    return found


async def test_what_was_told_is_not_told_again_when_it_is_followed(pods):
    """The server is asked for whole seconds; the line of the same second that is known already is left out."""
    pods.written = {"a": line(1, "one", "100000000")}
    pods.streams["a"] = asyncio.Queue()
    pods.streams["a"].put_nowait(line(1, "one", "100000000") + line(1, "two", "200000000"))

    assert await follow(pods, 2, lines=10) == [("a", "one"), ("a", "two")]
    assert pods.asked[-1][1]["sinceTime"] == "2026-11-30T21:00:01Z"


async def test_pods_that_come_are_followed(pods):
    pods.written = {"a": line(1, "one")}
    told = asyncio.TaskGroup()
    async with told:
        found = told.create_task(follow(pods, 2, lines=10))
        pods.written["b"] = line(2, "two")
        pods.news.put_nowait(pods.object("b", "2"))
    assert found.result() == [("a", "one"), ("b", "two")]


async def test_a_container_that_starts_again_is_followed_again(pods):
    pods.written = {"a": line(1, "one")}
    pods.streams["a"] = asyncio.Queue()
    pods.streams["a"].put_nowait(None)  # the container ends, and its log with it

    async def restart():
        while len(pods.asked) < 2:
            await asyncio.sleep(0.01)
        pods.written["a"] = line(5, "again")
        while True:
            pods.news.put_nowait(pods.object("a", "2"))
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        restarting = group.create_task(restart())
        assert await follow(pods, 2, lines=10) == [("a", "one"), ("a", "again")]
        restarting.cancel()


async def test_a_reader_who_leaves_leaves_nothing_behind(pods):
    pods.written = {"a": line(1, "one"), "b": line(2, "two")}
    before = asyncio.all_tasks()
    await follow(pods, 1, lines=10)
    assert {each for each in asyncio.all_tasks() - before if "follow" in repr(each) or "pump" in repr(each)} == set()
