"""While a flow runs, its message is the current one; afterwards there is none."""

from __future__ import annotations

from octo.core import current
from octo.engine.observe import Observer
from octo.testing.harness import running
from octo.testing.probe import probes

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - {name: quick, process: [{type: set-payload, value: body}]}
  - {name: slow, process: [{type: wait, connector: p}, {type: set-payload, value: body}, {type: flow-ref, flow: quick}]}
"""


class Asking(Observer):
    def __init__(self):
        self.seen = []

    def step(self, step):
        def call(message):
            self.seen.append((step.address, current.message.get()))
            return step.call(message)

        return step._replace(call=call)


async def test_it_is_the_message_of_the_innermost_flow(plugins):
    asking = Asking()
    async with running(FLOWS, plugins, observer=asking) as app:
        probes["probe"].gate("go").set()
        await app.call("slow", 1)
        ids = {event.flow: event.event_id for event in app.events}

    assert [(address, message.event_id) for address, message in asking.seen] == [
        ("slow.wait", ids["slow"]),
        ("slow.set-payload", ids["slow"]),
        ("slow.flow-ref", ids["slow"]),
        ("quick.set-payload", ids["quick"]),
    ]
    assert current.message.get() is None
