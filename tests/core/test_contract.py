"""Clauses are written short or with a reason, and see the messages that they describe."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from octo.core.language import FlowSettings


def test_a_clause_is_an_expression_or_has_a_reason():
    contract = FlowSettings.model_validate({"requires": ["body > 0", {"that": "vars.x", "because": "x is set"}]})

    clauses = [(clause.that.text, clause.because) for clause in contract.requires]
    assert clauses == [("body > 0", ""), ("vars.x", "x is set")]
    assert contract.requires[0].that(1, {}) is True


def test_a_promise_sees_what_came_in():
    [clause] = FlowSettings.model_validate({"ensures": ["body == input.body + 1"]}).ensures

    assert clause.that(2, {}, {"body": 1, "vars": {}}) is True


def test_a_demand_does_not():
    with pytest.raises(ValidationError, match="undeclared name 'input'"):
        FlowSettings.model_validate({"requires": ["input.body"]})


def test_a_bare_boolean_is_a_clause_too():
    assert FlowSettings.model_validate({"requires": [False]}).requires[0].that(1, {}) is False
