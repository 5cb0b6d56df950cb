"""A push source hears that its message failed once the message is kept."""

from __future__ import annotations

import pytest

from octo.core.errors import Timeout, Transient
from octo.core.flow import Failure
from octo.core.message import Message
from octo.engine.burial import InQueue
from octo.services.container import Services
from octo.testing.clock import virtual
from octo.testing.harness import running

PUSHED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    source: {connector: p, type: push, settings: {path: /f}}
    deadLetter: {queue: dead}
    process:
      - {type: if, condition: 'body == "now"', then: [{type: fail, connector: p, text: no}]}
      - {type: wait, connector: p}
      - {type: if, condition: 'body == "later"', then: [{type: fail, connector: p, text: no}]}
  - name: streamed
    source: {connector: p, type: stream, settings: {path: /s}}
    deadLetter: {queue: dead}
    process: [{type: fail, connector: p, text: no}]
  - name: plain
    source: {connector: p, type: push, settings: {path: /plain}}
    process: [{type: fail, connector: p, text: no}]
"""


async def pushed(app, body, timeout=None):
    result = app.connector("p").routes["/f"][-1].call(Message(body), timeout)
    return result if isinstance(result, Message) else await result


@virtual()
@pytest.mark.parametrize(("body", "error"), [("now", Failure), ("later", Failure), ("late", Timeout)])
async def test_a_push_source_hears_of_the_failure_once_the_message_is_kept(plugins, body, error):
    async with Services() as services, running(PUSHED, plugins, services=services) as app:
        if body == "later":
            app.connector("p").gate("go").set()
        with pytest.raises(error):
            await pushed(app, body, timeout=5.0)
        (seen,) = (await services.opened["queues"].browse("dead")).messages
        app.connector("p").gate("go").set()

    assert Message.from_record(seen.value).body == body


@virtual()
async def test_what_succeeds_costs_a_push_source_nothing(plugins):
    async with Services() as services, running(PUSHED, plugins, services=services) as app:
        app.connector("p").gate("go").set()
        assert (await pushed(app, "good")).body == "good"
        assert await services.opened["queues"].count("dead") == 0


@virtual()
async def test_a_push_source_hears_the_same_when_the_message_cannot_be_kept(plugins, caplog, monkeypatch):
    async def refuse(*_):
        raise Transient("the store is full")

    monkeypatch.setattr(InQueue, "keep", refuse)
    async with running(PUSHED, plugins) as app:
        with pytest.raises(Failure, match="no"):
            await pushed(app, "now")

    assert "a dead letter could not be kept" in caplog.text


@virtual()
async def test_a_streaming_source_keeps_one_letter(plugins):
    async with Services() as services, running(PUSHED, plugins, services=services) as app:
        with pytest.raises(Failure):
            await app.connector("p").streams["/s"].call("bad")
        assert await services.opened["queues"].count("dead") == 1


@virtual()
async def test_without_dead_letter_nothing_is_kept(plugins):
    async with Services() as services, running(PUSHED, plugins, services=services) as app:
        with pytest.raises(Failure):
            await app.connector("p").routes["/plain"][-1].call(Message("bad"))
        assert await services.opened["queues"].count("dead") == 0
