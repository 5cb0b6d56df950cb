"""The harness runs a configuration inside a test."""

from __future__ import annotations

import pytest

from octo import Message, Permanent, Settings, block
from octo.core.flow import Failure
from octo.engine.connections import StartError
from octo.testing.harness import running

FLOW = "flows: [{name: double, process: [{type: set-payload, value: body * 2}]}]"


async def test_calls_and_events(plugins):
    async with running(FLOW, plugins) as app:
        assert (await app.call("double", 21)).body == 42
        assert app.kinds("double") == ["started", "completed"]
        assert app.kinds("other") == []


class Loud(Settings):
    """Nothing to set."""


@block("shout")
def shout(settings: Loud, message: Message) -> Message:
    """Replace the body by a text in capitals."""
    if not message.body:
        raise Permanent("nothing to shout")
    return message.with_body(str(message.body).upper())


SHOUT = "flows: [{name: shout, process: [{type: set-payload, value: body.text}, {type: shout}]}]"


async def test_what_is_built_in_and_what_is_at_hand():
    """A test of a package names only its own components: it needs no plugins and no entry points."""
    async with running(SHOUT, components=[shout]) as app:
        assert (await app.call("shout", {"text": "hey"})).body == "HEY"


async def test_an_error_comes_out_as_itself():
    """The error is not in a group: a test expects `Failure`."""
    with pytest.raises(Failure, match="nothing to shout"):
        async with running(SHOUT, components=[shout]) as app:
            await app.call("shout", {"text": ""})


PROBED = """
connectors: [{name: box, type: probe, settings: {refuse: true}}]
flows: [{name: note, process: [{type: note, settings: {connector: box, value: body}}]}]
"""


async def test_a_stub_stands_in(plugins):
    """`stubs` takes, by the connector's name, what a test file writes under `stubs:`."""
    async with running(PROBED, plugins, stubs={"box": {"notes": ["before"]}}) as app:
        await app.call("note", "after")

        assert app.connector("box").notes == ["before", "after"]


@pytest.mark.parametrize(
    ("stubs", "told"),
    [
        ({"bax": {}}, "no connector is named 'bax', so it cannot have a stub"),
        ({}, 'connector "box" (probe) did not start'),
    ],
)
async def test_without_its_stub(plugins, stubs, told):
    """A wrong name, or a connector without a stub, is an error."""
    with pytest.raises((LookupError, StartError)) as caught:
        async with running(PROBED, plugins, stubs=stubs):
            pass

    assert told in str(caught.value)
