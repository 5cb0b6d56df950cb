"""Settings: strict, frozen, with sockets that are filled while a flow is built."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import ValidationError

from octo.core import log
from octo.core.message import Message
from octo.core.settings import (
    Build,
    Duration,
    Expr,
    FlowRef,
    Names,
    Secret,
    Settings,
    Steps,
    field_docs,
    parse_duration,
    sockets,
)
from octo.expr import ExprError, Timestamp


class Inner(Settings):
    when: Expr[bool] | None = None
    process: Steps


class Example(Settings):
    routing_key: Expr[str] | None = None
    """Where it goes."""
    prefetch: int = 64
    """How many
    at once."""
    wait: Duration = timedelta(seconds=30)
    token: Secret | None = None
    value: Expr[object] | None = None
    items: Expr[list[object]] | None = None
    fields: dict[str, Expr[str]] = {}
    then: Steps | None = None
    cases: list[Inner] = []
    flow: FlowRef | None = None
    tick: Annotated[Expr[object], Names("now", "settings")] | None = None


def made(**values):
    return Example.model_validate(values, context=Build({"REGION": "north"}))


def test_yaml_keys_are_camel_case_and_unknown_ones_are_refused():
    assert made(routingKey='"x"').routing_key is not None
    with pytest.raises(ValidationError):
        made(routing_key='"x"')


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        made().prefetch = 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("1h30m", 5400), ("1.5s", 1.5), ("0", 0), ("10us", 1e-5), (2_000_000_000, 2), (0, 0)],
)
def test_durations_are_written_as_in_go(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["30", "1d", "soon", "-5s", 30, 5000])
def test_a_duration_without_a_sensible_unit_is_refused(text):
    with pytest.raises(ValidationError, match="duration"):
        made(wait=text)


def test_a_secret_is_never_printed():
    settings = made(token="hunter22")

    assert "hunter22" not in repr(settings)
    assert settings.token.get_secret_value() == "hunter22"


@pytest.mark.parametrize(
    ("source", "expected"),
    [('"a"', "a"), ("1", "1"), ("[1, 2]", "[1,2]"), ("true", "true"), ("env.REGION", "north"), ("body", "text")],
)
def test_a_text_expression_renders_what_is_no_text(source, expected):
    assert made(routingKey=source).routing_key(Message("text")) == expected


def test_a_text_expression_refuses_null():
    with pytest.raises(ExprError, match="found null"):
        made(routingKey="body").routing_key(Message(None))


def test_a_list_expression_demands_a_list():
    assert made(items="[body]").items(Message(1)) == [1]
    with pytest.raises(ExprError, match="must evaluate to a list, got an int"):
        made(items="body").items(Message(1))


def test_the_time_becomes_text():
    assert isinstance(made(value="now").value(Message()), str)
    assert isinstance(made(value='{"at": [now]}').value(Message())["at"][0], str)
    assert made(tick="now").tick(Timestamp(0), {}) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(("value", "expected"), [(True, True), (42, 42), (1.5, 1.5)])
def test_bare_yaml_scalars_are_expressions(value, expected):
    assert made(value=value).value(Message()) == expected


@pytest.mark.parametrize("value", [["1"], {"a": 1}])
def test_an_expression_is_one_text(value):
    with pytest.raises(ValidationError, match="expected a CEL expression"):
        made(value=value)


def test_named_expressions_see_their_own_names_only():
    assert made(tick="settings.a").tick(None, {"a": 7}) == 7
    with pytest.raises(ValidationError, match="body"):
        made(tick="body")


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


def test_field_docs_are_the_strings_under_the_fields():
    assert field_docs(Example) == {"routing_key": "Where it goes.", "prefetch": "How many\nat once."}


def test_a_secret_is_masked_in_logs_from_the_moment_it_is_read():
    class Login(Settings):
        password: Secret

    Login.model_validate({"password": "hunter22"})

    assert log.masked("tried hunter22") == "tried «secret»"
