"""`octo deployments` and `octo logs`: what runs, and what changes how it runs."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from sqlalchemy import update

from octo_platform.deploy.target import LogLine, Unreachable
from octo_platform.storage.tables import ApiKey
from octo_platform.web import events


@pytest.fixture
async def hello(house, key, typed, flow):
    """A deployment that runs; the client that made its workspace."""
    told = await typed("deploy", flow(), "--to", "shop/dev", "--tag", "v1", "--create", "--yes")
    assert told.exit_code == 0, told.output
    return await house.visitor(Authorization=f"Bearer {key}")


async def test_list_and_show(hello, typed):
    listed = await typed("deployments", "list", "--workspace", "shop")
    none = await typed("deployments", "list", "--workspace", "shop", "--phase", "failed")
    shown = await typed("deployments", "show", "hello", "-w", "shop", "-e", "dev")

    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["DEPLOYMENT", "TAG", "PHASE", "READY", "URL"],
        ["shop/dev:hello", "v1", "running", "1/1", "http://hello.test:8080"],
    ]
    assert (none.stdout, none.stderr) == ("", "no deployment like this in shop\n")
    assert shown.stdout.splitlines() == [
        "shop/dev:hello  v1  running  http://hello.test:8080",
        "  1/1 ready, generation 1",
        "  hello-0  v1  running",
    ]


async def test_scale_pause_resume_restart_and_their_releases(hello, typed):
    """Each waits until it is so."""
    for verb, *more in (["scale", "3"], ["pause"], ["resume"], ["restart"]):
        told = await typed("deployments", verb, "shop/dev:hello", *more)
        assert told.exit_code == 0, told.output
        phase = "paused" if verb == "pause" else "running"
        assert told.stdout.startswith(f"shop/dev:hello  v1  {phase}")
    again = await typed("deployments", "resume", "shop/dev:hello")
    releases = await typed("deployments", "releases", "shop/dev:hello", "--format", "json")

    assert (again.exit_code, again.stderr) == (1, "Error: conflict: it is running already\n")
    causes = [(each["generation"], each["cause"], each["outcome"]) for each in json.loads(releases.stdout)]
    assert causes == [
        *((5, "restart", "ready"), (4, "resume", "replaced"), (3, "pause", "paused")),
        *((2, "scale", "replaced"), (1, "deploy", "replaced")),
    ]
    table = (await typed("deployments", "releases", "shop/dev:hello")).stdout.splitlines()
    assert table[0].split() == ["GENERATION", "TAG", "CAUSE", "OUTCOME", "AT"]
    assert table[1].split()[:4] == ["5", "v1", "restart", "ready"]


async def test_remove_waits_until_nothing_is_left(hello, typed, pretence):
    deployment = (await hello.get("/workspaces/shop/deployments/dev:hello")).json()["id"]
    pretence.lingering.add(deployment)
    refused = await typed("deployments", "rm", "shop/dev:hello")
    told = await typed("deployments", "rm", "shop/dev:hello", "--yes")
    gone = await typed("deployments", "show", "shop/dev:hello")

    assert refused.exit_code == 2
    assert told.stdout == "shop/dev:hello: removed\n"
    assert pretence.desired == {}
    assert (gone.exit_code, gone.stderr[:17]) == (1, "Error: not-found:")


async def test_the_waiting_ends_while_the_platform_goes_on(hello, typed, pretence):
    pretence.reachable = False

    told = await typed("deployments", "scale", "shop/dev:hello", "2", "--timeout", "1")
    at_once = await typed("deployments", "pause", "shop/dev:hello", "--no-wait")

    assert told.exit_code == 1
    assert "shop/dev:hello is not ready yet; the platform goes on: octo deployments show" in told.stderr
    assert at_once.exit_code == 0
    pretence.reachable = True


async def test_logs_for_people_and_for_programs(hello, typed):
    plain = await typed("logs", "shop/dev:hello")
    few = await typed("logs", "shop/dev:hello", "-n", "2", "--format", "json")
    followed = await typed("logs", "shop/dev:hello", "--follow", "-n", "2")

    assert plain.stdout.splitlines() == ["hello-0  line 0", "hello-0  line 1", "hello-0  line 2"]
    assert [json.loads(line)["text"] for line in few.stdout.splitlines()] == ["line 0", "line 1"]
    assert followed.stdout.splitlines() == ["hello-0  line 0", "hello-0  line 1"]


async def test_no_text_from_outside_controls_the_terminal(hello, typed, pretence, monkeypatch):
    async def logs(deployment, *, lines, follow):
        yield LogLine(None, "hello-0", "\x1b[2J\x1b]0;owned\x07")

    monkeypatch.setattr(pretence, "logs", logs)

    told = await typed("logs", "shop/dev:hello")
    assert told.stdout == "hello-0  ·[2J·]0;owned·\n"


async def test_a_stream_ends_with_the_platform(hello, house, url, pretence, monkeypatch):
    """It would keep the platform from ending, for as long as somebody looks."""

    async def logs(deployment, *, lines, follow):
        yield LogLine(None, "hello-0", "one")
        await asyncio.Event().wait()

    monkeypatch.setattr(pretence, "logs", logs)
    path = f"{url}/api/v1/workspaces/shop/deployments/dev:hello/logs/events"
    async with httpx.AsyncClient(headers=hello.headers) as client, client.stream("GET", path) as answer:
        lines = answer.aiter_lines()
        assert (await anext(lines)).startswith("id: ")
        house.installation.stopping.set()
        assert "event: end" not in [each async for each in lines], "the log goes on with the next start"


class Book:
    """A log that breaks off once, while something is written."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.kept = [LogLine(None, "hello-0", each) for each in ("one", "two")]
        self.breaks = True

    async def logs(self, deployment, *, lines, follow):
        for each in self.kept[-lines:] if lines else ():
            yield each
        if not follow:
            return
        if self.breaks:
            self.breaks = False
            self.kept.append(LogLine(None, "hello-0", "meanwhile"))
            raise Unreachable(self.how)
        for each in ("three", "two"):
            self.kept.append(LogLine(None, "hello-0", each))
            yield self.kept[-1]


async def test_a_followed_log_that_breaks_goes_on_where_it_was(hello, typed, pretence, monkeypatch):
    monkeypatch.setattr(pretence, "logs", Book("the cluster is away").logs)
    told = await typed("logs", "shop/dev:hello", "-f")
    assert told.stdout.splitlines() == [f"hello-0  {each}" for each in ("one", "two", "meanwhile", "three", "two")]


async def test_so_does_one_of_only_what_comes(hello, typed, pretence, monkeypatch):
    monkeypatch.setattr(pretence, "logs", Book("the cluster is away").logs)
    told = await typed("logs", "shop/dev:hello", "-f", "-n", "0")
    assert told.stdout.splitlines() == [f"hello-0  {each}" for each in ("meanwhile", "three", "two")]


async def test_who_may_not_see_it_any_more_is_told_so(hello, house, typed, pretence, monkeypatch):
    """The stream ends; that is no end of the log."""

    async def logs(deployment, *, lines, follow):
        yield LogLine(None, "hello-0", "one")
        await asyncio.Event().wait()

    async def still(*_):
        async with house.installation.database.write() as session:
            await session.execute(update(ApiKey).values(revoked_at=ApiKey.created_at))
        return False

    monkeypatch.setattr(pretence, "logs", logs)
    monkeypatch.setattr(events, "LOOK", 0.01)
    monkeypatch.setattr(house.installation.identity, "still", still)
    told = await typed("logs", "shop/dev:hello", "-f")
    assert (told.exit_code, told.stdout) == (1, "hello-0  one\n")
    assert "not-signed-in" in told.stderr
