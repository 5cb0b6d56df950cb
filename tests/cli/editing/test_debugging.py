"""Breakpoints and mocks from a page, in the flows that run."""

from __future__ import annotations

import asyncio
import json

import pytest

FLOW = """\
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: orders
    source: {{connector: web, type: http, settings: {{path: /orders, methods: [POST]}}}}
    process:
      - {{type: set-variable, name: double, settings: {{name: n, value: body.n * 2}}}}
      - {{type: set-payload, name: answer, value: 'vars.n{more}'}}
"""


@pytest.fixture
async def sent(page, port):
    """Run the flow, and send a body to it; what comes back."""

    async def run(more=""):
        files = {"flow.yaml": FLOW.format(port=port, more=more)}
        await page.ask("POST", "/api/run", {"path": "flow.yaml", "files": files})
        while (told := (await page.ask("GET", "/api/run")).json)["state"] != "running":
            await asyncio.sleep(0.02)
        return told["flows"][0]["url"]

    url = await run()

    async def send(body):
        request = {"url": url, "method": "POST", "headers": {"content-type": "application/json"}}
        return json.loads((await page.ask("POST", "/api/send", {**request, "body": json.dumps(body)})).json["text"])

    return send


async def held(page):
    while not (found := (await page.ask("GET", "/api/debug")).json["held"]):
        await asyncio.sleep(0.02)
    return found


async def test_a_message_stops_is_seen_and_goes_on(page, sent):
    """All pages hear that it waits, and that it has gone on."""
    async with page.events() as event, asyncio.TaskGroup() as group:
        await page.ask("PUT", "/api/debug", {"breakpoints": [{"address": "orders.answer"}], "mocks": {}})
        asking = group.create_task(sent({"n": 4}))
        [waits] = await held(page)
        assert (waits["address"], waits["message"]["vars"]["n"]) == ("orders.answer", 8)
        await page.ask("POST", f"/api/debug/{waits['id']}", {"do": "continue", "message": {"vars": {"n": 7}}})
        assert await asking == 7
        states = []
        while not (states[-1:] == [0] and 1 in states):
            kind, told, _ = await event()
            states += [len(told["held"])] if kind == "debug" else []


async def test_they_outlive_the_process_and_its_versions(page, sent, port):
    """A new version of the flows has them, and one that was wrong until then is set."""
    asked = {"breakpoints": [{"address": "orders.later"}], "mocks": {"orders.double": {"body": 1, "vars": {"n": 100}}}}
    told = (await page.ask("PUT", "/api/debug", asked)).json
    assert "OCTO-B101" in told["wrong"]["orders.later"]
    assert await sent({"n": 1}) == 100

    later = FLOW.format(port=port, more=" + 1") + "      - {type: log, name: later}\n"
    await page.ask("PUT", "/api/run/files", {"files": {"flow.yaml": later}})
    while (await page.ask("GET", "/api/debug")).json["wrong"]:
        await asyncio.sleep(0.02)
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(sent({"n": 1}))
        [waits] = await held(page)
        assert waits["message"]["body"] == 101
        await page.ask("POST", f"/api/debug/{waits['id']}", {"do": "continue"})
        assert await asking == 101


async def test_they_can_be_set_before_anything_runs(page):
    told = await page.ask("PUT", "/api/debug", {"breakpoints": [{"address": "a.b", "when": "true"}], "mocks": {}})

    assert told.json == {"breakpoints": [{"address": "a.b", "when": "true"}], "mocks": {}, "wrong": {}, "held": []}


async def test_what_no_longer_waits(page, sent):
    found = await page.ask("POST", "/api/debug/7", {"do": "continue"})

    assert found.status == 409
    assert "OCTO-B104" in found.json["message"]
