"""A stop ends the chains around the block, and completes the flow with its message: the outcome matrix."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.delivery import Done
from octo.core.flow import Failure, Stop, ending
from octo.core.message import Message
from octo.engine.contracts import Contracts
from octo.engine.pool import Pool
from octo.testing.harness import running
from octo.testing.probe import probes


def flow(process: str, more: str = "") -> str:
    return f"""
connectors: [{{name: p, type: probe}}]
flows:
  - name: f
    process:
      {process.replace(chr(10), chr(10) + "      ").strip()}
      - {{type: note, connector: p, value: '"after"'}}
      - {{type: set-payload, value: '"the end"'}}
{more}
"""


STOP = "{type: stop, connector: p, value: '\"answer\"'}"
LATER = "{type: wait, connector: p}, " + STOP

COMPOSITES = {
    "if": "- {{type: if, condition: 'true', then: [{stop}]}}",
    "else": "- {{type: if, condition: 'false', then: [], else: [{stop}]}}",
    "switch": "- {{type: switch, cases: [{{when: 'true', process: [{stop}]}}]}}",
    "default": "- {{type: switch, cases: [{{when: 'false', process: []}}], default: [{stop}]}}",
    "handle-errors": "- {{type: handle-errors, process: [{stop}], error: [{{type: set-payload, value: '0'}}]}}",
    "recovery": "- {{type: handle-errors, process: [{{type: fail, connector: p}}], error: [{stop}]}}",
    "iterate": "- {{type: foreach, items: '[1, 2]', body: [{stop}]}}",
    "fork": "- {{type: fork, branches: [[], [{stop}]]}}",
    "nested": "- {{type: if, condition: 'true', then: [{{type: fork, branches: [[{stop}]]}}]}}",
}


@pytest.mark.parametrize("waits", [False, True], ids=["at-once", "later"])
@pytest.mark.parametrize("composite", COMPOSITES)
async def test_the_chains_around_a_stop_end_and_the_flow_is_complete(plugins, composite, waits):
    text = flow(COMPOSITES[composite].format(stop=LATER if waits else STOP))
    async with running(text, plugins) as app:
        probes["probe"].gate("go").set()

        outcome = await app.call("f")

        assert outcome.body == "answer"
        assert probes["probe"].notes == []
        assert app.kinds("f") == ["started", "completed"]
        assert app.events[-1].message.body == "answer"


async def test_a_stop_does_not_start_the_error_chain(plugins):
    async with running(
        flow(f"- {STOP}", "    error: [{type: note, connector: p, value: '\"error\"'}]"), plugins
    ) as app:
        assert (await app.call("f")).body == "answer"
        assert probes["probe"].notes == []


async def test_an_error_chain_may_stop(plugins):
    text = flow("- {type: fail, connector: p}", f"    error: [{STOP}, {{type: set-payload, value: '1'}}]")
    async with running(text, plugins) as app:
        assert (await app.call("f")).body == "answer"
        assert app.kinds("f") == ["started", "completed"]


CALLED = """
- {type: set-variable, settings: {name: kept, value: '1'}}
- {type: flow-ref, flow: g}
"""
CALLEE = """
  - name: g
    process:
      - {type: set-variable, settings: {name: given, value: '2'}}
      - {type: stop, connector: p, value: '"answer"'}
      - {type: note, connector: p, value: '"after"'}
"""


async def test_a_called_flow_stops_its_caller_and_its_answer_is_folded_in(plugins):
    async with running(flow(CALLED, CALLEE), plugins) as app:
        outcome = await app.call("f")

        assert (outcome.body, dict(outcome.vars)) == ("answer", {"kept": 1, "given": 2})
        assert probes["probe"].notes == []
        assert app.kinds("g") == ["started", "completed"]


async def test_a_flow_that_was_sent_the_message_stops_alone(plugins):
    async with running(flow(CALLED.replace("g}", "g, oneWay: true}"), CALLEE), plugins) as app:
        assert (await app.call("f")).body == "the end"


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("waits", ["", "{type: wait, connector: p}, "], ids=["at-once", "later"])
async def test_map_answers_with_the_bodies_so_far(plugins, concurrency, waits):
    process = f"""
- type: foreach
  items: '[1, 2, 3, 4, 5, 6, 7, 8]'
  mode: map
  concurrency: {concurrency}
  body: [{waits}{{type: set-payload, value: 'vars.item'}}, {{type: if, condition: 'body == 2', then: [{STOP}]}}]
"""
    async with running(flow(process), plugins) as app:
        probes["probe"].gate("go").set()

        body = (await app.call("f")).body

        assert body[:2] == [1, "answer"]
        assert len(body) < 8
        assert probes["probe"].notes == []


async def test_a_fork_waits_for_its_other_branches_before_it_stops(plugins):
    process = f"- {{type: fork, branches: [[{STOP}], [{{type: note, connector: p, value: '\"b\"'}}], [{LATER}]]}}"
    async with running(flow(process), plugins) as app, asyncio.TaskGroup() as group:
        call = group.create_task(app.call("f"))
        while not probes["probe"].waiting:
            await asyncio.sleep(0)
        assert not call.done()
        probes["probe"].gate("go").set()

    assert call.result().body == "answer"


async def test_an_error_in_another_branch_of_the_fork_wins(plugins):
    process = f"- {{type: fork, branches: [[{STOP}], [{{type: fail, connector: p}}]]}}"
    async with running(flow(process), plugins) as app:
        with pytest.raises(Failure):
            await app.call("f")


async def test_a_delivery_whose_flow_stops_is_done(plugins):
    text = flow(f"- {STOP}").replace("process:", "source: {type: pull, connector: p}\n    process:", 1)
    async with running(text, plugins) as app:
        probe = probes["probe"]
        probe.queue.put_nowait(1)
        while not probe.settled:
            await asyncio.sleep(0)

        assert isinstance(probe.settled[0], Done)
        assert probe.settled[0].message.body == "answer"
        assert app.kinds("f") == ["started", "completed"]


async def test_a_stop_is_the_answer_that_a_contract_is_about(plugins):
    found = []
    text = flow(f"- {STOP}", "    ensures: ['body != \"answer\"', 'body == \"answer\"']")
    async with running(text, plugins, observer=Contracts(found.append)) as app:
        await app.call("f")

    assert [each.text for each in found] == ['body != "answer"']


async def test_a_pool_begins_no_more_calls_after_a_stop_when_asked():
    begun = []

    def call(number):
        begun.append(number)
        return Stop(Message(number)) if number == 1 else Message(number)

    outcomes = Pool(4).gather([lambda n=n: call(n) for n in range(4)], to_stop=True)

    assert [ending(each).body for each in outcomes] == begun == [0, 1]
    assert len(Pool(4).gather([lambda n=n: call(n) for n in range(4)])) == 4
