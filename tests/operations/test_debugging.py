"""Breakpoints and mocks over the operations port of a service that runs."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from octo.config.load import parse
from octo.core.flow import at_last
from octo.core.message import Message
from octo.debug import Session
from octo.engine.observe import Observers
from octo.engine.service import Service
from octo.operations.debugging import routes
from octo.operations.guard import Guard
from octo.operations.web import App, Request
from octo.testing.probe import probes

FLOW = """
connectors: [{name: p, type: probe, settings: {id: p}}]
flows:
  - name: f
    source: {connector: p, type: push, settings: {path: /}}
    process:
      - {type: set-variable, name: first, settings: {name: n, value: body + 1}}
      - {type: set-payload, name: last, value: vars.n * 2}
"""


class Debugged:
    """A service with a session, and the routes of it."""

    def __init__(self, service, session) -> None:
        self.app = App(None, Guard(), routes(session, service))

    async def ask(self, method, path, value=None, **headers):
        body = b"" if value is None else json.dumps(value).encode()
        return await self.app(Request(method, path, {}, {"host": "localhost", **headers}, body))

    async def told(self, method, path, value=None):
        found = await self.ask(method, path, value)
        assert found.status == 200, found.body
        return json.loads(found.body)


@asynccontextmanager
async def debugged(plugins):
    session, stop, ready = Session(), asyncio.Event(), asyncio.Event()
    service = Service(
        lambda: parse(FLOW, plugins, {}), observer=Observers([session]), ready=lambda _: ready.set(), drain=1
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(service.run(stop))
        await ready.wait()
        yield Debugged(service, session), group
        stop.set()
        await running


async def send(body):
    return await at_last(probes["p"].routes["/"][0].call(Message(body)))


async def test_a_message_stops_and_goes_on(plugins):
    """The state is told when it stops; it goes on with another body, and what it makes of it is the answer."""
    async with debugged(plugins) as (port, group):
        put = await port.told("PUT", "/debug", {"breakpoints": [{"address": "f.last", "when": "body > 0"}]})
        assert put == {"breakpoints": ["f.last"], "mocks": [], "held": [], "wrong": {}}
        lines = (await port.ask("GET", "/debug/changes")).body
        assert json.loads(await anext(lines))["held"] == []

        sent = group.create_task(send(3))
        [held] = json.loads(await anext(lines))["held"]
        assert (held["address"], held["message"]) == ("f.last", {"body": 3, "vars": {"n": 4}})
        message = {"body": 0, "vars": {"n": 21}}
        assert await port.told("POST", f"/debug/{held['id']}", {"do": "continue", "message": message})

        assert (await sent).body == 42
        assert json.loads(await anext(lines))["held"] == []
        assert (await send(-1)).body == 0  # the condition is not true
        await lines.aclose()


async def test_mocks_are_set_and_removed_while_it_runs(plugins):
    async with debugged(plugins) as (port, _):
        await port.told("PUT", "/debug", {"mocks": {"f.last": {"body": "mocked"}}})
        assert (await send(1)).body == "mocked"

        await port.told("PUT", "/debug", {"mocks": {}})
        assert (await send(1)).body == 4


async def test_what_cannot_be_set_is_told(plugins):
    async with debugged(plugins) as (port, _):
        asked = {"breakpoints": [{"address": "f.lst"}], "mocks": {"f.last": {"bodi": 1}}}
        found = await port.told("PUT", "/debug", asked)

        assert "OCTO-B101" in found["wrong"]["f.lst"]
        assert "bodi" in found["wrong"]["f.last"]


@pytest.mark.parametrize(
    ("method", "path", "value", "status"),
    [
        ("PUT", "/debug", [], 400),
        ("PUT", "/debug", {"breakpoints": ["f.last"]}, 400),
        ("PUT", "/debug", {"breakpoints": [{"address": "f.last", "when": 1}]}, 400),
        ("PUT", "/debug", {"mocks": []}, 400),
        ("PUT", "/debug", {"breakpoints": [{"address": "f.last"}] * 101}, 400),
        ("POST", "/debug/1", {"do": "jump"}, 400),
        ("POST", "/debug/1", {"do": "continue"}, 404),
    ],
)
async def test_what_is_refused(plugins, method, path, value, status):
    async with debugged(plugins) as (port, _):
        assert (await port.ask(method, path, value)).status == status


async def test_pages_may_not_debug(plugins):
    async with debugged(plugins) as (port, _):
        assert (await port.ask("PUT", "/debug", {}, origin="http://evil.test")).status == 403
        assert (await port.ask("GET", "/debug", None, origin="http://evil.test")).status == 403


async def test_secrets_are_masked(plugins):
    from octo.core.secrets import mask

    mask("hunter2-and-more")
    async with debugged(plugins) as (port, group):
        await port.told("PUT", "/debug", {"breakpoints": [{"address": "f.first"}]})
        sent = group.create_task(send("hunter2-and-more"))
        while not (found := await port.told("GET", "/debug"))["held"]:
            await asyncio.sleep(0)
        assert "hunter2" not in json.dumps(found)
        await port.told("POST", f"/debug/{found['held'][0]['id']}", {"do": "continue", "message": {"body": 1}})
        assert (await sent).body == 4
