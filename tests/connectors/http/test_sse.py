"""`sse-event` in running flows: addresses, deadlines and time, flows that call each other, and what tests see."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.connectors.http import streams
from octo.connectors.http.stub import Request
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.testing.clock import virtual
from octo.testing.harness import running

PROBE = "connectors: [{name: http, type: http}, {name: p, type: probe}]\nflows:\n"
SOURCE = "source: {type: http, settings: {path: /%s, timeout: 5s, sse: {enabled: true%s}}}"


def flow(name, blocks, sse="", more=""):
    """A flow with a stream, and other flows behind it."""
    return PROBE + f"- name: {name}\n  {SOURCE % (name, sse)}\n  process: [{blocks}]\n{more}"


async def ask(app, name, **spec):
    """The reply that a client of the flow gets, without a network."""
    source = next(each for each in app.generation.config.flows.values() if each.name == name).source
    return await app.connector("http").trigger(source.settings, Request.model_validate(spec))


def stubbed(text, plugins, **options):
    return running(text, plugins, stubs={"http": {}}, **options)


async def test_a_test_sees_events(plugins):
    blocks = "{type: sse-event, event: tick, id: '1', data: '{\"n\": 1}'}, {type: sse-event, data: '\"plain\"'}"
    async with stubbed(flow("f", blocks), plugins) as app:
        reply = await ask(app, "f")
    assert reply["status"] == 200
    assert reply["headers"]["content-type"] == "text/event-stream"
    assert reply["body"] == 'event: tick\nid: 1\ndata: {"n":1}\n\ndata: plain\n\n'
    assert reply["events"] == [{"event": "tick", "id": "1", "data": {"n": 1}}, {"data": "plain"}]


async def test_an_ordinary_answer_of_such_a_route_has_no_events(plugins):
    async with stubbed(flow("f", "{type: set-payload, value: '1'}"), plugins) as app:
        assert "events" not in await ask(app, "f")


@virtual()
async def test_a_client_of_a_test_may_leave_after_some_events(plugins):
    """The flow goes on, finds nobody at the next event, and ends there as completed."""
    each = "{type: foreach, items: '[1, 2, 3, 4]', as: n, body: [{type: sse-event, data: vars.n}]}"
    blocks = each + ", {type: set-payload, value: '\"never\"'}"
    async with stubbed(flow("f", blocks), plugins) as app:
        reply = await ask(app, "f", events=2)
        assert [each["data"] for each in reply["events"]] == [1, 2]
        assert app.kinds("f") == ["started", "completed"]


@virtual()
async def test_the_timeout_bounds_the_wait_for_the_first_event_only(plugins):
    wait = "{type: wait, connector: p, for_: %s}"
    blocks = f"{wait % 'first'}, {{type: sse-event}}, {wait % 'second'}, {{type: sse-event}}"
    async with stubbed(flow("f", blocks), plugins) as app:
        reply = await ask(app, "f")
        assert (reply["status"], reply["body"]["error"]) == (504, "flow timed out")

        probe = app.connector("p")
        loop = asyncio.get_running_loop()
        loop.call_later(4, probe.gate("first").set)
        loop.call_later(100, probe.gate("second").set)
        reply = await ask(app, "f")
        assert len(reply["events"]) == 2


@virtual()
async def test_a_quiet_stream_sends_comments(plugins):
    """One for each heartbeat without an event."""
    blocks = "{type: sse-event}, {type: wait, connector: p}, {type: sse-event}"
    for sse, pings in ((", heartbeat: 10s", 4), (", heartbeat: 0s", 2)):
        async with stubbed(flow("f", blocks, sse), plugins) as app:
            asyncio.get_running_loop().call_later(44, app.connector("p").gate("go").set)
            assert (await ask(app, "f"))["body"] == "data: null\n\n" + ": ping\n\n" * pings + "data: null\n\n"


@virtual()
async def test_a_cap_closes_the_stream_and_the_flow_goes_on(plugins):
    blocks = "{type: sse-event}, {type: wait, connector: p}, {type: sse-event, ifClosed: error}"
    async with stubbed(flow("f", blocks, ", maxDuration: 20s"), plugins) as app:
        asyncio.get_running_loop().call_later(60, app.connector("p").gate("go").set)
        asyncio.get_running_loop().call_later(59, lambda: seen.append(app.kinds("f")))
        seen = []
        reply = await ask(app, "f")
        assert reply["body"] == "data: null\n\n: ping\n\n"
        assert seen == [["started"]]
        assert app.kinds("f") == ["started", "failed"]


@virtual()
async def test_flows_that_it_calls_write_too(plugins):
    """Called or one-way; with `closeOnComplete: false` the latter go on when the flow has ended."""
    more = """
- {name: called, process: [{type: sse-event, event: called, stop: true}, {type: fail, connector: p}]}
- name: later
  process:
    - {type: wait, connector: p}
    - {type: sse-event, event: later, close: true}
"""
    blocks = (
        "{type: sse-event, event: begun}, {type: flow-ref, flow: later, oneWay: true}, {type: flow-ref, flow: called}"
    )
    async with stubbed(flow("f", blocks, ", closeOnComplete: false", more), plugins) as app:
        asyncio.get_running_loop().call_later(100, app.connector("p").gate("go").set)
        reply = await ask(app, "f")
        assert [each["event"] for each in reply["events"]] == ["begun", "called", "later"]
        assert app.kinds("called") == ["started", "completed"]
        assert app.kinds("f") == ["started", "completed"]


@virtual()
async def test_a_stream_that_nobody_closes_ends_with_the_configuration(plugins):
    """Not before its messages have finished, and with a proper end; a flow that is cut off says so first."""
    more = "- {name: later, process: [{type: wait, connector: p, for_: %s}, {type: sse-event, event: later}]}\n"
    blocks = "{type: sse-event, event: begun}, {type: flow-ref, flow: later, oneWay: true}"
    async with stubbed(flow("f", blocks, ", closeOnComplete: false", more % "go"), plugins, drain=10) as app:
        asking = asyncio.get_running_loop().create_task(ask(app, "f"))
        await asyncio.sleep(1)
        asyncio.get_running_loop().call_later(5, app.connector("p").gate("go").set)
    assert [each["event"] for each in (await asking)["events"]] == ["begun", "later"]

    blocks = "{type: sse-event, event: begun}, {type: wait, connector: p}"
    async with stubbed(flow("f", blocks), plugins, drain=10) as app:
        asking = asyncio.get_running_loop().create_task(ask(app, "f"))
        await asyncio.sleep(1)
    begun, error = (await asking)["events"]
    assert (begun["event"], error["event"]) == ("begun", "error")
    assert not streams._streams


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("", "`vars.sseStream` is no address"),
        ("stream: '17'", "`stream` is no address"),
        ("stream: '\"abc\"'", "`stream` is no address"),
        ("stream: '\"api:1\"', connector: http", "one of `api`, not of `http`"),
        ("stream: '\"http:1\"', ifClosed: error", "nobody listens"),
        ("stream: vars.s, id: '\"a\\nb\"'", "`id` is one line"),
    ],
)
async def test_what_cannot_be_sent_fails(plugins, settings, message):
    text = flow("f", f"{{type: sse-event, {settings}}}".replace(", }", "}"), ", streamVar: s")
    async with stubbed(text, plugins) as app:
        if "vars.s" in settings:
            reply = await ask(app, "f")
            assert reply["status"] == 500
            found = str(next(event.error for event in app.events if event.kind == "failed"))
        else:
            with pytest.raises(Failure) as raised:
                await app.call("f")
            found = str(raised.value)
    assert message in found


@pytest.mark.parametrize(("if_closed", "kind"), [("stop", "completed"), ("ignore", "failed")])
async def test_a_stream_that_is_gone(plugins, if_closed, kind):
    """Also one of another process: its address is as unknown here."""
    blocks = f"{{type: sse-event, stream: '\"http:gone\"', ifClosed: {if_closed}}}, {{type: fail, connector: p}}"
    async with stubbed(flow("f", blocks), plugins) as app:
        await ask(app, "f")
        assert app.kinds("f") == ["started", kind]


@pytest.mark.parametrize(
    ("source", "block", "problem"),
    [
        ("", 'event: "a\\nb"', "event"),
        ("", "ifClosed: maybe", "ifClosed"),
        ("streamVar: method", "event: a", "the variable `method` would be set both by"),
        ('finalEventName: "a\\nb"', "event: a", "finalEventName"),
        ("heartbeet: 3s", "event: a", "heartbeat"),
        ("maxStreams: -1", "event: a", "maxStreams"),
    ],
)
def test_what_can_never_work_is_found_before_it_runs(plugins, source, block, problem):
    with pytest.raises(ConfigError, match=problem):
        parse(flow("f", f"{{type: sse-event, {block}}}", f", {source}" if source else ""), plugins, {})


async def test_without_streams_nothing_listens_for_an_invoked_flow(plugins):
    """The block belongs to no connector: a flow that is called without its source opens no port for it."""
    config = parse(flow("f", "{type: sse-event}"), plugins, {})
    assert config.flows["f"].process[0].connector is None
