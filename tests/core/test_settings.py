"""Settings: strict, frozen, with sockets that are filled while a flow is built."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.core import secrets
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
    """A value in the wrong place may be a secret."""
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

    assert secrets.masked("tried hunter22") == "tried «secret»"


def test_a_variable_without_a_value_is_no_secret():
    """What is said about it has to name it."""
    assert made(token="${OCTO_TOKEN}").token is not None

    assert secrets.masked("`${OCTO_TOKEN}` is used here") == "`${OCTO_TOKEN}` is used here"


def test_a_field_that_is_declared_again_is_described_again():
    class Narrower(Example):
        prefetch: int = 1
        """One at a time."""

    assert field_docs(Narrower) == {"routing_key": "Where it goes.", "prefetch": "One at a time."}
