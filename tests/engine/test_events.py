"""The bus calls every subscriber, and none can harm another."""

from __future__ import annotations

from octo.core.flow import Drop
from octo.core.message import Message
from octo.engine.events import Bus


def test_each_outcome_has_its_kind():
    events = []
    bus = Bus()
    bus.subscribe(events.append)
    message = Message(1)

    bus.started("f", message)
    bus.ended("f", message, Message(2), 0.5)
    bus.ended("f", message, Drop("why"), 0.5)
    bus.ended("f", message, ValueError("no"), 0.5)

    assert [event.kind for event in events] == ["started", "completed", "dropped", "failed"]
    assert {message.event_id} == {event.event_id for event in events}
    assert events[1].message.body == 2
    assert events[2].reason == "why"
    assert str(events[3].error) == "no"


def test_a_failing_handler_is_logged_and_others_still_hear(caplog):
    heard = []
    bus = Bus()
    bus.subscribe(lambda event: 1 / 0)
    bus.subscribe(heard.append)

    bus.started("f", Message())

    assert len(heard) == 1
    assert "an event handler failed" in caplog.text


def test_unsubscribed_handlers_hear_nothing():
    heard = []
    bus = Bus()
    stop = bus.subscribe(heard.append)
    stop()

    bus.started("f", Message())

    assert heard == []
