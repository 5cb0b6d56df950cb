"""Messages that have run: looked at step by step, run again, made into tests."""

from __future__ import annotations

import asyncio
import json

import pytest

from octo.cli.editing import messages as messages_module

FLOW = """\
connectors:
  - {{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}
  - {{name: bank, type: http-client, settings: {{baseURL: "http://127.0.0.1:{port}"}}}}
flows:
  - name: orders
    mask: [card]
    source: {{connector: web, type: http, settings: {{path: /orders, methods: [POST]}}}}
    process:
      - {{type: set-variable, name: double, settings: {{name: n, value: body.n * 2}}}}
      - {{type: rest, name: charge, settings: {{connector: bank, path: /bank}}}}
      - type: if
        name: large
        condition: vars.n > 10
        then:
          process:
            - {{type: set-payload, name: big, value: '{{"big": vars.n}}'}}
            - {{type: set-variable, name: mark, settings: {{name: marked, value: 'true'}}}}
      - {{type: set-payload, name: answer, value: '{{"was": body, "n": vars.n}}'}}
  - name: bank
    source: {{connector: web, type: http, settings: {{path: /bank}}}}
    process: [{{type: set-payload, value: '{{"id": "c1"}}'}}]
"""
TEST = """\
# by hand
flow: orders
cases:
  # the first
  - name: one
    skip: not yet
# the end
"""


@pytest.fixture
async def ran(page, project, port):
    """A message that has run, and the files that it has run through."""
    (project / "flow.yaml").write_text(FLOW.format(port=port))
    await page.ask("POST", "/api/run", {"path": "flow.yaml"})
    while (told := (await page.ask("GET", "/api/run")).json)["state"] != "running":
        await asyncio.sleep(0.02)
    [url] = [each["url"] for each in told["flows"] if each["name"] == "orders"]

    async def send(body):
        request = {"url": url, "method": "POST", "headers": {"content-type": "application/json"}}
        reply = await page.ask("POST", "/api/send", {**request, "body": json.dumps(body)})
        assert reply.status == 200, reply
        told = {}
        while not told:  # it is written a moment later
            found = (await page.ask("GET", "/api/messages?flow=orders")).json["messages"]
            told = {each["trace"]: each["id"] for each in found if each["trace"] == reply.json["trace"]}
        assert reply.json["message"] in (None, *told.values())
        return {**reply.json, "message": told[reply.json["trace"]]}

    return send


async def message(page, id: str):
    found = await page.ask("GET", f"/api/messages/{id}")
    assert found.status == 200, found
    return found.json


async def test_what_each_block_made_of_a_message(page, ran):
    """Input, output, what changed, how long, the calls it made; masked fields stay masked."""
    sent = await ran({"n": 21, "card": "4111 1111"})

    found = await message(page, sent["message"])

    steps = {each["address"]: each for each in found["steps"]}
    assert [*steps] == [
        *("orders", "orders.double", "orders.charge", "orders.large", "orders.large[then].big"),
        *("orders.large[then].mark", "orders.answer"),
    ]
    assert steps["orders"]["input"]["body"] == {"n": 21, "card": "«masked»"}
    assert steps["orders.double"]["changed"] == {"body": False, "set": ["n"], "unset": []}
    assert steps["orders.double"]["output"]["vars"]["n"] == 42
    assert steps["orders.large[then].big"]["parent"] == steps["orders.large"]["span"]
    assert steps["orders.charge"]["effects"][0]["status"] == 200
    assert steps["orders.answer"]["output"]["body"] == {"was": {"big": 42}, "n": 42}
    assert all(each["outcome"] == "completed" for each in found["steps"])
    assert json.loads(sent["text"]) == {"was": {"big": 42}, "n": 42}


async def test_the_list_and_its_pages(page, ran):
    """The newest first, with what brought each; by flow and outcome; and told to pages as they come."""
    async with page.events() as event:
        assert (await event())[0] == "resync"
        sent = [await ran({"n": number}) for number in range(3)]
        failed = (await page.ask("GET", "/api/messages?flow=orders&outcome=failed")).json
        seen = []
        while len(seen) < 6:
            kind, told, _ = await event()
            seen += told["messages"] if kind == "messages" else []

    whole = (await page.ask("GET", "/api/messages?flow=orders")).json
    assert [each["id"] for each in whole["messages"]] == [each["message"] for each in reversed(sent)]
    assert {each["trigger"] for each in whole["messages"]} == {"POST /orders"}
    assert whole["isWhole"] is True
    assert failed["messages"] == []
    assert {each["message"] for each in sent} < {each["id"] for each in seen}
    first = (await page.ask("GET", "/api/messages?flow=orders&limit=2")).json
    rest = (await page.ask("GET", f"/api/messages?flow=orders&before={first['messages'][-1]['at']}")).json
    assert (first["isWhole"], len(rest["messages"])) == (False, 1)
    for wrong in ("limit=0", "limit=x", "before=x"):
        assert (await page.ask("GET", f"/api/messages?{wrong}")).status == 400


async def test_why_and_values_at_a_step(page, ran):
    """Of the message as it came to that block."""
    sent = await ran({"n": 21})
    found = await message(page, sent["message"])
    spans = {each["address"]: each["span"] for each in found["steps"]}

    values = await page.ask("POST", f"/api/messages/{sent['message']}/values", {"path": "flow.yaml"})
    asked = {"path": "flow.yaml", "span": spans["orders.large"], "expression": "vars.n > 10 && body.id == 'c1'"}
    why = await page.ask("POST", f"/api/messages/{sent['message']}/why", asked)
    nowhere = await page.ask("POST", f"/api/messages/{sent['message']}/why", {**asked, "span": "0"})

    assert values.json["values"][spans["orders.double"]] == {"body.n * 2": 42}
    assert why.json["value"] is True
    assert [each["value"] for each in why.json["why"]["children"]] == ["true", "true"]
    assert nowhere.status == 400


async def test_again_whole_and_from_a_block(page, ran, port):
    """Through the files as they are on the page; other systems answer what they answered then."""
    sent = await ran({"n": 21})
    found = await message(page, sent["message"])
    spans = {each["address"]: each["span"] for each in found["steps"]}
    edited = FLOW.format(port=port).replace('"was": body', '"is": body')
    asked = {"path": "flow.yaml", "files": {"flow.yaml": edited}}
    await page.ask("DELETE", "/api/run")  # whoever called the bank now would fail

    async def again(**more):
        told = (await page.ask("POST", f"/api/messages/{sent['message']}/again", {**asked, **more})).json
        assert told["outcome"] == "completed", told
        return (await message(page, told["id"]))["steps"]

    whole = await again()
    assert whole[0]["output"]["body"] == {"is": {"big": 42}, "n": 42}
    part = await again(span=spans["orders.answer"], message={"body": 1})
    assert [each["address"] for each in part] == ["orders", "orders.answer"]
    assert part[0]["output"]["body"] == {"is": 1, "n": 42}
    inner = await again(span=spans["orders.large[then].mark"], message={"vars": {"n": 100}})
    assert [each["address"] for each in inner][-3:] == ["orders.large", "orders.large[then].mark", "orders.answer"]
    real = await page.ask("POST", f"/api/messages/{sent['message']}/again", {**asked, "calls": "real"})
    assert real.json["outcome"] == "failed"


async def test_a_message_becomes_a_case(page, ran, project):
    """At the end of the test file that is there, which keeps every other byte; or in a new one. It passes."""
    sent = await ran({"n": 21})
    asked = {"path": "flow.yaml"}
    new = (await page.ask("POST", f"/api/messages/{sent['message']}/test", asked)).json
    assert (new["path"], new["isNew"]) == ("flow_test.yaml", True)

    (project / "flow_test.yaml").write_bytes(TEST.replace("\n", "\r\n").encode())
    more = (await page.ask("POST", f"/api/messages/{sent['message']}/test", asked)).json

    before, _, rest = more["text"].partition("  - name: 'as recorded")
    assert before.replace("\r\n", "\n") == TEST.partition("# the end")[0]
    assert rest.endswith("\r\n# the end\r\n")
    assert "\n" not in more["text"].replace("\r\n", "")
    for each in (new, more):
        tested = await page.ask("POST", "/api/tests", {**asked, "files": {each["path"]: each["text"]}})
        assert tested.json["ok"] is True, tested.json
        assert [case["status"] for case in tested.json["cases"]].count("passed") == 1

    (project / "flow_test.yaml").write_text("flow: orders\ncases: [{name: a, skip: b}]\n")
    assert (await page.ask("POST", f"/api/messages/{sent['message']}/test", asked)).status == 400


async def test_what_a_spy_sees(page, ran):
    await ran({"n": 1})
    await ran({"n": 21})

    found = (await page.ask("GET", "/api/spies/orders.large%5Bthen%5D.big")).json["crossings"]
    double = (await page.ask("GET", "/api/spies/orders.double")).json["crossings"]

    assert [each["output"]["body"] for each in found] == [{"big": 42}]
    assert [each["output"]["vars"]["n"] for each in double] == [42, 2]


async def test_a_large_message_is_shown_in_part(page, ran, monkeypatch):
    sent = await ran({"n": 1, "text": "x" * 5_000})
    monkeypatch.setattr(messages_module, "MOST_BYTES", 10_000)

    found = await message(page, sent["message"])

    assert found["isWhole"] is False
    assert len(json.dumps(found)) < 30_000


async def test_without_messages(page):
    """Before anything has run; and after the store was damaged."""
    assert (await page.ask("GET", "/api/messages")).json == {"messages": [], "isWhole": True}
    assert (await page.ask("GET", "/api/messages/abcdef")).status == 404
    assert (await page.ask("GET", "/api/spies/a.b")).json == {"crossings": []}


async def test_a_store_that_is_damaged(page, project, server):
    """It is told, and the editor goes on."""
    (project / ".octo").mkdir()
    (project / ".octo" / "traces.db").write_text("no database at all, but long enough to be looked at")

    assert (await page.ask("GET", "/api/messages")).status == 400
    assert (await page.ask("GET", "/api/files")).status == 200
