"""What a deployment does is seen: status as it changes, logs, figures, traces."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
import uvicorn

from octo.testing.servers import free_port
from octo_platform.api.app import create_app
from octo_platform.deploy.target import Answer, LogLine
from octo_platform.shares import Shares
from octo_platform.web import events
from tests.platform.asking import ANY, FLOW, HERE, deployment, done, integration, problem, shop, until

ONE = f"{HERE}/deployments/dev:orders"


@pytest.fixture
async def ready(client, reconciling):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    await deployment(client, replicas=2)
    return await until(client, phase="running")


@pytest.fixture
async def server(installation):
    """The API over a real socket: streams need one."""
    port = free_port()
    config = uvicorn.Config(
        create_app(installation), port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    serving = uvicorn.Server(config)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(serving.serve())
        while not serving.started:
            await asyncio.sleep(0.01)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=60) as found:
            yield found
        serving.should_exit = True
        await task


async def test_logs_figures_and_traces(client, ready):
    assert [each["text"] for each in (await done(client.get(f"{ONE}/logs?lines=2"))).json()] == ["line 0", "line 1"]
    figures = (await done(client.get(f"{ONE}/metrics"))).json()
    assert (figures["instances"], figures["completed"], figures["inFlight"]) == (2, 6, 2)
    traces = (await done(client.get(f"{ONE}/traces?flow=orders&limit=7"))).json()
    assert [each["body"]["path"] for each in traces] == ["/traces?limit=7&flow=orders"] * 2
    trace = (await done(client.get(f"{ONE}/traces/0a-1"))).json()
    assert trace[0]["body"]["path"] == "/traces/0a-1"


@pytest.mark.parametrize(
    "path", ["traces/..%2fstatus", "traces/%2e%2e", "traces/a?b", "traces?flow=a%26b=1", "traces?limit=0"]
)
async def test_nobody_reaches_another_path_of_the_operations_port(client, ready, pretence, path):
    asked = []

    async def ask(deployment, where, limit):
        asked.append(where)
        return [Answer("x", 200, b"{}")]

    pretence.ask = ask
    await client.get(f"{ONE}/{path}")
    assert asked in ([], ["/traces/a"])


async def test_answers_that_are_broken_are_said_so(client, ready, pretence):
    async def ask(deployment, path, limit):
        return [Answer("a", 200, b"{cut"), Answer("b", 503, b"secret inside"), Answer("c", 200, b'{"flows": []}')]

    pretence.ask = ask
    told = (await done(client.get(f"{ONE}/status"))).json()
    assert [each.get("error", "") for each in told] == [
        "its answer is no JSON, or larger than is read here",
        "answered 503",
        "",
    ]
    assert (await done(client.get(f"{ONE}/metrics"))).json()["instances"] == 1


async def test_a_target_that_cannot_be_reached_is_no_error_of_ours(client, ready, pretence):
    pretence.reachable = False
    for path in ("logs", "metrics", "traces", "status"):
        assert await problem(client.get(f"{ONE}/{path}")) == "target-unavailable"


async def test_status_is_streamed_until_it_is_gone(client, ready, server):
    seen = []
    async with server.stream("GET", f"{ONE}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.aiter_lines()
        seen.append(await _next(lines))
        await done(client.post(f"{ONE}/scale", json={"replicas": 3}, headers=ANY))
        while seen[-1].get("ready") != 3:
            seen.append(await _next(lines))
        await done(client.delete(ONE, headers=ANY))
        rest = [line async for line in lines]
    assert "event: gone" in rest
    assert seen[0]["phase"] == "running"
    assert [each["generation"] for each in seen] == sorted(each["generation"] for each in seen)


async def test_logs_are_streamed(ready, server):
    async with server.stream("GET", f"{ONE}/logs/events") as response:
        lines = response.aiter_lines()
        assert [(await _next(lines))["text"] for _ in range(3)] == ["line 0", "line 1", "line 2"]


async def _next(lines):
    async for line in lines:
        if line.startswith("data: "):
            return json.loads(line[6:])
    raise AssertionError("the stream has ended")


# --- what users of other platforms have reported ------------------------------------------------------------------


@pytest.fixture
def quiet(pretence, monkeypatch):
    """Its flows write one line and then nothing."""

    async def logs(deployment, *, lines, follow):
        yield LogLine(None, "orders-0", "the only one")
        await asyncio.Event().wait()

    monkeypatch.setattr(pretence, "logs", logs)
    monkeypatch.setattr(events, "LOOK", 0.01)
    monkeypatch.setattr(events, "ALIVE", 0.02)


async def test_a_log_without_news_shows_that_it_lives(server, ready, quiet):
    """NemoClaw#3210: proxies close a stream that is silent for a minute."""
    async with asyncio.timeout(20), server.stream("GET", f"{ONE}/logs/events") as stream:
        found = aiter(stream.aiter_lines())
        while await anext(found) != ": alive":
            pass


async def test_a_log_ends_for_who_may_not_see_it_any_more(server, ready, quiet, installation, monkeypatch):
    """OpenRisk#345, yuzu#955: what was opened once was shown for ever."""

    async def still(*_):
        return False

    monkeypatch.setattr(installation.identity, "still", still)
    async with asyncio.timeout(20), server.stream("GET", f"{ONE}/logs/events") as stream:
        assert "gone" not in [each async for each in stream.aiter_lines()]  # it ends, although nothing is written


async def test_streams_of_one_leave_room_for_others(server, ready, quiet, installation):
    """They are no requests that end: somebody who opens many would have all that can be open."""
    installation.streams = Shares("streams", most=10, each=2)
    for path in ("events", "logs/events"):
        async with (
            server.stream("GET", f"{ONE}/{path}") as first,
            server.stream("GET", f"{ONE}/{path}") as second,
        ):
            assert (first.status_code, second.status_code) == (200, 200)
            assert await problem(server.get(f"{ONE}/{path}")) == "busy"
            await done(server.get(ONE))
        while installation.streams._taken:  # the server hears a moment later that they have gone
            await asyncio.sleep(0.01)


async def test_a_roll_out_with_a_plan_waits_for_no_instance(client, ready, pretence, monkeypatch):
    """prefect#10188: a transaction that waits for somebody else is a lock for all."""
    plan = (await done(client.post(f"{ONE}/plan", json={"settings": {"replicas": 1}}))).json()
    assert plan["inFlight"] == 4

    async def ask(*_):
        await asyncio.Event().wait()

    monkeypatch.setattr(pretence, "ask", ask)
    async with asyncio.timeout(20):
        body = {"settings": {"replicas": 1}, "plan": plan["digest"]}
        await done(client.post(f"{ONE}/rollout", json=body, headers=ANY))
