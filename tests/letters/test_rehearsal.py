"""A dry run shows what the flows would do, calls no other system, and says what it cannot know."""

from __future__ import annotations

import pytest

from octo.config.load import parse
from octo.config.part import stubbed
from octo.core import letter
from octo.core.message import Message
from octo.letters.places import Entry
from octo.letters.rehearsal import Rehearsal, rehearsed
from octo.letters.replay import flows
from octo.services.container import Services
from octo.testing.clock import virtual
from octo.testing.probe import Standin, history

FLOWS = """
connectors: [{name: p, type: probe, settings: {refuse: true}}, {name: l, type: logger}, {name: q, type: queue}]
flows:
  - name: f
    source: {connector: p, type: push, settings: {}}
    process:
      - {type: log, message: '"got it"'}
      - {type: if, condition: 'body == "early"', then: [{type: set-payload, value: body.nope}]}
      - {type: if, condition: 'body == "drop"', then: [{type: filter, expr: 'false'}]}
      - {type: if, condition: 'body == "call"', then: [{type: note, name: charge, connector: p, value: body}]}
      - {type: if, condition: 'body == "send"', then: [{type: queue-dispatch, subject: '"jobs"'}]}
      - {type: if, condition: 'body == "call"', then: [{type: set-payload, value: body.nope}]}
"""


def entry(body, flow="f"):
    record = Message(body).to_record() if body != "garbage" else {"v": 99}
    return Entry(None, "1", letter.of(flow, "no", ValueError("no")), record)


async def rehearse(config, *entries):
    rehearsal = Rehearsal(config)
    async with Services() as services, flows(rehearsal.config, ["f"], services, 5.0, rehearsal) as run:
        return [await rehearsed(each, run, rehearsal) for each in entries]


@virtual()
async def test_what_calls_nothing_is_sure(plugins):
    good, dropped, bad = await rehearse(parse(FLOWS, plugins, {}), entry("good"), entry("drop"), entry("early"))

    assert (good.kind, good.is_sure) == ("completes", True)
    assert (dropped.kind, dropped.is_sure) == ("drops", True)
    assert (bad.kind, bad.is_sure) == ("fails", True)
    assert "nope" in bad.reason
    assert len(bad.group) == 8


@virtual()
async def test_calls_are_left_out_and_told(plugins):
    """No connector is opened: this one would refuse."""
    sent, called = await rehearse(parse(FLOWS, plugins, {}), entry("send"), entry("call"))

    assert (sent.kind, sent.called) == ("completes", ("f.if#4[then].queue-dispatch",))
    assert (called.kind, called.is_sure, called.called) == ("fails", False, ("f.if#3[then].charge",))
    assert not any(each.startswith("open") for each in history)


@virtual()
async def test_a_stub_answers_for_its_connector(plugins):
    config = stubbed(parse(FLOWS, plugins, {}), {"p": Standin()})
    (called,) = await rehearse(config, entry("call"))

    assert (called.kind, called.is_sure) == ("fails", True)


@virtual()
@pytest.mark.parametrize(
    ("given", "reason"), [(entry("good", "gone"), "no flow 'gone'"), (entry("garbage"), "version")]
)
async def test_what_cannot_be_run_is_said(plugins, given, reason):
    (found,) = await rehearse(parse(FLOWS, plugins, {}), given)

    assert found.kind == "impossible"
    assert reason in found.reason
