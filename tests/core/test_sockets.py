"""Sockets: what settings leave open until the flow is built."""

from __future__ import annotations

from copy import deepcopy

import pytest
from pydantic import ValidationError

from octo.core.expressions import Expr
from octo.core.message import Message
from octo.core.settings import Settings
from octo.core.sockets import FlowRef, Steps, sockets


class Inner(Settings):
    when: Expr[bool] | None = None
    process: Steps


class Example(Settings):
    routing_key: Expr[str] | None = None
    fields: dict[str, Expr[str]] = {}
    then: Steps | None = None
    cases: list[Inner] = []
    flow: FlowRef | None = None


def made(**values):
    return Example.model_validate(values)


def test_sockets_are_found_at_any_depth_with_their_yaml_path():
    settings = made(
        routingKey='"x"',
        fields={"X-A": "body"},
        cases=[{"when": "true", "process": []}],
        then={"name": "t", "process": [1]},
        flow="other",
    )

    found = {path: type(socket) for path, socket in sockets(settings)}

    assert found == {
        ("routingKey",): Expr,
        ("fields", "X-A"): Expr,
        ("then",): Steps,
        ("cases", 0, "when"): Expr,
        ("cases", 0, "process"): Steps,
        ("flow",): FlowRef,
    }


@pytest.mark.parametrize("key", ["source", "workers", "buffer", "pool", "error"])
def test_a_sub_flow_has_no_keys_of_a_flow(key):
    with pytest.raises(ValidationError, match="belongs to a flow"):
        made(then={"process": [], key: 1})


@pytest.mark.parametrize("key", ["proces", "type", "when"])
def test_an_unknown_key_of_a_sub_flow_is_refused(key):
    with pytest.raises(ValidationError, match=f"unknown key `{key}`; a sub-flow has `name` and `process`"):
        made(then={"process": [], key: 1})


def test_a_copied_reference_is_bound_anew():
    flow = made(flow="other").flow
    flow.target = object()
    copied = deepcopy(flow)

    assert (copied.name, copied.target) == ("other", None)


def test_copied_steps_are_compiled_anew():
    """A copy keeps what was written and its place, but not the compiled chain."""
    steps = made(then={"name": "t", "process": [1]}).then
    steps.blocks, steps.address, steps.run = ("a",), "f.if[then]", lambda message: message
    copied = deepcopy(steps)

    parts = (copied.raw, copied.name, copied.path, copied.blocks, copied.address)
    assert parts == ([1], "t", ("process",), ("a",), "f.if[then]")
    with pytest.raises(RuntimeError, match="never compiled"):
        copied(Message())


def test_steps_that_were_not_compiled_yet_can_be_copied():
    copied = deepcopy(made(then=[1]).then)

    assert (copied.raw, copied.blocks, copied.address) == ([1], (), "")


def test_a_sub_flow_may_be_empty():
    """`process:` without a value, or an empty list."""
    assert [made(then=each).then.raw for each in ({"process": None}, [], {"name": "t"})] == [[], [], []]


def test_steps_are_read_alone_and_stay_what_they_are():
    """Of a value that is no chain nothing is read."""
    steps = Steps.read({"process": [1]})

    assert steps.raw == [1]
    assert made(then=steps).then is steps
    assert Steps.read("log") is None


async def test_a_reference_that_is_bound_calls_its_flow_or_sends_to_it():
    class Other:
        sent = []

        def call(self, message):
            return message.with_body("answer")

        async def send(self, message):
            self.sent.append(message.body)

    flow = made(flow="other").flow
    flow.target = Other()

    assert flow.call(Message(1)).body == "answer"
    await flow.send(Message(2))
    assert Other.sent == [2]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"then": "log"}, "expected a list of blocks, or a mapping with `process:`"),
        ({"then": {"process": {"type": "log"}}}, "`process` must be a list of blocks"),
        ({"flow": ""}, "at least 1 character"),
    ],
)
def test_a_socket_that_cannot_be_meant_is_refused(values, complaint):
    with pytest.raises(ValidationError, match=complaint):
        made(**values)
