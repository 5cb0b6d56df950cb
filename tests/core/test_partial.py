"""Partial results reach the receiver beside the message, and never decide how it ends."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Timeout
from octo.core.message import Message
from octo.core.partial import is_streaming, partial, receiving
from octo.testing.clock import settle, virtual
from octo.testing.harness import running
from octo.testing.probe import probes
from octo.trace.encode import encode
from octo.trace.packed import records
from octo.trace.recorder import Recorder

FLOWS = """
connectors: [{name: p, type: probe}]
flows:
  - name: answer
    source: {connector: p, type: stream, settings: {path: /}}
    process:
      - {type: say, connector: p, values: body}
      - {type: set-payload, value: '"done"'}
  - name: outer
    source: {connector: p, type: stream, settings: {path: /outer}}
    process:
      - {type: say, connector: p, values: '["before"]'}
      - {type: flow-ref, flow: inner}
      - {type: say, connector: p, values: '["after"]'}
  - name: inner
    process: [{type: say, connector: p, values: '["inside"]'}]
  - name: teller
    source: {connector: p, type: stream, settings: {path: /teller}}
    process:
      - {type: flow-ref, flow: later, oneWay: true}
      - {type: wait, connector: p, for_: teller}
  - name: later
    process:
      - {type: say, connector: p, values: '["unheard"]'}
      - {type: note, connector: p, value: '"later said it"'}
      - {type: wait, connector: p, for_: later}
      - {type: say, connector: p, values: '["unheard too"]'}
  - name: forked
    source: {connector: p, type: stream, settings: {path: /forked}}
    process:
      - type: fork
        branches:
          - {process: [{type: wait, connector: p, for_: one}, {type: say, connector: p, values: '[1]'}]}
          - {process: [{type: wait, connector: p, for_: two}, {type: say, connector: p, values: '[2]'}]}
  - name: failing
    source: {connector: p, type: stream, settings: {path: /failing}}
    process: [{type: say, connector: p, values: '["so far"]'}, {type: fail, connector: p}]
    error: [{type: say, connector: p, values: '["sorry"]'}]
  - name: single
    workers: 1
    source: {connector: p, type: stream, settings: {path: /single}}
    process: [{type: say, connector: p, values: '[1]'}, {type: wait, connector: p, for_: single}]
  - name: plain
    process: [{type: say, connector: p, values: '[1, 2]'}]
"""


def start(work):
    return asyncio.get_running_loop().create_task(work)


async def test_values_come_in_order_and_before_the_outcome(plugins):
    """The outcome is complete; a receiver has got all parts before it."""
    async with running(FLOWS, plugins):
        stream = probes["probe"].streams["/"]

        outcome = await stream.call([1, {"a": b"\x00"}, "ü"])

        assert stream.taken == [1, {"a": b"\x00"}, "ü"]
        assert outcome.body == "done"


async def test_without_a_receiver_nothing_happens(plugins):
    """A block need not know whether its caller streams."""
    async with running(FLOWS, plugins) as app:
        assert (await app.call("plain", "same")).body == "same"

    await partial("to nobody")
    assert not is_streaming()


async def test_called_flows_share_the_receiver(plugins):
    """The called flow and the blocks after the flow-ref send to the same receiver."""
    async with running(FLOWS, plugins):
        stream = probes["probe"].streams["/outer"]
        await stream.call()

        assert stream.taken == ["before", "inside", "after"]


async def test_one_way_calls_have_no_receiver(plugins):
    """No caller waits for them: neither while the calling flow runs nor afterwards."""
    async with running(FLOWS, plugins):
        probe = probes["probe"]
        stream = probe.streams["/teller"]
        calling = start(stream.call())
        while probe.notes != ["later said it"]:
            await asyncio.sleep(0)
        assert not calling.done()

        probe.gate("teller").set()
        await calling
        probe.gate("later").set()

    assert stream.taken == []


@virtual()
async def test_branches_share_the_receiver(plugins):
    """Each branch sends when it has a value, in any order."""
    async with running(FLOWS, plugins):
        probe = probes["probe"]
        stream = probe.streams["/forked"]
        calling = start(stream.call())
        await settle()
        for gate in ("two", "one"):
            probe.gate(gate).set()
            await settle()
        await calling

    assert stream.taken == [2, 1]


@virtual()
async def test_one_value_at_a_time(plugins):
    """Branches that send at the same time take turns, so a receiver gets one value at a time."""
    under_way = most = 0

    async def receiver(value):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(1)
        under_way -= 1

    with receiving(receiver):
        await asyncio.gather(partial(1), partial(2), partial(3))

    assert most == 1
    assert asyncio.get_running_loop().time() == 3


@virtual()
async def test_a_slow_reader_slows_down_the_block(plugins):
    """Nothing piles up: the block goes on only once the receiver has taken its value."""
    async with running(FLOWS, plugins):
        stream = probes["probe"].streams["/"]
        stream.gate.clear()
        calling = start(stream.call([1, 2]))
        await settle()
        assert (stream.taken, calling.done()) == ([], False)

        stream.gate.set()
        assert (await calling).body == "done"

    assert stream.taken == [1, 2]


@virtual()
async def test_the_deadline_holds_for_a_reader_that_never_reads(plugins):
    """The deadline of the call includes the time that its receiver takes."""
    async with running(FLOWS, plugins):
        stream = probes["probe"].streams["/"]
        stream.gate.clear()

        with pytest.raises(Timeout):
            await stream.call([1, 2], timeout=5)

        stream.gate.set()
        assert (await stream.call([3])).body == "done"

    assert stream.taken == [3]


@virtual()
async def test_cancelling_is_clean(plugins):
    """A caller that is cancelled while its receiver takes a value ends the message; the flow takes further ones."""
    async with running(FLOWS, plugins) as app:
        stream = probes["probe"].streams["/"]
        stream.gate.clear()
        calling = start(stream.call([1]))
        await settle()
        calling.cancel()
        await asyncio.wait([calling])

        assert calling.cancelled()
        assert app.generation.flows["answer"].in_flight == 0
        stream.gate.set()
        assert (await stream.call([2])).body == "done"

    assert stream.taken == [2]


@pytest.mark.parametrize("error", [ConnectionError("gone"), asyncio.CancelledError()])
async def test_a_receiver_that_breaks_does_not_fail_the_message(plugins, caplog, error):
    """The receiver gets no more values, the message goes on, and one warning is logged."""
    asked = []

    async def broken(value):
        asked.append(value)
        raise error

    async with running(FLOWS, plugins):
        outcome = await probes["probe"].streams["/"].inlet.call(Message([1, 2, 3]), partial=broken)

    assert outcome.body == "done"
    assert asked == [1]
    assert [record.msg for record in caplog.records if "partial" in record.msg] == [
        "the receiver of partial results failed; it gets no more"
    ]


async def test_traces_show_messages_and_not_what_was_said(plugins):
    """A traced flow streams like an untraced one, and its trace is the same as without a receiver."""
    kept = []
    async with running(FLOWS, plugins, observer=Recorder(kept.append)) as app:
        stream = probes["probe"].streams["/outer"]
        await stream.call()
        await app.call("outer")

    assert stream.taken == ["before", "inside", "after"]
    listened, alone = (
        [(each["path"], each["outcome"], each.get("output"), each.get("effects")) for each in records(encode(one).data)]
        for one in kept
    )
    assert listened == alone
    assert len(listened) == 6


async def test_what_was_said_before_a_failure_was_said(plugins):
    """The error chain sends to the same receiver; its result is the outcome."""
    async with running(FLOWS, plugins):
        stream = probes["probe"].streams["/failing"]
        await stream.call("kept")

        assert stream.taken == ["so far", "sorry"]


@virtual()
async def test_messages_that_wait_in_line_keep_their_own_receivers(plugins):
    """The message that frees the worker does not send to the receiver of the next message."""
    first, second = [], []

    async with running(FLOWS, plugins):
        inlet = probes["probe"].streams["/single"].inlet
        calls = [start(streamed(inlet, taken)) for taken in (first, second)]
        await settle()
        assert (first, second) == ([1], [])

        probes["probe"].gate("single").set()
        await asyncio.gather(*calls)

    assert (first, second) == ([1], [1])


async def streamed(inlet, taken):
    async def take(value):
        taken.append(value)

    return await inlet.call(Message(), partial=take)


async def test_after_the_end_nothing_more_arrives():
    """Work that outlives the call, against the rules, reaches no receiver; nor does a value that waits for its turn."""
    taken, gate = [], asyncio.Event()

    async def take(value):
        await gate.wait()
        taken.append(value)

    async def straggler():
        await partial("first")
        await partial("late")

    with receiving(take):
        works = [start(straggler()), start(straggler())]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*works)

    assert taken == ["first"]


@virtual()
async def test_a_block_may_listen_to_what_it_calls_and_hand_it_on():
    """An agent receives what its tools send, and sends its own caller a part of it."""
    taken = []

    async def take(value):
        taken.append(value)

    async def relay(value):
        await partial({"tool": value})

    with receiving(take):
        assert is_streaming()
        with receiving(relay):
            await partial(1)
        await partial(2)

    assert taken == [{"tool": 1}, 2]
    assert not is_streaming()
