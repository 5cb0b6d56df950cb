"""The types of the client are what the server really sends."""

from __future__ import annotations

import asyncio
import re

import pytest

from octo.cli.editing.calls import CALLS

from . import typescript
from .conftest import FLOW

WITHOUT_TYPE = {("GET", "/events"), ("GET", "/catalogue")}
"""A stream, whose events have types; and what `octo schema` prints."""


class Recorded:
    """A page that keeps what it was answered, by call."""

    def __init__(self, page) -> None:
        self._page = page
        self.answers: dict[tuple[str, str], list[object]] = {}
        self.refusals: list[object] = []

    async def __call__(self, method: str, path: str, body: object = None, **headers: str):
        found = await self._page.ask(method, f"/api{path}", body, **headers)
        if found.status < 400:
            self.answers.setdefault((method, template(method, path)), []).append(found.json)
        else:
            self.refusals.append(found.json)
        return found


def template(method: str, path: str) -> str:
    """The path as the client writes it, with `{}` for its parts."""
    path = path.partition("?")[0]
    for each in CALLS:
        if each.route.method == method and each.route.match(f"/api{path}") is not None:
            return re.sub(r"\{[^}]*\}", "{}", each.route.path.removeprefix("/api"))
    raise AssertionError(path)


def wrong(value: object, type_: str) -> list[str]:
    return list(typescript.faults(value, type_, typescript.types()))


def test_the_reader_of_types_notices():
    """Members too many, too few, and of another type."""
    known = {"A": {"x": (False, "string"), "y": (True, "B[] | null")}, "B": {"z": (False, '"one" | "two"')}}

    def told(value: object) -> list[str]:
        return list(typescript.faults(value, "A", known))

    assert told({"x": "", "y": [{"z": "one"}]}) == []
    assert told({"x": "", "y": None}) == []
    assert told({"x": ""}) == []
    assert len(told({})) == 1
    assert len(told({"x": 1})) == 1
    assert len(told({"x": "", "w": 1})) == 1
    assert len(told({"x": "", "y": [{"z": "three"}]})) == 1


def test_the_client_knows_every_call():
    """And no call that there is not."""
    served = {(each.route.method, re.sub(r"\{[^}]*\}", "{}", each.route.path.removeprefix("/api"))) for each in CALLS}

    assert typescript.calls().keys() | WITHOUT_TYPE == served


RUNNING = """\
env: [{{name: RATE, default: "2"}}, {{name: TOKEN, secret: true, default: ""}}]
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: orders
    source: {{connector: web, type: http, settings: {{path: /orders, methods: [POST]}}}}
    process:
      - {{type: set-variable, name: double, settings: {{name: n, value: body.n * 2}}}}
      - {{type: set-payload, name: answer, value: '{{"n": vars.n}}'}}
"""
TESTS = """\
flow: orders
cases:
  - {name: doubles, input: {data: {n: 2}}, expect: {body: {n: 4}}}
  - {name: wrong, input: {data: {n: 2}}, expect: {body: {n: 5}}}
  - {name: later, skip: not yet}
"""


async def _runs(ask, project, port) -> None:
    """All calls about what runs."""
    files = {"new.yaml": RUNNING.format(port=port), "new_test.yaml": TESTS}
    where = {"path": "new.yaml", "files": files}
    await ask("GET", "/run")
    await ask("POST", "/run", {**where, "env": {"RATE": "3"}})
    while (told := (await ask("GET", "/run")).json)["state"] == "starting":
        await asyncio.sleep(0.05)
    [flow] = told["flows"]
    await ask("PUT", "/run/files", {"files": files})
    for body in ('{"n": 21}', '{"n": "x"}', "\xff"):
        request = {"url": flow["url"], "method": "POST", "headers": {"content-type": "application/json"}, "body": body}
        await ask("POST", "/send", request)
    await ask("POST", "/send", {"url": "http://127.0.0.1:9/"})
    for each in (await ask("GET", "/messages?limit=50")).json["messages"]:
        step = (await ask("GET", f"/messages/{each['id']}")).json["steps"][-1]
        await ask("POST", f"/messages/{each['id']}/values", where)
        await ask("POST", f"/messages/{each['id']}/why", {**where, "span": step["span"], "expression": "body.n > 1"})
        await ask("POST", f"/messages/{each['id']}/again", {**where, "span": step["span"]})
        await ask("POST", f"/messages/{each['id']}/test", where)
    await ask("GET", "/messages/nothing")
    await ask("GET", "/spies/orders.double")
    await ask("PUT", "/debug", {"breakpoints": [{"address": "orders.answer"}, {"address": "x.y"}], "mocks": {}})
    asking = asyncio.ensure_future(ask("POST", "/send", {**request, "body": '{"n": 1}'}))  # noqa: TID251  it is awaited
    while not (held := (await ask("GET", "/debug")).json["held"]):
        await asyncio.sleep(0.05)
    await ask("POST", f"/debug/{held[0]['id']}", {"do": "continue"})
    await asking
    await ask("PUT", "/debug", {"breakpoints": [], "mocks": {"orders.answer": {"body": 1}}})
    await ask("POST", "/tests", where)
    await ask("POST", "/tests", {**where, "files": {"new.yaml": "flows: 1"}})
    await ask("GET", "/env?path=new.yaml")
    await ask("PUT", "/env", {"path": "new.yaml", "values": {"RATE": "4"}}, if_none_match="*")
    await ask("GET", "/env?path=new.yaml&reveal=1")
    await ask("GET", "/resources?path=new.yaml")
    await ask("DELETE", "/run")


@pytest.fixture
async def recorded(server, page, project, port):
    ask = Recorded(page)
    token = server.entrance.link().partition("#token=")[2]
    entered = await ask("POST", "/session", {"token": token})
    assert entered.status == 200
    await ask("GET", "/session")
    await ask("POST", "/link")
    await ask("GET", "/files")
    etag = (await ask("GET", "/files/flow.yaml")).etag
    await ask("PUT", "/files/new.yaml", {"text": "flows: []\n"}, if_none_match="*")
    await ask("PUT", "/files/new.yaml", {"text": "flows: []\n"}, if_none_match="*")
    await ask("PUT", "/files/new.yaml", {"text": "flows: []\n"})
    await ask("POST", "/rename", {"from": "flow.yaml", "to": "moved.yaml"}, if_match=etag)
    await ask("DELETE", "/files/moved.yaml", if_match=etag)
    for text in (FLOW, FLOW.replace("set-payload", "set-paylod"), "flows: [{source: {type: http}}]"):
        await ask("POST", "/check", {"path": "new.yaml", "files": {"new.yaml": text}, "tests": True})
    await ask("POST", "/complete", {"path": "new.yaml", "address": "hello.greet", "expression": "body.", "offset": 4})
    await ask("POST", "/complete", {"expression": "body.a", "offset": 6, "message": {"body": {"a": 1}, "vars": {}}})
    await _runs(ask, project, port)
    for expression in ("body.a + 1", "body.b", "1 +", "env.X", "has(body.x) || [1].all(i, i > 0)"):
        await ask("POST", "/evaluate", {"expression": expression, "message": {"body": {"a": 1}}, "why": True})
    return ask


async def test_answers_have_the_types_of_the_client(recorded):
    """Each call was made, and all its answers are what the client takes them for."""
    expected = typescript.calls()
    found = {
        call: sorted({fault for each in recorded.answers.get(call, ()) for fault in wrong(each, type_)})
        for call, type_ in expected.items()
    }

    assert {call: faults for call, faults in found.items() if faults} == {}
    assert expected.keys() - recorded.answers.keys() - WITHOUT_TYPE == set()


async def test_refusals_have_theirs(recorded):
    assert recorded.refusals
    assert [fault for each in recorded.refusals for fault in wrong(each, "Refusal")] == []


EVENTS = {
    "files": "FilesEvent",
    "folder": "FolderEvent",
    "resync": "ResyncEvent",
    "run": "Run",
    "log": "LogEvent",
    "messages": "MessagesEvent",
    "debug": "Debug",
    "tests": "TestPlanEvent | TestCaseEvent",
}


async def test_events_have_theirs(server, page, project, port):
    """All that a page hears while everything is asked for."""
    async with page.events() as event:
        assert (await event())[0] == "resync"
        (project / "flow.yaml").rename(project / "new.yaml")
        await _runs(Recorded(page), project, port)
        await server.editor.messages.look()
        project.rename(project.with_name("away"))
        seen = {"resync"}
        while seen != EVENTS.keys():
            kind, told, _ = await event()
            assert wrong(told, EVENTS[kind]) == [], (kind, told)
            seen.add(kind)


def test_the_table_of_the_api_is_whole():
    """What the docstring of the package lists is what is served."""
    from octo.cli import editing

    listed = set(re.findall(r"^    (GET|POST|PUT|DELETE) +(/\S+)", editing.__doc__, re.MULTILINE))
    plain = {(each.route.method, _written(each.route.path.removeprefix("/api"))) for each in CALLS}

    assert {(method, path) for method, path in listed} == plain


def _written(path: str) -> str:
    """A path as people write it: `/files/PATH`."""
    return re.sub(r"\{(\w+)\*?\}", lambda found: found[1].upper(), path)
