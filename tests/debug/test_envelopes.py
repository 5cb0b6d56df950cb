"""The envelope says how a watched flow ended, where it was stopped, and what the spies saw."""

from __future__ import annotations

import json

import pytest

from octo.core.errors import Timeout
from octo.core.flow import Drop
from octo.core.message import Message
from octo.debug import Debug, envelope

ID = "0" * 32


def shown(message):
    """Return a message without its random id."""
    return {name: value for name, value in message.items() if name != "event_id"}


async def test_a_flow_that_completed_has_a_result(watched):
    found = envelope(*await watched(2))

    assert shown(found.pop("result")) == {"body": 1, "variables": {"a": 1, "b": 2, "c": 3}}
    assert found == {"spies": []}


async def test_a_breakpoint_shows_the_message_and_no_result(watched):
    found = envelope(*await watched(2, break_at="f.if"))

    assert shown(found.pop("message")) == {"body": 4}
    assert found == {"reached": True, "block": "f.if", "spies": []}


async def test_a_breakpoint_that_was_never_reached_is_said_so(watched):
    found = envelope(*await watched(2, break_at="f[error].saved"))

    assert found.keys() == {"result", "reached", "block", "spies"}
    assert found["reached"] is False


async def test_spies_show_every_way_to_leave(watched):
    _, dropped = await watched(-1, spies=["f.check"])
    _, failed = await watched(4, spies=["f.switch", "f[error].saved"])
    records = [spy["records"] for debug in (dropped, failed) for spy in envelope(Drop(), debug)["spies"]]

    assert [{name for name in each[0] if name not in ("seq", "at")} for each in records] == [
        {"input", "dropped", "reason"},
        {"input", "error"},
        {"input", "output"},
    ]
    assert records[0][0]["reason"] == "too small"
    assert [each["address"] for each in envelope(Drop(), failed)["spies"]] == ["f.switch", "f[error].saved"]


async def test_the_envelope_is_json(watched):
    found = envelope(*await watched(4, spies=["f.switch"], break_at="f.check"))

    assert json.loads(json.dumps(found)) == found


@pytest.mark.parametrize(
    ("outcome", "found"),
    [
        (Drop(), {"dropped": True}),
        (Drop("not today"), {"dropped": True, "reason": "not today"}),
        (Timeout("too slow"), {"error": "too slow"}),
        (Message(None, {}, ID), {"result": {"event_id": ID}}),
    ],
)
def test_every_end_has_its_own_word(config, outcome, found):
    assert envelope(outcome, Debug(config, "f")) == {**found, "spies": []}
