"""Settings: strict, frozen, with sockets that are filled while a flow is built."""

from __future__ import annotations

from copy import deepcopy

import pytest
from pydantic import ValidationError

from octo.core.expressions import Build, Expr
from octo.core.settings import Secret, Settings, field_docs


class Example(Settings):
    routing_key: Expr[str] | None = None
    """Where it goes."""
    prefetch: int = 64
    """How many
    at once."""
    token: Secret | None = None


def made(**values):
    return Example.model_validate(values, context=Build({"REGION": "north"}))


def test_yaml_keys_are_camel_case_and_unknown_ones_are_refused():
    assert made(routingKey='"x"').routing_key is not None
    with pytest.raises(ValidationError):
        made(routing_key='"x"')


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        made().prefetch = 1


def test_an_error_shows_no_value():
    """What stands in the wrong place may be a secret."""
    with pytest.raises(ValidationError) as caught:
        made(prefetch="hunter22", tokn="hunter33", token=["hunter44"])

    assert caught.value.error_count() == 3
    assert "hunter" not in str(caught.value)


def test_a_secret_is_never_printed():
    settings = made(token="hunter22")

    assert "hunter22" not in repr(settings)
    assert settings.token.get_secret_value() == "hunter22"


def test_field_docs_are_the_strings_under_the_fields():
    assert field_docs(Example) == {"routing_key": "Where it goes.", "prefetch": "How many\nat once."}


def test_a_secret_is_masked_in_logs_from_the_moment_it_is_read():
    class Login(Settings):
        password: Secret

    Login.model_validate({"password": "hunter22"})

    assert log.masked("tried hunter22") == "tried «secret»"


def test_settings_with_another_expression_are_other_settings():
    """By which a reload knows what to open anew."""
    assert made(routingKey='"x"') == made(routingKey='"x"')
    assert made(routingKey='"x"') != made(routingKey='"y"')


def test_a_copied_reference_is_bound_anew():
    flow = made(flow="other").flow
    flow.target = object()
    copied = deepcopy(flow)

    assert (copied.name, copied.target) == ("other", None)


def test_copied_steps_are_compiled_anew():
    """What was written and where it stands stays; what runs does not."""
    steps = made(then={"name": "t", "process": [1]}).then
    steps.blocks, steps.address, steps.run = ("a",), "f.if[then]", lambda message: message
    copied = deepcopy(steps)

    parts = (copied.raw, copied.name, copied.path, copied.blocks, copied.address)
    assert parts == ([1], "t", ("process",), ("a",), "f.if[then]")
    with pytest.raises(RuntimeError, match="never compiled"):
        copied(Message())


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"then": "log"}, "expected a list of blocks, or a mapping with `process:`"),
        ({"then": {"process": {"type": "log"}}}, "`process` must be a list of blocks"),
        ({"flow": ""}, "at least 1 character"),
        ({"cases": [{"when": None, "process": []}], "fields": {"a": None}}, "an expression is missing here"),
        ({"cases": [{"when": '"text"', "process": []}]}, "the value must be a bool, this is always a string"),
        ({"items": "1"}, "the value must be a list, this is always an int"),
    ],
)
def test_what_cannot_be_meant_is_refused(values, complaint):
    with pytest.raises(ValidationError, match=complaint):
        made(**values)


def test_a_sub_flow_may_be_empty():
    """`process:` with nothing behind it, or a bare list."""
    assert [made(then=each).then.raw for each in ({"process": None}, [], {"name": "t"})] == [[], [], []]


def test_a_field_that_is_declared_again_is_described_again():
    class Narrower(Example):
        prefetch: int = 1
        """One at a time."""

    assert field_docs(Narrower) == {"routing_key": "Where it goes.", "prefetch": "One at a time."}
