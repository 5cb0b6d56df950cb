"""The keys of a flow and of a variable have the defaults that the reference promises."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.core.language import LONGEST_DESCRIPTION, FlowSettings, VariableSettings


def test_a_flow_works_on_256_messages_at_once_and_64_may_wait():
    flow = FlowSettings()

    assert (flow.workers, flow.buffer, flow.pool) == (256, 64, 64)


def test_a_description_is_as_long_as_models_accept():
    FlowSettings(description="d" * LONGEST_DESCRIPTION)
    with pytest.raises(ValidationError, match="at most 1000 characters"):
        FlowSettings(description="d" * (LONGEST_DESCRIPTION + 1))


def test_a_variable_may_be_missing_unless_it_is_said_to_be_required():
    assert VariableSettings(name="REGION").required is False


@pytest.mark.parametrize("name", ["", "1ST", "A-B", "A B", "A\n"])
def test_a_variable_has_a_name_that_expressions_can_select(name):
    with pytest.raises(ValidationError):
        VariableSettings(name=name)
