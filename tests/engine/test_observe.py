"""Observers see every part of a flow, and can replace it."""

from __future__ import annotations

import itertools
from typing import ClassVar

from octo.engine.observe import NOBODY, Observer, Observers
from octo.testing.harness import running

FLOWS = """
flows:
  - name: f
    process:
      - type: if
        condition: body > 0
        then: [{type: set-payload, value: body * 2}]
        else: []
      - {type: flow-ref, flow: g}
    error: [{type: set-payload, value: '"saved"'}]
  - {name: g, process: [{type: set-payload, value: body + 1}]}
"""


class Seeing(Observer):
    def __init__(self, name="", trail=None):
        self.name = name
        self.trail = [] if trail is None else trail

    def step(self, step):
        return step._replace(call=self.noting(step.address, step.call))

    def branch(self, address, chain):
        return self.noting(address, chain)

    def flow(self, doc, build):
        return self.noting(f"flow {doc.name}", build(self))

    def noting(self, what, call):
        def noted(message):
            self.trail.append(self.name + what)
            return call(message)

        return noted


async def test_flows_branches_and_steps_are_seen_in_the_order_they_run(plugins):
    seeing = Seeing()
    async with running(FLOWS, plugins, observer=seeing) as app:
        assert (await app.call("f", 1)).body == 3

    assert seeing.trail == [
        "flow f",
        "f",
        "f.if",
        "f.if[then]",
        "f.if[then].set-payload",
        "f.flow-ref",
        "flow g",
        "g",
        "g.set-payload",
    ]


async def test_branches_without_blocks_and_error_chains_are_seen_too(plugins):
    seeing = Seeing()
    async with running(FLOWS, plugins, observer=seeing) as app:
        await app.call("f", -1)
        await app.call("f", "text")

    assert "f.if[else]" in seeing.trail
    assert seeing.trail[-2:] == ["f[error]", "f[error].set-payload"]


async def test_of_several_the_first_is_the_innermost(plugins):
    trail = []
    both = Observers([Seeing("inner ", trail), Seeing("outer ", trail)])
    async with running(FLOWS, plugins, observer=both) as app:
        await app.call("g", 1)

    assert trail[:2] == ["outer flow g", "inner flow g"]
    assert trail[-2:] == ["outer g.set-payload", "inner g.set-payload"]


async def test_an_observer_is_told_which_generation_it_sees(plugins):
    class Counting(Observer):
        generations: ClassVar[list[int]] = []

        def begin(self, generation):
            self.generations.append(generation)

    async with running(FLOWS, plugins, observer=Observers([Counting()])) as app:
        app.generation.number = 7
        await app.generation.observe(Counting())

    assert Counting.generations == [1, 7]


async def test_watching_can_begin_and_end_while_a_flow_runs(plugins):
    seeing = Seeing()
    async with running(FLOWS, plugins) as app:
        await app.call("g", 1)
        await app.generation.observe(seeing)
        await app.call("g", 1)
        await app.generation.observe(NOBODY)
        await app.call("g", 1)

    assert seeing.trail == ["flow g", "g", "g.set-payload"]


class Every(Observer):
    """Watches only every second message."""

    def __init__(self, trail):
        self.trail = trail

    def flow(self, doc, build):
        watched, plain = build(Seeing("watched ", self.trail)), build(NOBODY)
        calls = itertools.cycle([watched, plain])

        def alternating(message):
            return next(calls)(message)

        return alternating


async def test_a_flow_can_be_built_twice_to_be_watched_for_some_messages_only(plugins):
    trail = []
    async with running(FLOWS, plugins, observer=Every(trail)) as app:
        assert [(await app.call("f", 1)).body for _ in range(2)] == [3, 3]

    assert trail == [
        "watched f",
        "watched f.if",
        "watched f.if[then]",
        "watched f.if[then].set-payload",
        "watched f.flow-ref",
        "watched g",
        "watched g.set-payload",
    ]


async def test_who_watches_everything_does_so_in_both_builds(plugins):
    some, all_ = [], []
    for both in ([Seeing("", all_), Every(some)], [Every(some), Seeing("", all_)]):
        some.clear()
        all_.clear()
        async with running(FLOWS, plugins, observer=Observers(both)) as app:
            for _ in range(2):
                await app.call("g", 1)

        assert some == ["watched g", "watched g.set-payload"]
        assert all_ == ["flow g", "g", "g.set-payload"] * 2
