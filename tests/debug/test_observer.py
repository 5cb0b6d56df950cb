"""Debug puts spies, mocks and a breakpoint into the flows of one run."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.core.flow import Drop, Failure, Halt
from octo.core.message import Message
from octo.debug import AddressError, Debug, mocks
from octo.engine.invoke import invoke
from octo.testing.clock import virtual
from octo.testing.probe import history, probes

MOCK = mocks.parse({"body": 50}, "x")


async def test_a_breakpoint_keeps_the_message_behind_the_block_and_ends_the_flow(watched):
    ended, debug = await watched(3, break_at="f.check[then].double", spies=["f.switch"])

    assert isinstance(ended, Halt)
    assert (debug.reached.body, debug.reached_block) == (6, "f.check[then].double")
    assert debug.spies["f.switch"] == []


async def test_no_recovery_catches_a_breakpoint(watched):
    ended, debug = await watched(2, break_at="g.set-variable")

    assert isinstance(ended, Halt)
    assert debug.reached.vars == {"a": 1, "b": 2}


async def test_a_breakpoint_that_is_not_reached_changes_nothing(watched):
    ended, debug = await watched(2, break_at="f[error].saved")

    assert ended.body == 1
    assert debug.reached is None


async def test_nothing_is_reached_behind_a_block_that_drops_or_fails(watched):
    dropped, debug = await watched(-1, break_at="f.check")
    assert isinstance(dropped, Drop)
    assert debug.reached is None

    failed, debug = await watched(4, break_at="f.switch")
    assert failed.body == "switch"
    assert debug.reached is None


async def test_the_breakpoint_sees_what_the_spy_saw_and_the_spy_what_the_mock_answered(watched):
    where = "f.check"
    ended, debug = await watched(3, break_at=where, spies=[where], specs={where: {"body": 50}})

    assert isinstance(ended, Halt)
    assert debug.reached.body == 50
    assert [(each.input.body, each.output.body) for each in debug.spies[where]] == [(3, 50)]


async def test_the_first_message_that_reaches_the_breakpoint_is_kept(plugins):
    text = """
flows:
  - name: f
    process:
      - type: foreach
        items: body
        mode: map
        concurrency: 3
        body: [{type: set-payload, name: one, value: vars.item}]
"""
    config = parse(text, plugins, {})
    debug = Debug(config, "f", break_at="f.foreach[body].one")
    with pytest.raises(Halt):
        await invoke(config, "f", Message([1, 2, 3]), 5, debug)

    assert debug.reached.body == 1


FORK = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: fork
        branches:
          - {name: slow, process: [{type: wait, connector: p}]}
          - {name: quick, process: [{type: flow-ref, flow: told}]}
      - {type: set-payload, name: after, value: '1'}
  - {name: told, process: [{type: wait, connector: p}, {type: set-payload, name: last, value: '2'}]}
  - {name: tell, process: [{type: flow-ref, flow: told, oneWay: true}]}
"""


@virtual()
async def test_a_breakpoint_ends_the_flow_across_branches_and_flows(plugins):
    config = parse(FORK, plugins, {})
    for address in ("told.wait", "told.last"):
        debug = Debug(config, "f", break_at=address, mocks={"told.wait": MOCK})
        with pytest.raises(Halt):
            await invoke(config, "f", Message(), 5, debug)

        assert debug.reached is not None


@virtual()
async def test_a_breakpoint_ends_a_flow_that_was_only_told(plugins):
    config = parse(FORK, plugins, {})
    debug = Debug(config, "tell", break_at="told.last", mocks={"told.wait": MOCK})
    with pytest.raises(Halt):
        await invoke(debug.config, "tell", Message(), 5, debug)

    assert debug.reached.body == 2


@pytest.mark.parametrize(
    ("spy", "gone"), [("f.switch[1].charge", "f.switch"), ("f.check[else].filter", "f.check")], ids=["switch", "if"]
)
def test_what_lies_inside_a_mocked_block_cannot_be_watched(config, spy, gone):
    for watch in ({"spies": [spy]}, {"break_at": spy}):
        with pytest.raises(AddressError, match=f'nothing runs there, because "{gone}" around it is mocked'):
            Debug(config, "f", mocks={gone: MOCK}, **watch)


def test_a_block_cannot_be_mocked_twice(config):
    with pytest.raises(AddressError, match=r'"f\.if" and "f\.check" are the same block'):
        Debug(config, "f", mocks={"f.check": MOCK, "f.if": MOCK})


def test_an_address_that_forgot_its_flow_is_guessed(config):
    with pytest.raises(
        AddressError, match=r'"check" does not begin with the name of a flow\. Did you mean "f\.check"\?'
    ):
        Debug(config, "f", break_at="check")


async def test_watching_changes_no_error(watched):
    every = ["f.start", "f.check", "f.switch", "f.switch[1].charge", "f.sum", "f[error].saved"]
    plain, _ = await watched(4)
    spied, debug = await watched(4, spies=every)

    assert (spied.body, spied.vars["error"]) == (plain.body, plain.vars["error"])
    assert [each.output.body for each in debug.spies["f[error].saved"]] == ["switch"]


async def test_a_failure_names_the_same_way(watched):
    plain, _ = await watched("text", flow="g")
    spied, _ = await watched("text", flow="g", spies=["g.set-payload", "g.a"], break_at="g.set-payload")

    assert isinstance(plain, Failure)
    assert (str(spied), spied.at) == (str(plain), plain.at)
    assert history == []


SHIELDED = """
connectors: [{name: p, type: probe}]
flows:
  - name: f
    process:
      - type: handle-errors
        process: [{type: wait, connector: p}, {type: fail, connector: p}]
        error: [{type: set-payload, value: '"saved"'}]
"""


async def test_a_block_that_waits_is_watched_until_it_is_done(plugins):
    config = parse(SHIELDED, plugins, {})
    where = "f.handle-errors[process].wait"
    debug = Debug(config, "f", break_at=where, spies=[where])

    async def open_the_gate():
        while "probe" not in probes:
            await asyncio.sleep(0)
        probes["probe"].gate("go").set()

    with pytest.raises(Halt):
        await asyncio.gather(invoke(config, "f", Message(1), 5, debug), open_the_gate())

    assert debug.reached.body == 1
    assert [each.output.body for each in debug.spies[where]] == [1]


async def test_spies_and_breakpoints_see_the_answer_of_a_block_that_stops(plugins):
    text = """
connectors: [{name: p, type: probe}]
flows: [{name: f, process: [{type: stop, connector: p, value: '"no"'}, {type: set-payload, value: '1'}]}]
"""
    config = parse(text, plugins, {})
    debug = Debug(config, "f", spies=["f.stop"])
    ended = await invoke(config, "f", Message(), 5.0, debug)
    halted = Debug(config, "f", break_at="f.stop")
    with pytest.raises(Halt):
        await invoke(config, "f", Message(), 5.0, halted)

    assert ended.body == halted.reached.body == debug.spies["f.stop"][0].output.body == "no"
