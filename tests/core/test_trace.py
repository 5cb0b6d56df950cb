"""Trace context is passed on; calls to the outside are recorded when there is a recorder."""

from __future__ import annotations

import pytest

from octo.core import trace
from octo.core.message import Message

ID, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Recording:
    traceparent = f"00-{ID}-1111111111111111-01"

    def __init__(self):
        self.effects = []

    def effect(self, kind, details):
        self.effects.append((kind, details))


@pytest.fixture
def recording():
    span = Recording()
    token = trace.current.set(span)
    yield span
    trace.current.reset(token)


def test_a_traceparent_is_read():
    assert trace.parse(f"00-{ID}-{SPAN}-01") == (ID, SPAN, True)
    assert trace.parse(f"00-{ID}-{SPAN}-00") == (ID, SPAN, False)
    assert trace.parse(f"00-{ID}-{SPAN}-03") == (ID, SPAN, True)
    assert trace.parse(f"00-{ID}-{SPAN}-02") == (ID, SPAN, False)


def test_a_later_version_may_say_more():
    assert trace.parse(f"01-{ID}-{SPAN}-01-more") == (ID, SPAN, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        f"00-{ID}-{SPAN}",
        f"00-{ID.upper()}-{SPAN}-01",
        f"ff-{ID}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID}-{SPAN}-01-more",
        f"00-{ID}-{SPAN}-01\n",
    ],
)
def test_what_is_none_is_ignored(text):
    assert trace.parse(text) is None


def test_a_tracestate_travels_with_it():
    """It is passed on unchanged beside the `traceparent` of any span, and does not change how that is read."""
    both = trace.with_tracestate(f"00-{ID}-{SPAN}-01", "vendor=1,other=2")

    assert trace.parse(both) == (ID, SPAN, True)
    assert trace.outgoing(Message(traceparent=both)) == f"00-{ID}-{SPAN}-01"
    assert trace.span_headers(Message(traceparent=both)) == {
        "traceparent": f"00-{ID}-{SPAN}-01",
        "tracestate": "vendor=1,other=2",
    }


def test_a_call_has_no_more_headers_than_the_message_has_a_trace():
    parent = f"00-{ID}-{SPAN}-01"

    assert trace.span_headers(Message()) == {}
    assert trace.span_headers(Message(traceparent=trace.with_tracestate(parent, ""))) == {"traceparent": parent}


def test_a_recorder_hands_on_the_tracestate_of_its_own_trace_alone(recording):
    ours = Message(traceparent=trace.with_tracestate(f"00-{ID}-{SPAN}-00", "vendor=1"))
    unreadable = Message(traceparent=trace.with_tracestate("nonsense", "vendor=1"))

    assert trace.span_headers(ours) == {"traceparent": recording.traceparent, "tracestate": "vendor=1"}
    assert trace.span_headers(unreadable) == {"traceparent": recording.traceparent}


def test_without_a_recorder_the_context_is_handed_on_as_it_came():
    assert trace.outgoing(Message(traceparent="as it came")) == "as it came"
    assert trace.outgoing(Message()) == ""
    trace.effect("http", url="nobody listens")


def test_a_recorder_names_its_own_span_and_sees_effects(recording):
    trace.effect("http", url="x", status=200)

    assert trace.outgoing(Message(traceparent="as it came")) == recording.traceparent
    assert recording.effects == [("http", {"url": "x", "status": 200})]
