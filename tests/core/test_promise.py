"""What sources and sinks promise, declared once."""

from __future__ import annotations

import pytest

from octo.builtin import BLOCKS, CONNECTORS, plugins
from octo.core.promise import STEPS, Guaranteeing, Promise, chosen, contradictions, sentence

SOURCES = [source for name in CONNECTORS for source in plugins().connector(name).sources.values()]
SINKS = [block for block in map(plugins().block, BLOCKS) if block.promises]
DECLARED = [*SOURCES, *SINKS]


@pytest.mark.parametrize("declared", DECLARED, ids=lambda each: each.name)
def test_every_source_and_sink_declares_a_promise_that_follows_from_its_steps(declared):
    assert [contradictions(promise) for promise in declared.promises] == [[] for _ in declared.promises]
    assert {step for promise in declared.promises for step in promise.steps} <= STEPS.keys()
    assert all((promise.idempotent is not None) is (declared in SINKS) for promise in declared.promises)


@pytest.mark.parametrize("declared", DECLARED, ids=lambda each: each.name)
def test_where_there_are_several_promises_settings_choose(declared):
    assert (len(declared.promises) > 1) is issubclass(declared.settings, Guaranteeing)
    assert [bool(promise.when) for promise in declared.promises] == [False, *[True for _ in declared.promises[1:]]]


def test_every_block_that_calls_the_outside_is_a_sink():
    assert [name for name in BLOCKS if plugins().block(name).calls_outside and not plugins().block(name).promises] == []


@pytest.mark.parametrize(
    ("settings", "guarantee"),
    [({"subject": "a"}, "at most once"), ({"subject": "a", "durable": "me"}, "at least once")],
)
def test_settings_choose(settings, guarantee):
    events = plugins().connector("events").sources["events"]
    assert chosen(events.promises, events.settings.model_validate(settings)).guarantee == guarantee


@pytest.mark.parametrize(
    ("promise", "wrong"),
    [
        (Promise("at least once", ("flow", "acknowledge")), []),
        (Promise("at least once", ("acknowledge", "flow")), ["`acknowledge` comes before `flow`: a crash"]),
        (Promise("at least once", ("commit", "flow", "acknowledge")), ["`commit` comes before `flow`: a crash"]),
        (Promise("at least once", ("flow", "reply")), ["nothing settles the message after the flow, so it is not"]),
        (Promise("at most once", ("flow", "acknowledge")), ["it settles after the flow, so it is no `at most once`"]),
        (Promise("at most once", ("record", "flow")), []),
        (Promise("answered", ("flow", "reply")), []),
        (Promise("answered", ("reply",)), ["a source has the step `flow`"]),
        (Promise("answered"), ["no steps are declared"]),
        (Promise("at least once", ("send",), idempotent="never"), ["`confirm` is a step of a sink unless it is"]),
        (Promise("at most once", ("send", "confirm"), idempotent="never"), ["`confirm` is a step of a sink unless"]),
        (Promise("answered", ("confirm",), idempotent="never"), ["a sink has the step `send`"]),
    ],
)
def test_an_order_that_does_not_give_the_guarantee_is_refused(promise, wrong):
    found = contradictions(promise)
    assert len(found) == len(wrong)
    assert all(one.startswith(other) for one, other in zip(found, wrong, strict=True)), found


def test_it_is_said_in_a_sentence():
    durable = Promise("at least once", ("flow", "commit"), "with `durable`")
    keyed = Promise("answered", ("send", "confirm"), idempotent="with a key")
    assert sentence(durable.as_json()) == "With `durable`: at least once. The order: flow, commit."
    assert sentence(keyed.as_json()) == "Guarantee: answered. The order: send, confirm. Idempotent: with a key."
