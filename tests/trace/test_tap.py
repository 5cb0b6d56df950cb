"""A tap shows the next traces of a flow, sampled or not, and harms no message."""

from __future__ import annotations

import pytest

from octo import expr
from octo.core.expressions import Build
from octo.testing.harness import running
from octo.trace.recorder import Recorder

TEXT = """
flows:
  - {name: f, process: [{type: flow-ref, flow: g}]}
  - {name: g, process: [{type: set-payload, value: body * 2}]}
  - {name: other, process: [{type: set-payload, value: body}]}
"""


def when(text):
    return expr.compile(text, Build().scope())


@pytest.fixture
def tapped(plugins):
    """Tap `flow`, run messages through `f`, and return what was delivered."""

    async def run(flow, condition, take, *bodies, deliver=None):
        got = []
        recorder = Recorder(lambda _: None, sample=0.0)
        async with running(TEXT, plugins, observer=recorder) as app:
            recorder.tap(flow, condition, take, deliver or got.append)
            for body in bodies:
                await app.call("f", body)
        return got

    return run


async def test_a_tap_takes_as_many_as_it_was_told_irrespective_of_the_sample(tapped):
    got = await tapped("f", None, 2, 1, 2, 3)

    assert [each.summary.flow for each in got] == ["f", "f"]
    assert b'"body":4' in got[1].data


async def test_a_tap_takes_what_matches_its_condition(tapped):
    got = await tapped("f", when("body > 1 && vars.size() == 0"), 9, 1, 2, 3)

    assert len(got) == 2


@pytest.mark.parametrize("condition", ["body.x == 1", "body + 1", "'yes'", "vars.missing"])
async def test_a_condition_that_fails_or_is_no_bool_does_not_match(tapped, condition):
    assert await tapped("f", when(condition), 9, 1, 2) == []


async def test_a_called_flow_can_be_tapped_and_shows_the_whole_trace(tapped):
    [got] = await tapped("g", when("body == 2"), 1, 1, 2)

    assert got.summary.flow == "f"


async def test_other_flows_are_not_shown(tapped):
    assert await tapped("other", None, 9, 1) == []


async def test_one_who_cannot_take_a_trace_is_asked_no_more_and_the_flow_goes_on(tapped, caplog):
    def broken(_):
        raise OSError("gone")

    assert await tapped("f", None, 9, 1, 2, deliver=broken) == []
    assert caplog.text.count("a tap could not take a trace") == 1


async def test_a_tap_can_be_taken_away(plugins):
    got = []
    recorder = Recorder(lambda _: None, sample=0.0)
    async with running(TEXT, plugins, observer=recorder) as app:
        remove = recorder.tap("f", None, 9, got.append)
        await app.call("f", 1)
        remove()
        remove()
        await app.call("f", 2)

    assert len(got) == 1


@pytest.mark.parametrize("ends", ["taken", "removed"])
async def test_after_a_tap_the_sample_counts_again(plugins, ends):
    """While a tap is open, traces are whole; afterwards failures outside the sample have brief ones again."""
    kept = []
    recorder = Recorder(kept.append, sample=0.0)
    async with running("flows: [{name: f, process: [{type: set-payload, value: 1 / body}]}]", plugins) as app:
        await app.generation.observe(recorder)
        remove = recorder.tap("f", None, 1, lambda _: None)
        if ends == "taken":
            await app.call("f", 1)
        else:
            with pytest.raises(Exception, match="zero"):
                await app.call("f", 0)
            remove()
        with pytest.raises(Exception, match="zero"):
            await app.call("f", 0)

    assert [each.brief for each in kept] == ([True] if ends == "taken" else [False, True])


async def test_what_is_tapped_is_kept_too_when_it_is_in_the_sample(plugins):
    got, kept = [], []
    recorder = Recorder(kept.append)
    async with running(TEXT, plugins, observer=recorder) as app:
        recorder.tap("f", None, 1, got.append)
        await app.call("f", 1)

    assert [trace.id for trace in kept] == [each.summary.trace for each in got]
