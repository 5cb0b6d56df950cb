"""Sockets: what settings leave open until the flow is built."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.core.expressions import Expr
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
