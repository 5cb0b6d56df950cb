"""What the recorder keeps while a flow runs."""

from __future__ import annotations

import pytest

from octo.core.message import Message
from octo.core.trace import parse
from octo.trace.crossing import (
    AFTER,
    BEFORE,
    MOST_EFFECTS,
    Spot,
    Trace,
    Within,
    is_chosen,
    limit_of,
    number_of,
    share_of,
    span_of,
)


def a_trace(sample=1.0):
    return Trace([Spot("f", share=share_of(sample)), None, Message(1), 5, None, 0], 1_000)


def test_ids_are_made_when_asked_for_and_stay():
    trace = a_trace()
    scope = Within(trace, trace.crossings[0])

    assert trace.number == 0
    assert parse(trace.traceparent) == (trace.id, trace.span(trace.open), True)
    assert scope.traceparent == trace.traceparent


@pytest.mark.parametrize("sample", [-1.0, 0.0])
def test_of_a_sample_of_none_none_is_chosen(sample):
    assert not any(a_trace(sample).is_chosen for _ in range(1000))


@pytest.mark.parametrize("sample", [1.0, 2.0])
def test_of_a_sample_of_all_all_are_chosen(sample):
    assert all(a_trace(sample).is_chosen for _ in range(1000))


def test_a_sample_is_about_as_large_as_asked():
    assert 50 < sum(a_trace(0.1).is_chosen for _ in range(1000)) < 150


def test_who_asked_for_a_trace_gets_it():
    trace = a_trace(0.0)
    trace.asked = True

    assert trace.is_chosen
    assert trace.traceparent.endswith("-01")


def test_moments_become_wall_times():
    assert a_trace().wall(25) == 1_020


def test_effects_are_bounded_and_end_with_the_trace():
    trace = a_trace()
    for _ in range(MOST_EFFECTS + 5):
        trace.effect("http", {})
    assert len(trace.effects) == MOST_EFFECTS

    trace.clear()
    trace.is_over = True
    trace.effect("http", {})
    assert not trace.effects


def test_what_was_cleared_holds_no_messages_but_still_ids():
    trace = a_trace()
    before = trace.traceparent
    trace.clear()

    assert trace.crossings[0][BEFORE] is trace.crossings[0][AFTER] is None
    assert trace.traceparent == before


def test_the_declared_fields_of_all_flows_count():
    trace = a_trace()
    trace.mask = frozenset({"a"})
    trace.crossings.append([Spot("g", mask=frozenset({"b"})), trace.open, Message(), 6, None, 0])

    assert trace.masks() == {"a", "b"}


@pytest.mark.parametrize("sample", [0.0, 1e-15, 0.01, 0.5, 0.999, 1.0])
def test_event_ids_and_the_trace_ids_made_of_them_are_in_the_sample_alike(sample):
    share = share_of(sample)
    messages = [Message() for _ in range(1000)]

    assert [message.event_id < limit_of(share) for message in messages] == [
        is_chosen(number_of(message.event_id), share) for message in messages
    ]


def test_a_family_of_messages_has_one_trace_id_and_each_a_span_id():
    message = Message()
    called = message.rekeyed()

    assert number_of(called.event_id) == number_of(message.event_id)
    assert number_of(Message().event_id) != number_of(message.event_id)
    assert span_of(called.event_id) != span_of(message.event_id)


def test_the_trace_id_of_a_sender_stays():
    assert number_of("ab" * 16, f"00-{7:032x}-{8:016x}-00") == 7
    assert number_of("0" * 32, "nonsense") == 1


@pytest.mark.parametrize("event_id", ["", "e1", "order 4711", "\ud800", "\u00fc" * 99, "-1", "f" * 99])
def test_event_ids_that_somebody_else_made_up_are_fine(event_id):
    assert parse(f"00-{number_of(event_id):032x}-{span_of(event_id)}-00") is not None
    assert number_of(event_id) == number_of(event_id)
